#!/bin/sh
# make published, from nothing to the table, on real images but few, with a network of seconds; and killed on the way.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
data=$SRC/../shared/data
[ -e "$data/cifar10-jpeg.tar.xz" ] || skip_all "no real images in ../shared/data"
# The JPEG version only because it unpacks in a sixth of the time.
set -- DATA="$data" CIFAR10="$data/cifar10-jpeg.tar.xz" CIFAR100= MODEL=tiny.ckpt SEEDS=1 EPOCHS=1 OE_EPOCHS=1 AXIS_EPOCHS=1 \
	M=0.4 OE=oe LIMIT=300 EVAL_LIMIT=30 FIT_LIMIT=100 KNOWN_LIMIT=50 ESTIMATE_LIMIT=60 DRAWS=2 BOOTSTRAP=20 METHODS=energy,odin THREADS=1 \
	ROWS='ce um um0.4 umap umap-full' OE_ROWS='oe oe+um' AXIS_ROWS=um MNIST=
for a; do printf "'%s' " "$a"; done >settings
published() { eval "make -s -f '$SRC/pipelines/published.mk' \"\$@\" $(cat settings)"; }
um=e1_lr0.1_b256_n300/1/um
rows() { awk '/^Without/ { exit } $3 == "energy" { print $1, $2 }' "$1" | tr '\n' ';'; }
ds-pack -q --split train --sample 100 "$data/cifar10-jpeg.tar.xz" | um-train -q -a densenet:depth=10,growth=2 -e 1 -o tiny.ckpt
# Killed when the first row is trained, and while another is.
setsid make -s -f "$SRC/pipelines/published.mk" published RUN=run "$@" >/dev/null 2>&1 &
pid=$!
tries=0
until [ -e run/e1_lr0.1_b256_n300/1/um/train.log ] || [ $tries = 6000 ]; do sleep 0.05; tries=$((tries + 1)); done
kill -s KILL -- -$pid; wait $pid 2>/dev/null
ok 'the table of a run that was killed names what is not finished' '
	published published-table RUN=run >out 2>err; grep -A 9 "^Not finished" out | grep -q "^e1_lr0.1_b256_n300/1/um: " || { cat out err | sed "s/^/# /"; false; }'
ok 'it goes on to the table' 'published published RUN=run >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'the network is that of one training in one go' '
	um-train -q --config "$SRC/configs/cifar10-um.yaml" --nesterov --dropout 0 --epochs 1 --seed 1 --init tiny.ckpt --um $(cat run/loss) run/tune-300.images |
	ts-cat --no-history | cksum >a && ts-cat --no-history run/$um/model.ckpt | cksum | cmp - a'
ok 'a row for the network, the control, UM and UMAP' '
	test "$(rows out)" = "base base;e1_lr0.1_b256_n300 ce;e1_lr0.1_b256_n300 um;e1_lr0.1_b256_n300 um0.4;e1_lr0.1_b256_n300 umap;e1_lr0.1_b256_n300 umap-full;" || { rows out | sed "s/^/# /"; false; }'
ok 'what the network holds of its training images is measured' '
	um-estimate -q --keep 1 --draws 1 -m tiny.ckpt run/base/0/base/known.images >want && awk "NR == 2 { print \$1 }" run/base/0/base/memory.tsv >got && near 1e-3 got want'
ok 'nothing is left unfinished' '! grep -q "^Not finished" out'
ok 'the level is that of um-estimate, and what UM was given' '
	grep -q "um-estimate says: $(cat run/loss)\$" out && ts-dump --history run/e1_lr0.1_b256_n300/1/um/model.ckpt | grep -q -- "--um $(cat run/loss) " &&
	ts-dump --history run/e1_lr0.1_b256_n300/1/umap/model.ckpt | grep -q -- "--um $(cat run/loss) " &&
	ts-dump --history run/e1_lr0.1_b256_n300/1/um0.4/model.ckpt | grep -q -- "--um 0.4 "'
ok 'the full network of UMAP is the base' '
	for r in base/0/base e1_lr0.1_b256_n300/1/umap-full; do sed "s/^[^	]*	//" run/$r/eval-30/metrics.tsv >$(basename $r).tsv; done; cmp base.tsv umap-full.tsv'
ok 'which sets there are is said, and which are not' 'grep -q "told from it: tin textures; not in DATA=.*: cifar100 mnist svhn lsun" err'
ok 'the table of a row is ood-metrics of its scores' '
	d=run/e1_lr0.1_b256_n300/1/um0.4/eval-30 && ood-metrics -q -f tsv --id $d/test.scores tin=$d/tin.scores textures=$d/textures.scores |
	awk "\$1 == \"energy\" && \$2 == \"average\" { printf \"%.2f %.2f\\n\", 100 * \$3, 100 * \$6 }" >want && sed "/^Without/,\$d" out | awk "\$2 == \"um0.4\" && \$3 == \"energy\" { print \$5, \$9 }" | cmp - want'
ok 'outliers: their own rows, and a table without the set that they are of' '
	published published-outliers RUN=run >o.out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }
	rows o.out | grep -q "e1_lr0.01_b256_n300 oe;e1_lr0.01_b256_n300 oe+um;" && grep -q "^Without Tiny ImageNet.*average over textures" o.out'
ok 'axes: control and UM with each learning rate' '
	published published-axes RUN=run >o.out 2>err && test -e run/e1_lr0.01_b256_n300/1/um/eval-30/metrics.tsv && rows o.out | grep -q "e1_lr0.1_b256_n300 um;"'
ok 'SETS=all: a row for each set' 'published published-table RUN=run SETS=all >o.out && awk "\$2 == \"um0.4\" && \$3 == \"energy\" {print \$4}" o.out | tr "\n" " " | grep -qx "textures tin average "'
done_testing
