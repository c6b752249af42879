# flagged.awk: reads thresholds (a heading, then name and number), then scores (a heading with the same names, then
# rows), and prints the share of rows below each threshold, as model, "flagged", method, set, share.
BEGIN { FS = OFS = "\t" }
!scores && NR > 1 && NF == 2 && $2 + 0 == $2 { threshold[$1] = $2; next }
NR == 1 { next }
!scores { for (i = 1; i <= NF; i++) name[i] = $i; scores = NF; next }
{ rows++; for (i = 1; i <= NF; i++) below[i] += $i < threshold[name[i]] }
END { for (i = 1; i <= scores; i++) print model, "flagged", name[i], set, below[i] / rows }
