#!/bin/sh
# How pictures are prepared: sizes, filters, crops of ds-pack; recorded in streams and checkpoints, and taken from there.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/ds
cp -r "$g/photos" photos
mkdir one; cp "$g/resize/source.png" one
prepared() { ts-dump --header "$@" | grep -q "\"prepare\": \"$say\""; }
says() { say=$1; shift; ds-pack "$@" | prepared; }
# The pixels of t/golden/ds/resize, which are Pillow's, from the one image of standard input.
pixels() {
	ts-dump | /usr/bin/python3 -c '
import ast, sys, re
want = open(sys.argv[1], "rb").read()[4:]
text = sys.stdin.read()
got = [int(v) for v in re.findall(r"-?\d+", text[text.index("["):text.rindex("]")])]
n = len(want) // 3
sys.exit(got != [want[3 * i + c] for c in range(3) for i in range(n)])' "$g/resize/$1.rgb"
}

if command -v /usr/bin/python3 >/dev/null; then
	for how in bicubic lanczos box hamming; do
		ok "--size 16x20 --interpolation $how: Pillow's numbers" 'ds-pack one --size 16x20 --interpolation $how | ts-cat --select image | pixels $how-16x20'
	done
	ok '--size 15 --resize short --crop 10x15: torchvision'"'"'s' 'ds-pack one --size 15 --resize short --interpolation bicubic --crop 10x15 | ts-cat --select image | pixels bicubic-short15crop10x15'
else
	ok 'pixels # SKIP no Python' true
fi
ok 'misuse: sizes' 'fails 2 "size takes N or HxW, from 1 to 16384, not .0." ds-pack one --size 0 && fails 2 "crop takes N or HxW" ds-pack one --crop 3x &&
	fails 2 "takes one number" ds-pack one --size 3x4 --resize short && fails 2 "interpolation needs --size" ds-pack one --interpolation box'
ok 'a crop that no image is large enough for is misuse, and not said of each' '
	for a in "one" "--stream" "--frames 9x9"; do fails 2 "crop: the crop of 16x16 is larger than the size of 8x8" ds-pack $a --size 8 --crop 16 || exit; done
	fails 2 "larger than the size" ds-pack one --size 8 --resize short --crop 9x10 &&
	if ds-pack one --size 8 --resize short --crop 8x10 >/dev/null 2>err; then :; else ! grep -q "larger than the size" err; fi'
ok 'a stream says how it was prepared' 'says none photos && says "size=8x9 resize=squash interpolation=bilinear" photos --size 8x9 --fast &&
	says "gray size=16 resize=short interpolation=lanczos crop=12" photos --gray --size 16 --resize short --interpolation lanczos --crop 12'

# For a model that is trained.
train() { um-train -q --arch conv2 --epochs 1 --batch-size 4 --lr 0.001 "$@"; }
ds-pack photos --size 16x20 --interpolation bicubic -o a.images
train -o a.ckpt a.images
ok 'um-train: the checkpoint says it, um-ckpt shows it' 'um-ckpt show a.ckpt | grep -q "^# prepare	\"size=16x20 resize=squash interpolation=bicubic\"$"'
ok 'ds-pack --for: the same stream' 'ds-pack photos --for a.ckpt --no-history | ts-dump >b && ts-dump a.images | cmp - b && say="size=16x20 resize=squash interpolation=bicubic" && ds-pack photos --for a.ckpt | prepared'
ok '--for tells with -v' 'ds-pack -v photos --for a.ckpt 2>err >x && grep -q "as .a.ckpt. says: size=16x20" err'
ok 'misuse: --for and --size' 'for a in "--size 8" "--crop 8" --gray "--resize short" "--interpolation box"; do fails 2 "takes from the model" ds-pack photos --for a.ckpt $a || exit; done'
ok '--for of what is no checkpoint' 'fails 1 "a.images.*checkpoint" ds-pack photos --for a.images && fails 1 "no.ckpt" ds-pack photos --for no.ckpt &&
	echo x >t.ckpt && fails 1 "t.ckpt" ds-pack photos --for t.ckpt'
ok 'um-embed: the same is silent' 'um-embed -m a.ckpt a.images -o f 2>err && ! test -s err'
ok 'um-embed: other pixels of the same size are said' 'ds-pack photos --size 16x20 | um-embed -m a.ckpt -o f 2>err && grep -q "its images were prepared by .*bilinear., those of the model by .*bicubic.: ds-pack --for MODEL, or --size 16x20 --resize squash --interpolation bicubic" err && test $(wc -l <err) = 1'
ok 'um-train --init: from now on as the new images, which is said' '
	ds-pack photos --size 16x20 -o c.images && um-train --init a.ckpt --epochs 1 --batch-size 4 -o c.ckpt c.images 2>err && grep -q "prepared by .*bilinear., those that the model was trained on before by .*bicubic" err &&
	um-ckpt show c.ckpt | grep -q "^# prepare.*bilinear"'
ok 'um-ckpt bake, um-prune keep it' 'um-prune -q -m a.ckpt --keep 0.5 --epochs 1 --batch-size 4 -o m.ckpt a.images && um-ckpt bake -o d.ckpt m.ckpt 2>/dev/null && um-ckpt show d.ckpt | grep -q "^# prepare.*bicubic"'
ds-synth --set id -n 40 -o s.images 2>/dev/null
train -o s.ckpt s.images
ok 'images as they were: others are resized to them' 'um-ckpt show s.ckpt | grep -q "^# prepare	\"none\"$" && ds-pack -v photos --for s.ckpt -o s2.images 2>err && grep -q "trained on images as they were; others are prepared by size=32 resize=squash" err &&
	um-embed -m s.ckpt s2.images -o f 2>err && ! grep prepared err'

# For a model that is imported.
um-ckpt export -o a.pth a.ckpt
import() { um-ckpt import -q --arch conv2 --normalise half "$@" a.pth; }
ok 'import without it: --for says what to do' 'import --size 16x20 -o i.ckpt && fails 1 "i.ckpt.: does not say how its images were prepared; um-ckpt import --prepare" ds-pack photos --for i.ckpt &&
	um-embed -m i.ckpt a.images -o f 2>err && ! test -s err'
ok 'import --prepare: the size, and how' 'import --prepare "size=24,resize=short,crop=16x20" -o i.ckpt && um-ckpt show i.ckpt | grep -q "^# prepare	\"size=24 resize=short interpolation=bilinear crop=16x20\"" &&
	ds-pack photos --for i.ckpt | ts-dump --header | grep -q "\"shape\": \[3, 16, 20\]"'
ok 'import --prepare that does not fit' 'fails 1 "prepare .size=8.* makes images of 8x8, the network takes 16x20" import --size 16x20 --prepare size=8 -o j.ckpt && test ! -e j.ckpt &&
	fails 1 "3 channels\|1 channels" import --size 16x20 --prepare "gray size=16x20" -o j.ckpt'
ok 'import --prepare: words' 'fails 2 "prepare: .sizes. is not one of .*did you mean .size" import --prepare sizes=3 -o j.ckpt'
done_testing
