# Tables of ood-metrics (--format tsv --label MODEL), one a seed: the average over their OOD sets for each model
# and method, mean (standard deviation, ddof 1) over the seeds.
BEGIN { FS = "\t" }
FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
$at["set"] == "average" {
	key = sprintf("%-11s %-8s", $at["model"], $at["method"])
	if (!(key in n)) order[++keys] = key
	n[key]++
	for (c = 1; c <= 4; c++) {
		v = 100 * $at[name[c]]
		sum[key, c] += v
		square[key, c] += v * v
	}
}
BEGIN { split("auroc aupr_in fpr95 id_acc", name, " ") }
END {
	printf "%-11s %-8s %15s %15s %15s %15s %6s\n", "model", "method", "AUROC", "AUPR-IN", "FPR95", "ID-ACC", "seeds"
	for (k = 1; k <= keys; k++) {
		key = order[k]
		printf "%s", key
		for (c = 1; c <= 4; c++) {
			mean = sum[key, c] / n[key]
			var = n[key] > 1 ? (square[key, c] - n[key] * mean * mean) / (n[key] - 1) : 0
			printf "   %5.2f (%5.2f)", mean, sqrt(var > 0 ? var : 0)
		}
		printf " %6d\n", n[key]
	}
}
