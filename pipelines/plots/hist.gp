# gnuplot -e "table='hist.tsv'; picture='hist.png'; method='energy'" hist.gp
# Histograms of a method's scores (ood-metrics --hist): ID against each OOD set, a panel per set. A picture may also be
# an .svg; threshold=NUMBER draws a line there.
rows(set, ours) = sprintf("< awk -F'\\t' -v m='%s' -v s='%s' -v id=%d " . \
	"'$1 != m { next } $2 != \"id\" { k = $2; for (i = 0; i < n && k == s && id; i++) print kept[i]; if (k == s && !id) print; n = 0 } " . \
	"$2 == \"id\" { kept[n++] = $0 }' '%s' | head -n 100", method, set, ours, table)
sets = system(sprintf("awk -F'\\t' -v m='%s' 'NR > 1 && $1 == m && $2 != \"id\" && !seen[$2]++ { print $2 }' '%s'", method, table))
n = words(sets)
columns = n > 1 ? 2 : 1
wide = 520 * columns; high = 300 * ((n + columns - 1) / columns) + 40
if (strlen(picture) > 4 && picture[strlen(picture) - 3:] eq ".svg") { set terminal svg size wide, high font "sans,11" background "white" } \
else { set terminal pngcairo size wide, high font "sans,10" }
set output picture
set datafile separator "\t"
set style fill transparent solid 0.5 noborder
set key top left
unset ytics
if (exists("threshold")) {
	set arrow from threshold, graph 0 to threshold, graph 1 nohead dashtype 2
	set label "flagged " at threshold, graph 0.94 right
}
set multiplot layout (n + columns - 1) / columns, columns title sprintf("scores of %s: ID against each OOD set", method)
do for [s in sets] {
	plot rows(s, 1) using ($3 + $4) / 2:6 with fillsteps linecolor "#1f77b4" title "ID", \
	     rows(s, 0) using ($3 + $4) / 2:6 with fillsteps linecolor "#d62728" title s
}
unset multiplot
