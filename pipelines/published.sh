#!/bin/sh
# published.sh RUN EVAL METHODS SETS BEST: prints tables of the results in RUN/SETTING/SEED/ROW/EVAL so far: for each
# row, the mean over its seeds (standard deviation, ddof 1) and, in brackets, the bootstrap interval over images for its
# first seed. SETS is average, or all for a row per set. Below come the BEST methods of each row by average AUROC
# (chosen in hindsight) and the unfinished rows.
set -eu
LC_ALL=C
export LC_ALL
run=$1 eval=$2 methods=$3 sets=$4 best=$5
tab=$(printf '\t')

# SETTING SEED ROW and the lines of ood-metrics, tab-separated, for the average or for all sets.
lines() {
	for f in "$run"/*/*/*/"$eval"/"$1"; do
		[ -e "$f" ] || continue
		at=${f%/"$eval"/"$1"}
		row=${at##*/} at=${at%/*} seed=${at##*/} at=${at%/*}
		awk -F '\t' -v head="${at##*/}$tab$seed$tab$row" '/^model\t/ { for (i = 1; i <= NF; i++) c[$i] = i; next }
			{ print head "\t" $c["method"] "\t" $c["set"] "\t" $c["auroc"] "\t" $c["auroc_low"] "\t" $c["auroc_high"] "\t" \
			  $c["fpr95"] "\t" $c["fpr95_low"] "\t" $c["fpr95_high"] "\t" $c["id_acc"] }' "$f"
	done
}
# Each number's heading is printed once; rows keep their order: by setting, the base first, then by name.
table() {
	awk -F '\t' -v methods="$methods" -v sets="$sets" '
	function order(row) { return row == "base" ? 0 : row == "ce" ? 1 : row == "ema" ? 2 : row ~ /^um[0-9]*/ && row !~ /^umap/ ? 3 : row ~ /^umap/ ? 4 : 5 }
	function spread(key, n,    m) { m = sum[key] / n; return n < 2 ? "-" : sprintf("%.2f", sqrt((square[key] - n * m * m > 0 ? square[key] - n * m * m : 0) / (n - 1))) }
	function cell(key, n) { return sprintf("%-32s", sprintf("%.2f (%s) %s", sum[key] / n, spread(key, n), low[key])) }
	BEGIN { n_methods = split(methods, wanted, ","); for (i = 1; i <= n_methods; i++) rank[wanted[i]] = i }
	!($4 in rank) || (sets != "all" && $5 != "average") { next }
	{
		key = $1 SUBSEP $3 SUBSEP $4 SUBSEP $5
		if (!(key in count)) {
			sort = sprintf("%s\t%d\t%s\t%02d\t%s", $1 == "base" ? "" : $1, order($3), $3, rank[$4], $5 == "average" ? "~" : $5)
			line[key] = sort
		}
		count[key]++
		for (i = 6; i <= 12; i += 3) {
			v = 100 * $i; k = key SUBSEP i; sum[k] += v; square[k] += v * v
			if (i < 12 && count[key] == 1) low[k] = $(i + 1) == "-" ? "-" : sprintf("[%.1f, %.1f]", 100 * $(i + 1), 100 * $(i + 2))
		}
	}
	END {
		for (key in count) {
			split(key, p, SUBSEP); n = count[key]
			printf "%s\t%-22s %-10s %-12s%s %5d  %s %s %6.2f (%s)\n", line[key], p[1], p[2], p[3], sets == "all" ? sprintf(" %-12s", p[4]) : "", n, \
				cell(key SUBSEP 6, n), cell(key SUBSEP 9, n), sum[key SUBSEP 12] / n, spread(key SUBSEP 12, n)
		}
	}' | sort -t "$tab" -k1,1V -k2,2n -k3,3V -k4,4n -k5,5 | cut -f 6-
}
heading() {
	printf '%-22s %-10s %-12s' setting row method
	[ "$sets" != all ] || printf ' %-12s' set
	printf ' %5s  %-32s %-32s %s\n' seeds 'AUROC (std) [first seed]' 'FPR95 (std) [first seed]' 'ID-ACC (std)'
}
first=$(find "$run" -path "*/$eval/metrics.tsv" 2>/dev/null | head -n 1)
[ -n "$first" ] || { echo "nothing is finished in $run (of $eval)" >&2; }
of_sets() { cut -f 3 "$1" | grep -v '^set$\|^average$' | awk '!seen[$0]++' | tr '\n' ' '; }
if [ -n "$first" ]; then
	[ ! -s "$run/loss" ] || echo "The level that um-estimate says: $(cat "$run/loss")"
	echo "Average over $(of_sets "$first")"
	heading
	lines metrics.tsv | table
	plain=${first%metrics.tsv}no-tin.tsv
	if [ -e "$plain" ] && [ "$sets" != all ]; then
		echo; echo "Without Tiny ImageNet, which the outliers are of: average over $(of_sets "$plain")"
		heading
		lines no-tin.tsv | table
	fi
	[ "$best" = 0 ] || printf '\n%-22s %-10s %-4s %-16s %7s %7s\n' setting row seed 'best methods' AUROC FPR95
	lines metrics.tsv | awk -F '\t' '$5 == "average"' | sort -t "$tab" -k1,1V -k2,2V -k3,3V -k6,6gr |
		awk -F '\t' -v best="$best" 'seen[$1, $2, $3]++ < best { printf "%-22s %-10s %-4s %-16s %7.2f %7.2f\n", $1, $3, $2, $4, 100 * $6, 100 * $9 }'
fi
unfinished=$(for d in "$run"/*/*/*/; do
	d=${d%/}
	[ -d "$d" ] && [ ! -e "$d/$eval/metrics.tsv" ] || continue
	case $d in (*/*-all/*|*/eval-*) continue ;; esac
	if [ -e "$d/model.ckpt" ]; then state='trained, not scored'
	else state=$(sed -n 's/^\(epoch=[0-9]*\) .*/\1/p' "$d/train.log" 2>/dev/null | tail -n 1); state="in training, ${state:-no epoch yet}"; fi
	echo "${d#"$run"/}: $state"
done)
[ -z "$unfinished" ] || { echo; echo "Not finished:"; echo "$unfinished"; }
