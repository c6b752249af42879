#!/bin/sh
# The parts of a fit and of scores that take columns of um-embed --layers, --perturb, --gram, --odin, --i-odin,
# --rankfeat, --adascale, --ensemble, --passes, --extremes and --against, without a network: columns by formula (t/helper/parts-gen), numbers by NumPy and scikit-learn
# (t/golden/fit_parts.py). t/3050-layers.t does the same from images on.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
python=/usr/bin/python3
golden=$SRC/t/golden/fit_parts.txt

parts-gen train 400 1 >train.f
parts-gen val 120 2 >val.f
parts-gen adversarial 120 2 >adv.f
parts-gen test 20 3 >test.f
methods=mahalanobis-layers,mahalanobis-layer:layer=1,gram,odin,rankfeat,kl-distance,i-odin,adascale-a:k1=50:k2=20,adascale-l:k1=50:k2=20,ensemble,ensemble:logits=1,combood,combood:k=3:reg=0.1,mc-dropout-network,mc-dropout-network:logits=1

ok 'a fit has its layers and its ranges' 'ood-fit train.f -o train.fit && ts-values 1 train.fit >names &&
	grep -q "^layer1.precision$" names && grep -q "^gram:map1.max$" names && ! grep -q "eps" names'
ok 'tuning: layers and Gram columns at once' 'ood-fit --tune train.fit --against adv.f val.f -o tuned.fit &&
	ts-dump --header tuned.fit >meta.json && grep -q "\"layers.tuning\": \"held-out\"" meta.json &&
	grep -q "\"layers.rows\": 120" meta.json && grep -q "\"gram.weight\"" meta.json'
ok 'eps, bias and AUROC of the combination are the golden ones' '
	sed -n "s/.*\"layers.\(eps\|bias\|auroc\)\": \([-0-9.e]*\).*/\1 \2/p" meta.json >got &&
	{ sed -n "s/^eps //p" got; sed -n "s/^bias //p" got; sed -n "s/^auroc //p" got; } >numbers &&
	sed 1q "$golden" >want && near 1e-7 numbers want'
ok 'scores are the golden ones' 'ood-score -v -f tuned.fit -m $methods -o test.s test.f 2>err &&
	grep -q "mahalanobis-layers: 2 layers at eps=0.01, tuned on held-out data" err &&
	ts-dump --tsv test.s | tail -n +2 | cut -f 1-15 >got && sed 1d "$golden" >want && near 2e-6 got want'
if $python -c 'import numpy, sklearn, msgpack, msgpack_numpy' 2>/dev/null; then
	ok 'NumPy and scikit-learn give the same now' '
		$python "$SRC/t/helper/layers.py" train.f val.f adv.f test.f test.s meta.json &&
		$python "$SRC/t/helper/gram.py" train.f val.f test.f test.s'
fi
ok 'the same bytes with any threads, and row by row up to rounding' '
	for t in 1 2; do ood-score --no-history --threads $t -f tuned.fit -m $methods test.f -o $t.s; done && cmp 1.s 2.s &&
	for i in 0 1 2; do ts-cat --shard $i/3 test.f -o part && ood-score -f tuned.fit -m $methods part | ts-dump --tsv |
		tail -n +2 | cut -f 1-15; done | sort >parts && ts-dump --tsv test.s | tail -n +2 | cut -f 1-15 | sort >whole && near 1e-6 parts whole'
ok 'fits of parts join to that of the whole, ranges to the bit, and forget what was tuned' '
	for i in 0 1 2; do ts-cat --shard $i/3 train.f | ood-fit -o part$i; done && ood-fit --merge part2 part0 part1 -o joined &&
	for x in gram:map0.min gram:map1.max bank.moved bank.extremes; do ts-values 1000 joined $x >a && ts-values 1000 train.fit $x | cmp - a || return 1; done &&
	for x in layer0.precision layer1.mean; do ts-values 1000 joined $x >a && ts-values 1000 train.fit $x >b && near 1e-9 a b || return 1; done &&
	ood-fit --merge tuned.fit train.fit -o both && ! ts-dump --header both | grep -q "layers\.\|gram\.weight"'
ok '--published-tuning says so, in the fit and with the scores' '
	ood-fit --tune train.fit --against adv.f --published-tuning val.f -o p.fit &&
	ood-score -f p.fit -m mahalanobis-layers test.f | ts-dump --header | grep -q "\"layers.tuning\": \"published\""'
ok 'tuned with one of the two: the other is left out' '
	ts-cat --select logits,features,label,gram:map0,gram:map1 val.f -o gram.f &&
	ood-fit --tune train.fit gram.f -o g.fit && ts-dump --header g.fit >h && grep -q gram.weight h && ! grep -q "layers\." h'

ok 'columns that are missing, or of another shape' '
	ts-cat --select logits,features,label test.f -o plain.f &&
	for m in mahalanobis-layers gram odin i-odin rankfeat kl-distance adascale-a ensemble combood mc-dropout-network; do
		fails 1 "um-embed --" ood-score -f tuned.fit -m $m -o x plain.f || return 1; done &&
	fails 1 "no column .odin:eps=0.1.: um-embed --odin" ood-score -m odin:eps=0.1 -o x test.f &&
	fails 1 "no column .layer0:eps=0.02.: um-embed --perturb" ood-score -f train.fit -m mahalanobis-layer:eps=0.02 -o x test.f &&
	ts-gen features logits:f4:4,features:f4:6,rankfeat:f4:3 9 1 >odd.f && fails 1 "rankfeat.*another type or shape" ood-score -m rankfeat -o x odd.f'
parts-gen broken 20 3 >broken.f
ok 'a row of AdaSCALE that is not a number has no score' '
	for m in a l; do fails 1 "row 3: .adascale-$m:k1=50. is .*not a number" ood-score -f tuned.fit -m adascale-$m:k1=50 -o x broken.f || return 1; done && fails 1 "row 3: .adascale. is not a number" ood-fit broken.f -o x'
ok 'combood: a row whose extremes are no numbers has no score, nor a place in a fit; a fit without them, or of too few rows' '
	fails 1 "row 3: .combood. is .*not a number" ood-score -f tuned.fit -m combood -o x broken.f &&
	ts-cat --select logits,features,extremes broken.f -o some.f && fails 1 "row 3: .extremes. is not a number" ood-fit some.f -o x &&
	ts-cat --select logits,features,label train.f | ood-fit -o bare.fit && fails 1 "combood.: needs a fit of features with um-embed --extremes" ood-score -f bare.fit -m combood -o x test.f &&
	fails 1 "k=401 neighbours, but the bank holds 400" ood-score -f tuned.fit -m combood:k=401 -o x test.f'
ok 'what cannot be tuned says why' '
	fails 1 "plain.f.: the stream has no column .layer0" ood-fit --tune train.fit --against adv.f -o x plain.f &&
	fails 1 "plain.f.: nothing to tune" ood-fit --tune train.fit -o x plain.f &&
	ts-cat --head 3 val.f -o few.f && fails 1 "few.f.: 3 rows are too few" ood-fit --tune train.fit --against adv.f -o x few.f &&
	ts-cat --head 50 adv.f -o part.f && fails 1 "part.f. has 50 rows and .val.f. 120" ood-fit --tune train.fit --against part.f -o x val.f &&
	fails 1 "no validation row leaves the ranges" ood-fit --tune train.fit -o x train.f'
ok 'a layer that is no vector, or not finite, is named' '
	echo "1 2 3 4 5 0" | ts-gen features logits:f4:2,features:f4:2,layer0:f4,label:i8 >odd.f &&
	fails 1 "odd.f.*column .layer0. is not one <f4 vector per row" ood-fit odd.f &&
	echo "1 2 3 4 inf 0" | ts-gen features logits:f4:2,features:f4:2,layer0:f4:1,label:i8 >odd.f &&
	fails 1 "odd.f.*row 0: .layer0. is not a number or infinite" ood-fit odd.f'
ok 'layers without variance, or without labels, have no inverse' '
	printf "1 2 3 4 7 0\n1 2 3 4 7 0\n" | ts-gen features logits:f4:2,features:f4:2,layer0:f4:1,label:i8 >flat.f &&
	fails 1 "flat.f.*covariance of .layer0. has no inverse: the rows have no variance" ood-fit flat.f &&
	ts-cat --select logits,features,layer0,layer1 train.f -o bare.f && fails 1 "400 rows have no label" ood-fit bare.f'
done_testing
