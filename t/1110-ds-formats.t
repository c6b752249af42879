#!/bin/sh
# ds-pack: every format in the layout of its site, pixel for pixel what Pillow and NumPy read. The sources are
# made by t/helper/formats.py.
. "$SRC/t/lib.sh"
py=/usr/bin/python3
$py -c 'import numpy, scipy.io, PIL, msgpack, msgpack_numpy, lmdb' 2>/dev/null || skip_all 'no NumPy, SciPy, Pillow, lmdb'
formats="$py $SRC/t/helper/formats.py"
$formats make all "$PWD" || { ok 'sources are made' false; done_testing; }
same() { want=$1; shift; ds-pack -q "$@" | $formats same "$want.npz"; }
names() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f2; }
labels() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f1 | tr '\n' ' '; }

for f in mnist mnist-raw qmnist svhn svhn-plain svhn-one svhn-double cifar10 cifar10-p3 cifar10-p4 cifar100 cifar100-bin \
	imagenet32 imagenet64-p4 imagenet8-npz tiny folders pictures npy npy-10.1 npy-xy npy-gray npy-gray1 medmnist medmnist-stored lsun; do
	ok "$f: pixels and labels" 'same $f $f'
	[ $f = lsun ] && continue
	tar cf $f.tar --sort=name -C $f .
	ok "$f, in an archive: the same" 'same $f $f.tar'
done
for f in cifar100-coarse cifar100-bin-coarse; do ok "$f" 'same $f --coarse $f'; done
ok 'ilsvrc: a tar of tars' 'same ilsvrc ilsvrc/ILSVRC2012_img_train.tar'
ok 'webdataset: two shards, labels of .cls files' 'same webdataset webdataset/*.tar'
ok 'openood: a list, order and labels kept' 'same openood --list openood.txt --root openood && (cd openood && same ../openood --list ../openood.txt)'
for t in 1 2 7; do
	ok "$t threads: the same bytes" 'for f in folders cifar10 tiny.tar webdataset/shard-000001.tar; do
		case $f in tiny*) a="--size 16" ;; *) a= ;; esac
		ds-pack -q --no-history --threads 1 $a $f >one.ts && ds-pack -q --no-history --threads $t $a $f | cmp - one.ts || exit; done'
done

for k in 1 2 3 4 5; do ok "CIFAR-10-C: severity $k" 'same npy-$k npy --split $k && same npy-$k npy.tar --split $k'; done
ok 'CIFAR-10-C: one file, its labels beside it' 'test "$(labels npy/fog.npy npy/snow.npy)" = "$(labels npy)" && test "$(labels npy/fog.npy)$(labels npy/snow.npy)" = "$(labels npy)" &&
	test "$(names npy/snow.npy --split 2 | tr "\n" " ")" = "snow.npy/00002 snow.npy/00003 " && test "$(labels npy/*.npy)" = "$(labels npy)"'
ok 'arrays whose names are no pair: a word, as their labels are lost' '
	mkdir a0 && $py -c "import numpy as np; x = np.zeros((4, 8, 8, 3), np.uint8); y = np.arange(4); np.savez(\"a0/one\", data=x, label=y); np.savez(\"a0/two\", x, y); np.savez(\"a0/three\", data=x, labels=y, more=y)
np.savez(\"a0/four\", x_train=x, y_train=y, train_id=y); np.savez(\"a0/five\", x, np.arange(3))" &&
	for f in one:label:data two:arr_1:arr_0; do ds-pack a0/${f%%:*}.npz -o x.ts 2>err && pair=${f#*:} && grep -q "/${pair%:*}.npy. holds 4 whole numbers, but .*/${pair#*:}.npy., which have no class" err || return; done &&
	for f in three four five; do ds-pack a0/$f.npz -o x.ts 2>err && ! test -s err || return; done && ds-pack a0/four.npz --split test -o x.ts 2>err; ! grep -q "no class" err'
ok 'MedMNIST: its splits' 'same medmnist-val medmnist --split val && same medmnist medmnist/pathmnist.npz && fails 1 "folders are: train val test" ds-pack medmnist --split 1'
ok 'arrays: what does not fit together' '
	mkdir a1 && cp npy/fog.npy a1 && test "$(labels a1 | tr " " "\n" | sort -u | tr -d "\n")" = -1 && fails 1 "fog.npy. has no severities" ds-pack a1 --split 3 &&
	$py -c "import numpy as np; np.save(\"a1/labels.npy\", np.arange(9))" && fails 1 "fog.npy. holds 10 images, but .labels.npy. 9 labels" ds-pack a1 && fails 1 "fog.npy. holds 10 images, but .a1/labels.npy. 9 labels" ds-pack a1/fog.npy &&
	fails 1 "a1/labels.npy. holds no images that are read; .labels.npy. holds labels only" ds-pack a1/labels.npy &&
	$py -c "import numpy as np; np.save(\"a1/labels.npy\", np.arange(10) - 1)" && fails 1 "labels.npy.: label -1 of row 0 is not from 0" ds-pack a1 &&
	cp npy/labels.npy a1/fog_labels.npy && cp npy/fog.npy a1/fog_data.npy && cp npy/labels.npy a1/fog_targets.npy && rm a1/fog.npy && fails 1 "fog_labels.npy. and .fog_targets.npy. are both labels of .fog_data.npy." ds-pack a1 &&
	cp npy-10.1/*.npy medmnist && fails 1 "need not mean the same" ds-pack medmnist && rm medmnist/*.npy'
ok 'arrays: others are named, and passed over beside images' '
	mkdir a2 && for e in "np.zeros((4, 8), \"f4\")" "np.zeros((4, 8, 8, 3), \"f4\")" "np.zeros((8, 8, 3), \"u1\")" "np.array([\"cat\", \"dog\"])" "np.zeros(4, \"V3\")" "np.asfortranarray(np.zeros((4, 8, 8, 3), \"u1\"))"; do
		$py -c "import numpy as np; np.save(\"a2/x.npy\", $e)"; fails 1 "a2. holds no images that are read; .x.npy. holds an array of .*, which is neither images" ds-pack a2 || exit; done
	cp folders/lined/a.png a2 && ds-pack a2 -o x.ts 2>err && grep -q "x.npy. holds an array of |u1 (4, 8, 8, 3) in Fortran" err'
# A single file as its site hands it out.
$formats make mnist "$PWD/alone" 2>/dev/null
ok 'mnist: one file, its labels beside it' 'test "$(labels alone/mnist/train-images-idx3-ubyte.gz)" = "$(labels mnist --split train)" &&
	test "$(names alone/mnist/train-images-idx3-ubyte.gz | head -n 1)" = train-images-idx3-ubyte.gz/00000'
ok 'mnist: beside it in a folder called idx3' 'mkdir idx3.of && cp alone/mnist/train-* idx3.of && test "$(labels idx3.of/train-images-idx3-ubyte.gz)" = "$(labels mnist --split train)"'
ok 'mnist: labels unpacked, images not' 'gzip -d alone/mnist/t10k-labels*.gz && test "$(labels alone/mnist/t10k-images-idx3-ubyte.gz)" = "$(labels mnist --split test)"'
ok 'mnist: without labels there is a warning' 'rm alone/mnist/*labels*; ds-pack alone/mnist/train-images-idx3-ubyte.gz -o x.ts 2>err && grep -q "no file of labels" err &&
	test "$(ts-dump --tsv x.ts | sed 1d | cut -f1 | sort -u)" = -1'
ok 'mnist: labels alone are no images' 'fails 1 "holds labels only" ds-pack mnist/train-labels-idx1-ubyte.gz'
ok 'mnist: more labels than images' 'mkdir m2; cp mnist/train-images* m2; cp mnist/t10k-labels-idx1-ubyte.gz m2/train-labels-idx1-ubyte.gz; fails 1 "train-images-idx3-ubyte.*5 images, but .*labels-idx1-ubyte.gz. 3 labels" ds-pack m2'
ok 'svhn: one file' 'same svhn svhn/test_32x32.mat'
ok 'imagenet: one .npz, one pickle' 'test "$(labels imagenet8-npz/val_data.npz)" = "6 6 0 " && test "$(labels imagenet32/val_data)" = "6 6 0 "'
# Shapes that labels come in: SHAPE, a NumPy expression of y, in both forms of file.
shaped() {
	rm -rf shaped && mkdir shaped && /usr/bin/python3 -c "
import numpy as np, pickle
x, y = np.arange(2 * 48, dtype='u1').reshape(2, 48), np.array([3, 1])
np.savez('shaped/val_data.npz', data=x, labels=$1)
pickle.dump({'data': x, 'labels': $1}, open('shaped/val_data', 'wb'), 2)"
}
ok 'imagenet: labels as a column' 'shaped "y[:, None]" && test "$(labels shaped/val_data) $(labels shaped/val_data.npz)" = "2 0  2 0 "'
ok 'imagenet: labels of another shape are an error' '
	for shape in "np.eye(5, dtype=int)[y]" "np.array(3)" "y[None]"; do
		shaped "$shape"
		for f in val_data val_data.npz; do fails 1 "$f.: 2 images, but 0 labels in a list, an array (n) or (n, 1)" ds-pack shaped/$f; done
	done >odd; cat odd; ! test -s odd'
ok 'imagenet: labels that say none' 'shaped None; test "$(labels shaped/val_data)" = "-1 -1 "'
# Labels that cannot be: cifar LABELS and imagenet LABELS make one file, of two images.
cifar() {
	$py -c "
import numpy as np, pickle
pickle.dump({'batch_label': 'testing batch 1 of 1', 'data': np.zeros((2, 3072), 'u1'), 'labels': $1}, open('data_batch_2', 'wb'), 2)"
}
says() { fails 1 "$@" && test "$(grep -o "data_batch_2\|val_data" fails.err | wc -l)" = 1; }
ok 'cifar: a label that is none is named with its row, and the file once' '
	cifar "[3, 300]"; says "^ds-pack: .data_batch_2.: label 300 of row 1 is not from 0 to 99$" ds-pack --manifest data_batch_2 &&
	cifar "[-1, 3]" && says "label -1 of row 0 is not from 0 to 99$" ds-pack data_batch_2 &&
	cifar "[99, 100]" && says "label 100 of row 1 is not from 0 to 99$" ds-pack data_batch_2 &&
	cifar "[99, 0]" && test "$(labels data_batch_2)" = "99 0 "'
ok 'cifar: labels that are no whole numbers, too few of them, images of another size' '
	cifar "[3, 2.5]"; says "the label of row 1 is not a whole number" ds-pack data_batch_2 &&
	cifar "[3, 1 << 70]" && says "the label of row 1 is a number of more than 8 bytes" ds-pack data_batch_2 &&
	cifar "[3]" && says ": 2 images, but 1 labels" ds-pack data_batch_2 &&
	cifar "[3, 3], \"data\": [1, 2]" && says "its .data. is not an array of bytes, (n, 3072)" ds-pack data_batch_2'
ok 'cifar: names of classes that are no text, or none' '
	mkdir meta; cp cifar10/cifar-10-batches-py/test_batch meta; for names in "[b\"a\", 3]" "[]" "7"; do
		$py -c "import pickle; pickle.dump({\"label_names\": $names}, open(\"meta/batches.meta\", \"wb\"), 2)"; ds-pack meta >x 2>>err4; done
	test "$(sed "s/.*: //" err4 | tr "\n" ";")" = "the name of class 1 is not text;holds no names of classes;its names of classes are not a list;"'
ok 'imagenet: a label that is none is named with its row' '
	for f in val_data val_data.npz; do
		shaped "y - 3 + 2"; fails 1 "$f.: label 0 of row 1 is not from 1 to 2147483647" ds-pack shaped/$f || exit
		shaped "np.array([1, -2], \"i1\")"; fails 1 "$f.: label -2 of row 1 is not from 1 to" ds-pack shaped/$f || exit
		shaped "np.array([1, 3000000000])"; fails 1 "$f.: label 3000000000 of row 1 is not from 1 to 2147483647" ds-pack shaped/$f || exit
		shaped "np.array([1, (1 << 64) - 1], \"u8\")"; fails 1 "$f.: label 18446744073709551615 of row 1 is too large" ds-pack shaped/$f || exit
		shaped "np.array([1., 2.])"; fails 1 "$f.: labels are of NumPy.s type .<\?f8., which is not read; write them as .<i8." ds-pack shaped/$f || exit
		shaped "np.array([1, 1 << 21])"; fails 1 "label 2097151 is too large a number for a class; at most 1048575 is" ds-pack shaped/$f || exit
	done
	shaped "[1, 3000000000]"; fails 1 "val_data.: label 3000000000 of row 1 is not from 1 to 2147483647" ds-pack shaped/val_data'
ok 'cifar: one batch under any name' 'cp cifar10/cifar-10-batches-py/test_batch odd && test "$(names odd | head -n 1)" = odd/00000 &&
	cp cifar100-bin/cifar-100-binary/test.bin odd2 && test "$(labels --format cifar odd2)" = "$(labels cifar100-bin)"'
ok 'splits that files know themselves' '
	test $(names mnist --split train | wc -l) = 5 && test $(names cifar10 --split test | wc -l) = 4 && test $(names imagenet32 --split val | wc -l) = 3 &&
	test $(names lsun --split val | wc -l) = 8 && fails 1 "folders are: val" ds-pack lsun/bedroom_val_lmdb --split train && test $(names svhn --split test | wc -l) = 4 &&
	test "$(labels tiny --split val)" = "1 0 2 1 " && test "$(labels tiny --split test)" = "-1 "'
ok 'tiny: val without annotations has no labels, with one line too few says which' '
	cp -r tiny t2; a=t2/tiny-imagenet-200/val/val_annotations.txt; sed -i "2d" $a; fails 1 "val/images/val_1.JPEG.*no line in val_annotations" ds-pack t2 &&
	rm $a && test "$(labels t2 --split val)" = "-1 -1 -1 -1 "'
ok 'tiny: broken annotations name the line' 'printf "val_0.JPEG n01443537\n" >t2/tiny-imagenet-200/val/val_annotations.txt; fails 1 "val_annotations.txt.*line 1 is not" ds-pack t2'
ok 'lists: missing files are counted, the first is named' '
	{ echo "no/such.png 1"; cat openood.txt; echo "nor/this.png 2"; } >l.txt; fails 1 "lists .no/such.png., which is not in .openood.; of its 6 files 2 are missing" ds-pack --list l.txt --root openood'
ok 'lists: paths without labels, blank lines, other line ends' '
	printf "mnist/test/3.png\r\n\nmnist/test/1.png 5\r\n" >l.txt; test "$(labels --list l.txt --root openood)" = "-1 5 "'
ok 'lists: a path with a space and a digit is no label' '
	mkdir -p "blank/a b"; cp folders/lined/a.png "blank/a b/7 cats.png"; for l in "a b/7 cats.png" "a b/7 cats.png 3"; do echo "$l"; done >l.txt
	test "$(labels --list l.txt --root blank)" = "-1 3 "'
ok 'lists: absolute paths, inside the root; others are said' 'echo "$PWD/photo.png 1" >l.txt && cp "$SRC"/t/golden/ds/photos/cat/0.png photo.png &&
	ln -sfn "$PWD" here && for root in / "$PWD" "$PWD//" . here ../"${PWD##*/}"; do ds-pack --size 8 --list l.txt --root "$root" | ts-dump --tsv | tail -n 1 | grep -q "^1	.*photo.png$" || return 1; done &&
	ds-pack --size 8 --list l.txt --root "$PWD" | ts-dump --tsv | grep -qx "1	photo.png" && ! ds-pack --size 8 --list l.txt --root "${PWD%?}" >out 2>err && fails 1 "line 1: .*not a path inside .folders.; --root / takes them" ds-pack --list l.txt --root folders &&
	echo "$PWD/ 1" >l.txt && fails 1 "line 1: .$PWD/. is not the path of a file" ds-pack --list l.txt --root "$PWD"'
ok 'lists: misuse' 'fails 2 "no SOURCE belongs" ds-pack --list l.txt folders && fails 2 "needs --list" ds-pack --root x folders'
ok 'several sources: names begin with them, classes are common' '
	mkdir -p one/cat two/dog two/cat; cp folders/lined/a.png one/cat; cp folders/lined/a.png two/dog; cp folders/lined/a.png two/cat
	test "$(names one two | tr "\n" " ")" = "one/cat/a.png two/cat/a.png two/dog/a.png " && test "$(labels one two)" = "0 0 1 "'

# What is known and not read.
/usr/bin/python3 - <<'EOF'
head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + b"\0\2IM"
open("v73.mat", "wb").write(head.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + b"\0" * 600)
open("x.h5", "wb").write(b"\x89HDF\r\n\x1a\n" + b"\0" * 600)
EOF
ok 'an IDX file of labels that is empty, or hardly begun, by its name' '
	for k in 0 3 7; do rm -rf short; cp -r mnist-raw short; head -c $k mnist-raw/t10k-labels-idx1-ubyte >short/t10k-labels-idx1-ubyte
		fails 1 "t10k-labels-idx1-ubyte.: is named like an IDX file, but does not begin like one" ds-pack short || exit; done'
ok 'MATLAB 7.3 is refused, and how to help oneself' 'fails 1 "v73.mat. is a MATLAB 7.3 file (HDF5), which is not read; save it with MATLAB.s -v7" ds-pack v73.mat &&
	fails 1 "HDF5 file" ds-pack x.h5'
ok 'beside images it is passed over with a warning' 'mkdir b; cp v73.mat folders/lined/a.png b; ds-pack b -o x.ts 2>err && grep -q "v73.mat. is a MATLAB 7.3" err'
ok 'other MATLAB files are notes' '$py -c "import scipy.io; scipy.io.savemat(\"b/imdb.mat\", {\"meta\": [1, 2]})"; rm b/v73.mat; ds-pack b -o x.ts 2>err && ! test -s err'
ok 'an LMDB in an archive' 'tar cf l.tar lsun; fails 1 "LMDB inside an archive.*unpack" ds-pack l.tar'
ok 'an LMDB that is cut off' 'mkdir cut_lmdb; head -c $(($(wc -c <lsun/bedroom_val_lmdb/data.mdb) - 4096)) lsun/bedroom_val_lmdb/data.mdb >cut_lmdb/data.mdb; fails 1 "LMDB that is cut off" ds-pack cut_lmdb &&
	head -c 100 lsun/bedroom_val_lmdb/data.mdb >cut_lmdb/data.mdb; fails 1 "not an LMDB" ds-pack cut_lmdb'
$py - <<'EOF2'
import io, lmdb, numpy as np, os
from PIL import Image
os.mkdir("slash_lmdb")
env = lmdb.open("slash_lmdb", map_size=1 << 20)
with env.begin(write=True) as t:
    for key, gray in ("1", 10), ("a/1", 20), ("b/1", 30):
        b = io.BytesIO(); Image.fromarray(np.full((4, 4), gray, np.uint8)).save(b, "PNG"); t.put(key.encode(), b.getvalue())
env.close()
EOF2
ok 'an LMDB whose keys have slashes: each its own image' 'test "$(ds-pack -q --gray --manifest slash_lmdb | sed 1d | cut -f4 | sort -u | wc -l)" = 3 &&
	test "$(names slash_lmdb | tr "\n" " ")" = "1 0x612f31 0x622f31 "'
ok 'webdataset: a stray .cls does not take the labels away' 'mkdir stray; cp -r folders/lined stray; echo 1 >stray/lined/a.cls; fails 1 "lined/b.JPG. has no .cls file, which 1 of" ds-pack stray --size 8 && ds-pack -q --size 8 --format images stray >x.ts'
cls() { rm -rf cls cls.tar; mkdir cls; for i in 0 1; do cp folders/lined/a.png cls/00$i.png; done; printf "%s\n" "$1" >cls/000.cls; printf %s "$2" >cls/001.cls; tar cf cls.tar -C cls .; }
ok 'webdataset: a .cls file that is no number is said to be none' '
	cls 5 seven; fails 1 "the .cls file of .001.png. holds .seven., which is not the number of a class" ds-pack cls.tar &&
	cls -7 5 && fails 1 "the .cls file of .000.png. holds .-7., which" ds-pack cls.tar &&
	ds-pack -q --format images cls.tar >x.ts && cls 0 2147483647 && fails 1 "label 2147483647 is too large" ds-pack cls.tar'
ok 'webdataset: and where all of them are' '
	for bad in -7 3000000000 2147483648 seven ""; do cls "$bad" "$bad"; fails 1 "the .cls file of .000.png. holds .$bad., which" ds-pack --manifest cls.tar || exit; done'
ok 'webdataset: .cls files of TeX are passed over' '
	cls 0 1; printf "\\\\ProvidesClass{article}" >cls/article.cls; test "$(labels cls)" = "0 1 "; rm cls/00?.cls; test "$(labels cls)" = "-1 -1 "'
cp_as() { rm -rf as; mkdir -p as/cat as/dog; cp folders/lined/a.png as/cat/0.png; cp "$1" as/dog/"$2"; }
for f in TIFF:tif PPM:ppm JPEG2000:jp2; do
	$py -c "from PIL import Image; Image.new('RGB', (32, 32)).save('other', '${f%:*}')"
	for name in x.${f#*:} x.jpg without_ending; do
		cp_as other $name
		ok "$f called $name is no image that is read, and is not passed over" 'fails 1 "dog/$name.: a [A-Z][A-Za-z0-9 ]* image, which is not read; convert it to PNG" ds-pack as --size 8 -o x.ts &&
			test "$(names as --skip-bad --size 8)" = cat/0.png && ds-pack -q --skip-bad --size 8 as | ts-dump --header | grep -q "\"cat\", \"dog\""'
	done
done
ok 'nor are HEIC, AVIF, JPEG XL, whatever they are called' '
	for b in heic avif mif1 "jxl "; do printf "\0\0\0\030ftyp%sxxxxyyyyzzzz" "$b" >other; cp_as other x.jpg; fails 1 "dog/x.jpg.: a[n]* .* image, which is not read" ds-pack as --size 8 -o x.ts || exit; done
	for b in "v/1\001xxxx" "DDS |\0\0\0xxxx" "#?RADIANCE\nxxxx"; do printf "$b" >other; cp_as other x.bin; fails 1 "dog/x.bin.: a[n]* .* image, which is not read" ds-pack as --size 8 -o x.ts || exit; done
	for e in exr dds pcx pfm dcm heic avif tga psd tiff pbm; do echo text >other; cp_as other x.$e; fails 1 "dog/x.$e.: not a PNG, JPEG, WebP, GIF or BMP image" ds-pack as --size 8 -o x.ts || exit; done'
for f in a.gif j.bmp o-8.bmp w-animation.webp z-rle8.bmp; do
	ok "$f, cut off anywhere: an error or all of it" '
		size=$(wc -c <pictures/set/$f) took=0; ds-pack -q pictures/set/$f --manifest >/dev/null
		for at in 7 20 30 60 200 400 $((size / 2)) $((size - 20)) $((size - 1)); do head -c $at pictures/set/$f >as/dog/cut.$f; rm -f x.ts
			ds-pack as/dog/cut.$f -o x.ts 2>err; rc=$?
			test $rc = 1 && grep -q "damaged\|not a PNG" err || { test $rc = 0 && ds-pack -q as/dog/cut.$f | ts-cat --select image | ts-dump >got && ds-pack -q pictures/set/$f | ts-cat --select image | ts-dump | cmp - got; } ||
				{ echo "# $at: exit $rc $(cat err)"; exit 1; }
		done'
done
ok 'a file that only looks like Parquet' 'printf "PAR1abcdPAR1" >x.parquet; fails 1 "Parquet file" ds-pack x.parquet'

ok '--list-formats names all' 'ds-pack --list-formats >out && for f in images tiny-imagenet webdataset lmdb svhn cifar imagenet idx npy parquet; do grep -q "^$f " out || exit; done'
ok '--format: one that there is not' 'fails 1 "unknown format .jpg." ds-pack --format jpg folders'
ok '--format: nothing of it there' 'fails 1 "no images of format .svhn." ds-pack --format svhn folders'
ok '--format images: annotations are not looked at' 'test "$(labels --format images tiny --split val)" = "-1 -1 -1 -1 "'
done_testing
