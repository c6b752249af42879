#!/bin/sh
# The experiment in small: from data to the table, and killed on the way it goes on to the same table.
. "$SRC/t/lib.sh"
have_torch || skip_all 'built without libtorch'

small='N_TRAIN=60 N_TEST=40 N_OOD=20 OOD=blobs ARCH=densenet:depth=10,growth=2'
demo() {
	make -s -f "$SRC/pipelines/demo.mk" RUN="$1" $small TRAIN='--epochs 2 --batch-size 20 --threads 1' \
		FINETUNE='--epochs 1 --batch-size 20 --threads 1' ESTIMATE='--draws 2'
}
ok 'the demo runs' 'demo whole >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }'
ok 'it ends in a table of the models' 'tail -n 7 out | grep -q "^plain *msp" && tail -n 4 out | grep -q "^+CE *msp" && tail -n 1 out | grep -q "^+UM *energy"'
ok 'columns as published' 'tail -n 7 out | grep -q "AUROC.*AUPR-IN.*AUPR-OUT.*FPR95.*ID-ACC"'
ok 'a second call does nothing anew' 'cp whole/um.ckpt before; touch -r whole/um.ckpt stamp; demo whole >again 2>&1; test ! whole/um.ckpt -nt stamp && tail -n 7 again | cmp - whole/table.txt'
ok 'the estimate is what UM was given' 'ts-dump --history whole/um.ckpt | grep -q -- "--um $(cat whole/loss) "'
for wait in 0.3 1.2 2.6; do
	setsid make -s -f "$SRC/pipelines/demo.mk" RUN=killed $small TRAIN='--epochs 2 --batch-size 20 --threads 1' \
		FINETUNE='--epochs 1 --batch-size 20 --threads 1' ESTIMATE='--draws 2' >/dev/null 2>&1 &
	pid=$!
	sleep $wait
	kill -9 -- -$pid 2>/dev/null
	wait $pid 2>/dev/null
done
demo killed >out2 2>&1
ok 'killed three times, it goes on to the same table' 'cmp killed/table.txt whole/table.txt'
ok 'and the same weights' 'ts-cat --no-history killed/um.ckpt | cksum >a; ts-cat --no-history whole/um.ckpt | cksum | cmp - a'
ok 'all programs on one pipe, which dies quietly when its reader goes away' '
	{ ds-synth --set id -n 3000 | um-embed -m whole/um.ckpt | ood-score --method all | ts-dump --tsv; } 2>err |
		head -n 3 >out; test $(wc -l <out) = 3 && ! test -s err'

# Images from an archive, through the CIFAR-10 pipeline with everything small.
mkdir -p data/c/train data/c/test data/dtd
cp -r "$SRC/t/golden/ds/photos/cat" "$SRC/t/golden/ds/photos/dog" data/c/train
cp -r "$SRC/t/golden/ds/photos/cat" "$SRC/t/golden/ds/photos/dog" data/c/test
cp -r "$SRC/t/golden/ds/photos/dog" data/dtd/dots
tar cf data/cifar10.tar -C data/c train test; rm -r data/c
ok 'the CIFAR-10 pipeline without its data says what it wants' '
	! make -s -f "$SRC/pipelines/cifar10.mk" DATA=nowhere >out 2>err && grep -q "DATA=dir" err'
done_testing
