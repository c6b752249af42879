#!/bin/sh
# The behaviour that all programs share. The table below says how to call each one; a program without a row fails the
# test.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

# Small inputs. Checkpoints come from golden-net, so no training is needed.
ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 5 1 >scores.ts
ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 5 2 >other.ts
ts-gen features logits:f4:3,features:f4:4 6 1 | ts-cat -o features.ts
golden-net images 4 10 >images.ts
golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt
golden-net scores-layer densenet:depth=10,growth=2 10 >masked.ckpt
printf 'method\tauroc\nmsp\t1\n' >seed.tsv
printf 'f.0,f.1,label\n0.5,1,0\n1,2,1\n' >feats.csv
mkdir -p folder/cat && ds-synth --set id --n 1 -o one.ts
tar cf photos.tar -C "$SRC/t/golden" ds/photos 2>/dev/null

ts-gen images image:u1:3x2x2,label:i8,name:str 5 1 >tiny.ts
um-embed -q -m m.ckpt images.ts | ood-score -q -m msp | ood-threshold -q -a 0.2 -o t.fit
ood-pack -q -m m.ckpt -t t.fit -o m.det

# row TOOL: sets args (with the input's name, or without it when it is read from stdin), input (a stream, or
# empty), file (its operand in args), failed (the exit status of what fails), out (stream: writes one; file: another file; text), sink (yes: prints nothing before END)
row() {
	args= file= input= out=stream sink=no slow=no failed=1
	case $1 in
	ts-cat)      input=scores.ts ;;
	ts-dump)     input=scores.ts out=text ;;
	ts-split)    input=scores.ts args='--fraction 0.5 --rest rest.ts' ;;
	ts-import)   args='-q feats.csv' file=feats.csv ;;
	ts-export)   input=scores.ts args='-f npz' out=file sink=yes ;;
	ds-pack)     args=photos.tar file=photos.tar ;;
	ds-synth)    args='--set blobs --n 300' ;;
	ds-view)     input=tiny.ts out=file sink=yes ;;
	ood-fit)     input=features.ts sink=yes ;;
	ood-score)   input=features.ts args='--method msp,energy' ;;
	ood-metrics) input=scores.ts args='--id other.ts' out=text sink=yes ;;
	ood-threshold) input=scores.ts args='--false-alarm 0.5' sink=yes ;;
	ood-report)  input=scores.ts args='--id other.ts' out=text sink=yes ;;
	ood-watch)   input=scores.ts args='-q --reference other.ts --method msp --pass' out=text ;;
	ood-seeds)   args=seed.tsv file=seed.tsv out=text ;;
	ood-pack)    args='-q -m m.ckpt -t t.fit' file=t.fit ;;
	ood-detect)  args='m.det images.ts' file=images.ts out=text failed=2 ;;
	um-embed)    input=images.ts args='-q -m m.ckpt' slow=yes ;;
	um-estimate) input=images.ts args='-q -m m.ckpt --draws 1' out=text sink=yes slow=yes ;;
	um-prune)    input=images.ts args='-q -m m.ckpt -e 1 -b 4' sink=yes slow=yes ;;
	um-ckpt)     input=masked.ckpt args='bake -q' sink=yes slow=yes ;;
	um-train)    input=images.ts args='-q -a densenet:depth=10,growth=2 -e 1 -b 4' sink=yes slow=yes ;;
	*) return 1 ;;
	esac
}
status() { "$@" >/dev/null 2>err; echo $?; }
# The reader is gone before the program starts: a pipe whose only reader has closed.
mkfifo gone
silent_death() {
	( exec 8<>gone 9>gone 8<&-; exec "$@" >&9 9>&- 2>err )
	test $? = 141 -a ! -s err
}
# More than a pipe holds, so that a program that writes only its first block is caught, too.
big() {
	case $1 in
	ts-cat|ts-split|ts-dump|ood-metrics|ood-report|ood-watch) ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 20000 1 ;;
	ood-score) ts-gen features logits:f4:3,features:f4:4 20000 1 ;;
	um-*) cat images.ts ;;
	esac
}

for path in "$BUILD"/*; do
	tool=${path##*/}
	[ -f "$path" ] && [ -x "$path" ] || continue
	case $tool in *.so|*.so.*|*.a|fuzz_*) continue ;; esac
	if ! row "$tool"; then ok "$tool has a row in this test" false; continue; fi

	ok "$tool --help: on stdout, exit 0" \
		'$tool --help >out 2>err && test -s out && ! test -s err && head -n 1 out | grep -q "^Usage: $tool "'
	ok "$tool --version" '$tool --version >out && grep -q "^$tool (unmask) " out'
	ok "$tool --help and a wrong option do not load libtorch" \
		'! LD_DEBUG=libs $tool --help 2>&1 | grep -q "find library=.*torch" && ! ldd "$path" | grep -q torch'
	ok "$tool --nope: exit 2, says so and where help is" \
		'$tool --nope >out 2>err; test $? = 2 && ! test -s out && grep -q -- "--nope" err && grep -q "^Try .$tool --help" err'
	ok "$tool --help to a full disk: exit $failed" 'test $($tool --help >/dev/full 2>err; echo $?) = $failed && grep -q "No space" err'
	missing=no/such/file
	[ "$tool" = ds-synth ] || ok "$tool, missing file: exit $failed, named" \
		'fails $failed no/such/file $tool ${args%$file} no/such/file'
	[ "$tool" = ds-synth ] || ok "$tool, a folder as input: exit $failed, named" 'fails $failed folder $tool ${args%$file} folder'
	if [ "$tool" = ds-pack ] && [ ! -s photos.tar ]; then
		ok "$tool works # SKIP no tar to make an archive with" true
		continue
	fi
	ok "$tool works" '$tool $args $input >good 2>err && test -s good'
	ok "$tool to a full disk: exit $failed" 'test $($tool $args $input >/dev/full 2>err; echo $?) = $failed && grep -q "No space" err'
	if [ "$sink" = no ]; then
		big $tool >big.ts
		[ -s big.ts ] || echo >big.ts
		ok "$tool, reader goes away: killed by SIGPIPE, silent" \
			'silent_death $tool $args ${input:+big.ts}'
	fi
	[ "$out" = text ] || ok "$tool refuses to write a $out to a terminal" \
		'test $(on-terminal $tool $args $input 2>err; echo $?) = 1 && grep -q "terminal" err'
	if [ -n "$input" ]; then
		case $tool in ood-metrics|ood-report) stdin=- ;; *) stdin= ;; esac
		ok "$tool refuses to read a stream from a terminal" \
			'test $(on-terminal $tool $args $stdin 2>err; echo $?) = 1 && grep -q "terminal" err'
		ok "$tool reads standard input" '$tool $args $stdin <$input >out 2>err'
		ok "$tool, trailing byte: exit 1" \
			'{ cat $input; echo; } >trail.ts; test $(status $tool $args trail.ts) = 1 && grep -q "after the END" err'
		ok "$tool, not a stream: exit 1, says so" \
			'echo "Dear program, this is a letter." >letter; test $(status $tool $args letter) = 1 && grep -q "letter.*not an unmask stream" err'
		ok "$tool, empty input: exit 1" 'test $(status $tool $args /dev/null) = 1 && grep -q "empty" err'
		ok "$tool, a stream of another kind: exit 1" '
			case $tool in ts-*) true ;; *) fails 1 m.ckpt $tool ${args%--pass} m.ckpt ;; esac'
		# Every byte of the head, then a stride: a cut is found by the same few lines of the reader.
		size=$(wc -c <$input)
		ok "$tool, cut off at every byte: exit 1${sink:+, prints nothing if it reduces}" '
			bad_cut=; i=0
			while [ $i -lt $size ]; do
				head -c $i $input >cut.ts
				$tool $args cut.ts >out 2>err; rc=$?
				[ $rc = 1 ] && { [ $sink = no ] || ! test -s out; } && test -s err || bad_cut="$bad_cut $i:$rc"
				if [ $slow = yes ] && [ $i -gt 200 ]; then i=$((i + 1511)); else i=$((i + 1)); fi
			done
			[ -z "$bad_cut" ] || { echo "# $bad_cut" | head -c 300; false; }'
	fi
	if [ "$out" != text ]; then
		same=; [ "$out" = file ] || same=--no-history
		ok "$tool -o: the same bytes as on stdout" \
			'$tool $args $same -o f.ts $input && $tool $args $same $input | cmp - f.ts'
		ok "$tool -o in a folder that is not there: exit 1" \
			'test $(status $tool $args -o no/such/f.ts $input) = 1 && grep -q "no/such/f.ts" err'
		if [ -n "$input" ]; then
			mkdir -p clean && head -c 300 $input >cut.ts
			ok "$tool -o leaves nothing behind after a failure" \
				'! $tool $args -o clean/f.ts cut.ts 2>err && test -z "$(ls -A clean)"'
			echo old >old.ts
			ok "$tool -o keeps the old file after a failure" \
				'! $tool $args -o old.ts cut.ts 2>err && test "$(cat old.ts)" = old'
		fi
	fi
done

# Failure travels with the data, without pipefail.
ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 20000 1 >long.ts
ok 'a producer killed by SIGKILL: ood-metrics prints nothing and fails' '
	sh -c "head -c 300000 long.ts; kill -9 \$\$" 2>/dev/null | ts-cat 2>/dev/null | ts-cat 2>/dev/null |
		ood-metrics --id other.ts x=- >out 2>err
	test $? = 1 -a ! -s out -a -s err'
ok 'the same with nobody between' '
	sh -c "head -c 300000 long.ts; kill -9 \$\$" 2>/dev/null | ood-metrics --id other.ts x=- >out 2>err; test $? = 1 -a ! -s out'
ok 'ts-dump has printed rows by then, but fails too' '
	head -c 300000 long.ts | ts-dump >out 2>err; test $? = 1 && test -s out'
mkdir killed; mkfifo pipe
{ cat long.ts; sleep 9; } >pipe 2>/dev/null &
ts-cat -o killed/f.ts <pipe &
pid=$!
for i in 1 2 3 4 5 6 7 8 9 10; do [ -n "$(ls -A killed)" ] && break; sleep 0.3; done
ok 'while it is written, a file has a temporary name' 'test -n "$(ls -A killed)" && ! test -e killed/f.ts'
ok 'SIGTERM kills, and leaves no temporary file' 'kill $pid; wait $pid; test $? = 143 && test -z "$(ls -A killed)"'
done_testing
