#!/bin/sh
# Fifty steps of every method with both engines. Rounding grows as training goes on, so no fixed tolerance is
# meaningful. Instead the effect of a known change on the same fifty steps is measured: a learning rate larger by 1e-4
# of itself.
# The engines may differ by five times what that does to either of them (measured: 0.3 to 1.9 times).
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch: there is one engine'
PATH=$BUILD/t/helper:$PATH

ds-synth -q --set id --n 100 --seed 1 -o id.ts
ds-synth -q --set textures --n 120 -o aux.ts
ds-synth -q --set id --n 60 --seed 2 -o test.ts
um-train -q -a densenet:depth=10,growth=4 -e 1 -b 20 --threads 1 -o base.ckpt id.ts

tune() { # TO LR COMMAND...: 10 epochs of 5 steps, then the logits of test.ts to file TO, a number a line
	to=$1 rate=$2; shift 2; rm -f tuned.ckpt $to
	"$@" -e 10 -b 20 --lr $rate --threads 1 -o tuned.ckpt id.ts 2>said || sed 's/^/# /' said
	um-embed -q --threads 1 -m tuned.ckpt test.ts | ts-cat --select logits | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g' |
		tr -d '[],' | tr ' ' '\n' | grep . >$to
}
# The mean distance of two files of numbers.
apart() { paste "$1" "$2" | awk '{ d = $1 - $2; s += d < 0 ? -d : d } END { printf "%.9g\n", s / NR }'; }

while read -r name lr command; do
	for engine in nn torch; do
		tune $engine $lr $command --engine $engine
		tune $engine.other $(awk "BEGIN { print $lr * 1.0001 }") $command --engine $engine
	done
	ok "$name: fifty steps of both engines differ as 1e-4 of the learning rate makes them" '
		for f in nn nn.other torch torch.other; do test $(wc -l <$f) = 600 || exit 1; done
		a=$(apart nn nn.other) && b=$(apart torch torch.other) && c=$(apart nn torch) &&
		echo "# by the learning rate: nn $a, torch $b; between engines: $c" &&
		awk "BEGIN { a = $a; b = $b; exit !($c > 0 && $c <= 5 * (a > b ? a : b)) }"'
done <<END
ce 0.02 um-train -i base.ckpt
um 0.02 um-train -i base.ckpt --um 2.25
adam 0.02 um-train -i base.ckpt --optimizer adam
umap 2.0 um-prune -m base.ckpt --method umap --keep 0.7 --um 2.25
oe 0.02 um-train -i base.ckpt --oe oe --aux aux.ts
energy 0.02 um-train -i base.ckpt --oe energy --aux aux.ts
poem 0.02 um-train -i base.ckpt --oe poem --aux aux.ts
doe 0.02 um-train -i base.ckpt --oe doe --doe-warmup 2 --aux aux.ts
mixoe 0.02 um-train -i base.ckpt --oe mixoe --aux aux.ts
END
done_testing
