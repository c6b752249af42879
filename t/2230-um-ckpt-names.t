#!/bin/sh
# um-ckpt import finds the network in a file by rule: wrappers, prefixes, dialects, classifiers, what stands beside, and
# biases of convolutions (t/helper/names.py). What comes in is equal tensor for tensor; with biases, in its logits.
. "$SRC/t/lib.sh"
/usr/bin/python3 -c 'import torch, torchvision, msgpack_numpy' 2>/dev/null || skip_all 'no python3-torchvision here'
PATH=$BUILD/t/helper:$PATH
/usr/bin/python3 -W ignore "$SRC/t/helper/names.py" >list 2>err || { sed 's/^/# /' err; ok 'files are made' false; done_testing; }
import() { um-ckpt import --no-history --normalise none -o x.ckpt "$@" 2>err; }
ok 'there are many' 'test "$(wc -l <list)" -gt 50'
while read -r file base options; do
	ok "$file is $base${options:+ with $options}" '
		import $options $file && um-ckpt diff x.ckpt $base.pth >out || { sed "s/^/# /" err out; false; }'
done <list
said() { import $2 "$1" && grep -q -- "$3" err || { sed 's/^/# /' err; return 1; }; }
ok 'what stands beside is said' 'said criterion.pth "" "beside the network: 1 tensors, .criterion.weight." &&
	said beside.pth "" "beside the network: 2 tensors, .criterion.weight., .temperature.$" &&
	said projector.pth "" "4 tensors, .projector.0.weight.," && said twoheads.pth "" ".aux.weight."'
ok 'counters are not' 'import thop.pth && ! grep -q "left out" err && import ema.pth && ! grep -q "left out" err'
ok 'nor is a file without any of it' 'import wrn10.pth && ! grep -q "left out" err'
ok 'what may normalise the input is asked' 'said normalised.pth "" ".0.mean. (1,1,1): does it normalise"'
ok 'of two that fit the first, and the other is named' 'said teacher.pth "" "also under .teacher..; choose with --prefix" && said teacher.pth "" "begins with .student\.."'
ok 'the prefix and the dialect are said' 'said hf18.pth "" "names are HuggingFace" && said hf18.pth "" "begins with .resnet\.."'
ok 'a classifier of an unusual name is said' 'said head8.pth "" "classifier is .output_layer."'
ok 'several linear layers: which is the classifier must be said' '
	fails 1 "several linear layers.* .a. .b.; choose with --rename NAME=fc" import no-several.pth; cp err fails.err; grep -q "several linear layers" err'
refuses() { import "$1" $3; test $? = 1 && grep -q -- "$2" err || { sed 's/^/# /' err; return 1; }; }
ok 'an MLP is no classifier' 'refuses no-mlp.pth "no classifier .fc.weight."'
ok 'nor what has a norm before it' 'refuses no-norm.pth "no classifier"'
ok 'a layer within the network is another network' 'refuses no-se.pth "extra: tensor .layer1.0.se.fc1.weight."'
ok 'so is a convolution beside its modules' 'refuses no-conv.pth "extra: tensor .conv2.weight."'
ok 'a backbone alone has no classes' 'refuses no-head.pth "no classifier .fc.weight., so the number of classes is unknown"'
ok 'with --partial, --classes and a seed it gets some' 'printf "a\nb\nc\n" >three && import --partial --classes three no-head.pth &&
	grep -q "missing: tensor .fc.weight. (3x512); it has fresh values" err && um-ckpt diff x.ckpt resnet18.pth >out;
	test "$(cut -f 1 out | tr "\n" " ")" = "fc.weight fc.bias "'
ok 'a file of quite another network' 'refuses no-vit.pth "no known architecture.*--prefix or --rename.*export the network to ONNX (man unmask-onnx)"'
ok '--partial takes no network of which nearly nothing is there' '
	refuses no-vit.pth "has 0 of the .* tensors of architecture densenet.*fresh random" "--arch densenet --partial" &&
	refuses no-half.pth "has .* of the .* tensors of architecture resnet" "--arch resnet18 --partial"'
/usr/bin/python3 -W ignore -c '
import torch
s = torch.load("resnet18.pth"); s = s.get("state_dict", s)
for a in "resnetblur18", "resnet18": torch.save({"epoch": 3, "arch": a, "state_dict": s}, a + "-timm.pth")'
ok 'one of timm that computes otherwise than its tensors tell, and says which it is' '
	refuses resnetblur18-timm.pth "its .arch. is .resnetblur18., a network of timm.s .*: export it to ONNX" && import resnet18-timm.pth && import --arch resnet18 resnetblur18-timm.pth'
ok 'poolings and strides that no file shows are pointed to where they often differ, but not where --arch says what it is' '
	said mmcifar.pth "" "do not show poolings: .*first convolution of 3x3.*ONNX" && said resnet18.pth "--size 32" "do not show strides and poolings: .*for images of 32x32" &&
	for f in cifar18.pth resnet18.pth wrn10.pth "--size 32 wrn10.pth" "--size 32 --arch resnet18 resnet18.pth" "--arch resnet-cifar:depth=50 mmcifar.pth"; do
		import $f && ! grep "do not show" err || return 1
	done'
ok '--prefix of nothing' 'refuses wrn10.pth "no tensor.s name begins with .nope\..; the first is .conv1.weight." "--prefix nope"'
ok '--rename of nothing, and without =' 'refuses wrn10.pth "no tensor.s name has .nope." "--rename nope=fc" && refuses wrn10.pth "takes FROM=TO" "--rename nope"'
ok '--rename that makes two of one name' 'refuses wrn10.pth "two tensors are called" "--rename block1=block2"'
spec() { import --arch "$1" $2 && ts-dump --header x.ckpt | grep -q "\"arch\": \"$3\""; }
ok '--arch takes the names that people use' '
	spec resnet18 resnet18.pth resnet:depth=18,widen=1 && spec ResNet18 hf18.pth resnet:depth=18,widen=1 &&
	spec resnet50 "--size 64 resnet50.pth" resnet:depth=50,widen=1 && spec resnet18_32x32:affine=0 cifar18.pth "resnet-cifar:depth=18,affine=0"'
ok 'and says which there are' 'refuses wrn10.pth "unknown architecture .alexnet. (.* resnet18 .*); the architectures are:.* resnet " "--arch alexnet"'

/usr/bin/python3 -W ignore "$SRC/t/helper/names.py" bias >biased 2>err || { sed 's/^/# /' err; ok 'biased networks are made' false; }
while read -r name spec; do
	ok "$name: its logits are PyTorch's" '
		size=$(ts-dump --header $name.images | tr -d " \n" | sed "s/.*\"shape\":\[\([0-9]*\),\([0-9]*\),\([0-9]*\)\].*/\1x\2x\3/")
		um-ckpt import --no-history --mean 0.5,0.48,0.44 --std 0.25,0.24,0.26 --size $size -o x.ckpt $name.pth 2>err &&
		um-embed -q --threads 1 -m x.ckpt $name.images | ts-cat --select logits | ts-dump | sed "s/\"[^\"]*\"://g; s/[{}]//g" >out &&
		near 1e-4 out $name.want || { sed "s/^/# /" err; false; }'
	case $name in *conv2) ;; *) ok "$name: that is said" 'grep -q "biases of [0-9]* convolutions were taken" err' ;; esac
done <biased
done_testing
