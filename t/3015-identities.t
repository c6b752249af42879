#!/bin/sh
# A label, a threshold, a reference, an ID set meets what it was made for: names of classes are mapped, their numbers
# compared, models, methods and fits checked. A mismatch is refused or reported.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
net=densenet:depth=10,growth=2
golden-net images 12 10 >images.ts
golden-net ckpt $net 10 >a.ckpt; golden-net scores-layer $net 10 >b.ckpt
um-embed -q -m a.ckpt images.ts >a.f; um-embed -q -m b.ckpt --masked images.ts >b.f; um-embed -q -m b.ckpt --full images.ts >full.f
for m in a b full; do ood-score -q -m msp,energy $m.f -o $m.s; done
ood-score -q -m energy:temperature=10,msp a.f -o warm.s; ood-score -q -m msp a.f -o msp.s; ood-score -q -m energy a.f -o energy.s

ok 'a model is known by all its weights: of one checkpoint, masked and not' '
	model() { ts-dump --header $1 | grep -o "\"model\": \"[0-9a-f]*\""; }; test "$(model a.f)" != "$(model b.f)" && test "$(model b.f)" != "$(model full.f)" && test -n "$(model a.f)"'
ok 'ood-metrics: sets of one model' 'ood-metrics --id a.s a.s >out 2>err && ood-metrics --id a.s -m msp x=msp.s >out'
ok 'of two' 'fails 1 "b.s.: scores .msp. of the ID set and of this one are of different models" ood-metrics --id a.s b.s && fails 1 "different models" ood-metrics --id b.s full.s'
ok 'text and streams of others are compared with anything' 'ts-dump --tsv b.s >b.tsv && ood-metrics --id a.s b.tsv >out'
ok 'ood-threshold, ood-score: thresholds of this model' 'ood-threshold -q -a 0.2 a.s -o a.t && ood-score -q --threshold a.t a.f >v && ts-dump --tsv v | head -n 1 | grep -q "verdict:energy"'
ok 'of another' 'fails 1 "threshold .a.t.: scores .msp. of the thresholds and of this stream are of different models" ood-score -q --threshold a.t b.f'
awk 'BEGIN { srand(3); for (i = 0; i < 40; i++) { for (k = 0; k < 7; k++) printf "%.4f ", rand() + (k == i % 3); print i % 3 } }' | ts-gen features logits:f4:3,features:f4:4,label:i8 >x.f
ood-fit -q -o one.fit x.f; ts-cat --head 30 x.f | ood-fit -q -o two.fit
for f in one two; do ood-score -q -m mahalanobis,energy --fit $f.fit x.f -o $f.s; done
ok 'of another fit: the columns that use it, and no others' 'fails 1 "scores .mahalanobis. of the ID set and of this one are made differently" ood-metrics --id one.s two.s && ood-metrics -m energy --id one.s two.s >out &&
	ood-threshold -q -a 0.2 one.s -o one.t && fails 1 "made differently" ood-score -q --threshold one.t --fit two.fit x.f && ood-score -q --threshold one.t --fit one.fit x.f >v'
ok 'also those that go by what every fit has' 'for f in one two; do ood-score -q -m klm,she,msp --fit $f.fit x.f -o $f.m; done
	for m in klm she; do fails 1 "scores .$m. of the ID set and of this one are made differently" ood-metrics -m $m --id one.m two.m || return 1; done; ood-metrics -m msp --id one.m two.m >out'
ood-fit -q --bank 20 -o small.fit x.f; ood-fit -q --bank 20 --seed 5 -o other.fit x.f; ood-fit -q --bank-type f2 -o half.fit x.f; ood-fit -q --bank 40 -o whole.fit x.f
for f in small other half whole; do ood-score -q -m knn:k=1,mahalanobis --fit $f.fit x.f -o $f.s; done; ood-score -q -m knn:k=1 --fit one.fit x.f -o one.k
ok 'another bank of the same data, for the methods that look at its rows' '
	for f in small other half; do fails 1 "scores .knn:k=1. of the ID set and of this one are made differently" ood-metrics -m knn:k=1 --id one.k $f.s || return 1; done
	fails 1 "made differently" ood-metrics -m knn:k=1 --id small.s other.s && ood-metrics -m mahalanobis --id one.s small.s >out && ood-metrics -m knn:k=1 --id one.k whole.s >out'
ok 'a fit of another model, though the last layer is the same' '
	um-train -q --init a.ckpt --freeze-fc -e 1 -b 4 -o tuned.ckpt images.ts && um-embed -q -m tuned.ckpt images.ts >t.f && ood-fit -q -o t.fit t.f && ood-fit -q -o a.fit a.f &&
	ts-dump a.ckpt | grep fc.weight >l && ts-dump tuned.ckpt | grep fc.weight | cmp - l &&
	fails 1 "fit .t.fit. and features .a.f. are of different models" ood-score -m knn --fit t.fit a.f && ood-score -q -m knn:k=1 --fit a.fit a.f >out'
ok 'ood-fit --merge: neither joins what two models made' 'fails 1 "t.fit. is of another model" ood-fit --merge a.fit t.fit && ood-fit -q --merge a.fit a.fit >out'
if have_torch; then
	ok 'another precision' 'um-embed -q --engine torch --precision bf16 -m a.ckpt images.ts >h.f && ood-fit -q -o h.fit h.f && ood-score -q -m msp,knn:k=1 --fit h.fit -o h.s h.f &&
		fails 1 "fit .a.fit. and features .h.f. were computed in other precisions" ood-score -m knn:k=1 --fit a.fit h.f && fails 1 "in other precisions" ood-score -m knn:k=1 --fit h.fit a.f &&
		fails 1 "h.fit. is of features in another precision" ood-fit --merge a.fit h.fit && fails 1 "h.f.: was not computed in the same precision" ts-cat a.f h.f &&
		fails 1 "scores .msp. .*made differently" ood-metrics -m msp --id a.s h.s && fails 1 "made differently: .*options of um-embed" ood-score --threshold a.t h.f'
fi
ood-score -q -m energy --sweep energy:temperature=2 x.f >out 2>/dev/null
ok 'a threshold of a column by another name, or of other parameters' 'ood-threshold -q -a 0.2 energy.s -o e.t && fails 1 "no column of scores is named .energy." ood-score -q -m msp --threshold e.t a.f'
ok 'what ts-cat takes out keeps what it is' 'ts-cat --select msp a.s -o some.s && ts-cat --select msp b.s -o other.s && ood-metrics --id some.s msp.s >out && fails 1 "different models" ood-metrics --id some.s other.s'
ok 'ts-cat joins what one model made' 'ts-cat a.f a.f -o out && ts-cat a.s a.s -o out && fails 1 "b.f.: is of another model than the first" ts-cat a.f b.f &&
	fails 1 "b.s.: scores .msp. of the first stream and of this one are of different models" ts-cat a.s b.s && fails 1 "made differently" ts-cat one.s two.s &&
	fails 1 "another model" ts-cat --select logits,label a.f b.f && ts-cat --select label a.f b.f -o labels && ts-cat --select energy one.s two.s -o out'
ok 'ood-watch: the same column' 'ood-watch -r msp.s msp.s && fails 1 "energy.s.: its scores are .energy., and the reference.s .msp.; --method" ood-watch -r msp.s energy.s'
ok 'and the same model' 'fails 1 "b.s.: scores .msp. of the reference and of this stream are of different models" ood-watch -m msp -r a.s b.s && ood-watch -m msp -r a.s msp.s'
ok 'ood-score --combine: the reference of this model' 'ood-score -q -m msp,energy --combine fisher --reference a.s a.f >c.s && fails 1 "different models" ood-score -q -m msp,energy --combine fisher --reference a.s b.f &&
	ood-threshold -q -a 0.2 -m combine:fisher c.s -o c.t && ood-score -q -m msp,energy --combine fisher --reference a.s --threshold c.t a.f >v && fails 1 "combine:fisher. .*made differently" ood-score -q -m msp --combine fisher --reference a.s --threshold c.t a.f'
ok 'and with other rows in the reference the combined scores are others' 'ts-cat --head 3 -o head.s a.s && fails 1 "combine:fisher. .*made differently" ood-score -q -m msp,energy --combine fisher --reference head.s --threshold c.t a.f &&
	ood-score -q -m msp,energy --combine fisher --reference head.s a.f >h.s && fails 1 "combine:fisher. .*made differently" ood-metrics -m combine:fisher --id c.s h.s && ood-metrics -m msp --id c.s h.s >out'

ok 'one fit in two roles' 'ood-score -m energy,klm --fit one.fit --val one.fit --outliers two.fit x.f 2>err >out && grep -q -- "--val is of the same rows as --fit" err && test $(wc -l <err) = 1 &&
	ood-score -m energy --fit one.fit --outliers one.fit x.f 2>err >out && grep -q -- "--outliers is of the same rows as --fit, and not of outliers" err && ood-score -m klm --fit one.fit --val two.fit x.f 2>err >out && ! test -s err'
if have_torch || um-embed -q -m a.ckpt --fgsm 0.05 images.ts >/dev/null; then
	ok 'attacked images are neither joined to others nor learnt from without a word' 'um-embed -q -m a.ckpt --fgsm 0.05 images.ts >adv.f && fails 1 "adv.f.: was not attacked as the first" ts-cat a.f adv.f && fails 1 "a.f.: was not attacked" ts-cat adv.f a.f &&
		ood-fit adv.f 2>err >out && grep -q "adv.f.: the images were attacked (um-embed --fgsm 0.05): this is learnt" err && ood-score -q -m msp adv.f -o adv.s && ood-threshold -a 0.2 adv.s 2>err >out && grep -q "images were attacked" err &&
		ood-watch -m msp -r adv.s a.s 2>err; grep -q "adv.s.: the images were attacked" err'
fi

# ---- preparation ----
for c in cat dog; do mkdir -p big/$c; for i in 1 2 3; do image-gen png 40 48 >big/$c/$i.png; done; done
ds-pack -q --size 32 big -o linear.ts; ds-pack -q --size 32 --interpolation bicubic big -o cubic.ts; ts-cat --select image linear.ts -o linear.aux; ts-cat --select image cubic.ts -o cubic.aux
train() { um-train -a $net -e 1 -b 3 -o "$@" linear.ts 2>err; }
train linear.ckpt
said() { grep -c "cubic.*images were prepared by .size=32 resize=squash interpolation=bicubic., those of the model by" err; }
ok 'other images than the network was trained on: um-estimate, --val, --aux, an ensemble' '
	um-estimate -m linear.ckpt --keep 1 --draws 1 cubic.ts 2>err >out && test $(said) = 1 && um-estimate -m linear.ckpt --keep 1 --draws 1 linear.ts 2>err >out && test $(said) = 0 &&
	train x --val cubic.ts && test $(said) = 1 && train x --val linear.ts && test $(said) = 0 &&
	train x --oe oe --aux cubic.aux && test $(said) = 1 && train x --oe oe --aux linear.aux && test $(said) = 0 &&
	um-ckpt export -q linear.ckpt | um-ckpt import -q --normalise cifar10 --size 32 -o plain.ckpt && um-embed -m plain.ckpt --ensemble linear.ckpt cubic.ts 2>err >out && test $(said) = 1 && grep -q ": --against, --ensemble: .cubic" err'
ok 'ts-cat' 'ts-cat linear.ts cubic.ts 2>err >out && grep -q "cubic.ts.: its images were prepared otherwise than those of the first stream" err && ts-cat linear.ts linear.ts 2>err >out && ! test -s err'

# ---- classes ----
for c in cat dog emu; do mkdir -p all/$c; for i in 1 2; do image-gen png 32 32 >all/$c/$i.png; done; done
cp -r all some; rm -r some/cat; mkdir -p fish && cp -r all/dog all/emu fish && cp -r all/cat fish/zebra; mkdir -p none && cp -r all/cat none/x && cp -r all/dog none/y && cp -r all/emu none/z
printf 'cat\ndog\nemu\n' >names
golden-net ckpt $net 3 >n.ckpt && um-ckpt export -q -o n.pth n.ckpt
imp="um-ckpt import -q --arch $net --mean .5,.5,.5 --std .25,.25,.25 --size 32"
$imp -o nameless.ckpt n.pth; $imp --classes names -o named.ckpt n.pth
um-ckpt import -q --arch $net --normalise imagenet --size 32 --classes names -o other.ckpt n.pth; um-ckpt import -q --arch $net --normalise half --size 16 -o small.ckpt n.pth
ok 'a model is known by its normalisation, too: the same weights with another are another' '
	for m in named other; do um-embed -q -m $m.ckpt images.ts >$m.g 2>err && ood-fit -q -o $m.fit $m.g && ood-score -q -m msp -o $m.s $m.g || return 1; done; test "$(model named.g)" != "$(model other.g)" &&
	um-embed -q -m nameless.ckpt images.ts >g && test "$(model named.g)" = "$(model g)" &&
	fails 1 "of different models" ood-score -m knn --fit named.fit other.g && fails 1 "another model" ood-fit --merge named.fit other.fit && fails 1 "different models" ood-metrics --id named.s other.s'
ok 'um-ckpt diff compares tensors, and says what else differs' 'um-ckpt diff named.ckpt other.ckpt >out 2>err && ! test -s out && grep -q "they differ in mean, std (um-ckpt show)" err &&
	um-ckpt diff nameless.ckpt small.ckpt 2>err >out && grep -q "they differ in input, std" err && um-ckpt diff named.ckpt nameless.ckpt 2>err && um-ckpt diff named.ckpt n.pth 2>>err && ! test -s err'
ok 'um-train --init: a normalisation that is not the checkpoint'"'"'s is refused, not ignored' '
	train() { um-train -q --init named.ckpt --freeze-conv -e 1 -b 4 "$@" all.ts; }; ds-pack -q all -o all.ts && fails 1 "named.ckpt. normalises by mean 0.5,0.5,0.5 and std 0.25,0.25,0.25, not by what --mean and --std say; leave them out" train --mean .4,.4,.4 -o x &&
	train --mean .5,.5,.5 --std .25,.25,.25 -o x && train --no-history -o y && train --run r -o z && fails 1 "began with" train --run r --resume --mean .4,.4,.4 -o z && train --run r --resume -o z'
ok 'numbers that are one in single precision, and specs that build one network, are of one model' '
	um-ckpt import -q --arch $net --mean .1,.2,.3 --std .25,.25,.25 --size 32 --classes names -o one.ckpt n.pth && um-ckpt import -q --arch $net --mean .100000001,.2,.3 --std .25,.25,.25 --size 32 --classes names -o same.ckpt n.pth &&
	um-embed -q -m one.ckpt images.ts >one.g && um-embed -q -m same.ckpt images.ts >same.g && test "$(model one.g)" = "$(model same.g)" && um-ckpt diff one.ckpt same.ckpt 2>err && ! test -s err &&
	um-train -q --init one.ckpt --mean .100000001,.2,.3 --std .25,.25,.25 --freeze-conv -e 1 -b 4 -o x all.ts && golden-net ckpt densenet:depth=10,growth=4,reduction=0.51 10 >r.ckpt && um-ckpt export -q -o r.pth r.ckpt &&
	um-ckpt import -q --mean .5,.5,.5 --std .25,.25,.25 --size 32 -o guessed.ckpt r.pth && ! um-ckpt show guessed.ckpt | grep -q reduction=0.51 && um-embed -q -m r.ckpt images.ts >r.g && um-embed -q -m guessed.ckpt images.ts >guessed.g &&
	test "$(model r.g)" = "$(model guessed.g)"'
ok 'ts-cat: what preparing would leave as it is is not prepared otherwise' 'ds-pack -q --size 32 all -o sized.ts && ts-cat -q all.ts sized.ts -o x && ts-cat all.ts sized.ts -o x 2>err && ts-cat sized.ts all.ts -o x 2>>err && ! test -s err && ds-pack -q --size 32 --interpolation bicubic all -o cubic.ts &&
	ts-cat sized.ts cubic.ts -o x 2>err && grep -q "prepared otherwise" err && ts-cat --select label sized.ts cubic.ts -o x 2>err && ! test -s err'
relabel() { # CLASSES LABELS: other names, and label i becomes the i-th
	/usr/bin/python3 -c '
import sys, msgpack
r = list(msgpack.Unpacker(sys.stdin.buffer, raw=True, strict_map_key=False)); to = sys.argv[2].split()
r[0][b"meta"][b"classes"] = sys.argv[1].encode().split(); r[-1][b"xxh3"] = None
for x in r[1:-1]:
	y = x[b"label"][b"data"]; x[b"label"][b"data"] = b"".join(int(to[y[i]]).to_bytes(8, "little") for i in range(0, len(y), 8))
sys.stdout.buffer.write(b"".join(msgpack.packb(x) for x in r))' "$1" "$2"
}
labels() { ds-pack -q $1 | um-embed $3 -m $2 2>err | ts-dump --tsv | awk -F "\t" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "label") k = i; next } { printf "%s ", $k }'; }
ok 'all of its classes, with and without names' 'test "$(labels all named.ckpt)$(labels all nameless.ckpt)" = "0 0 1 1 2 2 0 0 1 1 2 2 " && ! test -s err'
ok 'some of its classes: by name' 'test "$(labels some named.ckpt -v)" = "1 1 2 2 " && grep -q "its 2 classes get the model.s labels, by their names" err && test "$(labels some named.ckpt)" = "1 1 2 2 " && ! test -s err'
ok 'some of them, and others: those' 'test "$(labels fish named.ckpt)" = "1 1 2 2 -1 -1 " && grep -q "2 of its 3 classes are the model.s, whose labels they get; others become -1" err'
ok 'none of them' 'test "$(labels none named.ckpt)" = "-1 -1 -1 -1 -1 -1 " && grep -q "its classes are not the model.s, so its labels become -1" err'
ok 'a model without names and another number of classes: none is known' 'test "$(labels some nameless.ckpt)" = "-1 -1 -1 -1 " && grep -q "it has 2 classes and the model 3, without names, so its labels become -1; um-ckpt import --classes names them" err'
ok 'ood-fit --merge: labels of other classes' 'ds-pack -q all | um-embed -q -m nameless.ckpt >all.f && relabel "cat dog emu" "0 1 2" <all.f >l.f && relabel "emu dog cat" "2 1 0" <all.f >r.f && ood-fit -q l.f -o l.fit && ood-fit -q r.f -o r.fit &&
	fails 1 "r.fit. has other classes, so labels would be mixed up" ood-fit --merge l.fit r.fit'
# The loss with everything kept is that of the six images, 2 of cats and 4 of others.
estimate() { ds-pack -q $1 | um-estimate -q --keep 1 --draws 1 -m $2 $3; }
ok 'scores of a model without names: labels go by those of the fit' '
	relabel "emu fox dog" "0 1 2" <all.f >fox.f && relabel "ant bee yak" "0 1 2" <all.f >ant.f && y() { ood-score -m energy --fit l.fit $1.f 2>err >s && ts-dump --tsv s | awk -F "\t" "NR > 1 { printf \"%s \", \$3 }"; } &&
	test "$(y l)" = "0 0 1 1 2 2 " && ! grep -q name err && test "$(y r)" = "$(y l)" && y r >x && grep -q "does not name its classes: 3 of these 3 get the labels of those that .l.fit. learnt from, by their names; um-ckpt" err && ts-dump --header s | grep -q "\"classes\": .\"cat\", \"dog\", \"emu\"" &&
	test "$(y fox)" = "2 2 -1 -1 1 1 " && grep -q "2 of these 3 .*, and others -1" err && test "$(y ant)" = "-1 -1 -1 -1 -1 -1 " && grep -q "classes are not those that .l.fit. learnt from, so its labels become -1" err'
ok 'and --val whose labels are others is said' 'ood-score -m temperature --fit l.fit --val r.fit l.f 2>err >s; grep -q "^ood-score: --val learnt from other classes than --fit, or from the same in another order" err && ! ood-score -m temperature --fit l.fit --val l.fit l.f 2>&1 >s | grep "other order"'
ok 'um-estimate maps them too: of some classes, and in another order' '
	mkdir one && cp -r all/cat one && estimate some named.ckpt >s && estimate all named.ckpt >a && ds-pack -q one --class-level -1 | um-estimate -q --keep 1 --draws 1 -m named.ckpt >c && awk "{v[NR] = \$1} END {print (2 * v[1] + 4 * v[2]) / 6}" c s >got && near 1e-5 got a &&
	ds-pack -q all | relabel "emu dog cat" "2 1 0" >turned.ts && um-estimate -q --keep 1 --draws 1 -m named.ckpt turned.ts >t && cmp t a &&
	ds-pack -q some | um-estimate -q --keep 0.9 --draws 2 --val-fraction 0.5 -m named.ckpt - >x'
ok 'a class that is none of its is named; a model without names takes as many classes' '
	ds-pack -q fish -o fish.ts && fails 1 "fish.ts.: its classes are not the model.s: the model does not know .zebra." um-estimate -m named.ckpt fish.ts && ds-pack -q some -o some.ts && fails 1 "there are 2 classes, the model has 3" um-estimate -m nameless.ckpt some.ts && estimate all nameless.ckpt | cmp - a'
ok 'and no name is given to what it is not' '! ds-pack -q some | um-embed -q -m nameless.ckpt | ts-dump --header | grep -q "\"classes\""'
done_testing
