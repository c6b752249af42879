#!/bin/sh
# Thresholds, tables and alarms of rows that the network or the fit has seen are warned of, and no others.
. "$SRC/t/lib.sh"
ds-synth --set id -n 300 -o train.images
ds-synth --set id --split test -n 200 -o test.images
train() { um-train -q -a fc -e 1 -o m.ckpt "$@"; }
fit() { um-embed -q -m m.ckpt "$@" | ood-fit -q -o f.fit; }
score() { um-embed -q -m m.ckpt $1 | ood-score -f f.fit -m knn,msp -o $1.scores; }
seen() { ood-threshold -o x.thr $2 2>err && grep -q "^ood-threshold: '$2': by its history, the $1 these rows, or some of them, which score higher .*held out$" err && test $(wc -l <err) = 1 || { sed 's/^/# /' err; false; }; }
new() { ood-threshold -o x.thr $1 2>err && ! test -s err || { sed 's/^/# /' err; false; }; }

train train.images; fit train.images
ok 'images that the network was trained on' 'score train.images && seen "network was trained on" train.images.scores'
ok 'others' 'score test.images && new test.images.scores'
ok 'all but a table of OOD rows' '
	ood-metrics --id train.images.scores test.images.scores 2>err >out; grep -q "train.images.scores.: by its history, the network was" err && ood-metrics --id test.images.scores train.images.scores 2>err >out; ! grep -q "these rows" err &&
	ood-report -q -o x.html --id train.images.scores test.images.scores 2>err && ! test -s err && ood-report -o x.html --id train.images.scores test.images.scores 2>err; grep -q "train.images.scores.: by its history, the network was" err &&
	ood-watch --reference train.images.scores -m knn test.images.scores 2>err; grep -q ".train.images.scores.: by its history, the network was" err && ood-watch --reference test.images.scores -m knn test.images.scores 2>err; ! grep -q "these rows" err'
ok 'the reference of a detector' 'ood-threshold -q -m msp -o msp.thr test.images.scores && ood-pack -m m.ckpt -t msp.thr -r train.images.scores -o d 2>err && grep -q "^ood-pack: .train.images.scores.: by its history, the network was" err &&
	test $(wc -l <err) = 1 && ood-pack -m m.ckpt -t msp.thr -r test.images.scores -o d 2>err && ! test -s err &&
	um-embed -q -m m.ckpt --fgsm 0.01 test.images | ood-score -m msp -o hit.scores && ood-pack -m m.ckpt -t msp.thr -r hit.scores -o d 2>err && grep -q "^ood-pack: .hit.scores.: the images were attacked" err && test $(wc -l <err) = 1 &&
	ts-export --select msp -f csv train.images.scores | sed 1d >text && ood-pack -m m.ckpt -t msp.thr -r text -o d 2>err && ! test -s err'
ok 'a part of them, and some of them' '
	ts-split -f 0.5 -r rest.images -o part.images train.images && score part.images && seen "network was trained on" part.images.scores &&
	ts-cat -o some.images test.images part.images && score some.images && seen "network was trained on" some.images.scores'
ok 'scores that were joined or divided are the same rows' '
	ts-cat -o two.scores test.images.scores part.images.scores && seen "network was trained on" two.scores && ts-split -f 0.5 -r b.scores -o a.scores test.images.scores && new a.scores && new b.scores'
ok 'a step between changes nothing: more training, pruning' '
	cp m.ckpt was.ckpt && um-train -q --init was.ckpt -e 1 -o m.ckpt test.images && fit test.images && score train.images && seen "network was trained on" train.images.scores &&
	um-prune -q --model was.ckpt --method magnitude --keep 0.9 -o m.ckpt train.images && fit train.images && score test.images && new test.images.scores && score train.images && seen "network was trained on" train.images.scores'
ok 'the fit was made of them' 'train train.images && fit test.images && score test.images && seen "fit was made of" test.images.scores'
ok 'or of some of them, by a merge of two' '
	ts-split -f 0.5 -r b.images -o a.images test.images && for s in a b; do um-embed -q -m m.ckpt $s.images | ood-fit -q -o $s.fit || return; done && ood-fit -q --merge -o f.fit a.fit b.fit && score b.images && seen "fit was made of" b.images.scores &&
	score test.images && seen "fit was made of" test.images.scores && cp a.fit f.fit && score a.images && seen "fit was made of" a.images.scores && score b.images && new b.images.scores'
ok 'features that were divided: one part for the fit, the other for the threshold' '
	um-embed -q -m m.ckpt test.images | ts-split -f 0.5 -r b.f -o a.f && ood-fit -q -o f.fit a.f && for s in a b; do ood-score -f f.fit -m knn -o $s.s $s.f; done && new b.s && seen "fit was made of" a.s'
ok 'trained on one part: the other is new, and all of them are not' '
	train part.images && fit part.images && score rest.images && new rest.images.scores && score part.images && seen "network was trained on" part.images.scores && score train.images && seen "network was trained on" train.images.scores'
ok 'what a training held out, and what chose its best epoch, is new' '
	um-train -q -a fc -e 1 --val-fraction 0.5 --held held.images -o m.ckpt train.images && fit part.images && score held.images && new held.images.scores &&
	train --val test.images train.images && fit train.images && score test.images && new test.images.scores'
ok 'two trainings that hold out the same, one after the other: new; another seed or share, in either form: not' '
	um-train -q -a fc -e 1 --val-fraction 0.5 --seed 3 --held held.images -o a.ckpt train.images && um-train -q --init a.ckpt -e 1 --val-frac=0.50 --seed=3 --held b.images -o m.ckpt train.images && fit test.images && score held.images && new held.images.scores && score b.images && new b.images.scores &&
	for o in "--seed 4 --val-fraction 0.5" "--seed 3 --val-fraction 0.4"; do um-train -q --init a.ckpt -e 1 $o --held b.images -o m.ckpt train.images && fit test.images && score b.images && seen "network was trained on" b.images.scores || return; done'
ok 'what um-prune held out, of a network that was trained on it, and that was not' '
	um-train -q -a fc -e 1 --val-fraction 0.5 -o a.ckpt train.images && um-prune -q --model a.ckpt -e 1 --val-fraction 0.5 --held held.images -o m.ckpt train.images && fit test.images && score held.images && new held.images.scores &&
	um-train -q -a fc -e 1 -o a.ckpt train.images && um-prune -q --model a.ckpt -e 1 --val-fraction 0.5 --held held.images -o m.ckpt train.images && fit test.images && score held.images && seen "network was trained on" held.images.scores'
warned() { grep -c "by its history" err | grep -qx 1 && ! grep -q "%" err; }
ok 'training warns of images to validate on that it, or what it begins with, is trained on' '
	um-train -a fc -e 1 --val train.images -o a.ckpt train.images 2>err && warned && grep -q "^um-train: .train.images.: by its history, the network is trained on these images" err &&
	um-train --init a.ckpt -e 1 --val-fraction 0.5 -o m.ckpt train.images 2>err && warned && grep -q "^um-train: --val-fraction: by its history, .a.ckpt. was trained on some" err &&
	um-prune -m a.ckpt -e 1 --val-fraction 0.5 -o m.ckpt train.images 2>err && warned && um-train --init a.ckpt -e 1 --val train.images -o m.ckpt test.images 2>err && warned'
copies() { grep -c "pixel by pixel" err | grep -qx "$1" || { cat err; false; }; }
ok 'and, where histories do not tell, of images that are among those to train on, pixel by pixel' '
	ts-cat --no-history train.images >same.images && ds-synth --set id --split train -n 200 >new.images && ts-cat --head 3 test.images >x && ts-cat --no-history x new.images >few.images &&
	um-train -a fc -e 1 --val same.images -o m.ckpt train.images 2>err && copies 1 && grep -q "^um-train: .same.images.: 300 of 300 images are, pixel by pixel, among those to train on" err &&
	um-train -a fc -e 1 --val few.images -o m.ckpt train.images 2>err && copies 1 && grep -q "few.images.: 3 of 203 images" err && um-train -a fc -e 1 --val new.images -o m.ckpt train.images 2>err && copies 0 &&
	ts-cat same.images same.images >twice.images && um-train -a fc -e 1 --val-fraction 0.5 -o m.ckpt twice.images 2>err && copies 1 && grep -q "^um-train: --val-fraction: [0-9]* of 300 images are, pixel.*; the input holds images twice" err'
quiet() { um-train "$@" -o m.ckpt train.images 2>err && ! grep -q history err || { cat err; false; }; }
ok 'and of no others: held out, of another file, held out before, with --config or a run that goes on' '
	quiet -a fc -e 1 --val-fraction 0.5 && mv m.ckpt a.ckpt && quiet -a fc -e 1 --val test.images && quiet --init a.ckpt -e 1 --val-fraction 0.5 &&
	echo "val-fraction: 0.5" >c.yaml && quiet -a fc -e 1 --config c.yaml && mv m.ckpt a.ckpt && quiet --init a.ckpt -e 1 --config c.yaml && quiet --init a.ckpt -e 1 --val-fraction 0.5 &&
	quiet -a fc -e 1 --val-fraction 0.5 --run runs && quiet -a fc -e 2 --val-fraction 0.5 --run runs --resume'
ok 'images from standard input, of which a history knows nothing' '
	cp "$SRC"/t/golden/ds/photos/cat/*.* . && for s in one two; do ls [0-9]*.* | ds-pack --stream --size 32 >$s.images; done && train train.images && um-embed -q -m m.ckpt one.images | ood-fit -q -o f.fit && um-embed -q -m m.ckpt two.images | ood-score -q -f f.fit -m fdbd -o two.s && ood-threshold -a 0.3 -o x.thr two.s 2>err && ! test -s err || { cat err; false; }'
ok 'what was held out is images, too' '
	um-train -q -a fc -e 1 --val-fraction 0.5 --held held.images -o m1.ckpt train.images && train --val test.images held.images && fit held.images && score test.images && new test.images.scores &&
	score held.images && seen "network was trained on" held.images.scores && um-train -q --init m1.ckpt -e 1 -o m.ckpt held.images && fit held.images && score held.images && seen "network was trained on" held.images.scores &&
	train train.images && fit train.images && score held.images && seen "network was trained on" held.images.scores'
ok 'images without a history, whose place is kept' '
	ds-synth --set id -n 300 --no-history -o bare.images && train --val test.images bare.images && fit bare.images && score test.images && new test.images.scores &&
	ds-synth --set id --split test -n 200 --no-history -o other.images && train train.images && fit bare.images && score other.images && new other.images.scores'
ok 'the same filter of standard input, joined with a file' '
	for s in one two; do ls [0-9]*.png | ds-pack --stre --size 32 | ts-cat --head 1 >$s.images; done && um-embed -q -m m.ckpt one.images | ood-fit -q -o f.fit && um-embed -q -m m.ckpt two.images | ood-score -q -f f.fit -m fdbd -o two.s && ood-threshold -a 0.6 -o x.thr two.s 2>err && ! test -s err || { cat err; false; } &&
	ts-cat train.images - <test.images >both.images && train both.images && fit both.images && score train.images && seen "network was trained on" train.images.scores'
ok 'no history' 'train train.images && fit train.images && um-embed -q -m m.ckpt train.images | ood-score -f f.fit -m knn --no-history -o t.s && new t.s'
done_testing
