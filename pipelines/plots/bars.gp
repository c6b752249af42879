# gnuplot -e "table='metrics.tsv'; picture='bars.png'" -c bars.gp
# AUROC of each method, averaged over the OOD sets, with its interval (ood-metrics --delong or --bootstrap, with
# --format tsv), if it has one. Several models (--label) are shown side by side.
column_of(name) = 0 + ("0" . system(sprintf("head -n 1 '%s' | tr '\\t' '\\n' | grep -nx '%s' | cut -d : -f 1", table, name)))
# No labels: all rows belong to one model.
m = column_of("model"); k = column_of("method"); s = column_of("set")
a = column_of("auroc"); l = column_of("auroc_low"); h = column_of("auroc_high")
models = m ? system(sprintf("awk -F'\\t' 'NR > 1 && $%d != \"model\" && !seen[$%d]++ { print $%d }' '%s'", m, m, m, table)) : "all"
n = words(models)
rows(model) = sprintf("< awk -F'\\t' -v OFS='\\t' '$%d == \"average\" && (%d == 0 || $%d == \"%s\") { w = $%d != \"-\"; print $%d, $%d, w ? $%d : $%d, w ? $%d : $%d }' '%s'", \
	s, m, m ? m : 1, model, l, k, a, l, a, h, a, table)
wide = 900; high = 460
load (exists("ARG0") ? system(sprintf("dirname '%s'", ARG0)) : ".") . "/terminal.gp"
set style fill solid 0.7 noborder
set grid ytics
# Keeps bars of 100 below the frame.
set yrange [0:103]
set ytics 0, 20, 100
set ylabel "AUROC, %"
set title "AUROC, average over the OOD sets, with 95 % intervals" noenhanced
set xtics rotate by -30 noenhanced
bars = system(sprintf("awk -F'\\t' 'NR > 1 && $%d == \"average\" && !seen[$%d]++ { n++ } END { print n }' '%s'", s, k, table))
set xrange [-0.6:bars - 0.4]
# A single model needs no key; for several, it is beside the bars.
if (n > 1) { set key outside top right } else { unset key }
at(i) = (i - (n + 1) / 2.0) * 0.8 / n
# Prints the methods' names once, below the first model's bars.
plot for [i = 1:1] rows(word(models, i)) using ($0 + at(i)):(100 * $2):(100 * $3):(100 * $4):(0.8 / n):xtic(1) \
	with boxerrorbars title (m ? word(models, i) : "") noenhanced, \
     for [i = 2:n] rows(word(models, i)) using ($0 + at(i)):(100 * $2):(100 * $3):(100 * $4):(0.8 / n) \
	with boxerrorbars title word(models, i) noenhanced
