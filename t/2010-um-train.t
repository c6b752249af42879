#!/bin/sh
# Training steps are PyTorch's; runs repeat to the byte; UM folds the loss.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

golden-net ckpt densenet:depth=22 10 >start.ckpt
golden-net images 16 10 >images.ts
steps() {                              # number, options
	n_steps=$1; shift
	um-train -i start.ckpt -e $n_steps -b 16 --lr 0.01 --lr-policy constant --weight-decay 1e-3 \
		--no-augment -o out.ckpt "$@" images.ts 2>&1 |
		sed -n 's/.* loss=\([^ ]*\) \(folded\|smoothed\)=\([^ ]*\) .*/\1 \3/p; s/.* loss=\([^ ]*\) train.*/\1/p'
}
line() { sed -n "$1p" "$SRC/t/golden/um_steps.txt" | tr ' ' '\n'; }

steps 10 >plain
ok 'ten steps of SGD: the losses are PyTorch'"'"'s' \
	'cut -d" " -f1 plain >a; line 1 >b; near 1e-4 a b'
ok 'without UM nothing is folded' 'test $(wc -w <plain) = 10'
ok 'Nesterov and label smoothing' \
	'steps 10 --nesterov --label-smoothing 0.1 >n; cut -d" " -f2 n >a; line 2 >b; near 1e-4 a b'
ok 'with label smoothing `loss` is the cross-entropy to the labels, as it is without' 'cut -d" " -f1 n >a; line 5 >b; near 1e-4 a b'
ok 'UM: the loss before the fold' 'steps 10 --um 2 --beta 0.9 >u; cut -d" " -f1 u >a; line 3 >b; near 1e-4 a b'
ok 'UM: the folded loss is |beta CE - m| + m' \
	'awk "{d = 0.9 * \$1 - 2; if (d < 0) d = -d; print d + 2}" u >a; cut -d" " -f2 u >b; near 1e-5 a b'
ok 'UM: the fold was crossed' 'awk "0.9 * \$1 < 2 {n++} END {exit !n}" u'
ok 'twenty steps of UM: the losses are PyTorch'"'"'s' '
	steps 20 --um 2.12 --beta 0.9 --lr 0.004 >u; cut -d" " -f1 u >a; line 4 >b; near 1e-4 a b &&
	awk "0.9 * \$1 < 2.12 {n++} END {exit !n}" u'

golden-net ckpt densenet:depth=10,growth=4,affine=1 10 >narrow.ckpt
golden-net images 4 10 >four.ts
um-train -i narrow.ckpt -e 6 -b 4 --optimizer adam --lr 0.003 --lr-policy constant --weight-decay 1e-3 --no-augment \
	-o out.ckpt four.ts 2>&1 | sed -n 's/.* loss=\([^ ]*\) .*/\1/p' >a
head -n 1 "$SRC/t/golden/um_options.txt" | tr ' ' '\n' >b
ok "six steps of Adam: the losses are PyTorch's" 'near 1e-5 a b'
golden-net ckpt densenet:depth=10,affine=1 10 >affine.ckpt
adam() { um-train -q --no-history -i narrow.ckpt -e 2 -b 4 --optimizer adam --lr 0.003 --no-augment -o $1 $2 four.ts; }
ok 'Adam decays nothing unless it is asked to, SGD 1e-4' '
	adam a.ckpt && adam b.ckpt "--weight-decay 0" && cmp a.ckpt b.ckpt && adam b.ckpt "--weight-decay 1e-4" && ! cmp -s a.ckpt b.ckpt &&
	adam a.ckpt "--optimizer sgd" && adam b.ckpt "--optimizer sgd --weight-decay 1e-4" && cmp a.ckpt b.ckpt'
row=1
for args in '--clip-norm 0.3' --freeze-fc --freeze-conv --no-bn-decay '--ema 0.7'; do
	row=$((row + 1))
	um-train -i affine.ckpt -e 6 -b 16 --lr 0.01 --lr-policy constant --weight-decay 0.1 --no-augment \
		-o out.ckpt $args images.ts 2>&1 | sed -n 's/.* loss=\([^ ]*\) .*/\1/p' >a
	sed -n "${row}p" "$SRC/t/golden/um_options.txt" | tr ' ' '\n' >b
	ok "six steps with $args: the losses are PyTorch's" 'near 1e-5 a b'
done
ok 'the average of the weights is what is written' '
	ts-values 50 out.ckpt fc.weight >a; tail -n 1 "$SRC/t/golden/um_options.txt" >b; near 1e-6 a b'
ok 'what is frozen stays' '
	um-train -q -i affine.ckpt -e 1 -b 16 --freeze-conv -o out.ckpt images.ts && ts-values 99 out.ckpt conv1.weight bn1.weight fc.weight >a &&
	ts-values 99 affine.ckpt conv1.weight bn1.weight fc.weight >b; test "$(sed 3d a)" = "$(sed 3d b)" && test "$(sed -n 3p a)" != "$(sed -n 3p b)"'

um-train -q --no-history -a densenet:depth=10,growth=4 -e 2 -b 8 --dropout 0.2 --seed 5 --threads 2 \
	-o a.ckpt images.ts
um-train -q --no-history -a densenet:depth=10,growth=4 -e 2 -b 8 --dropout 0.2 --seed 5 --threads 2 \
	-o b.ckpt images.ts
um-train -q --no-history -a densenet:depth=10,growth=4 -e 2 -b 8 --dropout 0.2 --seed 6 --threads 2 \
	-o c.ckpt images.ts
ok 'same seed and threads: the same bytes' 'cmp a.ckpt b.ckpt'
ok 'another seed: other bytes' '! cmp -s a.ckpt c.ckpt'
ok 'batch norms have counted their batches' \
	'ts-dump --tsv a.ckpt | awk -F"\t" "/num_batches_tracked/ && \$4 == 4 {n++} END {exit !n}"'

ok 'the log says that UM is on, and at what' \
	'um-train -i a.ckpt -e 1 --um 0.15 -o x.ckpt images.ts 2>log; grep -q "^unleashing mask: loss folded at 0.15, beta 1" log'
ok 'the checkpoint remembers it' 'ts-dump --header x.ckpt | grep -q "\"um\": 0.14999"'
ok 'the history holds the chain' 'test $(ts-dump --history x.ckpt | wc -l) = 1'
um-train -q -a densenet:depth=10,growth=4 -e 1 images.ts | um-train -q -i - -e 1 images.ts -o y.ckpt
ok 'a checkpoint comes through a pipe, the history grows' 'test $(ts-dump --history y.ckpt | wc -l) = 2'

ok 'validation accuracy is in the line' \
	'um-train -i a.ckpt -e 1 --val images.ts -o x.ckpt images.ts 2>log; grep -q " val_acc=[01]\.[0-9]* " log'
# Of equal logits, the first counts, as in argmax.
cat >top5.py <<'END'
import sys, msgpack, msgpack_numpy, numpy
rows = list(msgpack.Unpacker(sys.stdin.buffer, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False))[1:-1]
z, y = (numpy.concatenate([r[k] for r in rows]) for k in ("logits", "label"))
best = numpy.argsort(-z, axis=1, kind="stable")[:, :5]
print("%.4f" % (best == y[:, None]).any(1).mean())
END
ds-synth --set id --n 120 -o val.ts
ok 'top-5 accuracy is that of the five largest logits, in the line and in log.tsv' '
	um-train --run runs5 -i a.ckpt -e 1 --val val.ts -o x.ckpt images.ts 2>log; um-embed -q -m x.ckpt val.ts | /usr/bin/python3 top5.py >want && got=$(sed -n "s/^epoch=.* val_acc5=\([^ ]*\) .*/\1/p" log) &&
	test "$got" = "$(cat want)" && awk "NR == 2 {printf \"%.4f\n\", \$NF}" runs5/*/*/log.tsv | cmp - want && awk "{exit !(\$1 > 0.2 && \$1 < 1)}" want'
# subset.py NAME...: the rows of those classes, which are then its classes, in that order; "as" before them: as they are.
cat >subset.py <<'END'
import sys, msgpack
r = list(msgpack.Unpacker(sys.stdin.buffer, raw=True, strict_map_key=False))
want = [w.encode() for w in sys.argv[1:] if w != "as"]
have = r[0][b"meta"][b"classes"]
new = have if sys.argv[1] == "as" else want
for b in r[1:-1]:
    y = b[b"label"][b"data"]
    y = [int.from_bytes(y[i:i + 8], "little", signed=True) for i in range(0, len(y), 8)]
    keep = [i for i, l in enumerate(y) if have[l] in want]
    for k, c in b.items():
        if isinstance(c, dict) and b"data" in c:
            size = len(c[b"data"]) // len(y)
            c[b"data"] = b"".join(c[b"data"][i * size:(i + 1) * size] for i in keep)
            c[b"shape"] = [len(keep)] + list(c[b"shape"][1:])
        elif isinstance(c, list):
            b[k] = [c[i] for i in keep]
    b[b"label"][b"data"] = b"".join((new.index(have[y[i]])).to_bytes(8, "little") for i in keep)
    rows = len(keep)
r[0][b"meta"][b"classes"] = new
r[-1][b"rows"], r[-1][b"xxh3"] = rows, None
[sys.stdout.buffer.write(msgpack.packb(x)) for x in r]
END
um-train -q -a densenet:depth=10,growth=4 -e 1 -o named.ckpt val.ts
val() {
	/usr/bin/python3 subset.py "$@" <val.ts >some.ts && um-train -i named.ckpt -e 1 --val some.ts -o x.ckpt val.ts 2>&1 |
		sed -n "s/.* \(val_loss=.*\) images_s=.*/\1/p"
}
ok '--val of some of the classes, in another order: by their names' '
	val as star disc tee >want && val tee star disc >got && grep -q "val_acc=" want && cmp got want'
ok 'whose labels are wrong on purpose: a warning' '
	mkdir -p wrong/a wrong/b && cp "$SRC"/t/golden/ds/photos/cat/0.png wrong/a/ && cp "$SRC"/t/golden/ds/photos/cat/0.png wrong/b/2.png && ds-pack --size 32 --label-noise 1 -o noisy.ts wrong && ds-pack --size 32 --label-noise 0 -o clean.ts wrong &&
	um-train -a fc -e 1 --val noisy.ts -o x.ckpt clean.ts 2>err && grep -q "noisy.ts.: the labels of 2 of 2 images are wrong on purpose (--label-noise)" err && um-train -a fc -e 1 --val clean.ts -o x.ckpt noisy.ts 2>err && ! grep "on purpose" err'
ok 'of a class that the model has not: refused' '
	/usr/bin/python3 subset.py tee star <val.ts | um-train -q -a densenet:depth=10,growth=4 -e 1 -o two.ckpt &&
	/usr/bin/python3 subset.py tee star <val.ts >some.ts && fails 1 "val.ts.: its classes are not the model.s: the model does not know .disc." um-train -q -i two.ckpt -e 1 --val val.ts -o x.ckpt some.ts'
ok 'images to train on whose classes have another order are refused, by the first that differs' '
	/usr/bin/python3 subset.py disc triangle square star cross crescent heart arrow hourglass tee <val.ts >some.ts &&
	fails 1 "some.ts.: its classes are not the model.s: label 1 is .triangle., and the model.s .square.; ds-pack --map-classes" um-train -q -i named.ckpt -e 1 -o x.ckpt some.ts'
ok 'of five classes or fewer it is not said' '
	ts-cat --head 20 images.ts | /usr/bin/python3 -c "
import sys, msgpack
r = list(msgpack.Unpacker(sys.stdin.buffer, raw=True, strict_map_key=False)); c = r[1][b\"label\"]
c[b\"data\"] = b\"\".join((i % 5).to_bytes(8, \"little\") for i in range(len(c[b\"data\"]) // 8))
r[-1].pop(b\"xxh3\", None); r[-1][b\"xxh3\"] = None
[sys.stdout.buffer.write(msgpack.packb(x)) for x in r]" >five.ts && um-train -a fc -e 1 --val five.ts -o x.ckpt five.ts 2>log && grep -q "val_acc=" log && ! grep -q val_acc5 log'
ok '--augment none is --no-augment; both is the default; flip and crop are others' '
	for how in "" "--augment both" "--augment none" --no-augment "--augment flip" "--augment crop"; do um-train -q --no-history -i a.ckpt -e 1 -b 8 --threads 1 $how -o - images.ts | md5sum; done >sums &&
	test $(sort -u sums | wc -l) = 4 && test "$(sed -n 1p sums)" = "$(sed -n 2p sums)" && test "$(sed -n 3p sums)" = "$(sed -n 4p sums)" && fails 2 "not one of none|flip|crop|both" um-train --augment yes images.ts'
# 24 channels out of 3x3: a tanh's gain of 5/3 over sqrt(216).
ok '--init-weights, --init-fan, --init-nonlinearity; not with --init' '
	um-train -q -a densenet:depth=10 --init-weights unsigned-constant --init-fan out --init-nonlinearity tanh -e 1 --lr 0 -o u.ckpt images.ts &&
	ts-values 648 u.ckpt conv1.weight | tr " " "\n" | sort -u >u && echo 0.113402303 >want && near 1e-7 u want && fails 2 "fresh weights" um-train -i a.ckpt --init-fan out images.ts &&
	um-train -q --no-history -a fc --init-weights kaiming-normal -e 1 -o u.ckpt images.ts && um-train -q --no-history -a fc -e 1 images.ts | cmp - u.ckpt'
ok '--criterion ce switches the fold off, um insists on a level' '
	um-train -i a.ckpt -e 1 --um 0.15 --criterion ce -o x.ckpt images.ts 2>log; ! grep -q "unleashing" log && fails 2 "needs --um" um-train --criterion um images.ts'
ok '--val-fraction holds images out, the same ones for a seed' '
	um-train -q --no-history -i a.ckpt -e 1 --val-fraction 0.25 -o x.ckpt images.ts && um-train -q --no-history -i a.ckpt -e 1 --val-fraction 0.25 -o y.ckpt images.ts && cmp x.ckpt y.ckpt &&
	um-train -i a.ckpt -e 1 --val-fraction 0.25 -o x.ckpt images.ts 2>&1 | grep -q "val_acc" && fails 1 "too few" um-train -i a.ckpt -e 1 --val-fraction 0.99 images.ts'
ok '--val and --val-fraction exclude each other' 'fails 2 "exclude" um-train --val images.ts --val-fraction 0.1 images.ts'
ok 'what would not act is misuse: a warm-up that the policy has not, a rate of 0 all along, Nesterov without momentum, with Adam' '
	for p in multistep superconverge piecewise linear onedrop multipledecay; do fails 2 "warmup goes with" um-train --warmup 2 --lr-policy $p images.ts || return 1; done
	fails 2 "superconverge begins at a rate of 0" um-train --lr-policy superconverge -e 1 images.ts && fails 2 "nesterov needs" um-train --nesterov --momentum 0 images.ts && fails 2 "nesterov is for --optimizer sgd" um-train --nesterov --optimizer adam images.ts &&
	um-train -q -a fc -e 3 --warmup 2 --lr-policy constant -o x.ckpt images.ts'
ok 'no more does what belongs to another policy, Adam and a momentum, a name without a run; a config file may hold it' '
	for o in "--multistep-lr-adjust 3" "--multistep-lr-gamma 0.1"; do fails 2 "goes with --lr-policy multistep" um-train $o images.ts && fails 2 "multistep" um-train --lr-policy onedrop $o images.ts || return 1; done
	for o in "--lr-drop-epoch 0.5" "--lr-one-drop 0.1"; do fails 2 "goes with --lr-policy onedrop" um-train $o images.ts || return 1; done
	fails 2 "momentum is for --optimizer sgd" um-train --optimizer adam --momentum 0.9 images.ts && fails 2 "name is that of a run" um-train --name x images.ts &&
	printf "lr-one-drop: 0.1\nname: x\n" >c.yaml && um-train -q --config c.yaml -a fc -e 1 -o x.ckpt images.ts && um-train -q --lr-policy onedrop --lr-one-drop 0.1 -a fc -e 1 -o x.ckpt images.ts'
ok 'dropout that the network has not is warned of, and no other' '
	said() { um-train -a $1 -e 1 -b 8 --dropout 0.2 -o x.ckpt images.ts 2>&1 | grep -c "dropout 0.2 changes nothing"; }
	test "$(said resnet-narrow:depth=8)" = 1 && test "$(said densenet:depth=10,growth=4)" = 0'
ok 'classes without images are warned of, by their names, or numbers; where all have some nothing is said' '
	said() { um-train -a fc -e 1 -o x.ckpt "$@" 2>&1 | grep "has no image of"; }
	for i in 1 3; do seq 48 | tr "\n" " "; echo $i; done | ts-gen images image:u1:3x4x4,label:i8 >one3.ts &&
	ds-synth -q --set id --n 3 | said | grep -q "<stdin>. has no image of 7 of the network.s 10 classes, the first .star.," &&
	said one3.ts | grep -q "one3.ts. has no image of 2 of the network.s 4 classes, the first .0.," &&
	said --val-fraction 0.9 val.ts | grep -q "classes, the first" && ! said val.ts'
ok 'a level below any loss and one above that of guessing are warned of; others are not' '
	said() { um-train -a fc -e 1 -o x.ckpt "$@" images.ts 2>&1 | grep "^um-train: --um"; }
	said --um 0.2 --label-smoothing 0.1 | grep -q "um 0.2 never acts: with --label-smoothing the loss of 10 classes is at least 0.5003$" &&
	said --um 0.2 --logit-norm 1 | grep -q "with --logit-norm the loss of 10 classes is at least 1.42$" && said --um 0 | grep -q "never acts: the loss of 10 classes is at least 0$" &&
	said --um 2.4 | grep -q "a loss of 2.4, and guessing among 10 classes has 2.303" && said --um 1.3 --beta 0.5 | grep -q "a loss of 2.6," &&
	! { said --um 0.2; said --um 0.6 --label-smoothing 0.1; said --um 0.2 --logit-norm 0.04; said --um 2.2; said --um 1.1 --beta 0.5; said --um 3 --criterion ce; }'
ok '--beta without --um is misuse' 'fails 2 "needs --um" um-train --beta 2 images.ts'
ok 'another architecture than the checkpoint'"'"'s is refused' \
	'fails 1 "not the densenet:depth=16" um-train -i a.ckpt -a densenet:depth=16 -o z.ckpt images.ts && test ! -e z.ckpt'
ok 'a diverging run reports it and leaves nothing' \
	'! um-train -q -a densenet:depth=10 -e 30 --lr 1000 --weight-decay 1000 -b 4 -o z.ckpt images.ts 2>err && grep -q "diverged" err && test ! -e z.ckpt'
ok 'labels out of range for the checkpoint' \
	'golden-net images 16 12 >l12.ts; fails 1 "out of range" um-train -i a.ckpt -o z.ckpt l12.ts'
ok 'too many images for --max-memory' \
	'golden-net images 512 10 >big.ts; fails 1 "max-memory" um-train --max-memory 1 -o z.ckpt big.ts'
done_testing
