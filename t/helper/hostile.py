"""Malicious PyTorch and safetensors files, for t/2210-um-ckpt-hostile.t; written without PyTorch.

Writes NAME.pth, NAME.old, NAME.safetensors to the current folder. Every file except good.* is broken in one way.
"""
import io
import json
import os
import pickle
import struct
import zipfile

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def number(v):
    return b"\x8a\x08" + struct.pack("<q", v)


def tensor(name, storage="Float", key="0", numel=4, offset=0, size=(4,), stride=(1,), call="torch._utils\n_rebuild_tensor_v2"):
    return (text(name) + b"c" + call.encode() + b"\n((" + text("storage") + b"ctorch\n" + storage.encode() + b"Storage\n" +
            text(key) + text("cpu") + number(numel) + b"tQ" + number(offset) +
            b"(" + b"".join(map(number, size)) + b"t(" + b"".join(map(number, stride)) + b"t\x89" +
            b"ccollections\nOrderedDict\n)RtR")


def state(*tensors):
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + b"".join(tensors) + b"u."


def put(name, pkl, members=(("data/0", b"\0" * 16),), how=zipfile.ZIP_STORED):
    with zipfile.ZipFile(name + ".pth", "w", how) as z:
        z.writestr("archive/data.pkl", pkl)
        for member, data in members:
            z.writestr("archive/" + member, data)
        z.writestr("archive/version", "3\n")


def old(name, pkl, storages=((4, b"\0" * 16),), keys=b"\x80\x02]q\x01(X\x01\0\0\x000e."):
    with open(name + ".old", "wb") as f:
        f.write(MAGIC + b"\x80\x02M\xe9\x03." + b"\x80\x02}(" + text("little_endian") + b"\x88u." + pkl + keys)
        for n, data in storages:
            f.write(struct.pack("<q", n) + data)


def safe(name, header, data=b"\0" * 16, length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    with open(name + ".safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(raw) if length is None else length) + raw + data)


class Evil:
    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


good = state(tensor("w"))
put("good", good)
old("good", good)
for name, pkl in {
    "system": pickle.dumps({"state_dict": Evil(os.system, "touch executed")}, 2),
    "eval": pickle.dumps(Evil(eval, "open('executed', 'w')"), 4),
    "build": b"\x80\x02" + b"ctorch.nn.modules.module\nModule\n)\x81}(X\x01\0\0\0aK\x01ub.",
    "storagecall": b"\x80\x02ctorch\nFloatStorage\nK\x01\x85R.",
    "huge": state(tensor("w", numel=1 << 40, size=(1 << 40,))),
    "hugeview": state(tensor("w", size=(1 << 20, 1 << 20), stride=(0, 0))),
    "overflow": state(tensor("w", size=(1 << 40, 1 << 40), stride=(1, 1))),
    "outside": state(tensor("w", offset=1)),
    "faroutside": state(tensor("w", offset=(1 << 62), stride=(1 << 62,))),
    "stride": state(tensor("w", stride=(-1,), offset=3)),
    "size": state(tensor("w", size=(-4,))),
    "offset": state(tensor("w", offset=-4)),
    "dims": state(tensor("w", size=(1,) * 9, stride=(1,) * 9)),
    "twokinds": state(tensor("w"), tensor("v", storage="Half")),
    "twice": state(tensor("w"), tensor("w")),
    "control": state(tensor("w\n\x1b[2J")),
    "quantised": state(tensor("w", storage="QInt8", numel=16)),
    "again": state(*[tensor("w%d" % i) for i in range(3000)]).replace(b"w2", b"w2"),
    "cut": good[:100],
    "deep": b"\x80\x02" + b"]" * 100000 + b"a" * 99999 + b".",
    "memo": b"\x80\x02]r\xff\xff\xff\x7f.",
    "values": b"\x80\x02(" + b"]" * 1100000 + b"l.",
    "notstate": pickle.dumps([1], 2),
}.items():
    put(name, pkl)
    old(name, pkl)
old("huge", state(tensor("w", numel=1 << 40, size=(1 << 40,))), ((1 << 40, b"\0" * 16),))
old("quantised", state(tensor("w", storage="QInt8", numel=16)), ((16, b"\0" * 16),))
# As written by Python 2 and PyTorch before 0.4: pairs, views of storages, the first _rebuild_tensor.
ancient = tensor("w", offset=1, size=(2,), call="torch._utils\n_rebuild_tensor", numel=8)
ancient = ancient.replace(b"\x89ccollections\nOrderedDict\n)RtR", b"tR").replace(number(8) + b"tQ", number(8) + b"(" + text("1") + b"K\x03K\x05ttQ")
old("ancient", b"\x80\x02ccollections\nOrderedDict\n](](" + ancient + b"ee\x85R.",
    ((8, struct.pack("<8f", *range(8))),))
# Two of five pickles have a million values each.
many = text("x") + b"(" + b"]" * 1000000 + b"l"
with open("heavy.old", "wb") as f:
    f.write(MAGIC + b"\x80\x02M\xe9\x03." + b"\x80\x02}(" + text("little_endian") + b"\x88" + many + b"u." +
            b"\x80\x02}(" + text("state_dict") + good[2:-1] + many + b"u." + b"\x80\x02]q\x01(X\x01\0\0\x000e." +
            struct.pack("<q", 4) + b"\0" * 16)
# Zip.
whole = open("good.pth", "rb").read()
for i in 4, 30, 60, 200, len(whole) - 60, len(whole) - 22, len(whole) - 1:
    open("cut%d.pth" % i, "wb").write(whole[:i])
put("missing", good, ())
put("short", good, (("data/0", b"\0" * 15),))
put("long", good, (("data/0", b"\0" * 17),))
put("bomb", state(tensor("w", numel=1 << 28, size=(1 << 28,))), (("data/0", b"\0" * (1 << 26)),), zipfile.ZIP_DEFLATED)
put("views", state(*[tensor("w%d" % i, numel=1 << 16, size=(1 << 16,)) for i in range(20)]), (("data/0", b"\0" * (1 << 18)),))
put("bombs", state(*[tensor("w%d" % i, key=str(i), numel=4096, size=(4096,)) for i in range(3)]),
    [("data/%d" % i, b"\0" * 16384) for i in range(3)] + [("pad", os.urandom(20000))], zipfile.ZIP_DEFLATED)
put("picklebomb", b"\x80\x02" + b"]0" * (1 << 25), how=zipfile.ZIP_DEFLATED)
put("empty", b"")
put("bigendian", good, (("byteorder", b"big"), ("data/0", b"\0" * 16)))
with zipfile.ZipFile("folder.pth", "w") as z:
    z.writestr("archive/data.pkl", good)
    z.writestr("brchive/data/0", b"\0" * 16)
put("key", state(tensor("w", key="0\n\x1b[2J", numel=1 << 40)), (("data/0\n\x1b[2J", b"\0" * 16),))
put("member", state(tensor("w", key="0\n\x1b[2J")), (("data/0\n\x1b[2J", b"\0" * 15),))
put("dtype", b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1K\1\x85U\4\n\x1b[JK\0U\1atb.")
put("doubled", good, (("data/0", b"\0" * 16), ("data/0", b"\0" * 16)))
with zipfile.ZipFile("photos.pth", "w") as z:
    z.writestr("a/b.png", b"png")
flip = bytearray(whole)
flip[whole.index(b"\0" * 16) + 5] ^= 1
open("flipped.pth", "wb").write(flip)
# Legacy.
whole = open("good.old", "rb").read()
for i in 15, 16, 40, len(whole) - 24, len(whole) - 16, len(whole) - 1:
    open("cut%d.old" % i, "wb").write(whole[:i])
open("trailing.old", "wb").write(whole + b"x")
old("count", good, ((5, b"\0" * 20),))
old("negative", state(tensor("w", numel=-4)), ((-4, b""),))
old("unknown", good, keys=b"\x80\x02]q\x01(X\x01\0\0\x001e.")
old("nokeys", good, keys=b"\x80\x02K\x01.")
open("protocol.old", "wb").write(whole.replace(b"M\xe9\x03", b"M\xea\x03"))
open("endian.old", "wb").write(whole.replace(b"\x88u.", b"\x89u."))
# safetensors.
entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
safe("good", {"w": entry})
safe("good2", {"__metadata__": {"a": "b"}, "w": {**entry, "shape": [2], "data_offsets": [0, 8]},
               "v": {**entry, "dtype": "I64", "shape": [], "data_offsets": [8, 16]}})
safe("bytes", {"w": {"dtype": "I8", "shape": [40000], "data_offsets": [0, 40000]}}, b"\1" * 40000)
put("bytes", state(tensor("w", storage="Bool", numel=40000, size=(40000,))), (("data/0", b"\1" * 40000),))
for name, change in {
    "huge": {"shape": [1 << 40]},
    "hugeall": {"shape": [1 << 40], "data_offsets": [0, 1 << 42]},
    "overflow": {"shape": [1 << 40, 1 << 40]},
    "wraps": {"shape": [1 << 62], "dtype": "F32"},
    "outside": {"data_offsets": [8, 24]},
    "backwards": {"data_offsets": [16, 0]},
    "negative": {"data_offsets": [-16, 0]},
    "negshape": {"shape": [-4]},
    "fraction": {"shape": [4.0]},
    "bignum": {"shape": [1e300]},
    "onenumber": {"data_offsets": [16]},
    "dtype": {"dtype": "F8_E4M3"},
    "nodtype": {"dtype": 7},
    "dims": {"shape": [1] * 9},
    "noshape": {"shape": None},
    "gap": {"shape": [2], "data_offsets": [8, 16]},
    "rest": {"shape": [2], "data_offsets": [0, 8]},
}.items():
    safe(name, {"w": {**entry, **change}})
safe("overlap", {"w": entry, "v": entry})
safe("partoverlap", {"w": {**entry, "shape": [3], "data_offsets": [0, 12]}, "v": {**entry, "shape": [3], "data_offsets": [4, 16]}})
safe("list", [1])
safe("number", {"w": 3})
safe("cutjson", b'{"w":{"dtype":"F32","shape":[4],')
safe("double", b'{"w":%s,"w":%s}' % ((json.dumps(entry).encode(),) * 2))
safe("nul", b'{"w\\u0000":%s}' % json.dumps(entry).encode())
safe("control", b'{"w\\u001b[2J":%s}' % json.dumps(entry).encode())
safe("badutf", b'{"w\xff\x1b":%s}' % json.dumps(entry).encode())
safe("deep", b'{"w":' + b"[" * 100000)
safe("lies", {"w": entry}, length=1 << 30)
safe("lies2", {"w": entry}, length=1000)
safe("many", {"w%d" % i: {**entry, "shape": [0], "data_offsets": [0, 0]} for i in range(8193)})
# Small files that claim large networks: by shapes without elements, by names alone.
def shapes(name, **tensors):
    at, header = 0, {}
    for tensor, shape in tensors.items():
        end = at
        if 0 not in shape:
            end += 4
            for n in shape:
                end += 4 * (n - 1) if n > 1 else 0
            assert sum(n > 1 for n in shape) <= 1
        header[tensor.replace("__", ".")] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    safe(name, header, b"\0" * at)


blocks = {"layer%d__%d__conv2__weight" % (i + 1, k): [1024, 1024, 0, 3] for i, n in enumerate((3, 8, 36, 3)) for k in range(n)}
blocks.update({"layer%d__%d__conv3__weight" % (i + 1, k): [4096, 1024, 0, 1] for i, n in enumerate((3, 8, 36, 3)) for k in range(n)})
shapes("hollow", conv1__weight=[64, 0, 7, 7], fc__weight=[1000000, 0], **blocks)
shapes("names", **{"convs__0__weight": [1, 1, 1, 1], "convs__2__weight": [1, 1, 1, 1], "linear__0__weight": [1, 1, 1, 1],
                   "linear__4__weight": [2, 1, 1, 1]})
raw = open("good.safetensors", "rb").read()
for i in 7, 8, 9, 30, len(raw) - 1:
    open("cut%d.safetensors" % i, "wb").write(raw[:i])
open("trailing.safetensors", "wb").write(raw + b"x")
