#!/bin/sh
# Masks: their gradients are PyTorch's, both networks are in the checkpoint, nothing of the full one is lost.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
net=densenet:depth=22
names='conv1 block1.layer.0.conv1 block3.layer.2.conv2 trans2.conv1 fc'
tensors() {                            # what um_masks.py saves, in its order
	for i in $names; do echo "$i.weight"; [ "$1" = weights ] || echo "$i.scores"; done
}
golden-net images 16 10 >images.ts

# One step of rate 1 without momentum and decay: old minus new values are the gradients. Where our own kernels round
# otherwise than PyTorch, one of a million ReLUs may take its other side, which moves a gradient by a thousandth.
for kind in scores-layer scores-model weights-layer bernoulli-layer; do
	golden-net $kind $net 10 >m.ckpt
	rows=$(head -n 1 "$SRC/t/golden/um_masks_$kind.txt")
	golden-net images $rows 10 >few.ts
	sed 1d "$SRC/t/golden/um_masks_$kind.txt" >want
	for engine in $(engines); do
		um-train -q -i m.ckpt -e 1 -b $rows --lr 1 --momentum 0 --weight-decay 0 --no-augment --engine $engine -o out.ckpt few.ts
		ts-values 100 out.ckpt $(tensors "${kind%-*}") >got
		case $engine in torch) within=1e-5 ;; nn) within=2e-3 ;; esac
		ok "$kind, $engine: weights and scores after a step are PyTorch's" 'near $within got want'
	done
	golden-net ckpt $net 10 >start.ckpt
	ts-values 100 m.ckpt $(tensors "${kind%-*}") >before
	ok "$kind: the step moved them" '! near 1e-3 got before >/dev/null'
done
golden-net scores-layer densenet:depth=10,growth=4 10 >m.ckpt
um-train -i m.ckpt --freeze-weights -e 20 -b 16 --lr 0.02 --lr-policy constant --weight-decay 1e-3 \
	--no-augment --um 2.312 -o umap.ckpt images.ts 2>&1 | sed -n 's/.* loss=\([^ ]*\) .*/\1/p' >got
tr ' ' '\n' <"$SRC/t/golden/um_masks_umap.txt" >want
ok 'twenty steps of UMAP: the losses are PyTorch'"'"'s' 'near 1e-5 got want'
ok 'the fold was crossed' 'awk "\$1 < 2.312 {low++} \$1 > 2.312 {high++} END {exit !(low && high)}" got'

golden-net ckpt densenet:depth=10,growth=4 10 >base.ckpt
golden-net images 60 10 >set.ts
prune() { um-prune -q -m base.ckpt -e 2 -b 20 --threads 1 "$@" set.ts; }
um-embed -q --no-history -m base.ckpt images.ts >base.features
for method in umap bernoulli magnitude random snip; do
	args=; case $method in umap|bernoulli) args='--um 1.5' ;; esac
	ok "$method runs" 'prune --method $method $args --keep 0.7 --val set.ts -o $method.ckpt'
	ok "$method: um-embed --full gives what the base gives, to the byte" \
		'um-embed -q --no-history --full -m $method.ckpt images.ts | cmp - base.features'
	ok "$method: the masked network is another" \
		'um-embed -q --no-history -m $method.ckpt images.ts >masked.features && ! cmp -s masked.features base.features'
	ok "$method: baked, it is an ordinary checkpoint that gives the same" '
		um-ckpt bake -o baked.ckpt $method.ckpt 2>sparsity &&
		! ts-dump --header baked.ckpt | grep -q -e "\"mask" -e "\.scores" -e "\.mask" &&
		um-embed -q --no-history -m baked.ckpt images.ts | cmp - masked.features'
	ok "$method: so is the full one" '
		um-ckpt bake -q --full $method.ckpt | um-embed -q --no-history -m - images.ts | cmp - base.features'
	if [ $method != bernoulli ]; then
		ok "$method: sparsity is what was asked, less what is rounded off" \
			'awk -F= "{exit !(\$2 > 0.29 && \$2 <= 0.3)}" sparsity'
	fi
done
ok 'bernoulli: sparsity is about what was asked' '
	um-ckpt bake bernoulli.ckpt 2>&1 >/dev/null | awk -F= "{exit !(\$2 > 0.2 && \$2 < 0.4)}"'
ok 'the first convolution and the classifier can be left whole' '
	prune --method magnitude --dense-first --dense-last -o d.ckpt && ts-values 0 d.ckpt >d.names &&
	! grep -q -e "^conv1.mask" -e "^fc.mask" d.names && grep -q "^block1.layer.0.conv1.mask" d.names &&
	ts-values 0 magnitude.ckpt | grep -q "^fc.mask"'
ok 'over the whole model, layers are cut unequally' '
	prune --method magnitude --scope model --keep 0.5 -o g.ckpt && um-ckpt bake g.ckpt 2>&1 >g2.ckpt | grep -q "sparsity=0.5" &&
	ts-values 9999 g2.ckpt fc.weight conv1.weight | awk "{z = 0; for (i = 1; i <= NF; i++) z += \$i == 0; print z / NF}" >share &&
	awk "NR == 1 {a = \$1} NR == 2 {exit !(a != \$1)}" share'
ok 'magnitude cuts the smallest weights' '
	ts-values 9999 base.ckpt fc.weight | tr " " "\n" | awk "{print (\$1 < 0 ? -\$1 : \$1)}" | sort -g >sorted &&
	um-ckpt bake -q magnitude.ckpt >g2.ckpt && ts-values 9999 g2.ckpt fc.weight | tr " " "\n" |
	awk "\$1 != 0 {v = \$1 < 0 ? -\$1 : \$1; if (!n++ || v < m) m = v} END {print n, m}" >kept &&
	awk "NR == FNR {n = \$1; m = \$2; next} {v[FNR] = \$1} END {exit !(v[FNR - n + 1] == m)}" kept sorted'
ok 'snip keeps other weights than magnitude' '
	um-ckpt bake -q snip.ckpt | ts-dump --tsv | grep fc.weight >a; um-ckpt bake -q magnitude.ckpt | ts-dump --tsv | grep fc.weight >b; ! cmp -s a b'
ok 'the report: accuracy and OOD scores of both networks' '
	um-prune -m base.ckpt -e 1 -b 20 --val set.ts --ood noise=images.ts -o r.ckpt set.ts 2>report &&
	grep -q "^masked network: val_loss=.* val_acc=.* sparsity=0.19" report && grep -q "^full network: val_loss=.* sparsity=0.0000" report &&
	grep -q "^masked network: energy ood=noise auroc=.* fpr95=.* id_rows=60 rows=16" report && grep -q "^full network: energy ood=noise" report'
ok 'its numbers are ood-metrics'"'"'' '
	um-embed -q -m r.ckpt set.ts | ood-score -m energy -o id.s && um-embed -q -m r.ckpt images.ts | ood-score -m energy -o ood.s &&
	ood-metrics --id id.s noise=ood.s | awk "\$1 == \"noise\" || /noise/" >row; want=$(sed -n "s/^masked network: energy.* auroc=\([^ ]*\) .*/\1/p" report)
	grep -q " $want " row'
ok 'every score of one network and one pass is there, with the numbers of um-embed, ood-fit and ood-score' '
	um-embed -q --layers --rankfeat --odin eps=0.0014:temperature=1000 -m r.ckpt set.ts >id.f && ood-fit -q -o r.fit id.f && ood-score -q --fit r.fit -o id.s id.f && um-embed -q --layers --rankfeat --odin eps=0.0014:temperature=1000 -m r.ckpt images.ts | ood-score -q --fit r.fit -o ood.s &&
	ood-metrics --id id.s --show auroc,aupr_in,fpr95 noise=ood.s | awk "\$2 == \"noise\" {print \$1, \$3, \$4, \$5}" | grep -v "^klm " | sort >want &&
	sed -n "s/^masked network: \([^ ]*\) ood=noise auroc=\([^ ]*\) aupr_in=\([^ ]*\) fpr95=\([^ ]*\) .*/\1 \2 \3 \4/p" report | grep -v "^klm " | sort >got && cmp got want && test $(wc -l <got) -gt 20 && grep -q "^mahalanobis " got && grep -q "^rankfeat " got && grep -q "^odin" got'
ok 'trained weights: then the full network is not the base any more' '
	prune --train-weights --um 1.5 -o t.ckpt && um-embed -q --no-history --full -m t.ckpt images.ts >t.features && ! cmp -s t.features base.features'
ok 'um-train goes on with a fixed mask and keeps it' '
	um-train -q -i magnitude.ckpt -e 1 -b 20 -o more.ckpt set.ts && ts-values 9999 more.ckpt fc.mask >a && ts-values 9999 magnitude.ckpt fc.mask | cmp - a &&
	ts-values 9999 more.ckpt fc.weight >a && ! ts-values 9999 magnitude.ckpt fc.weight | cmp -s - a'
ok 'um-train --freeze-scores leaves the scores' '
	um-train -q -i umap.ckpt --freeze-scores -e 1 -b 20 -o more.ckpt images.ts && ts-values 9999 more.ckpt fc.scores >a && ts-values 9999 umap.ckpt fc.scores | cmp - a'
ok '--prune-rate is the same kept fraction, and says so' '
	um-prune -m base.ckpt --method magnitude --prune-rate 0.7 --no-history -o p.ckpt set.ts 2>said && grep -q "keeps that fraction" said &&
	prune --method magnitude --keep 0.7 --no-history -o k.ckpt && cmp p.ckpt k.ckpt'
ok 'same seed, same bytes' '
	prune --no-history --um 1.5 -o a.ckpt && prune --no-history --um 1.5 -o b.ckpt && cmp a.ckpt b.ckpt && prune --no-history --um 1.5 --seed 1 -o c.ckpt && ! cmp -s a.ckpt c.ckpt'

ok 'masks on masks, and another architecture, are refused before the images are read' 'head -c 3000 images.ts >cut && fails 1 "has masks already" um-prune -m umap.ckpt -o z.ckpt cut &&
	fails 1 "base.ckpt. is of architecture .*, not the resnet-narrow.* that --arch asks for" um-train -i base.ckpt --arch resnet20 -o z.ckpt cut && fails 1 "cut.*byte" um-train -i base.ckpt -o z.ckpt cut'
ok 'a run is resumed whose output has replaced what it started from' '
	cp base.ckpt own.ckpt && more() { um-prune -q -m own.ckpt -b 20 --um 1.5 --run own -o own.ckpt "$@" set.ts; } && more -e 1 && more -e 2 --resume && fails 1 "has masks already" more -e 1'
ok 'nothing to learn is misuse' 'fails 2 "nothing to learn" um-prune -m base.ckpt --subject weight set.ts'
ok '--subject weight with the weights' 'prune --subject weight --train-weights -o w.ckpt && um-ckpt bake w.ckpt 2>&1 >/dev/null | grep -q "sparsity=0.19"'
back() { um-ckpt import -q --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 "$@"; }
logits() { um-embed -q "$@" images.ts | ts-export --select logits -f npy; }
ok 'an export of which has that mask: read back, it is the same network' '
	um-ckpt export -o w.pth w.ckpt && back --keep 0.8 -o back.ckpt w.pth && logits -m w.ckpt >want && logits -m back.ckpt | cmp - want &&
	fails 1 "scores of .* masked layers" back w.pth && um-ckpt export --full -o w.pth w.ckpt && back -o back.ckpt w.pth && logits --full -m w.ckpt >want && logits -m back.ckpt | cmp - want'
ok 'safetensors say what the scores mean' '
	prune --method bernoulli --keep 0.6 --seed 5 -o b.ckpt && prune --scope model --keep 0.7 -o g.ckpt && for k in w b g magnitude; do
		um-ckpt export -o k.safetensors $k.ckpt && back -o back.ckpt k.safetensors && logits -m $k.ckpt >want && logits -m back.ckpt | cmp - want || return 1
	done && um-ckpt export -o k.safetensors b.ckpt && um-ckpt import --keep 0.5 -o back.ckpt k.safetensors 2>err && grep -q "file says that its masks are .bernoulli., of which 0.6 of the weights stay" err'
ok 'freezing everything is an error' 'fails 1 "nothing is left to train" um-train -i base.ckpt --freeze-weights -o z.ckpt set.ts'
ok 'um-embed --masked of a checkpoint without masks' 'fails 1 "has no masks" um-embed --masked -m base.ckpt images.ts'
ok 'um-ckpt bake of one without masks' 'fails 1 "has no masks" um-ckpt bake base.ckpt'
ok 'a mask tensor that is missing or wrong is named' '
	ts-dump --header umap.ckpt >/dev/null && /usr/bin/python3 - <<-END
		import msgpack, msgpack_numpy, numpy
		recs = list(msgpack.Unpacker(open("umap.ckpt", "rb"), raw=False, strict_map_key=False))
		del recs[0]["fields"]["fc.scores"]
		recs = [r for r in recs if "fc.scores" not in r]
		recs[-1]["rows"] -= 1
		recs[-1]["xxh3"] = None
		open("bad.ckpt", "wb").write(b"".join(msgpack.packb(r) for r in recs))
	END
	fails 1 "fc.scores.*missing" um-embed -m bad.ckpt images.ts'
done_testing
