# memory.awk: reads columns label, loss, masked_loss and pred of the training images, and true-label and noisy if
# present. Prints what the model remembers of them: its mean loss on the given labels, the same under masks, and the
# share that it predicts of all labels, of the wrong ones, and of those images' true ones.
NR == 1 { for (i = 1; i <= NF; i++) if (!($i in at)) at[$i] = i; next }
{
	loss += $at["loss"]; masked += $at["masked_loss"]
	given += $at["pred"] == $at["label"]
	if ("noisy" in at && $at["noisy"]) { n++; wrong += $at["pred"] == $at["label"]; right += $at["pred"] == $at["true-label"] }
}
END {
	m = NR - 1
	print "loss\tmasked_loss\tsays_given\tsays_wrong\tsays_true_instead\timages\twrong"
	printf "%.6g\t%.6g\t%.6g\t%s\t%s\t%d\t%d\n", loss / m, masked / m, given / m, n ? sprintf("%.6g", wrong / n) : "-", n ? sprintf("%.6g", right / n) : "-", m, n
}
