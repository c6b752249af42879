#!/bin/sh
# ds-pack on malicious sources: a line that says what is wrong, bounded memory, nothing written but the output.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
py=/usr/bin/python3
$py -c 'import numpy, scipy.io, PIL, lmdb' 2>/dev/null || skip_all 'no NumPy, SciPy, Pillow, lmdb'
hostile() { $py "$SRC/t/helper/hostile_ds.py" "$@"; }
bad() { rm -f x.ts; fails 1 "$@" -o x.ts && test ! -e x.ts; }
# The same, with peak memory below this many MiB. Sanitizers use several times as much.
[ -n "$SANITIZE" ] && times=8 || times=1
bounded() {
	limit=$(($1 * times)) pattern=$2; shift 2
	rm -f x.ts
	set -- $(measure 1 sh -c '"$@" 2>err; echo $? >rc' - "$@")
	test "$(cat rc)" = 0 || grep -q "$pattern" err || { echo "# exit $(cat rc): $(head -c 600 err)"; return 1; }
	awk -v m="$3" -v l=$limit 'BEGIN { if (m < l) exit 0; print "# " m " MiB"; exit 1 }'
}
bad_bounded() { bounded "$@" -o x.ts && test "$(cat rc)" = 1 && test $(wc -l <err) = 1 && test ! -e x.ts; }

hostile absolute a.tar; hostile dots d.tar; hostile link l.tar
ok 'archives with absolute names' 'bad "a.tar. has a file named ./tmp/hostile-gotcha.png., which leads out" ds-pack a.tar && test ! -e /tmp/hostile-gotcha.png'
ok 'with names that climb' 'bad "d.tar. has a file named .a/../../gotcha.png., which leads out" ds-pack d.tar && test ! -e ../gotcha.png'
ok 'with links' 'bad "l.tar.: .c.png.: is a link" ds-pack l.tar --size 8'
hostile million m.tar.gz
ok 'a million entries, each its own class' 'bad_bounded 320 "c000000/x.png.: empty file" ds-pack m.tar.gz'
rm -f m.tar.gz
hostile many many.tar
ok '200,000 images in a tar: all of them, in order, below 300 MB' '
	bounded 100 . ds-pack many.tar -o many.ts && test "$(cat rc)" = 0 && ts-dump --tsv many.ts | sed 1d | cut -f2 >n && test $(wc -l <n) = 200000 && sort -c n'
rm -f many.tar many.ts
hostile zip bomb.zip
ok 'a zip bomb' 'bad_bounded 700 "bomb.zip.: .a/x.png.: larger than an image.s file may be" ds-pack bomb.zip'
hostile idx bomb.gz
ok 'an IDX bomb' 'bad_bounded 300 "bomb.gz.: .*IDX file of .* bytes, but its header says" ds-pack bomb.gz'
$py -c "
import numpy as np, scipy.io
scipy.io.savemat('test_32x32.mat', {'X': np.zeros((32, 32, 3, 2), np.uint8), 'y': np.zeros((1, 300 << 20), np.uint8)}, do_compression=True)"
ok 'a .mat of two images and 300 million labels' 'bad_bounded 100 "MATLAB file of 2 images whose y has another number of labels" ds-pack test_32x32.mat'
rm -f test_32x32.mat
mkdir large; cp "$SRC/t/golden/ds/photos/cat/0.png" large/y.png; truncate -s 300M large/x.png
ok 'a file that is too large for an image is damaged, and can be skipped' 'fails 1 "x.png.: more than" ds-pack large -o x.ts && ds-pack -q --skip-bad large -o x.ts 2>err && test $(ts-dump --tsv x.ts | wc -l) = 2'
rm -rf large
mkdir huge
for kind in png png-wide jpeg; do
	rm -f huge/*; hostile $kind huge/x.${kind%-*}
	ok "$kind of impossible size" 'bad_bounded 60 "huge.: .x.*\(too large\|Invalid\|exceeds\)" ds-pack huge'
done
hostile grow grow
ok 'small files that become large pictures (150 of 48 MB): few are held at a time' 'bad_bounded 700 "001.png. is 4000x4000 .height x width. where the first image is 1x1" ds-pack --threads 3 grow'
mkdir evil
for kind in system system4 eval; do
	for name in data_batch_1 train_data_batch_1 thing.pkl; do
		rm -f evil/*; hostile $kind evil/$name
		ok "a pickle that would call $kind, as $name" 'bad "evil.*$name.*refuses to call .*\.\(system\|eval\)" ds-pack evil && test ! -e gotcha && test ! -e evil/gotcha'
	done
done

# Every format truncated at four places: an error that names the file.
$py "$SRC/t/helper/formats.py" make mnist,mnist-raw,svhn,svhn-plain,cifar10,cifar100-bin,imagenet32,imagenet8-npz,folders,lsun . || ok 'sources are made' false
cut_off() {                            # file, name under which it is cut: refused each time
	size=$(wc -c <"$1")
	for part in 1 3 6 8; do
		rm -rf part x.ts; mkdir part; head -c $((size * part / 9)) "$1" >"part/$2"
		ds-pack part --size 8 -o x.ts 2>err; rc=$?
		test $rc = 1 && grep -q "part" err && test ! -e x.ts || { echo "# $1 cut at $((size * part / 9)): exit $rc: $(cat err)"; return 1; }
	done
}
for f in mnist/train-images-idx3-ubyte.gz mnist-raw/train-images-idx3-ubyte mnist-raw/t10k-labels-idx1-ubyte svhn/test_32x32.mat \
	svhn-plain/test_32x32.mat cifar10/cifar-10-batches-py/data_batch_1 cifar100-bin/cifar-100-binary/test.bin imagenet32/val_data \
	imagenet8-npz/val_data.npz imagenet8-npz/train_data_batch_1.npz folders/lined/a.png folders/lined/b.JPG folders/lined/c.webp folders/lined/d.webp folders/lined/e.jpeg \
	lsun/bedroom_val_lmdb/data.mdb; do
	ok "cut off: $f" 'cut_off $f ${f##*/}'
done

# One bit changed, or a cut, anywhere in what a library inflates: an error, or the very same rows.
cat >bits.py <<'EOF'
import os, random, subprocess, sys
path, n, r = sys.argv[1], int(sys.argv[2]), random.Random(3)
whole, other, refused = open(path, "rb").read(), [], 0
def rows(p):
    q = subprocess.run(["ds-pack", "-q", "--no-history", "--size", "8", p], capture_output=True)
    if q.returncode not in (0, 1): other.append("exit %d" % q.returncode)
    return q.stdout if q.returncode == 0 else None
want = rows(path)
os.makedirs("bits", exist_ok=True)
for i in range(n):
    b, where = bytearray(whole), r.randrange(128 if path.endswith(".mat") else 0, len(whole))
    if i % 5: b[where] ^= 1 << r.randrange(8)
    else: del b[where:]
    open("bits/" + os.path.basename(path), "wb").write(b)
    got = rows("bits/" + os.path.basename(path))
    refused += got is None
    if got is not None and got != want: other.append(where)
if other or not want: print("# other rows after a change at:", other)
sys.exit(bool(other) or not want or refused < n // 2)
EOF
mkdir bit; cp -r "$SRC/t/golden/ds/photos" bit; rm bit/photos/*/*.jpg; cp bit/photos/cat/0.png bit/photos/cat/1.png
$py -c "
import os, zipfile
for how in 'STORED', 'DEFLATED':
    with zipfile.ZipFile(how + '.zip', 'w', getattr(zipfile, 'ZIP_' + how)) as z:
        for d, _, files in sorted(os.walk('bit/photos')):
            for f in sorted(files): z.write(d + '/' + f, (d + '/' + f)[4:])"
for kind in z J j; do tar c${kind}f bit.tar.$kind -C bit photos; done
$py "$SRC/t/helper/formats.py" make medmnist,svhn-one . || ok 'sources are made' false
n_bits=60; [ -z "$SANITIZE" ] || n_bits=20
for f in svhn/test_32x32.mat svhn-one/test_32x32.mat STORED.zip DEFLATED.zip bit.tar.z bit.tar.J bit.tar.j bit/photos/cat/0.png mnist/t10k-images-idx3-ubyte.gz \
	medmnist/pathmnist.npz imagenet8-npz/val_data.npz; do
	ok "bits changed, or cut: $f" '$py bits.py $f $n_bits'
done
# The name in front of a file, which no checksum covers.
$py -c "
b = open('STORED.zip', 'rb').read(); i = b.index(b'photos/dog/')
open('name.zip', 'wb').write(b[:i] + b'photos/dot/' + b[i + 11:])"
ok 'a zip whose names differ from its directory' 'bad "name.zip. is damaged: the directory at its end has .photos/dog/0.png., which has another name where it lies" ds-pack name.zip'
# Unicode names, which zips of other code pages have beside theirs (field 0x7075); libarchive takes that of the file's own head.
$py - <<'END'
import struct, zlib
png = open("bit/photos/dog/0.png", "rb").read()
def field(name, text):
    data = struct.pack("<BI", 1, zlib.crc32(name)) + text.encode() if text else b""
    return struct.pack("<HH", 0x7075, len(data)) + data if text else b""
def make(path, own, directory):
    out = central = b""
    for name, own_more, more in ((b"ca?/a.png", own, directory), (b"dog/b.png", None, None)):
        a, b, at = field(name, own_more), field(name, more), len(out)
        sizes = struct.pack("<IIIH", zlib.crc32(png), len(png), len(png), len(name))
        out += b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 0, 0, 0x5a21) + sizes + struct.pack("<H", len(a)) + name + a + png
        central += b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 0x5a21) + sizes + struct.pack("<HHHHII", len(b), 0, 0, 0, 0, at) + name + b
    open(path, "wb").write(out + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(central), len(out), 0))
make("unicode.zip", "caf\u00e9/a.png", "caf\u00e9/a.png")
make("flip.zip", "cafe/a.png", "caff/a.png")
make("own.zip", "caf\u00e9/a.png", None)
make("central.zip", None, "caf\u00e9/a.png")
END
ok 'a Unicode name that stands in both places is the name; one that differs is damage' '
	ds-pack -q unicode.zip | ts-dump --header | grep -q "\"classes\": .\"caf$(printf "\303\251")\", \"dog\"" &&
	for f in flip own central; do bad "$f.zip. is damaged: the directory at its end has .ca./a.png., which has another name where it lies" ds-pack $f.zip || return 1; done'
$py -c "
b = open('svhn/test_32x32.mat', 'rb').read(); open('more.mat', 'wb').write(b + b'\\0' * 8)
import scipy.io, numpy as np
scipy.io.savemat('y_32x32.mat', {'y': np.ones((2, 1), 'u1'), 'X': np.zeros((32, 32, 3, 2), 'u1')})
b = open('y_32x32.mat', 'rb').read(); open('short_32x32.mat', 'wb').write(b[:-8])"
ok 'a .mat with more behind its elements, or without its last bytes' 'bad "more.mat.: damaged MATLAB file: an element of type 0" ds-pack more.mat && ds-pack y_32x32.mat -o x.ts && bad "short_32x32.mat.: .*MATLAB" ds-pack short_32x32.mat'

# Bytes changed at random in files that libraries of others read: whatever the result, no crash.
cat >flip.py <<'EOF'
import os, random, sys
whole = open(sys.argv[1], "rb").read()
for i in range(12):
    r, b = random.Random(i), bytearray(whole)
    for _ in range(r.randint(1, 6)):
        b[r.randrange(min(len(b), 700) if r.random() < .7 else len(b))] = r.choice([0, 255, r.randrange(256)])
    os.mkdir("flip%d" % i)
    open("flip%d/%s" % (i, os.path.basename(sys.argv[1])), "wb").write(b)
EOF
for f in svhn/test_32x32.mat svhn-plain/test_32x32.mat imagenet8-npz/val_data.npz mnist/train-images-idx3-ubyte.gz \
	lsun/bedroom_val_lmdb/data.mdb; do
	ok "damaged: $f" '
		rm -rf flip[0-9]*; $py flip.py $f; for i in 0 1 2 3 4 5 6 7 8 9 10 11; do ds-pack -q flip$i >out 2>err; rc=$?
			test $rc -le 1 || { echo "# seed $i: exit $rc"; exit 1; }; done'
done
# liblmdb trusts its pages: each number in the head of each of them, and the ends of the map, as something else.
$py -c "
import struct
b = open('lsun/bedroom_val_lmdb/data.mdb', 'rb').read(); n = 0
for page in range(len(b) // 4096):
    for at in range(0, 176 if page < 2 else 24, 2):
        for v in (0, 1, 0x7ff1, 0xffff):
            c = bytearray(b); struct.pack_into('<H', c, 4096 * page + at, v); n += 1
            open('%04d.mdb' % n, 'wb').write(c)"
mkdir mdb_val_lmdb
ok 'an LMDB with a wrong number anywhere where pages begin: refused, or read; no crash' '
	for f in [0-9]*.mdb; do cp $f mdb_val_lmdb/data.mdb; ds-pack -q --size 8 mdb_val_lmdb >out 2>err; rc=$?
		test $rc -le 1 || { echo "# $f: exit $rc"; cp $f /tmp; exit 1; }
		test $rc = 0 || test $(wc -l <err) = 1 || exit 1; echo $rc; done >codes; grep -q 1 codes && grep -q 0 codes'
rm -f [0-9]*.mdb
$py -c "
b = bytearray(open('svhn/test_32x32.mat', 'rb').read()); b[125] ^= 3; open('v_32x32.mat', 'wb').write(b)"
ok 'a .mat whose head says two versions' 'bad "v_32x32.mat.: damaged MATLAB file: its header names two versions" ds-pack v_32x32.mat && test $(wc -l <err) = 1'
done_testing
