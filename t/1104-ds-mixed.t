#!/bin/sh
# ds-pack: labels stay with their images. Sources of one name, sets whose labels mean different things, keys and files that
# appear twice, sets that are present both packed and unpacked.
. "$SRC/t/lib.sh"
py=/usr/bin/python3
$py -c 'import numpy, PIL' 2>/dev/null || skip_all 'no NumPy, Pillow'
labels() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f1 | tr '\n' ' '; }
names() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f2 | tr '\n' ' '; }
classes() { ds-pack -q "$@" | ts-dump --header | grep '"classes"' | sed 's/.*"classes": //; s/\].*/]/'; }
is() { want=$1; shift; got=$("$@"); [ "$got" = "$want" ] || { echo "# got $got"; false; }; }
bad() { rm -f x.ts; fails 1 "$@" -o x.ts && test ! -e x.ts; }

$py - <<'END'
import gzip, io, os, pickle, struct, tarfile, zipfile
import numpy as np
from PIL import Image
r = np.random.RandomState(1)
idx = lambda a: struct.pack(">HBB", 0, 8, a.ndim) + struct.pack(">%dI" % a.ndim, *a.shape) + a.astype("u1").tobytes()
def put(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "wb").write(data)
def images(n): return idx(r.randint(0, 256, (n, 8, 8)))
def pair(stem, y, end=""):
    pack = gzip.compress if end else (lambda b: b)
    put(stem + "images-idx3-ubyte" + end, pack(images(len(y)))); put(stem + "labels-idx1-ubyte" + end, pack(idx(np.array(y))))
def png(v):
    f = io.BytesIO(); Image.new("RGB", (8, 8), (v, v, v)).save(f, "PNG"); return f.getvalue()
def tar(path, files):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with tarfile.open(path, "w") as t:
        for n, b in files:
            i = tarfile.TarInfo(n); i.size = len(b); t.addfile(i, io.BytesIO(b))

# Sources whose last names are the same, wholly or up to the first dot.
for d, y in ("MNIST", [5, 0, 4]), ("FashionMNIST", [9, 2, 1]):
    pair("data/%s/raw/t10k-" % d, y)
tar("a/000000.tar", [("0000.png", png(1)), ("0000.cls", b"1")]); tar("b/000000.tar", [("0000.png", png(2)), ("0000.cls", b"2\n")])
tar("train.000.tar", [("0000.png", png(3)), ("0000.cls", b"3")]); tar("train.001.tar", [("0000.png", png(4)), ("0000.cls", b"4")])
# Packed beside unpacked, the same and not.
pair("both/raw/t10k-", [1, 2, 3])
for f in os.listdir("both/raw"):
    put("both/raw/" + f + ".gz", gzip.compress(open("both/raw/" + f, "rb").read()))
for f in "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte":
    put("changed/" + f, open("both/raw/" + f, "rb").read()); put("changed/" + f + ".gz", open("both/raw/" + f + ".gz", "rb").read())
put("changed/t10k-labels-idx1-ubyte", idx(np.array([1, 2, 4])))
# EMNIST's archive.
with zipfile.ZipFile("gzip.zip", "w") as z:
    for s, y in ("balanced", [10, 46]), ("digits", [0, 9]), ("letters", [1, 26]):
        for part in "train", "test":
            z.writestr("gzip/emnist-%s-%s-images-idx3-ubyte.gz" % (s, part), gzip.compress(images(2)))
            z.writestr("gzip/emnist-%s-%s-labels-idx1-ubyte.gz" % (s, part), gzip.compress(idx(np.array(y))))
# Splits as folders are one set; two files of labels, two of images.
pair("folders/train/", [1, 2]); pair("folders/test/", [3])
pair("noisy/train-", [1, 2]); put("noisy/train-labels-noisy-idx1-ubyte", idx(np.array([7, 8])))
pair("blurred/train-", [1, 2]); put("blurred/train-images-blurred-idx3-ubyte", images(2))
# WebDataset: a key twice, names with dots, two images of a sample.
tar("twice.tar", [("0000.png", png(1)), ("0000.cls", b"1"), ("0000.png", png(2)), ("0000.cls", b"2")])
tar("image-twice.tar", [("a/0.png", png(1)), ("a/0.png", png(2)), ("b/0.png", png(2))])
tar("dots.tar", [("a.1.png", png(1)), ("a.1.cls", b"1"), ("a.2.png", png(2)), ("a.2.cls", b"2"), ("b.small.png", png(3)), ("b.cls", b"0")])
tar("mask.tar", [("a.png", png(1)), ("a.mask.png", png(2)), ("a.cls", b"1")])
tar("unused.tar", [("a.png", png(1)), ("a.cls", b"1"), ("b.cls", b"0")])
for name, text in ("words", b"3 rubbish"), ("nul", b"5\0junk"), ("hex", b"0x3"), ("two", b"1\n2\n"):
    tar("cls-%s.tar" % name, [("0.png", png(1)), ("0.cls", text)])
tar("cls-blank.tar", [("0.png", png(1)), ("0.cls", b" 3 \r\n"), ("1.png", png(1)), ("1.CLS", b"0")])
# WebDataset with labels in .json; folders and archives without folders of classes.
for k in "0", "1":
    tar("json%s.tar" % k, [(k + ".png", png(1)), (k + ".json", b'{"label": 1}')])
    put("num/%s/1.png" % k, png(1)); put("num/%s/2.png" % k, png(2)); tar("flat%s.tar" % k, [("1.png", png(1))])
    put("bare/%s/1.png" % ("train", "test")[int(k)], png(1))
# CIFAR's form pickled anew: protocol 5, and labels as a list of NumPy's integers.
for n, p, y in ("p4", 4, [1, 2, 3, 0]), ("p5", 5, [1, 2, 3, 0]), ("np", 4, [np.int64(i) for i in (1, 2, 3, 0)]):
    put("anew/%s/test_batch" % n, pickle.dumps({"batch_label": "testing batch 1 of 1", "data": r.randint(0, 256, (4, 3072)).astype("u1"), "labels": y}, p))
# Archives of Windows (backslashes for slashes), of a Mac, of other packers.
def packed(path, how=zipfile.ZIP_STORED, slash="/", system=3, more={}, **large):
    with zipfile.ZipFile(path, "w", how) as z:
        for n, b in {"set/cat/1.png": png(1), "set/dog/1.png": png(2), **more}.items():
            i = zipfile.ZipInfo("x"); i.filename = n.replace("/", slash); i.create_system = system; i.compress_type = how
            with z.open(i, "w", **large) as f: f.write(b)
packed("windows.zip", slash="\\", system=0); packed("windows3.zip", slash="\\"); packed("zip64.zip", force_zip64=True)
packed("bzip2.zip", zipfile.ZIP_BZIP2); packed("lzma.zip", zipfile.ZIP_LZMA)
packed("mac.zip", more={"__MACOSX/set/cat/._1.png": b"\0\5\x16\7" + b"x" * 60, "set/.DS_Store": b"\0\0\0\1Bud1", "set/cat/._1.png": b"\0\5\x16\7",
    "set/cat/Thumbs.db": b"\xd0\xcf\x11\xe0"})
packed("mac2.zip", more={"set/__MACOSX/": b"", "set/__MACOSX/cat/._1.png": b"\0\5\x16\7" + b"x" * 60, "set/@eaDir/": b""})
# CIFAR in both forms, and both CIFARs, under one roof, as torchvision leaves them.
def bins(path, y, n): put(path, b"".join(bytes(l) + bytes(3072) for l in y))
bins("roof/cifar-10-batches-bin/test_batch.bin", [(3,), (1,)], 1); put("roof/cifar-10-batches-bin/batches.meta.txt", b"plane\ncar\nbird\ncat\n")
put("roof/cifar-10-batches-py/test_batch", pickle.dumps({"batch_label": "testing batch 1 of 1", "data": np.zeros((2, 3072), "u1"), "labels": [3, 1]}, 2))
bins("two/cifar-100-binary/test.bin", [(1, 9)], 2); put("two/cifar-100-binary/fine_label_names.txt", b"".join(b"fine%d\n" % i for i in range(10)))
bins("two/cifar-10-batches-bin/test_batch.bin", [(3,), (1,)], 1); put("two/cifar-10-batches-bin/batches.meta.txt", b"plane\ncar\nbird\ncat\n")
put("stray/cat/1.png", png(1)); put("stray/dog/1.png", png(2)); put("stray/batches.meta.txt", b"plane\ncar\nbird\n")
os.makedirs("forms")
rows = {"data": np.zeros((2, 192), "u1"), "labels": [1, 2]}
pickle.dump(rows, open("forms/val_data", "wb"), 2); np.savez("forms/val_data.npz", **rows)
# Tiny ImageNet's annotations.
for d in "t1", "t2":
    for i in range(2): put("%s/val/images/%d.png" % (d, i), png(i))
    put(d + "/val/val_annotations.txt", b"0.png\tn00000001\t0\n1.png\tn00000002\t0\n")
put("list.txt", b"stray/cat/1.png 0\nstray/dog/1.png 1\nstray/cat/1.png 0\n"); put("list2.txt", b"stray/cat/1.png 0\nstray/cat/1.png 1\n")
END
for p in "data/MNIST/raw data/FashionMNIST/raw" "a/000000.tar b/000000.tar" "train.000.tar train.001.tar"; do
	a=${p% *} b=${p#* }
	ok "$a and $b: each image has the label of its own source" 'is "$(labels $a)$(labels $b)" labels $a $b && is "$(labels $b)$(labels $a)" labels $b $a'
done
ok 'and names that tell the sources apart' '
	is "MNIST/raw/t10k-images-idx3-ubyte/00000 FashionMNIST/raw/t10k-images-idx3-ubyte/00000 " names data/MNIST/raw data/FashionMNIST/raw --shard 0/3 &&
	is "a/000000.tar/0000.png b/000000.tar/0000.png " names a/000000.tar b/000000.tar && is "train.000.tar/0000.png train.001.tar/0000.png " names train.000.tar train.001.tar'
ok 'sets given one by one are mixed with a word' 'ds-pack data/MNIST/raw data/FashionMNIST/raw -o x.ts 2>err && grep -q "MNIST.*FashionMNIST.*same number is the same class" err &&
	ds-pack folders/train/images-idx3-ubyte folders/test/images-idx3-ubyte -o x.ts 2>err && ! test -s err && is "1 2 3 " labels folders/train/images-idx3-ubyte folders/test/images-idx3-ubyte'
ok 'in one source they do not mix' 'bad "FashionMNIST.*of .MNIST.*need not mean the same; --files" ds-pack data && is "9 2 1 " labels data --files "Fashion*" && is "5 0 4 " labels data --split MNIST'
ok 'nor in an archive: EMNIST' 'bad "emnist-balanced-test-images.*emnist-digits-test-images.* need not mean the same" ds-pack gzip.zip --split test &&
	is "1 26 " labels gzip.zip --split test --files "*letters*" && is "0 9 0 9 " labels gzip.zip --files "*emnist-digits*"'
ok 'one that no file matches' 'bad "gzip.zip. holds no images in files that match .\*klingon\*" ds-pack gzip.zip --files "*klingon*"'
ok 'splits as folders are one set' 'is "3 1 2 " labels folders'
ok 'a source given twice, or in another' 'bad ".data. and .\./data. are one and the same" ds-pack data ./data/ && bad "data/MNIST/raw. lies in .data." ds-pack data data/MNIST/raw &&
	ln -s data link && bad "one and the same" ds-pack data link'
ok 'packed beside unpacked counts once' 'is "1 2 3 " labels both && tar cf both.tar both && is "1 2 3 " labels both.tar && is "1 2 3 " labels both --split test'
ok 'and is an error if they differ' 'bad "t10k-labels-idx1-ubyte. and .t10k-labels-idx1-ubyte.gz. do not hold the same" ds-pack changed'
ok 'two files of labels for one of images' 'bad "train-labels-.*train-labels-.*are both labels of .train-images" ds-pack noisy && is "1 2 " labels noisy --files "train-*s-idx?-ubyte" &&
	is "7 8 " labels noisy --files "train-*s-[in][do][xi][3s]*"'
ok 'two files of images for one of labels' 'bad "train-images-.*train-images-.*would have the same labels" ds-pack blurred && is "1 2 " labels blurred --files "*blurred*"'
ok 'a name twice in an archive' 'bad "0000.cls. and .0000.cls. are labels of one sample" ds-pack twice.tar && bad "image-twice.tar.: .a/0.png. appears twice, as image 0 and as image 1" ds-pack image-twice.tar'
ok 'labels whose names hold dots' 'is "1 2 0 " labels dots.tar'
ok 'two images of one sample' 'bad "a.png. and .a.mask.png. are images of one sample" ds-pack mask.tar && is "1 " labels mask.tar --files "a.png"'
ok 'a label of no image is said' 'ds-pack unused.tar -o x.ts 2>err && grep -q "b.cls. is a label without an image" err'
for c in words:'3 rubbish' nul:5 hex:0x3 two:1; do
	ok ".cls: ${c%%:*} is no number" 'bad "the .cls file of .0.png. holds .${c#*:}., which is not the number" ds-pack cls-${c%%:*}.tar'
done
ok '.cls: blanks around the number, another case' 'is "3 0 " labels cls-blank.tar'
warned() { rm -f x.ts; want=$1; shift; ds-pack "$@" -o x.ts 2>err && grep -q "$want" err && test "$(wc -l <err)" = 1 || { sed 's/^/# /' err; false; }; }
silent() { ds-pack "$@" -o x.ts 2>err && ! test -s err || { sed 's/^/# /' err; false; }; }
ok 'labels in .json files only: one warning' 'warned ".0.png. has no class: labels are read from .cls files" json0.tar && warned "0.png. has no class: .*\.cls" json0.tar json1.tar &&
	silent -q json0.tar && is "-1 " labels json0.tar'
ok 'so are labels in .label files and the like' 'mkdir lb && cp num/0/1.png lb && echo 3 >lb/1.label && warned ".1.png. has no class: .* and not from the .label file beside it" lb && mv lb/1.label lb/1.CLASS && warned "the .class file" lb &&
	mv lb/1.CLASS lb/2.class && silent lb'
ok 'beside .cls files, or in folders of classes, they are not said' 'mkdir -p js/cat js/dog && cp num/0/1.png js/cat && cp num/0/2.png js/dog && touch js/cat/1.json && silent js &&
	mkdir js2 && cp num/0/1.png js2 && touch js2/1.json && echo 3 >js2/1.cls && silent js2 && touch js2/info.json && rm js2/1.* && cp num/0/1.png js2 && silent js2'
ok 'folders of classes given one by one: one warning, and what to give' 'warned "no image has a class: .* these 2 have none; .*give .num. alone" num/1 num/0 && silent -q num/1 num/0 && silent num &&
	(cd num && warned "give .\.. alone" 1 0/) && is "0 0 1 1 " labels num'
ok 'archives and folders of splits, too' 'warned "these 2 have none; .*put a folder for each into one folder" flat0.tar flat1.tar && warned "these 2 have none; .*put a folder" bare/train bare/test &&
	warned "these 2 have none; .*put a folder" num/1 flat1.tar'
ok 'not of one source, of files, where some have a class' 'silent num/1 && silent flat0.tar && silent num/1/1.png num/0/1.png && silent num/1 js'
ok "what Macs and network disks leave behind is no class without images" 'mkdir -p left/cat left/dog left/__MACOSX left/@eaDir && cp num/0/1.png left/cat && cp num/0/2.png left/dog && silent left && is "0 1 " labels left &&
	silent left --empty-classes keep && is "[\"cat\", \"dog\"]" classes left --empty-classes keep && mkdir left/eaDir && bad "eaDir. holds no image" ds-pack left'
for form in p4 p5 np; do ok "CIFAR pickled anew: $form" 'is "1 2 3 0 " labels anew/$form'; done
for z in windows windows3 zip64 bzip2 lzma mac mac2; do ok "an archive as others make it: $z" 'is "set/cat/1.png set/dog/1.png " names $z.zip && is "0 1 " labels $z.zip && silent $z.zip'; done
ok 'CIFAR-10 in both forms would come twice' 'bad "test_batch.bin. and .cifar-10-batches-py/test_batch. are the same part of one set" ds-pack roof && is "3 1 " labels roof --files "*-py/*" &&
	is "[\"plane\", \"car\", \"bird\", \"cat\"]" classes roof --files "*-py/*"'
ok 'CIFAR-10 beside CIFAR-100' 'bad "test_batch.bin. and of .cifar-100-binary/test.bin. need not mean the same" ds-pack two && is "9 " labels two --files "*100*" && is "3 1 " labels two --split cifar-10-batches-bin &&
	is "[\"plane\", \"car\", \"bird\", \"cat\"]" classes two --files "*cifar-10-*" && bad "whose classes differ: pack them one by one" ds-pack two/cifar-100-binary two/cifar-10-batches-bin'
ok 'names of classes that belong to no image of the source change nothing' 'is "[\"cat\", \"dog\"]" classes stray && is "0 1 " labels stray'
ok 'downsampled ImageNet in both forms' 'bad "val_data. and .val_data.npz. are the same part" ds-pack forms && is "0 1 " labels forms --files "*.npz"'
ok 'Tiny ImageNet: each source its own annotations' 'is "0 1 0 1 " labels t1 t2 && sed -i 2d t1/val/val_annotations.txt && bad "t1/val/images/1.png. has no line" ds-pack t1 t2 &&
	printf "0.png\tn00000002\n" >>t1/val/val_annotations.txt && bad "line 2 is the second line for .0.png." ds-pack t1'
ok 'a list that names an image twice: a word, or an error if the labels differ' 'ds-pack --list list.txt -o x.ts 2>err && grep -q "lists .stray/cat/1.png. more than once" err && test $(ts-dump --tsv x.ts | wc -l) = 4 &&
	bad "list2.txt. lists .stray/cat/1.png. twice, with label 0 and with label 1" ds-pack --list list2.txt'
done_testing
