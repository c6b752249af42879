#!/bin/sh
# Ten minutes at constant memory: a pipe of names, a pipe of frames, and ood-detect on names, side by side, with bad
# pictures among them and a detector that is exchanged. SLOW=yes runs it; UNMASK_SOAK says for how many seconds.
. "$SRC/t/lib.sh"
[ "${SLOW:-no}" = yes ] || skip_all 'SLOW=yes runs it'
[ -z "$SANITIZE" ] || skip_all 'sanitizers keep freed memory'
[ -r /proc/self/status ] || skip_all 'no /proc'
PATH=$BUILD/t/helper:$PATH
seconds=${UNMASK_SOAK:-600}
OMP_NUM_THREADS=1; export OMP_NUM_THREADS

ds-synth -q --set id --n 200 -o train.ts
um-train -q -a resnet-narrow:depth=8 --epochs 1 -o m.ckpt train.ts
um-embed -q -m m.ckpt train.ts -o f.ts
for m in energy msp; do ood-score -q -m $m f.ts | ood-threshold -q -a 0.1 -o $m.thr; ood-pack -q -m m.ckpt -t $m.thr -o $m.det; done
cp energy.det live.det
mkdir pics; for i in 1 2 3 4 5; do image-gen png 32 32 >pics/$i.png; done
head -c 100 pics/1.png >pics/bad.png

end=$(($(date +%s) + seconds))
going() { [ "$(date +%s)" -lt $end ]; }
names() { # some hundreds a second, one in fifty bad
	while going; do
		i=0
		while [ $i -lt 10 ]; do echo pics/1.png; echo pics/2.png; echo pics/3.png; echo pics/4.png; echo pics/5.png; i=$((i + 1)); done
		echo pics/bad.png
		sleep 0.2
	done
}
frames() { while going; do head -c 307200 train.ts; sleep 0.2; done; } # 100 frames of 32 x 32
run() { name=$1; shift; sh -c 'echo $$ >"$0.pid"; exec "$@"' "$name" "$@"; } # NAME COMMAND...: leaves its number in NAME.pid

{ names | run pack ds-pack --stream --size 32 2>pack.err; echo $? >pack.rc; } | { run embed um-embed -q -m m.ckpt; echo $? >embed.rc; } | { run score ood-score -q -m energy; echo $? >score.rc; } >scores.ts &
{ frames | run framed ds-pack -q --frames 32x32; echo $? >framed.rc; } | { run embed2 um-embed -q -m m.ckpt; echo $? >embed2.rc; } | { run score2 ood-score -q -m energy; echo $? >score2.rc; } >scores2.ts &
{ names | { run detect ood-detect --tsv live.det 2>detect.err; echo $? >detect.rc; }; } >verdicts &

resident() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' /proc/"$(cat $1.pid)"/status 2>/dev/null; }
all='pack embed score framed embed2 score2 detect'
turn=0 early=$(($(date +%s) + seconds / 5))
while [ "$(date +%s)" -lt $((end - 2)) ]; do
	sleep 1
	when=late; [ "$(date +%s)" -gt $early ] || when=early
	for p in $all; do now=$(resident $p) && echo "${now:-0}" >$p.$when; done
	turn=$((turn + 1))
	case $((turn % 4)) in              # another detector, under the same name
	1) m=msp ;;
	3) m=energy ;;
	*) continue ;;
	esac
	cp $m.det new.det && mv new.det live.det && kill -HUP "$(cat detect.pid)"
done
wait
for p in $all; do
	ok "$p: memory after a fifth of the time and at the end" '
		a=$(cat $p.early) b=$(cat $p.late) && echo "# $a and $b KiB" && test "$a" -gt 0 && test "$b" -le $((a + 2048))'
done
rows() { ts-cat -q --no-history --select energy "$1" | ts-dump | wc -l; }
ok 'the pipes end in order, and every row has come' '
	test "$(cat pack.rc embed.rc score.rc framed.rc embed2.rc score2.rc | tr -d "\n")" = 000000 &&
	echo "# $(rows scores.ts) names, $(rows scores2.ts) frames" && test $(($(rows scores.ts) % 50)) = 0 && test $(($(rows scores2.ts) % 100)) = 0 && test $(rows scores.ts) -ge $((seconds * 20))'
ok 'bad pictures are left out and said' 'test $(grep -c "bad.png" pack.err) -ge $((seconds / 2)) && test "$(cat detect.rc)" = 2 && test $(grep -c "bad.png" detect.err) -ge $((seconds / 2))'
ok 'ood-detect judged all others, by either detector' '
	echo "# $(wc -l <verdicts) verdicts, $turn seconds" && test $((($(wc -l <verdicts) - 1) % 50)) = 0 && test $(sed 1d verdicts | cut -f 3 | sort -u | wc -l) -ge 2 && ! grep -v "bad.png\|read again" detect.err | sed "s/^/# /" | grep .'
done_testing
