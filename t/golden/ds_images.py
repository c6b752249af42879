"""Small images of every kind, and Pillow's results for them, for the tests of ds-pack.

The resizing is Pillow 13's, whatever version this runs with; Debian 12 has 9.4.

    python3 ds_images.py        recreates ds/: photos/ (two classes), formats/ (a file and its pixels), resize/
"""
import io
import os
import pickle
import shutil
import struct
import zipfile
import zlib

import numpy as np
import PIL
from PIL import Image

rng = np.random.default_rng(20260101)
shutil.rmtree("ds", ignore_errors=True)
for d in ("ds/photos/cat", "ds/photos/dog", "ds/formats", "ds/resize", "ds/cifar"):
    os.makedirs(d)


def picture(h, w):
    """Smooth colours, edges and a little noise."""
    y, x = np.mgrid[0:h, 0:w]
    p = np.stack([128 + 100 * np.sin(x / 3 + c) * np.cos(y / 4 - c) for c in range(3)], 2)
    p[h // 4:h // 2, w // 3:w // 2] = rng.integers(0, 256, 3)
    return np.clip(p + rng.normal(0, 6, p.shape), 0, 255).astype(np.uint8)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(w, h, depth, colour, rows, extra=b"", interlace=0):
    """A PNG from packed rows; Pillow cannot write every kind."""
    raw = b"".join(b"\0" + bytes(r) for r in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace))
            + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def pack_bits(values, depth):
    """Rows of small numbers packed into bytes, high bits first."""
    per = 8 // depth
    for row in values:
        row = list(row) + [0] * (-len(row) % per)
        yield bytes(sum(v << (8 - depth * (i + 1)) for i, v in enumerate(row[k:k + per]))
                    for k in range(0, len(row), per))


def keep(name, data, pixels=None):
    with open(f"ds/formats/{name}", "wb") as f:
        f.write(data)
    if pixels is None:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    with open(f"ds/formats/{name}.rgb", "wb") as f:
        f.write(struct.pack("<HH", *pixels.shape[:2]) + pixels.astype(np.uint8).tobytes())


def saved(image, **options):
    f = io.BytesIO()
    image.save(f, **options)
    return f.getvalue()


def formats():
    h, w = 9, 13
    p = picture(h, w)
    gray = p[:, :, 0]
    for depth in (1, 2, 4):
        v = gray >> (8 - depth)
        keep(f"gray{depth}.png", png(w, h, depth, 0, pack_bits(v, depth)),
             np.repeat((v * (255 // (2**depth - 1)))[:, :, None], 3, 2))
    keep("gray8.png", saved(Image.fromarray(gray), format="png"))
    wide = rng.integers(0, 65536, (h, w, 3))
    keep("gray16.png", png(w, h, 16, 0, [r.astype(">u2").tobytes() for r in wide[:, :, 0]]),
         np.repeat((wide[:, :, :1] >> 8), 3, 2))
    keep("rgb16.png", png(w, h, 16, 2, [r.astype(">u2").tobytes() for r in wide]), wide >> 8)
    keep("rgb8.png", saved(Image.fromarray(p), format="png"))
    alpha = rng.integers(0, 256, (h, w, 1)).astype(np.uint8)
    keep("rgba8.png", saved(Image.fromarray(np.concatenate([p, alpha], 2)), format="png"), p)
    ga = np.concatenate([gray[:, :, None], alpha], 2)
    keep("graya8.png", png(w, h, 8, 4, [r.tobytes() for r in ga]), np.repeat(gray[:, :, None], 3, 2))
    pal = rng.integers(0, 256, (16, 3)).astype(np.uint8)
    idx = rng.integers(0, 16, (h, w))
    plte = chunk(b"PLTE", pal.tobytes())
    keep("palette4.png", png(w, h, 4, 3, pack_bits(idx, 4), plte), pal[idx])
    keep("palette8t.png", png(w, h, 8, 3, [bytes(r) for r in idx.astype(np.uint8)],
                              plte + chunk(b"tRNS", bytes(range(0, 160, 10)))), pal[idx])
    keep("gray8t.png", png(w, h, 8, 0, [r.tobytes() for r in gray], chunk(b"tRNS", b"\0\x50")),
         np.repeat(gray[:, :, None], 3, 2))
    # Adam7: passes of (first row, first column, row step, column step).
    rows = []
    for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
        part = p[y0::dy, x0::dx]
        if part.size:
            rows += [r.tobytes() for r in part]
    keep("interlaced.png", png(w, h, 8, 2, rows, interlace=1), p)
    big = Image.fromarray(picture(21, 30))
    keep("gray.jpg", saved(big.convert("L"), format="jpeg", quality=80))
    keep("444.jpg", saved(big, format="jpeg", quality=90, subsampling=0))
    keep("420.jpg", saved(big, format="jpeg", quality=70, subsampling=2))
    keep("progressive.jpg", saved(big, format="jpeg", quality=80, progressive=True))
    keep("cmyk.jpg", saved(big.convert("CMYK"), format="jpeg", quality=90))


FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS, "box": Image.BOX,
           "hamming": Image.HAMMING}


def resize(image, w, h, how="bilinear"):
    """As Pillow since 13.0 (ImagingResampleInner() of Resample.c): columns first if the height shrinks by more than
    twice as much as the width. A pass along one direction is the same in all versions."""
    tall = image.height > h and image.height - h > 2 * (image.width - w)
    out = (image.resize((image.width, h), FILTERS[how]) if tall else image).resize((w, h), FILTERS[how])
    if int(PIL.__version__.split(".")[0]) >= 13:
        assert out.tobytes() == image.resize((w, h), FILTERS[how]).tobytes()
    return np.asarray(out)


def save_pixels(name, pixels):
    with open(f"ds/resize/{name}.rgb", "wb") as f:
        f.write(struct.pack("<HH", *pixels.shape[:2]) + pixels.tobytes())


def save_resized(image, name, sizes, how="bilinear"):
    for h, w in sizes:
        save_pixels(f"{name}{h}x{w}", resize(image, w, h, how))


def presets(image, name, size, crop_h, crop_w, how="bilinear"):
    """torchvision's Resize(size), then CenterCrop((crop_h, crop_w)); for an image that is wider than high."""
    w = int(size * image.width / image.height)
    out = resize(image, w, size, how)
    top, left = int(round((size - crop_h) / 2.0)), int(round((w - crop_w) / 2.0))
    save_pixels(name, out[top:top + crop_h, left:left + crop_w])


def resizes():
    p = picture(37, 50)
    image = Image.fromarray(p)
    image.save("ds/resize/source.png")
    save_resized(image, "", ((32, 32), (37, 20), (10, 50), (8, 8), (64, 70), (1, 1), (5, 97)))
    presets(image, "short20crop17", 20, 17, 17)


def photos():
    for name, n in (("cat", 3), ("dog", 2)):
        for i in range(n):
            image = Image.fromarray(picture(20, 24))
            if i == 0:
                image.save(f"ds/photos/{name}/{i}.png")
            else:
                image.save(f"ds/photos/{name}/{i}.jpg", quality=85)


def cifar():
    """Three rows per file, with few colours so that they compress well; the same in both forms."""
    names = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    for form in ("bin", "py"):
        os.makedirs(f"ds/cifar/{form}")
    with open("ds/cifar/bin/batches.meta.txt", "w") as f:
        f.write("\n".join(names) + "\n\n")
    with open("ds/cifar/py/batches.meta", "wb") as f:
        pickle.dump({"label_names": names, "num_vis": 3072}, f, 2)
    for file, labels in (("data_batch_1", [6, 9, 0]), ("test_batch", [3, 8, 8])):
        data = np.stack([np.repeat(rng.integers(0, 256, 96), 32) for _ in labels]).astype(np.uint8)
        with open(f"ds/cifar/bin/{file}.bin", "wb") as f:
            for row, label in zip(data, labels):
                f.write(bytes([label]) + row.tobytes())
        # As Python 2 wrote it, and as the site distributes it: raw bytes in a protocol 2 pickle.
        array = (b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
                 b"(K\x01K\x03M\x00\x0c\x86cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87Rq\x05(K\x03U\x01|NNN"
                 b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<I", data.size)
                 + data.tobytes() + b"tb")
        with open(f"ds/cifar/py/{file}", "wb") as f:
            f.write(b"\x80\x02}q\x00(U\x04dataq\x06" + array + b"U\x06labels]q\x07("
                    + b"".join(b"K" + bytes([n]) for n in labels) + b"eu.")
    # The last file again, as Python 3 writes it: bytes are stored as text to encode.
    os.makedirs("ds/cifar/py3")
    with open("ds/cifar/py3/test_batch", "wb") as f:
        pickle.dump({"data": data, "labels": labels}, f, 2)


def archive():
    """A zip whose names are not ASCII, and flagged as such."""
    with open("ds/formats/gray1.png", "rb") as f, zipfile.ZipFile("ds/names.zip", "w") as z:
        z.writestr(zipfile.ZipInfo("caf\u00e9/\u00e9.png", (2026, 1, 1, 0, 0, 0)), f.read())


def tall():
    """The height shrinks by more than, exactly, and less than twice as much as the width; and the width grows."""
    image = Image.fromarray(picture(90, 50))
    image.save("ds/resize/tall.png")
    save_resized(image, "tall", ((32, 32), (31, 21), (32, 21), (33, 21), (89, 60)))


def filters():
    """The other filters: shrinking, enlarging, one direction, columns first; and a preset whose corners are halves."""
    image, high = Image.open("ds/resize/source.png"), Image.open("ds/resize/tall.png")
    for how in ("bicubic", "lanczos", "box", "hamming"):
        save_resized(image, f"{how}-", ((16, 20), (45, 61), (1, 1), (37, 13)), how)
        save_resized(high, f"{how}-tall", ((31, 21),), how)
    presets(image, "bicubic-short15crop10x15", 15, 10, 15, "bicubic")


formats()
resizes()
photos()
cifar()
archive()
tall()
filters()
