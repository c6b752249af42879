#!/bin/sh
# um-ckpt import, export, show, diff against files that python3-torch writes and reads.
. "$SRC/t/lib.sh"
python=/usr/bin/python3
$python -c 'import torch' 2>/dev/null || skip_all 'no python3-torch here'
$python "$SRC/t/helper/ckpt.py" make 2>err || { sed 's/^/# /' err; ok 'files are made' false; done_testing; }
import() { um-ckpt import -q --normalise cifar10 "$@"; }
# FILE imports, exports, and the export is WANT (a file of torch.save) tensor for tensor.
pairs=
comes_out() {
	import -o "$1.ckpt" "$1" && um-ckpt export -o "$1.pth" "$1.ckpt" && um-ckpt diff "$2" "$1.pth" >out ||
		{ sed 's/^/# /' out; return 1; }
	pairs="$pairs $1.pth $2"
}
for form in pth old; do
	ok "a bare state_dict, $form" 'comes_out plain.$form plain.pth'
	ok "a training dictionary of the published program, $form" 'comes_out training.$form plain.pth'
	ok "half precision, $form" 'comes_out half.$form half.want'
	ok "bfloat16, $form" 'comes_out bf16.$form bf16.want'
	ok "double precision, $form" 'comes_out double.$form double.want'
	ok "integers and booleans where floats belong, $form" 'comes_out ints.$form ints.want'
	ok "views of one storage, channels last, $form" 'comes_out flat.$form plain.pth'
	ok "_orig_mod. in front and linear. for fc., $form" 'comes_out renamed.$form plain.pth'
	ok "no num_batches_tracked: 0, $form" 'comes_out uncounted.$form uncounted.want'
	ok "parameters, $form" 'comes_out parameters.$form plain.pth'
	ok "two models in a dictionary: the first, and says so, $form" 'comes_out twomodels.$form plain.pth &&
		um-ckpt import --normalise none twomodels.$form 2>&1 >x.ckpt | grep -q "under .model.; choose another with --key: ema" '
	ok "--key takes the other, $form" 'import --key ema -o ema.ckpt twomodels.$form && um-ckpt diff ema.ckpt plain.pth'
done
ok 'other models under keys of their own are said, too, and what is none is not' '
	um-ckpt import --normalise none others.pth 2>&1 >x.ckpt | grep -q "under .model.; choose another with --key: ema_model teacher$" && import --key ema_model -o ema.ckpt others.pth && um-ckpt diff ema.ckpt plain.pth'
ok 'a classifier of one output is said' 'fails 1 "its classifier .fc.weight. has one output" um-ckpt import -q --normalise none one-logit.pth'
for f in plain half bf16 double; do
	want=$f.want; [ $f = plain ] && want=plain.pth
	ok "safetensors written in Python: $f" 'comes_out $f.safetensors $want'
done
ok 'all that was exported loads with weights_only=True: equal tensors, types, order' \
	'$python "$SRC/t/helper/ckpt.py" same $pairs 2>err || { sed "s/^/# /" err; false; }'
ok 'and there were many' 'test $(echo $pairs | wc -w) = 52'
ok 'a file whose name is not ASCII: so are its members' 'um-ckpt diff mod*1.pth plain.pth'
ok 'both forms make the same checkpoint' 'import --no-history -o a plain.pth && import --no-history -o b plain.old && cmp a b'
ok 'one through a pipe too' 'import --no-history <plain.old | cmp a -'
ok 'diff sees a changed number' '
	import -o i.ckpt ints.pth; um-ckpt diff i.ckpt plain.pth >out; test $? = 1 && cut -f 1 out >names &&
	printf "fc.weight\nfc.bias\nbn1.num_batches_tracked\n" | sort >want && sort names | cmp - want &&
	grep -q "^bn1.num_batches_tracked	2$" out && um-ckpt diff --tolerance 1000 i.ckpt plain.pth'
ok 'diff sees what is missing and shapes' '
	um-ckpt diff plain.pth wrong.pth >out; test $? = 1 && grep -q "^bn1.running_mean	missing in B" out &&
	grep -q "^fc.extra	missing in A" out && grep -q "^block3.layer.0.conv2.weight	shape 2x8x3x3 against 2x8x1x1" out &&
	test $(wc -l <out) = 4'
# A safetensors file of one tensor with one element: type, its bytes; the header has fewer than 256.
one() {
	head="{\"w\":{\"dtype\":\"$1\",\"shape\":[1],\"data_offsets\":[0,$(printf "$2" | wc -c)]}}"
	printf "\\$(printf %o ${#head})\0\0\0\0\0\0\0%s$2" "$head"
}
one I64 '\5\0\0\0\0\0\0\160' >i5.safetensors
one I64 '\6\0\0\0\0\0\0\160' >i6.safetensors
one I64 '\6\0\0\0\0\0\0\220' >i-.safetensors
one I64 '\0\0\0\0\0\0\0\0' >i0.safetensors
one F32 '\0\0\0\0' >f0.safetensors
one F64 '\0\0\0\0\0\0\0\0' >d0.safetensors
row() { um-ckpt diff "$2.safetensors" "$3.safetensors" >out 2>err; [ $? = 1 ] && [ "$(cat out)" = "w	$1" ]; }
ok 'diff: integers as integers' 'row 1 i5 i6 && row 1 i6 i5 && row 1.61409011e+19 i- i5 && um-ckpt diff i5.safetensors i5.safetensors'
ok 'diff: types' 'row "type <i8 against <f4" i0 f0 && ! um-ckpt diff --tolerance 1000 i0.safetensors f0.safetensors >out'
ok 'diff: double precision is compared in single, and said' '
	um-ckpt diff f0.safetensors d0.safetensors >out 2>err && grep -q "0 tensors of A and 1 of B are double" err && um-ckpt diff f0.safetensors f0.safetensors 2>err && ! test -s err'
ok 'our own export to safetensors reads back' 'um-ckpt export -o x.safetensors a && um-ckpt diff x.safetensors plain.pth &&
	um-ckpt export --format safetensors a | cmp - x.safetensors'
ok 'its data begin at a multiple of 8 bytes' '
	test $(($(od -An -tu8 -N8 x.safetensors) % 8)) = 0'
ok 'data of an exported .pth begin at multiples of 64 bytes' '
	$python -c "
import sys, zipfile
f = open(\"plain.pth.pth\", \"rb\")
for i in zipfile.ZipFile(f).infolist():
    f.seek(i.header_offset + 26)
    n, m = f.read(2), f.read(2)
    at = i.header_offset + 30 + int.from_bytes(n, \"little\") + int.from_bytes(m, \"little\")
    at % 64 and sys.exit(i.filename)
"'
ok 'show: sums as in Python' '
	$python -c "
import torch
for k, v in torch.load(\"plain.pth\").items():
    print(k, \"%.5f\" % v.double().sum().item())" >want
	um-ckpt show a | grep -v "^#" | tail -n +2 | awk -F"\t" "{ printf \"%s %.5f\n\", \$1, \$5 }" | cmp - want'
ok 'show: what a training dictionary says' 'um-ckpt show training.old | grep -q "^# epoch	100$"'
ok 'what was guessed is said' 'um-ckpt import --normalise none plain.pth 2>&1 >x | grep -q "guessed architecture: densenet:depth=10,growth=2"'
ok '--arch: what does not fit is listed, all of it' '
	fails 1 "do not fit architecture densenet:depth=10,growth=2" um-ckpt import --normalise none -a densenet:depth=10,growth=2 wrong.pth &&
	grep -q "missing: tensor .bn1.running_mean. (" fails.err && grep -q "missing: tensor .block2.layer.0.conv2.weight. (2x8x3x3)" fails.err &&
	grep -q "misshapen: tensor .block3.layer.0.conv2.weight. is 2x8x1x1, the architecture has 2x8x3x3" fails.err &&
	grep -q "extra: tensor .fc.extra. (3)" fails.err && grep -q "4 tensors do not fit" fails.err'
ok '--partial: fresh values from the seed, with a message' '
	um-ckpt import --normalise none --partial -o p.ckpt wrong.pth 2>err && grep -q "missing: tensor .bn1.running_mean.*fresh" err &&
	um-ckpt diff p.ckpt plain.pth >out; test $(wc -l <out) = 3 && ! grep -q missing out &&
	um-ckpt import -q --normalise none --partial --seed 1 -o q.ckpt wrong.pth && ! um-ckpt diff p.ckpt q.ckpt >x &&
	um-ckpt import -q --normalise none --partial -o q.ckpt wrong.pth && um-ckpt diff p.ckpt q.ckpt'
ok 'a number that is not finite' 'fails 1 "nan.pth.*fc.bias.*not finite" import nan.pth'

# Normalisation, size, class names.
meta() { ts-dump --header "$1" | tr -d " \n" | grep -q -- "$2"; }
ok 'normalisation must be said' 'fails 2 "normalise cifar10|cifar10-narrow|cifar100|published|imagenet|half|none" um-ckpt import plain.pth && fails 2 "normalise" um-ckpt import --normalise cifar plain.pth'
ok 'not twice, not half' 'fails 2 "not both" um-ckpt import --normalise none --mean 0,0,0 --std 1,1,1 plain.pth &&
	fails 2 "go together" um-ckpt import --mean 0,0,0 plain.pth'
ok 'not too few numbers, and no std of 0' 'fails 1 "3 numbers" um-ckpt import -q --mean 0,0 --std 1,1,1 plain.pth && fails 1 "above 0" um-ckpt import -q --mean 0,0,0 --std 1,1,0 plain.pth'
ok 'nor those of pixels up to 255' 'fails 1 "pixels from 0 to 1, which .125.3,123,113.9. is not; divide it and std by 255" um-ckpt import -q --mean 125.3,123,113.9 --std 63,62.1,66.7 plain.pth'
show() { um-ckpt export --format safetensors "$1" | um-ckpt show; }
ok 'what is said arrives' '
	um-ckpt import -q --mean 0.1,0.2,0.3 --std 1,2,3 -o m.ckpt plain.pth && show m.ckpt | grep -q "unmask.mean	\"0.1,0.2,0.3\"" &&
	show m.ckpt | grep -q "unmask.std	\"1,2,3\"" && import -o m.ckpt plain.pth && show m.ckpt | grep -q "unmask.mean	\"0.491372549,0.482352941,0.446666667\"" &&
	um-ckpt import -q --normalise imagenet -o m.ckpt plain.pth && show m.ckpt | grep -q "unmask.std	\"0.229,0.224,0.225\""'
# NAME MEAN STD: what the name stands for
stands() { um-ckpt import -q --normalise $1 -o m.ckpt plain.pth && show m.ckpt >out && grep -q "unmask.mean	\"$2\"" out && grep -q "unmask.std	\"$3\"" out; }
ok 'cifar100 is CIFAR-100, what the published program takes for it has a name of its own' '
	stands cifar100 0.5071,0.4867,0.4408 0.2675,0.2565,0.2761 &&
	stands published 0.491372549,0.482352941,0.446666667 0.247058824,0.243529412,0.261568627'
ok 'cifar10 says that there is another, which has a name' '
	stands cifar10 0.491372549,0.482352941,0.446666667 0.247058824,0.243529412,0.261568627 &&
	stands cifar10-narrow 0.4914,0.4822,0.4465 0.2023,0.1994,0.201 && stands half 0.5,0.5,0.5 0.5,0.5,0.5 &&
	um-ckpt import --normalise cifar10 -o m.ckpt plain.pth 2>err && grep -q "std 0.2471,0.2435,0.2616.*--normalise cifar10-narrow" err &&
	um-ckpt import --normalise cifar100 -o m.ckpt plain.pth 2>err && ! grep -q "normalisation: " err'
ok '--size' '
	import --size 64 -o m.ckpt plain.pth && show m.ckpt | grep -q "unmask.input	\"3x64x64\"" &&
	import --size 3x16x24 -o m.ckpt plain.pth && show m.ckpt | grep -q "unmask.input	\"3x16x24\"" && import -o m.ckpt plain.pth &&
	show m.ckpt | grep -q "unmask.input	\"3x32x32\"" && fails 2 "CxHxW" import --size 3x plain.pth && fails 2 CxHxW import --size -3 plain.pth && fails 2 CxHxW import --size 1x2x3x4 plain.pth && fails 2 CxHxW import --size "3x +8x8" plain.pth'
ok 'our own safetensors say all this themselves' '
	printf "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n" >names && um-ckpt import -q --mean 0.1,0.2,0.3 --std 1,2,3 --prepare "size=72 crop=64" --classes names -o m.ckpt plain.pth && um-ckpt export -o m.safetensors m.ckpt &&
	um-ckpt import -o back.ckpt m.safetensors 2>err && ! grep -q "guessed\|no names" err && um-ckpt diff m.ckpt back.ckpt 2>err && ! test -s err &&
	said() { um-ckpt show $1 | grep "^# \(arch\|input\|mean\|std\|classes\|prepare\)"; } && said m.ckpt >want && test $(wc -l <want) = 6 && said back.ckpt | cmp - want && um-ckpt import -q <m.safetensors >back.ckpt && said back.ckpt | cmp - want'
ok 'and whoever says something else, is told' '
	um-ckpt import --normalise half -o b.ckpt m.safetensors 2>err && grep -q "says that the network was trained with --mean 0.1,0.2,0.3 --std 1,2,3" err && um-ckpt show b.ckpt | grep -q "^# mean	0.5 0.5 0.5" &&
	um-ckpt import --size 32 -o b.ckpt m.safetensors 2>err && grep -q "says that its input is 3x64x64" err && um-ckpt show b.ckpt | grep -q "^# input	3x32x32" &&
	um-ckpt import --mean 0.1,0.2,0.3 --std 1,2,3 --size 64 -o b.ckpt m.safetensors 2>err && ! grep -q "file says" err && sed s/unmask.mean/unmask.none/ m.safetensors >b.safetensors && fails 2 "how was the input normalised.*does not record" um-ckpt import -q b.safetensors'
ok '--classes as editors leave them: a mark, blanks, comments; and a name twice' '
	printf "\357\273\277a\nb  \nc\t# a comment\r\nd\ne\nf\ng\nh\ni\nj\n" >names && import --classes names -o m.ckpt plain.pth 2>err && um-ckpt show m.ckpt | grep -q "^# classes.*\[\"a\", \"b\", \"c\", \"d\"" && ! grep -q "two classes" err &&
	printf "a\nb\nc\nd\nb\nf\ng\nh\ni\nj\n" >names && um-ckpt import --normalise none --classes names -o m.ckpt plain.pth 2>err && grep -q "names.: two classes are called .b." err'
ok '--classes' '
	for c in a b c d e f g h i j; do echo $c; done >names && import --classes names -o m.ckpt plain.pth && um-ckpt show m.ckpt | grep -q "^# classes.*\"j\"" &&
	echo k >>names && um-ckpt import --normalise none -o m.ckpt plain.pth 2>err && grep -q "classes have no names.*--classes" err &&
	um-ckpt import --normalise none --classes names -o m.ckpt plain.pth 2>err; ! grep -q "no names" err && fails 1 "names 11 classes.*has 10" import --classes names plain.pth && fails 1 "no/names" import --classes no/names plain.pth'

# Output is whole or not there.
ok 'a full disk is noticed' '
	! um-ckpt export a >/dev/full 2>err && grep -q "No space" err && ! um-ckpt export --format safetensors a >/dev/full 2>err && grep -q "No space" err &&
	! um-ckpt show a >/dev/full 2>err && grep -q "No space" err &&
	um-ckpt diff a wrong.pth >/dev/full 2>err; test $? = 1 && grep -q "No space" err'
ok 'a failed export leaves nothing and keeps the old file' '
	mkdir -p clean && head -c 3000 a >cut.ckpt && fails 1 cut.ckpt um-ckpt export -o clean/x.pth cut.ckpt && test -z "$(ls -A clean)" &&
	echo old >old.pth && fails 1 cut.ckpt um-ckpt export -o old.pth cut.ckpt && test "$(cat old.pth)" = old'
ok 'a binary file does not go to a terminal' '
	"$BUILD/t/helper/on-terminal" um-ckpt export a 2>err; test $? = 1 && grep -q terminal err'

# Masks.
ok 'scores: which fraction stays must be said' 'fails 1 "scores of 10 masked layers.*--keep" import scores.pth'
baked() { um-ckpt bake -q "$1" | um-ckpt export | um-ckpt diff - "$2"; }
ok 'scores and --keep: the weights that SubnetConv computes with' 'import --keep 0.8 -o s.ckpt scores.pth && baked s.ckpt scores.want'
ok 'another fraction, other weights' 'import --keep 0.7 -o s7.ckpt scores.pth && ! baked s7.ckpt scores.want >x'
ok 'a dense classifier is seen' 'import --keep 0.5 -o d.ckpt denselast.pth && baked d.ckpt denselast.want'
ok '--no-masks' 'um-ckpt import --no-masks --normalise cifar10 scores.pth 2>err >n.ckpt && um-ckpt diff n.ckpt plain.pth && grep -q "left out" err && ! grep -q masks: err'
ok 'scores of 0 and 1 are a fixed mask' 'import -o f.ckpt fixed.pth && baked f.ckpt fixed.want'
ok 'with temp_mask and threshold beside them scores keep what reaches their quantile, of each layer or of all' '
	import --keep 0.8 -o u.ckpt underscore.pth && baked u.ckpt quantile-layer.want && ! baked u.ckpt scores.want >x &&
	import --keep 0.8 --scope model -o u.ckpt underscore.pth && baked u.ckpt quantile-model.want &&
	import --keep 0.8 --rule quantile -o u.ckpt scores.pth && baked u.ckpt quantile-layer.want && fails 1 "underscore.pth.*--keep" import underscore.pth'
ok 'a temp_mask that cuts is the mask' 'import -o u.ckpt tempmask.pth && baked u.ckpt tempmask.want &&
	import --keep 0.8 --rule quantile -o u.ckpt tempmask.pth && baked u.ckpt quantile-layer.want &&
	um-ckpt import --normalise none -o u.ckpt tempmask.pth 2>err && grep -q "masks: fixed, of the file.s temp_mask" err'
ok 'scores of which each is drawn: a Bernoulli mask' '
	import --rule sample -o u.ckpt scores.pth && um-ckpt show u.ckpt >out && grep -q "^# mask	.bernoulli.$" out && grep -q "^# keep	0.[45]" out &&
	um-ckpt export -o u.pth u.ckpt && import --rule sample -o v.ckpt u.pth && um-ckpt diff u.ckpt v.ckpt'
ok 'scores of the classifier alone, of some layers: the others are whole' '
	import --keep 0.5 -o u.ckpt onlyfc.pth && baked u.ckpt onlyfc.want && import --keep 0.5 -o u.ckpt some.pth && baked u.ckpt some.want &&
	fails 1 "some have none" import --keep 0.5 --scope model some.pth && fails 1 "have none" import --rule sample some.pth'
ok 'a fraction to keep, but nothing to cut: an error, unless it is all' '
	fails 1 "plain.pth.: has no masks or scores, of which --keep would be the fraction" import --keep 0.8 -o u.ckpt plain.pth && import --keep 1 -o u.ckpt plain.pth'
ok 'a mask that cuts beside scores is not guessed at' 'fails 1 "not known" import --keep 0.8 undercut.pth'
ok 'a masked checkpoint goes out as it came, and in again' '
	um-ckpt export -o s.pth s.ckpt && um-ckpt show s.pth | grep -q "^fc.scores	" && import --keep 0.8 -o s2.ckpt s.pth && um-ckpt diff s.ckpt s2.ckpt &&
	um-ckpt export -o f.safetensors f.ckpt && import -o f2.ckpt f.safetensors && um-ckpt diff f.ckpt f2.ckpt &&
	um-ckpt export --full s.ckpt | um-ckpt diff - plain.pth'

# Refused, with a reason.
ok 'no state in it' 'fails 1 "list.pth.*no dictionary of tensors" import list.pth'
ok 'complex numbers' 'fails 1 "no dictionary of tensors" import complex.pth'
ok 'TorchScript' 'fails 1 "TorchScript" import script.pth'
ok 'a tensor of 2^40 elements of one number' 'fails 1 "conv1.weight.*8 times" import expand.pth'
ok 'a key that is not there' 'fails 1 "under the key .nope." import --key nope training.pth'
ok 'a checkpoint is one already' 'fails 1 "checkpoint already" import a'
ok 'an option of another verb is misuse' '
	fails 2 "classes goes with import, not with export" um-ckpt export --classes names m.ckpt && fails 2 "masks goes with import, not with bake" um-ckpt bake --no-masks m.ckpt && fails 2 "key goes with import, show and diff, not with export" um-ckpt export --key a m.ckpt &&
	fails 2 "full goes with bake and export, not with import" um-ckpt import --full --normalise none plain.pth && fails 2 "format goes with export" um-ckpt bake --format pth m.ckpt && fails 2 "tolerance goes with diff" um-ckpt show --tolerance 1 m.ckpt &&
	fails 2 "show prints on standard output" um-ckpt show -o z m.ckpt && ! test -e z && um-ckpt diff --tolerance 1 m.ckpt m.ckpt'
ok 'misuse' 'fails 2 "what to do" um-ckpt && fails 2 "what to do.*not exort" um-ckpt exort && fails 2 "two files" um-ckpt diff a && fails 2 "one FILE" um-ckpt show a b'
done_testing
