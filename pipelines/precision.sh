#!/bin/sh
# precision.sh IMAGES.tsv SCORES.tsv: rows of ds-synth's images beside those of um-estimate --per-sample (ts-dump
# --tsv of both). Of the K samples that an order puts first, the share that is atypical by construction; orders: the
# rise of the loss under masks, the loss under masks, the model's own loss.
set -eu
LC_ALL=C
export LC_ALL
rows=$(paste "$1" "$2" | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ print $at["atypical"], -$at["typicality"], $at["masked_loss"], $at["loss"] }')
all=$(echo "$rows" | awk '{ n += $1 } END { print n + 0 }')
echo "$rows" | awk -v all="$all" 'END { printf "%d of %d samples are atypical: %.1f %%. Of the first K by each order, percent that are:\n", all, NR, 100 * all / NR }'
printf '%8s %18s %18s %18s\n' K 'rise under masks' 'loss under masks' 'own loss'
for k in 20 50 100 200 "$all"; do
	printf '%8d' "$k"
	for column in 2 3 4; do
		echo "$rows" | sort -k$column,${column}gr -s | head -n "$k" |
			awk '{ n += $1 } END { printf " %18.1f", NR ? 100 * n / NR : 0 }'
	done
	echo
done
