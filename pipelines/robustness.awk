# robustness.awk -v worse=SETS -v ood=SETS ACCURACY METRICS: makes the sheet of robustness.mk from the accuracy of each
# distorted set and the long table of ood-metrics, whose near average is over distorted sets and whose far average over
# OOD sets.
# -v short=yes SHEET: makes a short table of it, for people.
BEGIN { FS = OFS = "\t" }
function percent(x) { return x == "" || x == "-" ? "-" : sprintf("%.2f", 100 * x) }
short == "yes" {
	if (FNR == 1) { for (i = 1; i <= NF; i++) at[$i] = i; printf "%-22s %9s %9s %9s\n", "AUROC, percent", "distorted", "OOD sets", "less"; next }
	if ($1 != "accuracy") printf "%-22s %9s %9s %9s\n", $1, $at["distorted"], $at["ood"], $at["less"]
	next
}
FNR == NR { accuracy[$1] = $2; next }
FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
!($at["method"] in seen) { seen[$at["method"]]; method[++methods] = $at["method"] }
{ auroc[$at["method"], $at["set"]] = $at["auroc"] }
END {
	if (short == "yes") exit
	n = split(worse, w, " "); k = split(ood, o, " ")
	line = "method"
	for (i = 1; i <= n; i++) line = line OFS w[i]
	line = line OFS "distorted"
	for (i = 1; i <= k; i++) line = line OFS o[i]
	print line OFS "ood" OFS "less"
	line = "accuracy"
	for (i = 1; i <= n; i++) { line = line OFS percent(accuracy[w[i]]); sum += accuracy[w[i]] }
	line = line OFS percent(sum / n)
	for (i = 1; i <= k + 1; i++) line = line OFS "-"
	print line OFS percent(accuracy["test"] - sum / n)
	for (m = 1; m <= methods; m++) {
		name = method[m]
		line = name
		for (i = 1; i <= n; i++) line = line OFS percent(auroc[name, w[i]])
		line = line OFS percent(auroc[name, "near average"])
		for (i = 1; i <= k; i++) line = line OFS percent(auroc[name, o[i]])
		less = 100 * (auroc[name, "far average"] - auroc[name, "near average"])
		print line OFS percent(auroc[name, "far average"]) OFS sprintf("%.2f", less) | "LC_ALL=C sort -t '\t' -s -k " (n + k + 4) "," (n + k + 4) "gr"
	}
}
