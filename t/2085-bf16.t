#!/bin/sh
# --precision bf16 on the CPU: refused without AMX; with it, fifty steps learn what floats learn, the
# bytes are the same for any number of threads and after a kill, and evaluation is off by what rounding explains.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

usage() {                              # exit 2, the reason in the first of two lines, nothing on stdout
	pattern=$1; shift
	"$@" >out 2>err; test $? = 2 && ! test -s out && test $(wc -l <err) = 2 && head -n 1 err | grep -q -- "$pattern"
}
ds-synth -q --set id --n 100 --seed 1 -o id.ts
ds-synth -q --set id --n 60 --seed 2 -o test.ts
um-train -q -a densenet:depth=10,growth=4 -e 1 -b 20 --threads 1 -o base.ckpt id.ts

# ---- what is not available
none='this processor (generic) has none'
ok 'um-train reports that it is not available' 'UNMASK_ISA=generic usage "$none" um-train -a fc -e 1 --precision bf16 -o x id.ts && ! test -e x'
ok 'um-prune too' 'UNMASK_ISA=generic usage "$none" um-prune -m base.ckpt --um 1 --precision bf16 -o x id.ts'
ok 'um-embed names what needs none' 'UNMASK_ISA=generic usage "$none; --engine torch and --device cuda need none" um-embed -m base.ckpt --precision bf16 test.ts'
ok 'gradients of pixels neither' 'usage "for the forward pass alone\|has none" um-embed -m base.ckpt --precision bf16 --odin eps=0.01 test.ts'
if ! um-embed -m base.ckpt --precision bf16 test.ts >embedded.ts 2>err && grep -q 'has none;' err; then
	ok "the rest # SKIP $(sed -n 's/um-embed: //p;q' err)" true
	done_testing
	exit
fi

# ---- evaluation
embed() { um-embed -q --no-history -m base.ckpt "$@"; }
numbers() { ts-cat --select logits,features "$1" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
embed test.ts >f32.ts; embed --precision bf16 --threads 1 test.ts >bf16.ts
numbers f32.ts >f32; numbers bf16.ts >bf16
ok 'um-embed: to 2e-2, and not the same' 'near 2e-2 bf16 f32 && ! near 1e-5 bf16 f32'
ok 'the same bytes for 3 threads' 'embed --precision bf16 --threads 3 test.ts | cmp - bf16.ts'
ok 'an image by itself has the same numbers' '
	for i in 0 17; do ts-cat --shard $i/60 test.ts >one.ts && embed --precision bf16 --threads 2 one.ts >o.ts && numbers o.ts >one && sed -n $((i + 1))p bf16 | cmp - one || exit 1; done'

# ---- training
tune() { um-train --no-history -i base.ckpt -e 10 -b 20 --lr 0.05 --threads 1 --augment none "$@" id.ts 2>&1 | sed -n 's/.* loss=\([^ ]*\) .*/\1/p'; }
tune -o f32.ckpt >f32; tune --precision bf16 -o bf16.ckpt >bf16
ok 'fifty steps: the loss falls, and is that of floats to 1 % (measured: 0.2 %), but not the same' '
	paste f32 bf16 | awk "{ d = \$1 - \$2; d = d < 0 ? -d : d; if (d > w) w = d; if (d > 1e-2 * \$1) bad = 1 } NR == 1 { f = \$2 }
		END { printf \"# %g to %g, off by up to %.2g\\n\", f, \$2, w; exit bad || NR != 10 || !(w > 0) || !(\$2 < 0.95 * f) }"'
ok 'the same bytes for 3 threads' 'tune --precision bf16 --threads 3 -o three.ckpt >three && cmp three bf16 && cmp three.ckpt bf16.ckpt'
ok 'a trained mask, its losses those of floats to 1 %' '
	for p in f32 bf16; do um-prune --no-history -m base.ckpt --um 2 --keep 0.7 -e 3 -b 20 --lr 0.5 --threads 1 --precision $p -o $p.ckpt id.ts 2>&1 | sed -n "s/.* loss=\([^ ]*\) .*/\1/p" >$p || exit 1; done
	paste f32 bf16 | awk "{ d = \$1 - \$2; w += d < 0 ? -d : d; if (d > 1e-2 * \$1 || -d > 1e-2 * \$1) bad = 1 } END { exit bad || NR != 3 || !(w > 0) }"'

run='um-train -q --no-history -i base.ckpt -e 8 -b 20 --precision bf16 --run run --save-every 3'
for i in whole killed; do mkdir $i && cp base.ckpt $i; done
(cd whole && $run -o out.ckpt ../id.ts)
(cd killed && { $run -o out.ckpt ../id.ts & while ! ls run/*/*/checkpoints/epoch_0003.ckpt >/dev/null 2>&1; do sleep 0.02; done; kill -9 $!; wait; }) 2>/dev/null
ok 'killed and resumed: the same bytes' '(cd killed && ! test -e out.ckpt && $run --resume -o out.ckpt ../id.ts) && cmp whole/out.ckpt killed/out.ckpt'
ok 'a run is not resumed in another precision' '(cd whole && fails 1 "precision: bf16.*precision: f32" $run --precision f32 --resume -o out.ckpt ../id.ts)'
done_testing
