#!/bin/sh
# Mutations of good inputs, thousands of them: no crash, no leak, no read past the end (with sanitizers).
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
rounds=3000
[ -z "$SANITIZE" ] || rounds=600

ts-gen scores msp:f4,label:i8,v:f4:2x3,name:str 6 1 | ts-cat -o rows.ts
ds-synth --set blobs -n 1 | ts-cat --select label,name -o meta.ts
golden-net ckpt densenet:depth=10,growth=1 2 >m.ckpt
ts-cat --no-history --select fc.weight,fc.bias,bn1.running_mean,bn1.num_batches_tracked m.ckpt -o set.ts
ok 'streams' '"$BUILD/fuzz_ts" $rounds rows.ts meta.ts set.ts 2>err || { head -n 5 err | sed "s/^/# /"; false; }'
ok 'images and pickles' '
	"$BUILD/fuzz_ds" $((rounds / 3)) "$SRC"/t/golden/ds/formats/*.png "$SRC"/t/golden/ds/formats/*.jpg \
		"$SRC"/t/golden/ds/cifar/py/* 2>err || { head -n 5 err | sed "s/^/# /"; false; }'
done_testing
