# gnuplot -e "table='robustness.tsv'; picture='robustness.png'" -c robustness.gp
# The sheet of robustness.mk as a map: one row per score, one column per distortion or OOD set; darker means better told
# from clean ID images. Below a distortion's name is the network's accuracy on such images.
columns = int(system(sprintf("head -n 1 '%s' | tr '\\t' '\\n' | wc -l", table))) - 2
rows = int(system(sprintf("wc -l <'%s'", table))) - 2
wide = 200 + 47 * columns; high = 220 + 19 * rows
load (exists("ARG0") ? system(sprintf("dirname '%s'", ARG0)) : ".") . "/terminal.gp"
# column, row, AUROC; or the labels of these.
cells = sprintf("< awk -F'\\t' 'NR > 2 { for (i = 2; i < NF; i++) print i - 2 \"\\t\" NR - 3 \"\\t\" $i }' '%s'", table)
names = sprintf("< awk -F'\\t' 'NR == 1 { n = split($0, name) } NR == 2 { for (i = 2; i < n; i++) print i - 2 \"\\t\" name[i] ($i == \"-\" ? \"\" : \"  (\" int($i + 0.5) \")\") }' '%s'", table)
scores = sprintf("< awk -F'\\t' 'NR > 2 { print NR - 3 \"\\t\" $1 }' '%s'", table)
set title "AUROC of clean ID images against others, %\n50: no difference is seen. (…): how often the network is right, %"
unset key
unset colorbox
set cbrange [50:100]
set palette defined (50 "#ffffff", 75 "#9ecae1", 100 "#3182bd")
set xrange [-0.5:columns - 0.5]
set yrange [rows - 0.5:-0.5]
set xtics rotate by 90 right noenhanced scale 0
set ytics noenhanced scale 0
set lmargin at screen 150.0 / wide
set rmargin at screen 1 - 20.0 / wide
set tmargin at screen 1 - 50.0 / high
set bmargin at screen 160.0 / high
plot names using 1:(0):(0):xtic(2) with points pointtype -1, scores using (0):1:ytic(2) with points pointtype -1, \
     cells using 1:2:(0.5):(0.5):3 with boxxyerror fillstyle solid 1 noborder linecolor palette, \
     cells using 1:2:(sprintf("%.0f", $3)) with labels font ",8"
