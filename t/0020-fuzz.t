#!/bin/sh
# The fuzz targets on good inputs, on those that `make fuzz` found to reach new code, and on thousands of mutations of
# the good ones, the same every time.
# More of them: fuzz_X --mutate 1000000 2 FILE...
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
cases=100000
[ -z "$SANITIZE" ] || cases=10000
"$gen" scores x:f4,label:i8,name:str 7 1 >small
"$gen" scores x:f4,v:u1:2x0,m:f4:2x3,name:str 3 1 | ts-cat - small --select name -o joined
"$gen" features logits:f4:3,name:str 4 1 | ts-cat -o history.ts
"$gen" scores name:str 2 1 >one
printf '\203\246unmask\001\244kind\243fit\246fields\202\241w\202\244type\243|u1\245shape\222\003\002\241s\202\244type\243<i4\245shape\220' >set.ts
slice() { printf '\201\241%s\205\304\002nd\303\304\004type\243%s\304\004kind\304\000\304\005shape%b\304\004data%b' "$@"; }
{ slice w '|u1' '\222\0001\0002' '\304\0002ab'; slice w '|u1' '\222\0002\0002' '\304\0004cdef'
  slice s '<i4' '\220' '\304\0004\0001\0002\0003\0004'; printf '\203\243end\303\244rows\003\244xxh3\300'; } >>set.ts
ok 'the stream of tensors made here is one' 'ts-dump -t set.ts | tail -n +2 | cut -f 1,5,6 >out &&
	test "$(cat out)" = "$(printf "w\t97\t102\ns\t67305985\t67305985")"'

for path in "$BUILD"/fuzz_*; do
	[ -x "$path" ] && [ -f "$path" ] || continue
	target=${path##*/fuzz_}
	case $target in
	ts) files='small joined history.ts one set.ts' ;;
	*) files=; for f in "$SRC"/t/fuzz/seeds-$target.sh; do
		[ -f "$f" ] && mkdir -p "$target" && (cd "$target" && . "$f") && files=$(ls "$target"/*); done ;;
	esac
	ok "fuzz_$target has inputs" 'test -n "$files"'
	[ -n "$files" ] || continue
	# Those that write files get fewer.
	n_cases=$cases
	case $target in
	config|image|pickle|pytorch|safetensors|ts|words) ;;
	*) n_cases=$((cases / 20)) ;;
	esac
	ok "fuzz_$target: good inputs" '"$path" $files >out 2>err || { head -n 20 err | sed "s/^/# /"; false; }'
	corpus=$SRC/t/fuzz/corpus/$target
	[ ! -d "$corpus" ] || ok "fuzz_$target: what libFuzzer kept (make fuzz)" '
		"$path" "$corpus"/* >out 2>err || { head -n 20 err | sed "s/^/# /"; false; }'
	ok "fuzz_$target: $n_cases inputs made of them" '
		"$path" --mutate $n_cases 1 $files >out 2>err || { echo "# exit $?"; head -n 30 err | sed "s/^/# /"; false; }'
done
done_testing
