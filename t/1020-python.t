#!/bin/sh
# Python reads our streams and writes them, with msgpack and msgpack_numpy as they come.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
/usr/bin/python3 -c 'import msgpack, msgpack_numpy, numpy' 2>/dev/null || skip_all 'no python3-msgpack-numpy'

ts-gen scores msp:f4,label:i8,name:str 1000 1 >ours.ts
cat >read.py <<'END'
import sys, msgpack, msgpack_numpy
with open(sys.argv[1], "rb") as f:
    for rec in msgpack.Unpacker(f, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False):
        if "msp" in rec:
            for m, l, n in zip(rec["msp"], rec["label"], rec["name"]):
                print("%.9g" % m, l, n, sep="\t")
END
cat >write.py <<'END'
import sys, msgpack, msgpack_numpy, numpy as np
out, pack = sys.stdout.buffer, lambda o: msgpack.packb(o, default=msgpack_numpy.encode)
types = {"a": "|u1", "b": "|i1", "c": "<i4", "d": "<i8", "e": "<f2", "f": "<f4", "g": "<f8", "h": "|b1"}
fields = {k: {"type": t, "shape": []} for k, t in types.items()}
fields["v"] = {"type": "<f8", "shape": [2, 3]}
fields["s"] = {"type": "str", "shape": []}
out.write(pack({"unmask": 1, "kind": "scores", "fields": fields, "meta": {"note": {"any": [1, None, "x"]}}}))
rng = np.random.default_rng(1)
for n in (3, 1, 5):
    rec = {k: (100 * rng.standard_normal(n)).astype(t) if t != "|b1" else rng.random(n) < .5 for k, t in types.items()}
    rec["v"] = rng.standard_normal((n, 2, 3))
    rec["s"] = ["wört %d" % i for i in range(n)]
    out.write(pack(rec))
    for i in range(n):
        print(*["%.17g" % float(rec[k][i]) for k in types], *["%.17g" % x for x in rec["v"][i].ravel()],
              rec["s"][i], sep="\t", file=sys.stderr)
out.write(pack({"end": True, "rows": 9, "xxh3": None}))
END
ok 'Python reads what we write' 'ts-dump --tsv ours.ts | sed 1d >want; /usr/bin/python3 read.py ours.ts | cmp - want'
/usr/bin/python3 write.py >theirs.ts 2>want
ok 'we read what Python writes, every type, to the last digit' '
	ts-dump theirs.ts | sed "s/\"[a-hvs]\": //g; s/[][{}\"]//g; s/, /\t/g" >got
	/usr/bin/python3 - <<END
import numpy as np
for a, b in zip(open("got"), open("want")):
    a, b = a.rstrip("\n").split("\t"), b.rstrip("\n").split("\t")
    assert len(a) == len(b) == 15 and a[-1] == b[-1], (a, b)
    for i, (x, y) in enumerate(zip(a[:-1], b[:-1])):
        t = {4: np.float16, 5: np.float32}.get(i, float)
        assert t(x) == t(y), (i, x, y)
assert len(open("got").readlines()) == 9
END'
ok 'what we do not know in meta passes through' 'ts-cat theirs.ts | ts-dump --header | grep -q "\"note\": {\"any\": \[1, null, \"x\"\]}"'
ok 'and Python reads it again' 'ts-cat --select e,s theirs.ts >again.ts && sed "s/\"msp\"/\"e\"/; s/rec\[\"label\"\], rec\[\"name\"\]/rec[\"s\"], rec[\"s\"]/; s/rec\[.msp.\]/rec[\"e\"]/" read.py >r2.py && test $(/usr/bin/python3 r2.py again.ts | wc -l) = 9'
done_testing
