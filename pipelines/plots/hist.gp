# gnuplot -e "table='hist.tsv'; picture='hist.png'; method='energy'" -c hist.gp
# Histograms of a method's scores (ood-metrics --hist): ID against each OOD set, one panel per set, with equal areas;
# threshold=NUMBER draws a line there.
rows(set, ours) = sprintf("< awk -F'\\t' -v m='%s' -v s='%s' -v id=%d " . \
	"'$1 != m { next } $2 != \"id\" { k = $2; for (i = 0; i < n && k == s && id; i++) print kept[i]; if (k == s && !id) print; n = 0 } " . \
	"$2 == \"id\" { kept[n++] = $0 }' '%s' | head -n 100", method, set, ours, table)
sets = system(sprintf("awk -F'\\t' -v m='%s' 'NR > 1 && $1 == m && $2 != \"id\" && !seen[$2]++ { print $2 }' '%s'", method, table))
n = words(sets)
columns = n > 1 ? 2 : 1
wide = 520 * columns; high = 300 * ((n + columns - 1) / columns) + 40
load (exists("ARG0") ? system(sprintf("dirname '%s'", ARG0)) : ".") . "/terminal.gp"
set style fill transparent solid 0.5 noborder
# Above the panel, where it hides nothing.
set tmargin 3.5
set key at graph 0, 1.14 left top horizontal Left reverse samplen 2
unset ytics
set ylabel "share of rows"
set xlabel method noenhanced
if (exists("threshold")) {
	set arrow from threshold, graph 0 to threshold, graph 1 nohead dashtype 2
	set label "flagged " at threshold, graph 0.94 right
}
set multiplot layout (n + columns - 1) / columns, columns title sprintf("scores of %s: ID against each OOD set", method)
do for [s in sets] {
	plot rows(s, 1) using ($3 + $4) / 2:6 with fillsteps linecolor "#1f77b4" title "ID", \
	     rows(s, 0) using ($3 + $4) / 2:6 with fillsteps linecolor "#d62728" title s noenhanced
}
unset multiplot
