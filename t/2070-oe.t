#!/bin/sh
# Outlier exposure: the steps of every method are PyTorch's, with UM, on masks, resumed; bad outliers are refused.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

# ---- two steps of each, against t/golden/um_oe.py ----
golden-net ckpt densenet:depth=22 10 >start.ckpt
golden-net outliers 40 - >aux40.ts
shown='conv1.weight block3.layer.2.conv2.weight fc.weight bn1.running_mean bn1.running_var'
while read -r rows options && read -r numbers; do
	golden-net images $rows 10 >few.ts
	case $options in *--oe*) aux='--aux aux40.ts' ;; *) aux= ;; esac
	echo "$numbers" >want
	# Within 1e-3 where a ReLU may take its other side as our own kernels round.
	for engine in $(engines); do
		um-train -i start.ckpt $aux --lr 0.02 $options --threads 1 -e 2 -b $rows --lr-policy constant --weight-decay 1e-3 \
			--no-augment --engine $engine -o out.ckpt few.ts 2>said
		sed 's/ smoothed=/ folded=/; /folded=/!s/ loss=\([^ ]*\)/& folded=\1/' said |
			sed -n 's/.* loss=\([^ ]*\) folded=\([^ ]*\) oe=\([^ ]*\) .*/\1 \2 \3/p; s/.* loss=\([^ ]*\) folded=\([^ ]*\) train.*/\1 \2 0/p' >got
		ts-values 30 out.ckpt $shown >>got
		case $engine in torch) within=1e-4 ;; nn) within=1e-3 ;; esac
		ok "$options, $engine: losses and weights of two steps are PyTorch's" 'near $within got want || { sed "s/^/# /" said; false; }'
	done
done <"$SRC/t/golden/um_oe.txt"

# ---- which outliers ----
net=densenet:depth=10,growth=2
ds-synth --set id --n 60 -o id.ts
ds-synth --set textures --n 100 -o aux.ts
um-train -q -a $net -e 1 -b 20 --threads 1 -o base.ckpt id.ts
train() { um-train -i base.ckpt --threads 1 --aux aux.ts "$@" id.ts 2>said; }
said() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" said; }
still='--lr 0 --separate-bn -e 3 -b 60'      # nothing moves, so the term changes with the outliers alone
ok 'outliers are drawn anew for each epoch' '
	train --oe oe $still -o x.ckpt && test $(said oe | sort -u | wc -l) = 3'
ok '--aux-fixed: the same ones in the same crops' '
	train --oe oe $still --aux-fixed -o x.ckpt && said oe >got && sed -n "1p;1p;1p" got >want && near 1e-5 got want'
# Larger outliers, of which windows of 32x32 are taken.
ts-gen images image:u1:3x40x36 100 3 >big.ts
large() { um-train -i base.ckpt --threads 1 --aux big.ts --oe oe "$@" id.ts 2>said; }
ok 'larger outliers are refused, and --aux-crop is named' 'fails 1 "big.ts.: holds images of 3x40x36 .*--aux-crop takes random windows" um-train -i base.ckpt --aux big.ts --oe oe id.ts'
ok '--aux-crop: random windows of them, others each epoch' 'large --aux-crop $still -o x.ckpt && test $(said oe | sort -u | wc -l) = 3 && large --aux-crop --no-augment --aux-fixed $still -o x.ckpt && test $(said oe | sort -u | wc -l) = 1'
ok 'smaller ones are refused all the same; without --aux it is misuse' 'ts-gen images image:u1:3x24x40 100 3 >little.ts && fails 1 "holds images of 3x24x40" um-train -i base.ckpt --aux little.ts --oe oe --aux-crop id.ts && fails 2 "needs --aux" um-train --aux-crop id.ts'
ok 'of the same size nothing changes' 'train --oe oe -e 1 -b 25 --no-history -o x.ckpt && train --oe oe -e 1 -b 25 --aux-crop --no-history -o y.ckpt && cmp x.ckpt y.ckpt'
ok '--aux-ratio: so many to a step, the last one too' '
	train --oe oe -e 1 -b 25 --aux-ratio 0.3 -o x.ckpt && grep -q "^outlier exposure: oe, weight 0.5, 19 of 100 outliers per epoch" said'
ok 'a separate pass for outliers leaves the running statistics to the images' '
	um-train -q -i base.ckpt --lr 0 -e 1 -b 60 --threads 1 --no-augment -o a.ckpt id.ts && train --oe oe --separate-bn --lr 0 -e 1 -b 60 --no-augment -o b.ckpt &&
	ts-values 99 a.ckpt bn1.running_mean bn1.running_var | tr " " "\n" >a && ts-values 99 b.ckpt bn1.running_mean bn1.running_var | tr " " "\n" >b && near 1e-6 a b &&
	train --oe oe --lr 0 -e 1 -b 60 --no-augment -o b.ckpt && ts-values 99 b.ckpt bn1.running_mean bn1.running_var | tr " " "\n" >b && ! near 1e-3 a b >near.out'
ok 'poem mines: other outliers than oe draws, nearer to its boundary after an epoch' '
	train --oe poem $still --m-in -50 --m-out 50 -o x.ckpt && said oe >a && train --oe energy $still --m-in -50 --m-out 50 -o x.ckpt && said oe >b && ! near 1e-4 a b >near.out'
ok 'the log names each method and its weight' '
	for m in oe.0.5 energy.0.1 poem.0.1 doe.1 mixoe.5; do
		train --oe ${m%%.*} -e 1 -b 30 -o x.ckpt && grep -q "^outlier exposure: ${m%%.*}, weight ${m#*.}, 60 of 100" said || echo "# $m"; done >out; ! test -s out'
ok 'the checkpoint says which, its history which outliers' '
	ts-dump --header x.ckpt | grep -q "\"oe\": \"mixoe\"" && ts-dump --history x.ckpt | grep -c "" >got && test $(cat got) -ge 3 && ts-dump --history x.ckpt | grep -q "textures"'

# ---- with Unleashing Mask: of a single step the loss of the outliers is the same, whatever happens to that of the images ----
ok 'every method: folded at 0 it is itself, folded above the loss it climbs, and the outliers are what they were' '
	state() { ts-values 99 x.ckpt conv1.weight fc.weight | tr " " "\n"; }
	for m in oe energy poem doe mixoe; do
		one="--oe $m --doe-warmup 0 -e 1 -b 60 --no-augment -o x.ckpt"
		train $one && state >a && said oe >a.oe && train $one --um 0 && state >b && near 1e-6 a b &&
		train $one --um 4 && state >b && said oe >b.oe && near 1e-6 a.oe b.oe && ! near 1e-4 a b >near.out || echo "# $m"
	done >out; ! grep -v numbers out'

# ---- masks: UMAP with outliers ----
for m in oe poem doe; do
	ok "$m on a mask: the scores learn, the full network stays what it was to the byte" '
		um-prune -q -m base.ckpt --um 2.2 --aux aux.ts --oe $m --doe-warmup 0 -e 2 -b 20 --threads 1 --no-history -o $m.ckpt id.ts &&
		um-embed -q --no-history --full -m $m.ckpt id.ts >a && um-embed -q --no-history -m base.ckpt id.ts | cmp - a &&
		um-prune -q -m base.ckpt --um 2.2 -e 2 -b 20 --threads 1 --no-history -o plain.ckpt id.ts && ! cmp -s plain.ckpt $m.ckpt'
done

# ---- what is refused, and how it is said ----
ts-gen images image:u1:3x16x16 100 1 >small.ts
ts-gen images image:u1:1x32x32 100 1 >gray.ts
ts-cat --head 0 -o empty.ts aux.ts
ts-cat --head 59 -o few.ts aux.ts
head -c 100000 aux.ts >cut.ts
golden-net images 100 10 >nameless.ts
ds-synth --set id --seed 5 --n 100 -o labelled.ts
for c in 'small.ts 3x16x16.*3x32x32' 'gray.ts 1x32x32.*3x32x32' 'empty.ts holds no images' 'cut.ts cut off' 'none.ts No such file' \
	'base.ckpt images' 'nameless.ts row 0 has label 0.*ts-cat --select' 'labelled.ts row 0 is of class .*one of the model'; do
	file=${c%% *} pattern=${c#* }
	ok "outliers in $file: $pattern" '
		fails 1 "$file.*$pattern" um-train -i base.ckpt --aux $file --oe oe -e 1 -b 20 -o z.ckpt id.ts && ! test -e z.ckpt'
done
ok 'fewer outliers than an epoch takes: says how many, and what to do' '
	fails 1 "59 outliers are too few: an epoch of 60 images takes 60.*--aux-ratio" um-train -i base.ckpt --aux few.ts --oe oe -e 1 -b 20 -o z.ckpt id.ts && ! test -e z.ckpt'
ok 'with a smaller ratio they are enough' 'um-train -q -i base.ckpt --aux few.ts --oe oe --aux-ratio 0.9 -e 1 -b 20 -o z.ckpt id.ts'
ok 'labels are dropped with ts-cat' '
	ts-cat --select image nameless.ts -o bare.ts && um-train -q -i base.ckpt --aux bare.ts --oe oe -e 1 -b 20 -o z.ckpt id.ts'
ok 'labels of other names are no ID labels' '
	/usr/bin/python3 - <<-END && um-train -q -i base.ckpt --aux other.ts --oe oe -e 1 -b 20 -o z.ckpt id.ts
		import msgpack
		recs = list(msgpack.Unpacker(open("labelled.ts", "rb"), raw=False, strict_map_key=False))
		recs[0]["meta"]["classes"] = ["other %d" % i for i in range(10)]
		recs[-1]["xxh3"] = None
		open("other.ts", "wb").write(b"".join(msgpack.packb(r) for r in recs))
	END'
ok 'what is refused leaves no run directory: outliers, the checkpoint, the network, what is held out' '
	ds-synth --set id --n 1 -o one.ts
	refused() { fails 1 "$@" -e 1 -b 20 --threads 1 --run none -o none.ckpt && ! test -e none && ! test -e none.ckpt; }
	refused "are too few" um-train id.ts -i base.ckpt --aux few.ts --oe oe && refused "are too few" um-prune id.ts -m base.ckpt --aux few.ts --oe oe &&
	refused "holds no images" um-train id.ts -i base.ckpt --aux empty.ts --oe oe && refused "not the densenet:depth=13" um-train id.ts -i base.ckpt -a densenet:depth=13 &&
	refused "hold" um-train one.ts -i base.ckpt --val-fraction 0.5 &&
	refused "freeze" um-train id.ts -i base.ckpt --freeze-conv --freeze-fc && refused "none.ts.*No such file" um-train id.ts -i base.ckpt --val id.ts --ood x=none.ts'
for c in '--aux aux.ts|needs --oe' '--oe oe|needs --aux' '--aux-fixed|needs --aux' '--separate-bn|needs --aux' '--oe-weight 1|needs --aux' '--aux-ratio 1|needs --aux' \
	'--aux aux.ts --oe oe --poem-published|needs --oe poem' '--aux aux.ts --oe poem --doe-published|needs --oe doe' \
	'--aux aux.ts --oe poem --aux-fixed|anew in each epoch' '--aux aux.ts --oe nope|is not one of'; do
	ok "misuse: ${c%|*}: ${c#*|}" 'fails 2 "${c#*|}" um-train -i base.ckpt ${c%|*} -o z.ckpt id.ts'
done
ok 'um-prune that does not train takes no outliers' '
	fails 2 "about training" um-prune -m base.ckpt --method magnitude --aux aux.ts --oe oe -o z.ckpt id.ts'

# ---- stopped and killed at any moment, resumed to the same bytes ----
moment() { /usr/bin/python3 -c "import random, sys; random.seed(sys.argv[1]); print(round(random.uniform(0.4, 1.2), 3))" "$1"; }
aux=aux.ts
resumes() {                            # name, options
	name=$1; shift
	call="um-train -q -i ../base.ckpt --aux ../$aux -e 6 -b 10 --dropout 0.2 --threads 1 --run run -o out.ckpt $*"
	mkdir $name.whole $name.cut
	(cd $name.whole && $call ../id.ts) || return 1
	for i in 1 2 3; do
		sig=TERM; [ $i != 2 ] || sig=KILL
		( cd $name.cut; r=$(find run -name last.ckpt 2>/dev/null | head -n 1); [ -n "$r" ] || rm -rf run
		  $call ${r:+--resume} ../id.ts & pid=$!; sleep $(moment $name$sig$i); kill -$sig $pid; wait $pid ) 2>/dev/null
	done
	(cd $name.cut; r=$(find run -name last.ckpt 2>/dev/null | head -n 1); [ -n "$r" ] || rm -rf run; $call ${r:+--resume} ../id.ts) || return 1
	cmp $name.whole/out.ckpt $name.cut/out.ckpt && cmp $name.whole/run/*/*/checkpoints/last.ckpt $name.cut/run/*/*/checkpoints/last.ckpt
}
ok 'oe: the same bytes' 'resumes oe --oe oe --um 2.2'
ok 'energy: the same bytes' 'resumes energy --oe energy --ema 0.9'
ok 'poem: the same bytes' 'resumes poem --oe poem --poem-buffer 3 --um 2.2'
ok 'doe: the same bytes' 'resumes doe --oe doe --doe-warmup 2 --um 2.2'
ok 'doe as published: the same bytes' 'resumes doep --oe doe --doe-warmup 1 --doe-published --optimizer adam --lr 0.001'
aux=big.ts
ok 'windows of larger outliers: the same bytes' 'resumes big --oe poem --aux-crop'
aux=aux.ts
ok 'mixoe: the same bytes' 'resumes mixoe --oe mixoe --aux-fixed --um 2.2'
ok 'poem: stopped in the middle of an epoch, what it had mined is kept' '
	mkdir mid && (cd mid; um-train -q -i ../base.ckpt --aux ../aux.ts --oe poem -e 40 -b 5 --threads 1 --run run -o out.ckpt ../id.ts & pid=$!
	while ! ls run/*/*/checkpoints/last.ckpt; do sleep 0.1; done; sleep 0.4; kill $pid; wait $pid) >out 2>&1
	ts-values 0 mid/run/*/*/checkpoints/last.ckpt >names; grep -q "^train/oe/beta" names && grep -q "^train/oe/outliers" names'
ok 'resuming with other outliers is refused' '
	cp aux.ts keep.ts; ds-synth --set blobs --n 100 -o aux.ts
	(cd oe.whole && fails 1 "with other outliers" um-train -q -i ../base.ckpt --aux ../$aux -e 6 -b 10 --dropout 0.2 --threads 1 --run run -o z.ckpt --oe oe --um 2.2 --resume ../id.ts); rc=$?
	mv keep.ts aux.ts; test $rc = 0'
ok 'what a run resumes from is not in its result' '! ts-values 0 doe.whole/out.ckpt | grep -q train/ && ! ts-dump --header doe.whole/out.ckpt | grep -q "train/oe"'
done_testing
