#!/bin/sh
# noisy.sh RUN: prints, for each row of make noisy, what it remembers of its training labels and how well it finds the
# wrong ones, and for each case the level m for each ratio. Missing results are left out.
set -eu
LC_ALL=C
export LC_ALL
run=$1
echo
echo "Training labels: the loss on those given, and under masks; percent of the given ones that the network says, of the wrong ones,"
echo "and of the wrong ones where it says the true one instead. Wrong labels among the first as many, percent (AUROC), by the rise of"
echo "the loss under masks, by the loss, by both"
printf '%-10s %4s %-8s %7s %7s %7s %7s %7s   %-14s %-14s %s\n' noise seed row loss masked given wrong true 'by the rise' 'by the loss' both
for f in "$run"/noise*/*/*/memory.tsv; do
	[ -e "$f" ] || continue
	d=${f%/memory.tsv} row=${f%/memory.tsv}
	row=${row##*/} seed=${d%/*} seed=${seed##*/} noise=${d%/*/*} noise=${noise##*/}
	[ -e "$d/precision.txt" ] && p=$d/precision.txt || p=/dev/null
	tail -n 1 "$f" | awk -F '\t' -v head="$(printf '%-10s %4s %-8s' "$noise" "$seed" "$row")" '
		function percent(v) { return v == "-" ? v : sprintf("%.1f", 100 * v) }
		{ printf "%s %7.3f %7.3f %7s %7s %7s", head, $1, $2, percent($3), percent($4), percent($5) }'
	tail -n 2 $p | awk 'NR == 1 { r = $2; l = $4; b = $5 } NR == 2 { printf "   %-14s %-14s %s", r " (" $2 ")", l " (" $4 ")", b " (" $5 ")" } END { print "" }'
done | sort -V
echo
echo "The level m that um-estimate says for each ratio kept"
for f in "$run"/noise*/*/sweep.tsv; do
	[ -e "$f" ] || continue
	d=${f%/sweep.tsv}
	awk -F '\t' -v head="$(printf '%-10s %4s' "$(basename "${d%/*}")" "${d##*/}")" 'NR > 1 { s = s sprintf("  %s: %.3g", $1, $2) } END { print head s }' "$f"
done | sort -V
