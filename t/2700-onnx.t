#!/bin/sh
# Networks that are an ONNX graph, through ONNX Runtime: small graphs written byte by byte (t/helper/onnx_small.py), by
# a library that knows them (t/shim/onnxruntime.c), and again by ONNX Runtime itself where it is.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
small() { /usr/bin/python3 "$SRC/t/helper/onnx_small.py" "$@"; }

mkdir pictures && small pictures pictures
ds-pack -q pictures -o images.ts
ok 'the graphs are written' 'small . && test -s gemm.onnx && test "$(ts-dump images.ts | wc -l)" = 7'
normal='--mean 0.4,0.5,0.6 --std 0.2,0.3,0.25'
small want 0.4,0.5,0.6 0.2,0.3,0.25 >want
small want 0,0,0 0.00392156862745098,0.00392156862745098,0.00392156862745098 >want.bytes
cut -d ' ' -f 5- want >want.features
embed() { um-embed -q --threads 1 $normal -m "$@" images.ts; }
gives() { want=$1; shift; embed "$@" >out.ts && numbers logits,features out.ts >out && near 1e-5 out $want; }

# ---- what any library says ----
runs_them() { # LIBRARY
	ONNXRUNTIME=$1; export ONNXRUNTIME
	for g in gemm halves matmul constant softmax identity last untyped outside three old; do
		ok "$2: $g" 'gives want $g.onnx'
	done
	normal='--normalise none'
	ok "$2: pixels as bytes" 'gives want.bytes bytes.onnx'
	normal='--mean 0.4,0.5,0.6 --std 0.2,0.3,0.25'
	ok "$2: any number at a time gives the same" 'embed gemm.onnx >a.ts && embed gemm.onnx -b 2 >b.ts && numbers logits,features a.ts >a && numbers logits,features b.ts >b && near 1e-6 a b'
	ok "$2: another value is the features, and the last layer is not theirs" \
		'embed gemm.onnx --features g >out.ts && numbers features out.ts >out && near 1e-5 out want.features &&
		numbers logits out.ts >out && cut -d " " -f -4 want >y && near 1e-5 out y && ! ts-dump --header out.ts | grep -q fc.weight'
	ok "$2: features alone" 'embed headless.onnx --features f --logits none >out.ts && numbers features out.ts >out && near 1e-5 out want.features &&
		! ts-dump --header out.ts | grep -q logits'
	ok "$2: whose names and labels go through" 'ts-cat --select label,name out.ts | ts-dump >out && ts-cat --select label,name images.ts | ts-dump | cmp - out'
	ok "$2: scores that go by features alone" 'embed headless.onnx --features f --logits none | ood-fit -q -o f.fit &&
		embed headless.onnx --features f --logits none | ood-score -q --fit f.fit -m knn:k=2 | ts-dump --tsv | grep -q "^knn:k=2"'
	ok "$2: a map is refused as features" 'fails 1 "has the shape (1,3,8,8) for 1 images where each has one row" embed headless.onnx --features map --logits none'
	ok "$2: a checkpoint of it gives the same bytes" '
		um-ckpt import -q $normal --size 8 gemm.onnx -o gemm.ckpt && embed gemm.onnx >a.ts &&
		um-embed -q --threads 1 -m gemm.ckpt images.ts >b.ts && numbers logits,features a.ts >a && numbers logits,features b.ts | cmp - a &&
		[ "$(ts-dump --header a.ts | grep -o "\"model\": \"[^\"]*\"")" = "$(ts-dump --header b.ts | grep -o "\"model\": \"[^\"]*\"")" ]'
	ok "$2: a graph that takes any size is one model at two" 'ds-pack -q --size 12 pictures -o large.ts && embed gemm.onnx >a.ts && um-embed -q --threads 1 $normal -m gemm.onnx large.ts >l.ts &&
		for s in a l; do ood-score -q -m msp -o $s.s $s.ts || return 1; done; ood-metrics -q --id a.s l.s >out'
	ok "$2: all of it is in the checkpoint, numbers of other files too" '
		um-ckpt import -q $normal --size 8 outside.onnx -o outside.ckpt && mv weights.bin w && um-embed -q -m outside.ckpt images.ts >out.ts; mv w weights.bin
		numbers logits,features out.ts >out && near 1e-5 out want'
	ok "$2: sizes that no file says are found by running it" 'um-ckpt import -q $normal --size 8 --features g gemm.onnx -o g.ckpt &&
		ts-dump --header g.ckpt | grep -q "\"onnx.dim\": 3"'
}
if [ -e "$BUILD/t/shim/onnxruntime.so" ]; then
	runs_them "$BUILD/t/shim/onnxruntime.so" 'stand-in'
	ok 'a library of too old an API is refused' 'ORT_STUB=old; export ORT_STUB; fails 1 "has no API of version" embed gemm.onnx; r=$?; unset ORT_STUB; [ $r = 0 ]'
	ok 'what the library says is one line' 'ORT_STUB=refuse; export ORT_STUB; fails 1 "cannot take the graph: this graph is not for me" embed gemm.onnx; r=$?; unset ORT_STUB; [ $r = 0 ]'
	ok 'a library without CUDA has no GPU' 'fails 1 "without CUDA" embed gemm.onnx --device cuda'
	um-ckpt import -q $normal --size 8 gemm.onnx -o gemm.ckpt && um-embed -q -m gemm.ckpt images.ts | ood-score -q -m msp >msp.s &&
		ood-threshold -q -a 0.5 -o msp.thr msp.s && ood-pack -q -m gemm.ckpt -t msp.thr -o gemm.det
	ood-detect --tsv gemm.det images.ts >cpu.tsv
	ok 'nor has a detector' 'ood-detect --device cuda gemm.det images.ts >out 2>err; test $? = 2 && ! test -s out && grep -q "gemm.det.: .*without CUDA.*pip install onnxruntime-gpu" err'
	ONNXRUNTIME=$BUILD/t/shim/onnxruntime_cuda.so ORT_ASKED=$scratch/asked; export ONNXRUNTIME ORT_ASKED
	ok 'one with CUDA is asked for the GPU, and for this one' '
		gives want gemm.onnx --device cuda && gives want gemm.onnx --device cuda:1 && gives want gemm.onnx && test "$(cat asked)" = "cuda:0
cuda:1"'
	ok 'a detector likewise' 'rm asked; ood-detect --tsv --device cuda:2 gemm.det images.ts | cmp - cpu.tsv && test "$(cat asked)" = cuda:2'
	ok 'no GPU: the reason of the library, and what it needs' 'ORT_STUB=nogpu; export ORT_STUB; fails 1 "cannot use the GPU: CUDA failure 100.*LD_LIBRARY_PATH" embed gemm.onnx --device cuda; r=$?
		ood-detect --device cuda gemm.det images.ts >out 2>err; test $? = 2 && grep -q "CUDA failure 100" err && [ $r = 0 ]; r=$?; unset ORT_STUB; [ $r = 0 ]'
	ok 'devices that there are not' 'fails 1 "knows the devices cpu, cuda and cuda:N, not .cuda:x." embed gemm.onnx --device cuda:x'
	ONNXRUNTIME=$BUILD/t/shim/onnxruntime.so; unset ORT_ASKED
fi
real=$(unset ONNXRUNTIME; ONNXRUNTIME=$UNMASK_ONNXRUNTIME um-embed -q $normal -m gemm.onnx images.ts 2>&1 >/dev/null)
if [ -z "$real" ]; then
	runs_them "$UNMASK_ONNXRUNTIME" 'ONNX Runtime'
else
	echo "# ONNX Runtime itself is not here, or UNMASK_ONNXRUNTIME does not say where: $real"
fi
unset ONNXRUNTIME

# ---- what needs no library ----
ok 'no library, no network: it says where it is looked for' 'ONNXRUNTIME=$scratch; export ONNXRUNTIME; fails 1 "ONNXRUNTIME: .*has no libonnxruntime.so" embed gemm.onnx; r=$?; unset ONNXRUNTIME; [ $r = 0 ]'
ok 'a library of something else' 'ONNXRUNTIME=images.ts; export ONNXRUNTIME; fails 1 "cannot load .images.ts" embed gemm.onnx; r=$?; unset ONNXRUNTIME; [ $r = 0 ]'
ok 'the file of numbers must be there, whole, and in its folder' '
	fails 1 "no-such.bin., which cannot be opened" embed missing.onnx && fails 1 "ends before them" embed short.onnx &&
	fails 1 "not in the folder" embed upward.onnx'
ok 'inputs that are no images are said' '
	fails 1 "has 2 inputs where images go into one: .x. .ids." embed two.onnx &&
	fails 1 "numbers of type float16" embed half.onnx && fails 1 "an input of 2 dimensions" embed flat.onnx'
ok 'a graph in training mode, or one that draws numbers, is refused; a Dropout that is off is not' '
	for g in drops drops-number drops-constant; do fails 1 "$g.onnx.: its graph has a Dropout that is in training mode.*model.eval()" embed $g.onnx || return 1; done
	fails 1 "has a BatchNormalization that is in training mode" embed norm.onnx && fails 1 "has a RandomNormalLike that" um-ckpt import -q --normalise none --size 8 noise.onnx -o x &&
	um-ckpt import -q --normalise none --size 8 still.onnx -o x'
ok 'damage is damage' 'fails 1 "is damaged" embed cut.onnx && fails 1 "is damaged" embed long.onnx && fails 1 "has no ONNX graph" embed empty.onnx'
ok 'names that are not in it are said, with those that are' '
	fails 1 "no node of its graph makes a value called .nope.; its outputs are .y. (n,4)" embed gemm.onnx --features nope &&
	fails 1 "no node of its graph makes a value called .nope." embed gemm.onnx --logits nope'
ok 'no linear layer, no guess' 'fails 1 "logits seem to come from no linear layer.*--features NODE.*outputs are .f. (n,3)" embed headless.onnx'
ok 'images of another size than it takes' 'fails 1 "takes images of height 9, not 8" embed fixed.onnx'
ok 'the normalisation must be said, and bytes have none' '
	fails 2 "how was the input normalised" um-embed -m gemm.onnx images.ts && fails 1 "normalises itself: --normalise none" embed bytes.onnx &&
	fails 2 "how was the input normalised" um-ckpt import gemm.onnx'
ok 'a graph that seems to normalise its input itself is pointed out, where the pixels do not suit that' '
	said() { um-ckpt import --size 8 -o x "$@" 2>&1 | grep "begins with a"; }
	said --normalise imagenet sub.onnx | grep -q "a Sub of the pixels: .*twice; --normalise none" && said --normalise half div.onnx | grep -q "a Div of the pixels: .*twice" &&
	said --normalise none div.onnx | grep -q "a Div of the pixels, which are from 0 to 1: .*0 to 255, give --mean" &&
	! { said --normalise none sub.onnx; said --mean 0,0,0 --std 0.00392156863,0.00392156863,0.00392156863 div.onnx; said --normalise imagenet gemm.onnx; said --normalise imagenet later.onnx; } &&
	um-embed -m sub.onnx --normalise half images.ts 2>&1 >x | grep -q "begins with a Sub"'
ok 'a size that the graph leaves open must be said' 'fails 1 "its graph takes images of any height; choose with --size CxHxW" um-ckpt import -q --normalise none gemm.onnx'
printf '1 0.5 -1 -0.25 2 0.125 0.75 -0.5 0.25 0 1 -2\n0.5 -1 0.25 0\n' >layer
for g in gemm halves matmul constant softmax identity outside old last; do
	ok "the last layer of $g" 'um-ckpt import -q --normalise none --size 8 $g.onnx -o $g.ckpt && ts-values 12 $g.ckpt fc.weight fc.bias >out && near 0 out layer'
done
ok 'of a softmax the logits are taken, and it is said' 'um-ckpt import --normalise none --size 8 softmax.onnx -o x 2>err && grep -q "is a softmax: its input is taken as the logits" err'
ok 'only um-embed runs it: others refuse, and say why' '
	fails 1 "is an ONNX graph, which um-embed runs" um-train -q -i gemm.ckpt images.ts -o x &&
	fails 1 "is an ONNX graph, which um-embed runs" um-estimate -q -m gemm.ckpt images.ts &&
	fails 1 "is an ONNX graph, which um-embed runs" um-ckpt export gemm.ckpt -o x.pth &&
	fails 1 "has no masks" um-embed -q --masked -m gemm.ckpt images.ts && fails 1 "has no masks" embed gemm.onnx --full'
ok 'it has no gradients, no maps, no other engine' '
	fails 1 "has no feature list" um-embed -q --layers -m gemm.ckpt images.ts &&
	fails 1 "no gradients here" um-embed -q --odin eps=0.01 -m gemm.ckpt images.ts'
have_torch && ok 'libtorch does not run it' 'fails 1 "ONNX Runtime does, without --engine" um-embed -q --engine torch -m gemm.ckpt images.ts'
if [ -e "$BUILD/t/shim/onnxruntime.so" ]; then
	ok 'against another network, by their probabilities' 'golden-net ckpt conv2:width=0.02 4 8 >other.ckpt &&
		ONNXRUNTIME=$BUILD/t/shim/onnxruntime.so um-embed -q --against other.ckpt -m gemm.ckpt images.ts | ts-dump --header | grep -q kl-distance'
fi
ok 'its options are for it alone' '
	fails 2 "are for an ONNX file" um-embed --features f -m gemm.ckpt images.ts && fails 2 "are for an ONNX file" um-ckpt import --normalise none --logits y x.pth &&
	fails 1 "are for files of tensors" um-ckpt import -q --normalise none --size 8 --arch conv2 gemm.onnx'
ok 'names of its classes' 'printf "a\nb\nc\nd\n" >names && um-ckpt import -q --normalise none --size 8 --classes names gemm.onnx -o named.ckpt &&
	ts-dump --header named.ckpt | grep -q "\"classes\": \[\"a\", \"b\"" && printf "a\nb\n" >names && fails 1 "names 2 classes" um-ckpt import -q --normalise none --size 8 --classes names gemm.onnx'
ok 'um-ckpt shows it' 'um-ckpt show gemm.ckpt | grep -q "^onnx.model	|u1"'
ok 'a graph on a pipe is refused as what it is' 'fails 1 "ONNX" sh -c "cat gemm.onnx | um-ckpt import --normalise none"'
done_testing
