#!/bin/sh
# The loss constraint: masks, means, spread.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

golden-net ckpt densenet:depth=10,growth=4 10 >m.ckpt
golden-net images 32 10 >images.ts
um-embed -q -m m.ckpt images.ts | ts-dump | sed 's/.*"logits": \[//; s/\].*"label": / /; s/}//; s/,//g' |
	awk '{m = $1; for (i = 2; i <= 10; i++) if ($i > m) m = $i; s = 0
	      for (i = 1; i <= 10; i++) s += exp($i - m)
	      ce += m + log(s) - $($NF + 1)} END {printf "%.9g\n", ce / NR}' >want
cp want want_ce
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
um-estimate -q -m m.ckpt --keep 0.9:0.98:0.04 --draws 3 images.ts >sweep
ok 'a sweep: a row a ratio' 'cut -f 1 sweep | tr "\n" " " | grep -qx "keep 0.9 0.94 0.98 "'
ok 'each is what the ratio alone gives' '
	for k in 0.9 0.94 0.98; do um-estimate -q -m m.ckpt --keep $k --draws 3 images.ts; done >alone; sed 1d sweep | cut -f 2 >b && near 1e-5 b alone'
ok 'a malformed sweep' 'fails 2 "FIRST:LAST:STEP" um-estimate -m m.ckpt --keep 0.9:0.8:0.1 images.ts && fails 2 "FIRST:LAST:STEP" um-estimate -m m.ckpt --keep 0.9:0.95 images.ts &&
	fails 2 "upward, of at most 1000" um-estimate -m m.ckpt --keep 0:1:0.0001 images.ts'
um-estimate -q -m m.ckpt --seed 1 --augment both images.ts >d
ok 'augmented images give another loss, the same one again' '! cmp -s a d && um-estimate -q -m m.ckpt --seed 1 --augment both images.ts | cmp - d'
ok 'each of um-train'"'"'s ways, none the default, none like another' 'um-estimate -q -m m.ckpt --seed 1 --augment none images.ts | cmp - a &&
	for w in none flip crop both; do um-estimate -q -m m.ckpt --augment $w images.ts | cksum; done | sort -u >ways &&
	test $(wc -l <ways) = 4'
um-estimate -q -m m.ckpt --keep 1 --draws 1 --mode train -b 32 images.ts >tr
um-estimate -q -m m.ckpt --keep 1 --draws 1 images.ts >ev
ok 'train mode: batch norms use the batch' '! cmp -s tr ev'
ok 'it is the loss that training sees' '
	um-train -i m.ckpt -e 1 -b 32 --no-augment -o x.ckpt images.ts 2>&1 | sed -n "s/.* loss=\([^ ]*\) .*/\1/p" >want && near 1e-5 tr want'
ok 'how the stream is cut into batches does not matter' '
	{ ts-cat --head 20 images.ts >p1; ts-cat --shard 0/1 images.ts >all; }; um-estimate -q -m m.ckpt -b 7 images.ts >b7; um-estimate -q -m m.ckpt images.ts >ball; near 1e-6 b7 ball'
ok 'dropout for a network without it is warned of' '
	um-train -q -a resnet-narrow:depth=8 -e 1 -o plain.ckpt images.ts && um-estimate -m plain.ckpt --draws 1 --mode train --dropout 0.3 images.ts 2>err >/dev/null; grep -q "dropout 0.3 changes nothing: resnet-narrow" err'
ok 'dropout acts in train mode' '
	um-estimate -q -m m.ckpt --keep 1 --draws 1 --mode train --dropout 0.3 -b 32 images.ts >dr; ! cmp -s dr tr && fails 2 "mode train" um-estimate -m m.ckpt --dropout 0.3 images.ts'
um-estimate -m m.ckpt --per-sample ps.ts --draws 4 images.ts >ps 2>/dev/null
ok 'per sample: the mean of masked losses is the estimate' '
	ts-dump --tsv ps.ts | awk "NR > 1 {s += \$2; n++} END {printf \"%.6g %d\\n\", s / n, n}" >b; sed "s/\$/ 32/" ps >c; near 1e-5 b c'
ok 'typicality is own loss minus masked loss' 'ts-dump --tsv ps.ts | awk "NR > 1 {d = \$1 - \$2 - \$3; if (d * d > 1e-9) exit 1}"'
ok 'and own loss is the unmasked network'"'"'s' '
	ts-dump --tsv ps.ts | awk "NR > 1 {s += \$1; n++} END {printf \"%.9g\\n\", s / n}" >b; near 1e-5 b want_ce'
ok 'two outputs on one pipe are misuse' 'fails 2 "mix two outputs" um-estimate -m m.ckpt --per-sample - images.ts'
ok 'a cut stream leaves no per-sample file' '
	head -c 30000 images.ts >cut; ! um-estimate -m m.ckpt --per-sample gone.ts cut >out 2>err && test ! -s out && test ! -e gone.ts'
ok 'many masks have the memory for maps once' '
	for draws in 1 41; do "$BUILD/t/helper/measure" 1 um-estimate -q --threads 8 --draws $draws -m m.ckpt images.ts | cut -d" " -f 3; done >mib
	sed "s/^/# MiB: /" mib; test -n "$SANITIZE" || awk "NR == 1 { one = \$1 } END { exit !(NR == 2 && \$1 - one < 15) }" mib'
golden-net images 200 10 >more.ts
um-train -q -i m.ckpt --lr 0 -e 1 -b 200 --no-augment --val-fraction 0.4 --seed 3 --weight-decay 0 -o same.ckpt more.ts
ok 'held-out images do not count' '
	um-estimate -q -m m.ckpt --keep 1 --draws 1 --mode train -b 200 --val-fraction 0.4 --seed 3 more.ts >b &&
	um-train -i m.ckpt --lr 0 -e 1 -b 200 --no-augment --val-fraction 0.4 --seed 3 -o x.ckpt more.ts 2>&1 | sed -n "s/.* loss=\([^ ]*\) .*/\1/p" >c && near 1e-5 b c'
golden-net scores-layer densenet:depth=10,growth=4 10 >masked.ckpt
ok 'of a masked checkpoint, the masked network; --full: the other' '
	um-ckpt bake -q masked.ckpt >baked.ckpt && um-estimate -q -m baked.ckpt images.ts >a && um-estimate -q -m masked.ckpt images.ts | cmp - a &&
	um-estimate -q -m m.ckpt images.ts >a && um-estimate -q --full -m masked.ckpt images.ts | cmp - a'
done_testing
