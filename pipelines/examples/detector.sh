#!/bin/sh
# Builds a detector from a PyTorch model, and checks it step by step:
#
#	detector.sh MODEL.pth NORMALISE SIZE TRAIN VAL OOD NEW
#
# MODEL.pth was trained on the images of the folder or archive TRAIN, at SIZE pixels, with the normalisation NORMALISE
# (um-ckpt --normalise). VAL is images of the same kind that it was not trained on, OOD some of another kind, to see how
# well they are told apart, and NEW the images to judge. The current folder gets the three files of the detector,
# my.ckpt, my.fit and my.threshold, the table quality.txt, and verdicts.tsv, with one line per image of NEW.
# METHOD=vim and RATE=0.05 choose the score and the rate of false alarms.
set -eu
[ $# = 7 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 normalise=$2 size=$3 train=$4 val=$5 ood=$6 new=$7
method=${METHOD:-vim} rate=${RATE:-0.05}

# 1. The network, and images in the form it takes. Half of VAL gives the threshold, the other half checks it.
um-ckpt import -q --normalise "$normalise" --prepare "size=$size" -o my.ckpt "$model"
features() { ds-pack -q "$1" --for my.ckpt | um-embed -q -m my.ckpt -o "$2"; }
features "$train" train.features
features "$val" val.features
features "$ood" ood.features
ts-cat --shuffle -o mixed.features val.features
ts-cat --shard 0/2 -o choose.features mixed.features
ts-cat --shard 1/2 -o check.features mixed.features

# 2. What the training images look like, and below which score an image is flagged.
ood-fit -q -o my.fit train.features
ood-score -q --fit my.fit -m "$method" choose.features | ood-threshold --false-alarm "$rate" -o my.threshold

# 3. Is it any good? OOD images against the half of VAL that the threshold has not seen, and how many of each it flags.
ood-score -q --fit my.fit --threshold my.threshold -o check.scores check.features
ood-score -q --fit my.fit --threshold my.threshold -o ood.scores ood.features
ood-metrics --delong --id check.scores ood.scores >quality.txt
for set in check ood; do
	ts-cat --select "verdict:$method" $set.scores | ts-dump --tsv |
		awk -v set=$set 'NR > 1 { n++; flagged += $1 } END { printf "%s: %d of %d flagged\n", set, flagged, n }'
done >>quality.txt
cat quality.txt >&2

# 4. In use: only this line and the three files go to the machine that uses it.
ds-pack "$new" --for my.ckpt | um-embed -m my.ckpt |
	ood-score --fit my.fit --threshold my.threshold | ts-dump --tsv --class-names >verdicts.tsv
