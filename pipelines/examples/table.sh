#!/bin/sh
# A paper's table from three seeds: a plainly trained network, and the same one fine-tuned with Unleashing Mask and
# without it (the control), against two OOD sets, on synthetic images.
#
#	table.sh [EPOCHS [IMAGES]]	(into the current folder; table.md is the table)
#
# For images of your own, replace ds-synth by ds-pack.
set -eu
epochs=${1:-20} n=${2:-2000} methods=msp,energy,knn,vim
ds-synth -n "$n" --set id --split train -o train.images
ds-synth -n "$((n / 2))" --set id --split test -o test.images
ds-synth -n "$((n / 4))" --set unseen-shapes -o unseen.images
ds-synth -n "$((n / 4))" --set textures -o textures.images

for seed in 1 2 3; do
	common="--seed $seed --val-fraction 0.1 --no-augment --batch-size 64"
	um-train -q $common --arch resnet-narrow:depth=8 --epochs "$epochs" -o "base-$seed.ckpt" train.images
	m=$(um-estimate -q --seed $seed -m "base-$seed.ckpt" --val-fraction 0.1 train.images)
	um-train -q $common --init "base-$seed.ckpt" --epochs "$((epochs / 2))" --um "$m" -o "um-$seed.ckpt" train.images
	um-train -q $common --init "base-$seed.ckpt" --epochs "$((epochs / 2))" -o "control-$seed.ckpt" train.images
	for model in base control um; do
		um-embed -q -m "$model-$seed.ckpt" train.images | ood-fit -q -o "$model-$seed.fit"
		for set in test unseen textures; do
			um-embed -q -m "$model-$seed.ckpt" "$set.images" |
				ood-score -q --fit "$model-$seed.fit" -m $methods -o "$model-$seed-$set.scores"
		done
		ood-metrics -f tsv --label "$model" --id "$model-$seed-test.scores" \
			"unseen=$model-$seed-unseen.scores" "textures=$model-$seed-textures.scores"
	done >"$seed.tsv"
done
ood-seeds --summary --format markdown 1.tsv 2.tsv 3.tsv >table.md
cat table.md
