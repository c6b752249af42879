"""events.py FILE...: prints TensorBoard's event files, one line per value: TAG STEP VALUE, or TAG STEP histogram
num=N sum=S squares=Q min=A max=B last=LIMIT buckets=C,..., equal neighbours as COUNTxTIMES. Checks lengths and
checksums. Standard library only."""
import itertools
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc ^= b
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(b, i):
    v = shift = 0
    while True:
        v |= (b[i] & 127) << shift
        shift += 7
        i += 1
        if not b[i - 1] & 128:
            return v, i


def fields(b):
    i = 0
    while i < len(b):
        key, i = varint(b, i)
        if key & 7 == 0:
            v, i = varint(b, i)
        elif key & 7 == 1:
            v, i = struct.unpack_from("<d", b, i)[0], i + 8
        elif key & 7 == 5:
            v, i = struct.unpack_from("<f", b, i)[0], i + 4
        elif key & 7 == 2:
            n, i = varint(b, i)
            v, i = b[i:i + n], i + n
        else:
            sys.exit("unknown wire type")
        yield key >> 3, v


def records(path):
    with open(path, "rb") as f:
        while head := f.read(12):
            n, crc = struct.unpack("<QI", head)
            assert crc == masked(head[:8]), "length's checksum"
            data = f.read(n)
            assert struct.unpack("<I", f.read(4))[0] == masked(data), "data's checksum"
            yield data


def show_value(value, step):
    v = dict(fields(value))
    tag = v[1].decode()
    if 2 in v:
        print(tag, step, f"{v[2]:.9g}")
        return
    h = dict(fields(v[5]))
    limits, counts = (struct.unpack(f"<{len(h[k]) // 8}d", h[k]) for k in (6, 7))
    assert len(limits) == len(counts) and list(limits) == sorted(limits) and sum(counts) == h.get(3, 0)
    runs = ",".join(f"{c:g}x{len(list(same))}" for c, same in itertools.groupby(counts))
    print(tag, step, f"histogram num={h.get(3, 0):g} sum={h.get(4, 0):.9g} squares={h.get(5, 0):.9g} "
          f"min={h.get(1, 0):.9g} max={h.get(2, 0):.9g} last={limits[-1]:.9g} buckets={runs}")


for path in sys.argv[1:]:
    for i, record in enumerate(records(path)):
        event = list(fields(record))
        plain = {k: v for k, v in event if k != 5}
        step = plain.get(2, 0) - (plain.get(2, 0) >> 63 << 64)
        if i == 0:
            assert plain[3] == b"brain.Event:2"
        if 7 in plain:
            print("session", dict(fields(plain[7]))[1], "from", step)
        for k, v in event:
            if k == 5:
                for _, value in fields(v):
                    show_value(value, step)
