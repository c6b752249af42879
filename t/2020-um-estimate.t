#!/bin/sh
# The loss constraint: masks, means, spread.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'
PATH=$BUILD/t/helper:$PATH

golden-net ckpt densenet:depth=10,growth=4 10 >m.ckpt
golden-net images 32 10 >images.ts
um-embed -q -m m.ckpt images.ts | ts-dump | sed 's/.*"logits": \[//; s/\].*"label": / /; s/}//; s/,//g' |
	awk '{m = $1; for (i = 2; i <= 10; i++) if ($i > m) m = $i; s = 0
	      for (i = 1; i <= 10; i++) s += exp($i - m)
	      ce += m + log(s) - $($NF + 1)} END {printf "%.9g\n", ce / NR}' >want
ok 'with everything kept it is the mean cross-entropy' \
	'um-estimate -q --keep 1 --draws 2 -m m.ckpt images.ts >out && near 1e-5 out want'
um-estimate -m m.ckpt --seed 1 images.ts >a 2>spread
um-estimate -q -m m.ckpt --seed 1 images.ts >b
um-estimate -q -m m.ckpt --seed 2 images.ts >c
ok 'one number on standard output' 'test $(wc -w <a) = 1'
ok 'the spread on standard error' 'grep -q "std=.* draws=5 keep=0.965 rows=32" spread'
ok 'same seed, same number' 'cmp a b'
ok 'another seed, another' '! cmp -s a c'
ok 'everything cut: only the biases speak, the same for every draw' \
	'um-estimate --keep 0 -m m.ckpt images.ts 2>&1 >/dev/null | grep -q "std=0 "'
ok 'one draw more does not change the first ones' \
	'um-estimate -m m.ckpt --draws 1 images.ts >one 2>/dev/null; um-estimate -m m.ckpt --draws 1 images.ts >two 2>/dev/null; cmp one two'
ok 'labels are needed' 'ts-cat --select image images.ts >nolabel.ts; fails 1 "label" um-estimate -m m.ckpt nolabel.ts'
done_testing
