#!/bin/sh
# um-embed's extra columns match PyTorch's autograd in double precision (t/golden/um_extras.py).
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
golden=$SRC/t/golden
spec=densenet:depth=22,growth=8,reduction=0.6,affine=1

golden-net images 4 7 >images.ts
golden-net uneven "$spec" 7 >m.ckpt
golden-net uneven densenet:depth=13,bottleneck=0 7 >other.ckpt
golden-net fit "$spec" 7 >fit.ts
embed() { um-embed -q -m m.ckpt "$@" images.ts; }
numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
columns() { ts-dump --header "$1" | sed -n 's/^ *"\([^"]*\)": {"type": "<f4".*/\1/p' | grep -v '^fc\.' | tr '\n' ' '; }
all='--odin eps=0.0014,0.01 --layers --perturb fit.ts --perturb-eps 0,0.0014,0.01 --against other.ckpt
	--rankfeat'

embed >plain.ts
embed $all --gram stages >all.ts
ok 'every extra has its columns, logits and features first' '
	test "$(columns all.ts)" = "logits features odin:eps=0.0014 odin:eps=0.01 layer0 layer1 layer2 layer3 $(
		for k in 0 1 2 3; do printf "layer$k:eps=0 layer$k:eps=0.0014 layer$k:eps=0.01 "; done)kl-distance gram:layer0 $(
		)gram:layer1 gram:layer2 gram:layer3 rankfeat "'
# What is kept is not fused, so the last bits depend on it.
ok 'the columns that were there before are the same, to the last bits; with gradients alone to the last' '
	numbers logits,features plain.ts >want && numbers logits,features all.ts >out && near 1e-6 out want &&
	embed --odin eps=0.01 >one.ts && numbers logits,features one.ts | cmp - want'

# ---- ODIN
odin() { numbers odin:eps=0.0014,odin:eps=0.01 "$1"; }
ok 'ODIN: two steps in pixel space, as published' \
	'odin all.ts >out && near 1e-4 out "$golden/um_extras_odin-pixel.txt"'
ok 'ODIN: space=scale-std is the same step' '
	embed --odin eps=0.0014,0.01:space=scale-std >one.ts && odin one.ts >out &&
	near 1e-4 out "$golden/um_extras_odin-pixel.txt" && ts-dump --header one.ts | grep -q "\"odin.space\": \"scale-std\""'
ok 'ODIN: space=normalised' '
	embed --odin space=normalised:eps=0.0014,0.01 >one.ts && odin one.ts >out &&
	near 1e-4 out "$golden/um_extras_odin-normalised.txt"'
ok 'ODIN: another temperature; said in meta' '
	embed --odin temperature=1:eps=0.05 >one.ts && numbers odin:eps=0.05 one.ts >out &&
	near 1e-4 out "$golden/um_extras_odin-t1.txt" && ts-dump --header one.ts | grep -q "\"odin.temperature\": 1,"'
ok 'ODIN: the spaces do differ' '! near 1e-4 "$golden/um_extras_odin-pixel.txt" "$golden/um_extras_odin-normalised.txt"'
ok 'ODIN: defaults' 'embed --odin "" >one.ts && ts-cat --select odin:eps=0.0014 one.ts >/dev/null'

ok 'ODIN through ReAct and ASH, as published' '
	for s in react ash-p ash-b ash-s; do embed --odin eps=0.01:shape=$s >$s.ts && numbers $s+odin:eps=0.01 $s.ts >$s.n || return 1; done &&
	paste -d, react.n ash-p.n ash-b.n ash-s.n >out && near 1e-5 out "$golden/um_extras_odin-shaped.txt" && ts-dump --header ash-s.ts | grep -q "\"ash-s+odin.percentile\": 65" &&
	ts-dump --header react.ts | grep -q "\"react+odin.threshold\": 1," && numbers logits ash-s.ts >a && numbers logits plain.ts >b && near 1e-6 a b'
ok 'their scores, and other parameters' 'for s in react ash-p ash-b ash-s; do ood-score -q -m $s+odin:eps=0.01 $s.ts >s || return 1; done &&
	embed --odin eps=0.01:shape=ash-s:percentile=90 >one.ts && numbers ash-s+odin:eps=0.01 one.ts >a && ! near 1e-3 a ash-s.n >x &&
	fails 1 "no column .ash-b+odin:eps=0.01.: um-embed --odin shape=ash-b adds it" ood-score -m ash-b+odin:eps=0.01 one.ts &&
	fails 1 "percentile=99.9 keeps none of the [0-9]* features" um-embed -m m.ckpt --odin shape=ash-s:percentile=99.9 images.ts'

# ---- i-ODIN, AdaSCALE
ok 'i-ODIN: the one number of the largest gradient moves' '
	embed --i-odin eps=0.0014,1 --odin eps=0.0014 >one.ts && numbers i-odin:eps=0.0014,i-odin:eps=1 one.ts >out &&
	near 1e-4 out "$golden/um_extras_iodin.txt" && numbers i-odin:eps=0.0014 one.ts >a && numbers odin:eps=0.0014 one.ts >b && ! near 1e-6 a b >x'
ok 'AdaSCALE: features after the step of the least gradients' '
	for o in 0.05 0.5; do embed --adascale $o >$o.ts && numbers adascale $o.ts >$o || return 1; done &&
	paste -d, 0.05 0.5 >out && near 1e-4 out "$golden/um_extras_adascale.txt" && ts-dump --header 0.5.ts | grep -q "\"adascale.share\": 0.5" &&
	numbers features 0.05.ts >a && ! near 1e-3 a 0.05 >x'
ok 'AdaSCALE: a fit of another share is no reference' '
	for o in 0.05 0.5; do ood-fit -q -o $o.fit $o.ts || return 1; done &&
	ood-score -q -m adascale-a -f 0.5.fit 0.5.ts >x && fails 1 "another share of the pixels" ood-score -m adascale-a -f 0.05.fit 0.5.ts &&
	fails 1 "must have moved the same share" ood-fit --merge 0.05.fit 0.5.fit'

ok 'scores, thresholds and joined streams of columns that other options made are refused' '
	made() { what=$1 other=$2 m=$3; embed $what >1.f && embed $other >2.f && for i in 1 2; do ood-score -q -m $m,msp -o $i.s $i.f || return 1; done &&
		ood-threshold -q -a 0.5 -o 1.t 1.s && ood-score -q -m $m,msp --threshold 1.t 1.f >x && ts-cat 1.f 1.f >x && ts-cat 1.s 1.s >x && ood-metrics -m msp --id 1.s 2.s >x &&
		ts-cat --select logits 1.f 2.f >x && fails 1 "scores .$m. of the thresholds.*made differently" ood-score -m $m,msp --threshold 1.t 2.f &&
		fails 1 "scores .$m. of the ID set and.*made differently" ood-metrics --id 1.s 2.s && fails 1 "2.f.: column .*was made otherwise.*meta ." ts-cat 1.f 2.f; } &&
	made "--odin eps=0.01:temperature=10" "--odin eps=0.01" odin:eps=0.01 && made "--odin space=normalised" "--odin space=pixel" odin &&
	made "--odin shape=ash-s" "--odin shape=ash-s:percentile=90" ash-s+odin && made "--odin shape=react" "--odin shape=react:threshold=2" react+odin &&
	made "--i-odin temperature=10" --i-odin= i-odin && made "--passes 2 --dropout 0.3" "--passes 2 --dropout 0.2" mc-dropout-network &&
	made "--passes 2 --dropout 0.3" "--passes 2 --dropout 0.3 --seed 1" mc-dropout-network && made "--ensemble other.ckpt" "--ensemble m.ckpt" ensemble && made "--against other.ckpt" "--against m.ckpt" kl-distance'
ok 'of adascale, too, and of other numbers of passes' '
	for o in 0.05 0.5; do ood-score -q -m adascale-a,msp -f $o.fit -o $o.s $o.ts || return 1; done; fails 1 "adascale-a. .*made differently" ood-metrics --id 0.05.s 0.5.s && fails 1 "adascale.share" ts-cat 0.05.ts 0.5.ts &&
	for k in 2 3; do embed --passes $k --dropout 0.3 | ood-score -q -m mc-dropout-network -o $k.s || return 1; done; fails 1 "made differently" ood-metrics --id 2.s 3.s && ood-metrics --id 3.s 3.s >x'

# ---- extremes
ok 'extremes of the input of each ReLU' 'embed --extremes >one.ts && numbers extremes one.ts >out && near 1e-5 out "$golden/um_extras_extremes.txt" &&
	test "$(tr , "\n" <out | wc -l)" = 168 && numbers logits,features plain.ts >want && numbers logits,features one.ts >got && near 1e-6 got want'

# ---- dropout inside the network
ok 'passes with dropout: the logits of the network with known numbers dropped, in any batch, by any threads, of any images beside' '
	embed --seed 5 --passes 3 --dropout 0.3 >one.ts && numbers passes one.ts | tr -d "[]" >out && tr -s ", " " " <out >got && near 1e-4 got "$golden/um_extras_passes.txt" &&
	numbers logits,features one.ts >out && numbers logits,features plain.ts >want && near 1e-6 out want &&
	for how in "-b 1" "-b 3" "--threads 1" "--threads 3"; do embed $how --seed 5 --passes 3 --dropout 0.3 >two.ts && numbers passes one.ts >a && numbers passes two.ts | cmp - a || return 1; done &&
	ts-cat --head 2 images.ts | um-embed -q -m m.ckpt --seed 5 --passes 3 --dropout 0.3 >two.ts && numbers passes two.ts >b && head -n 2 a | cmp - b'
ok 'another seed drops others, more passes drop the same and others' '
	embed --seed 6 --passes 3 --dropout 0.3 >two.ts && numbers passes two.ts >b && ! cmp -s a b && embed --seed 5 --passes 1 --dropout 0.3 >two.ts && numbers passes two.ts | tr -d "[]" | tr -s ", " " " >b &&
	awk "{ NF = 7 } 1" got >c && near 1e-6 b c'
golden-net ckpt resnet-narrow:depth=8 7 >plain.ckpt
ok 'a network without dropout, a probability that is not given, libtorch' '
	fails 1 "resnet-narrow.* has no dropout.*--passes; mc-dropout of ood-score" um-embed -m plain.ckpt --passes 3 --dropout 0.3 images.ts &&
	{ um-embed -m m.ckpt --passes 3 images.ts >out 2>err; test $? = 2 && grep -q "passes and --dropout go together" err; } &&
	{ um-embed -m m.ckpt --dropout 0.3 images.ts >out 2>err; test $? = 2; } && { ! have_torch || fails 1 "passes is for unmask.s own kernels" um-embed --engine torch -m m.ckpt --passes 3 --dropout 0.3 images.ts; }'
ok 'ood-score takes them: the mean of the passes' 'ood-score -q -m mc-dropout-network one.ts | ts-dump --tsv >out && test $(wc -l <out) = 5'

# ---- the feature list, and its input step
ok 'channel means of the feature list' '
	numbers layer0,layer1,layer2,layer3 all.ts >out && near 1e-4 out "$golden/um_extras_layers.txt"'
ok 'of layers alone too' '
	embed --layers >one.ts && numbers layer0,layer1,layer2,layer3 one.ts >out &&
	near 1e-4 out "$golden/um_extras_layers.txt"'
ok 'the last layer is the features' 'numbers layer3 all.ts >a; numbers features all.ts >b; near 1e-6 a b'
steps=$(columns all.ts | tr ' ' '\n' | grep '^layer.:' | paste -sd, -)
ok 'the step toward the nearest class mean' \
	'numbers "$steps" all.ts >out && near 1e-4 out "$golden/um_extras_perturb.txt"'
ok 'its default sizes are the published ones' '
	embed --perturb fit.ts >one.ts && test "$(columns one.ts | wc -w)" = 30 &&
	ts-cat --select layer0:eps=0.0005 one.ts >/dev/null'

# ---- a second model
ok 'distance from a second model' 'numbers kl-distance all.ts >out && near 1e-4 out "$golden/um_extras_against.txt"'
ok 'a model is no distance from itself' '
	embed --against m.ckpt >one.ts && numbers kl-distance one.ts >out &&
	printf "0 0 0 0\n" >want && near 1e-9 out want'
ok 'the second model is in the history' '
	test "$(ts-dump --history all.ts | wc -l)" -ge 1 &&
	test "$(ts-dump --history all.ts)" != "$(ts-dump --history plain.ts)"'

ok 'other models: their logits, in the order asked for, and in the history' '
	embed --ensemble other.ckpt --ensemble m.ckpt >one.ts && numbers ensemble one.ts >out && near 1e-4 out "$golden/um_extras_ensemble.txt" &&
	test "$(ts-dump --history one.ts | wc -l)" -ge 1 && test "$(ts-dump --history one.ts)" != "$(ts-dump --history plain.ts)"'
ok 'a network that is there twice is said, and is no error' '
	cp other.ckpt again.ckpt && um-embed -m m.ckpt --ensemble other.ckpt --ensemble again.ckpt --ensemble m.ckpt --against m.ckpt images.ts 2>err >out &&
	test $(grep -c "same network" err) = 3 && grep -q "again.ckpt. is the same network as .other.ckpt.: the ensemble counts it twice" err &&
	grep -q "m.ckpt. is the same network as --model: the ensemble counts it twice" err && grep -q "m.ckpt. .*--model: every distance will be 0" err &&
	um-embed -m m.ckpt --ensemble other.ckpt --against other.ckpt images.ts 2>err >out && ! grep -q "same network" err'
ok 'of them too: other classes, and files that are not there' 'fails 1 "no.ckpt" um-embed -m m.ckpt --ensemble other.ckpt --ensemble no.ckpt images.ts &&
	golden-net ckpt "$spec" 10 >many.ckpt && fails 1 "many.ckpt.*other classes" um-embed -m m.ckpt --ensemble many.ckpt images.ts'

# ---- summaries of maps
# Fifth powers of sums that nearly cancel: what is 1e-6 in a map is a hundred times that here.
ok 'Gram: the feature list' '
	numbers gram:layer0,gram:layer1,gram:layer2,gram:layer3 all.ts >out && near 4e-4 out "$golden/um_extras_gram.txt"'
some=block1.layer.2.conv2,trans1.bn1.relu,trans1.conv1,block3.layer.2.bn2.relu,block3.layer.2.conv2,bn1.relu
some=gram:$(echo $some | sed 's/,/,gram:/g')
# What is kept is not fused, so the last bits depend on it.
ok 'Gram: the last three activations of each stage' '
	embed --gram 3 >one.ts && test "$(columns one.ts)" = "logits features gram:conv1 $(echo "$some" |
		sed "s/,gram:block3.*//; s/,/ /g") gram:block2.layer.2.conv2 gram:trans2.bn1.relu gram:trans2.conv1 $(
		echo "$some" | sed "s/.*gram:block3.layer.2.bn2/gram:block3.layer.2.bn2/; s/,/ /g") " &&
	numbers "$some" one.ts >out && near 4e-4 out "$golden/um_extras_gram2.txt"'
ok 'Gram: all of them, those the same; of 21 convolutions and as many ReLUs' '
	embed --gram all >gram.ts && numbers "$some" gram.ts >out2 && near 4e-4 out2 out && test "$(columns gram.ts | wc -w)" = 44 &&
	numbers logits,features plain.ts >want && numbers logits,features gram.ts >out && near 1e-5 out want'
if have_torch; then
	embed --engine torch $all --gram stages >torch.ts
	ok 'Gram by libtorch: the feature list' '
		numbers gram:layer0,gram:layer1,gram:layer2,gram:layer3 torch.ts >out && near 1e-4 out "$golden/um_extras_gram.txt"'
	for column in $(columns torch.ts); do
		case $column in gram:layer[12]) within=4e-4 ;; *) within=1e-4 ;; esac
		ok "libtorch agrees: $column" 'numbers $column all.ts >out && numbers $column torch.ts >want && near $within out want'
	done
	ok 'and on attacked images' '
		embed --fgsm 0.05 --against other.ckpt >one.ts && embed --engine torch --fgsm 0.05 --against other.ckpt >two.ts &&
		for column in logits features kl-distance; do
			numbers $column one.ts >out && numbers $column two.ts >want && near 1e-4 out want || return 1
		done'
fi
for threads in 1 2 3; do
	ok "--threads $threads: the same bytes" '
		embed --no-history --threads $threads $all --fgsm 0.02 >one.ts && embed --no-history $all --fgsm 0.02 | cmp - one.ts'
done
ok 'RankFeat' 'numbers rankfeat all.ts >out && near 1e-4 out "$golden/um_extras_rankfeat.txt"'

# ---- FGSM
ok 'FGSM: logits of the attacked images, and ODIN of them' '
	embed --fgsm 0.05 --odin eps=0.0014 >one.ts && numbers logits,odin:eps=0.0014 one.ts >out &&
	near 1e-4 out "$golden/um_extras_fgsm.txt" && ts-dump --header one.ts | grep -q "\"fgsm.eps\": 0.05"'
ok 'FGSM alone' '
	embed --fgsm 0.05 >one2.ts && numbers logits one.ts >a && numbers logits one2.ts >b && near 1e-6 a b'

# ---- whatever the batch
for b in 1 3; do
	ok "in batches of $b: the same to 1e-5" '
		embed -b $b --fgsm 0.02 $all | ts-dump | sed "s/\"[^\"]*\"://g; s/[{}]//g" >a
		embed --fgsm 0.02 $all | ts-dump | sed "s/\"[^\"]*\"://g; s/[{}]//g" >b; near 1e-5 a b'
done

# A root near 0 makes much of rounding where a row's sum cancels.
ok 'Gram in batches of 1: the same to 1e-4' '
	embed -b 1 --gram all >one.ts; numbers "$some" one.ts >a
	numbers "$some" gram.ts >b; near 1e-4 a b'

# ---- masked checkpoints
golden-net scores-layer "$spec" 7 >masked.ckpt
um-ckpt bake -q masked.ckpt >baked.ckpt
ok 'a masked checkpoint gives what its baked one gives' '
	um-embed -q --no-history -m masked.ckpt $all images.ts | ts-dump >a
	um-embed -q --no-history -m baked.ckpt $all images.ts | ts-dump | cmp - a && test -s a'
ok '--full and --masked of a checkpoint without masks are refused' '
	fails 1 "m.ckpt.*leave --full out" um-embed -m m.ckpt --full images.ts &&
	fails 1 "m.ckpt.*leave --masked out" um-embed -m m.ckpt --masked images.ts'
ok '--full of one with masks works' 'um-embed -q --full -m masked.ckpt images.ts | ts-dump >a && test -s a'

# ---- what is refused
misuse() { pattern=$1; shift; um-embed -m m.ckpt "$@" images.ts >out 2>err; test $? = 2 -a ! -s out && grep -q -- "$pattern" err; }
ok 'wrong --odin is misuse' '
	misuse "not a space" --odin space=here && misuse "temperature .x. is not" --odin temperature=x &&
	misuse "not a list of numbers" --odin eps=0.1,2 && misuse "0.1 appears twice" --odin eps=0.1,0.10 &&
	misuse "is not eps=" --odin epsilon=1 && misuse "not a shape; choose react" --odin shape=ash && misuse "percentile .100. is not" --odin percentile=100 &&
	misuse "percentile= is for shape=ash-p" --odin percentile=90 && misuse "percentile= is for shape=ash-p" --odin percentile=90:shape=react &&
	misuse "threshold= is for shape=react" --odin shape=ash-b:threshold=2 && misuse "threshold= is for shape=react" --odin threshold=2 &&
	misuse "is not eps=, temperature= or space=$" --i-odin shape=react'
ok 'wrong --gram is misuse' 'misuse "is not .stages." --gram 0 && misuse "is not .stages." --gram layer'
ok '--perturb-eps without --perturb is misuse' 'misuse "needs --perturb" --perturb-eps 0.1'
ok 'misuse leaves no temporary behind' '
	mkdir here && misuse "not a space" -o here/x.ts --odin space=here; test -z "$(ls here)"'
golden-net ckpt densenet:depth=13,bottleneck=0 10 >ten.ckpt
ok 'a second model of other classes' 'fails 1 "ten.ckpt.*other classes" um-embed -m m.ckpt --against ten.ckpt images.ts'
ok 'a second model that is not there' 'fails 1 "no.ckpt" um-embed -m m.ckpt --against no.ckpt images.ts'
golden-net fit densenet:depth=13,bottleneck=0 7 >other.fit
ok 'a fit of another network' 'fails 1 "other.fit.*layer0.mean.*16" um-embed -m m.ckpt --perturb other.fit images.ts'
ok 'a file that is not a fit' 'fails 1 "images.ts.*fit" um-embed -m m.ckpt --perturb images.ts images.ts'
ts-cat --select image images.ts >nolabel.ts
ok 'FGSM without labels' 'um-embed -m m.ckpt --fgsm 0.1 nolabel.ts >out 2>err; test $? = 1 && grep -q "nolabel.ts.*row 0.*label" err'
ok 'a column of that name is there already' '
	ts-gen images image:u1:3x32x32,layer0:f4 2 1 >taken.ts
	fails 1 "taken.ts.*writes itself" um-embed -m m.ckpt --layers taken.ts'
done_testing
