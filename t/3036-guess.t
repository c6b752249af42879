#!/bin/sh
# Labels that have nothing to do with what the model predicts are warned of, by fits and by tables; others are not.
. "$SRC/t/lib.sh"
# data LABELS ROWS CLASSES: logits and features of ROWS rows; true labels, or in another order, or drawn at random
data() {
	/usr/bin/python3 - "$@" <<-'E' && ts-import -q --label label -o d.f d.npz && ts-import -q --kind scores --columns s --pred pred --label label -o d.s d.npz
	import numpy as np, sys
	what, n, c = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	r = np.random.default_rng(1)
	true = np.arange(n) % c
	logits = r.normal(size=(n, c)).astype('f4')
	logits[np.arange(n), true] += 3
	label = {'true': true, 'shifted': (true + 1) % c, 'random': r.integers(0, c, n), 'none': np.full(n, -1),
		 'one': np.zeros(n, int), 'some': np.where(np.arange(n) % 10, -1, true), 'part': np.where(np.arange(n) % 4, (true + 1) % c, true)}[what].astype('i8')
	right = (logits.argmax(1) == label)[label >= 0]
	p = np.bincount(logits.argmax(1), minlength=c) / n @ np.bincount(label[label >= 0], minlength=c) / max(len(right), 1)
	print(f'{100 * right.mean() if len(right) else 0:.4g} % of {len(right)} labelled rows are classified right, and guessing gets {100 * p:.4g} %, or {100 * (p + 3 * (p * (1 - p) / max(len(right), 1)) ** .5):.4g} % by luck', file=open('words', 'w'))
	np.savez('d.npz', logits=logits, features=r.normal(size=(n, 5)).astype('f4'), label=label, s=logits.max(1), pred=logits.argmax(1))
	E
}
fit() { ood-fit -m mahalanobis -o x.fit d.f 2>err; }
table() { ood-metrics --id d.s d.s 2>err >out; }
page() { ood-report -o x.html --id d.s d.s 2>err; }
told() { for w in fit table page; do $w && grep -qF "': $(cat words): are the labels" err || { sed "s/^/# $w: /" err words; return 1; }; done; }
quiet() { for w in fit table page; do $w && ! grep classified err || return 1; done; }

ok 'labels of another order' 'data shifted 1000 10 && told && table && grep -q "^ood-metrics: .d.s.: .* are classified right" err'
ok 'labels drawn at random' 'data random 1000 10 && told && data random 1000 2 && told'
ok 'right ones, and a quarter of them' 'data true 1000 10 && quiet && data part 1000 10 && quiet'
ok 'no labels, few, and of one class tell nothing, and right ones of some rows' 'data none 1000 10 && quiet && data some 4000 10 && quiet && data random 199 10 && quiet && data random 200 10 && told && data one 1000 10 && quiet'
ok 'class numbers that no classifier has' '
	/usr/bin/python3 -c "import numpy as np; r = np.random.default_rng(1); np.savez(\"d.npz\", s=r.normal(size=500), pred=r.integers(0, 9, 500) << 40, label=r.integers(0, 9, 500) << 40)" &&
	ts-import -q --kind scores --columns s --pred pred --label label -o d.s d.npz && table && ! grep classified err'
ok '-q says nothing' 'data random 1000 10 && ood-fit -q -m mahalanobis -o x.fit d.f 2>err && ! test -s err && ood-metrics -q --id d.s d.s 2>err >out && ! test -s err'
done_testing
