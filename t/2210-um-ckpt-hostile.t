#!/bin/sh
# Malicious files: one line that names the file and says what is wrong, exit 1, little memory, nothing
# executed. Needs Python for its zip module, not PyTorch.
. "$SRC/t/lib.sh"
python=/usr/bin/python3
command -v $python >/dev/null || skip_all 'no python3'
$python "$SRC/t/helper/hostile.py" 2>err || { sed 's/^/# /' err; ok 'files are made' false; done_testing; }
# AddressSanitizer maps terabytes.
limit() { [ -n "$SANITIZE" ] || ulimit -v 400000; }
refuses() {                            # file, pattern
	( limit; um-ckpt show "$1" >out 2>err </dev/null )
	got=$?
	[ $got = 1 ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] && grep -q "um-ckpt: .$1" err && grep -q -- "$2" err &&
		! grep -q '[[:cntrl:]]' err || { echo "# exit $got: $(head -c 300 err)"; return 1; }
}
for f in bytes.safetensors bytes.pth; do
	ok "$f: bytes become numbers of 8 bytes each" 'um-ckpt show $f >out && grep -q "^w	<i8	40000	40000	" out'
done
for f in quantised.pth quantised.old dtype.safetensors; do
	ok "$f: a tensor whose numbers no checkpoint has is left out and said" '
		um-ckpt show $f >out && grep -q "^# left out	.*w.*\(QInt8Storage\|F8_E4M3\)" out && test $(wc -l <out) = 4 &&
		fails 1 . um-ckpt import --normalise none -o x.ckpt $f && grep -q "cannot be read are left out: .w. (\(QInt8Storage\|F8_E4M3\))" fails.err'
done
for f in good.pth good.old good.safetensors good2.safetensors again.pth; do
	ok "$f is good" 'um-ckpt show $f >out && grep -q "^w.*	[02-4]	0	0	0$" out'
done
ok 'heavy.old: what is read of the machine goes before the object comes' '
	mib=$("$BUILD/t/helper/measure" 1 um-ckpt show heavy.old | cut -d" " -f3) && echo "# $mib MiB" && { test -n "$SANITIZE" || test "${mib%.*}" -lt 230; }'
ok 'ancient.old, as of Python 2: a view of a view' 'um-ckpt show ancient.old | grep -q "^w	<f4	2	2	9	4	5$"'
while read -r name pattern; do
	for form in pth old; do ok "$name.$form: $pattern" 'refuses $name.$form "$pattern"'; done
done <<'END'
system no dictionary of tensors.*nothing is called.*posix.system
eval no dictionary of tensors.*nothing is called.*builtins.eval
build no dictionary of tensors.*nothing is called.*torch.nn.modules.module.Module
storagecall no dictionary of tensors
huge 1099511627776 elements
hugeview 'w'.* 8 times the file
overflow too many elements to count
outside reaches element 4 of a storage of 4
faroutside beyond all memory\|reaches element
stride a size or a stride that is not
size a size or a stride that is not
offset not described as one
dims not described as one
twokinds two storages of one key
twice 'w' appears twice
control control characters
cut cut off
deep no dictionary of tensors
memo bad memo
values more than 1048576 values
notstate no dictionary of tensors
END
while read -r file pattern; do
	ok "$file: $pattern" 'refuses $file "$pattern"'
done <<'END'
missing.pth numbers of tensor 'w' are missing
short.pth has 15 bytes, but its pickle says 16
long.pth has more than 16 bytes
bomb.pth 268435456 elements, more than the file has bytes
views.pth 'w[0-9]*' brings the tensors to more than 8 times
bombs.pth has more than [0-9]* bytes
picklebomb.pth has more than [0-9]* bytes
empty.pth cut off
bigendian.pth big-endian
folder.pth numbers of tensor 'w' are missing
key.pth storage '0??.2J' claims
member.pth data/0??.2J' has 15 bytes
dtype.pth no dictionary of tensors
doubled.pth appears twice
photos.pth without a member NAME/data.pkl
flipped.pth CRC
trailing.old 1 bytes behind its last storage
count.old has 5 elements, but its pickle says 4
negative.old not a storage of numbers
unknown.old nothing refers to
nokeys.old list of storages is not
protocol.old protocol
endian.old big-endian
huge.safetensors another number by its shape
hugeall.safetensors outside of the file's 16 bytes
overflow.safetensors too many elements to count
wraps.safetensors another number by its shape
outside.safetensors outside of the file's 16 bytes
backwards.safetensors outside of the file's 16 bytes
negative.safetensors outside of the file's 16 bytes
negshape.safetensors not numbers from 0 on
fraction.safetensors not numbers from 0 on
bignum.safetensors not numbers from 0 on
onenumber.safetensors not described as one that is known
nodtype.safetensors dtype none
dims.safetensors not described as one that is known
noshape.safetensors not described as one that is known
gap.safetensors gap at byte 8
rest.safetensors has 16 bytes of data, its tensors 8
overlap.safetensors overlap or leave a gap at byte 0
partoverlap.safetensors overlap or leave a gap at byte 4
list.safetensors neither a PyTorch file
number.safetensors not described as one that is known
cutjson.safetensors its header, byte
double.safetensors duplicate
nul.safetensors its header, byte
control.safetensors control characters
badutf.safetensors its header, byte
deep.safetensors its header, byte
lies.safetensors 1073741824 bytes, more
lies2.safetensors 1000 bytes, more
many.safetensors more than 8192 tensors
trailing.safetensors has 17 bytes of data
END
ok 'cut off anywhere, of either form: exit 1' '
	for f in cut*; do refuses $f . || echo $f; done >bad_cut; ! test -s bad_cut || { sed "s/^/# /" bad_cut; false; }'
ok 'every byte of small files cut off' '
	for f in good.old good.pth good.safetensors; do
		size=$(wc -c <$f); i=0
		while [ $i -lt $size ]; do
			head -c $i $f >part; um-ckpt show part >out 2>err; rc=$?
			[ $rc = 1 ] && ! test -s out && test -s err || echo "# $f $i: $rc"
			i=$((i + 7))
		done
	done >bad_cut; cat bad_cut; ! test -s bad_cut'
ok 'neither a file of zeros nor of ones' '
	head -c 5000 /dev/zero >z.pth && refuses z.pth "neither a PyTorch file" && tr "\0" "\377" <z.pth >o.pth && refuses o.pth "neither a PyTorch file"'
[ -n "$SANITIZE" ] || ok 'a file without end ends when memory does' '
	( ulimit -v 300000; { printf "PK\\3\\4"; cat /dev/zero; } | um-ckpt show >out 2>err ); test $? = 1 && grep -q "not enough memory" err'
# Small files that claim networks of many gigabytes.
imports() {                            # pattern of the last line, argument...
	pattern=$1; shift
	( limit; um-ckpt import --normalise none "$@" >out 2>err )
	got=$?
	[ $got = 1 ] && [ ! -s out ] && tail -n 1 err | grep -q -- "$pattern" || { echo "# exit $got: $(tail -n 1 err)"; return 1; }
}
ok 'a device without an end is not read to 4 GiB' '
	( limit; timeout 20 um-ckpt show /dev/zero >out 2>err; test $? = 1 ) && grep -q "/dev/zero.: is neither a PyTorch file" err'
ok 'tensors without elements are no guess' 'imports "no known architecture" hollow.safetensors'
ok 'nor the size of a network' 'imports "do not fit architecture resnet" -a resnet:depth=152,widen=16 hollow.safetensors &&
	grep -q "misshapen: tensor .fc.weight. is 1000000x0" err'
ok 'names alone are none' 'imports "do not fit architecture conv2" --size 4096 names.safetensors'
ok 'not with --partial either' 'imports "most would be fresh random values" --partial --size 4096 names.safetensors'
ok 'import says the same' 'fails 1 "nothing is called.*posix.system" um-ckpt import --normalise none -o x.ckpt system.pth && ! test -e x.ckpt'
ok 'a failed import keeps the old file' 'echo old >x.ckpt; um-ckpt import --normalise none -o x.ckpt eval.old 2>err; test "$(cat x.ckpt)" = old'
ok 'nothing was executed' '! test -e executed'
done_testing
