#!/bin/sh
# Networks as PyTorch, timm and transformers export them, by both exporters: logits and features are PyTorch's. It needs
# torch, onnx and onnxruntime in a Python (UNMASK_ONNX_PYTHON=/path/python3); timm and transformers join where they are.
. "$SRC/t/lib.sh"
python=${UNMASK_ONNX_PYTHON:-python3}
"$python" -c 'import onnx, onnxruntime, torch, PIL' 2>/dev/null || skip_all 'no torch, onnx and onnxruntime in UNMASK_ONNX_PYTHON'
ONNXRUNTIME=$("$python" -c 'import onnxruntime, os; print(os.path.dirname(onnxruntime.__file__))')
export ONNXRUNTIME
PATH=$BUILD/t/helper:$PATH
numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }

"$python" "$SRC/t/helper/onnx_real.py" make . $UNMASK_ONNX_ONLY >list 2>err; sed -n 's/^# /# /p' err
ok 'exporters made them' 'test -s list'
while read -r name size normalise columns features logits; do
	[ -e $size.ts ] || ds-pack -q $size -o $size.ts
	options="-q --normalise $normalise"
	[ $features = - ] || options="$options --features $features"
	[ $logits = - ] || options="$options --logits $logits"
	ok "$name: $columns are PyTorch's" 'um-embed --threads 1 $options -m $name.onnx $size.ts >out.ts && numbers $columns out.ts >out && near 1e-4 out $name.want'
	[ $features = - ] && ok "$name: its last layer is known" 'ts-dump --header out.ts | grep -q fc.weight'
	ok "$name: the same as a checkpoint" 'um-ckpt import $options --size $size $name.onnx -o ckpt && um-embed -q --threads 1 -m ckpt $size.ts >out.ts && numbers $columns out.ts | cmp - out'
	rm -f $name.onnx* ckpt
done <list
done_testing
