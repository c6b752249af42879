#!/bin/sh
# The examples of the programs' pages, each as it stands there: what EXAMPLES shows runs, on small files by the names that
# it has there. What is no program of ours and not at hand (a camera, the network, inotifywait) is a script that does as
# much as matters.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
OMP_NUM_THREADS=1; export OMP_NUM_THREADS
/usr/bin/python3 -c 'import numpy, PIL' 2>/dev/null || skip_all 'needs python3-numpy and python3-pil'

# ---- what they find ----
mkdir files bin && cd files || exit 99
/usr/bin/python3 - <<'END'
import os, numpy
from PIL import Image
rng = numpy.random.default_rng(1)
def picture(path, colour, side=8):
    x = rng.integers(0, 256, (side, side, 3)) if colour < 0 else rng.integers(0, 60, (side, side, 3)) + 60 * (colour == numpy.arange(3))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(x.astype("u1")).save(path)
for folder, n, side in ("set", 12, 8), ("many", 160, 8), ("dtd", 20, 40):
    for c in range(3):
        for i in range(n):
            picture(f"{folder}/{('xyz' if folder == 'dtd' else 'abc')[c]}/{i:03}.png", -1 if folder == "dtd" else c, side)
for path in "photos/1.jpg", "incoming/1.jpg", "pictures/1.jpg", "upload.jpg":
    picture(os.path.join(".", path), 0, 40)
# as the site has them: 10 classes in each of 6 files, of which 5 are for training
os.mkdir("cifar-10-batches-bin")
for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]:
    rows = rng.integers(0, 256, (100, 3073), dtype="u1")
    rows[:, 0] = numpy.arange(100) % 10
    rows.tofile(f"cifar-10-batches-bin/{name}.bin")
open("cifar-10-batches-bin/batches.meta.txt", "w").write("\n".join("airplane automobile bird cat deer dog frog horse ship truck".split()) + "\n")
wnids = ["n00000001"] + [l.split()[0] for l in open(os.environ["SRC"] + "/configs/tiny-imagenet-like-cifar10.txt") if l[0] == "n"]
for i in range(len(wnids)):
    picture(f"tiny-imagenet-200/val/images/val_{i}.JPEG", -1, 64)
open("tiny-imagenet-200/val/val_annotations.txt", "w").write("".join(f"val_{i}.JPEG\t{w}\t0\t0\t1\t1\n" for i, w in enumerate(wnids)))
open("tiny-imagenet-200/wnids.txt", "w").write("\n".join(wnids) + "\n")
open("tiny-imagenet-200/words.txt", "w").write("".join(f"{w}\tthing {w}\n" for w in wnids))
numpy.savez("val.npz", features=rng.random((30, 4), dtype="f4"), labels=numpy.arange(30) % 3)
numpy.savez("new.npz", features=rng.random((9, 4), dtype="f4"))
numpy.save("feats.npy", rng.random((30, 4), dtype="f4")); numpy.save("labels.npy", numpy.arange(30) % 3)
numpy.savez("id_scores.npz", energy=rng.random(30)); open("ood.csv", "w").write("energy\n" + "\n".join(map(str, rng.random(30) - .5)) + "\n")
for s in 1, 2, 3, "id", "cifar100", "svhn":
    open(f"{s}.tsv" if isinstance(s, str) else os.devnull, "w").write("msp\tenergy\n" + "".join(f"{a}\t{b}\n" for a, b in rng.random((40, 2))))
open("last-week.txt", "w").write("\n".join(map(str, rng.random(60))) + "\n"); open("numbers", "w").write("\n".join(map(str, rng.random(20))) + "\n")
END
tar -cf dtd.tar dtd && gzip -c dtd.tar >dtd-r1.0.1.tar.gz && cp dtd-r1.0.1.tar.gz dtd.tar.gz
tar -czf cifar-10-binary.tar.gz cifar-10-batches-bin
/usr/bin/python3 -m zipfile -c tiny-imagenet-200.zip tiny-imagenet-200 && /usr/bin/python3 -m zipfile -c photos.zip photos
mkdir configs && cp "$SRC/configs/tiny-imagenet-like-cifar10.txt" configs
ds-pack -q set --size 8 -o train.images && ds-pack -q many --size 8 -o val.images && ds-pack -q many --size 17 -o all.images && ds-pack -q dtd --size 8 -o textures.images
for f in test held a b; do cp train.images $f.images; done; cp textures.images outliers.images; ds-pack -q set --size 32 -o test32.images
for f in dtd id; do cp textures.images $f.images; done
um-train -q -a resnet-narrow:depth=8 -e 1 -o plain.ckpt train.images
for f in um my; do cp plain.ckpt $f.ckpt; done; um-prune -q -m plain.ckpt --um 0.3 --keep 0.8 -e 1 -o umap.ckpt train.images
um-ckpt export -q -o model_best.pth plain.ckpt && um-ckpt export -q -o epoch_99.state umap.ckpt
golden-net ckpt resnet-narrow:depth=8 3 224 >wide.ckpt && um-ckpt export -q -o wide.pth wide.ckpt &&
	um-ckpt import -q --normalise imagenet --size 224 --prepare 'size=256 resize=short crop=224' -o resnet50.ckpt wide.pth
printf 'arch: conv2:width=0.01\n' >densenet.yaml
um-embed -q -m um.ckpt train.images | ood-fit -q -o um.fit
um-embed -q -m um.ckpt --layers train.images | ood-fit -q -o layers.fit
for f in test val; do um-embed -q -m um.ckpt $f.images -o $f.features; done; cp val.features validation.features; cp test.features today.features
ood-score -q -m msp,energy,vim -f um.fit test.features -o test.scores
um-embed -q -m um.ckpt textures.images | ood-score -q -m msp,energy,vim -f um.fit -o svhn.scores
ood-score -q -m msp,energy,vim -f um.fit val.features -o id.scores; ts-cat -q --select energy,name id.scores -o validation.scores
for f in textures dtd c100 cifar100; do cp svhn.scores $f.scores; done
for d in a b 1 2 3; do mkdir $d && cp test.scores $d/id.scores && cp svhn.scores $d/ood-svhn.scores; done
ood-threshold -q -a 0.1 -o id.threshold test.scores
ood-score -q -m vim -f um.fit val.features -o v.scores && ood-threshold -q -a 0.05 -o my.threshold v.scores &&
	ood-pack -q -m my.ckpt -f um.fit -t my.threshold -r v.scores -o my.detector
cd ..
ok 'there is something to run them on' 'test -s files/my.detector && test -s files/resnet50.ckpt && test -s files/dtd.scores'

script() { printf '#!/bin/sh\n%s\n' "$2" >bin/$1; chmod +x bin/$1; }
script um-train 'case $* in *cifarnet*) set -- "$@" --epochs 1; esac; PATH=${PATH#*bin:} exec um-train "$@"' # else half a minute
script camera 'exec cat train.images'
script act 'exec cat >acted'
script accept 'test -s "$1"'
script inotifywait 'ls incoming/*'
script ffmpeg 'exec head -c 14745600 /dev/zero'             # 16 frames of 480 x 640
script curl 'exec cat "${1##*/}"'
script python3 'exec /usr/bin/python3 "$@"'
script head '/usr/bin/head "$@"; cat >/dev/null'            # so that nobody before it in a pipe is broken off
PATH=$PWD/bin:$PATH

# What a network makes of another's pictures is told on standard error; an error makes the whole pipe fail.
# A variable of one example is there in the next.
run() { { echo '[ ! -e said ] || m=$(cat said)'; cat "$1"; printf '\nwait\n[ -z "${m-}" ] || echo "$m" >said\n'; } >typed; bash ${2:--e -o pipefail} typed >out 2>err </dev/null; got=$?; test $got = 0 || { echo "# exit $got"; sed 's/^/# /' "$1" err | head -n 30; false; }; }

# ---- page by page, a page's commands in their order ----
for page in "$SRC"/tools/*.1; do
	tool=${page##*/} tool=${tool%.1}
	command -v "$tool" >/dev/null || continue
	cp -r files "$tool" && mkdir "commands.$tool" && cd "$tool" || exit 99
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$page" | awk -v out="../commands.$tool" -f "$SRC/t/helper/commands.awk"
	ok "$tool: its page has examples" 'ls ../commands.'$tool'/* >/dev/null'
	for c in ../commands."$tool"/*; do
		case $tool in
		um-embed) mv -f layers.fit um.fit 2>/dev/null ;;
		um-ckpt) mv -f test32.images test.images 2>/dev/null ;; # what comes from PyTorch is for 32x32
		esac
		claim="$tool, ${c##*/}: $(sed -n 1p "$c" | sed 's/#/no. /g')"
		case $(cat "$c") in
		numpy.savez*)               # with f, y and a model as PyTorch has them
			ok "$claim" '{ cat - "$c" <<END
import numpy, types
class tensor(numpy.ndarray):
    def numpy(self): return numpy.asarray(self)
    def detach(self): return self
def some(*shape): return numpy.random.default_rng(2).random(shape, dtype="f4").view(tensor)
f, y = some(60, 4), (numpy.arange(60) % 3).view(tensor)
model = types.SimpleNamespace(fc=types.SimpleNamespace(weight=some(3, 4), bias=some(3)))
END
} | /usr/bin/python3 -' ;;
		'[Service]'*)               # the command that systemd would run, on files that lie elsewhere
			sed -n '/^ExecStart=/,/^Exec[^S]/p' "$c" | sed '/^ExecReload/d; s/^ExecStart=//; s/%%/%/g; s,/srv/,,; s,/etc/unmask/,,' >service
			ok "$claim" '{ run service || test $got = 1; } && grep -q incoming out' ;;
		'ood-detect --only'*) ok "$claim" 'run "$c" || test $got = 1' ;; # some are out
		*'case $? in'*) ok "$claim" 'run "$c" +e' ;;                     # which the commands look at themselves
		*'import torch'*) if /usr/bin/python3 -c 'import torch' 2>/dev/null; then ok "$claim" 'run "$c"'; else ok "$claim # SKIP no torch" true; fi ;;
		*'ood-detect --json --watch'*) ok "$claim" '{ run "$c" || test $got = 1; } && grep -q incoming verdicts.json' ;;
		*) ok "$claim" 'run "$c"' ;;
		esac
	done
	cd .. && rm -rf "$tool" || exit 99
done
done_testing
