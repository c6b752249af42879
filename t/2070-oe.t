#!/bin/sh
# Outlier exposure: the steps of every method are PyTorch's, with UM, on masks, resumed; bad outliers are refused.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'
PATH=$BUILD/t/helper:$PATH

# ---- two steps of each, against t/golden/um_oe.py ----
golden-net ckpt densenet:depth=22 10 >start.ckpt
golden-net outliers 40 - >aux40.ts
shown='conv1.weight block3.layer.2.conv2.weight fc.weight bn1.running_mean bn1.running_var'
while read -r rows options && read -r numbers; do
	golden-net images $rows 10 >few.ts
	case $options in *--oe*) aux='--aux aux40.ts' ;; *) aux= ;; esac
	um-train -i start.ckpt $aux $options -e 2 -b $rows --lr 0.02 --lr-policy constant --weight-decay 1e-3 --no-augment \
		-o out.ckpt few.ts 2>said
	sed -n 's/.* loss=\([^ ]*\) folded=\([^ ]*\) oe=\([^ ]*\) .*/\1 \2 \3/p; s/.* loss=\([^ ]*\) folded=\([^ ]*\) train.*/\1 \2 0/p' said >got
	ts-values 30 out.ckpt $shown >>got
	echo "$numbers" >want
	ok "$options: losses and weights of two steps are PyTorch's" 'near 1e-4 got want || { sed "s/^/# /" said; false; }'
done <"$SRC/t/golden/um_oe.txt"
done_testing
