#!/bin/sh
# Python's msgpack and msgpack_numpy read our streams and write streams that we read, number for number.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
python=/usr/bin/python3
$python -c 'import msgpack, msgpack_numpy, numpy' 2>/dev/null || skip_all 'no python3-msgpack-numpy'

"$gen" features logits:f4:2x3,label:i8,u:u1:4,name:str 3000 1 >s
cat >read.py <<'END'
# Reads a stream as its documentation says, prints the rows as ts-dump does.
import sys, json, msgpack, msgpack_numpy, numpy
records = list(msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, object_hook=msgpack_numpy.decode,
               strict_map_key=False, max_buffer_size=0))
header, end = records[0], records[-1]
assert header["unmask"] == 1 and header["kind"] == "features", header
assert end["end"] is True and len(end["xxh3"]) == 8
weight = header["meta"]["fc.weight"]
assert isinstance(weight, numpy.ndarray) and weight.shape == (2, 3) and weight.dtype == numpy.float32
def number(v):
    return "%.9g" % v if isinstance(v, float) else str(v)
def nested(v):
    return "[" + ", ".join(map(nested, v)) + "]" if isinstance(v, list) else number(v)
rows = 0
for batch in records[1:-1]:
    assert list(batch) == list(header["fields"])
    for name, column in batch.items():
        f = header["fields"][name]
        if f["type"] != "str":
            assert column.dtype.str == f["type"] and list(column.shape[1:]) == f["shape"]
    for i in range(len(batch["name"])):
        print("{" + ", ".join(json.dumps(k) + ": " + (json.dumps(c[i]) if k == "name" else nested(c[i].tolist()))
                              for k, c in batch.items()) + "}")
        rows += 1
assert rows == end["rows"] == int(sys.argv[2]), rows
END
ok 'Python reads our stream, and prints the same text' '$python read.py s 3000 >py && ts-dump s | cmp - py'

cat >write.py <<'END'
# Writes a stream of every type as its documentation says; prints what ts-dump should.
import sys, json, msgpack, msgpack_numpy, numpy
names = ["", "a\tb\nc\\", "\u00e9\u4e2d", "x" * 300, 'quote"', "e", "f"]
n = len(names)
rng = numpy.random.RandomState(1)
columns = {
    "u1": rng.randint(0, 256, (n, 2, 2)).astype("|u1"), "i1": rng.randint(-128, 128, n).astype("|i1"),
    "b1": rng.randint(0, 2, (n, 3)).astype("|b1"), "i4": rng.randint(-2**31, 2**31, n).astype("<i4"),
    "i8": numpy.array([-2**63, 2**63 - 1, 0, -1, 2**53 + 1, 5, 6], "<i8"),
    "f2": numpy.array([0.1, -65504, 6e-8, numpy.inf, numpy.nan, 1, 2], "<f2"),
    "f4": rng.randn(n, 1, 5).astype("<f4"), "f8": numpy.array([0.1, 5e-324, 1.7976931348623157e308, -0.0, 1/3, -numpy.inf, 7], "<f8"),
}
header = {"unmask": 1, "kind": "scores",
          "fields": {k: {"type": c.dtype.str, "shape": list(c.shape[1:])} for k, c in columns.items()},
          "meta": {"classes": ["a", "b"], "array": numpy.zeros((3, 2), "<f4"), "unknown": {"deep": [1, None, {"x": 1.5}]}}}
header["fields"]["name"] = {"type": "str", "shape": []}
out = open("py.ts", "wb")
def put(record):
    out.write(msgpack.packb(record, default=msgpack_numpy.encode))
put(header)
for a, b in (0, 1), (1, 5), (5, n):
    batch = {k: c[a:b] for k, c in columns.items()}
    batch["name"] = names[a:b]
    put(dict(reversed(list(batch.items()))))
put({"end": True, "rows": n, "xxh3": None})
out.close()
digits = {"f2": 6, "f4": 9, "f8": 17}
def nested(v, d):
    if isinstance(v, list):
        return "[" + ", ".join(nested(x, d) for x in v) + "]"
    if isinstance(v, float):
        return '"nan"' if v != v else '"inf"' if v == numpy.inf else '"-inf"' if v == -numpy.inf else "%.*g" % (d, v)
    return str(int(v))
def text(s):
    return '"' + "".join("\\" + c if c in '"\\' else "\\u%04x" % ord(c) if ord(c) < 32 else c for c in s) + '"'
for i in range(n):
    print("{" + ", ".join('"%s": %s' % (k, nested(c[i].tolist(), digits.get(k, 0))) for k, c in columns.items())
          + ', "name": ' + text(names[i]) + "}")
END
ok 'we read a stream that Python wrote: every type, columns in another order, no checksum' '
	PYTHONIOENCODING=utf-8 $python write.py >py && ts-dump py.ts | diff - py >d; head -n 4 d | sed "s/^/# /"; ! test -s d'
ok 'a tab, a newline and a backslash in a table' 'ts-cat --select name py.ts | ts-dump --tsv | sed -n 3p >out &&
	test "$(cat out)" = "a\\tb\\nc\\\\"'
ok 'meta that nobody knows passes through' 'ts-cat py.ts | ts-dump --header >h &&
	grep -q -F "\"unknown\": {\"deep\": [1, null, {\"x\": 1.5}]}" h && grep -q "\"array\": {\"type\": \"<f4\", \"shape\": \[3, 2\]}" h'
ok 'and what we write again, Python reads' 'ts-cat py.ts -o again && $python -c "
import msgpack, msgpack_numpy
a, b = (list(msgpack.Unpacker(open(f, \"rb\"), raw=False, object_hook=msgpack_numpy.decode, strict_map_key=False)) for f in (\"py.ts\", \"again\"))
rows = lambda r, k: b\"\".join(x[k].tobytes() for x in r[1:-1])
assert all(rows(a, k) == rows(b, k) for k in a[0][\"fields\"] if k != \"name\")
assert a[0][\"meta\"][\"unknown\"] == b[0][\"meta\"][\"unknown\"] and a[0][\"fields\"] == b[0][\"fields\"]
assert sum((x[\"name\"] for x in a[1:-1]), []) == sum((x[\"name\"] for x in b[1:-1]), [])"'
cat >ck.py <<'END'
import msgpack, msgpack_numpy, numpy
w = numpy.arange(12, dtype="<f4").reshape(4, 3)
with open("ck.ts", "wb") as out:
    for record in ({"unmask": 1, "kind": "fit", "fields": {"w": {"type": "<f4", "shape": [4, 3]}, "s": {"type": "<i8", "shape": []}}},
                   {"w": w[:1]}, {"w": w[1:]}, {"s": numpy.array(7, "<i8")}, {"end": True, "rows": 3, "xxh3": None}):
        out.write(msgpack.packb(record, default=msgpack_numpy.encode))
END
ok 'tensors from Python, one in two slices' '$python ck.py && ts-dump -t ck.ts | tail -n +2 >out &&
	test "$(cat out)" = "$(printf "w\t<f4\t4x3\t66\t0\t11\ns\t<i8\t\t7\t7\t7")"'
ok 'the examples of ts.5 work' '
	awk "/^\.Bd/ { on = 1; next } /^\.Ed/ { on = 0; n++ } on { print > (\"example\" n) }" "$SRC/lib/ts/ts.5" &&
	$python example2 >x.ts && ts-dump -t x.ts | tail -n 1 | grep -q "^1.5$" && sed "s/test.scores/x.ts/" example1 >r.py && $python r.py >out && grep -q "1.5" out'
done_testing
