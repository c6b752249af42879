#!/bin/sh
# Model files as users have them: torchvision's, timm's, HuggingFace's, Lightning's, ONNX, with random weights
# (t/helper/models.py). Each is imported and run; what comes out is PyTorch's. It needs a Python with torch and all of
# these (UNMASK_ONNX_PYTHON=/path/python3) and minutes, so SLOW=yes; UNMASK_MODELS_ONLY has names of some. With
# UNMASK_MODELS_DONE=/FILE each result is added to that file, and those in it are not made again.
. "$SRC/t/lib.sh"
[ "${SLOW:-no}" = yes ] || skip_all 'SLOW=yes runs it'
python=${UNMASK_ONNX_PYTHON:-python3}
"$python" -c 'from importlib.util import find_spec
assert all(map(find_spec, "torch torchvision timm transformers onnx onnxruntime safetensors PIL".split()))' 2>/dev/null ||
	skip_all 'no torch, torchvision, timm, transformers, onnx and onnxruntime in UNMASK_ONNX_PYTHON'
ONNXRUNTIME=$("$python" -c 'import onnxruntime, os; print(os.path.dirname(onnxruntime.__file__))')
export ONNXRUNTIME
PATH=$BUILD/t/helper:$PATH
numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }

# One Python makes all files, each when it is asked for: to import torch and the others takes longer than most of them.
mkfifo ask told; trap '' PIPE
"$python" "$SRC/t/helper/models.py" . - <ask >told 2>python.err &
exec 3>ask 4<told
# Makes the file NAME, imports it and runs it; sets said.
try() {
	echo $1 >&3
	read -r _ file size options <&4 || file="!$(tail -n 1 python.err)"
	case $file in !*) said="not made: $(echo "$file $size $options" | cut -c 2-120)"; return ;; esac
	[ -e $size.ts ] || ds-pack -q $size -o $size.ts
	if ! um-ckpt import $options --normalise half --size $size "$file" -o ckpt 2>err; then
		said="refused: $(sed -n 's/.*error: //; $p' err | cut -c 1-120)"
	elif ! um-embed -q --threads 1 -m ckpt $size.ts >out.ts 2>err || ! numbers logits out.ts >out || ! near 1e-4 out $1.want >diff; then
		said="WRONG: $(cat err diff | head -n 1)"
	else
		said="logits are PyTorch's, $(ts-dump --header ckpt | sed -n 's/.*"arch": "\([^"]*\)".*/\1/p')"
	fi
	rm -rf "$1" $1.* ckpt out.ts
}

all=0 good=0 results=${UNMASK_MODELS_DONE:-$scratch/results}
: >>"$results" || exit 99
for name in ${UNMASK_MODELS_ONLY:-$("$python" "$SRC/t/helper/models.py" --names)}; do
	said=$(sed -n "s/^$name	//p" "$results") all=$((all + 1))
	[ -n "$said" ] || { try $name; printf '%s\t%s\n' $name "$said" >>"$results"; }
	printf '# %-28s %s\n' $name "$said"
	case $said in
	"logits are"*) good=$((good + 1)) ;;
	WRONG*) ok "$name: what came in gives PyTorch's logits" false ;;
	"not made"*) ok "$name is made" false ;;
	esac
done
echo "# $good of $all come in with equal logits"
ok 'nearly all come in, and what does has logits equal to PyTorch, to 1e-4 of the largest' '
	test $((all - good)) -le 4 && test $good -gt 0 && { test -n "$UNMASK_MODELS_ONLY" || test $all = 34; }'
done_testing
