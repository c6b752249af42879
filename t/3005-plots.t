#!/bin/sh
# pipelines/plots: what ood-metrics writes becomes pictures.
. "$SRC/t/lib.sh"
command -v gnuplot >/dev/null || skip_all 'no gnuplot'
gen=$BUILD/t/helper/ts-gen plots=$SRC/pipelines/plots

for s in 1 2 3; do "$gen" scores msp:f4,energy:f4 400 $s >$s.s; done
ood-metrics --id 1.s --delong -f tsv -l A --roc roc --hist hist x=2.s y=3.s >a.tsv
ood-metrics --id 1.s --delong -f tsv -l B x=2.s y=3.s >b.tsv
cat a.tsv b.tsv >two.tsv; cut -f 2- a.tsv >one.tsv
picture() { gnuplot -e "table='$2'; picture='$1.png'; method='energy'" -c "$plots/$1.gp" 2>err && ! test -s err && head -c 8 $1.png | grep -aq PNG; }
ok 'histograms' 'picture hist hist'
ok 'ROC curves' 'picture roc roc'
ok 'bars of two models, and of one without a label' 'picture bars two.tsv && cp bars.png two.png && picture bars one.tsv && ! cmp -s two.png bars.png'
ok 'a bar of 100 %, which has no interval, has one of no width' '
	seq 201 320 >above && seq 1 120 >below && ood-metrics --id above --delong -f tsv below >none.tsv && awk -F "\t" -v OFS="\t" "NR > 1 { \$4 = \$5 = \$3 } 1" none.tsv >width.tsv && ! cmp -s none.tsv width.tsv &&
	for t in none width; do gnuplot -e "table=\"$t.tsv\"; picture=\"$t.svg\"" -c "$plots/bars.gp" || return 1; done && cmp none.svg width.svg'
ok 'as SVG and PDF too, by the ending or by format' '
	for f in svg pdf; do
		gnuplot -e "table=\"roc\"; picture=\"a.$f\"" -c "$plots/roc.gp" && gnuplot -e "table=\"two.tsv\"; picture=\"a.tmp\"; format=\"$f\"" -c "$plots/bars.gp" && head -c 200 a.$f >one && head -c 200 a.tmp >two || echo "# $f"
		case $f in svg) grep -q "<svg" one && grep -q "<svg" two ;; pdf) grep -aq "^%PDF" one && grep -aq "^%PDF" two ;; esac || echo "# $f"
	done >bad 2>&1; cat bad; ! test -s bad'
ok 'the key says the AUROC, axes have labels' '
	ood-metrics -q -f tsv --no-heading -m energy --id 1.s x=2.s | awk "NR == 1 { printf \"energy %.1f\\n\", 100 * \$3 }" >want && gnuplot -e "table=\"roc\"; picture=\"a.svg\"" -c "$plots/roc.gp" && grep -qF "$(cat want)" a.svg && grep -q "OOD rows taken for ID" a.svg &&
	gnuplot -e "table=\"hist\"; picture=\"h.svg\"; method=\"energy\"" -c "$plots/hist.gp" && grep -q ">energy<" h.svg && grep -q "share of rows" h.svg'
ok 'one model needs no key' 'gnuplot -e "table=\"one.tsv\"; picture=\"b.svg\"" -c "$plots/bars.gp" && ! grep -q ">all<" b.svg && gnuplot -e "table=\"two.tsv\"; picture=\"b.svg\"" -c "$plots/bars.gp" && grep -q ">A<" b.svg && grep -q ">B<" b.svg'
done_testing
