# Small data sets in their sites' layouts, and what Pillow and NumPy read from them.
#   formats.py make NAME DIR     makes DIR/... and DIR.npz: images (n,c,h,w), labels, names, classes
#   formats.py same DIR.npz      compares a stream on standard input with it; prints the differences
# Pictures come from t/golden/ds (SRC) or are noise from a fixed seed.
import gzip, io, os, pickle, struct, sys, tarfile, zipfile
import numpy as np
from PIL import Image

r = np.random.RandomState(7)
noise = lambda *shape: r.randint(0, 256, shape).astype("u1")


def photo(n, size=(32, 32)):
    """Smooth pictures: JPEG and WebP change noise beyond recognition."""
    y, x = np.mgrid[0:size[0], 0:size[1]]
    return [np.stack([(127 + 120 * np.sin((x * (k + 1) + y * (c + 1)) / 9.0)) for c in range(3)], 2).astype("u1")
            for k in range(n)]


def encoded(a, form, **how):
    f = io.BytesIO()
    Image.fromarray(a).save(f, form, **how)
    return f.getvalue()


def decoded(b, mode="RGB"):
    return np.asarray(Image.open(io.BytesIO(b)).convert(mode))


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def planes(images):
    a = np.stack([np.asarray(i) for i in images])
    a = np.repeat(a[:, None], 3, 1) if a.ndim == 3 else a.transpose(0, 3, 1, 2)
    return a


def save(d, images, labels, names=None, classes=()):
    np.savez(d + ".npz", images=planes(images), labels=np.array(labels, "i8"), names=np.array(names or [], "U"),
             classes=np.array(list(classes), "U"))


def idx(a):
    code = {"u1": 8, "i4": 0x0C}[a.dtype.str[1:]]
    return struct.pack(">HBB", 0, code, a.ndim) + struct.pack(">%dI" % a.ndim, *a.shape) + a.astype(a.dtype.newbyteorder(">")).tobytes()


def mnist(d, zipped=True, qmnist=False):
    a, b, la, lb = noise(5, 28, 28), noise(3, 28, 28), noise(5) % 10, noise(3) % 10
    pack, end = (gzip.compress, ".gz") if zipped else (lambda x: x, "")
    if qmnist:
        many = np.zeros((5, 8), "i4"); many[:, 0] = la
        put(d + "/qmnist-train-images-idx3-ubyte.gz", gzip.compress(idx(a)))
        put(d + "/qmnist-train-labels-idx2-int.gz", gzip.compress(idx(many)))
        return save(d, a, la)
    # One split's label file comes before its images, the other's after.
    put(d + "/t10k-images-idx3-ubyte" + end, pack(idx(b)))
    put(d + "/t10k-labels-idx1-ubyte" + end, pack(idx(lb)))
    put(d + "/train-images-idx3-ubyte" + end, pack(idx(a)))
    put(d + "/train-labels-idx1-ubyte" + end, pack(idx(la)))
    save(d, np.concatenate([b, a]), np.concatenate([lb, la]))


def svhn(d, n=4, compressed=True, dtype="u1"):
    import scipy.io
    x, y = noise(32, 32, 3, n), np.arange(10, 10 - n, -1).reshape(-1, 1).astype(dtype)
    os.makedirs(d, exist_ok=True)
    scipy.io.savemat(d + "/test_32x32.mat", {"X": x, "y": y}, do_compression=compressed)
    save(d, x.transpose(3, 0, 1, 2), y[:, 0] % 10)


def pickled(path, what, protocol=2):
    put(path, pickle.dumps(what, protocol))


def cifar10(d, protocol=2):
    a, b, la, lb = noise(6, 3072), noise(4, 3072), [int(i) for i in noise(6) % 10], [int(i) for i in noise(4) % 10]
    names = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]
    f = [b"x.png"] * 6
    root = d + "/cifar-10-batches-py"
    pickled(root + "/batches.meta", {b"num_cases_per_batch": 6, b"label_names": names, b"num_vis": 3072}, protocol)
    pickled(root + "/data_batch_1", {b"batch_label": b"training batch 1 of 5", b"labels": la, b"data": a, b"filenames": f}, protocol)
    pickled(root + "/test_batch", {b"batch_label": b"testing batch 1 of 1", b"labels": lb, b"data": b, b"filenames": f[:4]}, protocol)
    put(root + "/readme.html", b"<html>")
    save(d, np.concatenate([a, b]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), la + lb,
         classes=[n.decode() for n in names])


def cifar100(d, coarse=False, binary=False):
    a, fine, rough = noise(5, 3072), noise(5) % 100, noise(5) % 20
    names, groups = ["fine%02d" % i for i in range(100)], ["coarse%02d" % i for i in range(20)]
    if binary:
        root = d + "/cifar-100-binary"
        put(root + "/test.bin", b"".join(bytes([c, f]) + p.tobytes() for c, f, p in zip(rough, fine, a)))
        put(root + "/fine_label_names.txt", "\n".join(names + [""]).encode())
        put(root + "/coarse_label_names.txt", "\n".join(groups + [""]).encode())
    else:
        root = d + "/cifar-100-python"
        pickled(root + "/meta", {"fine_label_names": names, "coarse_label_names": groups})
        pickled(root + "/test", {"filenames": ["x"] * 5, "batch_label": "testing batch 1 of 1", "data": a,
                                 "fine_labels": [int(i) for i in fine], "coarse_labels": [int(i) for i in rough]})
    save(d, a.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rough if coarse else fine, classes=groups if coarse else names)


def imagenet(d, npz=False, side=32, protocol=2):
    a, b = noise(4, 3 * side * side), noise(3, 3 * side * side)
    la, lb = [1, 3, 1000, 2], [7, 7, 1]
    ids = ["n%08d" % (10 * i) for i in range(1000)]
    put(d + "/map_clsloc.txt", "".join("%s %d thing_%d\n" % (w, i + 1, i) for i, w in enumerate(ids)).encode())
    if npz:
        for name, x, y in (("train_data_batch_1.npz", a, la), ("val_data.npz", b, lb)):
            f = io.BytesIO()
            (np.savez_compressed if name[0] == "v" else np.savez)(f, data=x, labels=np.array(y), mean=x.mean(0))
            put(d + "/" + name, f.getvalue())
    else:
        pickled(d + "/train_data_batch_1", {"data": a, "labels": la, "mean": a.mean(0)}, protocol)
        pickled(d + "/val_data", {"data": b, "labels": lb}, protocol)
    save(d, np.concatenate([a, b]).reshape(-1, 3, side, side).transpose(0, 2, 3, 1), [i - 1 for i in la + lb],
         classes=["thing_%d" % i for i in range(1000)])


def tiny(d):
    root = d + "/tiny-imagenet-200/"
    ids, words = ["n01443537", "n02123045", "n02085620"], ["goldfish, Carassius auratus", "tabby, tabby cat", "Chihuahua"]
    put(root + "words.txt", "".join("%s\t%s\n" % p for p in zip(ids + ["n00001740"], words + ["entity"])).encode())
    put(root + "wnids.txt", "\n".join(ids).encode())
    images, labels, names, notes = [], [], [], ""
    order = sorted(range(3), key=lambda i: ids[i])

    def add(path, a, label):
        b = encoded(a, "JPEG", quality=90)
        put(root + path, b)
        images.append(decoded(b)); labels.append(label); names.append("tiny-imagenet-200/" + path)
    pictures = iter(photo(20, (64, 64)))
    add("test/images/test_0.JPEG", next(pictures), -1)
    for i in order:
        for k in range(2):
            add("train/%s/images/%s_%d.JPEG" % (ids[i], ids[i], k), next(pictures), order.index(i))
        put(root + "train/%s/%s_boxes.txt" % (ids[i], ids[i]), b"x\t0\t0\t1\t1\n")
    for k, i in enumerate([2, 0, 1, 2]):
        add("val/images/val_%d.JPEG" % k, next(pictures), order.index(i))
        notes += "val_%d.JPEG\t%s\t0\t32\t44\t62\n" % (k, ids[i])
    put(root + "val/val_annotations.txt", notes.encode())
    save(d, images, labels, names, [words[i] for i in order])


def folders(d):
    """Any depth, every form of picture."""
    forms = [("a.png", "PNG", {}), ("b.JPG", "JPEG", {}), ("c.webp", "WEBP", {"lossless": True}),
             ("d.webp", "WEBP", {"quality": 80}), ("e.jpeg", "JPEG", {"progressive": True})]
    images, labels, names = [], [], []
    for k, c in enumerate(["a/very/deep/banded", "lined"]):
        for (name, form, how), a in zip(forms, photo(5)):
            b = encoded(a if k == 0 else a[::-1], form, **how)
            put(d + "/" + c + "/" + name, b)
            images.append(decoded(b)); labels.append(k); names.append(c + "/" + name)
    put(d + "/lined/without_ending", encoded(photo(1)[0], "PNG"))
    images.append(photo(1)[0]); labels.append(1); names.append("lined/without_ending")
    put(d + "/lined/notes.md", b"# nothing")
    save(d, images, labels, names, ["banded", "lined"])


def bmp(a, bits, head=40, form=0, down=False, colours=(), masks=(), rows=None):
    """A BMP of the (h,w) array a of pixel numbers; rows: their bytes, if not plain."""
    h, w = a.shape
    lines = [a[y] for y in (range(h) if down else range(h - 1, -1, -1))]
    if rows is None:
        rows = b""
        for line in lines:
            if bits < 8:
                n = 8 // bits
                line = np.append(line, np.zeros(-w % n, line.dtype)).reshape(-1, n)
                b = bytes(int(sum(int(v) << bits * (n - 1 - i) for i, v in enumerate(g))) for g in line)
            else:
                b = b"".join(int(v).to_bytes(bits // 8, "little") for v in line)
            rows += b + b"\0" * (-len(b) % 4)
    palette = b"".join(bytes(c[::-1]) + (b"\0" if head > 12 else b"") for c in colours)
    extra = b"".join(struct.pack("<I", m) for m in masks)
    at = 14 + head + len(extra if head == 40 else b"") + len(palette)
    if head == 12:
        info = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", head, w, -h if down else h, 1, bits, form, len(rows), 0, 0, len(colours), 0)
        info += extra
        info += b"\0" * (head + len(extra if head == 40 else b"") - len(info))
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + info + palette + rows


def gif(a, colours, screen=None, at=(0, 0), local=False, interlaced=False, clear=None):
    """A GIF of one frame, without compression: each code is a pixel, and the table is cleared before it fills."""
    h, w = a.shape
    sw, sh = screen or (w, h)
    table = b"".join(bytes(c) for c in colours) + bytes(3 * (128 - len(colours)))
    out = b"GIF89a" + struct.pack("<HHBBB", sw, sh, 0 if local else 0x86, 0, 0) + (b"" if local else table)
    if clear is not None:
        out += b"!\xf9\4" + bytes([1, 0, 0, clear]) + b"\0"
    out += b"," + struct.pack("<HHHHB", at[0], at[1], w, h, (0x86 if local else 0) | (0x40 if interlaced else 0))
    out += (table if local else b"") + b"\7"
    order = [y for s, n in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(s, h, n)] if interlaced else range(h)
    codes = []
    for i, v in enumerate(int(v) for y in order for v in a[y]):
        codes += ([128] if i % 100 == 0 else []) + [v]
    bits = "".join(format(c, "08b")[::-1] for c in codes + [129])
    data = bytes(int(bits[i:i + 8][::-1], 2) for i in range(0, len(bits), 8))
    for i in range(0, len(data), 255):
        out += bytes([len(data[i:i + 255])]) + data[i:i + 255]
    return out + b"\0;"


def runs(a, bits):
    """RLE of BMP: one row as pairs, the next literally, and a jump over all but the first pixels of the last row."""
    rows = b""
    for i, line in enumerate(a[::-1]):
        pack = lambda vs: bytes(vs) if bits == 8 else bytes((vs[j] << 4) + (vs[j + 1] if j + 1 < len(vs) else 0) for j in range(0, len(vs), 2))
        if i == len(a) - 1:
            rows += bytes([4, line[0] * (1 if bits == 8 else 17)]) + b"\0\2\3\0" + bytes([2, line[7] * (1 if bits == 8 else 17)]) + b"\0\1"
        elif i % 2:
            vs = [int(v) for v in line]
            b = pack(vs)
            rows += bytes([0, len(vs)]) + b + b"\0" * (len(b) % 2) + b"\0\0"
        else:
            rows += b"".join(bytes([1, int(v) * (1 if bits == 8 else 16)]) for v in line) + b"\0\0"
    return rows


def webp(frames, **how):
    """An animation."""
    b = io.BytesIO()
    Image.fromarray(frames[0]).save(b, "WEBP", save_all=True, append_images=[Image.fromarray(f) for f in frames[1:]], **how)
    return b.getvalue()


def moved(b, size, at):
    """An animation whose first frame lies there (both even) on a larger canvas."""
    b, three = bytearray(b), lambda v: struct.pack("<I", v)[:3]
    b[24:30] = three(size[0] - 1) + three(size[1] - 1)     # VP8X
    i = b.index(b"ANMF") + 8
    b[i:i + 6] = three(at[0] // 2) + three(at[1] // 2)
    return bytes(b)


def pictures(d):
    """GIF and BMP in all their forms, some of them called .jpg."""
    colours = [tuple(int(v) for v in c) for c in noise(100, 3)]
    few, many, a = noise(32, 32) % 16, noise(32, 32) % 100, photo(1)[0]
    rgb = Image.fromarray(a)
    v24 = (a[..., 0].astype("u4") << 16) | (a[..., 1].astype("u4") << 8) | a[..., 2]
    v16 = r.randint(0, 65536, (32, 32))
    anim = io.BytesIO()
    rgb.quantize(64).save(anim, "GIF", save_all=True, append_images=[Image.fromarray(a[::-1]).quantize(64)])
    stepped = few.copy(); stepped[0] = 0; stepped[0, :4] = few[0, 0]; stepped[0, 7:9] = few[0, 7]
    files = {
        "a.gif": encoded(a, "GIF"), "b-gray.gif": encoded(a[..., 0], "GIF"), "c-animation.gif": anim.getvalue(),
        "d-interlaced.gif": gif(many, colours, interlaced=True), "e-local.gif": gif(many, colours, local=True),
        "f-part.gif": gif(many[:20, :12], colours, (32, 32), (5, 7)),
        "g-clear.gif": gif(many[:20, :12], colours, (32, 32), (5, 7), clear=9),
        "h-larger.gif": gif(many, colours, (10, 10)), "i-gif.jpg": encoded(a[::-1], "GIF"),
        "j.bmp": encoded(a, "BMP"), "k-bmp.jpg": encoded(a[::-1], "BMP"), "l-gray.bmp": encoded(a[..., 0], "BMP"),
        "m-1.bmp": bmp(few % 2, 1, colours=colours[:2]), "n-4.bmp": bmp(few, 4, colours=colours[:16]),
        "o-8.bmp": bmp(many, 8, colours=colours), "p-16.bmp": bmp(v16, 16),
        "q-565.bmp": bmp(v16, 16, form=3, masks=(0xf800, 0x7e0, 0x1f)), "r-32.bmp": bmp(v24, 32),
        "s-rgba.bmp": encoded(np.dstack([a, a[..., 0]]), "BMP"), "t-os2.bmp": bmp(many, 8, head=12, colours=colours + [(0, 0, 0)] * 156),
        "u-os2-24.bmp": bmp(v24, 24, head=12), "v-down.bmp": bmp(v24, 24, down=True),
        "x-v5.bmp": bmp(many, 8, head=124, colours=colours),
        "y-v4.bmp": bmp(v24, 32, head=108, form=3, masks=(0xff0000, 0xff00, 0xff)),
        "w-animation.webp": webp([a, a[::-1]]), "w-lossless.webp": webp([a, a[::-1]], lossless=True),
        "w-part.webp": moved(webp([a[:20, :12], a[12:, 20:]], lossless=True), (32, 32), (6, 8)),
    }
    images = []
    for name, b in sorted(files.items()):
        put(d + "/set/" + name, b); images.append(decoded(b))
    # Pillow 9.4 misreads jumps in runs, and cannot read 4-bit runs: compare with the same pixels, uncompressed.
    for bits in 4, 8:
        put("%s/set/z-rle%d.bmp" % (d, bits), bmp(stepped, bits, form=1 if bits == 8 else 2, colours=colours[:16], rows=runs(stepped, bits)))
        images.append(decoded(bmp(stepped, bits, colours=colours[:16])))
    save(d, images, [0] * len(images), ["set/" + n for n in sorted(files) + ["z-rle4.bmp", "z-rle8.bmp"]], ["set"])


def npy(d):
    """CIFAR-10-C: five severities per file, all labels in one; CIFAR-10.1 in its own folder would be another set."""
    a, b, y = noise(10, 8, 8, 3), noise(10, 8, 8, 3), noise(10) % 10
    os.makedirs(d)
    np.save(d + "/fog.npy", a); np.save(d + "/snow.npy", b); np.save(d + "/labels.npy", y)
    save(d, np.concatenate([a, b]), np.concatenate([y, y]), ["fog.npy/%05d" % i for i in range(10)] + ["snow.npy/%05d" % i for i in range(10)])
    for k in range(5):
        save("%s-%d" % (d, k + 1), np.concatenate([a[2 * k:2 * k + 2], b[2 * k:2 * k + 2]]), np.tile(y[2 * k:2 * k + 2], 2),
             ["%s.npy/%05d" % (f, 2 * k + i) for f in ("fog", "snow") for i in range(2)])


def npy_named(d, images, labels, kind):
    """Arrays of every form, matched by their names."""
    a, y = noise(4, 8, 8, 3), noise(4) % 10
    form = {"hwc": a, "chw": a.transpose(0, 3, 1, 2).copy(), "gray": a[..., 0].copy(), "gray1": a[..., :1].copy()}[kind]
    os.makedirs(d)
    np.save(d + "/" + images, form); np.save(d + "/" + labels, y.astype("i8")[:, None])
    save(d, a if kind in ("hwc", "chw") else a[..., 0], y)


def medmnist(d, compressed=True):
    os.makedirs(d)
    parts, images, labels = {}, [], []
    for s, n in ("train", 4), ("val", 2), ("test", 3):
        parts[s + "_images"] = noise(n, 28, 28, 3); parts[s + "_labels"] = noise(n, 1) % 9
        images.append(parts[s + "_images"]); labels.append(parts[s + "_labels"][:, 0])
    (np.savez_compressed if compressed else np.savez)(d + "/pathmnist.npz", **parts)
    save(d, np.concatenate(images), np.concatenate(labels), ["pathmnist.npz/%05d" % i for i in range(9)])
    save(d + "-val", images[1], labels[1])


def lsun(d):
    import lmdb
    images, labels, names = [], [], []
    for k, c in enumerate(["bedroom", "church_outdoor"]):
        path = "%s/%s_val_lmdb" % (d, c)
        os.makedirs(path)
        env = lmdb.open(path, map_size=1 << 22)
        with env.begin(write=True) as t:
            for i, a in enumerate(photo(4)):
                b = encoded(a, "WEBP", quality=90)
                key = "%040x" % (i * 77 + k)
                t.put(key.encode(), b)
                images.append(decoded(b)); labels.append(k); names.append("%s_val_lmdb/%s" % (c, key))
        env.close()
    save(d, images, labels, names, ["bedroom", "church_outdoor"])


def tar_of(path, files):
    with tarfile.open(path, "w") as t:
        for name, data in files:
            info = tarfile.TarInfo(name); info.size = len(data)
            t.addfile(info, io.BytesIO(data))


def webdataset(d):
    os.makedirs(d)
    images, labels, names, k = [], [], [], 0
    for shard in range(2):
        files = []
        for a in photo(4):
            b = encoded(a, "JPEG" if shard else "PNG")
            ext = "jpg" if shard else "png"
            pair = [("%06d.%s" % (k, ext), b), ("%06d.cls" % k, str((k * 7) % 12).encode()), ("%06d.json" % k, b"{}")]
            files += pair if shard else [pair[1], pair[0], pair[2]]
            images.append(decoded(b)); labels.append((k * 7) % 12); names.append("shard-%06d/%06d.%s" % (shard, k, ext))
            k += 1
        tar_of("%s/shard-%06d.tar" % (d, shard), files)
    save(d, images, labels, names, [str(i) for i in range(12)])


def ilsvrc(d):
    """A tar of tars, one per class."""
    os.makedirs(d)
    outer, images, labels, names = [], [], [], []
    for k, w in enumerate(["n01440764", "n01443537"]):
        files = []
        for i, a in enumerate(photo(3)):
            b = encoded(a, "JPEG")
            files.append(("%s_%d.JPEG" % (w, i), b))
            images.append(decoded(b)); labels.append(k); names.append("%s/%s_%d.JPEG" % (w, w, i))
        tar_of(d + "/x", files)
        outer.append((w + ".tar", open(d + "/x", "rb").read()))
    os.remove(d + "/x")
    tar_of(d + "/ILSVRC2012_img_train.tar", outer)
    save(d, images, labels, names, ["n01440764", "n01443537"])


def openood(d):
    images, labels, names, text = [], [], [], ""
    for k, (path, label) in enumerate([("mnist/test/3.png", 3), ("cifar10/test/dog/1.jpg", -1), ("mnist/test/1.png", 0),
                                       ("mnist/test/3.png", 3)]):
        b = encoded(photo(9)[k], "PNG" if path.endswith("png") else "JPEG")
        if not os.path.exists(d + "/" + path):
            put(d + "/" + path, b)
        else:
            b = open(d + "/" + path, "rb").read()
        images.append(decoded(b)); labels.append(label); names.append(path)
        text += "%s %d\n" % (path, label)
    put(d + ".txt", text.encode())
    save(d, images, labels, names, ["0", "1", "2", "3"])


MAKE = {
    "mnist": mnist, "mnist-raw": lambda d: mnist(d, False), "qmnist": lambda d: mnist(d, qmnist=True),
    "svhn": svhn, "svhn-plain": lambda d: svhn(d, 3, False), "svhn-one": lambda d: svhn(d, 1),
    "svhn-double": lambda d: svhn(d, 5, True, "f8"),
    "cifar10": cifar10, "cifar10-p3": lambda d: cifar10(d, 3), "cifar10-p4": lambda d: cifar10(d, 4),
    "cifar100": cifar100, "cifar100-coarse": lambda d: cifar100(d, True),
    "cifar100-bin": lambda d: cifar100(d, False, True), "cifar100-bin-coarse": lambda d: cifar100(d, True, True),
    "imagenet32": imagenet, "imagenet64-p4": lambda d: imagenet(d, side=64, protocol=4),
    "imagenet8-npz": lambda d: imagenet(d, True, 8),
    "tiny": tiny, "npy": npy, "npy-10.1": lambda d: npy_named(d, "cifar10.1_v6_data.npy", "cifar10.1_v6_labels.npy", "hwc"),
    "npy-xy": lambda d: npy_named(d, "x_test.npy", "y_test.npy", "chw"),
    "npy-gray": lambda d: npy_named(d, "kmnist-test-imgs.npy", "kmnist-test-labels.npy", "gray"),
    "npy-gray1": lambda d: npy_named(d, "images.npy", "targets.npy", "gray1"),
    "medmnist": medmnist, "medmnist-stored": lambda d: medmnist(d, False),
    "folders": folders, "pictures": pictures, "lsun": lsun, "webdataset": webdataset, "ilsvrc": ilsvrc, "openood": openood,
}


def same(path):
    import msgpack, msgpack_numpy
    want, rows = np.load(path), {"image": [], "label": [], "name": []}
    head = None
    for rec in msgpack.Unpacker(sys.stdin.buffer, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False):
        if head is None:
            head = rec
        elif "end" not in rec:
            for k in rows:
                rows[k].extend(rec[k])
    image, label = np.array(rows["image"]), np.array(rows["label"])
    bad = []
    if image.shape != want["images"].shape:
        bad.append("shape %s, not %s" % (image.shape, want["images"].shape))
    elif (d := np.abs(image.astype(int) - want["images"])).max() > 0:
        bad.append("pixels: %d differ, by %d at most" % ((d > 0).sum(), d.max()))
    if label.tolist() != want["labels"].tolist():
        bad.append("labels %s, not %s" % (label.tolist(), want["labels"].tolist()))
    if len(want["names"]) and rows["name"] != want["names"].tolist():
        bad.append("names %s, not %s" % (rows["name"], want["names"].tolist()))
    if len(want["classes"]) and head["meta"].get("classes") != want["classes"].tolist():
        bad.append("classes %s, not %s" % (head["meta"].get("classes"), want["classes"].tolist()))
    for b in bad:
        print("# " + b[:600])
    sys.exit(bool(bad))


if sys.argv[1] == "same":
    same(sys.argv[2])
elif sys.argv[1] == "names":
    print("\n".join(MAKE))
else:
    for name in MAKE if sys.argv[2] == "all" else sys.argv[2].split(","):
        r.seed(7)
        MAKE[name](sys.argv[3] + "/" + name)
