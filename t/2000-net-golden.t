#!/bin/sh
# Networks agree with PyTorch on equal weights (t/golden/um_densenet.py).
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
golden=$SRC/t/golden

golden-net images 4 10 >images.ts
logits() { um-embed -q -m "$@" images.ts | ts-cat --select logits | ts-dump | sed 's/.*: \[//; s/].*//'; }

golden-net ckpt densenet 10 >d100.ckpt
golden-net ckpt densenet:depth=22,growth=8,reduction=0.6,affine=1 7 >affine.ckpt
golden-net ckpt densenet:depth=13,bottleneck=0 10 >basic.ckpt
ok 'DenseNet-100' 'logits d100.ckpt >out && near 1e-5 out "$golden/um_densenet100.txt"'
ok 'DenseNet-22, affine batch norm, other growth and reduction' \
	'logits affine.ckpt >out && near 1e-5 out "$golden/um_densenet22-affine.txt"'
ok 'DenseNet-13 of basic layers' \
	'logits basic.ckpt >out && near 1e-5 out "$golden/um_densenet13-basic.txt"'

ok 'other batch sizes give the same to 1e-5' \
	'logits d100.ckpt -b 1 >a; logits d100.ckpt -b 3 >b; near 1e-5 a b'
um-embed -q -m d100.ckpt images.ts >one.ts
ok 'the header carries the last layer' \
	'ts-dump --header one.ts | grep -q "\"fc.weight\": {\"type\": \"<f4\", \"shape\": \[10, 342\]}"'

# The same with a checkpoint that Python writes from a state_dict; where Python has PyTorch.
if /usr/bin/python3 -c 'import torch, msgpack_numpy' 2>/dev/null; then
	ok 'weights of a Python state_dict give the same logits in both' \
		'/usr/bin/python3 "$golden/um_densenet.py" stream py.ckpt images.ts >want &&
		 logits py.ckpt >out && near 1e-4 out want'
else
	ok 'weights of a Python state_dict # SKIP no python3-torch here' true
fi
done_testing
