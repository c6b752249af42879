# Malicious sources: hostile_ds.py NAME FILE. t/1130-ds-hostile.t describes each.
import gzip, io, os, pickle, struct, sys, tarfile, zipfile, zlib

def png(w, h, rows=b""):
    chunk = lambda k, d: struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")

ONE = png(1, 1, zlib.compress(b"\0abc"))

def header(name, size):
    """A tar header, made by hand: tarfile takes a minute for a million."""
    h = bytearray(512)
    h[:len(name)] = name
    h[100:108] = b"0000644\0"; h[108:116] = h[116:124] = b"0000000\0"
    h[124:136] = b"%011o\0" % size; h[136:148] = b"00000000000\0"
    h[148:156] = b" " * 8; h[156:157] = b"0"; h[257:265] = b"ustar\00000"
    h[148:156] = b"%06o\0 " % sum(h)
    return bytes(h)

def entries(path, n, name, data=ONE):
    body = data + b"\0" * (-len(data) % 512)
    with (gzip.open(path, "wb", 1) if path.endswith("gz") else open(path, "wb")) as f:
        for i in range(n):
            f.write(header(name % i, len(data)) + body)
        f.write(b"\0" * 10240)

def tar(path, *names, **links):
    with tarfile.open(path, "w") as t:
        for n in names:
            i = tarfile.TarInfo(n); i.size = len(ONE); t.addfile(i, io.BytesIO(ONE))
        for n, to in links.items():
            i = tarfile.TarInfo(n + ".png"); i.type = tarfile.SYMTYPE; i.linkname = to; t.addfile(i)

class Evil:
    def __reduce__(self):
        return os.system, ("touch gotcha",)

def zip_bomb(path, name, n):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z, z.open(name, "w", force_zip64=True) as f:
        f.write(b"\x89PNG\r\n\x1a\n")
        for _ in range(n):
            f.write(b"\0" * (1 << 20))

def idx_bomb(path):
    with gzip.open(path, "wb", 1) as f:
        f.write(struct.pack(">HBBIII", 0, 8, 3, 0xffffffff, 28, 28))
        for _ in range(64):
            f.write(b"\0" * (1 << 20))

def grow(path):
    os.makedirs(path)
    put(path + "/000.png", ONE)
    big = png(4000, 4000, zlib.compress(b"\0" * (4000 * 12001), 1))
    for i in range(1, 150):
        put(path + "/%03d.png" % i, big)

def put(path, data):
    with open(path, "wb") as f:
        f.write(data)

jpeg = lambda w, h: (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", h, w) +
                     b"\3\1\x22\0\2\x11\1\3\x11\1" + b"\xff\xd9")
MAKE = {
    "absolute": lambda p: tar(p, "a/b.png", "/tmp/hostile-gotcha.png"),
    "dots": lambda p: tar(p, "a/b.png", "a/../../gotcha.png"),
    "link": lambda p: tar(p, "a/b.png", c="/etc/passwd"),
    "million": lambda p: entries(p, 1000000, b"c%06d/x.png", b""),
    "many": lambda p: entries(p, 200000, b"c%06d.png"),
    "zip": lambda p: zip_bomb(p, "a/x.png", 300),
    "idx": idx_bomb,
    "png": lambda p: put(p, png(100000, 100000)),
    "png-wide": lambda p: put(p, png(30000, 30000, zlib.compress(b"\0" * 1000))),
    "jpeg": lambda p: put(p, jpeg(65500, 65500)),
    "grow": grow,
    "system": lambda p: put(p, pickle.dumps({"data": Evil(), "labels": [1]}, 2)),
    "system4": lambda p: put(p, pickle.dumps(Evil(), 4)),
    "eval": lambda p: put(p, b"\x80\x02cbuiltins\neval\nX\x01\0\0\0xR."),
}
MAKE[sys.argv[1]](sys.argv[2])
