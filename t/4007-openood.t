#!/bin/sh
# OpenOOD's benchmark on a small tree in exactly its layout: its table to the digit, what is missing, the full spectrum, tuning.
. "$SRC/t/lib.sh"
py=/usr/bin/python3
$py -c 'import numpy, sklearn, PIL' 2>/dev/null || skip_all 'no NumPy, scikit-learn, Pillow'
helper=$SRC/t/helper/openood.py
$py "$helper" make OpenOOD/data || { ok 'the tree is made' false; done_testing; }
for s in 0 1; do
	mkdir -p OpenOOD/results/cifar10_resnet18_32x32_base_e100_lr0.1_default/s$s
	ds-pack -q --list OpenOOD/data/benchmark_imglist/cifar10/train_cifar10.txt --root OpenOOD/data/images_classic |
		um-train -q -a densenet:depth=10,growth=2 -e 2 --batch-size 30 --seed $s --threads 1 -o OpenOOD/results/cifar10_resnet18_32x32_base_e100_lr0.1_default/s$s/best.ckpt 2>/dev/null
done
openood() { make -s -f "$SRC/pipelines/openood.mk" BENCH=cifar10 DATA=OpenOOD/data "$@"; }
sets='near:cifar100 near:tin far:mnist far:svhn far:texture far:places365'
# "METHOD near-auroc near-fpr far-auroc far-fpr" of a table, without marks and deviations.
plain() { sed 1d "$1" | sed '/^$/,$d; s/([^)]*)//g; s/\([0-9]\)[*+]/\1/g' | awk '{ print $1, $2, $3, $4, $5 }' | sort; }

ok 'both networks beside DATA, every set, every method' 'openood RUN=run >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }
	head -n 1 out | grep -qx "cifar10: 2 network(s); near: cifar100 tin; far: mnist svhn texture places365" && test "$(plain run/table.txt | wc -l)" -gt 25 && cat err | sed "s/^/# /"; ! test -s err'
ok 'near and far as OpenOOD counts, to the digit' '$py "$helper" table run id $sets | sort >want && plain run/table.txt >got && cmp got want || { diff got want | sed "s/^/# /"; false; }'
ok 'it ends with a page, and where that is' 'tail -n 1 out | grep -qx "A page to look at: run/report.html" && grep -q "<td class=\"w\">near average</td>" run/report.html'
ok 'for a paper: LaTeX and CSV with every set' 'grep -q "cifar100 AUROC & cifar100 FPR95 & tin AUROC .* near average AUROC" run/table.tex && head -n 1 run/table.csv | grep -q "^method,cifar100.auroc,cifar100.auroc_std,.*far average.aupr_out"'
ok 'what is done is not done again' 'sleep 0.01; touch stamp; openood RUN=run >again 2>&1 && cmp out again && test -z "$(find run -newer stamp)"'
ok 'the images are as OpenOOD prepares them' 'openood -n RUN=other 2>/dev/null | grep "other/s1/texture.scores" | grep -q "ds-pack -q --lenient --size 32 --resize short --crop 32 --list .OpenOOD/data/benchmark_imglist/cifar10/test_texture.txt. --root .OpenOOD/data/images_classic."'
ok 'of ImageNet too' 'make -s -n -f "$SRC/pipelines/openood.mk" BENCH=imagenet200 DATA=OpenOOD/data MODELS=x.ckpt 2>err; grep -q "no list .OpenOOD/data/benchmark_imglist/imagenet200/test_ninco.txt" err && grep -q "images_classic\|not whole" err'

rm OpenOOD/data/images_classic/svhn/test/0/0003.png OpenOOD/data/benchmark_imglist/cifar10/test_mnist.txt
quick='MODELS=OpenOOD/results/cifar10_resnet18_32x32_base_e100_lr0.1_default/s0/best.ckpt METHODS=msp,energy,knn:k=5'
ok 'a list or an image that is missing is told, and ends it' 'openood RUN=less $quick 2>err; test $? = 2 && grep -q "mnist (far): no list .OpenOOD/data/benchmark_imglist/cifar10/test_mnist.txt" err && grep -q "svhn (far): .*svhn/test/0/0003.png" err && grep -q "SKIP=yes goes on" err && ! test -e less'
ok 'SKIP=yes skips these sets, and names them' 'openood RUN=less SKIP=yes $quick >out 2>err && grep -q "svhn (far)" err && head -n 1 out | grep -qx "cifar10: 1 network(s); near: cifar100 tin; far: texture places365" &&
	$py "$helper" table less id near:cifar100 near:tin far:texture far:places365 | sort >want && plain less/table.txt | cmp - want'
um-ckpt export -q --format pth -o s0.pth "$(echo "$quick" | sed 's/MODELS=//; s/ .*//')"
ok 'a checkpoint of PyTorch' 'openood RUN=pth SKIP=yes $quick MODELS=s0.pth >out 2>err && ts-dump --history pth/s1/model.ckpt | grep -q -- "--mean 0.4914,0.4822,0.4465 --std 0.2470,0.2435,0.2616" &&
	$py "$helper" table pth id near:cifar100 near:tin far:texture far:places365 | sort >want && plain pth/table.txt | cmp - want'
one=${quick#MODELS=}; one=${one% *} two=$(echo "$one" | sed 's,/s0/,/s1/,'); touch -d 2001-01-01 "$one" "$two"
ok 'another network in the same folder, though its file is older: another table' 'openood RUN=pth SKIP=yes $quick MODELS=$two >out 2>err && cmp pth/s1/model.ckpt $two &&
	$py "$helper" table pth id near:cifar100 near:tin far:texture far:places365 | sort >want && plain pth/table.txt | cmp - want && plain less/table.txt >first && ! cmp -s first want'
ok 'one network after two, and other methods' 'openood RUN=pth SKIP=yes $quick MODELS="$one $two" >out 2>err && grep -q "^cifar10: 2 network" out && openood RUN=pth SKIP=yes $quick >out 2>err && plain pth/table.txt | cmp - first &&
	openood RUN=pth SKIP=yes $quick METHODS=maxlogit >out 2>err && plain pth/table.txt | cut -d " " -f 1 | grep -qx maxlogit && openood RUN=pth SKIP=yes $quick >out 2>err && touch stamp && openood RUN=pth SKIP=yes $quick >again 2>err &&
	cmp out again && test -z "$(find pth -newer stamp)"'
ok 'FULL=yes: what looks otherwise is ID too' 'openood RUN=full SKIP=yes FULL=yes $quick >out 2>err && head -n 1 out | grep -q "; ID too: cifar10c$" && test "$(ts-dump --tsv full/s1/known.scores | wc -l)" = 63 &&
	$py "$helper" table full known near:cifar100 near:tin far:texture far:places365 | sort >want && plain full/table.txt | cmp - want'
tuned='SWEEPS=knn:k=1,5,20 react:percentile=80,95'
ok 'TUNE=yes: the settings that are best on validation sets' 'openood RUN=tuned SKIP=yes TUNE=yes METHODS=msp,knn,react "${quick%% METHODS*}" "$tuned" >out 2>err || { tail -n 5 err | sed "s/^/# /"; false; }
	ood-metrics -q -s -f tsv --show auroc --id tuned/s1/val.swept tuned/s1/oodval.swept | sed 1d | sort -t "	" -k 2gr >by && best=$(grep "^knn" by | head -n 1 | cut -f 1) && grep -qx "msp,$best,react:.*" tuned/s1/methods && awk "{ print \$1 }" tuned/table.txt | sed 1d | head -n 3 | paste -sd " " | grep -qx "msp knn react"'
ok 'a method that is asked for in several settings keeps a row for each' '
	chosen="msp,knn:k=5,energy:temperature=1,energy:temperature=9,react,react:percentile=80"
	printf "%s\t1\n" method msp knn knn:k=5 energy:temperature=1 energy:temperature=9 react react:percentile=80 >rows
	awk -f "$SRC/pipelines/openood.awk" -v chosen="$chosen" rows | cut -f1 | paste -sd " " | grep -qx "method msp knn energy:temperature=1 energy:temperature=9 react react:percentile=80"'
ok 'no benchmark, no checkpoint' 'make -s -f "$SRC/pipelines/openood.mk" BENCH=mnist DATA=x 2>err; grep -q "BENCH=mnist is no benchmark" err && make -s -f "$SRC/pipelines/openood.mk" DATA=nowhere/data 2>err; grep -q "no checkpoint in nowhere/results: MODELS=" err'
done_testing
