# Loaded by the others: sets the terminal and the output file. The name's ending, or format='png', 'svg' or 'pdf', gives
# the picture's format. It has wide x high pixels, 96 to an inch of paper.
if (!exists("format")) { format = system(sprintf("echo '%s' | sed 's/.*[.]//'", picture)) }
if (format eq "svg") { set terminal svg size wide, high font "sans,11" background "white" } \
else { if (format eq "pdf") { set terminal pdfcairo size wide / 96.0, high / 96.0 font "sans,8" } \
else { set terminal pngcairo size wide, high font "sans,10" } }
set output picture
set datafile separator "\t"
