#!/bin/sh
# ranks.sh BUILD [ROUNDS]: two ranks of one thread, each bound to a core as by mpirun, against two threads of one
# process, in turn, as a Markdown table: images per second, the ratio round by round (median and range), and rank 0's
# report of its traffic. Then the sum of each network's gradient alone. RUN is put before each command (RUN='chrt -f 1':
# real-time priority).
build=$(cd "${1:-build/plain}" && pwd) || exit 1
rounds=${2:-8}
PATH=$build:$build/t/helper:$PATH
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT OMP_NUM_THREADS
work=$(mktemp -d) && cd "$work" || exit 1
trap 'rm -rf "$work"' EXIT

speed() { sed -n 's/.*images_s=\([0-9.]*\).*/\1/p' "$1"; }
threads() { $RUN $train --threads 2 2>said; speed said; }
ranks() {                              # OPTION...
	job=$((job + 1))
	for r in 0 1; do
		RANK=$r WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=$$.$job $RUN taskset -c $r $train --threads 1 "$@" 2>said.$r &
	done
	wait
	speed said.0
}
said() { sed -n 's/^rank 0 sent \([0-9.]* MB\) a step; \([0-9.]* %\).*/\1, \2/p' said.0; }
middle() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { printf "%.2f (%.2f to %.2f)", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR] }'; }
quotient() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }

echo '| network, batch | 2 threads | 2 ranks, ratio | with `--sync-bn`, ratio | sent a step, share of the time | with `--sync-bn` |'
echo '|---|--:|--:|--:|--:|--:|'
while read -r name images batch arch; do
	ds-synth --set id -n "$images" -o train.images </dev/null
	train="um-train -a $arch -e 1 -b $batch --no-history -o x.ckpt train.images"
	t= apart= sync=
	for round in $(seq "$rounds"); do
		one=$(threads </dev/null)
		t="$t $one" apart="$apart $(quotient "$(ranks </dev/null)" "$one")" cost=$(said)
		sync="$sync $(quotient "$(ranks --sync-bn </dev/null)" "$one")" cost_sync=$(said)
	done
	echo "| $name, $batch | $(middle $t | sed 's/ .*//') | $(middle $apart) | $(middle $sync) | $cost | $cost_sync |"
done <<-END
	${NETS:-DenseNet-100 128 64 densenet:depth=100,growth=12
	WRN-40-2 256 64 wideresnet:depth=40,widen=2
	ResNet-20 512 64 resnet-narrow:depth=20,projection=0}
END
echo
for n in 270000 770000 2240000 25600000; do
	echo "the sum of $n numbers of two ranks: $($RUN team-bench 2 $n 20)"
done
