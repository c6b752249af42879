#!/bin/sh
# Likely mistakes, and whether the message says what to type. um-ckpt show for people.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt; golden-net images 4 10 >i; um-embed -q -m m.ckpt i -o f; ood-score -q -m msp,energy f -o s
mkdir folder; image-gen png 5 4 >folder/1.png; tar cf t.tar folder; gzip -c t.tar >t.tgz
printf 'a,b\n1,2\n' >t.csv
has_torch=$(/usr/bin/python3 -c 'import torch; torch.save({"a": torch.zeros(2)}, "new.pth"); torch.save({"a": torch.zeros(2)}, "old.pth", _use_new_zipfile_serialization=False); print("yes")' 2>/dev/null)
for k in new old; do
	if [ "$has_torch" = yes ]; then ok "1: a PyTorch file ($k) where a checkpoint is expected" 'fails 1 "$k.pth.: byte 0: not an unmask stream, but a PyTorch file; um-ckpt import makes a checkpoint of it" um-embed -m $k.pth i'
	else ok "1: a PyTorch file ($k) # SKIP no python3-torch" true; fi
done
um-ckpt export -q -o m.safetensors m.ckpt; ts-export f -o f.npz; ts-export --select features f -o f.npy
ok '2: a folder' 'fails 1 "folder.: cannot read: Is a directory; ds-pack makes a stream of the images in a folder" um-embed -m m.ckpt folder'
ok '3: an option in another spelling' 'fails=; um-ckpt import --normalize cifar10 x 2>err; test $? = 2 && grep -q "bad option .--normalize.; did you mean --normalise?" err'
usage() { pattern=$1; shift; "$@" >out 2>err </dev/null; test $? = 2 && ! test -s out && grep -q -- "$pattern" err; }
ok '4: an option mistyped' 'usage "bad option .--modle.; did you mean --model?" um-embed --modle m.ckpt && usage "bad option .--epoch-count=3.$" um-train --epoch-count=3 && usage "did you mean --batch-size" um-train --bach-size 3 && usage "bad option .--no-histroy.; did you mean --no-history" ts-cat --no-histroy'
ok '5: a method mistyped, or its parameter' 'usage "unknown method .mahalanobs.; did you mean .mahalanobis.? the methods are:" ood-score -m mahalanobs f && usage "did you mean .energy." ood-fit -m enegry f && usage "no parameter .kk., but k" ood-score -m knn:kk=3 f'
ok '6: a field mistyped' 'fails 1 "no field .logit. to select; .*; did you mean .logits.?" ts-cat --select logit f'
ok '7: an architecture mistyped' 'fails 1 "unknown architecture .denset.; did you mean .densenet.?" um-train --arch denset -o o i'
ok '8: a verb mistyped' 'usage "not imprt; did you mean .import.?" um-ckpt imprt'
ok '9: an option of a settings file mistyped' 'printf "epochs: 3\nbach-size: 4\n" >c.yaml && usage "c.yaml. line 2: unknown option .bach-size.; did you mean .batch-size.?" um-train --config c.yaml i'
ok '10: a step left out: images scored, or fitted' 'fails 1 "holds images where features are expected; um-embed -m MODEL makes features of images" ood-score i && fails 1 "holds images where features are expected; um-embed" ood-fit i'
ok '11: a step left out: features judged' 'fails 1 "holds features where scores are expected; ood-score makes scores of features" ood-metrics --id f f && fails 1 "holds features where scores" ood-threshold -a 0.1 f'
ok '12: features where a fit is expected, scores where a threshold is' 'fails 1 "holds features where a fit is expected; ood-fit makes a fit of features" ood-score --fit f f && fails 1 "ood-threshold makes thresholds of scores" ood-score --threshold s f'
ok '13: NumPy, safetensors, a table' 'fails 1 "but NumPy arrays; ts-import makes a stream of features or scores" ood-score f.npz && fails 1 "but a NumPy array; ts-import" ood-fit f.npy &&
	fails 1 "but safetensors; um-ckpt import makes a checkpoint of a model" um-embed -m m.safetensors i && fails 1 "but text; ts-import makes a stream of a table" ood-score t.csv'
ok '14: a picture, archives' 'fails 1 "but a picture; ds-pack makes a stream of it" um-embed -m m.ckpt folder/1.png && fails 1 "but an archive; ds-pack makes a stream of the images in it" um-embed -m m.ckpt t.tar && fails 1 "but gzip; ds-pack" um-embed -m m.ckpt t.tgz'
ok '15: a PyTorch file where features are expected' '[ "$has_torch" != yes ] || fails 1 "new.pth.: is a PyTorch file; numpy.savez() or safetensors. save_file() writes the arrays of it" ts-import new.pth'
ok '16: capitals' 'usage "unknown method .MSP.; did you mean .msp.?" ood-score -m MSP f'
ok '17: a column of scores mistyped: those there are' 'fails 1 "has no column of scores .mps.; did you mean .msp.? it has msp, energy$" ood-metrics -m mps --id s s && fails 1 "column of scores .xyz.; it has msp, energy$" ood-threshold -a .1 -m xyz s'
ok '18: a baseline that is not compared' 'fails 1 "baseline: .energ.* is not among the scores to compare; did you mean .energy.? they are msp, energy$" ood-metrics --id s --baseline energ s && fails 1 "baseline: .energy. is not among the scores to compare; they are msp$" ood-metrics --id s -m msp --baseline energy s'
ok '19: arrays where scores are expected' 'fails 1 "f.npz.: holds no scores, but NumPy arrays; ts-import makes a stream" ood-metrics --id s f.npz && fails 1 "f.npz.: holds no scores, but NumPy arrays" ood-watch -r s -m msp f.npz && fails 1 "f.npy.: holds no scores, but a NumPy array; ts-import" ood-metrics --id f.npy s'
ok '20: scores where their tables are expected' 'fails 1 "s.: line 1: is not text: it holds a zero byte; tables are what ood-metrics --format tsv prints" ood-seeds s'
ok '21: a threshold of a method that was not asked for' 'ood-threshold -q -a 0.5 -m energy s -o t && fails 1 "no column of scores is named .energy.; --method energy adds it" ood-score -m msp -t t f'
ok '22: a normalisation mistyped' 'usage "normalise: .imagnet. is not one of cifar10|.*|imagenet|.*, or give --mean and --std" um-ckpt import --normalise imagnet m.safetensors'
ok '24: a share in percent, a decimal comma' 'usage "false-alarm: .5%. is not a number from .*; did you mean 0.05?" ood-threshold -a 5% s && usage "lr: .0,1. is not a number .*; did you mean 0.1?" um-train --lr 0,1 i && usage "lr: .x. is not a number from 0 to 1000$" um-train --lr x i'
ok '25: a synthetic set mistyped' 'usage "unknown set .blosb.; did you mean .blobs.? the sets are: id " ds-synth --set blosb'
ok '26: the folder before the detector' 'usage "folder. is a folder; the first operand is the DETECTOR" ood-detect folder m.ckpt'
ok '23: methods that lack the same thing share a line, which says what adds it' 'ts-export --select logits f -o l.npy && ts-import -q --features f --logits l f.npy l.npy -o g && ood-fit -q -o fit g && ood-score --fit fit -m all g -o out 2>err
	grep -q "are left out: the stream has no last layer (meta fc.weight, fc.bias); ts-import --head FILE adds it" err && test $(grep -c "no last layer" err) = 1'
ok 'words that are near nothing get no advice' 'usage "bad option .--frobnicate.$" ts-cat --frobnicate && usage "unknown method .x.; the methods are:" ood-score -m x f && usage "unknown method .frobnicate.; the methods are:" ood-score -m frobnicate f'
ok 'what is not known is called nothing else' 'printf "\001\002" >odd && fails 1 "byte 0: not an unmask stream$" ts-dump odd && printf "\200" >odd && fails 1 "not an unmask stream$" ts-dump odd'

um-train -q --threads 1 --arch conv2:width=0.02 --epochs 1 --batch-size 4 -o t.ckpt i
ok 'um-ckpt show: sizes and numbers, classes, what made it, parameters' 'um-ckpt show m.ckpt >out && grep -qx "# input	3x32x32" out && grep -qx "# mean	0.5 0.5 0.5" out && grep -qx "# std	0.25 0.25 0.25" out &&
	um-ckpt show t.ckpt >out && grep -q "^# history	um-train [^ ]* -q --threads 1 --arch conv2:width=0.02" out && grep -q "^# arch	.conv2" out &&
	test "$(sed -n "s/^# parameters	//p" out)" = "$(grep -v "^#\|^name" out | awk -F "\t" "\$2 == \"<f4\" && \$1 !~ /running_/ { n += \$4 } END { print n }")"'
done_testing
