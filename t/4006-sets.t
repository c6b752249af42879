#!/bin/sh
# The folders in which experiments find their sets: laid out as the published program has them, in any case, and others.
. "$SRC/t/lib.sh"
py=/usr/bin/python3
$py -c 'import numpy, scipy.io, PIL, msgpack, msgpack_numpy, lmdb' 2>/dev/null || skip_all 'no NumPy, SciPy, Pillow, lmdb'
$py "$SRC/t/helper/formats.py" make cifar10,cifar100,svhn,mnist-raw,tiny,imagenet32,folders "$PWD" || { ok 'sources are made' false; done_testing; }

# The published README's names; Tiny ImageNet there is folders of classes, and has no val.
mkdir -p data/dtd data/MNIST data/tinyimagenet data/LSUN
mv cifar10 cifar100 svhn data
mv mnist-raw data/MNIST/raw; mv imagenet32 data/ImageNet
cp -r folders/lined data/dtd; cp -r folders/lined data/LSUN/test
for s in iNaturalist iSUN LSUN-resize Places SUN; do mkdir data/$s; cp -r folders/lined data/$s/images; done
mv tiny/tiny-imagenet-200/train data/tinyimagenet; cp -r data/tinyimagenet/train data/tinyimagenet/test
found() { sh "$SRC/pipelines/sets.sh" "$1" <"$SRC/pipelines/sets.txt"; }
ok 'every set of the published layout is found' 'found data >got; cat >want <<END
cifar10:test:data/cifar10
cifar100:test:data/cifar100
tin:test:data/tinyimagenet
textures:-:data/dtd
mnist:test:data/MNIST
svhn:test:data/svhn
lsun:-:data/LSUN
lsun-resize:-:data/LSUN-resize
isun:-:data/iSUN
places:-:data/Places
sun:-:data/SUN
inaturalist:-:data/iNaturalist
aux:train:data/tinyimagenet
END
	diff got want'
published() { make -s -f "$SRC/pipelines/published.mk" RUN=run TIN_EXCLUDE= AUX_EXCLUDE= MODEL=tiny.ckpt EVAL_LIMIT=2 BOOTSTRAP=10 METHODS=energy ODIN= "$@"; }
ds-pack -q --split train data/cifar10 | um-train -q -a densenet:depth=10,growth=2 -e 1 -o tiny.ckpt
ok 'and the network is scored on each' 'published published-base SETS=all DATA=data >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }
	awk "\$2 == \"base\" && \$3 == \"energy\" { print \$4 }" out | sort | tr "\n" " " | grep -qx "average cifar100 inaturalist isun lsun lsun-resize mnist places sun svhn textures tin " || { sed "s/^/# /" out; false; }'
ok 'none is missing, and that is what is said' 'grep -q "cifar10, and to be told from it: cifar100 tin .* inaturalist; outliers: data/tinyimagenet\$" err'
ok 'CIFAR-100 as ID has CIFAR-10 among its OOD sets' '
	published SET=cifar100 RUN=hundred -n hundred/cifar10.images hundred/test.images DATA=data >out 2>err && grep -q "^ds-pack --split test  *--size 32  *-o hundred/cifar10.images data/cifar10" out && grep -q "split test  *-o hundred/test.images data/cifar100\$" out'
ok 'a folder whose name make cannot have is told, not cut off' '
	for name in a:b "a b"; do ln -sfn "$PWD/data" "$name" && ! published -n DATA="$name" 2>err && grep -q "or a blank in the path of a set" err || exit; done'
ok 'a set is left out by an empty name, or named' '
	published -n RUN=other DATA=data MNIST= SUN=data/LSUN >/dev/null 2>err && grep -q "not in DATA=.data.: mnist" err && grep -q "places sun" err'
ok 'EVAL_LIMIT: so many images of each' 'for f in run/eval-2/*.images; do ts-dump --tsv $f | sed 1d | wc -l | grep -qx 2 || echo $f; done >many; ! test -s many'
mkdir odd
for f in CIFAR-10-binary.tar.gz cifar10-jpeg.tar.xz cifar-100-python.tar.gz Tiny-ImageNet-200.zip tin32-train50k.tar.xz dtd-r1.0.1.tar.gz Places365.tar SUN397.tar.gz \
	test_32x32.mat LSUN_resize.tar.gz iSUN.tar.gz.part lsun.md densenet100-cifar10.pth; do : >odd/$f; done
ok 'names as the sites have them; half a download and notes are none' 'found odd | grep -v ":\$" >got; cat >want <<END
cifar10:test:odd/CIFAR-10-binary.tar.gz
cifar100:test:odd/cifar-100-python.tar.gz
tin:val:odd/Tiny-ImageNet-200.zip
textures:-:odd/dtd-r1.0.1.tar.gz
svhn:test:odd/test_32x32.mat
lsun-resize:-:odd/LSUN_resize.tar.gz
places:-:odd/Places365.tar
sun:-:odd/SUN397.tar.gz
aux:train:odd/tin32-train50k.tar.xz
END
	diff got want'
ok 'a folder without any says what it wants' '! published DATA=nowhere >out 2>err && grep -q "no cifar10.*DATA=dir" err'
real=$SRC/../shared/data
[ ! -e "$real/cifar10-png.tar.xz" ] ||
	ok 'the lossless CIFAR-10 goes before the JPEG one' 'found "$real" | grep -q "^cifar10:test:.*/cifar10-png.tar.xz"'
done_testing
