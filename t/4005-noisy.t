#!/bin/sh
# Wrong labels on purpose: how well masks and losses find them, by hand and in make noisy at toy size.
. "$SRC/t/lib.sh"
py=/usr/bin/python3
$py -c 'import numpy, PIL' 2>/dev/null || skip_all 'no NumPy, Pillow'

# Six samples, of which the second, third and sixth are wrong.
printf 'label\ttrue-label\tnoisy\n0\t0\t0\n1\t0\t1\n1\t2\t1\n2\t2\t0\n3\t3\t0\n0\t3\t1\n' >known
printf 'loss\tmasked_loss\ttypicality\n0.1\t0.2\t-0.1\n2\t2.5\t-0.5\n0.2\t1.4\t-1.2\n0.2\t0.6\t-0.4\n0.05\t0.1\t-0.05\n3\t3.2\t-0.2\n' >scores
precision() { sh "$SRC/pipelines/precision.sh" known scores "$@"; }
ok 'precision by hand: as many as are wrong, by the rise, masked loss, loss, both' '
	precision noisy >out && grep -q "^3 of 6 samples are noisy: 50.0 %" out && awk "\$1 == 3" out | tr -s " " | grep -qx " 3 66.7 100.0 100.0 100.0" || { sed "s/^/# /" out; false; }'
ok 'AUROC by hand, ties one half' '
	awk "\$1 == \"AUROC\"" out | tr -s " " | grep -qx " AUROC 88.9 100.0 94.4 100.0" || { sed "s/^/# /" out; false; }'
ok 'a column that is not there is an error that names it' '! precision atypical >out 2>err && grep -q "no column atypical" err'

# Classes of colours, which a network learns before it memorises wrong labels.
$py - <<END
import os
import numpy as np
from PIL import Image
r = np.random.RandomState(1)
def put(path, a):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(np.clip(a, 0, 255).astype("u1")).save(path)
colours = {"blue": (40, 60, 200), "green": (40, 200, 60), "red": (200, 50, 50), "white": (220, 220, 220)}
for split, n in ("train", 60), ("test", 10):
    for c, v in colours.items():
        for i in range(n):
            put("data/CIFAR10/%s/%s/%03d.png" % (split, c, i), np.array(v) + r.normal(0, 25, (32, 32, 3)))
for i in range(20):
    put("data/DTD/images/dots/%02d.png" % i, r.uniform(0, 255, (40, 40, 3)))
END
noisy() {
	make -s -f "$SRC/pipelines/noisy.mk" RUN=n DATA=data "$@" NOISE='0 40' SEEDS=1 LIMIT=240 HELD=6 EPOCHS=3 FIRST=3 TUNE_EPOCHS=1 DRAWS=2 SWEEP=0.9:1:0.05 \
		ROWS='base early first ce um um0.5 ema' M=0.5 ARCH=densenet:depth=10,growth=4 COMMON='--batch-size 16 --lr 0.05 --no-augment --threads 1' \
		BOOTSTRAP=20 THREADS=1
}
ok 'make noisy runs, to its tables' 'noisy >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'a row for each case, model and score' '
	test "$(awk "\$1 ~ /^noise/ && \$3 == \"energy\" { print \$1, \$2 }" out | sort | tr "\n" ";")" = "noise0 base;noise0 ce;noise0 early;noise0 ema;noise0 first;noise0 um;noise0 um0.5;noise40 base;noise40 ce;noise40 early;noise40 ema;noise40 first;noise40 um;noise40 um0.5;"'
ok 'scores of features, too, fitted to the images that the row was trained on' '
	for m in energy msp knn vim; do test $(grep -c "^noise[04].* $m " out) = 14 || return 1; done &&
	um-embed -q -m n/noise40/1/um/model.ckpt n/noise40/1/train.images | ood-fit -q -m knn -o own.fit && um-embed -q -m n/noise40/1/um/model.ckpt n/test.images | ood-score -q -m knn -f own.fit --no-history -o own.s &&
	ts-cat --no-history --select knn own.s | ts-dump --tsv >a && ts-cat --select knn n/noise40/1/um/eval-all/test.scores | ts-dump --tsv | cmp - a'
ok 'training and validation images are apart, and those of validation have their true labels' '
	ts-cat --select name n/noise40/1/train.images | ts-dump --tsv | sed 1d | sort >a && ts-cat --select name,label n/noise40/1/val.images | ts-dump --tsv | sed 1d >b && test $(wc -l <a) = 200 && test $(wc -l <b) = 40 &&
	! cut -f 2 b | grep -qFxf a && ts-cat --select name,true-label n/noise40/1/all.images | ts-dump --tsv | sed 1d | grep -Fxc -f b | grep -qx 40 || { head -n 2 a b; false; }'
ok 'about 40 % of the labels are wrong, or none' '
	awk "NR > 1 { n += \$3 } END { exit !(n > 50 && n < 110) }" n/noise40/1/known.tsv && ! sed 1d n/noise0/1/known.tsv | cut -f 3 | grep -q 1'
ok 'a network that has only learnt the colours finds the wrong labels by their loss' '
	awk "\$1 == \"AUROC\" && \$4 > 95 { found = 1 } END { exit !found }" n/noise40/1/first/precision.txt || { sed "s/^/# /" n/noise40/1/first/precision.txt; false; }'
ok 'what it holds of the labels is counted' '
	paste n/noise40/1/known.tsv n/noise40/1/first/said.tsv | awk "NR > 1 && \$3 { n++; wrong += \$1 == \$4; right += \$2 == \$4 } END { printf \"%.4g %.4g %d\\n\", wrong / n, right / n, n }" >want &&
	awk "NR == 2 { printf \"%.4g %.4g %d\\n\", \$4, \$5, \$7 }" n/noise40/1/first/memory.tsv | cmp - want && awk "NR == 2 { exit !(\$5 > 0.8) }" n/noise40/1/first/memory.tsv'
ok 'early is the best epoch by validation, first the one that was asked for' '
	cmp n/noise40/1/first/model.ckpt n/noise40/1/base/run/um-train/default/checkpoints/epoch_0003.ckpt &&
	cmp n/noise40/1/early/model.ckpt n/noise40/1/base/run/um-train/default/checkpoints/best.ckpt'
ok 'the sweep: a level for each ratio' 'test $(grep -c "  0.9: .*  0.95: .*  1: " out) = 2 && test $(wc -l <n/noise40/1/sweep.tsv) = 4'
ok 'a second call does nothing anew' 'touch stamp; noisy >again 2>&1; test -z "$(find n -newer stamp -type f)" && noisy -n >again 2>/dev/null && ! grep -q um-embed again && noisy -n METHODS=msp >again 2>/dev/null && grep -q um-embed again &&
	test -z "$(find n -newer stamp -type f)" && mkdir new && noisy -n RUN=new >again 2>/dev/null && test -z "$(ls new)"'
ok 'the folder by its whole name is the same experiment; other methods are scored anew, and nothing is trained anew' '
	noisy RUN=$PWD/n >again 2>&1 && test -z "$(find n -newer stamp -type f)" && noisy METHODS=msp >again 2>&1 && test $(grep -c "^noise[04].* msp " again) = 14 && ! grep -q " knn " again &&
	test -z "$(find n -newer stamp -name model.ckpt)" && noisy >again 2>&1 && test $(grep -c "^noise[04].* knn " again) = 14 && test -z "$(find n -newer stamp -name model.ckpt)"'
ok 'a set more, or less, is another table of the same networks' '
	noisy SETS=all SUN=data/DTD >again 2>&1 && test $(grep -c "^noise.* energy  *sun " again) = 14 && noisy SETS=all >again 2>&1 && grep -q "^noise.* energy  *textures " again && ! grep -q "^noise.* energy  *sun " again &&
	cp -Rp data/DTD sun && ! noisy SUN=sun >again 2>err && grep -q "SUN was .$PWD/data/DTD. and is .$PWD/sun. now.*remove that one (or only n/settings" err && noisy BOOTSTRAP=30 >again 2>&1 && ts-dump --history n/noise0/1/um/model.ckpt >/dev/null && test -z "$(find n -newer stamp -name model.ckpt)"'
ok 'the same set from another folder, or another archive of its name, is another experiment, and the same archive elsewhere is not' '
	cp -Rp data/DTD other && ! noisy DTD=other >out3 2>err && grep -q "RUN=n holds an experiment with other settings: DTD was .$PWD/data/DTD. and is .$PWD/other. now" err && mkdir here there && tar -cf here/dtd.tar data/DTD && cp here/dtd.tar there &&
	noisy RUN=m DTD=here/dtd.tar m >out3 2>&1 && noisy RUN=m DTD=there/dtd.tar m >out3 2>&1 && tar -rf there/dtd.tar data/DTD && ! noisy RUN=m DTD=there/dtd.tar m >out3 2>err &&
	grep -q "DTD was .dtd.tar:[0-9]*. and is .dtd.tar:[0-9]*. now" err && ! noisy DTD_SPLIT=images >out3 2>err && grep -q "DTD_SPLIT was .. and is .images. now" err || { sed "s/^/# /" err; false; }'
value() { awk -F '\t' -v c=$2 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["method"] == "energy" && $at["set"] == "average" { print 100 * $at[c] }' n/noise40/1/$1/eval-all/metrics.tsv; }
less() { echo "$(value $1 $3) $(value $2 $3)" | awk '{ print $1 - $2 }'; }
ok 'make when: what UM gained over its control beside what was learnt by heart, and a picture' '
	mkdir -p runs && ln -s ../n runs/noisy-toy && make -s -f "$SRC/pipelines/when.mk" RUNS=runs >out 2>err && ! test -s err &&
	printf "%.2f %.2f %s\n" $(less um0.5 ce auroc) $(less um0.5 base fpr95) $(sed -n 2p n/noise40/1/base/memory.tsv | cut -f 1) >want &&
	awk -F "\t" "\$2 == \"noise40\" && \$4 == \"um0.5\" && \$5 == \"energy\" && \$6 == 0.5 { printf \"%.2f %.2f %s\n\", \$9, \$13, \$7 }" runs/when.tsv | cmp - want &&
	{ ! command -v gnuplot >/dev/null || head -c 8 runs/when.png | grep -aq PNG; } || { sed "s/^/# /" err want; false; }'
ok 'and beside it the experiments that RESULTS.md tells' '
	known=$SRC/pipelines/when.tsv && make -s -f "$SRC/pipelines/when.mk" RUNS=runs KNOWN="$known" >out 2>err && ! test -s err &&
	head -n 1 runs/when.tsv >heading && head -n 1 "$known" | cmp - heading && awk -F "\t" "NF != 14 { exit 1 }" "$known" &&
	tail -n +2 "$known" >want && tail -n "$(wc -l <want)" runs/when.tsv | cmp - want && make -s -f "$SRC/pipelines/when.mk" RUNS=runs >out &&
	awk -F "\t" "NR > 1 && \$1 != \"noisy-toy\"" runs/when.tsv >rest && ! test -s rest'
ok 'make noisy-table names what is not finished' 'touch stamp && rm n/noise0/1/um/eval-all/metrics.tsv && noisy noisy-table METHODS=msp >out 2>err && test -z "$(find n -newer stamp -type f)" && grep -qx "noise0/1/um: trained, not scored" out'
done_testing
