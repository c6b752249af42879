#!/bin/sh
# ds-pack: folders, archives and CIFAR files give the same rows; choice, shapes, damage.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/ds
cp -r "$g/photos" photos
pixels() { ds-pack "$@" | ts-cat --select image,label | ts-dump; }
names() { ds-pack "$@" | ts-dump --tsv | sed 1d | cut -f2; }
rows() { names "$@" | wc -l; }

pixels photos >want
ok 'a folder: its images, sorted, with their classes' '
	test "$(names photos | tr "\n" " ")" = "cat/0.png cat/1.jpg cat/2.jpg dog/0.png dog/1.jpg " &&
	ds-pack photos | ts-dump --header | grep -q "\"classes\": \[\"cat\", \"dog\"\]" &&
	test "$(sed "s/.*label.: //" want | tr -d "}\n")" = 00011'
for kind in '' z J; do
	tar c${kind}f photos.tar$kind --sort=name photos
	ok "an archive, tar$kind: the same" 'pixels photos.tar$kind | cmp - want'
done
# Whether the command loads libarchive.
loads() { LD_DEBUG=files "$@" 2>&1 >/dev/null | grep -a -q "calling init: .*libarchive"; }
ok 'libarchive is loaded for an archive, and not before' 'loads ds-pack photos.tar && ! loads ds-pack photos && ! loads ds-pack --help'
mkdir nowhere; : >nowhere/$(sed -n 's/^#define LIBARCHIVE "\(.*\)"/\1/p' "$BUILD/version.h")
ok 'without it: said, in a line' 'LD_LIBRARY_PATH=nowhere fails 1 "cannot load libarchive .*install the version" ds-pack photos.tar -o x.ts && test ! -e x.ts &&
	LD_LIBRARY_PATH=nowhere ds-pack -q photos -o x.ts'
for program in zstd zip bsdtar; do command -v $program >/dev/null || continue
	case $program in
	zstd) tar cf - --sort=name photos | zstd -q >p.archive ;;
	zip) rm -f p.zip; zip -q p.zip $(find photos -type f | sort) && mv p.zip p.archive ;;
	bsdtar) bsdtar -cf p.archive --format 7zip photos/cat photos/dog ;;
	esac
	ok "an archive by $program: the same" 'pixels p.archive | cmp - want'
done
ok 'the name of the source, not its path' 'ds-pack ./photos/ | ts-dump --header | grep -q "\"source\": \"photos\""'

mkdir -p set/train/cat set/train/dog set/test/dog
cp photos/cat/0.png set/train/cat/a.png; cp photos/dog/0.png set/train/dog/b.png; cp photos/dog/1.jpg set/test/dog/c.jpg
cp photos/dog/0.png set/test/loose.png; echo hello >set/test/dog/readme.txt; cp photos/dog/0.png set/test/dog/.hidden.png
ok '--split, other files passed over' 'test "$(names set --split test | tr "\n" " ")" = "test/dog/c.jpg test/loose.png "'
ok 'an image right in the folder of the split has no class' '
	test "$(ds-pack set --split test | ts-dump --tsv | sed 1d | cut -f1 | tr "\n" " ")" = "0 -1 "'
ok 'a split that is not there names those that are' 'fails 1 "its folders are: test train .without --split all are taken, and ts-split divides them." ds-pack set --split valid'
ok '--limit' 'test $(rows photos --limit 2) = 2'
ok '--sample: a subset in order, the same for the same seed' '
	names photos --sample 3 --seed 1 >s; test $(wc -l <s) = 3 && sort -c s && names photos --sample 3 --seed 1 | cmp - s'
ok '--sample: another seed gives another subset' '
	for i in 2 3 4 5 6; do names photos --sample 3 --seed $i | cmp -s - s || echo other; done | grep -q other'
ok 'shards make the whole' '{ names photos --shard 0/2; names photos --shard 1/2; } | sort >s; names photos | sort | cmp - s'
ok '--size' 'ds-pack photos --size 8 | ts-dump --header | grep -q "\"shape\": \[3, 8, 8\]"'
ok '--resize short, --crop' 'ds-pack photos --size 16 --resize short --crop 12 | ts-dump --header | grep -q "\"shape\": \[3, 12, 12\]"'
ok 'a crop larger than an image' 'fails 1 "cat/0.png.*smaller" ds-pack photos --crop 21'
cp "$g/formats/444.jpg" photos/dog/9.jpg
ok 'unequal sizes say what to add' 'ds-pack photos -o u.ts 2>err; test $? = 1 && grep -q "dog/9.jpg.*--size" err && test ! -e u.ts'
ok 'and with it they go' 'test $(rows photos --size 32) = 6'
rm photos/dog/9.jpg
head -c 300 photos/cat/1.jpg >x && mv x photos/cat/1.jpg
echo 'not a picture' >photos/dog/0.png
ok 'a damaged image is named and ends the run' 'ds-pack photos -o d.ts 2>err; test $? = 1 && grep -q "cat/1.jpg.*damaged JPEG" err && test ! -e d.ts'
ok '--skip-bad leaves it out and counts' '
	ds-pack --skip-bad photos -o d.ts 2>err; test $? = 0 && grep -q "dog/0.png.*not a PNG" err && grep -q "^ds-pack: 2 damaged" err &&
	test "$(ts-dump --tsv d.ts | sed 1d | cut -f2 | tr "\n" " ")" = "cat/0.png cat/2.jpg dog/1.jpg "'
ok '--skip-bad is a success: what it says are warnings' 'ds-pack -q --skip-bad photos -o d.ts 2>err && ! test -s err && fails 1 "dog/0.png\|cat/1.jpg" ds-pack -q photos -o e.ts'
cp "$g/photos/cat/1.jpg" short.jpg; head -c $(($(wc -c <short.jpg) - 60)) short.jpg >cut.jpg; { head -c -6 short.jpg; printf '\377\331'; } >early.jpg
if /usr/bin/python3 -c 'import PIL, numpy, msgpack_numpy' 2>/dev/null; then
	for f in cut early; do
		ok "--lenient: $f.jpg, the pixels of Pillow with LOAD_TRUNCATED_IMAGES" 'fails 1 "damaged JPEG" ds-pack $f.jpg && ds-pack --lenient $f.jpg -o l.ts 2>err && grep -q "$f.jpg. is a truncated JPEG" err &&
			grep -q "1 truncated JPEGs" err && /usr/bin/python3 -c "
import msgpack, msgpack_numpy, numpy as np, sys
from PIL import Image, ImageFile
ImageFile.LOAD_TRUNCATED_IMAGES = True
want = np.asarray(Image.open(\"$f.jpg\").convert(\"RGB\")).transpose(2, 0, 1)
for rec in msgpack.Unpacker(open(\"l.ts\", \"rb\"), object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False):
    if \"image\" in rec: sys.exit(not np.array_equal(rec[\"image\"][0], want))"'
	done
	ok '--lenient: whole ones are whole' 'ds-pack --lenient short.jpg -o l.ts 2>err && ! test -s err'
else
	ok '--lenient # SKIP no Pillow' true
fi
for cut in 700 1500 3000; do
	head -c $cut photos.tarz >cut.tar.gz; head -c $cut photos.tar >cut.tar
	ok "archives cut off at $cut bytes" '
		! ds-pack cut.tar.gz -o c.ts 2>err && grep -q "cut.tar.gz" err && ! ds-pack cut.tar -o c.ts 2>err && grep -q "cut.tar" err && test ! -e c.ts'
done
mkdir empty
ok 'an empty folder' 'fails 1 "empty.*no images" ds-pack empty'
ok 'a text file' 'echo hello >letter; fails 1 "letter" ds-pack letter'
ok 'a file that is not there' 'fails 1 "no/such" ds-pack no/such'
ok 'misuse: no source, two that are not there, a bad shard' '
	fails 2 "one SOURCE" ds-pack && fails 1 "cannot open .a." ds-pack a b && fails 2 "0 <= I < N" ds-pack --shard 2/2 photos'
ok 'misuse: --resize alone' 'fails 2 "needs --size" ds-pack --resize short photos'
ok 'progress on demand' 'ds-pack photos --skip-bad --progress -o d.ts 2>err; grep -q " of 5 images" err'

# CIFAR as its site hands it out, three rows a file.
pixels "$g/cifar/bin" >bin
ok 'CIFAR, binary: rows, labels' 'test "$(sed "s/.*label.: //" bin | tr "}\n" " ")" = "6  9  0  3  8  8  "'
ok 'CIFAR, Python: the same' 'pixels "$g/cifar/py" | cmp - bin'
ok 'CIFAR: class names in the order given' 'for f in bin py; do ds-pack "$g/cifar/$f" | ts-dump --header | grep -q "\"classes\": \[\"plane\", \"car\", \"bird\"" || exit; done'
ok 'CIFAR: splits' 'test "$(names "$g/cifar/py" --split test | head -n 1)" = test_batch/00000 && test $(rows "$g/cifar/bin" --split train) = 3'
tar czf cifar-10-python.tar.gz -C "$g/cifar" --transform 's/^py/cifar-10-batches-py/' py
ok 'CIFAR: the archive' 'pixels cifar-10-python.tar.gz | sort >a; sort bin | cmp - a'
mkdir c100; { printf '\003\023'; head -c 3072 /dev/zero; printf '\001\143'; head -c 3072 /dev/zero; } >c100/test.bin
ok 'CIFAR-100: the fine label' 'test "$(ds-pack c100 | ts-dump --tsv | sed 1d | cut -f1 | tr "\n" " ")" = "19 99 "'
head -c 4000 "$g/cifar/bin/test_batch.bin" >c100/train.bin
ok 'CIFAR: a file cut off' 'fails 1 "train.bin.*cut off" ds-pack c100'
mkdir mix; cp -r photos/dog mix; cp "$g/cifar/bin/test_batch.bin" mix
ok 'image files and CIFAR files in one source would mix up labels' '
	fails 1 "both image files and rows whose classes are numbers" ds-pack mix && test "$(rows mix --format images --skip-bad 2>/dev/null)" = 1 && test "$(rows mix --format cifar)" = 3'
mkdir evil; printf 'cos\nsystem\n(S"touch gotcha"\ntR.' >evil/data_batch_1
ok 'a pickle that would run a program is refused by name' 'fails 1 "refuses to call .os.system" ds-pack evil && test ! -e gotcha'

data=$SRC/../shared/data
if [ -f "$data/dtd-300.tar" ]; then
	ok 'real textures' 'test $(rows "$data/dtd-300.tar" --size 32) = 300'
	ok 'real CIFAR images' 'ds-pack "$data/cifar10-jpeg.tar.xz" --split test --limit 100 | ts-dump --header | grep -q "\"airplane\".*\"truck\""'
else
	ok 'real images # SKIP none here' true
fi
done_testing
