# gnuplot -e "table='when.tsv'; picture='when.png'; method='energy'" -c when.gp
# What Unleashing Mask gains over its control, against how much the network had memorised: one point per run and seed.
wide = 1000; high = 1100
load (exists("ARG0") ? system(sprintf("dirname '%s'", ARG0)) : ".") . "/terminal.gp"
set multiplot layout 3,1 title sprintf("What Unleashing Mask gains over its control (%s): above 0 it helps", method)
set xrange [0.001:5]
set key outside right noenhanced
set offsets 0, 0, graph 0.04, graph 0.04
set grid
# Two invisible lines make each axis include 1 and -1 percentage points.
set xzeroaxis linewidth 2
# The runs with known column x and y, and these columns of one of them, y times sign.
known(x, y) = sprintf("$5 == \"%s\" && $%d != \"-\" && $%d != \"-\"", method, x, y)
# Their experiments, each after its number in the table, which is its colour in every plot.
names(x, y) = system(sprintf("awk -F'\\t' 'NR > 1 && !($1 in n) { n[$1] = ++k } NR > 1 && %s && !seen[$1]++ { print n[$1], $1 }' '%s'", known(x, y), table))
rows(name, x, y, sign) = sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"%s\" && %s { print $%d, %d * $%d }' '%s'", name, known(x, y), x, sign, y, table)
set ylabel "points of FPR95"
set logscale x
set xlabel "loss on training images before fine-tuning"
# A loop over no words would run once.
all = names(7, 10)
if (words(all) > 0) { plot 1 notitle linecolor "white", -1 notitle linecolor "white", for [i = 1:words(all):2] rows(word(all, i + 1), 7, 10, -1) using 1:2 with points pointtype 7 linetype int(word(all, i)) title word(all, i + 1) } else { plot 1 notitle linecolor "white", -1 notitle linecolor "white" }
set ylabel "points of AUROC"
all = names(7, 9)
if (words(all) > 0) { plot 1 notitle linecolor "white", -1 notitle linecolor "white", for [i = 1:words(all):2] rows(word(all, i + 1), 7, 9, 1) using 1:2 with points pointtype 7 linetype int(word(all, i)) title word(all, i + 1) } else { plot 1 notitle linecolor "white", -1 notitle linecolor "white" }
unset logscale x
set xlabel "wrong training labels learnt before fine-tuning, share"
set ylabel "points of FPR95"
set xrange [-0.05:1.05]
all = names(8, 10)
if (words(all) > 0) { plot 1 notitle linecolor "white", -1 notitle linecolor "white", for [i = 1:words(all):2] rows(word(all, i + 1), 8, 10, -1) using 1:2 with points pointtype 7 linetype int(word(all, i)) title word(all, i + 1) } else { plot 1 notitle linecolor "white", -1 notitle linecolor "white" }
unset multiplot
