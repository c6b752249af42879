#!/bin/sh
# Arrays of other programs to streams and back: every type and form, right to the last bit against NumPy, and what does not
# fit refused with its reason.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
py=/usr/bin/python3
$py -c 'import numpy, msgpack' 2>/dev/null || skip_all 'no python3-numpy or python3-msgpack'
cat >read.py <<'END'
import msgpack, numpy as np
def stream(path):
    """The columns of a stream: arrays, and lists of text."""
    recs = list(msgpack.Unpacker(open(path, "rb"), raw=False, strict_map_key=False, max_buffer_size=1 << 30))
    def part(v):
        return np.frombuffer(v[b"data"], v[b"type"]).reshape(v[b"shape"]) if isinstance(v, dict) else v
    cols = {k: [part(r[k]) for r in recs[1:-1]] for k in recs[0]["fields"]}
    return {k: sum(v, []) if isinstance(v[0], list) else np.concatenate(v) for k, v in cols.items()}, recs[0]["meta"]
def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
END
cat >make.py <<'END'
import numpy as np, struct, json
rng = np.random.default_rng(3)
n, d, c = 3000, 6, 3                    # more than two batches
f = rng.normal(size=(n, d)).astype("f4"); f[0, 0] = 3.4028235e38; f[1, 0] = 1e-45; f[2, 0] = -0.0
w = rng.normal(size=(c, d)).astype("f4"); b = rng.normal(size=c).astype("f4")
f[0, 0] = 3e30                          # its logits are floats still
half = f.clip(-6e4, 6e4).astype("f2")
y = rng.integers(-1, c, n); names = np.array(["bild %d, \u00fc\u20ac\U0001d11e" % i for i in range(n)])
np.savez("all.npz", features=f, labels=y, names=names); np.savez_compressed("deflated.npz", features=f, labels=y, names=names)
np.savez("bytes.npz", features=f, labels=y, names=np.char.encode(names, "utf-8"))
np.savez("big.npz", features=f.astype(">f4"), labels=y.astype(">i2"), names=names.astype(">U40"))
np.savez("fortran.npz", features=np.asfortranarray(f), labels=np.asfortranarray(y[:, None]), names=names)
np.savez("wide.npz", features=f.astype("f8"), labels=y.astype("f8"), names=names)
np.savez("maps.npz", Emb_train=f[:, :, None, None], y_train=y, path_train=names)
np.savez("u.npz", x=np.asfortranarray(half.astype(">f8")), y=(y + 1).astype("u2"))
np.savez("half.npz", x=half, y=(y + 1).astype("u8"))
np.save("feats.npy", f); np.save("targets.npy", y.astype("i1")); np.save("W.npy", w); np.save("b.npy", b); np.save("logits.npy", f @ w.T + b)
np.savez("head.npz", **{"classifier.weight": w, "classifier.bias": b, "conv.weight": w[:2], "norm.bias": b})
def st(path, **arrays):                 # safetensors, by the format's page
    head, data = {}, b""
    for k, (t, shape, raw) in arrays.items():
        head[k] = {"dtype": t, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}; data += raw
    j = json.dumps(head).encode()
    open(path, "wb").write(struct.pack("<Q", len(j)) + j + data)
st("f32.safetensors", features=("F32", [n, d], f.tobytes()), labels=("I64", [n], y.astype("<i8").tobytes()))
st("bf16.safetensors", features=("BF16", [n, d], (f.view("u4") >> 16).astype("<u2").tobytes()), labels=("I8", [n], y.astype("i1").tobytes()))
st("fp8.safetensors", features=("F8_E4M3", [n, d], bytes(n * d)), labels=("I8", [n], bytes(n)))
s = rng.normal(size=n) + 1e-12; h = s.astype("f2")
np.savez("scores.npz", energy=s, msp=h, knn=s.astype("f4"), votes=np.arange(n), pred=y.clip(0), label=y, name=names)
np.savetxt("plain.txt", f); np.savetxt("named.csv", f, delimiter=",", header=",".join("f%d" % i for i in range(d)))
with open("pandas.csv", "w") as o:      # DataFrame(f).assign(label=y).to_csv()
    o.write("," + ",".join(map(str, range(d))) + ",label\n")
    for i in range(n): o.write("%d,%s,%d\n" % (i, ",".join(repr(float(x)) for x in f[i]), y[i]))
END
$py make.py
same() { # FILE TEST: a stream's columns z, its meta m, and what make.py made
	$py -c "
exec(open('make.py').read().split('np.savez(')[0]); exec(open('read.py').read()); z, m = stream('$1')
import sys; sys.exit(not ($2))"
}
row='same(z["features"], f) and same(z["label"], y) and z["name"] == list(names)'
for k in all deflated bytes big fortran wide maps; do
	ok "$k.npz: features, labels, names" 'ts-import -q $k.npz -o s && same s "$row"'
done
ok 'nothing is said of what is taken as it is' 'ts-import all.npz 2>err >s && ! test -s err'
ok 'doubles that are floats lose nothing, and nothing is said' 'ts-import wide.npz 2>err >s && ! test -s err'
ok 'doubles that are not: rounded to the nearest, and said' '
	$py -c "import numpy as np; np.save(\"feats8.npy\", np.array([[0.1, 2], [1 + 2**-24, 3]]))" &&
	ts-import --features feats8 feats8.npy -o s 2>err && grep -q "feats8. is <f8, and rounded to <f4: 2 of its numbers lost digits" err &&
	ts-dump s | head -1 | grep -q "0.100000001, 2"'
ok 'half floats and Fortran'"'"'s big-endian doubles; uint64 labels' 'for k in u half; do ts-import $k.npz -o s 2>err || exit 1
	same s "same(z[\"features\"], half.astype(\"f4\")) and same(z[\"label\"], y + 1)" || exit 1; done'
ok 'several files are one set' 'ts-import feats.npy targets.npy -o s && same s "same(z[\"features\"], f) and same(z[\"label\"], y)"'
ok 'safetensors: F32, BF16' 'ts-import f32.safetensors -o s && same s "same(z[\"features\"], f) and same(z[\"label\"], y)" &&
	ts-import bf16.safetensors -o s && same s "same(z[\"features\"], (f.view(\"u4\") & 0xffff0000).view(\"f4\")) and same(z[\"label\"], y)"'
ok 'a type that is not read: said, and refused where it is asked for' 'fails 1 "fp8.*could\|found no array of features" ts-import -q -k features fp8.safetensors &&
	fails 1 "features. is F8_E4M3 (3000, 6), where features are numbers" ts-import -q --features features fp8.safetensors'
for k in plain.txt named.csv; do ok "$k" 'ts-import -q $k -o s && same s "same(z[\"features\"], f)"'; done
ok 'pandas: an index, numbers for names' 'ts-import -q pandas.csv -o s && same s "same(z[\"features\"], f) and same(z[\"label\"], y)"'
ok 'two columns are features by any word for them' 'for w in emb x feat; do
	printf "${w}0\\t${w}1\\tlabel\\n1\\t2\\t0\\n3\\t4\\t1\\n" | ts-import -q - -o s && same s "z[\"features\"].tolist() == [[1, 2], [3, 4]]" || exit 1
	done'
ok 'standard input' 'ts-import -q - <all.npz >s && same s "$row" && ts-import -q - <pandas.csv >s && same s "same(z[\"features\"], f)"'
ok 'meta n_classes: the labels tell, or --classes' 'ts-import all.npz -o s && same s "m == {\"n_classes\": 3}" &&
	ts-import --classes 7 all.npz -o s && same s "m == {\"n_classes\": 7}"'

# ---- the last layer ----
logits='np.allclose(z["logits"], f.astype("f8") @ w.T.astype("f8") + b, rtol=1e-6, atol=1e-5)'
ok '--head: logits, and the layer itself in meta' '(for h in W.npy,b.npy b.npy,W.npy head.npz; do ts-import --head $h all.npz -o s || exit 1
	same s "$logits and m[\"fc.weight\"][\"data\"] == w.tobytes() and m[\"fc.bias\"][\"data\"] == b.tobytes()" || exit 1; done) 2>err ||
	{ same s "$logits" && same s "bytes(m[\"fc.weight\"][b\"data\"]) == w.tobytes() and bytes(m[\"fc.bias\"][b\"data\"]) == b.tobytes()"; }'
ok 'logits that are there stay, and are compared' 'ts-import -o s --head W.npy,b.npy feats.npy logits.npy 2>err && ! test -s err &&
	same s "same(z[\"logits\"], f @ w.T + b)" && $py -c "import numpy as np; np.save(\"off.npy\", np.load(\"b.npy\") + 1)" &&
	ts-import -o s --head W.npy,off.npy feats.npy logits.npy 2>err && grep -q "the logits are not those of the last layer" err'
ok 'no bias is said' 'ts-import -o s --head W.npy feats.npy 2>err && grep -q "has no bias" err'
ok 'a layer that does not go with the features, or could be two' '
	$py -c "import numpy as np; w = np.load(\"W.npy\"); np.save(\"T.npy\", w.T); np.savez(\"two.npz\", **{\"a.weight\": w, \"a.bias\": w[:, 0], \"b.weight\": w, \"b.bias\": w[:, 0]})" &&
	fails 1 "T.* is <f4 (6, 3).*transpose" ts-import -q --head T.npy,b.npy feats.npy &&
	fails 1 "a.weight., .b.weight. could each be the last layer" ts-import -q --head two.npz feats.npy &&
	fails 1 "no/such" ts-import -q --head no/such feats.npy'
ok 'a bias that is no numbers' '
	$py -c "import numpy as np; w = np.load(\"W.npy\"); np.savez(\"letters.npz\", weight=w, bias=np.array(list(\"abc\"))); np.savez(\"objects.npz\", weight=w, bias=np.array([None] * 3, object))" &&
	fails 1 "bias. is <U1 (3,), where a last layer.s bias is numbers" ts-import -q --head letters.npz feats.npy &&
	fails 1 "bias. is |O (3,), where a last layer.s bias" ts-import -q --head objects.npz feats.npy'

# ---- scores ----
ok 'scores: every vector, of its own type; whole numbers as doubles' 'ts-import scores.npz -o s && $py -c "
exec(open(\"read.py\").read()); z, m = stream(\"s\"); g = np.load(\"scores.npz\")
assert all(same(z[k], g[k]) for k in (\"energy\", \"msp\", \"knn\", \"pred\", \"label\")) and same(z[\"votes\"], g[\"votes\"].astype(\"f8\")) and z[\"name\"] == list(g[\"name\"])"'
ok 'ood-metrics takes them' 'ood-metrics --id s s >out 2>err && grep -q "^energy " out'
ok '--columns' 'ts-import -q --columns knn scores.npz -o t && ts-dump --tsv t | head -1 | grep -q "^knn	pred	label	name$" &&
	$py -c "import numpy as np; g = dict(np.load(\"all.npz\")); np.savez(\"more.npz\", layer0=g[\"features\"][:, :2].astype(\"f8\"), odd=np.arange(5), **g)" &&
	ts-import --columns layer0 more.npz -o t 2>err && ts-dump --header t | grep -q "layer0.*<f8.*\[2\]" && grep -q "left out: .odd. <i8 (5,)" err'
ok 'predictions are no labels, whatever else their name says' '$py -c "
import numpy as np
n = 20; p = np.arange(n) % 3; f = np.arange(2.0 * n).reshape(n, 2)
for w in (\"y_pred\", \"pred_labels\", \"Predicted class\", \"y_hat\"):
    np.savez(w + \".npz\", **{\"energy\": f[:, 0], w: p}); np.savez(\"of-\" + w + \".npz\", **{\"x\": f, w: p}); np.savez(\"both-\" + w + \".npz\", **{\"x\": f, w: p, \"y_true\": 2 - p})
np.savez(\"class_logits.npz\", class_logits=f * f, feats=f, y=p)" &&
	(for w in y_pred pred_labels "Predicted class" y_hat; do ts-import "$w.npz" -o s 2>err && ! test -s err && ts-dump --tsv s | head -1 | grep -qx "energy	pred" &&
		ts-import "of-$w.npz" -o s 2>err && grep -q "left out: .$w. <i8" err && same s "sorted(z) == [\"features\"]" &&
		ts-import -q "both-$w.npz" -o s && same s "z[\"label\"][:3].tolist() == [2, 1, 0]" || { echo "# $w"; exit 1; }; done) &&
	ts-import -q class_logits.npz -o s && same s "sorted(z) == [\"features\", \"label\", \"logits\"]" &&
	printf "pred_name,energy,y_pred\\ncat,1,0\\n" | ts-import - -o s 2>err && grep -q "left out: .pred_name. text" err && ts-dump --tsv s | head -1 | grep -qx "energy	pred"'
ok 'what tells of labels is none; numbers of rows are no scores' '
	printf "id,Index,row,energy,label_noise,num_classes,label_smoothing,label_correct,__index_level_0__,image_id,row-idx,id_knn\n7,1,0,2,0,3,1,1,3,4,1,6\n8,0,1,1,1,3,0,0,5,9,0,2\n" | ts-import - -o s 2>err && ts-dump --tsv s | head -1 | grep -qx "energy	label_noise	num_classes	label_smoothing	label_correct	id_knn" && grep -q "left out: .id. numbers (2,), .Index. numbers (2,), .row. numbers" err &&
	grep -q ".image_id. numbers (2,), .row-idx. numbers" err &&
	for w in correct_label error-class noise_label class_id; do printf "$w,energy\n1,2\n0,1\n" | ts-import - -o s && ts-dump --tsv s | head -1 | grep -qx "energy	label" || { echo "# $w"; return 1; }; done &&
	printf "id,energy\n0.5,2\n8,1\n" | ts-import - -o s && ts-dump --tsv s | head -1 | grep -qx "id	energy" &&
	printf "id,energy\n7,2\n8,1\n" | ts-import --columns id,energy - -o s && ts-dump --tsv s | head -1 | grep -qx "id	energy"'
ok 'a score that is called after predictions is no class' 'printf "predicted_prob,y_pred,pred_conf,y\n0.5,1,0.25,0\n1,0,1,1\n" | ts-import - -o s 2>err && ! test -s err &&
	ts-dump --tsv s | head -2 | cmp - "$(printf "predicted_prob\tpred_conf\tpred\tlabel\n0.5\t0.25\t1\t0\n" >want; echo want)" &&
	fails 1 "row 1: .pred. is nan, which" eval "printf \"energy,y_pred\n1,0\n2,nan\n\" | ts-import - -o x" &&
	fails 1 "row 0: .pred. is 0.5, which is not a 64-bit integer" eval "printf \"energy,pred\n1,0.5\n\" | ts-import - -o x"'
ok 'whole numbers that no double holds: rounded, and said; text that would end early is refused' '$py -c "
import numpy as np
np.savez(\"whole.npz\", s=np.array([2**60, 2**60 + 1, -2**53 - 1, 3]), even=np.array([2**60, 2**53, -2**63, 3]), u=np.array([2**64 - 1, 1, 2, 3], \"u8\"))
np.savez(\"zero.npz\", s=np.arange(2.0), names=np.array([b\"a\", b\"b\\0c\"]))" &&
	ts-import whole.npz -o s 2>err && grep -q "s. is <i8, and rounded to <f8: 2 of its numbers lost digits" err && grep -q "u. is <u8, and rounded to <f8: 1 of" err && test $(wc -l <err) = 2 &&
	fails 1 "row 1 of .names. has a zero byte" ts-import -o z zero.npz'

# ---- back ----
ts-import -q --head W.npy,b.npy all.npz -o s; ts-import -q scores.npz -o t
ok 'npz: as NumPy reads it, text and last layer too' 'ts-export s -o s.npz && $py -c "
exec(open(\"read.py\").read()); z, m = stream(\"s\"); g = np.load(\"s.npz\"); h = np.load(\"head.npz\")
assert sorted(g) == [\"fc.bias\", \"fc.weight\", \"features\", \"label\", \"logits\", \"name\"] and list(g[\"name\"]) == z[\"name\"]
assert all(same(g[k], z[k]) for k in (\"features\", \"logits\", \"label\")) and same(g[\"fc.weight\"], h[\"classifier.weight\"])"'
ok 'doubles and half floats stay such' '(for e in npz csv tsv; do ts-export t -o t.$e && ts-import -q t.$e -o u || exit 1
	$py -c "
exec(open(\"read.py\").read()); z, u = stream(\"t\")[0], stream(\"u\")[0]
assert all(np.array_equal(z[k], u[k].astype(z[k].dtype)) for k in (\"energy\", \"msp\", \"knn\", \"votes\", \"label\", \"pred\")) and z[\"name\"] == u[\"name\"]
assert \"$e\" != \"npz\" or all(same(z[k], u[k]) for k in z if k != \"name\")" || exit 1; done)'
ok 'there and back again: the same rows, by every form' 'ts-dump s >want && (for e in npz csv tsv; do ts-export s -o b.$e && ts-import -q b.$e -o back && ts-dump back | cmp - want || exit 1; done) &&
	ts-export --select features,logits,label s -o b.safetensors && ts-import -q b.safetensors | ts-dump | cmp - "$(ts-cat --select features,logits,label s | ts-dump >want2; echo want2)"'
printf '%s\n' '1 2 0 3 a' '3 4 1 1 b' | ts-gen features features:f4:2,label:i8,true-label:i8,name:str >true
printf '%s\n' '1 0 3 a' '3 1 1 b' | ts-gen scores e:f4,label:i8,true-label:i8,name:str >true2
ok 'true labels, there and back: no other labels, and no scores' '(for e in npz csv; do
	ts-export true -o b.$e && ts-import b.$e --columns true-label 2>err | ts-cat --select features,label,true-label,name >back && ! test -s err &&
	ts-dump true >want && ts-dump back | cmp - want && ts-export true2 -o b.$e && ts-import b.$e 2>err | ts-cat --select e,label,true-label,name >back && ! test -s err &&
	ts-dump true2 >want && ts-dump back | cmp - want || exit 1; done)'
ok 'alone they are the labels; what cannot be the column of its name is left out of all, or refused' '$py -c "
import numpy as np; f = np.eye(3, dtype=\"f4\"); y = np.arange(3); np.savez(\"only.npz\", features=f, **{\"true-label\": y}); np.savez(\"odd.npz\", features=f, labels=y, id=y, pred=y, name=y)" &&
	ts-import only.npz | ts-dump --header | grep -q "\"label\"" && ts-import --columns all odd.npz 2>err | ts-dump --header >out && grep -q "\"pred\": {\"type\": \"<i8" out && grep -q "\"id\"" out &&
	! grep -q "\"name\"" out && grep -q "left out: .name. <i8 (3,)$" err && fails 1 "name. is <i8 (3,), where a name is one text per row" ts-import -q --columns name odd.npz'
ok 'safetensors: by its format, and by its own library where that is' '$py -c "
import json, struct, numpy as np
p = open(\"b.safetensors\", \"rb\").read(); n = struct.unpack(\"<Q\", p[:8])[0]; h = json.loads(p[8:8 + n])
e = h[\"features\"]; a, b = e[\"data_offsets\"]; assert e[\"dtype\"] == \"F32\" and n % 8 == 0
exec(open(\"read.py\").read()); assert same(np.frombuffer(p[8 + n + a:8 + n + b], \"f4\").reshape(e[\"shape\"]), stream(\"s\")[0][\"features\"])
try: from safetensors.numpy import load
except ImportError: pass
else: assert load(p)[\"label\"].dtype == \"i8\""'
ok 'npy: one field; of text too' 'ts-export --select features s -o f.npy && $py -c "import numpy as np; assert np.load(\"f.npy\").tobytes() == np.load(\"feats.npy\").tobytes()" &&
	ts-export -f npy --select name s | $py -c "import numpy as np, io, sys; assert list(np.load(io.BytesIO(sys.stdin.buffer.read()))) == list(np.load(\"all.npz\")[\"names\"])" &&
	fails 1 "a .npy holds one array, not 4" ts-export s -f npy'
ok 'images' 'golden-net images 4 3 >i && ts-export i -o i.npz && $py -c "
exec(open(\"read.py\").read()); assert same(np.load(\"i.npz\")[\"image\"], stream(\"i\")[0][\"image\"])"'
ok 'a fit is its tensors, and no table' 'ood-fit -q -m knn s -o fit && ts-export fit -o fit.npz && $py -c "
import numpy as np; z = np.load(\"fit.npz\"); assert z[\"features.centre\"].dtype == \"f8\" and np.allclose(z[\"features.centre\"], np.load(\"feats.npy\").mean(0, \"f8\"), rtol=1e-6)" && fails 1 "fit has no rows for a table" ts-export fit -f csv'
ok 'equal streams, equal bytes, whatever the time zone' '(TZ=Asia/Tokyo; export TZ; ts-export s -f npz | cmp - s.npz)'
ok 'an option of the other kind is misuse, and its file is not even looked for' '
	for o in "--head none.npz" "--classes 5" "--features x" "--logits x"; do fails 2 "is for a stream of features, and --kind scores" ts-import -k scores $o none.csv || return 1; done
	fails 2 "pred is for a stream of scores, and --kind features" ts-import -k features --pred p none.csv'
ok 'text where there is none; no format' 'fails 1 "name. is text, which safetensors cannot hold" ts-export s -f safetensors && fails 2 "format is needed" ts-export s && fails 2 "format is needed" ts-export s -o s.mat && ! test -e s.mat'
ok 'tables: what must be quoted' 'printf "1 a,b\"c\n2 x\n" >x && ts-gen scores e:f4,name:str <x >q && ts-export q -f csv | grep -qxF "1,\"a,b\"\"c\"" && ts-export q -f tsv | grep -qxF "1	\"a,b\"\"c\""'

# ---- what does not fit ----
bad() { # NAME PYTHON PATTERN [option...]
	name=$1 code=$2 pattern=$3; shift 3; more=$*
	$py -c "import numpy as np; f = np.zeros((4, 3), 'f4'); y = np.zeros(4, int)
$code" && ok "$name" 'fails 1 "$pattern" ts-import -q $more -o none bad.npz && ! test -e none'
}
bad 'other numbers of rows' 'np.savez("bad", features=f, labels=y[:3])' "labels. is <i8 (3,), but .features. has 4 rows"
bad 'one-hot labels' 'np.savez("bad", features=f, labels=np.eye(4))' 'labels. is <f8 (4, 4), where a label is one whole number per row; of one-hot rows take argmax(1)'
bad 'labels of text' 'np.savez("bad", features=f, labels=np.array(list("abcd")))' 'labels. is <U1 (4,), where a label is' --label labels
bad 'labels that are no whole numbers' 'np.savez("bad", features=f, labels=y + .5)' "row 0: .label. is 0.5, which is not a 64-bit integer"
bad 'labels beyond 64 bits' 'np.savez("bad", features=f, labels=y.astype("u8") + np.uint64(2**63))' "row 0: .label. is 9.22337e+18, which is not a 64-bit"
bad 'labels below -1' 'np.savez("bad", features=f, labels=y - 2)' "row 0: .label. is -2, but classes count from 0"
bad 'true labels below -1' 'np.savez("bad", features=f, label=y, **{"true-label": y - 2})' "row 0: .true-label. is -2, but classes count from 0" --columns true-label
bad 'maps' 'np.savez("bad", features=np.zeros((4, 3, 2, 2), "f4"))' "features. is <f4 (4, 3, 2, 2), where features are a vector per row.*mean over their pixels"
bad 'two that could be it' 'np.savez("bad", x=f, features=f)' "x. and .features. could both be the features: choose with --features NAME"
bad 'objects' 'np.savez("bad", features=f.astype(object))' "features. is |O (4, 3), where features are numbers" --features features
bad 'complex numbers' 'np.savez("bad", features=f.astype("c8"))' "features. is <c8 (4, 3), where" --features features
bad 'a double beyond floats' 'f = f.astype("f8"); f[2, 1] = 1e39; np.savez("bad", features=f)' "row 2: .features. is 1e+39, too large for <f4"
ok 'eight columns or more that were sorted as text are refused, whatever their name; how to help oneself' 'printf "v0,v1,v10,v11,v2,v3,v4,v5,v6,v7,v8,v9\n1,2,3,4,5,6,7,8,9,10,11,12\n" >v.csv && fails 1 "column .v10. behind .v1.: .* rename columns that are no array" ts-import v.csv &&
	printf "v1,v5,v10,k1,k2\n1,2,3,4,5\n" >few.csv && ts-import -q few.csv | ts-dump --header | grep -q "\"kind\": \"scores\""'
$py -c "
import numpy as np
z = np.random.default_rng(0).normal(size=(90, 5)); p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
np.savez('p.npz', logits=p.astype('f2')); np.savez('lp.npz', logits=np.log(p).astype('f4'))
np.savez('z.npz', logits=z.astype('f4')); np.savez('abs.npz', logits=abs(z).astype('f4'))"
ok 'logits that are probabilities, or their logarithms: a warning' 'ts-import -o x.ts p.npz 2>err && test $(wc -l <err) = 1 && grep -q ".logits. holds probabilities, as rows sum to 1" err &&
	ts-import -o x.ts lp.npz 2>err && grep -q ".logits. holds logarithms of probabilities" err && for f in z abs; do ts-import -o x.ts $f.npz 2>err && ! test -s err || break; done && ! test -s err'
$py -c "
import numpy as np
f = np.ones((4, 5), 'f4'); t = np.array(['cat', 'dog'] * 2); np.savez('text.npz', features=f, labels=t); np.savez('both.npz', features=f, labels=[0, 1, 0, 1], class_text=t, class_names=t[:2])"
printf 'f0,f1,class,age\n1,2,cat,3\n2,3,dog,4\n' >text.csv
ok 'labels that are text: a warning beside the list of what is left out' 'for f in text.npz text.csv; do ts-import -o x.ts $f 2>err && grep -q "no labels: .[a-z]*. is .*; a label is the number" err || return; done &&
	grep -q "left out: .class. text (2,), .age. numbers (2,)" err &&
	printf "f0,f1,label\n1,2,0\n2,3,\n" >gap.csv && ts-import -o x.ts gap.csv 2>err && grep -q "no labels: .label. is text (2,), because line 3 is not a number; a label" err &&
	ts-import -o x.ts both.npz 2>err && grep -q "left out: .class_text. .*, .class_names. <U3 (2,)" err && ! grep -q "no labels" err'
bad 'no rows' 'np.savez("bad", features=f[:0])' "features. is <f4 (0, 3)"
bad 'no columns, and very many rows of them' 'np.savez("bad", features=np.zeros((1 << 50, 0), "f4"))' "features. is <f4 (1125899906842624, 0)"
bad 'no such array' 'np.savez("bad", features=f)' "no array is named .x.; the arrays are: features" --features x
bad 'nothing but what is not read' 'np.savez("bad", features=f.astype("c8"), labels=y.astype(object))' "no array holds numbers .*; .features. is <c8 (4, 3)$"
bad 'nothing but text' 'np.savez("bad", a=np.array(list("abcd")))' "no array holds numbers to take"
bad 'names that are no characters' 'np.savez("bad", features=f, name=np.array([b"\xff"] * 4))' "row 0 of .name. is not UTF-8"
bad 'a surrogate' 'a = np.zeros(4, "U1"); a.view("u4")[:] = 0xd800; np.savez("bad", features=f, name=a)' "row 0 of .name. holds U+D800"
bad 'a reserved name' 'np.savez("bad", end=y)' "end. cannot name another column"
ok 'numbers that are not finite are said, with the first row' '$py -c "
import numpy as np; f = np.zeros((4, 3), \"f4\"); f[2, 1] = np.nan; f[3] = np.inf; np.savez(\"nan\", features=f, label=[0, 1, 0, 1])" &&
	ts-import nan.npz -o s2 2>err && grep -q "features.: 2 rows with a number that is not finite, the first is row 2" err && fails 1 "row 2: feature 1 is not a number" ood-fit s2'
ok 'records, and types of long names, beside what is read: left out, and said' '$py -c "
import numpy as np; f = np.zeros((4, 3), \"f4\"); np.savez(\"beside\", features=f, r=np.zeros(4, [(\"a\", \"f4\"), (\"shape\", \"i4\")]), t=np.zeros(4, \"m8[25us]\"))" &&
	ts-import beside.npz -o s2 2>err && grep -q "left out: .r. other (4,), .t. other (4,)" err && ts-dump --header s2 | grep -q "\"rows\": 4"'
ok 'logits without features, beside the last layer, which is no features' '$py -c "
import numpy as np; w = np.load(\"W.npy\"); np.savez(\"beside\", logits=np.load(\"logits.npy\"), **{\"fc.weight\": w, \"fc.bias\": w[:, 0]})" &&
	ts-import beside.npz -o s2 2>err && ts-dump --header s2 | grep -q "\"logits\"" && ! ts-dump --header s2 | grep -q features\":'
ok 'files of other kinds are called what they are' 'echo "\211HDF12345678" >h5 && fails 1 "h5.: is HDF5; numpy.savez" ts-import h5 && printf "PAR1aaaaaaaa" >pq && fails 1 "a Parquet file that is cut off" ts-import pq &&
	$py -c "import pickle; pickle.dump({}, open(\"pkl\", \"wb\"))" && fails 1 "is a pickle; numpy.savez" ts-import pkl && fails 1 "is a stream already" ts-import s && gzip -c pandas.csv >gz && fails 1 "is gzip; zcat" ts-import gz &&
	: >empty && fails 1 "empty.: is empty" ts-import empty && fails 1 "neither .npy" ts-import "$BUILD/t/helper/ts-gen"'

# ---- damage ----
ok 'a .npy cut off anywhere' '(i=0; while [ $i -lt 200 ]; do head -c $i targets.npy >cut.npy; ts-import cut.npy >out 2>err && exit 1; [ $(wc -l <err) = 1 ] || exit 1; i=$((i + 7)); done); head -c -1 feats.npy >cut.npy; fails 1 "cut off, or damaged" ts-import cut.npy'
ok 'an .npz and safetensors cut off, or with a bit flipped' '(for x in deflated.npz f32.safetensors; do size=$(wc -c <$x)
	for i in 1 3 7 20; do head -c $((size - size / i / 2)) $x >cut; ts-import cut >out 2>err && exit 1; [ $(wc -l <err) = 1 ] || exit 1; done; done) &&
	cp deflated.npz flip && printf "\377" | dd of=flip bs=1 seek=20000 conv=notrunc 2>/dev/null && ts-import flip >out 2>err; test $? = 1 && ! ts-dump out >rows 2>err'
table() { printf "$1" >x.csv; fails 1 "$2" ts-import -q x.csv; }
ok 'tables that are none' 'table "f.0,f.1\n1,2\n3\n" "line 3: has 1 cells where line 1 has 2" && table "f.0,f.1\n1,NA\n" "line 2: column 2 (.f.1.) is not a number, nor in any other line" && table "f.0,f.1\n1,2\n1,NA\n" "line 3: column 2 (.f.1.) is not a number, but is one in other lines" &&
	table "f0;f1;f2\n1,5;2,5;3\n2,5;1,5;3\n" "line 2: column 1 (.f0.) is not a number, nor in any other line; decimals have a point" &&
	table "f.0,f.1\n1,2\n\n3,4\n" "line 3: is empty" && table "f.0,f.1\n" "no rows below its heading" && table "a.png,0.5\n" "line 1: may be a heading or a row: it holds numbers and words" &&
	table "0,1,2\n3,4,5\n" "line 1: may be a heading or a row: it counts" && table "a,b\n1,\0002\n" "is not text" && table "\377\376a" "UTF-16" && table "a,a\n1,2\n" "line 1: two arrays are named .a." && printf "label,a\n1.5,2\n" >x.csv && fails 1 "row 0: .label. is 1.5" ts-import x.csv -o none'
ok 'a cell of several lines is refused, not taken for two rows; a quote within a cell is a letter' 'table "msp,name\n1,\"a\n2,b\"\n" "line 2: a cell in quotes does not end on its line" &&
	printf "msp,name\n1,5\"\n2,\"6\" x\n" >x.csv && ts-import x.csv -o u && ts-dump u | tail -n 1 | grep -qF "\\\"6\\\" x"'
ok 'columns of an array that were sorted as text, of which one is missing, or there twice: refused, where the rest was left out' '
	table "x0,x1,x10,x2,label\n1,2,3,4,0\n" "line 1: column .x10. behind .x1.: those of one array stand side by side" &&
	table "logits.0,logits.1,logits.3\n1,2,3\n" "column .logits.3. behind" && table "f0,f1,f1\n1,2,3\n" "column .f1. behind .f1." &&
	table "feat_1,feat_10,feat_2\n1,2,3\n" "column .feat_10. behind .feat_1." && printf "acc.1,acc.10,x1,x5\n1,2,3,4\n" >x.csv && ts-import x.csv -o u && ts-dump --header u | grep -q "\"x5\"" && table "v1,v2,v3,v4,v5,v6,v7,v8,v10\n1,2,3,4,5,6,7,8,9\n" "column .v10. behind .v8." &&
	printf "x0,x1,x2y,y10\n1,2,3,4\n" >x.csv && ts-import -q x.csv -o u && ts-dump --header u | grep -q "features.*\[2\]" &&
	printf "run1,run2,run10\n1,2,3\n" >x.csv && ts-import x.csv -o u && ts-dump --header u | grep -q run10'
ok 'a column that is left out for want of a number: which line lacks it' 'printf "msp,energy\n0.5,1\nNA,2\n" >x.csv && ts-import x.csv -o u 2>err && grep -q "left out: .msp. text (2,), because line 3 is not a number$" err &&
	fails 1 "msp. is text (2,), because line 3 is not a number, where features are" ts-import -q --features msp x.csv'
ok 'names that look like numbers keep their text, and are no scores: also of features, and whole numbers in .npz' '
	printf "name,msp\n0012,0.5\n1e5,0.25\n" >x.csv && ts-import x.csv -o u && test "$(ts-dump --tsv u | tr "\t\n" " ;")" = "msp name;0.5 0012;0.25 1e5;" &&
	printf "f0,f1,f2,filename\n1,2,3,0007\n" >x.csv && ts-import -q x.csv -o u && test "$(ts-dump --tsv u | tail -n 1)" = 0007 &&
	$py -c "import numpy as np; np.savez(\"x.npz\", msp=np.arange(3.), names=np.array([7, 8, 9]))" &&
	ts-import x.npz -o u 2>err && test "$(ts-dump --tsv u | head -n 1)" = msp && grep -q "left out: .names. <i8" err && ts-import x.npz --columns names -o u'
ok 'scores of several settings are no array' 'printf "ash-s:p=0.1,ash-s:p=0.2,label,knn:k=1,knn:k=2,knn:k=3,knn:k=4,knn:k=5,knn:k=6,knn:k=7,knn:k=8\n1,2,0,1,2,3,4,5,6,7,8\n" >x.csv && ts-import x.csv -o u 2>err && ! test -s err &&
	ts-dump --header u | grep -q "\"kind\": \"scores\"" && ts-export --select ash-s:p=0.1,ash-s:p=0.2,label,knn:k=1,knn:k=2,knn:k=3,knn:k=4,knn:k=5,knn:k=6,knn:k=7,knn:k=8 -f csv u | cmp - x.csv'
ok 'a whole number that it does hold, as ts-export writes it, is a number' 'printf "s,t\n1e16,-9007199254740992\n100000000000000000000,18446744073709551616\n" | ts-import - -o s 2>err && ! test -s err && ts-export -f csv s >x.csv &&
	grep -qx "10000000000000000,-9007199254740992" x.csv && ts-import x.csv -o u 2>err && ! test -s err && ts-dump u >u.rows && ts-dump s | cmp - u.rows'
ok 'a number that a double does not hold stays text' 'printf "energy,label,id\n0.5,0,9007199254740993\n" >x.csv && ts-import x.csv -o u 2>err && grep -q "left out: .id. text" err'
done_testing
