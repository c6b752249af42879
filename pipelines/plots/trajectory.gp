# gnuplot -e "table='trajectory.tsv'; picture='trajectory.png'; method='energy'" -c trajectory.gp
# FPR95, AUROC (average over the sets, and each set) and ID accuracy against epochs.
wide = 1000; high = 1100
load (exists("ARG0") ? system(sprintf("dirname '%s'", ARG0)) : ".") . "/terminal.gp"
set multiplot layout 3,1 title sprintf("OOD detection (%s) along training", method)
# The panels have the same width, whatever is in their keys.
set key outside right
set rmargin 26
set offsets 0, 0, graph 0.04, graph 0.04
set yrange [-2 < * : * < 102]
set grid
set xlabel "epoch"
sets = system(sprintf("awk -F'\\t' 'NR > 1 && $3 != \"average\" && !seen[$3]++ { print $3 }' '%s'", table))
rows(run, name, column) = sprintf("< awk -F'\\t' -v OFS='\\t' '$1 == \"%s\" && $3 == \"%s\" { print $2, $%d }' '%s'", \
	run, name, column, table)
set ylabel "FPR95, % (smaller is better)"
plot for [s in sets] rows("base", s, 6) using 1:2 with lines dashtype 2 linewidth 1.5 title s noenhanced, \
     rows("base", "average", 6) using 1:2 with linespoints linewidth 2 linecolor "black" title "average", \
     rows("um", "average", 6) using 1:2 with linespoints linewidth 2 linecolor "red" title "+UM", \
     rows("ce", "average", 6) using 1:2 with linespoints linewidth 2 linecolor "blue" title "+CE"
set ylabel "AUROC, %"
plot for [s in sets] rows("base", s, 4) using 1:2 with lines dashtype 2 linewidth 1.5 title s noenhanced, \
     rows("base", "average", 4) using 1:2 with linespoints linewidth 2 linecolor "black" title "average", \
     rows("um", "average", 4) using 1:2 with linespoints linewidth 2 linecolor "red" title "+UM", \
     rows("ce", "average", 4) using 1:2 with linespoints linewidth 2 linecolor "blue" title "+CE"
set ylabel "ID accuracy, %"
plot rows("base", "average", 7) using 1:2 with linespoints linewidth 2 linecolor "black" title "base", \
     rows("um", "average", 7) using 1:2 with linespoints linewidth 2 linecolor "red" title "+UM", \
     rows("ce", "average", 7) using 1:2 with linespoints linewidth 2 linecolor "blue" title "+CE"
unset multiplot
