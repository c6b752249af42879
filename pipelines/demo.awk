# demo.awk: what `make demo` prints, from the training images' column noisy, the tables of ood-metrics (one per model,
# in order), and rows on how many wrong labels are repeated and how many images are flagged.
BEGIN { FS = "\t"; n = split(methods, method, ","); n_sets = split(sets, set, " ") }
FNR == 1 { file++ }
file == 1 { if (FNR > 1) { images++; wrong += $1 } next }
$1 == "model" { for (i = 1; i <= NF; i++) at[$i] = i; next }
!($1 in seen) { seen[$1]; model[++models] = $1 }
$2 == "repeated" { repeated[$1] = $3; next }
$2 == "flagged" { flagged[$1, $3, $4] = $5; next }
{ measure["auroc", $1, $2, $3] = $at["auroc"]; measure["fpr95", $1, $2, $3] = $at["fpr95"]; accuracy[$1] = $at["id_acc"] }
function words(   k) {
	printf "  "
	for (k = 1; k <= n; k++) printf " %6s", method[k]
}
function numbers(what, m, range,   k) {
	printf "  "
	for (k = 1; k <= n; k++) printf " %6.1f", 100 * measure[what, m, method[k], range]
}
function table(what, title,   i) {
	printf "%-7s %8s %8s   %-" (7 * n) "s   %s\n", title, "wrong", "test", "near: other shapes", "far: noise, textures, negatives"
	printf "%-7s %8s %8s", "model", "repeated", "accuracy"
	words(); words(); print ""
	for (i = 1; i <= models; i++) {
		printf "%-7s %8.1f %8.1f", model[i], 100 * repeated[model[i]], 100 * accuracy[model[i]]
		numbers(what, model[i], "near average"); numbers(what, model[i], "far average"); print ""
	}
	print ""
}
END {
	printf "%d drawings of ten shapes to learn from, made so that there is something to forget: %d of their labels are wrong.\n", images, wrong
	print "plain has learnt them by heart; early is its epoch of best validation; +CE is plain trained further, the control;"
	printf "+UM just so, with the loss folded at %.2f, the estimate with 5 %% of the weights masked.\n", m
	print "All in percent; an AUROC below 50 is worse than guessing.\n"
	table("auroc", "AUROC")
	table("fpr95", "FPR95")
	print "Flagged, of 100 images of each set, by thresholds that flag 5 of 100 other drawings:"
	printf "%-7s %-6s", "model", "score"
	for (j = 1; j <= n_sets; j++) printf " %13s", set[j]
	print ""
	for (i = 1; i <= models; i++) for (k = 1; k <= n; k += n > 1 ? n - 1 : 1) {
		printf "%-7s %-6s", model[i], method[k]
		for (j = 1; j <= n_sets; j++) printf " %13.1f", 100 * flagged[model[i], method[k], set[j]]
		print ""
	}
}
