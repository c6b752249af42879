#!/bin/sh
# The programs' part of make bench: speed and memory use, one line each. Python's lines need Debian's python3-torch and
# are left out without it. Real images are used if available.
PATH=$BUILD/t/helper:$PATH
unset MAKEFLAGS MFLAGS
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
data=$SRC/../shared/data
depth=${DEPTH:-100}
arch=densenet:depth=$depth,growth=12

# line NAME UNITS COUNT RUNS COMMAND...
line() {
	name=$1 unit=$2 count=$3 runs=$4; shift 4
	set -- $(measure "$runs" "$@") || return
	awk -v n="$name" -v u="$unit" -v c="$count" -v t="$1" -v w="$2" -v m="$3" 'BEGIN {
		printf "%-46s %10.0f %-9s %8.3f s (worst %.3f) %8.1f MiB\n", n, c / t, u, t, w, m }'
}
start() {
	set -- "$1" $(measure 9 "$1" --help)
	awk -v n="$1 --help" -v t="$2" -v w="$3" -v m="$4" 'BEGIN {
		printf "%-46s %10.1f ms        (worst %.1f ms) %21.1f MiB\n", n, 1000 * t, 1000 * w, m }'
}
echo "network: $arch at 3x32x32; median of the runs, start of the program included"
echo

for tool in "$BUILD"/*; do
	case $tool in *.so|*.so.*|*.a|*.h|*/fuzz_*) continue ;; esac
	[ -f "$tool" ] && [ -x "$tool" ] && start "${tool##*/}"
done
echo
ds-synth --set id -n 2000 -o synth.images
ts-cat --head 512 synth.images -o train.images
line 'ds-synth --set id' images/s 2000 3 ds-synth --set id -n 2000 -o x.images
if [ -f "$data/cifar10-jpeg.tar.xz" ]; then
	xz -dc "$data/cifar10-jpeg.tar.xz" >cifar.tar
	mkdir small large && tar xf cifar.tar -C small && tar xf "$data/dtd-300.tar" -C large
	line 'ds-pack, 60,000 small JPEGs, folder' images/s 60000 3 ds-pack -o x.images small
	line 'ds-pack, the same, one thread' images/s 60000 3 ds-pack --threads 1 -o x.images small
	line 'ds-pack, the same, tar' images/s 60000 3 ds-pack -o x.images cifar.tar
	line 'ds-pack, 10,000 of them, tar.xz' images/s 10000 3 ds-pack --split test -o x.images "$data/cifar10-jpeg.tar.xz"
	line 'ds-pack, 300 large JPEGs to 32x32' images/s 300 3 ds-pack --size 32 -o x.images "$data/dtd-300.tar"
	line 'ds-pack --fast, the same' images/s 300 3 ds-pack --size 32 --fast -o x.images "$data/dtd-300.tar"
	# A lower bound: reading the archive, and libjpeg's bare calls.
	set -- $(measure 3 tar xOf cifar.tar) $(bare-decode small)
	awk -v r="$1" -v d="$4" 'BEGIN { printf "%-46s %10.0f %-9s %8.3f s (tar -x %.3f s, decoding %.3f s)\n",
		"tar -x and bare libjpeg, the same 60,000", 60000 / (r + d), "images/s", r + d, r, d }'
	set -- $(measure 3 tar xOf "$data/dtd-300.tar") $(bare-decode large)
	awk -v r="$1" -v d="$4" 'BEGIN { printf "%-46s %10.0f %-9s %8.3f s (tar -x %.3f s, decoding %.3f s)\n",
		"tar -x and bare libjpeg, the 300 large", 300 / (r + d), "images/s", r + d, r, d }'
	if /usr/bin/python3 -c 'import torchvision' 2>/dev/null; then
		echo 'the 60,000 small JPEGs, by turns:'
		/usr/bin/python3 -W ignore "$SRC/t/perf/loader.py" small 32 3 0 1 2
		echo 'the 300 large ones, to 32x32:'
		/usr/bin/python3 -W ignore "$SRC/t/perf/loader.py" large/images 32 5 0 1 2
	fi
	rm -rf small large cifar.tar
fi
ts-gen scores msp:f4,energy:f4,label:i8,pred:i8 1000000 1 >id.scores
ts-gen scores msp:f4,energy:f4,label:i8,pred:i8 1000000 2 >ood.scores
line 'ood-metrics, 2 methods, 1M + 1M rows' rows/s 2000000 3 ood-metrics --id id.scores x=ood.scores
ts-gen scores msp:f4 5000000 1 >id5.scores
ts-gen scores msp:f4 5000000 2 >ood5.scores
line 'ood-metrics, 1 method, 5M + 5M rows' rows/s 10000000 3 ood-metrics --id id5.scores x=ood5.scores
if /usr/bin/python3 -c 'import sklearn, msgpack, msgpack_numpy' 2>/dev/null; then
	line '  scikit-learn, the same, files read before' rows/s 10000000 3 /usr/bin/python3 "$SRC/t/perf/metrics.py" \
		id5.scores ood5.scores
fi
rm -f id5.scores ood5.scores
ts-gen scores msp:f4,energy:f4 10000 1 >id.small; ts-gen scores msp:f4,energy:f4 10000 2 >ood.small
line 'ood-metrics --bootstrap 2000, 10k + 10k rows' scores/s 80000000 3 ood-metrics -b 2000 --id id.small x=ood.small
ts-gen features logits:f4:10,features:f4:342 100000 1 >f.features
line 'ts-cat, 10 + 342 columns (147 MB)' rows/s 100000 3 ts-cat -o x.features f.features

# Every method over CIFAR-sized rows, with a bank of 50,000. ts-head gives the random features a last layer.
ts-gen features logits:f4:10,features:f4:342,label:i8 50000 1 | ts-head >train.features
ts-gen features logits:f4:10,features:f4:342,label:i8 10000 2 | ts-head >test.features
line 'ood-fit, 10 + 342 columns, bank of 50,000' rows/s 50000 3 ood-fit -o f.fit train.features
line 'ood-score, all methods' rows/s 10000 3 ood-score -q -f f.fit --val f.fit -o x.scores test.features
for m in $(ood-score -q -f f.fit --val f.fit test.features | ts-dump --tsv | head -n 1); do
	case $m in pred|label|name) continue ;; esac
	line "ood-score -m $m" rows/s 10000 3 ood-score -q -m "$m" -f f.fit --val f.fit -o x.scores test.features
done
# Columns that um-embed adds on request, as many extremes as a DenseNet-100 has.
more=logits:f4:10,features:f4:342,extremes:f4:198,adascale:f4:342,label:i8
ts-gen features $more 50000 3 | ts-head | ood-fit -q -o more.fit
ts-gen features $more 10000 4 | ts-head >more.features
for m in combood adascale-a adascale-l; do
	line "ood-score -m $m" rows/s 10000 3 ood-score -q -m "$m" -f more.fit -o x.scores more.features
done
line 'ood-score -m grood' rows/s 10000 3 ood-score -q -m grood -f f.fit --outliers f.fit -o x.scores test.features

[ "$TORCH" != no ] || exit 0
golden-net ckpt "$arch" 10 >m.ckpt
line 'um-embed' images/s 2000 3 um-embed -q -m m.ckpt -o x.features synth.images
for x in '--odin eps=0.0014' '--i-odin eps=0.0014' '--adascale 0.05' --extremes '--passes 5 --dropout 0.3'; do
	line "um-embed $x" images/s 512 1 um-embed -q -m m.ckpt $x -o x.features train.images
done
line 'um-train, 1 epoch, batch 64' images/s 512 1 um-train -q -a "$arch" -e 1 -b 64 -o x.ckpt train.images
line 'um-train, fold, average, run directory' images/s 512 1 um-train -q -i m.ckpt --um 2 --ema 0.99 \
	-e 1 -b 64 --run run -o x.ckpt train.images
ds-synth --set textures -n 512 -o aux.images
for m in oe energy poem doe mixoe; do  # 512 images and 512 outliers; doe perturbs from the start
	line "um-train --oe $m, the same" images/s 512 1 um-train -q -i m.ckpt --aux aux.images --oe $m --doe-warmup 0 \
		-e 1 -b 64 -o x.ckpt train.images
done
line 'um-prune (UMAP), 1 epoch, batch 64' images/s 512 1 um-prune -q -m m.ckpt --um 2 -e 1 -b 64 -o masked.ckpt train.images
line 'um-estimate, 5 masks' images/s 2560 1 um-estimate -q -m m.ckpt train.images
line 'um-ckpt bake' files/s 1 3 um-ckpt bake -q -o x.ckpt masked.ckpt
line 'ds-view, best 200 of 2,000 by a column' images/s 2000 3 ds-view --sort label --top 200 -o x.png synth.images
/usr/bin/python3 -c 'import torch' 2>/dev/null || exit 0
echo
/usr/bin/python3 "$SRC/t/perf/torch_ref.py" "$depth" "$(nproc)" "$SRC"
