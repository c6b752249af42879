#!/bin/sh
# when.sh RUNS: compares Unleashing Mask with its control, as TSV, for every experiment in the folder RUNS (published,
# noisy, um-vs-umap, oe) and every seed that has both: how much the network had memorised (its loss on training images,
# the share of wrong labels that it predicts), and what UM changed against the control and the base, in points, averaged
# over sets.
set -eu
LC_ALL=C
export LC_ALL
tab=$(printf '\t')
printf 'experiment\tsetting\tseed\trow\tmethod\tlevel\ttraining_loss\twrong_learnt\tauroc_over_control\tfpr95_over_control\taccuracy_over_control'
printf '\tauroc_over_base\tfpr95_over_base\taccuracy_over_base\n'
# gains HEAD BASE CONTROL ROW LEVEL LOSS WRONG: tables with one model each, or with several, told apart by their labels.
gains() {
	awk -F '\t' -v OFS='\t' -v head="$1" -v level="$5" -v loss="$6" -v wrong="$7" '
		FNR == 1 { file++ }
		/^model\t/ { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["set"] == "average" { m = $at["method"]; if (file == 3 && !(m in seen)) { seen[m]; order[++n] = m }
			auroc[file, m] = $at["auroc"]; fpr[file, m] = $at["fpr95"]; acc[file, m] = $at["id_acc"] }
		function over(v, k, m) { return ((k, m) in v) ? sprintf("%.2f", 100 * (v[3, m] - v[k, m])) : "-" }
		END { for (i = 1; i <= n; i++) { m = order[i]; print head, m, level, loss, wrong, \
			over(auroc, 2, m), over(fpr, 2, m), over(acc, 2, m), over(auroc, 1, m), over(fpr, 1, m), over(acc, 1, m) } }' "$2" "$3" "$4"
}
# What memory.awk counted for a model, column $2; the level that um-train was called with (in older runs one folder
# deeper).
memory() { if [ -s "$1/memory.tsv" ]; then sed -n 2p "$1/memory.tsv" | cut -f "$2"; else echo -; fi; }
level() { sed -n 's/^um: *//p' "$1"/run/*/*/settings.yaml "$1"/run/*/*/*/settings.yaml 2>/dev/null | tail -n 1; }
for run in "$1"/*/; do
	run=${run%/} name=${run##*/}
	# RUN/SETTING/SEED/ROW/eval-N/metrics.tsv
	for row in "$run"/*/*/um*/eval-*/metrics.tsv; do
		[ -e "$row" ] || continue
		eval=${row%/metrics.tsv} at=${row%/eval-*} eval=${eval##*/}
		case ${at##*/} in umap*) continue ;; esac
		seed=${at%/*} setting=${at%/*/*}
		base=$seed/base; [ -d "$base" ] || base=$run/base/0/base
		[ -e "$seed/ce/$eval/metrics.tsv" ] && [ -e "$base/$eval/metrics.tsv" ] || continue
		wrong=$(memory "$base" 4)
		gains "$name$tab${setting##*/}$tab${seed##*/}$tab${at##*/}" "$base/$eval/metrics.tsv" "$seed/ce/$eval/metrics.tsv" "$row" \
			"$(level "$at")" "$(memory "$base" 1)" "$wrong"
	done
	# RUN/SEED/ROW.tsv
	for row in "$run"/*/um.tsv; do
		seed=${row%/um.tsv}
		[ -e "$row" ] && [ -e "$seed/ce.tsv" ] && [ -e "$seed/base.tsv" ] || continue
		loss=$(sed -n 's/^epoch=.* loss=\([^ ]*\) .*/\1/p' "$seed/base.log" 2>/dev/null | tail -n 1)
		gains "$name$tab-$tab${seed##*/}${tab}um" "$seed/base.tsv" "$seed/ce.tsv" "$row" "$(cat "$seed/loss")" "${loss:--}" -
	done
done
