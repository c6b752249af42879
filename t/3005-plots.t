#!/bin/sh
# pipelines/plots: what ood-metrics writes becomes pictures.
. "$SRC/t/lib.sh"
command -v gnuplot >/dev/null || skip_all 'no gnuplot'
gen=$BUILD/t/helper/ts-gen plots=$SRC/pipelines/plots

for s in 1 2 3; do "$gen" scores msp:f4,energy:f4 400 $s >$s.s; done
ood-metrics --id 1.s --delong -f tsv -l A --roc roc --hist hist x=2.s y=3.s >a.tsv
ood-metrics --id 1.s --delong -f tsv -l B x=2.s y=3.s >b.tsv
cat a.tsv b.tsv >two.tsv; cut -f 2- a.tsv >one.tsv
picture() { gnuplot -e "table='$2'; picture='$1.png'; method='energy'" "$plots/$1.gp" 2>err && ! test -s err && head -c 8 $1.png | grep -aq PNG; }
ok 'histograms' 'picture hist hist'
ok 'ROC curves' 'picture roc roc'
ok 'bars of two models, and of one without a label' 'picture bars two.tsv && cp bars.png two.png && picture bars one.tsv && ! cmp -s two.png bars.png'
done_testing
