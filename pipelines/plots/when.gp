# gnuplot -e "table='when.tsv'; picture='when.png'; method='energy'" when.gp
# What Unleashing Mask gains over its control, against how much the network had learnt by heart: a point a run and seed.
set terminal pngcairo size 1000,1100 font "sans,11"
set output picture
set datafile separator "\t"
set multiplot layout 3,1 title sprintf("What Unleashing Mask gains over its control (%s): above 0 it helps", method)
set xrange [0.001:5]
set key outside right noenhanced
set grid
set xzeroaxis linewidth 2
set yrange [*<-1:1<*]
# The runs that know column x and have y, and these columns of one of them, the latter times sign.
known(x, y) = sprintf("$5 == \"%s\" && $%d != \"-\" && $%d != \"-\"", method, x, y)
names(x, y) = system(sprintf("awk -F'\\t' 'NR > 1 && %s && !seen[$1]++ { print $1 }' '%s'", known(x, y), table))
rows(name, x, y, sign) = sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"%s\" && %s { print $%d, %d * $%d }' '%s'", name, known(x, y), x, sign, y, table)
set ylabel "points of FPR95"
set logscale x
set xlabel "loss on training images before fine-tuning"
plot NaN notitle, for [n in names(7, 10)] rows(n, 7, 10, -1) using 1:2 with points pointtype 7 title n
set ylabel "points of AUROC"
plot NaN notitle, for [n in names(7, 9)] rows(n, 7, 9, 1) using 1:2 with points pointtype 7 title n
unset logscale x
set xlabel "wrong training labels learnt before fine-tuning, share"
set ylabel "points of FPR95"
set xrange [-0.05:1.05]
plot NaN notitle, for [n in names(8, 10)] rows(n, 8, 10, -1) using 1:2 with points pointtype 7 title n
unset multiplot
