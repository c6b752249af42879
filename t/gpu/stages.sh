# The stages of examine, which reads this file: each measures and writes rows; all names are examine's.

# ---- programs that answer a line with a line -------------------------------------------------------------------
open_peer() {                          # SECONDS COMMAND...
	rm -f "$work/in" "$work/out"
	mkfifo "$work/in" "$work/out"
	capped "$1"
	shift
	timeout -k 5 "$cap" "$@" <"$work/in" >"$work/out" 2>"$work/peer.err" &
	peer=$!
	exec 3>"$work/in" 4<"$work/out"
}
ask() { [ -n "$peer" ] && printf '%s\n' "$*" >&3 2>/dev/null && IFS= read -r answer <&4; }
close_peer() {
	exec 3>&- 4<&-
	wait "$peer"; rc=$?
	peer=
	cat "$work/peer.err" >>"$log"
	return $rc
}

# ---- the GPU ---------------------------------------------------------------------------------------------------
smi() { nvidia-smi -i "$card" --query-gpu="$1" --format=csv,noheader,nounits 2>/dev/null | head -n 1; }
case $device in cuda:*) card=${device#cuda:} ;; *) card=0 ;; esac
memory() {                             # MiB in use since `idle` was taken, or -
	used=
	case $device in cuda*) used=$(smi memory.used) ;; esac
	case $used$idle in *[!0-9]*|'') echo - ;; *) echo $((used - idle)) ;; esac
}
case $device in
cuda*) idle=$(smi memory.used) precisions='f32 tf32 bf16' ;;
*) idle='' precisions='f32 bf16' ;;
esac

# ---- networks, in the order of their importance ----------------------------------------------------------------
nets=${NETS:-densenet wrn cifar18 resnet50} batches=${BATCHES:-1 64 256 1024} middle=${MIDDLE:-256}
steps=${STEPS:-256 64} seconds=0.2 lone=16 like=densenet:depth=22
if [ -n "$toy" ]; then
	nets=toy batches='1 4' steps=8 middle=4 seconds=0.05 lone=4 like=densenet:depth=10
	export OMP_WAIT_POLICY=passive # it may run beside other things
fi
network() {                            # sets spec, side, classes
	side=32 classes=10
	case $1 in
	densenet) spec=densenet:depth=100,growth=12 ;;
	wrn) spec=wideresnet:depth=40,widen=2 ;;
	cifar18) spec=resnet-cifar:depth=18 ;;
	resnet50) spec=resnet:depth=50 side=224 classes=1000 ;;
	toy) spec=densenet:depth=10,growth=4 ;;
	esac
}
model() {                              # makes $work/NET.ckpt
	network "$1"
	[ -s "$work/$1.ckpt" ] || golden-net ckpt "$spec" $classes $side >"$work/$1.ckpt" 2>"$work/err" ||
		{ failure "a checkpoint of $spec" "$work/err"; false; }
}
have_pytorch() {
	[ -n "$pytorch" ] || pytorch=$("$python" -c 'import torch, torchvision; print(torch.__version__)' 2>/dev/null) ||
		pytorch=none
	[ "$pytorch" != none ]
}

# ---- 1. the seam and the machine -------------------------------------------------------------------------------
machine() { [ -z "$2" ] || row machine "$1" "$2"; }
describe() {
	machine when "$(date -u '+%Y-%m-%d %H:%M') UTC"
	machine unmask "$(um-embed --version 2>/dev/null | head -n 1)"
	machine device "$device"
	case $device in cuda*) machine GPU "$(smi name), $(smi memory.total) MiB, driver $(smi driver_version)" ;; esac
	version=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$libtorch/version.py" 2>/dev/null)
	machine libtorch "${version:-${libtorch:-that of the seam which was there}}"
	if have_pytorch; then machine PyTorch "$pytorch ($python)"
	else machine PyTorch "none for $python, so nothing is held beside it"; fi
	machine processor "$cores x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
	machine memory "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
	machine kernel "$(uname -sr)"
}
# Gigabytes of libraries are read for the first time: better while the compiler runs than while a test waits.
read_libraries() { cat "$libtorch"/lib/*.so* "$libtorch"/../nvidia/*/lib/*.so* >/dev/null 2>&1; }
stage_1() {
	pack_data
	[ -z "$libtorch" ] || read_libraries &
	t0=$(now)
	if [ -z "$libtorch" ] && ! seam; then
		echo "no libtorch: --libtorch names none, $python has no torch, and there is no seam" >"$work/err"
		failure 'the seam' "$work/err"
	elif [ -z "$libtorch" ]; then
		machine seam 'was there'
	else
		if make_seam >"$work/err" 2>&1 && seam; then machine seam "built in $(($(now) - t0)) s"
		else failure 'building the seam' "$work/err"; fi
		cat "$work/err" >>"$log"
	fi
	describe
}

# ---- 2. CPU and GPU side by side -------------------------------------------------------------------------------
# A test's output into rows: each claim, and each difference that it found.
take_tap() {                           # NAME
	awk -v n=$number -v file="$1" -v OFS='\t' '
	/^# .*largest difference/ { if (d == "" || $NF + 0 > d + 0) d = $NF }
	/^1\.\.0 # SKIP/ { sub(/^1\.\.0 # SKIP */, ""); print n, "test", file, "skip", $0 }
	/^(not )?ok / {
		result = /^not/ ? "not ok" : / # SKIP/ ? "skip" : "ok"
		text = $0; sub(/^(not )?ok [0-9]+ (- )?/, "", text); sub(/ # SKIP/, ":", text)
		print n, "test", file, result, text
		if (match(text, /: off by [^ ]+$/)) { d = substr(text, RSTART + 9); text = substr(text, 1, RSTART - 1) }
		if (d != "") print n, "difference", file, text, d
		d = ""
	}' "$work/$1.tap" >>"$results"
}
start_test() {                         # a path from the source, or a built program
	name=${1##*/}
	capped 200
	case $1 in t/*) set -- sh "$SRC/$1" ;; *) set -- "$units/$1" ;; esac
	timeout -k 5 "$cap" "$@" >"$work/$name.tap" 2>"$work/$name.err" &
	testing="$testing $name:$!"
}
end_test() {                           # NAME:PROCESS
	name=${1%:*}
	wait "${1##*:}"; rc=$?
	testing=${testing#" $1"}
	cat "$work/$name.tap" "$work/$name.err" >>"$log"
	take_tap "$name"
	say "  $name: exit $rc"
	[ $rc = 0 ] && return
	grep -A 3 '^not ok' "$work/$name.tap" >>"$work/$name.err"
	failure "$name (exit $rc)" "$work/$name.err"
}
close_enough() {                       # WHERE WHAT DIFFERENCE PRECISION: as um_precision.t has it
	row difference "$1" "$2" "$3"
	case $4 in f32) limit=1e-4 ;; tf32) limit=1e-2 ;; *) limit=3e-2 ;; esac
	awk -v d="$3" -v l=$limit 'BEGIN { exit !(d ~ /^[0-9]/ && d + 0 <= l) }' ||
		{ echo "$3 is more than $limit" >"$work/err"; failure "$1: $2" "$work/err"; }
}
# The networks that are measured, both halves of each row by nn-bench: the device, and lib/nn.
compare_networks() {
	for net in $nets; do
		model $net || continue
		open_peer 60 nn-bench "$work/$net.ckpt" "$cores" "$device"
		for p in $precisions; do
			ask near $p $lone || break
			for what in logits features; do
				close_enough "$spec, $lone images of ${side}x$side" "$p, $what" "${answer%% *}" $p
				answer=${answer#* }
			done
		done
		close_peer || failure "comparing $spec" "$work/peer.err"
	done
}
losses() {                             # ENGINE DEVICE
	um-train -i start.ckpt -e 8 -b 16 --lr 0.01 --lr-policy constant --no-augment -o x.ckpt --engine "$1" --device "$2" \
		few.ts >said 2>&1 || { cat said >&2; return 1; }
	sed -n 's/.* loss=\([^ ]*\) .*/\1/p' said
}
compare_training() (
	cd "$work" && golden-net ckpt $like 10 >start.ckpt && golden-net images 16 10 >few.ts || return
	losses nn cpu >losses-nn && losses torch "$device" >losses-torch || return
	near 1e-3 losses-torch losses-nn >near; rc=$?
	row difference "um-train, $like" '8 steps, losses' "$(sed -n 's/.*difference //p' near)"
	[ $rc = 0 ] || { paste losses-nn losses-torch; cat near; } >&2
	return $rc
)
# No clock matters here, so the tests run side by side.
stage_2() {
	for test in ${tests:-um_precision.t t/9100-gpu.t um_queue.t um_exec_record.t t/2410-device.t}; do start_test "$test"; done
	compare_networks
	compare_training 2>"$work/err" || failure "training by lib/nn and by libtorch on $device" "$work/err"
	for test in $testing; do end_test "$test"; done
}

# ---- 3. the forward pass ---------------------------------------------------------------------------------------
# A row of rates: KIND NET PRECISION BATCH WHO "RATE RATE..." MIB PEAK REMARK
rates() {
	four=$(echo "$6" | tr ' ' '\n' | sort -n | awk '{ v[NR] = $1 }
		END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR], NR }')
	row "$1" "$2" "$3" "$4" "$5" $four "$7" "$8" "$9"        # median, least, most, how many
	say "  $1 $2 $3 $4 $5: $6 images/s"
}
ours() {                               # NET PRECISION
	open_peer 60 nn-bench "$work/$1.ckpt" "$cores" "$device"
	for b in $batches; do
		[ -n "$(left)" ] && ask stream $2 $b 3 $seconds || break
		case $answer in *"$tab"*) remark=${answer#*"$tab"} ;; *) remark= ;; esac
		rates forward $1 $2 $b unmask "${answer%%"$tab"*}" "$(memory)" - "$remark"
	done
	close_peer || failure "the forward pass of $1 in $2" "$work/peer.err"
}
no_rate() { row "$1" $2 $4 $5 "PyTorch $3" '' '' '' 0 - - "$6"; say "  $1 $2 $4 $5 PyTorch $3: $6"; }
theirs() {                             # KIND NET HOW PRECISION BATCH
	have_pytorch && [ -n "$(left)" ] || return
	minute=240
	[ $3 != compile ] || minute=75         # of which it takes some to start
	[ -n "$peer" ] || open_peer $minute "$python" "$here/peer.py" "$device"
	if ! ask $1 $2 $4 $5 $3 3 $seconds; then
		close_peer
		case $3$rc in compile124|compile137)
			[ -z "$(left)" ] || { no_rate "$@" "not done after $minute seconds"; return; } ;;
		esac
		failure "PyTorch, $1 $2 $4 $5 $3" "$work/peer.err"
		return
	fi
	case $answer in
	error*) no_rate "$@" "${answer#*"$tab"}" ;;
	*) rates $1 $2 $4 $5 "PyTorch $3" "${answer%%"$tab"*}" "$(memory)" "${answer#*"$tab"}" ;;
	esac
}
theirs_end() { [ -z "$peer" ] || close_peer || failure 'PyTorch' "$work/peer.err"; }
eager() { for p in $precisions; do for b in $batches; do theirs forward $1 eager $p $b; done; done; theirs_end; }
graphs() {
	case $device in cpu) return ;; esac
	for p in $precisions; do for b in 1 $middle; do theirs forward $1 graph $p $b; done; done
	theirs_end
}
compiled() {                           # each in a process of its own, which has a minute
	for p in bf16 f32 tf32; do
		case $precisions in *$p*) theirs forward $1 compile $p $middle ;; esac
		theirs_end
	done
}
cpu_beside() {                         # lib/nn on the same machine
	open_peer 60 nn-bench "$work/$1.ckpt" "$cores"
	ask nn $middle && rates forward $1 f32 $middle 'unmask, CPU' "$answer" - - ''
	close_peer || failure "lib/nn, $1" "$work/peer.err"
}
# The program itself, from images in a file to features in a file: two sizes, the start is in both.
whole_program() {                      # NET PRECISION
	many=60000 few=4000 runs=3
	case $device in cpu) many=1000 few=200 ;; esac
	[ -z "$toy" ] || many=400 few=100 runs=1
	golden-net images $few 10 >"$work/few.images" && golden-net images $many 10 >"$work/many.images" || return
	for k in few many; do
		eval "count=\$$k"
		[ -n "$(left)" ] || return
		try "um-embed $1 $2" 60 measure $runs um-embed -q -m "$work/$1.ckpt" --engine torch --device "$device" \
			--precision $2 -o "$work/f.ts" "$work/$k.images" >"$work/took" || return
		read -r median worst host <"$work/took"
		row embed $1 $2 $count "$median" "$worst" "$host"
		say "  um-embed $1 $2, $count images: $median s"
	done
}
stage_3() {
	first=${nets%% *}
	for net in $nets; do
		model $net || continue
		for p in $precisions; do [ -z "$(left)" ] || ours $net $p; done
		eager $net
	done
	whole_program $first f32
	graphs $first
	compiled $first
	whole_program $first bf16
	for net in $nets; do
		[ -z "$(left)" ] || ! model $net || cpu_beside $net
		[ $net = "$first" ] || { graphs $net; compiled $net; }
	done
}

# ---- 4. the training step --------------------------------------------------------------------------------------
# Whole epochs of um-train, of which the first does not count; the most memory that was seen meanwhile.
our_steps() {                          # NET BATCH PRECISION
	per=16
	[ $side = 32 ] || per=6
	golden-net images $((per * $2)) $classes $side >"$work/steps.images" || return
	timeout -k 5 "$(left || echo 1)" um-train -a "$spec" -e 5 -b $2 --device "$device" --engine torch --precision $3 -o "$work/x.ckpt" \
		"$work/steps.images" >"$work/said" 2>&1 &
	peer=$! most=-
	while kill -0 $peer 2>/dev/null; do
		m=$(memory)
		[ "$m" = - ] || { [ "$most" != - ] && [ "$m" -le "$most" ]; } || most=$m
		sleep 0.3
	done
	wait $peer; rc=$?
	peer=
	cat "$work/said" >>"$log"
	speeds=$(sed -n 's/.*images_s=\([0-9.]*\).*/\1/p' "$work/said" | sed 1d | tr '\n' ' ')
	[ -z "$speeds" ] || rates train $1 $3 $2 unmask "${speeds% }" "$most" - ''
	[ $rc = 0 ] || failure "um-train $1, $3, batches of $2 (exit $rc)" "$work/said"
}
stage_4() {
	for net in $nets; do
		network $net
		for b in $steps; do
			[ -n "$(left)" ] || return
			for p in $precisions; do
				our_steps $net $b $p
				theirs train $net eager $p $b
			done
			theirs_end
		done
	done
}

# ---- 5. training -----------------------------------------------------------------------------------------------
archive() {                            # the archive of CIFAR-10 in DATA, put together if it came in parts
	for a in "$data"/cifar10-png.tar.xz "$data"/cifar10*.tar* "$data"/cifar-10*.tar*; do
		case $a in *.part*) continue ;; esac
		[ -f "$a" ] && echo "$a" && return
	done
	for a in "$data"/cifar*.part*; do
		[ -f "$a" ] || return
		a=${a%.part*}
		cat "$a".part* >"$work/${a##*/}" && echo "$work/${a##*/}"
		return
	done
}
pack_data() {                          # meanwhile, while other things are done
	[ -n "$data" ] && [ -z "$packer" ] || return 0
	case $stages in *5*) ;; *) return ;; esac
	(	a=$(archive)
		[ -n "$a" ] || { echo "no cifar10*.tar* and no cifar*.part* in $data"; exit 1; }
		for split in train test; do
			ds-pack -q --split $split -o "$work/$split.tmp" "$a" && mv "$work/$split.tmp" "$work/$split.images" || exit
		done
	) >"$work/pack.err" 2>&1 &
	packer=$!
}
unpack_run() {                         # of --resume, to $work/runs
	mkdir -p "$work/runs" || return
	if [ -d "$resume" ]; then cp -r "$resume" "$work/runs/"; else tar -xf "$resume" -C "$work/runs"; fi
}
run_dir() { find "$work/runs" -name settings.yaml 2>/dev/null | sed 's,/settings.yaml$,,' | head -n 1; }
keep_run() {                           # run.tar is whole at any time
	d=$(run_dir)
	[ -n "$d" ] && [ -s "$d/checkpoints/last.ckpt" ] || return
	tar -cf "$out/run.tar.tmp" --exclude='epoch_*' -C "$work/runs" "${d#"$work/runs/"}" 2>>"$log" &&
		mv "$out/run.tar.tmp" "$out/run.tar"
	sed -n '/^[0-9]/p' "$d/log.tsv" >"$work/epochs"
}
start_training() {                     # in $work, so that settings name the same files on another day
	cd "$work" || exit
	set -- --config "$configs/cifar10-densenet.yaml" -a "$spec" --val test.images --run runs
	[ -z "$toy" ] || set -- "$@" -e 100000 -b 20
	[ -z "$resume" ] || set -- --config "$(run_dir)/settings.yaml" --resume
	exec timeout -k 20 "$(left)" um-train "$@" --device "$device" train.images
}
watch_training() {                     # ends it in time for a last checkpoint
	[ -z "$toy" ] || until=$(($(now) + 4))
	while kill -0 $trainer 2>/dev/null && [ -n "$(left)" ]; do
		sleep 1
		d=$(run_dir)
		[ -n "$d" ] || continue
		[ -e "$out/run.tar" ] && [ ! "$d/checkpoints/last.ckpt" -nt "$out/run.tar" ] || keep_run
	done
	until=$((until + 30))          # that it was ended is no failure
	kill -TERM $trainer 2>/dev/null
	wait $trainer; rc=$?
	trainer=
}
stage_5() {
	pack_data
	if [ -z "$data" ]; then row run 'nothing was trained' '--data names no images'; return; fi
	wait $packer && packer= || { packer=; failure 'the images' "$work/pack.err"; return; }
	[ -z "$resume" ] || unpack_run 2>"$work/err" || { failure "--resume $resume" "$work/err"; return; }
	if [ -n "$resume" ]; then keep_run; else rm -f "$out/run.tar"; fi      # cut off, it is still there to go on with
	network ${nets%% *}
	start_training >"$work/said" 2>&1 &
	trainer=$!
	watch_training
	cat "$work/said" >>"$log"
	keep_run
	case $rc in 0|143|124) ;; *) failure "um-train (exit $rc)" "$work/said" ;; esac
	row run settings "$spec, $([ -n "$resume" ] && echo "gone on with $resume" || echo 'begun here')"
	row run said "$(grep -E '^(resumed|stopped) ' "$work/said" | tr '\n' ';')"
	[ -s "$out/run.tar" ] || return
	row run 'to go on' "--resume run.tar, $(wc -c <"$out/run.tar") bytes"
	while read -r line; do row epoch "$line"; done <"$work/epochs"
}
