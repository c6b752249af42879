#!/bin/sh
# Every method on 4,000 + 4,000 rows of features of real images: its AUROC is that of an independent NumPy version.
# Only the network's last layer knows CIFAR-10, from means and a covariance: a training would end elsewhere on a
# processor that rounds otherwise, and could leave a class without a row that is got right, which openmax needs.
. "$SRC/t/lib.sh"
data=$SRC/../shared/data
PATH=$BUILD/t/helper:$PATH
[ -f "$data/cifar10-jpeg.tar.xz" ] && [ -f "$data/mnist-test-png.tar.xz" ] || skip_all 'no real images'
/usr/bin/python3 -c 'import numpy, scipy, msgpack, msgpack_numpy' 2>/dev/null || skip_all 'no NumPy and SciPy'
[ -z "$SANITIZE" ] || skip_all 'slow under sanitizers'

ds-pack -q --split train --sample 2000 "$data/cifar10-jpeg.tar.xz" -o train.images
ds-pack -q --split test --sample 4000 "$data/cifar10-jpeg.tar.xz" -o test.images
ds-pack -q --split test --sample 4000 --size 32 "$data/mnist-test-png.tar.xz" -o ood.images
ts-cat --head 1000 test.images -o val.images
net=densenet:depth=10,growth=12
golden-net uneven $net 10 >body.ckpt
um-embed -q --layers -m body.ckpt train.images | ood-fit -o body.fit
golden-net gauss $net 10 body.fit >m.ckpt
for s in train val test ood; do um-embed -q -m m.ckpt $s.images -o $s.f; done
ood-fit train.f -o train.fit
ood-fit val.f -o val.fit
ok 'all methods score 8,000 rows' 'ood-score -m all,nnguide:alpha=1 -f train.fit --val val.fit test.f -o id.s &&
	ood-score -m all,nnguide:alpha=1 -f train.fit --val val.fit ood.f -o ood.s && ts-dump --header id.s | grep -q "\"openmax\""'
ok 'AUROC of each as NumPy has it, to 1e-6' 'OPENBLAS_NUM_THREADS=1 /usr/bin/python3 "$SRC/t/helper/ood_real.py" "$SRC/t/golden" \
	train.f val.f test.f ood.f id.s ood.s'
done_testing
