# gnuplot -e "table='roc.tsv'; picture='roc.png'" roc.gp
# ROC curves of several methods (ood-metrics --roc), a panel a set.
sets = system(sprintf("awk -F'\\t' 'NR > 1 && !seen[$2]++ { print $2 }' '%s'", table))
methods = system(sprintf("awk -F'\\t' 'NR > 1 && !seen[$1]++ { print $1 }' '%s'", table))
rows(method, set) = sprintf("< awk -F'\\t' -v m='%s' -v s='%s' '$1 == m && $2 == s' '%s'", method, set, table)
n = words(sets)
columns = n > 1 ? 2 : 1
set terminal pngcairo size 480 * columns, 440 * ((n + columns - 1) / columns) + 40 font "sans,10"
set output picture
set datafile separator "\t"
set grid
set key bottom right
set size square
set xrange [0:1]
set yrange [0:1]
set xlabel "OOD rows taken for ID"
set ylabel "ID rows kept"
set multiplot layout (n + columns - 1) / columns, columns title "ROC, ID positive"
do for [s in sets] {
	set title s
	plot for [m in methods] rows(m, s) using 4:5 with lines linewidth 1.5 title m noenhanced, \
	     x with lines dashtype 3 linecolor "gray" notitle
}
unset multiplot
