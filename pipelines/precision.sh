#!/bin/sh
# precision.sh IMAGES.tsv SCORES.tsv [COLUMN]: takes rows of images with the column COLUMN, 1 in those to be found
# (atypical, from ds-synth; noisy, from ds-pack --label-noise), and those of um-estimate --per-sample (both from ts-dump
# --tsv). Prints, for each order, how many of its first K samples are to be found, as a share, and the AUROC. The
# orders: the rise of the loss under masks, the loss under masks, the model's own loss, and the sum of the ranks by the
# first and the last (both).
set -eu
LC_ALL=C
export LC_ALL
column=${3:-atypical}
# One line per sample: to be found or not, then its value in each order, larger first; equal values share their mean
# rank.
rows=$(paste "$1" "$2" | awk -F '\t' -v column="$column" '
	NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i
		if (!(column in at) || !("masked_loss" in at)) { print "precision.sh: no column " column ", or none of um-estimate --per-sample" >"/dev/stderr"; exit 1 }
		next }
	{ print NR, $at[column], -$at["typicality"], $at["masked_loss"], $at["loss"] }')
# Takes lines and a column's number, and appends to each line its rank by that column, the smallest 1.
ranked() {
	sort -k"$1,$1"g | awk -v c="$1" '
	{ line[NR] = $0; v[NR] = $c }
	END { for (i = 1; i <= NR; i = j) { for (j = i; j <= NR && v[j] + 0 == v[i] + 0; j++); for (k = i; k < j; k++) print line[k], (i + j - 1) / 2 } }'
}
rows=$(echo "$rows" | ranked 3 | ranked 5 | awk '{ print $1, $2, $3, $4, $5, $6 + $7 }' | sort -n -k1,1)
all=$(echo "$rows" | awk '{ n += $2 } END { print n + 0 }')
echo "$rows" | awk -v all="$all" -v what="$column" 'END { printf "%d of %d samples are %s: %.1f %%. Of the first K by each order, percent that are:\n", all, NR, what, 100 * all / NR }'
printf '%8s %18s %18s %18s %18s\n' K 'rise under masks' 'loss under masks' 'own loss' both
for k in 20 50 100 200 "$all"; do
	printf '%8d' "$k"
	for c in 3 4 5 6; do
		echo "$rows" | sort -k$c,${c}gr -s | head -n "$k" |
			awk '{ n += $2 } END { printf " %18.1f", NR ? 100 * n / NR : 0 }'
	done
	echo
done
printf '%8s' AUROC
for c in 3 4 5 6; do
	echo "$rows" | ranked $c | awk '$2 { n++; sum += $NF } END { m = NR - n; if (n && m) printf " %18.1f", 100 * (sum - n * (n + 1) / 2) / n / m; else printf " %18s", "-" }'
done
echo
