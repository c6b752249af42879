#!/bin/sh
# pipelines/robustness.mk: scores of distorted ID images beside those of OOD sets, in small.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
/usr/bin/python3 -c 'import PIL, numpy' 2>/dev/null || skip_all 'no NumPy, no Pillow'
# Drawings as a site would hand out CIFAR-10 and Textures.
write() {
	ds-synth --set $1 --split $2 -n $3 --plain | ts-dump | /usr/bin/python3 -c '
import json, os, sys, numpy, PIL.Image
for i, line in enumerate(sys.stdin):
    r = json.loads(line)
    d = "%s/%d" % (sys.argv[1], max(r["label"], 0))
    os.makedirs(d, exist_ok=True)
    PIL.Image.fromarray(numpy.array(r["image"], numpy.uint8).transpose(1, 2, 0)).save("%s/%03d.png" % (d, i))' $4
}
write id train 60 cifar10/train; write id test 30 cifar10/test; write textures test 20 dtd/images
mkdir data && tar cf data/cifar10.tar -C cifar10 train test && tar cf data/dtd.tar -C dtd images
ds-pack -q --split train data/cifar10.tar -o train.images && um-train -q -a resnet-narrow:depth=8 -e 4 --batch-size 20 --threads 1 -o m.ckpt train.images 2>/dev/null
run() { make -s -f "$SRC/pipelines/robustness.mk" DATA=data MODEL=m.ckpt RUN=r DISTORT='jpeg=20 blur=2,jpeg' METHODS=msp,energy,knn:k=3 "$@"; }
ok 'it runs, and says where the page is' 'run >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }; tail -n 2 out | tr "\n" " " | grep -q "Every column: r/robustness.tsv.*A page to look at: r/report.html" && grep -q "<h3>blur-2+jpeg: misses" r/report.html'
ok 'a column a distortion and a set, a row a score, sorted' '
	head -n 1 r/robustness.tsv | tr "\t" " " | grep -qx "method jpeg-20 blur-2+jpeg distorted textures ood less" && sed 1,2d r/robustness.tsv | cut -f 1 | sort | tr "\n" " " | grep -qx "energy knn:k=3 msp " &&
	sed 1,2d r/robustness.tsv | cut -f 7 >less && sort -gr less | cmp - less'
ok 'its numbers are those of ood-metrics' '
	ood-metrics -q -f tsv --no-heading -m energy --show auroc --id r/test.scores a=r/jpeg-20.scores b=r/blur-2+jpeg.scores t=r/textures.scores | cut -f 3 | head -n 3 | awk "{ v[NR] = 100 * \$1 } END { m = (v[1] + v[2]) / 2; print v[1]; print v[2]; print m; print v[3]; print v[3]; print v[3] - m }" >want &&
	awk -F "\t" "\$1 == \"energy\" { for (i = 2; i <= 7; i++) print \$i }" r/robustness.tsv >got && near 1e-3 got want'
ok 'accuracy, of predictions and labels' '
	right() { ts-dump --tsv r/$1.scores | awk -F "\t" "NR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i; next } { n += \$at[\"pred\"] == \$at[\"label\"] } END { print 100 * n / 30 }"; }
	{ right jpeg-20; right blur-2+jpeg; } >want && awk -F "\t" "\$1 == \"accuracy\" { print \$2; print \$3 }" r/robustness.tsv >got && near 1e-3 got want'
ok 'the images say what was done to them' 'ts-dump --header r/blur-2+jpeg.scores | grep -q "\"distorted\": *\"blur=2,jpeg=75\"" && grep -q -- "ds-pack .*--distort jpeg=20" r/report.html'
ok 'what is done is not done again' 'touch stamp; run >again 2>/dev/null && cmp out again && test -z "$(find r -newer stamp)"'
ok 'a picture, if there is gnuplot' '! command -v gnuplot >/dev/null || head -c 8 r/robustness.png | grep -aq PNG'
ok 'no network, drawings' 'run MODEL= 2>err; grep -q "MODEL=file names a checkpoint" err && run SET=synth 2>err; grep -q "SET=cifar10" err'
done_testing
