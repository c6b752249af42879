#!/bin/sh
# Every architecture is the network that PyTorch has under that name: weights come in from its files, outputs
# agree with it in double precision, and weights go out as they came (t/helper/zoo.py).
. "$SRC/t/lib.sh"
/usr/bin/python3 -c 'import torch, torchvision, msgpack_numpy' 2>/dev/null || skip_all 'no python3-torchvision here'
PATH=$BUILD/t/helper:$PATH

numbers() { ts-cat --select "$1" "$2" | ts-dump | sed 's/"[^"]*"://g; s/[{}]//g'; }
# Each row by its largest: what is small there has rounding of the large.
scale() { sed 's/[][,]/ /g' | awk '{m = 0; for (i = 1; i <= NF; i++) if ($i > m) m = $i; for (i = 1; i <= NF; i++) printf "%.9g ", $i / m; print ""}'; }
zoo() { /usr/bin/python3 "$SRC/t/helper/zoo.py" "$@"; }
# um-ckpt import, with the case's normalisation and size
take() { um-ckpt import -q --no-history --mean "$mean" --std "$std" --size "$input" "$@"; }

ok 'PyTorch makes them' 'zoo make >list && test -s list'
ok 'every architecture is among them' '
	um-ckpt import -q --normalise none --size 3x32x32 --arch no-such "$(sed "s/ .*/.pth/;q" list)" -o x.ckpt 2>err
	sed -n "s/.*the architectures are: //p" err | tr " " "\n" | sort >known && test "$(wc -l <known)" -gt 5 &&
	cut -d " " -f 2 list | sed "s/:.*//" | sort -u | cmp - known'
while read -r name spec input layers extras mean std; do
	have_torch || extras=$(echo "$extras" | sed 's/odin//')       # its step is compared with libtorch's, too
	want=logits,features; [ $layers = - ] || want=$want,$layers
	options=$(echo "$extras" | sed 's/odin/--odin eps=0.01/; s/rankfeat/--rankfeat/; s/gram/--gram stages/; s/step//; s/[,-]$//; s/,/ /g')
	[ $layers = - ] || options="$options --layers"
	ok "$name: known by names and shapes as ${spec%%:*}, of its parameters" \
		'take $name.pth -o $name.ckpt && ts-dump --header $name.ckpt | grep -q "\"arch\": \"$spec\""'
	ok "$name: logits, features and channel means of the feature list are PyTorch's" \
		'um-embed -q --threads 1 -m $name.ckpt $options $name.images >out.ts && numbers $want out.ts >out && near 1e-4 out $name.want'
	case $extras in *odin*)
		# A ReLU at its kink may open in single precision and not in double.
		ok "$name: ODIN's step" 'numbers odin:eps=0.01 out.ts >out && near 2e-3 out $name.odin'
		ok "$name: ODIN's step by libtorch" '
			um-embed -q --threads 1 --engine torch -m $name.ckpt --odin eps=0.01 $name.images >torch.ts &&
			numbers odin:eps=0.01 torch.ts >out && near 1e-4 out $name.odin' ;;
	esac
	case $extras in *rankfeat*)
		ok "$name: RankFeat" 'numbers rankfeat out.ts >out && near 1e-4 out $name.rankfeat' ;;
	esac
	case $extras in *gram*)
		for layer in $(echo $layers | tr , " "); do
			ok "$name: all of the map $layer, by its Gram matrices" '
				numbers gram:$layer out.ts | scale >out && scale <$name.$layer >want && near 1e-4 out want'
		done ;;
	esac
	# It moves logits by 1 or so. A ReLU at its kink may open in single precision and not in double.
	case $extras in *step*)
		ok "$name: a step of training" '
			um-train -q --threads 1 -i $name.ckpt -e 1 -b 3 --no-augment --lr 0.003 --weight-decay 0 -o step.ckpt $name.images &&
			um-embed -q --threads 1 -m step.ckpt $name.images >out.ts && numbers logits out.ts >out && near 1e-2 out $name.step' ;;
	esac
	if [ -e $name-legacy.pth ]; then
		ok "$name: from the older form of file, the same bytes" \
			'take $name-legacy.pth -o legacy.ckpt && cmp legacy.ckpt $name.ckpt'
	fi
	if [ $name != wide50 ]; then           # 275 MB; it is resnet50 but for widths
		ok "$name: goes out" 'um-ckpt export -q $name.ckpt -o $name.out.pth'
		echo $name.pth $name.out.pth >>pairs
	fi
	rm -f $name.ckpt $name-legacy.pth
done <list
ok 'what went out is equal tensor for tensor, in the order that PyTorch has' 'zoo same $(cat pairs)'
done_testing
