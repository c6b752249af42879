#!/bin/sh
# Every architecture trains, and works with masks of every kind, um-estimate, um-prune and um-embed's extras.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
columns() { ts-dump --header "$1" | sed -n 's/^ *"\([^"]*\)": {"type": "<f4".*/\1/p' | grep -v '^fc\.' | paste -sd,; }
# Mean cross-entropy of a features stream with 10 classes.
loss() {
	ts-dump "$1" | sed 's/.*"logits": \[//; s/\].*"label": / /; s/}//; s/,//g' |
		awk '{m = $1; for (i = 2; i <= 10; i++) if ($i > m) m = $i; s = 0
		      for (i = 1; i <= 10; i++) s += exp($i - m)
		      ce += m + log(s) - $($NF + 1)} END {printf "%.9g\n", ce / NR}'
}
golden-net images 10 10 >images.ts

um-train -q --threads 1 -a nothing images.ts 2>&1 >/dev/null | sed 's/.*the architectures are: //' | tr ' ' '\n' >archs
ok 'um-train and its page have them all' '
	test "$(wc -l <archs)" = "$(grep -o "[[:space:]]X([a-z0-9_]*)" "$SRC/lib/net/net_arch.c" | wc -l)" && while read -r a; do
		grep -q "Cm .*\<$a\>" "$SRC/tools/um-train.1" || echo "# $a"; done <archs >missing; cat missing; ! test -s missing'
ok 'the page has their parameters' '
	while read -r a; do
		um-train -q --threads 1 -a $a:nothing=1 images.ts 2>&1 >/dev/null | sed "s/.*it has: //; /has no/d" | tr " " "\n" | while read -r p; do
			grep -q "^.It Cm $a Ns .*[:,]$p=" "$SRC/tools/um-train.1" || echo "# $a:$p"; done
	done <archs >missing; cat missing; ! test -s missing'

# ---- training, and what reads a trained network
narrow=densenet121:growth=6,init=10,block1=2,block2=3,block3=1,block4=2
for spec in wideresnet:depth=10,widen=1 resnet-narrow:depth=14 cifarnet:widen=0.25 resnet:depth=18 $narrow conv2 fc; do
	a=${spec%%:*}
	ok "$a: trains" '
		um-train -q --threads 1 -a $spec -e 1 -b 5 --lr 0.02 --dropout 0.1 -o t.ckpt images.ts && um-embed -q --threads 1 -m t.ckpt images.ts >plain.ts'
	ok "$a: um-estimate with everything kept is its loss" '
		um-estimate -q --threads 1 --keep 1 --draws 1 -m t.ckpt images.ts >out && loss plain.ts >want && near 1e-5 out want'
	options='--odin eps=0.01 --against other.ckpt --fgsm 0.01'
	if [ $a = fc ]; then
		for option in --layers --rankfeat '--gram all' '--perturb fit.ts'; do
			ok "$a: has no feature list for $option" 'fails 1 "fc:bias=0 has no feature list" um-embed -m t.ckpt $option images.ts'
		done
	else
		golden-net fit $spec 10 >fit.ts
		options="$options --layers --rankfeat --perturb fit.ts --perturb-eps 0,0.002"
	fi
	golden-net ckpt $spec 10 >other.ckpt
	ok "$a: all extras, whatever the batch" '
		um-embed -q --threads 1 -m t.ckpt $options images.ts >all.ts && um-embed -q --threads 1 -m t.ckpt -b 3 $options images.ts >by3.ts &&
		numbers $(columns all.ts) all.ts >a && numbers $(columns by3.ts) by3.ts >b && near 1e-4 a b'
	ok "$a: is at a distance from another, and none from itself" '
		um-embed -q --threads 1 -m t.ckpt --against t.ckpt images.ts >self.ts && numbers kl-distance self.ts >a &&
		printf "0 0 0 0 0 0 0 0 0 0\n" >b && near 1e-9 a b && numbers kl-distance all.ts >a && ! near 1e-3 a b >/dev/null'
done

# ---- names of Gram matrices
golden-net images 1 10 >one.ts
golden-net ckpt resnet-cifar:depth=18 10 >r.ckpt
um-embed -q --threads 1 -m r.ckpt --gram all one.ts >gram.ts
ok 'a ReLU behind an addition is called after the branch' '
	columns gram.ts | grep -q ",gram:layer1.0.bn1.relu,gram:layer1.0.conv2,gram:layer1.0.bn2.add.relu,gram:layer1.1.conv1,"'
ok 'of 20 convolutions and 17 ReLUs' 'test $(columns gram.ts | tr , "\n" | grep -c gram:) = 37'
golden-net ckpt conv2 10 >r.ckpt
um-embed -q --threads 1 -m r.ckpt --gram all one.ts >gram.ts
ok 'one behind a convolution after that' 'columns gram.ts | grep -q "gram:convs.0,gram:convs.0.relu,gram:convs.2,gram:convs.2.relu$"'

# ---- learnt and fixed masks
while read -r method spec; do
	case $method in snip) fold= ;; *) fold='--um 1.5' ;; esac      # cut once, it has no loss
	golden-net ckpt $spec 10 >base.ckpt
	um-embed -q --threads 1 --no-history -m base.ckpt images.ts >base.ts
	ok "${spec%%:*}: um-prune --method $method keeps the full network and makes a sparse one" '
		um-prune -q --threads 1 -m base.ckpt --method $method --keep 0.7 -e 1 -b 5 $fold -o p.ckpt images.ts &&
		um-embed -q --threads 1 --no-history --full -m p.ckpt images.ts | cmp - base.ts &&
		um-embed -q --threads 1 --no-history -m p.ckpt images.ts >a && ! cmp -s a base.ts &&
		um-ckpt bake p.ckpt 2>&1 >/dev/null | awk -F= "{exit !(\$2 > 0.28 && \$2 < 0.32)}"'
done <<END
umap wideresnet:depth=10,widen=1
bernoulli wideresnet:depth=10,widen=1
snip $narrow
umap conv2
END
ok 'a method that does not train refuses --um' '
	um-prune -q -m base.ckpt --method snip --um 1.5 -o x.ckpt images.ts 2>err; test $? = 2 && grep -q "um and --aux are about training" err'

# ---- masks of every kind, the masked network in PyTorch
/usr/bin/python3 -c 'import torch, torchvision, msgpack_numpy' 2>/dev/null || { ok 'masks # SKIP no python3-torchvision here' true; done_testing; }
kinds='scores-layer scores-model weights-layer bernoulli-layer fixed-layer'
# Zeros as the kind has them, in the weights of $1.
right() {
	case $2 in
	*-model) awk '{z += $2; n += $3; same += $2 == int((1 - 0.8) * $3)}
		END {exit !(z == int((1 - 0.8) * n) && same < NR)}' $1.zeros ;;
	fixed*) awk '{z += $2} END {exit !(z == 0)}' $1.zeros ;;
	bernoulli*) awk '$3 > 400 && !($2 > 0.4 * $3 && $2 < 0.6 * $3) {bad = 1} END {exit bad}' $1.zeros ;;
	*) awk '$2 != int((1 - 0.8) * $3) {bad = 1} END {exit bad || NR == 0}' $1.zeros ;;
	esac
}
for net in wrn10 conv2; do
	spec=wideresnet:depth=10,widen=1,affine=0 classes=7
	[ $net = wrn10 ] || spec=$net classes=10
	golden-net images 5 $classes >images.ts
	for kind in $kinds; do
		golden-net $kind $spec $classes >$kind.ckpt
		um-ckpt bake -q -o $net-$kind.ckpt $kind.ckpt
		um-embed -q --threads 1 -m $kind.ckpt images.ts >$kind.ts
	done
	/usr/bin/python3 "$SRC/t/helper/zoo.py" run $net images.ts $(printf "$net-%s.ckpt " $kinds) >said 2>&1 || cat said
	for kind in $kinds; do
		ok "$net: mask $kind cuts what it says" 'right $net-$kind.ckpt $kind'
		ok "$net: with it, logits are PyTorch's of the cut weights" \
			'numbers logits $kind.ts >out && near 1e-4 out $net-$kind.ckpt.want'
	done
done
done_testing
