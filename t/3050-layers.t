#!/bin/sh
# mahalanobis-layers and gram, from images to scores: their steps work together, and NumPy and scikit-learn agree.
. "$SRC/t/lib.sh"
have_torch || skip_all 'no libtorch'
PATH=$BUILD/t/helper:$PATH
python=/usr/bin/python3

ds-synth --set id --split train --n 600 -o train.images
ds-synth --set id --split test --n 160 --seed 1 -o val.images
ds-synth --set blobs --n 100 -o test.images
# A network that nobody trained: weights by formula, the last layer from the fit of what comes before it. So it is the
# same on every processor but for the last bits, and takes images for each of the classes, which gram needs.
net=densenet:depth=10,growth=6
golden-net uneven $net 10 >body.ckpt
um-embed -q --layers -m body.ckpt train.images | ood-fit -o body.fit
golden-net gauss $net 10 body.fit >m.ckpt
embed() { um-embed -q -m m.ckpt "$@"; }
ok 'features of layers, and a fit of them' 'embed --layers train.images -o train.f && ood-fit train.f -o train.fit'
ok 'the network takes many images for each class, be it rounded as it may' '
	ts-values 10 train.fit pred.count | tr " " "\n" | awk "\$1 < 20 { bad = 1 } END { exit bad || NR != 10 }"'
steps='--layers --perturb train.fit --perturb-eps 0.0005,0.01'
ok 'steps towards the class, of images as they are and adversarial' 'embed $steps val.images -o val.f && embed $steps --fgsm 0.05 val.images -o adv.f &&
	embed $steps test.images -o test.f'
ok 'the combination' 'ood-fit --tune train.fit --against adv.f val.f -o tuned.fit && ts-dump --header tuned.fit >meta.json &&
	grep -q "\"layers.tuning\": \"held-out\"" meta.json && grep -q "\"layers.rows\": 160" meta.json'
ok 'scores' 'ood-score -v -f tuned.fit -m mahalanobis-layers,mahalanobis-layer:layer=1,energy -o test.s test.f 2>err && grep -q "mahalanobis-layers: 4 layers at eps=.*held-out" err'
if $python -c 'import numpy, sklearn, msgpack, msgpack_numpy' 2>/dev/null; then
	ok 'NumPy and scikit-learn give the same' '$python "$SRC/t/helper/layers.py" train.f val.f adv.f test.f test.s meta.json'
fi
ok 'all counts it, where the combination is there' 'ood-score -q -f tuned.fit test.f | ts-dump -t | head -n 1 | grep -q mahalanobis-layers &&
	ood-score -q -f train.fit test.f | ts-dump -t | head -n 1 >out && ! grep -q mahalanobis-layers out'
ok 'tuned again: the same' 'ood-fit --tune tuned.fit --against adv.f --no-history val.f -o again && ood-fit --tune train.fit --no-history --against adv.f val.f -o once && cmp again once'
ok '--published-tuning says so, in the fit and with the scores' 'ood-fit --tune train.fit --against adv.f --published-tuning val.f -o p.fit && ts-dump --header p.fit | grep -q "\"layers.tuning\": \"published\"" &&
	ood-score -f p.fit -m mahalanobis-layers test.f -o p.s && ts-dump --header p.s | grep -q "\"layers.tuning\": \"published\""'
ok 'of other images, of another model, with swapped roles: refused' 'ts-cat --shuffle adv.f -o turned.f && fails 1 "turned.f. and .val.f. have other names: the same images" ood-fit --tune train.fit --against turned.f -o x val.f &&
	fails 1 "val.f. has the same values as .val.f.: --against takes features of adversarial versions" ood-fit --tune train.fit --against val.f -o x val.f && fails 1 "adv.f.: holds attacked images (um-embed --fgsm): give it to --against" ood-fit --tune train.fit --against val.f -o x adv.f &&
	fails 1 "train.fit.: is of another model" um-embed -m body.ckpt --perturb train.fit -o x val.images &&
	um-embed -q --layers --perturb body.fit --perturb-eps 0.0005,0.01 -m body.ckpt val.images -o body.f && fails 1 "body.f.: is of another model than the fit" ood-fit --tune train.fit --against adv.f -o x body.f'
ok 'steps toward the means of another fit' 'ts-cat --head 400 train.f | ood-fit -q -o some.fit && fails 1 "the steps of .layer0. were made with another fit" ood-score -f some.fit -m mahalanobis-layer:layer=1:eps=0.01 -o x test.f &&
	ood-score -q -f train.fit -m mahalanobis-layer:layer=1:eps=0.01 -o x test.f && ood-score -q -f some.fit -m mahalanobis-layer:layer=1 -o x test.f'
ok 'a merged fit forgets it' 'ood-fit --merge tuned.fit train.fit -o both && ! ts-dump --header both | grep -q "layers\."'

ok 'without it: what to do' 'fails 1 "mahalanobis-layers.: the fit has no combination of layers: ood-fit --tune" ood-score -f train.fit -m mahalanobis-layers -o x test.f &&
	fails 1 "it needs --fit" ood-score -m mahalanobis-layers -o x test.f && fails 1 "fit has layers 0 to 3" ood-score -f train.fit -m mahalanobis-layer:layer=4 -o x test.f'
embed test.images -o plain.f; embed train.images | ood-fit -o plain.fit
ok 'columns that are missing' 'fails 1 "no column .layer0.: um-embed --layers" ood-score -f train.fit -m mahalanobis-layer -o x plain.f &&
	fails 1 "plain.f.: the stream has no column .layer0.: um-embed --layers" ood-fit --tune train.fit --against adv.f -o x plain.f &&
	fails 1 "train.f.: the stream has no column .layer0:eps=0.0005.: um-embed --perturb" ood-fit --tune train.fit --against train.f -o x val.f'
ok 'a fit without layers' 'fails 1 "fit has no layers: it takes features with um-embed --layers" ood-fit --tune plain.fit --against adv.f -o x val.f'
ok 'other images on the other side' 'ts-cat --head 100 adv.f -o part.f && fails 1 "part.f. has 100 rows and .val.f. 160: the same images" ood-fit --tune train.fit --against part.f -o x val.f'
ok 'too few rows' 'ts-cat --head 3 val.f -o few.f && fails 1 "few.f.: 3 rows are too few" ood-fit --tune train.fit --against adv.f -o x few.f'
usage() { ood-fit "$@" >out 2>err </dev/null; test $? = 2 && grep -q Try err; }
ok 'misuse' 'usage --tune train.fit --published-tuning val.f && usage --against adv.f val.f && usage --published-tuning val.f && usage --merge --tune train.fit --against adv.f val.f'

# ---- gram ----
for s in train val test; do embed --gram stages $s.images -o $s.g; done
ood-fit train.g -o gram.fit && ood-fit --tune gram.fit val.g -o gram.tuned
ok 'gram: scores' 'ood-score -f gram.tuned -m gram -o gram.s test.g'
if $python -c 'import numpy, sklearn, msgpack, msgpack_numpy' 2>/dev/null; then
	ok 'NumPy gives the same' '$python "$SRC/t/helper/gram.py" train.g val.g test.g gram.s'
fi
ok 'fits of parts, in any order, join to that of the whole: ranges to the bit' 'for i in 0 1 2; do ts-cat --shard $i/3 train.g | ood-fit -o part$i; done &&
	ood-fit --merge part2 part0 part1 -o joined && ood-fit --tune joined val.g | tee j.fit | ood-score -f /dev/stdin -m gram test.g | ts-dump -t >a && ts-dump -t gram.s | cmp - a'
ok 'a merged fit forgets what was tuned' 'ood-fit --merge gram.tuned gram.fit -o both && ! ts-dump --header both | grep -q "gram\.weight"'
ok 'gram: what is missing' 'fails 1 "does not tell what a layer.s deviation counts: ood-fit --tune" ood-score -f gram.fit -m gram -o x test.g &&
	fails 1 "lacks columns gram:" ood-score -f gram.tuned -m gram -o x test.f && fails 1 "um-embed --gram" ood-score -f train.fit -m gram -o x test.g &&
	fails 1 "val.f.: nothing to tune" ood-fit --tune train.fit -o x val.f && fails 1 "nothing to tune" ood-fit --tune gram.fit -o x val.f'
ok 'gram: training rows are no validation' 'fails 1 "no validation row leaves the ranges" ood-fit --tune gram.fit -o x train.g'
ok 'both at once' 'embed --gram stages --layers train.images | ood-fit -o b.fit && embed --gram stages --layers val.images -o bv.f && embed --gram stages --layers --fgsm 0.05 val.images -o ba.f &&
	ood-fit --tune b.fit --against ba.f bv.f -o bt.fit && embed --gram stages --layers test.images | ood-score -q -f bt.fit | ts-dump -t | head -n 1 | grep -q "mahalanobis-layers.*gram"'
done_testing
