#!/bin/sh
# A model from elsewhere is used without libtorch: the programs alone, with no libunmask-th.so beside them.
. "$SRC/t/lib.sh"
/usr/bin/python3 -c 'import torch, torchvision, msgpack_numpy' 2>/dev/null || skip_all 'no python3-torchvision here'
mkdir bin
for tool in um-ckpt um-embed um-estimate; do cp "$BUILD/$tool" bin || exit 99; done
measure=$BUILD/t/helper/measure
numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }

/usr/bin/python3 "$SRC/t/helper/zoo.py" make wrn16 >list && read -r name spec input layers extras mean std <list
ok 'a PyTorch file comes in' 'bin/um-ckpt import -q --mean "$mean" --std "$std" --size "$input" $name.pth -o m.ckpt'
ok 'its logits, features and feature list are PyTorch'"'"'s' '
	bin/um-embed -q -m m.ckpt --layers $name.images >out.ts && numbers logits,features,$layers out.ts >out &&
	"$BUILD/t/helper/near" 1e-4 out $name.want'
for threads in 1 2 3; do
	ok "--threads $threads, --batch-size 1: the same bytes" '
		bin/um-embed -q --no-history -m m.ckpt --layers $name.images >a.ts &&
		bin/um-embed -q --no-history --threads $threads -b 1 -m m.ckpt --layers $name.images | cmp - a.ts'
done
ok 'the loss constraint too' '
	bin/um-estimate -q --draws 2 -m m.ckpt $name.images >m 2>err && grep -q "^[0-9.]*$" m'
ok 'what needs gradients too: ODIN is PyTorch'"'"'s' '
	bin/um-embed -q -m m.ckpt --odin eps=0.01 $name.images >out.ts && numbers odin:eps=0.01 out.ts >out &&
	"$BUILD/t/helper/near" 2e-3 out $name.odin'
ok '--engine torch says what is missing' '
	bin/um-embed -q -m m.ckpt --engine torch $name.images >out 2>err; test $? = 1 && grep -q libunmask-th.so err'
ok 'resident memory is below 100 MB' '
	test -n "$SANITIZE" || { mib=$("$measure" 1 bin/um-embed -q -m m.ckpt $name.images | cut -d" " -f3) &&
		echo "# $mib MiB" && test "${mib%.*}" -lt 100; }'
done_testing
