#!/bin/sh
# ds-pack --distort: deliberately distorted pictures match Pillow's, and are never taken for clean ones.
. "$SRC/t/lib.sh"
/usr/bin/python3 -c 'import PIL, numpy' 2>/dev/null || skip_all 'no NumPy, no Pillow'
mkdir p q
ok 'what each kind does, number by number' '/usr/bin/python3 - <<-END
		import io, json, subprocess
		import numpy as np
		from PIL import Image, ImageEnhance
		rng = np.random.default_rng(5)
		for i, (h, w) in enumerate([(40, 40)] * 3):
		    a = rng.integers(0, 256, (h // 4, w // 4, 3)).astype(np.uint8)
		    Image.fromarray(a).resize((w, h), Image.BICUBIC).save("p/%d.png" % i)
		clean = [Image.open("p/%d.png" % i) for i in range(3)]

		def jpeg(q):
		    def f(im):
		        b = io.BytesIO()
		        im.save(b, "JPEG", quality=q)
		        return Image.open(b).convert("RGB")
		    return f

		def there(factor, filt):
		    return lambda im: im.resize((round(40 * factor),) * 2, filt).resize((40, 40), filt)

		def blur(s):
		    def f(im):
		        r = int(np.ceil(3 * s))
		        k = np.exp(-np.arange(-r, r + 1) ** 2 / (2 * s * s))
		        k /= k.sum()
		        a = np.pad(np.asarray(im).astype(float), ((r, r), (r, r), (0, 0)), "edge")
		        a = sum(k[i] * a[i:i + 40] for i in range(2 * r + 1))
		        a = sum(k[i] * a[:, i:i + 40] for i in range(2 * r + 1))
		        return np.rint(a)
		    return f

		bright = lambda x: lambda im: ImageEnhance.Brightness(im).enhance(x)
		cases = {"jpeg": jpeg(75), "jpeg=10": jpeg(10), "jpeg=100": jpeg(100), "brightness=0.5": bright(0.5), "brightness=1.7": bright(1.7),
		         "bilinear": there(0.5, Image.BILINEAR), "bicubic=0.7": there(0.7, Image.BICUBIC), "lanczos=2": there(2, Image.LANCZOS),
		         "box=0.25": there(0.25, Image.BOX), "hamming=0.5": there(0.5, Image.HAMMING), "blur": blur(1), "blur=2.3": blur(2.3),
		         "blur=9": blur(9), "brightness=0.5,jpeg=20": lambda im: jpeg(20)(bright(0.5)(im))}
		for words, f in cases.items():
		    out = subprocess.run("ds-pack -q --distort %s p | ts-dump" % words, shell=True, capture_output=True, text=True, check=True).stdout
		    for row, im in zip(out.splitlines(), clean):
		        got = np.array(json.loads(row)["image"]).transpose(1, 2, 0)
		        assert (got == np.asarray(f(im))).all(), (words, np.abs(got - np.asarray(f(im))).max())
		for i, im in enumerate(clean):
		    jpeg(20)(im).save("q/%d.png" % i)
	END'
pack() { ds-pack -q "$@" p; }
ok 'it comes before a picture is prepared' 'ds-pack -q --distort jpeg=20 --size 16 --gray p | ts-dump >a && ds-pack -q --size 16 --gray q | ts-dump >b && cmp a b && ds-pack -q --size 16 --gray p | ts-dump >c && ! cmp -s a c'
ok 'meta and history record it, with each level, and so does all that is made from it' '
	pack --distort blur,jpeg=30 -o d.images && ts-dump --header d.images | grep -q "\"distorted\": *\"blur=1,jpeg=30\"" && ts-dump --history d.images | grep -q -- "--distort blur,jpeg=30" &&
	ds-synth --set id -n 12 -o x.images && um-train -q -a resnet-narrow:depth=8 -e 1 --threads 1 -o m.ckpt x.images 2>err && ds-pack -q --distort jpeg --for m.ckpt p | um-embed -q -m m.ckpt | ood-score -q -m msp | ts-dump --header | grep -q "\"distorted\": *\"jpeg=75\"" &&
	! pack | ts-dump --header | grep -q distorted && pack --distort brightness=1.23456789 | ts-dump --header | grep -q "brightness=1.23456789\""'
ok 'what learns of such images warns' '
	ds-pack -q --distort blur,jpeg=30 --for m.ckpt p | um-embed -q -m m.ckpt -o d.features; ood-fit -o f d.features 2>err && grep -q "distorted on purpose (blur=1,jpeg=30)" err &&
	ood-score -q -m msp d.features | ood-threshold -o t 2>err && grep -q "distorted on purpose" err && ds-pack -q --distort jpeg --for m.ckpt p -o dd.images && um-train -a resnet-narrow:depth=8 -e 1 --threads 1 -o m2.ckpt dd.images 2>err; grep -q "distorted on purpose (jpeg=75)" err && ood-fit -o f x.images 2>err; ! grep -q distorted err'
ok 'the same bytes with any number of threads' 'pack --threads 1 --distort blur=0.5,jpeg -o 1 && pack --threads 3 --distort blur=0.5,jpeg -o 3 && ts-cat --no-history 1 >a && ts-cat --no-history 3 >b && cmp a b'
ok 'clean and distorted rows are not joined' 'pack -o c.images && fails 1 "was not distorted as the first stream was" ts-cat c.images d.images && fails 1 "was not distorted as" ts-cat d.images c.images && ts-cat d.images d.images >two'
ok 'misuse' 'for w in jpg jpeg=0 jpeg=101 jpeg=50.5 jpeg= blur=nan blur=0 brightness=-1 box=0 "" blur, jpeg=x; do ds-pack --distort "$w" p >out 2>err; test $? = 2 || echo "# $w"; done >bad; cat bad; ! test -s bad &&
	fails 2 "did you mean .jpeg." ds-pack --distort jpg p && fails 2 "whole number from 1 to 100" ds-pack --distort jpeg=1.5 p && fails 2 "a manifest is of files as they are" ds-pack --manifest --distort jpeg p &&
	fails 2 "at their full size" ds-pack --distort jpeg --fast --size 8 p && fails 2 "more than 8" ds-pack --distort jpeg,jpeg,jpeg,jpeg,jpeg,jpeg,jpeg,jpeg,jpeg p && fails 2 "is for a SOURCE" ds-pack --stream --size 8 --distort jpeg'
ok 'a single pixel keeps its colour' '/usr/bin/python3 -c "import PIL.Image; PIL.Image.new(\"RGB\", (1, 1), (80, 80, 80)).save(\"one.png\")" &&
	ds-pack -q --distort blur=32,box=0.01,bicubic=3,jpeg=100 one.png | ts-dump | grep -q "\[\[\[80\]\], *\[\[80\]\], *\[\[80\]\]\]"'
done_testing
