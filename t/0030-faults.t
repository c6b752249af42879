#!/bin/sh
# Every allocation, every read, every write, every rename may fail: each call in its own run, for every program that
# works without libtorch (t/helper/faults.c says what each run must satisfy). With SLOW=yes all calls; otherwise a
# sample.
. "$SRC/t/lib.sh"
[ -z "$SANITIZE" ] || skip_all 'the sanitizers have a malloc of their own'
PATH=$BUILD/t/helper:$PATH
SHIM=$BUILD/t/shim/fault.so

ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 40 1 >scores.ts
ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 40 2 >other.ts
ts-gen scores e:f8 40 2 >wide.ts
ts-dump --tsv scores.ts >scores.tsv; ts-dump --tsv other.ts | tr '\t' ',' >other.csv
awk 'BEGIN { srand(3); for (i = 0; i < 40; i++) { for (k = 0; k < 7; k++) printf "%.4f ", rand() + (k == i % 3); print i % 3, "row" i } }' |
	ts-gen features logits:f4:3,features:f4:4,label:i8,name:str >features.ts
golden-net images 4 10 >images.ts
golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt
golden-net scores-layer densenet:depth=10,growth=2 10 >masked.ckpt
golden-net images 4 2 8 >tiny.ts; golden-net outliers 4 - 8 >outliers.ts; golden-net ckpt conv2:width=0.02 2 8 >tiny.ckpt
tiny='--arch conv2:width=0.02 --epochs 1 --batch-size 4'
um-embed -q -m tiny.ckpt tiny.ts >tiny.f; ood-score -q -m msp tiny.f | ood-threshold -q -a 0.2 -o det.thr; ood-pack -q -m tiny.ckpt -t det.thr -o det
um-ckpt export -q -o m.pth m.ckpt && um-ckpt export -q -o m.safetensors m.ckpt
printf 'method\tset\tauroc\nmsp\ta\t1\n' >seed1.tsv; printf 'method\tset\tauroc\nmsp\ta\t0.5\n' >seed2.tsv
printf 'cat\ndog\nemu\n' >words; printf 'method: msp\nquiet: true\n' >config.yaml
for c in cat dog; do mkdir -p folder/$c; image-gen png 5 4 >folder/$c/1.png; image-gen jpeg 5 4 >folder/$c/2.jpg; image-gen webp 5 4 >folder/$c/3.webp; done
tar cf photos.tar folder; tar czf photos.tar.gz folder; ls folder/*/* | sed 's/$/ 1/' >list.txt; sed 's/ 1$/ {"label": 1, "group": [0, 2]}/' list.txt >mos.txt
ds-pack -q folder -o small.ts
mkdir folder8; for i in 1 2 3; do image-gen png 8 8 >folder8/$i.png; done; tar cf photos8.tar folder8
ts-dump --tsv scores.ts >/dev/null; ood-fit -q features.ts -o f.fit; ood-threshold -q -a 0.5 scores.ts -o t.fit
printf '1\n2\n0\n' | sed '1i label' >labels.csv; tr '\t' , <scores.tsv | cut -d, -f 1-4 >scores.csv
/usr/bin/python3 -c 'import numpy as np; f = np.ones((3, 4), "f4"); np.savez("feats.npz", features=f, name=np.array(list("abc"))); np.savez("head.npz", weight=f, bias=f[:, 0])'
ts-import -q feats.npz | ts-export --select features -o f.safetensors
mkdir graphs && /usr/bin/python3 "$SRC/t/helper/onnx_small.py" graphs && um-ckpt import -q --normalise imagenet --size 32 -o graph.ckpt graphs/gemm.onnx
mkdir sets; /usr/bin/python3 "$SRC/t/helper/formats.py" make mnist,cifar10,imagenet32,tiny,svhn,webdataset sets

# A sample of each kind: at most 4 calls, each failing alone and with all later ones.
faults_in() { # WHAT [-o FILE]... -- COMMAND...
	what=$1; shift; bad=0
	for kind in alloc read write rename; do
		if [ -n "$SLOW" ]; then from=1 step=1; else
			calls=$(faults "$SHIM" $kind 1 999999999 "$@" | sed -n 's/.*: \([0-9]*\) calls.*/\1/p')
			step=$((${calls:-0} / 4 + 1)) from=$(($(printf '%s' "$what$kind" | cksum | cut -d' ' -f1) % step + 1))
		fi
		faults "$SHIM" $kind $from $step "$@" >said || bad=1
		sed "s/^# /# $what: /" said | tee -a all
	done
	return $bad
}
each() { what=$1; shift; n=$((n + 1)); if faults_in "$what" "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; bad_all=1; fi; }
bad_all=0
each 'ts-cat' -o o -- ts-cat -o o scores.ts other.ts
each 'ts-cat by pipe' -- ts-cat --shuffle --head 6 --select msp,name scores.ts
each 'ts-dump' -- ts-dump scores.ts
each 'ts-dump --tsv' -- ts-dump --tsv scores.ts
each 'ts-dump of a checkpoint' -- ts-dump m.ckpt
each 'ts-dump --header' -- ts-dump --header features.ts
each 'ts-dump --history' -- ts-dump --history small.ts
each 'ts-split' -o o -o rest -- ts-split --fraction 0.5 --rest rest -o o scores.ts
each 'ts-import' -o o -- ts-import -q --head head.npz -o o feats.npz labels.csv
each 'ts-import of safetensors' -o o -- ts-import -q -o o f.safetensors
each 'ts-import of scores' -- ts-import -q scores.csv
each 'ts-export' -o o -- ts-export -f npz -o o features.ts
each 'ts-export of a table' -- ts-export -f csv features.ts
each 'ts-export of safetensors' -- ts-export -f safetensors --select logits,features features.ts
each 'ts-export of one array' -- ts-export -f npy --select name features.ts
each 'ds-synth' -o o -- ds-synth -q --set id --n 4 -o o
each 'ds-synth of an OOD set' -- ds-synth -q --set blobs --n 4
each 'ds-pack of a folder' -o o -- ds-pack -q folder -o o
each 'ds-pack of an archive' -c -o o -- ds-pack -q photos.tar -o o
each 'ds-pack of a .tar.gz, resized' -c -o o -- ds-pack -q --size 8 photos.tar.gz -o o
each 'ds-pack --list' -o o -- ds-pack -q --list list.txt --root . -o o
each 'ds-pack --list, labels in JSON' -o o -- ds-pack -q --list mos.txt --root . -o o
each 'ds-pack --skip-bad' -o o -- ds-pack -q --skip-bad folder -o o
for s in mnist cifar10 imagenet32 tiny; do
	each "ds-pack of $s" -c -o o -- ds-pack -q sets/$s -o o
done
# libmatio takes a failed read for the end, and libarchive takes a file that it cannot open for one that is not an
# archive. Out of memory, the libraries behind libmatio end the program with 127, so here only reads fail.
for src in sets/svhn "$(echo sets/webdataset/*.tar)"; do
	n=$((n + 1)) what="ds-pack of $src: every read"
	if faults "$SHIM" read 1 1 -o o -- ds-pack -q --size 8 $src -o o >said; then echo "ok $n - $what"; else bad_all=1; echo "not ok $n - $what"; cat said; fi
done
each 'ds-view' -o o -- ds-view -q -o o small.ts
each 'ood-fit' -c -o o -- ood-fit -q -o o features.ts
# OpenBLAS's own start is a tenth of these calls, and libgfortran, which it loads, overflows the stack without memory.
n=$((n + 1)) what='ood-fit: OpenBLAS starts without memory'
if faults "$SHIM" alloc 1 6 -c -o o -- ood-fit -q -o o features.ts >said; then echo "ok $n - $what"; else bad_all=1; echo "not ok $n - $what"; cat said; fi
each 'ood-fit --merge' -c -o o -- ood-fit -q --merge -o o f.fit f.fit
each 'ood-score' -c -o o -- ood-score -q -m msp,energy -o o features.ts
each 'ood-score, everything' -c -o o -- ood-score -q --fit f.fit -o o features.ts
each 'ood-score --config' -- ood-score --config config.yaml features.ts
each 'ood-score --threshold' -- ood-score -q --threshold t.fit features.ts
each 'ood-threshold' -o o -- ood-threshold -q -a 0.5 -o o scores.ts
each 'ood-threshold of <f8' -o o -- ood-threshold -q -a 0.5 -o o wide.ts
each 'ood-pack' -o o -- ood-pack -q -m tiny.ckpt -t det.thr -r scores.ts -o o
each 'ood-detect' -- ood-detect --tsv --threads 1 det tiny.ts
each 'ood-detect of an archive' -c -- ood-detect --json --threads 1 det photos8.tar
each 'ood-watch' -- ood-watch --pass -q -m msp -r other.ts scores.ts
each 'ood-metrics' -o roc -- ood-metrics --id scores.ts --roc roc -f tsv other.ts
each 'ood-metrics of text, with everything' -- ood-metrics --id scores.tsv -f json --show all --pooled --delong --bootstrap 5 other.csv
each 'ood-seeds' -- ood-seeds seed1.tsv seed2.tsv
each 'um-embed' -o o -- um-embed -q --threads 1 -m m.ckpt -o o images.ts
each 'um-embed --layers' -o o -- um-embed -q --threads 1 --layers -m m.ckpt -o o images.ts
each 'um-estimate' -- um-estimate -q --threads 1 --draws 1 -m m.ckpt images.ts
export ONNXRUNTIME="$BUILD/t/shim/onnxruntime.so"
each 'um-embed of ONNX' -o o -- um-embed -q --threads 1 -m graphs/matmul.onnx --features g --normalise imagenet -o o images.ts
each 'um-embed of a checkpoint of ONNX' -o o -- um-embed -q --threads 1 -m graph.ckpt -o o images.ts
each 'um-ckpt import of ONNX' -o o -- um-ckpt import -q --normalise imagenet --size 32 -o o graphs/outside.onnx
each 'um-embed --full' -o o -- um-embed -q --threads 1 --full -m masked.ckpt -o o images.ts
each 'um-estimate --per-sample' -o o -- um-estimate -q --threads 1 --draws 1 --per-sample o -m m.ckpt images.ts
each 'um-train' -o o -- um-train -q --threads 1 $tiny -o o tiny.ts
each 'um-train of a DenseNet' -o o -- um-train -q --threads 1 --arch densenet:depth=10,growth=2 --epochs 1 --batch-size 4 -o o images.ts
each 'um-train --val, adam, EMA' -o o -- um-train -q --threads 1 $tiny --val tiny.ts --optimizer adam --ema 0.9 -o o tiny.ts
each 'um-train --held' -o o -o held -- um-train -q --threads 1 $tiny --val-fraction 0.5 --held held -o o tiny.ts
each 'um-train --um --init' -o o -- um-train -q --threads 1 --init tiny.ckpt --um 0.3 --epochs 1 --batch-size 4 -o o tiny.ts
each 'um-train --aux' -o o -- um-train -q --threads 1 $tiny --aux outliers.ts --oe oe -o o tiny.ts
each 'um-prune' -o o -- um-prune -q --threads 1 --model tiny.ckpt --epochs 1 --batch-size 4 -o o tiny.ts
each 'um-ckpt import' -c -o o -- um-ckpt import -q --arch densenet:depth=10,growth=2 --mean .5,.5,.5 --std .25,.25,.25 --size 32 -o o m.pth
each 'um-ckpt import of safetensors' -o o -- um-ckpt import -q --arch densenet:depth=10,growth=2 --mean .5,.5,.5 --std .25,.25,.25 --size 32 -o o m.safetensors
each 'um-ckpt export' -o o -- um-ckpt export -q -o o m.ckpt
each 'um-ckpt export to safetensors' -o o.safetensors -- um-ckpt export -q -o o.safetensors m.ckpt
each 'um-ckpt bake' -o o -- um-ckpt bake -q -o o masked.ckpt
each 'um-ckpt show' -- um-ckpt show m.ckpt
each 'um-ckpt diff' -- um-ckpt diff m.ckpt m.ckpt
bad=$bad_all
# To standard error, so that prove lets it pass.
awk -v n=$n '{ for (i = 2; i <= NF; i++) { if ($i ~ /^runs/) runs += $(i - 1); if ($i == "refused,") refused += $(i - 1)
	if ($i ~ /^findings/) found += $(i - 1); if ($i ~ /^crashes/) crashes += $(i - 1) } }
	END { printf "# t/0030-faults: %d commands, %d faults: %d refused, %d with the right result all the same; %d findings", n, runs, refused, runs - refused - found, found
	printf crashes ? ", %d crashes in a library of Debian\n" : "\n", crashes }' all >&2
done_testing
