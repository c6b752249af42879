#!/bin/sh
# Run directories and resuming: their contents, and that a killed run ends in the same bytes as an uninterrupted one.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
ds-synth --set id --n 200 -o images.ts
ds-synth --set id --n 200 --seed 1 -o other.ts
net=densenet:depth=10,growth=2

# ---- what is in a run directory ----
printf 'epochs: 3\nbatch-size: 25\n# a comment\n' >small.yaml
um-train --config small.yaml -a $net --run runs --name first --val-fraction 0.1 --save-every 2 --no-history \
	-o out.ckpt images.ts 2>said
dir=runs/small/first
ok 'it is where it is said to be' 'grep -q "^run $dir\$" said && test -d $dir'
ok 'it holds what it should' '
	ls $dir | tr "\n" " " | grep -qx "checkpoints ds-synth_log.txt log.tsv logs settings.yaml " &&
	ls $dir/checkpoints | tr "\n" " " | grep -qx "best.ckpt epoch_0002.ckpt initial.ckpt last.ckpt "'
ok 'the log has what was said' 'cmp said $dir/ds-synth_log.txt'
ok 'log.tsv has a row an epoch, with the numbers that were said' '
	test $(wc -l <$dir/log.tsv) = 4 && head -n 1 $dir/log.tsv | grep -qx "epoch	lr	loss	folded	train_acc	val_loss	val_acc	images_s	seconds	val_acc5" &&
	sed -n "s/.* loss=\([^ ]*\) .* val_acc=\([^ ]*\) .*/\1 \2/p" said >a && awk "NR > 1 {print \$3, \$7}" $dir/log.tsv >b && near 1e-4 b a'
ok 'last is the model that was written, with what resuming needs' '
	um-embed -q --no-history -m out.ckpt images.ts >a && um-embed -q --no-history -m $dir/checkpoints/last.ckpt images.ts | cmp - a &&
	! ts-values 0 out.ckpt | grep -q train/ && ts-values 0 $dir/checkpoints/last.ckpt | grep -q "^train/first/conv1.weight"'
ok 'best is the epoch of the best validation accuracy' '
	best=$(awk "NR == 2 || (NR > 2 && \$7 > m) {m = \$7; e = \$1} END {print e}" $dir/log.tsv); ts-dump --header $dir/checkpoints/best.ckpt | grep -q "\"epoch\": $best,"'
ok 'threads: all processors, or OMP_NUM_THREADS, the first of its list; the option wins' '
	threads() { um-train -q -a fc -e 1 $1 --run threads images.ts && sed -n "s/^threads: //p" threads/um-train/*/settings.yaml; rm -r threads; }
	(unset OMP_NUM_THREADS; test $(threads) = $(nproc)) &&
	(export OMP_NUM_THREADS=5,2; test "$(threads) $(threads --threads=3)" = "5 3")'
ok 'settings.yaml gives the same run again' '
	um-train --config $dir/settings.yaml --no-history -o again.ckpt images.ts 2>said2 && cmp out.ckpt again.ckpt'
ok 'which took the next number' 'grep -q "^run $dir/0\$" said2'
ok 'settings.yaml with --resume goes on with its own run' '
	um-train --config $dir/settings.yaml --resume --no-history -o again.ckpt images.ts 2>said2 && grep -q "^run .*/$dir\$" said2 && cmp out.ckpt again.ckpt'
ok 'a run of an earlier version, which had fewer options, goes on as without them, and not with them' '
	cp $dir/settings.yaml whole.yaml && sed -i "/^precision:/d; /^label-smoothing:/d" $dir/settings.yaml &&
	um-train --config $dir/settings.yaml --resume --no-history -o again.ckpt images.ts 2>said2 && cmp out.ckpt again.ckpt &&
	fails 1 "label-smoothing: 0.1. now" um-train --config $dir/settings.yaml --resume --label-smoothing 0.1 -o x images.ts; got=$?
	cp whole.yaml $dir/settings.yaml; test $got = 0'
ok 'a directory that is taken gets a number' '
	for i in 1 2; do um-train -q --config small.yaml -a $net --run runs --name first --epochs 1 images.ts; done; test -e $dir/1/log.tsv && test -e $dir/2/log.tsv'
ok 'with --run and no -o nothing is on standard output' '
	um-train -q --config small.yaml -a $net --run runs --name quiet --epochs 1 images.ts >out && ! test -s out'
um-prune -q -m out.ckpt --um 1.5 -e 2 -b 25 --run runs --val-fraction 0.1 images.ts
ok 'um-prune has one too, called after what is kept' '
	test -s runs/um-prune/default/prune_rate=0.8/checkpoints/last.ckpt && um-ckpt bake -q runs/um-prune/default/prune_rate=0.8/checkpoints/best.ckpt | um-embed -q -m - images.ts >x'
events() { /usr/bin/python3 "$SRC/t/helper/events.py" "$@"; }
ok 'TensorBoard finds losses, accuracy and learning rate' '
	events $dir/logs/* >ev && grep -q "^train/loss 1 " ev && grep -q "^val/accuracy 3 " ev && grep -q "^lr 1 0.1" ev &&
	sed -n "s/^train\/loss [0-9]* //p" ev >a && awk "NR > 1 {print \$3}" $dir/log.tsv >b && near 1e-6 a b'
ok 'and the scores of masks' 'events runs/um-prune/default/*/logs/* | grep -q "^scores 2 histogram num=[1-9]"'

# ---- misuse ----
ok 'nothing to resume' 'fails 1 "nothing to resume" um-train -a $net --run nowhere --resume images.ts'
ok '--resume without --run' 'fails 2 "needs --run" um-train --resume images.ts'
ok 'resuming with other options names the first that differs' '
	fails 1 "lr: 0.1.*lr: 0.2" um-train --config small.yaml -a $net --run runs --name quiet --epochs 1 --lr 0.2 --resume images.ts'
ok 'resuming from a checkpoint that lost a part names it and the part' '
	cp -r runs/small/quiet runs/small/lost && /usr/bin/python3 - runs/small/lost/checkpoints/last.ckpt <<-END
		import msgpack, sys
		recs = list(msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, strict_map_key=False))
		del recs[0]["fields"]["train/first/fc.weight"]
		recs = [r for r in recs if "train/first/fc.weight" not in r]
		recs[-1].update(rows=recs[-1]["rows"] - 1, xxh3=None)
		open(sys.argv[1], "wb").write(b"".join(msgpack.packb(r) for r in recs))
	END
	sed -i s/quiet/lost/ runs/small/lost/settings.yaml
	fails 1 "last.ckpt.*train/first/fc.weight.*missing" um-train -q --config small.yaml -a $net --run runs --name lost --epochs 1 --resume images.ts'
ok 'starting from the last checkpoint of a run takes the model alone' '
	um-prune -q -m $dir/checkpoints/last.ckpt --method magnitude -o m.ckpt images.ts && ! ts-dump --header m.ckpt | grep -q train/'
ok 'a run that is at work cannot be resumed beside it' '
	um-train -q --config small.yaml -a $net --run runs --name busy --epochs 200 images.ts & pid=$!
	while ! test -e runs/small/busy/checkpoints/last.ckpt; do sleep 0.1; done
	fails 1 "in use by another process" um-train -q --config small.yaml -a $net --run runs --name busy --epochs 200 --resume images.ts; rc=$?
	kill $pid; wait $pid; test $rc = 0'
ok 'resuming with other images' '
	fails 1 "other images" um-train --config small.yaml -a $net --run runs --name quiet --epochs 1 --resume other.ts'
ok 'resuming with other validation images, whose accuracy says nothing about the best so far; a run that does not know its own' '
	judged() { um-train -q -a fc -b 50 --run judged --val val.ts -o x "$@" images.ts; }
	cp images.ts val.ts && judged -e 1 && cp other.ts val.ts && fails 1 "last.ckpt. was validated on other images than .val.ts." judged -e 2 --resume &&
	/usr/bin/python3 -c "
import sys, msgpack
r = list(msgpack.Unpacker(sys.stdin.buffer, raw=True, strict_map_key=False, max_buffer_size=1 << 30))
del r[0][b\"meta\"][b\"train/val\"]; r[-1][b\"xxh3\"] = None
[sys.stdout.buffer.write(msgpack.packb(x)) for x in r]" <judged/um-train/default/checkpoints/last.ckpt >older && cp older judged/um-train/default/checkpoints/last.ckpt && judged -e 2 --resume'
ok 'resuming what is finished writes the same' '
	um-train -q --config small.yaml -a $net --run runs --name first --val-fraction 0.1 --save-every 2 --no-history images.ts &&
	um-train -q --config small.yaml -a $net --run runs --name first --val-fraction 0.1 --save-every 2 --no-history --resume -o again.ckpt images.ts && cmp again.ckpt out.ckpt'

# ---- killed at any moment ----
same() {                               # two runs' checkpoints and results
	for f in $(cd $1 && find run -name "*.ckpt") out.ckpt; do cmp $1/$f $2/$f || return 1; done
}
begin() { mkdir $1 && cp images.ts out.ckpt $1 && cd $1 && mv out.ckpt base.ckpt; }
train='um-train -q -i base.ckpt -e 8 -b 20 --dropout 0.2 --ema 0.9 --nesterov'
umap='um-prune -q -m base.ckpt --method bernoulli -e 6 -b 20 --optimizer adam --lr 0.01 --um 1.5'
common='--threads 1 --val-fraction 0.1 --save-every 3 --run run -o out.ckpt images.ts'
moment() { /usr/bin/python3 -c "import random; random.seed($1); print(round(random.uniform($2, $3), 3))"; }
kills=0                                # each is waited for: until it is gone it holds the run directory
for tool in train umap; do
	eval "call=\$$tool"
	( begin $tool.whole && $call $common )
	for try in 1 2 3; do
		( begin $tool.$try || exit; $call $common & echo $! >pid
		  sleep $(moment 1$try 0.3 1.6); kill -9 $(cat pid); wait ) 2>/dev/null
		wait
		# Each of five more kills comes at its own moment; what is done by then stays done.
		for k in 2 3 4 5 6; do
			( cd $tool.$try; r=$(find run -name last.ckpt 2>/dev/null | head -n 1)
			  [ -n "$r" ] || rm -rf run
			  $call ${r:+--resume} $common & echo $! >pid
			  sleep $(moment $k$try 0.5 1.4); kill -9 $(cat pid); wait ) 2>/dev/null
			wait
		done
		kills=$((kills + 6))
		( cd $tool.$try; r=$(find run -name last.ckpt 2>/dev/null | head -n 1); [ -n "$r" ] || rm -rf run; $call ${r:+--resume} $common ) 2>err
		ok "$tool: killed six times ($kills in all), the same bytes" 'same $tool.whole $tool.$try'
	done
	ok "$tool: log.tsv has each epoch once" '
		cat $(find $tool.?/run -name log.tsv) | awk "/^epoch/ {n = 0; next} \$1 != ++n {exit 1}"'
done

# ---- stopped by a signal ----
# A shell's background processes ignore SIGINT; this one takes it.
takes_int='import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])'
for sig in TERM:143 INT:130; do
	rc=${sig#*:} sig=${sig%:*}
	( begin stopped.$sig && exec /usr/bin/python3 -c "$takes_int" $train -e 60 $common ) >out 2>err &
	pid=$!
	while ! ls stopped.$sig/run/*/*/checkpoints/last.ckpt >/dev/null 2>&1; do sleep 0.1; done
	kill -$sig $pid; wait $pid; got=$?
	ok "SIG$sig: ends by the signal" 'test $got = $rc'
	ok "SIG$sig: the checkpoint is in place, no result is" '
		test ! -e stopped.$sig/out.ckpt && um-embed -q -m stopped.$sig/run/*/*/checkpoints/last.ckpt images.ts >x &&
		tail -n 1 stopped.$sig/run/*/*/ds-synth_log.txt | grep -q "^stopped in epoch"'
done
( begin steady && $train -e 60 $common )
( cd stopped.TERM && $train -e 60 --resume $common )
ok 'resumed from the middle of an epoch: the same bytes' 'same steady stopped.TERM'

# ---- a full disk ----
( begin full || exit; $train $common & pid=$!; while ! ls run/*/*/checkpoints/epoch_0003.ckpt >/dev/null 2>&1; do sleep 0.05; done; kill -TERM $pid; wait ) 2>/dev/null
last=$(ls full/run/*/*/checkpoints/last.ckpt) && cp $last before.ckpt
( cd full && trap '' XFSZ && ulimit -f $(($(wc -c <../before.ckpt) / 1024)) && $train --resume $common ) >out 2>err; rc=$?
ok 'a full disk: exit 1, with the reason and the file' 'test $rc = 1 && grep -q "last.ckpt.*File too large" err'
ok 'the previous checkpoint is as it was, and whole' 'cmp $last before.ckpt'
( cd full && $train --resume $common )
ok 'with room again the run ends in the same bytes' 'same train.whole full'

# ---- a log that cannot be written ----
( begin logs || exit; $train -e 1 $common; log=$(ls run/*/*/*_log.txt) && ln -sf /dev/full $log && $train -e 1 --resume $common ) >out 2>err; rc=$?
ok 'a log that takes nothing: exit 1, names its file' 'test $rc = 1 && grep -q "cannot write .*/[^/]*_log.txt.: " err'

# ---- divergence ----
diverges() {                           # name, options: exit 1, and the checkpoint that it names is good
	name=$1; shift
	( begin $name && um-train -q -i base.ckpt -e 40 -b 20 "$@" --run run images.ts ) >out 2>err; rc=$?
	good=$(sed -n "s/.*last good checkpoint is .\(.*\).\$/\1/p" err)
	test $rc = 1 && grep -q "diverged" err && test -s "$name/$good" && um-embed -q -m $name/$good images.ts >x ||
		{ sed "s/^/# /" err; false; }
}
ok 'a run that diverges at once ends with 1 and names the initial checkpoint' '
	diverges soon --lr 1 --weight-decay 100 && test $(basename $good) = initial.ckpt'
ok 'one that diverges later names the last one' '
	diverges later --lr 0.1 --weight-decay 22 --momentum 0 --lr-policy constant && test $(basename $good) = last.ckpt'
done_testing
