# gnuplot -e "table='trajectory.tsv'; picture='trajectory.png'; method='energy'" trajectory.gp
# FPR95, AUROC (average over the sets, and each set) and ID accuracy against epochs.
set terminal pngcairo size 1000,1100 font "sans,11"
set output picture
set datafile separator "\t"
set multiplot layout 3,1 title sprintf("OOD detection (%s) along training", method)
set key outside right
set grid
set xlabel "epoch"
sets = system(sprintf("awk -F'\\t' 'NR > 1 && $3 != \"average\" && !seen[$3]++ { print $3 }' '%s'", table))
rows(run, name, column) = sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"%s\" && $3 == \"%s\" { print $2, $%d }' '%s'", \
	run, name, column, table)
set ylabel "FPR95 (smaller is better)"
plot for [s in sets] rows("base", s, 6) using 1:2 with lines dashtype 3 title s, \
     rows("base", "average", 6) using 1:2 with linespoints linewidth 2 linecolor "black" title "average", \
     rows("um", "average", 6) using 1:2 with linespoints linewidth 2 linecolor "red" title "+UM", \
     rows("ce", "average", 6) using 1:2 with linespoints linewidth 2 linecolor "blue" title "+CE"
set ylabel "AUROC"
plot for [s in sets] rows("base", s, 4) using 1:2 with lines dashtype 3 title s, \
     rows("base", "average", 4) using 1:2 with linespoints linewidth 2 linecolor "black" title "average", \
     rows("um", "average", 4) using 1:2 with linespoints linewidth 2 linecolor "red" title "+UM", \
     rows("ce", "average", 4) using 1:2 with linespoints linewidth 2 linecolor "blue" title "+CE"
set ylabel "ID accuracy"
plot rows("base", "average", 7) using 1:2 with linespoints linewidth 2 linecolor "black" title "base", \
     rows("um", "average", 7) using 1:2 with linespoints linewidth 2 linecolor "red" title "+UM", \
     rows("ce", "average", 7) using 1:2 with linespoints linewidth 2 linecolor "blue" title "+CE"
unset multiplot
