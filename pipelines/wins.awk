# wins.awk TABLE...: reads tables of ood-metrics --format tsv, one per seed, with several models each. Prints for each
# model, method and set in how many tables its FPR95 is below that of the model called base, and of the one called ce.
BEGIN { FS = "\t" }
FNR == 1 { seed++ }
/^model\t/ { for (i = 1; i <= NF; i++) at[$i] = i; next }
{
	key = $at["method"] SUBSEP $at["set"]
	fpr[seed, $at["model"], key] = $at["fpr95"]
	if (!(($at["model"], key) in seen)) { seen[$at["model"], key]; order[++n] = $at["model"] SUBSEP key }
}
END {
	printf "%-12s %-8s %-16s %s\n", "model", "method", "set", "seeds with an FPR95 below that of base, of ce"
	for (i = 1; i <= n; i++) {
		split(order[i], k, SUBSEP)
		if (k[1] == "base" || k[1] == "ce") continue
		base = ce = 0
		for (s = 1; s <= seed; s++) {
			base += fpr[s, order[i]] < fpr[s, "base", k[2], k[3]]
			ce += fpr[s, order[i]] < fpr[s, "ce", k[2], k[3]]
		}
		printf "%-12s %-8s %-16s %d/%d %d/%d\n", k[1], k[2], k[3], base, seed, ce, seed
	}
}
