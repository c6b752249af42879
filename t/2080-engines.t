#!/bin/sh
# Fifty steps of every method with both engines. Rounding grows as training goes on, so that no fixed tolerance means
# anything; what a change of summation order does to the same fifty steps is measured beside it: each engine once more
# with other instructions, which sum in another order. The engines may differ by no more than ten times the largest of
# these two differences (measured: 0.4 to 2.5 times).
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch: there is one engine'
PATH=$BUILD/t/helper:$PATH

ds-synth -q --set id --n 100 --seed 1 -o id.ts
ds-synth -q --set textures --n 60 -o aux.ts
ds-synth -q --set id --n 60 --seed 2 -o test.ts
um-train -q -a densenet:depth=10,growth=4 -e 1 -b 20 --threads 1 -o base.ckpt id.ts

slow_torch='env ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem'
tune() { # OUT METHOD... : 10 epochs of 5 steps, then the logits of test.ts
	out=$1; shift
	"$@" -e 10 -b 20 --lr 0.02 --threads 1 -o $out.ckpt id.ts 2>said || { sed 's/^/# /' said; return 1; }
	um-embed -q --threads 1 -m $out.ckpt test.ts
}
logits() { ts-cat --select logits "$1" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g' | tr -d '[],' | tr ' ' '\n' | grep .; }
# The mean distance of two files of numbers.
apart() { paste "$1" "$2" | awk '{ d = $1 - $2; s += d < 0 ? -d : d } END { printf "%.9g\n", s / NR }'; }

while read -r name command; do
	for engine in nn torch; do
		tune one $command --engine $engine >a.ts && logits a.ts >$engine.as
		case $engine in
		nn) UNMASK_ISA=generic tune one $command --engine nn >b.ts ;;
		torch) tune one $slow_torch $command --engine torch >b.ts ;;
		esac && logits b.ts >$engine.other
	done
	ok "$name: fifty steps of both engines differ as other instructions do" '
		test -s nn.as && test -s torch.other && a=$(apart nn.as nn.other) && b=$(apart torch.as torch.other) && c=$(apart nn.as torch.as) &&
		echo "# by order: nn $a, torch $b; between engines: $c" &&
		awk "BEGIN { a = $a; b = $b; exit !($c > 0 && $c <= 10 * (a > b ? a : b)) }"'
done <<END
ce um-train -i base.ckpt
um um-train -i base.ckpt --um 1
adam um-train -i base.ckpt --optimizer adam
umap um-prune -m base.ckpt --method umap --keep 0.7 --um 1
oe um-train -i base.ckpt --oe oe --aux aux.ts
energy um-train -i base.ckpt --oe energy --aux aux.ts
poem um-train -i base.ckpt --oe poem --aux aux.ts
doe um-train -i base.ckpt --oe doe --doe-warmup 2 --aux aux.ts
mixoe um-train -i base.ckpt --oe mixoe --aux aux.ts
END
done_testing
