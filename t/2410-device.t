#!/bin/sh
# How libtorch runs a network: devices and precisions that are not available, bfloat16, and that batches in flight
# together come out in order, whole, and as soon as they are ready.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'
PATH=$BUILD/t/helper:$PATH
numbers() { ts-cat --select logits,features "$1" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
embed() { um-embed -q --no-history --threads 1 -m m.ckpt "$@"; }
usage() {                              # exit 2, the reason in the first of two lines, nothing on stdout
	pattern=$1; shift
	"$@" >out 2>err; test $? = 2 && ! test -s out && test $(wc -l <err) = 2 && head -n 1 err | grep -q -- "$pattern"
}
golden-net images 180 10 >all.ts
for i in 0 1 2; do ts-cat --no-history --shard $i/3 -o part$i.ts all.ts; done
ts-cat --no-history part0.ts part1.ts part2.ts >images.ts       # in three records of 60
golden-net uneven densenet:depth=10,growth=4 10 >m.ckpt

# ---- what is not available
if embed --device cuda images.ts >/dev/null 2>err; then gpu=' # SKIP there is a GPU'; else gpu=; fi
for tool in 'um-embed -m m.ckpt -o out.ts' 'um-estimate -m m.ckpt --draws 1' 'um-train -a conv2 -e 1 -o out.ts'; do
	ok "${tool%% *} --device cuda where there is none: one line with the remedy$gpu" '
		test -n "$gpu" || { fails 1 "cannot use device .cuda.: .*--device cpu" $tool -q --device cuda images.ts &&
		test $(wc -l <fails.err) = 1 && ! test -e out.ts; }'
done
ok 'the reason is what is missing' 'test -n "$gpu" || case $(cat err) in
	*"make LIBTORCH=DIR"*) ! grep -q libtorch_cuda "$BUILD/libunmask-th.so" ;;
	*"libtorch finds no GPU"*) grep -q libtorch_cuda "$BUILD/libunmask-th.so" ;;
	*) false ;; esac'
um-embed -q -m m.ckpt images.ts | ood-score -q -m msp | ood-threshold -q -a 0.5 -o msp.thr && ood-pack -q -m m.ckpt -t msp.thr -o m.det
ok "ood-detect --device cuda where there is none: one line with the remedy$gpu" '
	test -n "$gpu" || { ood-detect --device cuda m.det images.ts >out 2>err; test $? = 2 && ! test -s out && test $(wc -l <err) = 1 &&
		grep -q "m.det.: cannot use device .cuda.: .*--device cpu" err; }'
ok 'other devices are refused' 'fails 1 "cannot use device .xpu.: it is neither cpu nor cuda" embed --device xpu images.ts'
ok 'bf16 without AMX: the remedy is named' 'UNMASK_ISA=generic usage "--engine torch and --device cuda" embed --precision bf16 images.ts'
ok 'tf32 without a GPU, likewise' 'usage "--device cuda" embed --precision tf32 --engine torch images.ts'
ok 'in training too' 'usage "--device cuda" um-train -a fc -e 1 --precision tf32 -o x images.ts && usage "--device cuda" um-prune -m m.ckpt --um 1 --engine torch --precision tf32 -o x images.ts'
ok 'gradients are not taken in bf16' 'usage "--odin" embed --engine torch --precision bf16 --odin eps=0.01 images.ts'
ok 'there is no f16' 'usage "f32|tf32|bf16" embed --precision f16 images.ts'

# ---- bfloat16
embed images.ts >nn.ts && embed --engine torch images.ts >torch.ts
numbers nn.ts >nn && numbers torch.ts >torch
ok 'libtorch gives what nn gives' 'near 1e-4 torch nn'
# `make check ISA=avx2` tells oneDNN to do without AVX-512, which its bfloat16 needs, and libtorch, which asks the
# processor, gives it bfloat16 all the same.
case ${ONEDNN_MAX_CPU_ISA:-AVX512} in AVX512*) hidden= ;; *) hidden=' # SKIP oneDNN is not to use what it needs' ;; esac
ok "in bfloat16 to 2e-2, and not the same$hidden" 'test -n "$hidden" || {
	embed --engine torch --precision bf16 images.ts >bf16.ts && numbers bf16.ts >bf16 && near 2e-2 bf16 nn &&
	! near 1e-5 bf16 nn; }'
ok "logits and features are floats still$hidden" 'test -n "$hidden" || ts-dump --header bf16.ts | grep -c "\"<f4\"" | grep -q "^[2-9]"'
ok "maps too$hidden" 'test -n "$hidden" || { embed --engine torch --precision bf16 --layers --rankfeat part0.ts >extra.ts &&
	embed --layers --rankfeat part0.ts >want.ts && for f in extra want; do
	ts-cat --select layer1,rankfeat $f.ts | ts-dump | sed "s/\"[^\"]*\"://g; s/[{}]//g" >$f; done && near 3e-2 extra want; }'

ok "training in bfloat16: losses to 2 % of those of floats, and not the same$hidden" 'test -n "$hidden" || {
	for p in f32 bf16; do um-train -q --no-history --engine torch --precision $p -i m.ckpt -e 4 -b 20 --lr 0.01 --threads 1 --run run.$p images.ts || return 1
		tail -n +2 $(find run.$p -name log.tsv) | cut -f 3 >$p.losses; done
	test $(wc -l <f32.losses) = 4 && near 2e-2 bf16.losses f32.losses && ! near 1e-6 bf16.losses f32.losses; }'

# ---- in order and whole
ok 'chunks that divide nothing: the same to rounding' '
	for b in 1 7 59 60 1000; do embed --engine torch -b $b images.ts >b.ts && numbers b.ts >b && near 1e-5 b torch || exit 1; done'
ok 'labels stay with their rows' '
	ts-cat --no-history --select label images.ts | ts-dump >want && ts-cat --no-history --select label torch.ts | ts-dump | cmp - want'
ok 'a pipe gives the bytes of the file' 'cat images.ts | embed --engine torch | cmp - torch.ts'
ok 'a stream without images' 'ts-cat --head 0 images.ts >empty.ts && fails 1 "holds no images" embed --engine torch -o e.ts empty.ts'

# The first record ends where the END of a stream of it alone begins.
ts-cat --no-history part0.ts >first.ts
end=$(($(grep -abo end first.ts | tail -n 1 | cut -d: -f1) - 2))
ok 'the first record was found' 'cmp -n $end first.ts images.ts && test $end -gt 180000'
bytes=$((60 * 4 * 10))                # fewer than its logits and features
slow() {
	head -c $end images.ts
	i=0; while ! test -e go && [ $i -lt 900 ]; do sleep 0.1; i=$((i + 1)); done
	tail -c +$((end + 1)) images.ts
}
: >live.ts                              # it is looked at before the shell in the background has opened it
slow | embed --engine torch >live.ts &
i=0; while [ "$(wc -c <live.ts)" -lt $bytes ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done
ok 'on a live pipe a batch is there before the next one comes' 'test "$(wc -c <live.ts)" -ge $bytes'
touch go; wait
ok 'and in the end all of it' 'cmp live.ts torch.ts'
ok 'a stream that breaks off: what came before is there, exit 1' '
	head -c $((end + 100000)) images.ts | { embed --engine torch 2>err; echo $? >rc; } | ts-dump >out 2>dump.err
	test "$(cat rc)" = 1 && test $(wc -l <out) = 60'
ok 'nothing is said when nothing is wrong' 'um-embed -m m.ckpt --engine torch images.ts 2>err >out && ! test -s err'
done_testing
