#!/bin/sh
# ds-pack: choosing by class, per class, at random, in shards; shapes; manifests.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/ds
py=/usr/bin/python3
mkdir -p set/cat set/dog set/eel set/fox
for c in cat dog eel fox; do for i in 0 1 2 3 4 5 6 7; do cp "$g/photos/cat/0.png" set/$c/$i.png; done; done
rm set/fox/[3-7].png
names() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f2; }
labels() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f1 | sort -n | uniq -c | awk '{ printf "%s:%s ", $2, $1 }'; }
classes() { ds-pack -q "$@" | ts-dump --header | grep '"classes"' | sed 's/.*"classes": //; s/\].*/]/'; }
is() { want=$1; shift; got=$("$@"); [ "$got" = "$want" ] || { echo "# got $got"; false; }; }

printf '# what we know already\ncat\tone of ours\n\nfox\n' >known.txt
ok '--exclude-classes: rows go, the others are numbered anew' 'is "0:8 1:8 " labels set --exclude-classes known.txt && is "[\"dog\", \"eel\"]" classes set --exclude-classes known.txt'
ok '--only-classes' 'is "0:8 1:3 " labels set --only-classes known.txt && is "[\"cat\", \"fox\"]" classes set --only-classes known.txt'
echo unicorn >none.txt
ok 'a class that is not there' 'fails 1 "none.txt.*the source has no class .unicorn." ds-pack set --exclude-classes none.txt'
ok 'a file that is not there' 'fails 1 "no/such" ds-pack set --only-classes no/such'
cp set/cat/0.png set/loose.png
ok 'an image without a class' 'fails 1 "loose.png. has no class" ds-pack set --exclude-classes known.txt'
rm set/loose.png
printf 'dog\tpet\ncat\tpet\nfox\twild\neel\t-\n' >map.txt
ok '--map-classes: many become one, order is the file'"'"'s, - is none' 'is "-1:8 0:16 1:3 " labels set --map-classes map.txt && is "[\"pet\", \"wild\"]" classes set --map-classes map.txt'
sed -i '/fox/d' map.txt
ok '--map-classes: each class needs a line' 'fails 1 "does not mention class .fox." ds-pack set --map-classes map.txt'
ok '--map-classes: after --exclude-classes it does not' 'echo fox >x.txt; is "-1:8 0:16 " labels set --exclude-classes x.txt --map-classes map.txt'
printf 'cat pet\n' >map.txt
ok '--map-classes: a line without a tab' 'fails 1 "not followed by a tab" ds-pack set --map-classes map.txt'
ok '--per-class: so many of each, all of a small one, at random' '
	is "0:5 1:5 2:5 3:3 " labels set --per-class 5 && names set --per-class 5 >a && names set --per-class 5 | cmp - a && sort -c a &&
	! names set --per-class 5 --seed 3 | cmp -s - a'
ok '--per-class: each image is as likely as another' '
	for s in $(seq 40); do names set --per-class 2 --seed $s; done | grep ^eel | sort | uniq -c | awk "{ n++; if (\$1 < 2 || \$1 > 22) exit 1 } END { exit n != 8 }"'
ok 'class, then sample, limit, shard' '
	names set --exclude-classes known.txt --sample 10 >a && test $(wc -l <a) = 10 && ! grep -E "cat|fox" a &&
	names set --exclude-classes known.txt --sample 10 --limit 6 >b && head -n 6 a | cmp - b &&
	names set --exclude-classes known.txt --sample 10 --limit 6 --shard 1/2 >c && sed -n "2p;4p;6p" b | cmp - c'
ok '65,537 sources: the last is not taken for the first' '
	cp "$g/photos/dog/0.png" last.png; mkdir many
	$py -c "import os; [os.link(\"set/%s/0.png\" % (\"cat\", \"dog\")[i % 2], \"many/%d.png\" % i) for i in range(65536)]"
	{ find many -name "*.png"; echo last.png; } >sources
	(ulimit -s unlimited; xargs -n 65537 -s 2000000 ds-pack -q --manifest --shard 65536/65537 <sources >many.tsv) &&
	ds-pack -q --manifest last.png >alone.tsv && test "$(sed 1d many.tsv | cut -f3,4)" = "$(sed 1d alone.tsv | cut -f3,4)"'
ok 'misuse' 'fails 2 "exclude each other" ds-pack set --only-classes known.txt --exclude-classes known.txt &&
	fails 2 "needs --size" ds-pack set --fast && fails 2 "exclude each other" ds-pack set --manifest --check x'

ok '--manifest: path, label, bytes, hash' '
	ds-pack set --manifest >m.tsv && test "$(head -n 1 m.tsv)" = "$(printf "path\tlabel\tbytes\txxh3")" && test $(wc -l <m.tsv) = 28 &&
	test "$(sed -n 2p m.tsv | cut -f1-3)" = "$(printf "cat/0.png\t0\t%s" $(wc -c <set/cat/0.png))" && sed 1d m.tsv | grep -vqE "[0-9a-f]{16}$" ; test $? = 1'
command -v xxhsum >/dev/null && ok 'the hash is XXH3-64 of the file' 'test "$(sed -n 2p m.tsv | cut -f4)" = "$(xxhsum -H3 set/cat/0.png | sed "s/.*= //; s/^XXH3_//; s/ .*//")"'
ok '--manifest -o, and in threads' 'ds-pack set --manifest --threads 3 -o n.tsv && cmp m.tsv n.tsv'
tar cf set.tar --sort=name -C set .
ok '--check: the same, and of the archive' 'ds-pack set --check m.tsv -o a.ts && ds-pack set.tar --check m.tsv -o b.ts && ds-pack set --no-history | ts-dump >x && ts-dump a.ts | cmp - x'
differs() { rm -f c.ts; fails 1 "$1" ds-pack set --check m.tsv -o c.ts && test ! -e c.ts; }
cp set/eel/3.png keep; cp "$g/photos/dog/0.png" set/eel/3.png
ok '--check: another content' 'differs "eel/3.png. is of another \(size\|content\) than .m.tsv. says"'
cp keep set/eel/3.png; mv set/eel/4.png set/eel/44.png
ok '--check: another name' 'differs "row 20 is .eel/44.png., but .m.tsv. has .eel/4.png."'
mv set/eel/44.png set/eel/4.png; mv set/fox/2.png keep
ok '--check: one too few' 'differs "there are 26 rows, but .m.tsv. has more; the next is .fox/2.png."'
mv keep set/fox/2.png; cp set/fox/2.png set/fox/9.png
ok '--check: one too many' 'differs "fox/9.png. is row 27, but .m.tsv. has no more"'
rm set/fox/9.png
ok '--check: another label' 'sed "s/^dog\/0.png.1/dog\/0.png\t2/" m.tsv >o.tsv; fails 1 "dog/0.png. is of another label" ds-pack set --check o.tsv -o o.ts'
ok '--check: no manifest' 'fails 1 "not a manifest" ds-pack set --check known.txt; fails 1 "no/such" ds-pack set --check no/such'
printf 'x' >"set/eel/tab	and.png"; cp set/cat/0.png "set/eel/tab	and.png"
ok 'a tab in a name is escaped' 'ds-pack set --manifest >t.tsv && grep -q "^eel/tab.tand.png" t.tsv && ds-pack set --check t.tsv -o t.ts'
ok '--manifest of rows in one file' 'ds-pack "$g/cifar/bin" --manifest >c.tsv && grep -q "^test_batch.bin/00000.*	3072	" c.tsv && ds-pack "$g/cifar/bin" --check c.tsv -o c.ts &&
	ds-pack "$g/cifar/py" --manifest | cut -f4 >c && cut -f4 c.tsv | sort >d && sort c | cmp - d'

py=/usr/bin/python3
if $py -c 'import numpy, PIL, msgpack_numpy' 2>/dev/null; then
	cat >look.py <<'EOF'
import sys, msgpack, msgpack_numpy, numpy as np
from PIL import Image
mode, size, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
got = [r["image"] for r in msgpack.Unpacker(sys.stdin.buffer, object_hook=msgpack_numpy.decode, raw=False, strict_map_key=False) if "image" in r][0][0]
a = Image.open(path)
if mode == "fast":
    a = a.convert("RGB").resize((size, size), Image.BILINEAR)
    d = np.abs(np.asarray(a).transpose(2, 0, 1).astype(int) - got)
    sys.exit(int(not 0 < d.mean() < 4))
a = np.asarray(a.convert("L").resize((size, size), Image.BILINEAR))
sys.exit(int(got.shape != (1, size, size) or np.abs(a.astype(int) - got[0]).max() > 0))
EOF
	mkdir one; cp "$g/resize/source.png" one
	ok '--gray, then --size: Pillow'"'"'s numbers' 'ds-pack one --gray --size 20 | $py look.py gray 20 one/source.png'
	$py -c 'import numpy as np; from PIL import Image
y, x = np.mgrid[0:700, 0:900]
Image.fromarray(np.stack([127 + 120 * np.sin(x / 50 + c) * np.cos(y / 70) for c in range(3)], 2).astype("u1")).save("one/big.jpg")'
	rm one/source.png
	ok '--fast: nearly the same pixels, and not the same' 'ds-pack one --size 64 --fast | $py look.py fast 64 one/big.jpg && ! ds-pack -q one --size 64 --fast | ts-dump | cmp -s - x &&
		ds-pack one --size 600 --fast --no-history >a && ds-pack one --size 600 --no-history | ts-dump >b && ts-dump a | cmp - b'
fi

data=$SRC/../shared/data
if [ -f "$data/tin32-eval.tar.xz" ]; then
	c=$SRC/configs/tiny-imagenet-like-cifar10.txt
	xz -dc "$data/tin32-eval.tar.xz" >tin.tar      # once, and not for each run
	ok 'Tiny ImageNet, raw: val has labels, test has none' '
		ds-pack tin.tar --split val -o v.ts 2>err && ! test -s err && test "$(ts-dump --tsv v.ts | sed 1d | cut -f1 | sort | uniq -c | awk "{ print \$1 }" | sort -u)" = 50 &&
		test "$(ts-dump --tsv v.ts | sed -n 2p)" = "$(printf "107\tval/images/val_0.JPEG")" && ts-dump --header v.ts | grep -q n12267677 &&
		test "$(labels tin.tar --split test)" = "-1:10000 "'
	ok 'without the classes of CIFAR: 176 and 150 are left' '
		ds-pack tin.tar --split val --exclude-classes "$c" --manifest | sed 1d | cut -f2 | sort -un | wc -l | grep -qx 176 &&
		ds-pack tin.tar --split val --exclude-classes "${c%10.txt}100.txt" --manifest | sed 1d | cut -f2 | sort -un | wc -l | grep -qx 150'
	ok 'all of shared/data packs without a warning, but for several splits' '
		for f in "$data"/*.tar*; do ds-pack --size 32 --limit 200 -o /dev/null "$f" 2>err && ! grep -v "has several splits" err || { echo "# $f"; return 1; }; done'
else
	ok 'real images # SKIP none here' true
fi
done_testing
