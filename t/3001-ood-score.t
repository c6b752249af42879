#!/bin/sh
# ood-score: columns, values, what it passes on, what it refuses.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen PATH=$BUILD/t/helper:$PATH

printf '%s\n' '40 0 0 1 a' '60 0 0 -1 b/c' '1 3 3 2 d' |
	"$gen" features logits:f4:3,label:i8,name:str >f
ood-score --method msp,energy,energy:temperature=10 f >s 2>err || cat err
ts-dump --header s >header

ok 'one column a method, in the order asked for; then pred, label, name' \
	'[ "$(ts-dump --tsv s | sed 1q)" = "$(printf "msp\tenergy\tenergy:temperature=10\tpred\tlabel\tname")" ]'
# Row 1: 40 - log 2; 40; 10 log(e^4 + 2). Row 3: -log(1 + e^-2), 3 + log(2 + e^-2).
cat >want <<'END'
39.306853 40 40.359763 0 1 a
59.306853 60 60.049453 0 -1 b/c
-0.126928 3.758624 13.362867 1 2 d
END
ok 'values; margins of 40 and 60 differ; pred is the first largest; label and name pass' \
	'ts-dump --tsv s | tail -n +2 | awk "
	{ getline w <\"want\"; split(w, v, \" \")
	  for (i = 1; i <= 6; i++)
		if (i > 3 ? \$i != v[i] : (d = \$i - v[i]) > 1e-5 || d < -1e-5) bad++ }
	END { exit bad > 0 || NR != 3 }"'
ok 'meta says the methods with their parameters' \
	'grep -q "energy:temperature=1\"" header && grep -q "energy:temperature=10\"" header'
ok 'the last layer does not travel on, other meta does' 'ts-dump --header f | grep -q fc.weight &&
	! grep -q fc.weight header && grep -q "\"arch\": \"none\"" header'
ok 'the history names the run' 'ts-dump --history s | grep -q "ood-score.*msp,energy"'
ok 'no labels, no names: neither comes out' \
	'"$gen" features logits:f4:2,features:f4:3 5 1 | ood-score | ts-dump --header >h &&
	grep -q maxlogit h && ! grep -q "\"label\"\|\"name\"" h'
ok 'a last layer that cannot be read, does not fit or is half there is no missing one' '
	cat >head.py <<-END
		import sys, msgpack
		r = list(msgpack.Unpacker(open("fit.f", "rb"), raw=True, strict_map_key=False)); m = r[0][b"meta"]; w = m[b"fc.weight"]
		if sys.argv[1] == "text": m[b"fc.weight"] = b"none"
		if sys.argv[1] == "shape": w[b"shape"] = [3, 2]
		if sys.argv[1] == "bias": del m[b"fc.bias"]
		if sys.argv[1] == "none": del m[b"fc.weight"]
		r[-1][b"xxh3"] = None
		sys.stdout.buffer.write(b"".join(msgpack.packb(x) for x in r))
	END
	"$gen" features logits:f4:2,features:f4:3 50 1 >fit.f && for p in ood-fit ood-score; do
		for c in "text:meta .fc.weight. is not a tensor" "shape:meta .fc.weight. is <f4 3x2 where .* 2x3" "bias:no .fc.bias."; do
			/usr/bin/python3 head.py ${c%%:*} >h.f && fails 1 "${c#*:}" $p h.f || return 1
		done
		/usr/bin/python3 head.py none | $p -q >x || return 1
	done'
f=logits:f4:2,features:f4:3,label:i8
printf '%s\n' '3 1 1 0 0 0' '1 3 0 1 0 1' '800 0 1 1 0 0' '0 700 1 1 1 1' | "$gen" features $f | ood-fit -q -o sure.fit
printf '%s\n' '800 0 1 0 0 0' '900 0 1 0 1 0' '0 950 0 1 1 1' '3 1 1 0 0 0' | "$gen" features $f >sure.f
ok 'klm says how many rows nothing tells apart' '
	ood-score --fit sure.fit -m klm,msp -o k.s sure.f 2>err && grep -qx "ood-score: klm: 3 of 4 rows have a probability of 1 .*; msp tells them apart" err && ts-dump --tsv k.s | tail -n +2 >k &&
	test "$(sed -n 1p k | cut -f 1)" = "$(sed -n 2p k | cut -f 1)" && test "$(cut -f 2 k | sort -u | wc -l)" = 4 && ts-cat --head 1 sure.f | ood-score --fit sure.fit -m klm >x 2>err && ! test -s err'
# -log(2 p (1 - p)) - 80 = 2000 - log 2 - 80 for gamma 1, 200 - log 2 - 80 for 0.1.
printf '%s\n' '0 0 0' '2000 0 0' '3000 0 0' '9000 0 0' | "$gen" features logits:f4:2,label:i8 >far.f
cat >want <<'END'
-0.5 -1.741101127
1919.306853 119.3068528
2919.306853 219.3068528
8919.306853 819.3068528
END
ok 'gen does not run dry: far margins keep their order' 'ood-score -q -m gen:gamma=1,gen:gamma=0.1 far.f | ts-dump --tsv | tail -n +2 | cut -f 1,2 >got && near 1e-5 got want'
ok 'reads standard input, writes -o FILE, the same bytes' \
	'ood-score --no-history f >a && ood-score --no-history -o b - <f && cmp a b'
ok 'an empty stream gives an empty stream' \
	'"$gen" features logits:f4:3 0 1 | ood-score | ts-dump >out && ! test -s out'
ok 'a stream of many batches' '"$gen" features logits:f4:10,name:str 5000 1 >big &&
	ood-score big | ts-dump | tail -n 1 | grep -q row004999'
ood-score --list | sed -n 's/^\([a-z][^ ]*\) .*/\1/p' >methods
ok '--list names the methods, those of the page, in its order' '
	sed -n "s/^\.It Sy //p" "$SRC/tools/ood-score.1" | tr -d " " | tr , "\n" >page && grep -q . page && cmp methods page'

PATH=$BUILD/t/helper:$PATH
golden-net ckpt densenet:depth=10,growth=2 4 >l.ckpt && golden-net images 40 4 >l.images && um-embed -q -m l.ckpt -o l.f l.images
ok '--list says what a method needs, and of none more: without that it is refused, and else it works' '
	ood-score --list | sed -n "/^[a-z]/p" | while read -r m help; do
		case $help in *"; needs "*) want=1 ;; *) want=0 ;; esac
		ood-score -q -m "$m" -o l.scores l.f 2>err; got=$?
		[ $((got != 0)) = $want ] || echo "# $m: exit $got, $help: $(cat err)"
	done >out; cat out; ! test -s out'
ok 'an unknown method is misuse, and those there are get listed' \
	'! ood-score -m nope f 2>err && test $? = 1; ood-score -m nope f 2>err; test $? = 2 &&
	grep -q "the methods are: $(echo $(cat methods))$" err'
ok 'a parameter out of range is misuse' 'ood-score -m energy:temperature=-1 f 2>err; test $? = 2'
bad() { "$gen" features "$1" >x; ood-score x >out 2>err; test $? = 1 && grep -q "$2" err; }
ok 'NaN: names file and row' 'printf "1 2\n1 2\n1 nan\n" | bad logits:f4:2 "x.*row 2: logit 1"'
ok 'infinity' 'echo "inf 2" | bad logits:f4:2 "row 0: logit 0 is inf"'
ok 'label beyond the classes' 'echo "1 2 2" | bad logits:f4:2,label:i8 "labels out of range"'
ok 'label below -1' 'echo "1 2 -2" | bad logits:f4:2,label:i8 "labels out of range"'
ok 'a fit without logits, for those that need the logits alone of one' '"$gen" features features:f4:3 50 1 | ood-fit -q -o bare.fit && "$gen" features logits:f4:2,features:f4:3 5 1 >both.f &&
	for how in "she --fit" "klm --fit" "klm --val" "temperature --val"; do fails 1 "the fit is of features without logits" ood-score -m ${how% *} ${how#* } bare.fit both.f || exit; done'
ok 'no logits' 'echo "1 2" | bad features:f4:2 "none of the methods can work: the stream has no logits"'
ok 'one class' 'echo "1" | bad logits:f4:1 "two or more classes"'
ok 'logits of another type' 'echo "1 1" | bad logits:i8:2 "<f4"'
ok 'a score beyond single precision' 'echo "3e38 -3e38" | bad logits:f4:2 "too large"'
ok 'another kind of stream' 'ood-score s >out 2>err; test $? = 1 && grep -q "features" err'
ok 'a truncated stream' 'head -c 200 f | ood-score >out 2>err; test $? = 1'

# With fits. The features are the logits of a last layer that is the identity, so that all is at hand.
cat >make.py <<'END'
import sys
import msgpack, msgpack_numpy, numpy as np
rng = np.random.default_rng(int(sys.argv[1])); n = int(sys.argv[2]); C, D = 3, 8
W = np.random.default_rng(7).normal(size=(C, D)).astype('f4'); b = np.zeros(C, 'f4')
y = rng.integers(0, C, n)
z = np.maximum(1 + rng.normal(size=(n, D)) + float(sys.argv[3]) * W[y], 0).astype('f4')
if len(sys.argv) > 4: W = -W
out = sys.stdout.buffer
out.write(msgpack.packb({'unmask': 1, 'kind': 'features', 'fields': {
    'logits': {'type': '<f4', 'shape': [C]}, 'features': {'type': '<f4', 'shape': [D]},
    'label': {'type': '<i8', 'shape': []}}, 'meta': {'fc.weight': W, 'fc.bias': b}, 'history': []},
    default=msgpack_numpy.encode))
for i in range(0, n, 50):
    k = slice(i, i + 50)
    out.write(msgpack.packb({'logits': (z[k] @ W.T + b).astype('f4'), 'features': z[k], 'label': y[k]},
              default=msgpack_numpy.encode))
out.write(msgpack.packb({'end': True, 'rows': n, 'xxh3': None}))
END
/usr/bin/python3 make.py 1 400 1 >train.f && /usr/bin/python3 make.py 2 200 1 >val.f &&
	/usr/bin/python3 make.py 3 300 0.3 >test.f && /usr/bin/python3 make.py 3 50 1 other >other.f
ood-fit train.f -o train.fit; ood-fit val.f -o val.fit
ok 'all with fits: every method of one pass' 'ood-score -f train.fit --val val.fit test.f -o all.s 2>err &&
	test $(wc -l <err) = 1 && grep -q "17 more methods of .all. are left out .*: .*mahalanobis-layers.*; --verbose" err &&
	grep -v -x "mahalanobis-layers\?\|gram\|grood\|.*odin\|adascale-.\|rankfeat\|kl-distance\|ensemble\|combood\|mc-dropout-network" methods >plain &&
	[ "$(ts-dump --tsv all.s | sed 1q)" = "$({ cat plain; echo pred; echo label; } | paste -s)" ]'
ok 'limits that lie badly are told, when they do' 'ood-score -q -f train.fit -m react:percentile=60 test.f -o x 2>err && ! test -s err && ood-score -f train.fit -m react:percentile=60,react:threshold=1000 test.f -o x 2>err; cat err | sed "s/^/# /" &&
	test "$(wc -l <err)" = 1 && grep -q "react:percentile=60: its limits change the predicted class of [0-9]* % of the fit.s rows" err'
ok 'the same bytes with one thread, and again' 'ood-score --no-history -f train.fit --threads 1 test.f -o a 2>err &&
	ood-score --no-history -f train.fit --threads 2 test.f -o b 2>err && cmp a b'
ok 'batches of one row give the same scores' '
	/usr/bin/python3 -c "
import msgpack, msgpack_numpy, sys
u = msgpack.Unpacker(open(\"test.f\", \"rb\"), object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False)
for r in u:
    if \"logits\" in r:
        for i in range(len(r[\"label\"])): sys.stdout.buffer.write(msgpack.packb({k: v[i:i+1] for k, v in r.items()}, default=msgpack_numpy.encode))
    else: sys.stdout.buffer.write(msgpack.packb(r, default=msgpack_numpy.encode))" >ones.f &&
	ood-score -f train.fit --val val.fit ones.f 2>err | ts-dump --tsv | tail -n +2 >ones.tsv &&
	ts-dump --tsv all.s | tail -n +2 >all.tsv && near 1e-5 ones.tsv all.tsv >out || { cat out; false; }'
ok 'a sweep: a column each, and no others' '[ "$(ood-score -f train.fit --sweep react:percentile=85,90 \
	--sweep knn:k=1,5 test.f | ts-dump --tsv | sed 1q | cut -f 1-4)" = \
	"$(printf "react:percentile=85\treact:percentile=90\tknn:k=1\tknn:k=5")" ]'
ok 'a parameter twice, and words that are none: refused' '
	fails 2 "k of method .knn. is given twice" ood-score -m knn:k=1:k=2 test.f &&
	fails 2 "k of method .knn. is given twice" ood-score --sweep knn:k=1,2,3:k=4,5:k=6 test.f &&
	fails 2 ".foo. of .knn:k=1. is not PARAMETER=VALUE" ood-score --sweep knn:k=1:foo test.f &&
	fails 2 ".foo. of .knn. is not PARAMETER=VALUE" ood-score --sweep knn:foo:k=1 test.f'
/usr/bin/python3 make.py 5 100 0 | ood-fit -q -m grood -o outliers.fit && /usr/bin/python3 make.py 6 100 -1 | ood-fit -q -m grood -o others.fit
ok 'grood knows outliers: other ones, other scores that are of another origin' '
	fails 1 "needs a fit of outliers: --outliers" ood-score -f train.fit -m grood test.f && for o in outliers others; do
		ood-score -f train.fit --outliers $o.fit -m grood,msp -o $o.s test.f && ts-dump --tsv $o.s | cut -f 1 >$o.grood &&
		ts-dump --header $o.s | tr -d "\n" | sed "s/.*identities[^[]*\[\([^]]*\).*/\1/" | tr , "\n" >$o.id || return 1
	done; ! cmp -s outliers.grood others.grood && ! cmp -s outliers.id others.id &&
	test "$(grep -c . outliers.id)" -ge 2 && grep msp outliers.id >a && grep msp others.id | cmp a -'
for m in knn:k=1 relation nnguide:k=3 msp knn:k=5 cfood; do ood-score -f train.fit -m $m test.f | ts-dump --tsv | cut -f 1 >one.$m; done
ok 'the methods of the bank, which share its products: each as if it were alone' '
	ood-score -f train.fit -m knn:k=1,relation,nnguide:k=3,msp,knn:k=5,cfood test.f | ts-dump --tsv | cut -f 1-6 >all &&
	paste one.knn:k=1 one.relation one.nnguide:k=3 one.msp one.knn:k=5 one.cfood | cmp - all && [ $(wc -l <all) -gt 100 ]'
ood-score -f train.fit -m msp,knn val.f -o val.s
ok 'combine: Fisher, by hand' 'ood-score -f train.fit -m msp,knn --combine fisher --reference val.s test.f |
	ts-dump --tsv | tail -n +2 | cut -f 1-3 >got && /usr/bin/python3 -c "
import subprocess, math
read = lambda f: [list(map(float, l.split()[:2])) for l in subprocess.run([\"ts-dump\", \"--tsv\", f], capture_output=True, text=True).stdout.split(\"\n\")[1:] if l]
val = read(\"val.s\")
for a, b in (list(map(float, l.split()[:2])) for l in open(\"got\")):
    p = [(1 + sum(v[k] <= x for v in val)) / (1 + len(val)) for k, x in ((0, a), (1, b))]
    print(a, b, math.log(p[0]) + math.log(p[1]))" >want && near 1e-6 got want'
ok 'a fit of another model is refused' 'fails 1 "different models" ood-score -f train.fit other.f'
ok 'a method whose fit is missing says what makes it' 'fails 1 "ood-fit" ood-score -m knn test.f'
ood-fit -m msp train.f -o small.fit
ok 'a fit that lacks what a method needs is refused' 'fails 1 "ood-fit --method vim" ood-score -f small.fit -m vim test.f'
ok 'a residual without room is refused' 'fails 1 "no residual" ood-score -f train.fit -m vim:dim=8 test.f'
ok 'vim and residual refuse a fit of no more rows than axes: the residual would be rounding' '
	ts-cat --head 4 train.f | ood-fit -o four.fit && (for m in vim residual; do
	fails 1 "the fit.s 4 images all lie within 4 principal axes.*smaller dim" ood-score -f four.fit -m $m test.f || exit
	ood-score -q -f four.fit -m $m:dim=3 -o x test.f || exit; done)'
# Fewer rows than features, of classes far apart: the covariance within classes is a small difference of large numbers.
/usr/bin/python3 - <<'END' || exit 99
import numpy as np
r, C, n, D = np.random.RandomState(1), 5, 40, 64
mean = 30 * r.normal(size=(C, D)); y = np.arange(n) % C; t = np.arange(30) % C
z, x = [(mean[k] + r.normal(size=(len(k), D))).astype("f4") for k in (y, t)]
np.savez("far", features=z, label=y); np.savez("far-x", features=x)
np.savez("some", features=z[y != 2], label=y[y != 2]); np.savez("same", features=np.repeat(z[:20], 4, axis=0), label=np.repeat(y[:20], 4))
def distances(z, x):
    own = np.array([z[y == c].mean(0) for c in range(C)])
    within, all = (np.linalg.pinv((d := z - m).T @ d / n, rcond=1e-8, hermitian=True) for m in (own[y], z.mean(0)))
    far = lambda d, p: np.einsum("...d,de,...e", d, p, d)
    return -far(x[:, None] - own, within).min(1), far(x - z.mean(0), all)
unit = lambda a: a / np.linalg.norm(a, axis=1, keepdims=True)
z, x = z.astype("f8"), x.astype("f8"); a, b = distances(z, x); c, d = distances(unit(z), unit(x))
np.savetxt("far.want", np.stack([a, a + b, c, c + d], 1), fmt="%.9g")
END
for f in far far-x same some; do ts-import $f.npz -o $f.f || exit 99; done
ood-fit far.f -o far.fit; ood-fit same.f -o same.fit
ok 'Mahalanobis with fewer rows than features, of classes far apart: NumPy' '
	ood-score -f far.fit -m mahalanobis,rmds,mds++,rmds++ far-x.f | ts-dump --tsv | tail -n +2 | cut -f 1-4 >got && near 1e-4 got far.want'
ok 'a fit without some classes: a word, once, where distances are to the others' '
	ood-fit -q some.f -o some.fit && ood-score -f some.fit -m knn:k=3,mahalanobis,mds++ -o x far-x.f 2>err && test $(grep -c "mahalanobis and others: the fit has no sample of 1 of 5 classes, whose images" err) = 1 &&
	test $(wc -l <err) = 1 && ood-score -q -f some.fit -m gmm -o x far-x.f 2>err && ! test -s err && ood-score -f far.fit -m mahalanobis,gmm -o x far-x.f 2>err && ! test -s err'
ok 'a residual of few rows that come several times is refused, too' 'fails 1 "features vary in [12][0-9] directions of 64, so no residual is left outside 32 principal axes" ood-score -f same.fit -m residual far-x.f &&
	ood-score -f same.fit -m residual:dim=10 far-x.f -o x'
ok 'more neighbours than rows are refused' 'fails 1 "bank holds 400" ood-score -f train.fit -m knn:k=401 test.f'
ok 'scores that are all alike are refused' 'fails 1 "same score" ood-score -f train.fit -m react:percentile=0 test.f'
ok 'combine: a reference as text ties with scores as its stream does' '
	ts-dump -t val.s >val.tsv && for how in fisher min mean; do
		for r in val.s val.tsv; do ood-score -q --no-history -f train.fit -m msp,knn --combine $how --reference $r val.f >$r.c; done; cmp val.s.c val.tsv.c || return 1; done'
ok '--combine without --reference is misuse' 'ood-score --combine min f 2>err; test $? = 2'
done_testing
