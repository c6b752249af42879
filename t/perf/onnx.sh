#!/bin/sh
# Our kernels compared with ONNX Runtime, both through um-embed: torchvision's ResNet-18 with random weights, as a
# checkpoint and as the graph that PyTorch exports from it, on the same images, in turn, five rounds. Prints images per
# second (median) and the ratio; the program's start-up time, measured on a few images, is subtracted.
#	UNMASK_ONNX_PYTHON=/path/python3 THREADS=2 sh t/perf/onnx.sh [SIZE [N]]      (a Python with torchvision, onnx, onnxruntime)
size=${1:-224} n=${2:-64} few=4 threads=${THREADS:-$(nproc)}
python=${UNMASK_ONNX_PYTHON:-python3}
PATH=$(cd "$(dirname "$0")/../.." && pwd)/build/plain:$PATH
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
ONNXRUNTIME=$("$python" -c 'import onnxruntime, os; print(os.path.dirname(onnxruntime.__file__))') || exit 1
export ONNXRUNTIME
"$python" - "$size" "$n" >log 2>&1 <<'END' || { cat log; exit 1; }
import os, sys
import numpy as np, torch, torchvision
from PIL import Image
size, n = map(int, sys.argv[1:])
torch.manual_seed(0)
model = torchvision.models.resnet18(num_classes=10).eval()
torch.save(model.state_dict(), "r18.pth")
torch.onnx.export(model, (torch.zeros(2, 3, size, size),), "r18.onnx", input_names=["x"], dynamic_axes={"x": {0: "n"}},
                  dynamo=False)
os.mkdir("images")
for i in range(n):
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (size, size, 3), dtype=np.uint8)).save("images/%04d.png" % i)
END
um-ckpt import -q --normalise imagenet --arch resnet:depth=18 --size "$size" -o r18.ckpt r18.pth &&
	um-ckpt import -q --normalise imagenet -o graph.ckpt r18.onnx && ds-pack -q images -o all.ts && ts-cat --head $few all.ts -o few.ts || exit 1
seconds() { a=$(date +%s.%N); um-embed -q --threads "$threads" -m "$1" "$2" >/dev/null || exit 1; echo "$a $(date +%s.%N)" | awk '{ print $2 - $1 }'; }
for round in 1 2 3 4 5; do
	for m in r18 graph; do
		echo "$m $(seconds $m.ckpt all.ts) $(seconds $m.ckpt few.ts)"
	done
done | awk -v n=$((n - few)) '{ print $1, n / ($2 - $3) }' >rates
median() { sed -n "s/^$1 //p" rates | sort -g | sed -n 3p; }
printf '# %s\n' "$(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //')"
echo "$(median r18) $(median graph)" |
	awk -v s=$size -v t=$threads '{ printf "ResNet-18, %dx%d, %d threads: um-embed %.1f images/s, ONNX Runtime %.1f, ratio %.2f\n", s, s, t, $1, $2, $1 / $2 }'
