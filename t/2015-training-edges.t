#!/bin/sh
# Training where it is easy to go wrong: any number of threads, batches and images of one, channels without variance,
# nothing that learns, losses that diverge.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
net=densenet:depth=10,growth=4

ds-synth -q --set id --n 45 --seed 1 -o id.ts
ds-synth -q --set textures --n 90 -o aux.ts
um-train -q -a $net -e 1 -b 20 --threads 1 -o base.ckpt id.ts

# ---- the same bytes, whatever the number of threads ----
while read -r name command; do
	ok "$name: the same bytes with 1, 2 and 3 threads" '
		for t in 1 2 3; do
			$command -q --no-history -e 2 -b 15 --lr 0.02 --dropout 0.1 --threads $t -o $t.ckpt id.ts || exit 1
		done; cmp 1.ckpt 2.ckpt && cmp 1.ckpt 3.ckpt'
done <<END
ce um-train -i base.ckpt
um um-train -i base.ckpt --um 2.2
adam um-train -i base.ckpt --optimizer adam
ema um-train -i base.ckpt --ema 0.9 --val-fraction 0.2
umap um-prune -m base.ckpt --method umap --keep 0.7 --um 2.2
snip um-prune -m base.ckpt --method snip --keep 0.7
oe um-train -i base.ckpt --oe oe --aux aux.ts
energy um-train -i base.ckpt --oe energy --aux aux.ts
poem um-train -i base.ckpt --oe poem --aux aux.ts
doe um-train -i base.ckpt --oe doe --doe-warmup 0 --aux aux.ts
mixoe um-train -i base.ckpt --oe mixoe --aux aux.ts
oe+um um-train -i base.ckpt --oe oe --um 2.2 --separate-bn --aux aux.ts
END
ok 'um-estimate: the same digits' '
	for t in 1 2 3; do um-estimate -q --draws 2 --threads $t -m base.ckpt id.ts || exit 1; done | sort -u >m && test $(wc -l <m) = 1'

# ---- ones and nothings ----
row() { awk -v n="$1" -v rows=8 'BEGIN { for (r = 0; r < rows; r++) { for (i = 0; i < n; i++) printf "7 "; print r % 4 } }'; }
ts-gen images image:u1:3x4x4,label:i8 8 1 >four.ts
ts-gen images image:u1:1x1x1,label:i8 8 1 >one.ts
row 192 | ts-gen images image:u1:3x8x8,label:i8 >grey.ts
ts-gen images image:u1:1x1x1,label:i8 9 1 >nine1.ts
ts-cat --head 9 id.ts >nine.ts
golden-net nan $net 10 >nan.ckpt
trained() { um-train -q --engine $engine --threads 1 -b 4 "$@" && ! ts-dump x.ckpt | grep -qi 'nan\|inf'; }
for engine in $(engines); do
	ok "$engine: batches of one image" 'trained -a $net -e 1 -b 1 -o x.ckpt nine.ts'
	ok "$engine: a last batch of one image" 'trained -a $net -e 1 -o x.ckpt nine.ts'
	ok "$engine: images of one pixel, through fully connected layers" 'trained -a fc -e 2 --no-augment -o x.ckpt one.ts'
	ok "$engine: images of one pixel, through batch norms" \
		'trained -a wideresnet:depth=10,widen=1 -e 2 --no-augment -o x.ckpt one.ts'
	ok "$engine: channels without variance" 'trained -a $net -e 2 --no-augment -o x.ckpt grey.ts'
	ok "$engine: a learning rate of 0: the values stay" '
		trained -i base.ckpt --lr 0 -e 1 -o x.ckpt nine.ts && ts-values 999999 base.ckpt conv1.weight fc.weight >a &&
		ts-values 999999 x.ckpt conv1.weight fc.weight | cmp - a'
	ok "$engine: a start that is not finite is refused" '
		fails 1 "nan.ckpt.*not finite" um-train -q --engine $engine -i nan.ckpt -e 1 -o no.ckpt nine.ts && ! test -e no.ckpt'
	ok "$engine: one that diverges says so; the last good checkpoint is there" '
		um-train -q --engine $engine --threads 1 -i base.ckpt -e 40 -b 5 --lr 40 --weight-decay 1 --warmup 39 --run run.$engine \
			-o no.ckpt id.ts 2>err; test $? = 1 && test $(wc -l <err) = 1 && grep -q "diverged" err && ! test -e no.ckpt &&
		last=$(find run.$engine -name last.ckpt) && test -n "$last" && um-embed -q -m $last nine.ts | ts-dump >/dev/null'
done
# 3 x 256 x 256 bytes a million times are 197 GB.
ts-gen images image:u1:3x256x256,label:i8 2 1 >two.ts
ts-cat --select image two.ts >bare.ts
ok 'a batch larger than the data takes no more memory than they need' '
	trained -a resnet-narrow:depth=8 -e 1 -b 1000000 -o x.ckpt two.ts && trained -a resnet-narrow:depth=8 -e 1 -b 1000000 --oe oe --aux bare.ts -o x.ckpt two.ts'
# Of one number there is no variance, which PyTorch makes NaN.
engine=nn
ok 'a last batch of one image that nothing is learnt from, as it meets batch norms of maps of one pixel, is said' '
	last() { um-train -a wideresnet:depth=10,widen=1 -e 1 --no-augment -o x.ckpt "$@" 2>err; grep -q "last batch has a pass of 1 image, and the network has batch norms of maps of one pixel: .*leaves more than 1 of 9 images" err; } &&
	last -b 4 nine1.ts && ! last -b 3 nine1.ts && ! last -b 4 four.ts && ! last -b 4 --oe oe --aux one.ts nine1.ts && last -b 3 --ranks 2 nine1.ts && ! last -b 3 --ranks 2 --sync-bn nine1.ts'
ok 'a map of one pixel and a batch of one: the running variance stays' \
	'trained -a wideresnet:depth=10,widen=1 -e 1 -b 1 --no-augment -o x.ckpt four.ts'
done_testing
