#!/bin/sh
# Features of elsewhere: what um-embed gives, taken away as arrays and brought back, scores as before; without logits those
# scores that need none do, and the others say what they lack.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
py=/usr/bin/python3
$py -c 'import numpy' 2>/dev/null || skip_all 'no python3-numpy'
golden-net ckpt densenet:depth=10,growth=8 10 >m.ckpt
golden-net images 300 10 >train.i; golden-net images 80 10 >test.i
um-embed -q -m m.ckpt train.i -o train.f; um-embed -q -m m.ckpt test.i -o test.f
for s in train test; do ts-export $s.f -o $s.npz; done
$py -c "
import numpy as np
for s in ('train', 'test'):
    z = np.load(s + '.npz')
    y = z['label'] if 'label' in z else np.arange(len(z['features'])) % 10
    np.savez(s + '_alone.npz', features=z['features'], labels=np.arange(len(z['features'])) % 10)
np.save('W.npy', z['fc.weight']); np.save('b.npy', z['fc.bias'])"
values() { ts-dump --tsv "$1"; }
near() { # two tables: the same headings, and numbers equal to 1e-4 of what they are
	paste -d '\n' "$1" "$2" | awk -F '\t' 'NR <= 2 { if (NR == 1) h = $0; else if ($0 != h) { print "# " h " / " $0; bad = 1 }; next }
		NR % 2 { split($0, a); next }
		{ for (i = 1; i <= NF; i++) { d = a[i] - $i; if (d < 0) d = -d; m = $i < 0 ? -$i : $i; if (d > 1e-4 * (1 + m)) { print "# " NR ": " a[i] " / " $i; bad = 1; exit } } }
		END { exit bad || NR < 20 }'
}

# ---- whole: every score to the last digit ----
ood-fit -q train.f -o a.fit; ood-score -q --fit a.fit test.f >a.s
ts-import -q train.npz | ood-fit -q -o b.fit; ts-import -q test.npz | ood-score -q --fit b.fit >b.s
values a.s >a.tsv; values b.s >b.tsv
ok 'logits, features and last layer by way of an .npz: the same scores' 'cmp a.tsv b.tsv && head -1 a.tsv | grep -q "energy.*mahalanobis.*vim.*knn"'
ok 'the fit of images serves arrays, and the other way round' 'ts-import -q test.npz | ood-score -q --fit a.fit | ts-dump --tsv | cmp - a.tsv && ood-score -q --fit b.fit test.f | ts-dump --tsv | cmp - a.tsv'

# ---- features with --head: logits are computed ----
ts-import -q train_alone.npz --head W.npy,b.npy -o train.h; ts-import -q test_alone.npz --head W.npy,b.npy -o test.h
$py -c "
import numpy as np
z = np.load('train.npz'); np.savez('train_label.npz', features=z['features'], logits=z['logits'], label=np.arange(300) % 10, **{'fc.weight': z['fc.weight'], 'fc.bias': z['fc.bias']})"
ts-import -q train_label.npz | ood-fit -q -o c.fit; ood-fit -q train.h -o h.fit
methods=msp,energy,react,ash-s,scale,vim,residual,knn,mahalanobis,rmds
ok '--head W,b and features alone: the scores of the network itself' '
	ood-score -q --fit c.fit -m $methods test.f | ts-cat --select $methods | ts-dump --tsv >c.tsv && ood-score -q --fit h.fit -m $methods test.h | ts-cat --select $methods | ts-dump --tsv >h.tsv && near c.tsv h.tsv'

# ---- features alone ----
ts-import -q train_alone.npz -o train.x; ts-import -q test_alone.npz -o test.x
alone=ctm,cop,corp,knn,mahalanobis,rmds,mds++,rmds++
ok 'features alone: to the last digit what features with logits give' 'ood-fit -q train.x -o x.fit && ood-score -q --fit x.fit -m $alone test.x | ts-cat --select $alone | ts-dump --tsv >x.tsv &&
	ood-score -q --fit h.fit -m $alone test.h | ts-cat --select $alone | ts-dump --tsv | cmp - x.tsv'
ok 'residual about the mean, as NumPy has it; and with the last layer where the fit knows it' '
	ood-score -q --fit x.fit -m residual:dim=5 test.x | ts-cat --select residual:dim=5 | ts-dump --tsv >r && $py -c "
import numpy as np
a, b = (np.load(s + \"_alone.npz\")[\"features\"].astype(\"f8\") for s in (\"train\", \"test\")); m = a.mean(0)
v = np.linalg.eigh(np.cov(a.T, bias=True))[1][:, :-5]; want = -np.linalg.norm((b - m) @ v, axis=1)
assert np.allclose(np.loadtxt(\"r\", skiprows=1), want, rtol=1e-4, atol=1e-6)" &&
	ood-score -q --fit h.fit -m residual test.x | ts-cat --select residual | ts-dump --tsv >r1 && ood-score -q --fit h.fit -m residual test.h | ts-cat --select residual | ts-dump --tsv | cmp - r1'
ok 'vim and residual of a last layer whose rows add up to zero, but for rounding to floats' '
	$py -c "
import numpy as np
r = np.random.default_rng(0); W = r.normal(size=(5, 12)); W -= W.mean(0); W = W.astype(\"f4\"); b = r.normal(size=5).astype(\"f4\"); z = r.normal(size=(90, 12)).astype(\"f4\")
np.savez(\"zero.npz\", features=z, logits=z @ W.T + b, label=np.arange(90) % 5, **{\"fc.weight\": W, \"fc.bias\": b})" &&
	ts-import -q zero.npz -o zero.f && ood-fit -q -o zero.fit zero.f && ood-score -q --fit zero.fit -m residual,vim zero.f | ts-cat --select residual,vim | ts-dump --tsv >r && $py -c "
import numpy as np
f = np.load(\"zero.npz\"); z, W, b, l = (f[k].astype(\"f8\") for k in (\"features\", \"fc.weight\", \"fc.bias\", \"logits\"))
u = -np.linalg.pinv(W, rcond=1e-6) @ b; v = np.linalg.eigh((z - u).T @ (z - u))[1][:, :6]; n = np.linalg.norm((z - u) @ v, axis=1)
want = np.c_[-n, np.log(np.exp(l).sum(1)) - l.max(1).mean() / n.mean() * n]
assert np.linalg.norm(u) < 10 and np.allclose(np.loadtxt(\"r\", skiprows=1), want, rtol=1e-4, atol=1e-5)"'
ok 'and core: no residual is lost to rounding' 'ood-score -v --fit zero.fit -m core zero.f 2>err >core.s && grep -q "core: the residual has 8 of 12 dimensions" err'
ok 'nor of many rows, centred in floats' '
	$py -c "
import numpy as np
r = np.random.default_rng(2); C, D, n = 100, 120, 200
W = (1 + r.normal(size=(C, D))).astype(\"f4\"); W -= np.cumsum(W, 0)[-1] / np.float32(C); z = W[np.arange(n) % C] + 0.3 * r.normal(size=(n, D)).astype(\"f4\")
np.savez(\"many.npz\", features=z, logits=z @ W.T, label=np.arange(n) % C, **{\"fc.weight\": W, \"fc.bias\": np.zeros(C, \"f4\")})" &&
	ts-import -q many.npz -o many.f && ood-fit -q -o many.fit many.f && ood-score -v --fit many.fit -m core many.f 2>err >core.s && grep -q "core: the residual has 21 of 120 dimensions" err || { cat err; false; }'
ok 'neco without the logit' 'ood-score -q --fit x.fit -m neco:logit=0 test.x | ts-cat --select neco:logit=0 | ts-dump --tsv >n && ood-score -q --fit h.fit -m neco:logit=0 test.h | ts-cat --select neco:logit=0 | ts-dump --tsv | cmp - n'
ok 'kernel PCA and sirc refuse features without variance: the rest would be rounding' '
	$py -c "
import numpy as np
r = np.random.default_rng(0); y = np.zeros(30, int); one = np.ones((30, 6), \"f4\"); line = np.outer(r.normal(size=30), one[0]).astype(\"f4\")
for n, z in ((\"one\", one), (\"line\", line)): np.savez(n, features=z, labels=y, logits=(z @ r.normal(size=(6, 3))).astype(\"f4\"))" &&
	for kind in one line; do ts-import -q $kind.npz -o $kind.x && ood-fit -q $kind.x -o $kind.fit || return 1; done &&
	fails 1 "cop.: the features of the fit do not vary" ood-score -m cop --fit one.fit one.x && fails 1 "same norm" ood-score -m sirc:norm=1 --fit one.fit one.x &&
	fails 1 "no residual is left" ood-score -m sirc --fit one.fit one.x &&
	for m in cop corp; do fails 1 "1 of .* principal axes hold all of the variance: no residual" ood-score -m $m --fit line.fit line.x || return 1; done'
ok 'all: what can be, and which are left out' 'ood-score --fit x.fit test.x 2>err | ts-dump --tsv | head -1 >head && grep -q "^ctm	mahalanobis.*rmds.*residual	cop	corp	knn	cfood	label$" head && ! grep -q "msp\|vim\|pred" head &&
	grep -q "methods of .all. are left out because a fit, the last layer or columns are missing (the stream has no logits): .*msp.*vim.*nnguide" err'
ok 'methods that need logits report it, with what to type' '(for m in msp energy react vim neco she nnguide relation openmax klm temperature gradnorm odin gram; do
	fails 1 "method .$m.: the stream has no column .logits.; of features alone, ts-import --head computes" ood-score -q --fit x.fit -m $m test.x || exit 1; done) &&
	fails 1 "has no column .logits., which method .vim. needs; ts-import --head" ood-fit -m knn,vim train.x'
ok 'a fit without logits serves a stream with them, as far as it goes' 'ood-score -q --fit x.fit -m energy,$alone test.h | ts-cat --select $alone | ts-dump --tsv | cmp - x.tsv &&
	fails 1 "method .vim.: the fit is of features without logits" ood-score -q --fit x.fit -m vim test.h'
ok 'fits of parts merge to that of the whole' '(for i in 0 1 2; do ts-cat --shard $i/3 train.x | ood-fit -q -o $i.fit; done) && ood-fit --merge -o m.fit 2.fit 0.fit 1.fit && ood-score -q --fit m.fit -m knn test.x | ts-dump --tsv >k && ood-score -q --fit x.fit -m knn test.x | ts-dump --tsv | cmp - k &&
	fails 1 "rows with logits, which the others have not" ood-fit --merge -o z x.fit h.fit'
ok 'fits of other numbers of classes say what to type' 'ts-import -q --classes 12 train_alone.npz | ood-fit -q -o 12.fit && fails 1 "has 12 classes, and the others 10: give the number to ts-import --classes" ood-fit --merge -o z x.fit 12.fit'
ok 'thresholds, verdicts, metrics, drift' 'ood-score -q --fit x.fit -m knn test.x -o s && ood-threshold -q -a 0.1 s -o t && ood-score -q --fit x.fit --threshold t test.x | ts-dump --tsv | head -1 | grep -q "^knn	label	verdict:knn$" &&
	ood-metrics --id s -f tsv s >m && grep -q "^knn" m && ood-watch -m knn -r s s && fails 1 "pred" ood-threshold --per-class -a 0.1 s'
ok 'without labels: neighbours and axes; what needs classes says so' 'ts-cat --select features train.x | ood-fit -q -o u.fit && ts-cat --select features test.x | ood-score -q --fit u.fit -m knn | ts-dump --tsv | cut -f 1 >u && cut -f 1 k | cmp - u &&
	fails 1 "300 rows of the fit have no label" ood-score -q --fit u.fit -m mahalanobis test.x'
ok 'one class is enough for a distance to it' '$py -c "import numpy as np; z = np.load(\"train_alone.npz\"); np.savez(\"one.npz\", features=z[\"features\"], label=np.zeros(300, int))" && ts-import -q one.npz | ood-fit -q -o one.fit && ood-score -q --fit one.fit -m mahalanobis test.x -o o.s && fails 1 "samples of one class" ood-score --fit one.fit -m rmds test.x'
ok 'labels of OOD sets are theirs' '$py -c "import numpy as np; z = np.load(\"test_alone.npz\"); np.savez(\"far.npz\", features=z[\"features\"], label=z[\"labels\"] + 500)" && ts-import -q far.npz | ood-score -q --fit x.fit -m knn -o far.s && ood-metrics --id s far.s >m'
ok 'neither logits nor features' 'ts-cat --select label train.x -o l && fails 1 "has neither a column .logits. nor a column .features." ood-score l && fails 1 "has no column .features." ood-fit l'
done_testing
