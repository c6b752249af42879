# gnuplot -e "table='roc.tsv'; picture='roc.png'" -c roc.gp
# ROC curves of several methods (ood-metrics --roc), one panel per set; the key has the area under the points.
sets = system(sprintf("awk -F'\\t' 'NR > 1 && !seen[$2]++ { print $2 }' '%s'", table))
methods = system(sprintf("awk -F'\\t' 'NR > 1 && !seen[$1]++ { print $1 }' '%s'", table))
rows(method, set) = sprintf("< awk -F'\\t' -v m='%s' -v s='%s' '$1 == m && $2 == s' '%s'", method, set, table)
area(method, set) = system(sprintf("awk -F'\\t' -v m='%s' -v s='%s' '$1 == m && $2 == s { a += ($4 - x) * ($5 + y) / 2; x = $4; y = $5 } END { printf \"%%.1f\", 100 * a }' '%s'", method, set, table))
n = words(sets)
columns = n > 1 ? 2 : 1
wide = 480 * columns; high = 440 * ((n + columns - 1) / columns) + 40
load (exists("ARG0") ? system(sprintf("dirname '%s'", ARG0)) : ".") . "/terminal.gp"
set grid
set key bottom right
set size square
# Keeps a curve along the frame visible.
set xrange [-0.02:1.02]
set yrange [-0.02:1.02]
set xlabel "OOD rows taken for ID"
set ylabel "ID rows kept"
set multiplot layout (n + columns - 1) / columns, columns title "ROC, ID positive; with AUROC, %"
do for [s in sets] {
	set title s noenhanced
	plot for [m in methods] rows(m, s) using 4:5 with lines linewidth 1.5 title sprintf("%s %s", m, area(m, s)) noenhanced, \
	     x with lines dashtype 3 linecolor "gray" notitle
}
unset multiplot
