#!/bin/sh
# On a GPU, if there is one: um-embed agrees with the CPU, in batches of all sizes, recorded as a graph without
# complaint.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'
PATH=$BUILD/t/helper:$PATH
numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
embed() { um-embed --no-history -m m.ckpt "$@"; }
golden-net images 1499 10 >all.ts
for i in 0 1 2 3 4 5; do ts-cat --no-history --shard $i/6 -o part$i.ts all.ts; done
ts-cat --no-history part?.ts >images.ts
golden-net uneven densenet:depth=22,growth=8 10 >m.ckpt
um-embed -q -m m.ckpt --device cuda images.ts >out 2>err || {
	grep -q 'libtorch finds no GPU\|knows no GPUs' err && skip_all "$(sed 's/^um-embed: //' err)"
	sed 's/^/# /' err
}
embed images.ts >cpu.ts && numbers logits,features cpu.ts >cpu

# Five records of 250 and one of 249: two run by themselves, three as a graph, the last by itself.
ok 'floats: as lib/nn to 1e-4, and nothing to say' '
	embed --device cuda images.ts >f32.ts 2>err && ! test -s err && numbers logits,features f32.ts >f32 && near 1e-4 f32 cpu'
ok 'a detector says what it says on the CPU' '
	um-embed -q -m m.ckpt images.ts | ood-score -q -m energy | ood-threshold -q -a 0.1 -o e.thr && ood-pack -q -m m.ckpt -t e.thr -o m.det &&
	ood-detect --tsv m.det images.ts | tail -n +2 | cut -f 3 >a; ood-detect --tsv --device cuda m.det images.ts | tail -n +2 | cut -f 3 >b
	test -s a && near 1e-3 b a'
ok 'the same bytes again' 'embed --device cuda images.ts | cmp - f32.ts'
ok 'from a pipe too' 'cat images.ts | embed --device cuda | cmp - f32.ts'
for b in 1 7 64 100 256 5000; do
	ok "--batch-size $b: the same to 1e-5" '
		embed --device cuda -b $b images.ts >b.ts 2>err && ! test -s err && numbers logits,features b.ts >b && near 1e-5 b f32'
done
ok 'TF32: to 1e-2' 'embed --device cuda --precision tf32 images.ts >p.ts 2>err && ! test -s err &&
	numbers logits,features p.ts >p && near 1e-2 p cpu'
ok 'bfloat16: to 3e-2' 'embed --device cuda --precision bf16 images.ts >p.ts 2>err && ! test -s err &&
	numbers logits,features p.ts >p && near 3e-2 p cpu'
ok 'labels stay with their rows' '
	ts-cat --no-history --select label images.ts | ts-dump >want && ts-cat --no-history --select label f32.ts | ts-dump | cmp - want'
ts-cat --no-history --head 40 images.ts >few.ts
ok 'extra columns: as on the CPU to 1e-3' '
	what="--layers --rankfeat --gram stages --odin temperature=1:eps=0" columns=layer0,layer2,rankfeat,odin:eps=0
	embed --device cuda $what few.ts >a.ts && embed $what few.ts >b.ts &&
	numbers $columns a.ts >a && numbers $columns b.ts >b && near 1e-3 a b'
ok 'training starts, and its model works' '
	um-train -q --device cuda -a densenet:depth=10,growth=4 -e 1 -b 32 -o t.ckpt images.ts && um-embed -q -m t.ckpt few.ts >out'
# 250 images, batches of 50 and of 49: the fourth step on is recorded.
losses() { tail -n +2 $(find $1 -name log.tsv) | cut -f 3; }
trained() { name=$1; shift; um-train --no-history -i m.ckpt -e 4 -b 50 --lr 0.01 --augment none --run $name "$@" part0.ts 2>err && losses $name >$name.losses; }
ok 'training: losses as through libtorch on the CPU to 1e-3, recorded without complaint' '
	trained on-cpu --engine torch && trained on-gpu --device cuda && ! grep -q "graph" err && test $(wc -l <on-gpu.losses) = 4 && near 1e-3 on-gpu.losses on-cpu.losses'
ok 'the optimiser is on the device, as the log says' '
	grep -q "^values, gradients and the optimiser stay on the device" err'
# The step of um_optim.c with the gradients of the same GPU: DOE's warm-up is ordinary steps on the host, clipped to 1.
for how in '--nesterov --weight-decay 0.01 --no-bn-decay' '--ema 0.9 --freeze-fc' '--optimizer adam --lr 0.001'; do
	ok "a step on the device is a step on the host to 1e-3: $how" '
		more="--aux part1.ts --separate-bn --oe-weight 0.5 $how"
		trained "at-host" --device cuda --oe doe --doe-warmup 9 $more && grep -q "^gradients come to the host" err &&
		trained "at-device" --device cuda --oe oe --clip-norm 1 $more && ! grep -q "^gradients come" err && near 1e-3 at-device.losses at-host.losses; rc=$?
		rm -rf at-host at-device; test $rc = 0'
done
ok 'stopped in an epoch and resumed: the losses of a run that was not, to 1e-2' '
	long="-i m.ckpt -e 30 -b 50 --lr 0.01 --augment none --no-history --device cuda"
	um-train -q $long --run whole part0.ts && { um-train -q $long --run parts part0.ts & pid=$!
		while [ -z "$(find parts -name last.ckpt 2>/dev/null)" ]; do sleep 0.05; done; kill -TERM $pid; wait $pid
		um-train -q $long --run parts --resume part0.ts; } && losses whole >a && losses parts >b && test $(wc -l <b) = 30 && near 1e-2 b a'
if [ "$(nvidia-smi -L 2>/dev/null | grep -c "^GPU")" -ge 2 ]; then
	ok 'two ranks by NCCL: the losses of their sum on the host to 1e-3' '
		trained two --multigpu 0,1 && grep -q "add up gradients with NCCL" err && trained summed --ranks 2 --engine torch && near 1e-3 two.losses summed.losses'
else
	ok 'two ranks by NCCL # SKIP there is one GPU' true
fi
ok 'in TF32 to 1e-2' 'trained in-tf32 --device cuda --precision tf32 && near 1e-2 in-tf32.losses on-cpu.losses'
ok 'in bfloat16 to 3e-2' 'trained in-bf16 --device cuda --precision bf16 && near 3e-2 in-bf16.losses on-cpu.losses'
ok 'with outliers and batch norms apart, and with dropout' '
	trained apart-cpu --engine torch --oe oe --aux part1.ts --separate-bn && trained apart-gpu --device cuda --oe oe --aux part1.ts --separate-bn &&
	near 1e-3 apart-gpu.losses apart-cpu.losses && trained dropped --device cuda --dropout 0.3'
done_testing
