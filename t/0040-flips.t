#!/bin/sh
# One bit of a file is flipped, or the file ends too early, or a signal arrives at some moment: each in its own run
# (t/helper/faults.c says what it must satisfy). With SLOW=yes 25 times as many.
. "$SRC/t/lib.sh"
[ -z "$SANITIZE" ] || skip_all 'the same programs run under the sanitizers in the fuzz targets'
/usr/bin/python3 -c 'import numpy, scipy.io, PIL, lmdb' 2>/dev/null || skip_all 'no NumPy, SciPy, Pillow, lmdb'
PATH=$BUILD/t/helper:$PATH
places=20
[ -z "$SLOW" ] || places=500

ts-gen scores msp:f4,energy:f4,label:i8,pred:i8,name:str 40 1 >scores.ts
awk 'BEGIN { srand(3); for (i = 0; i < 40; i++) { for (k = 0; k < 7; k++) printf "%.4f ", rand() + (k == i % 3); print i % 3, "row" i } }' |
	ts-gen features logits:f4:3,features:f4:4,label:i8,name:str >features.ts
ood-fit -q features.ts -o f.fit; ood-threshold -q -a 0.5 scores.ts -o t.fit
golden-net images 4 2 8 >tiny.ts; golden-net scores-layer conv2:width=0.02 2 8 >m.ckpt; golden-net ckpt conv2:width=0.02 2 8 >plain.ckpt
um-ckpt export -q -o m.pth plain.ckpt; um-ckpt export -q -o m.safetensors plain.ckpt
for c in cat dog; do mkdir -p folder/$c; image-gen png 5 4 >folder/$c/1.png; image-gen jpeg 5 4 >folder/$c/2.jpg; image-gen webp 5 4 >folder/$c/3.webp; done
tar cf photos.tar folder; tar czf photos.tar.gz folder; tar cJf photos.tar.xz folder
/usr/bin/python3 -c "
import zipfile, glob
for how in 'STORED', 'DEFLATED':
    with zipfile.ZipFile(how + '.zip', 'w', getattr(zipfile, 'ZIP_' + how)) as z:
        for f in sorted(glob.glob('folder/*/*')): z.write(f)"
/usr/bin/python3 "$SRC/t/helper/formats.py" make mnist,mnist-raw,svhn,imagenet8-npz,lsun,cifar10 . 2>"$scratch/err" || sed 's/^/# /' "$scratch/err"
printf 'method: msp\nquiet: true\n' >config.yaml
ds-pack -q folder --manifest -o manifest
ts-dump --tsv scores.ts >scores.tsv

# At `places` of all places of a kind.
at() { # KIND WHAT FAULTS' WORDS...
	kind=$1 what=$2; shift 2
	calls=$(faults none $kind 1 999999999 "$@" | sed -n 's/^# [a-z]*: \([0-9]*\) .*/\1/p')
	step=$((${calls:-0} / places + 1))
	faults none $kind $(($(printf '%s' "$what$kind" | cksum | cut -d' ' -f1) % step + 1)) $step "$@" >said; bad_here=$?
	sed "s/^# /# $what: /" said | tee -a "all.$kind"
	return $bad_here
}
each() { # KINDS WHAT FAULTS' WORDS...
	kinds=$1; shift
	for kind in $kinds; do
		n=$((n + 1))
		if at $kind "$@"; then echo "ok $n - $1: $kind"; else echo "not ok $n - $1: $kind"; bad=1; fi
	done
}
flips() { each 'flip cut' "$@"; }
weak() { what=$1; shift; each flip "$what" -w "$@"; each cut "$what" "$@"; }
signals() { each 'term kill' "$@"; }

# ---- formats with a checksum: an error, or the same result ----
flips 'a stream' -i scores.ts -- ts-cat --no-history scores.ts
flips 'a stream, by pipe' -i scores.ts -- sh -c 'cat scores.ts | ts-cat --no-history | ts-dump'
flips 'images' -i tiny.ts -- um-embed -q --no-history --threads 1 -m plain.ckpt tiny.ts
flips 'a checkpoint' -i m.ckpt -- um-ckpt show m.ckpt
flips 'a fit' -i f.fit -- ood-score -q --no-history --fit f.fit -m knn:k=5,mahalanobis features.ts
flips 'thresholds' -i t.fit -- ood-score -q --no-history --threshold t.fit -m msp,energy features.ts
um-embed -q -m plain.ckpt tiny.ts | ood-score -q -m msp | ood-threshold -q -a 0.2 -o det.thr; ood-pack -q -m plain.ckpt -t det.thr -o det
flips 'a detector' -i det -- ood-detect --tsv --threads 1 det tiny.ts
flips 'a PyTorch file' -i m.pth -- um-ckpt show m.pth
flips 'a .tar.gz' -i photos.tar.gz -- ds-pack -q --no-history photos.tar.gz
flips 'a .tar.xz' -i photos.tar.xz -- ds-pack -q --no-history photos.tar.xz
flips 'a zip, stored' -i STORED.zip -- ds-pack -q --no-history STORED.zip
flips 'a zip, deflated' -i DEFLATED.zip -- ds-pack -q --no-history DEFLATED.zip
flips 'a PNG' -i folder/cat/1.png -- ds-pack -q --no-history folder
flips 'an IDX file, gzipped' -i mnist/train-images-idx3-ubyte.gz -- ds-pack -q --no-history mnist
flips 'an .npz' -i imagenet8-npz/val_data.npz -- ds-pack -q --no-history imagenet8-npz
flips 'a .mat' -i svhn/test_32x32.mat -- ds-pack -q --no-history svhn/test_32x32.mat
flips 'a manifest' -i manifest -- ds-pack -q --no-history --check manifest folder
# ---- without: no crash, and a file that is cut off is an error; but text has no end ----
weak 'a tar' -i photos.tar -- ds-pack -q --no-history photos.tar
weak 'a JPEG' -i folder/cat/2.jpg -- ds-pack -q --no-history folder
weak 'a WebP' -i folder/cat/3.webp -- ds-pack -q --no-history folder
weak 'an IDX file' -i mnist-raw/t10k-labels-idx1-ubyte -- ds-pack -q --no-history mnist-raw
weak 'an LMDB' -i lsun/bedroom_val_lmdb/data.mdb -- ds-pack -q --no-history lsun
weak 'a pickle' -i cifar10/cifar-10-batches-py/data_batch_1 -- ds-pack -q --no-history cifar10
weak 'safetensors' -i m.safetensors -- um-ckpt show m.safetensors
flips 'scores as text' -w -i scores.tsv -- ood-metrics --id scores.ts -f tsv scores.tsv
flips 'a config file' -w -i config.yaml -- ood-score --no-history --config config.yaml features.ts

# ---- signals: the file is the old one or the new one ----
signals 'ts-cat' -o o -- ts-cat -o o scores.ts scores.ts
signals 'ds-pack' -o o -- ds-pack -q -o o photos.tar.gz
signals 'ds-view' -o o -- ds-view -q -o o tiny.ts
signals 'ood-fit' -o o -- ood-fit -q -o o features.ts
signals 'ood-score' -o o -- ood-score -q --fit f.fit -o o features.ts
signals 'ood-threshold' -o o -- ood-threshold -q -a 0.5 -o o scores.ts
signals 'ood-metrics --roc' -o roc -- ood-metrics --id scores.ts --roc roc -f tsv scores.tsv
signals 'um-embed' -o o -- um-embed -q --threads 1 -m m.ckpt -o o tiny.ts
signals 'um-train' -o o -- um-train -q --threads 1 --arch conv2:width=0.02 --epochs 2 --batch-size 4 -o o tiny.ts
signals 'um-prune' -o o -- um-prune -q --threads 1 --model plain.ckpt --epochs 2 --batch-size 4 -o o tiny.ts
signals 'um-ckpt import' -o o -- um-ckpt import -q --arch conv2:width=0.02 --mean .5,.5,.5 --std .25,.25,.25 --size 8 -o o m.pth
signals 'um-ckpt export' -o o -- um-ckpt export -q -o o m.ckpt

# To standard error, so that prove lets it pass.
for kind in flip cut term kill; do
	awk -v kind=$kind '{ for (i = 2; i <= NF; i++) { if ($i ~ /^runs/) runs += $(i - 1); if ($i == "refused,") refused += $(i - 1)
		if ($i ~ /^findings/) found += $(i - 1); if ($i == "other") others += $(i - 1); if ($i == "left") left += $(i - 1)
		if ($i == "ended") ended += $(i - 1) } }
		END { printf "# t/0040-flips: %s: %d commands, %d runs: %d refused; %d findings", kind, NR, runs, refused, found
		if (others) printf ", %d other results of formats without a checksum", others
		if (ended) printf ", %d ended by the signal", ended
		if (left) printf ", %d left a temporary", left
		printf "\n" }' all.$kind >&2
done
done_testing
