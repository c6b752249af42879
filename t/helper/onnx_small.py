"""Small ONNX graphs, written byte by byte, for t/2700-onnx.t: pixels (n,3,h,w), their channel means f, a linear layer
y. t/shim/onnxruntime.c has the same values.

    python3 onnx_small.py FOLDER            writes NAME.onnx, some of them damaged, and weights.bin for some
    python3 onnx_small.py pictures FOLDER   seven pictures, 0.bmp...
    python3 onnx_small.py want MEAN STD     one line for each of these: y and f
"""
import os
import struct
import sys

WEIGHT = [[1, 0.5, -1], [-0.25, 2, 0.125], [0.75, -0.5, 0.25], [0, 1, -2]]
BIAS = [0.5, -1, 0.25, 0]
FLOAT, UINT8, FLOAT16 = 1, 2, 10


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def number(field, v):
    return varint(field << 3) + varint(v)


def put(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name, value):
    if isinstance(value, float):
        return put(5, put(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1))
    if isinstance(value, int):
        return put(5, put(1, name) + number(3, value) + number(20, 2))
    return put(5, put(1, name) + b"".join(number(8, v) for v in value) + number(20, 7))


def node(op, inputs, outputs, **attributes):
    return put(1, b"".join(put(1, i) for i in inputs) + b"".join(put(2, o) for o in outputs) + put(4, op) +
               b"".join(attribute(k, v) for k, v in attributes.items()))


def floats(rows):
    return b"".join(struct.pack("<f", v) for row in rows for v in (row if isinstance(row, list) else [row]))


def tensor(name, dims, data, external=None, packed=False):
    body = (put(1, b"".join(varint(d) for d in dims)) if packed else b"".join(number(1, d) for d in dims)) + number(2, FLOAT)
    if external:
        body += b"".join(put(13, put(1, k) + put(2, v)) for k, v in external.items()) + put(8, name) + number(14, 1)
    else:
        body += put(8, name) + put(4 if packed else 9, data)
    return put(5, body)


def value(field, name, dims, elem=FLOAT):
    shape = b"".join(put(1, put(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return put(field, put(1, name) + put(2, put(1, number(1, elem) + put(2, shape))))


def model(*parts):
    return number(1, 8) + put(2, "by hand") + put(7, put(2, "g") + b"".join(parts)) + put(8, number(2, 13))


TRANSPOSED = [list(column) for column in zip(*WEIGHT)]
W, B = tensor("W", (4, 3), floats(WEIGHT)), tensor("B", (4,), floats(BIAS))
WT = tensor("WT", (3, 4), floats(TRANSPOSED), packed=True)
X, Y, F = value(11, "x", ("n", 3, "h", "w")), value(12, "y", ("n", 4)), value(12, "f", ("n", 3))
MEANS = node("GlobalAveragePool", ["x"], ["g"]) + node("Flatten", ["g"], ["f"])
GEMM = node("Gemm", ["f", "W", "B"], ["y"], transB=1)


def files():
    yield "gemm", model(X, MEANS, GEMM, W, B, Y)
    yield "halves", model(X, MEANS, node("Gemm", ["f", "W2", "B2"], ["y"], transB=1, alpha=0.5, beta=2.0), Y,
                          tensor("W2", (4, 3), floats([[2 * v for v in row] for row in WEIGHT])),
                          tensor("B2", (4,), floats([v / 2 for v in BIAS])))
    yield "matmul", model(X, MEANS, node("MatMul", ["f", "WT"], ["z"]), node("Add", ["B", "z"], ["y"]), WT, B, Y)
    inner = put(5, put(1, "value") + tensor("", (4, 3), floats(WEIGHT)) + number(20, 4))  # field 5 of both is the tensor
    yield "constant", model(X, put(1, put(2, "W") + put(4, "Constant") + inner), MEANS, GEMM, B, Y)
    yield "softmax", model(X, MEANS, GEMM, node("Softmax", ["y"], ["p"]), W, B, value(12, "p", ("n", 4)))
    yield "identity", model(X, MEANS, GEMM, node("Identity", ["y"], ["i"]), W, B, value(12, "i", ("n", 4)))
    yield "last", model(value(11, "x", ("n", "h", "w", 3)), node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
                        MEANS.replace(put(1, "x"), put(1, "t")), GEMM, W, B, Y)
    yield "bytes", model(value(11, "x", ("n", 3, "h", "w"), UINT8), node("Cast", ["x"], ["t"], to=1),
                         MEANS.replace(put(1, "x"), put(1, "t")), GEMM, W, B, Y)
    yield "three", model(value(11, "x", (3, 3, 8, 8)), MEANS, GEMM, W, B, value(12, "y", (3, 4)))
    yield "fixed", model(value(11, "x", ("n", 3, 9, 9)), MEANS, GEMM, W, B, Y)
    yield "outside", model(X, MEANS, GEMM, B, Y, tensor("W", (4, 3), b"", dict(location="weights.bin", offset="8",
                                                                             length="48")))
    yield "short", model(X, MEANS, GEMM, B, Y, tensor("W", (4, 3), b"", dict(location="weights.bin", offset="16",
                                                                           length="48")))
    yield "missing", model(X, MEANS, GEMM, B, Y, tensor("W", (4, 3), b"", dict(location="no-such.bin")))
    yield "upward", model(X, MEANS, GEMM, B, Y, tensor("W", (4, 3), b"", dict(location="a/../../weights.bin")))
    yield "headless", model(X, MEANS, node("Relu", ["x"], ["map"]), F)
    yield "untyped", model(X, MEANS, GEMM, W, B, put(12, put(1, "y")))
    yield "two", model(X, value(11, "ids", ("n", 7)), MEANS, GEMM, W, B, Y)
    yield "half", model(value(11, "x", ("n", 3, "h", "w"), FLOAT16), MEANS, GEMM, W, B, Y)
    yield "flat", model(value(11, "x", ("n", 192)), MEANS, GEMM, W, B, Y)
    yield "empty", number(1, 8) + put(2, "by hand") + put(7, put(2, "g"))
    yield "old", model(X, value(11, "W", (4, 3)), value(11, "B", (4,)), MEANS, GEMM, W, B, Y)
    # Exported in training mode, with the flag as raw bytes, as numbers, in a Constant; and with a flag of false, which is not.
    drop = MEANS + node("Dropout", ["f", "", "on"], ["d"]) + GEMM.replace(put(1, "f"), put(1, "d"))
    flag = lambda name, *data: put(5, number(2, 9) + put(8, name) + b"".join(data))
    inside = put(5, put(1, "value") + flag("", put(9, b"\1")) + number(20, 4))
    yield "drops", model(X, drop, W, B, Y, flag("on", put(9, b"\1")))
    yield "drops-number", model(X, drop, W, B, Y, flag("on", number(5, 1)))
    yield "drops-constant", model(X, put(1, put(2, "on") + put(4, "Constant") + inside), drop, W, B, Y)
    yield "still", model(X, drop, W, B, Y, flag("on", put(9, b"\0")))
    yield "norm", model(X, node("BatchNormalization", ["x", "s", "b", "m", "v"], ["x2"], training_mode=1), MEANS, GEMM, W, B, Y)
    yield "noise", model(X, node("RandomNormalLike", ["x"], ["x2"]), MEANS, GEMM, W, B, Y)
    # Which normalise their input themselves, or take other pixels; and which do arithmetic later alone.
    half = lambda op: node(op, ["p", "c"], ["t"]) + MEANS.replace(put(1, "x"), put(1, "t")) + GEMM
    one = tensor("c", (1,), floats([1]))
    P = value(11, "p", ("n", 3, "h", "w"))
    yield "sub", model(P, node("Shape", ["p"], ["s"]), half("Sub"), W, B, one, Y)
    yield "div", model(value(11, "q", ("n", 3, "h", "w")), node("Identity", ["q"], ["p"]), half("Div"), W, B, one, Y)
    yield "later", model(X, node("Relu", ["x"], ["p"]), half("Sub"), W, B, one, Y)
    whole = model(X, MEANS, GEMM, W, B, Y)
    yield "cut", whole[:len(whole) // 2]
    yield "long", whole + b"\x3a\xff\xff\xff\xff\x0f"


def pixels(i):
    return bytes((x * x * (i + 3) + 37 * x + 11 * i) % 251 for x in range(8 * 8 * 3))


def pictures(folder):
    """As BMP: rows from the bottom, blue first."""
    for i in range(7):
        p = pixels(i)
        rows = [p[r * 24:r * 24 + 24] for r in range(7, -1, -1)]
        data = b"".join(row[c:c + 3][::-1] for row in rows for c in range(0, 24, 3))
        head = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54 + len(data), 0, 0, 54, 40, 8, 8, 1, 24, 0, len(data), 0, 0, 0, 0)
        with open(os.path.join(folder, "%d.bmp" % i), "wb") as f:
            f.write(head + data)


def want(mean, std):
    for i in range(7):
        f = [(sum(pixels(i)[c::3]) / 255 / 64 - mean[c]) / std[c] for c in range(3)]
        y = [b + sum(a * v for a, v in zip(row, f)) for row, b in zip(WEIGHT, BIAS)]
        print(*y, *f)


if sys.argv[1] == "want":
    want(*[[float(v) for v in a.split(",")] for a in sys.argv[2:4]])
elif sys.argv[1] == "pictures":
    pictures(sys.argv[2])
else:
    for name, data in files():
        with open(os.path.join(sys.argv[1], name + ".onnx"), "wb") as f:
            f.write(data)
    with open(os.path.join(sys.argv[1], "weights.bin"), "wb") as f:
        f.write(b"8 bytes." + floats(WEIGHT))
