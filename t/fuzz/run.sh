#!/bin/sh
# libFuzzer over the fuzz targets in $FUZZ, one after another: RUNS inputs each, or without RUNS for LIMIT seconds
# (TARGETS: only these). Inputs start from t/fuzz/corpus and seeds-X.sh; new ones collect in build/corpus/X from run to
# run, and failures go to build/findings. Prints a line for each target. `make fuzz` runs this.
#	MERGE=yes t/fuzz/run.sh          instead: t/fuzz/corpus/X becomes the least set of inputs, none above MERGE_LEN
#	                                 bytes, that reaches what all reach
corpus=$SRC/build/corpus findings=$SRC/build/findings
export TMPDIR; TMPDIR=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/unmask-fuzz.XXXXXX") || exit 99
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' INT TERM HUP
# Libraries that stay loaded are not leaks; a finding must end the run.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 LC_ALL=C PATH="$BUILD:$PATH"
max_len() { # larger inputs are slower without being different
	case $1 in
	words) echo 120 ;; cls|list|annotations|manifest|seeds|config) echo 400 ;; scores) echo 1000 ;;
	cifar) echo 6500 ;; lmdb) echo 24576 ;; checkpoint|pytorch|safetensors) echo 30000 ;; *) echo 4096 ;;
	esac
}
sum=0 bad=0
for path in "$FUZZ"/fuzz_*; do
	target=${path##*/fuzz_}
	[ -x "$path" ] && [ -f "$path" ] || continue
	case " ${TARGETS:-$target} " in *" $target "*) ;; *) continue ;; esac
	seeds=$TMPDIR/seeds/$target own=$SRC/t/fuzz/corpus/$target
	mkdir -p "$seeds" "$corpus/$target" "$findings/$target"
	[ ! -f "$SRC/t/fuzz/seeds-$target.sh" ] || (cd "$seeds" && . "$SRC/t/fuzz/seeds-$target.sh") || exit 1
	[ -d "$own" ] || own=
	if [ -n "$MERGE" ]; then
		rm -rf "$TMPDIR/merged" && mkdir -p "$TMPDIR/merged" "$SRC/t/fuzz/corpus/$target" &&
		"$path" -set_cover_merge=1 -max_len="${MERGE_LEN:-1000}" "$TMPDIR/merged" "$corpus/$target" $own "$seeds" \
			>"$TMPDIR/log" 2>&1 || { tail -n 5 "$TMPDIR/log"; exit 1; }
		rm -f "$SRC/t/fuzz/corpus/$target"/*
		for f in "$TMPDIR/merged"/*; do
			[ ! -f "$f" ] || mv "$f" "$SRC/t/fuzz/corpus/$target/$(cksum <"$f" | cut -d' ' -f1)"
		done
		echo "fuzz_$target: $(ls "$SRC/t/fuzz/corpus/$target" | wc -l) inputs kept"
		continue
	fi
	before=$(ls "$findings/$target" | wc -l)
	"$path" -max_len="$(max_len "$target")" -rss_limit_mb=4096 -timeout=60 -print_final_stats=1 -verbosity=0 \
		$([ -n "$RUNS" ] && echo "-runs=$RUNS" || echo "-max_total_time=${LIMIT:-60}") \
		-artifact_prefix="$findings/$target/" "$corpus/$target" $own "$seeds" >"$TMPDIR/log" 2>&1
	status=$? n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$TMPDIR/log")
	found=$(($(ls "$findings/$target" | wc -l) - before))
	echo "fuzz_$target: ${n:-0} executions, $(ls "$corpus/$target" | wc -l) inputs in the corpus, $found findings"
	[ $status = 0 ] && [ $found = 0 ] || { bad=1; tail -n 40 "$TMPDIR/log" | sed 's/^/  /'; }
	sum=$((sum + ${n:-0}))
done
[ -n "$MERGE" ] || echo "$sum executions"
exit $bad
