#!/bin/sh
# Objects beside a state in a file of torch.save(): inert stand-ins, of any protocol, and nothing is called.
. "$SRC/t/lib.sh"
python=/usr/bin/python3
$python -c 'import torch' 2>/dev/null || skip_all 'no python3-torch here'
$python -W ignore "$SRC/t/helper/objects.py" 2>err || { sed 's/^/# /' err; ok 'files are made' false; done_testing; }
import() { um-ckpt import -q --normalise none -o x.ckpt "$@"; }
is_plain() { import "$@" 2>err && um-ckpt diff x.ckpt plain.pth >out || { sed 's/^/# /' err out; return 1; }; }
every() { for f in "$1"-*.pth; do is_plain "$f" && um-ckpt show "$f" | grep -q "^# last	7$" || { echo "# $f"; return 1; }; done; }
ok 'there are many' 'test "$(wc -l <names)" -gt 250'
for what in $(sed 's/-.*//' names | uniq); do
	ok "beside the state: $what, in both forms and protocols 2 to 5" 'every $what'
done
ok 'nothing was called' '! test -e executed'
ok 'what was not made is named' '
	um-ckpt import --normalise none -o x.ckpt posixpath-2.pth 2>err && grep -q "none of their functions is called: pathlib.PosixPath" err &&
	um-ckpt import --normalise none -o x.ckpt trap-4.pth 2>err && grep -q "none of their functions is called: posix.system" err'
ok 'with nothing of the kind, nothing is said' 'um-ckpt import --normalise none -o x.ckpt namespace-none.pth 2>/dev/null;
	um-ckpt import --normalise none -o x.ckpt none-2.pth 2>err && ! grep -q called err'
ok 'a state of a class that is derived from dict' 'is_plain config.pth'
ok 'a state under no usual key: that of most tensors, and said' 'is_plain otherkey.pth &&
	um-ckpt import --normalise none -o x.ckpt otherkey.pth 2>err && grep -q "under .my_net.; choose another with --key: my_head" err'
ok 'a state in a dictionary in a dictionary, and --key names it' 'is_plain nested.pth && is_plain --key all.teacher nested.pth &&
	fails 1 "no dictionary of tensors under the key .all.; there is one under all.teacher student" import --key all nested.pth'
ok 'what is no tensor in the state, or one that cannot be read, is left out and said' 'is_plain inside.pth &&
	um-ckpt import --normalise none -o x.ckpt inside.pth 2>err && grep -q "cannot be read are left out: .freq. (ComplexFloatStorage)" err'
ok 'unless it is wanted' 'fails 1 "." import wanted.pth && grep -q "missing: tensor .fc.bias. (10): .*ComplexFloatStorage" fails.err'
for f in module.pth module-old.pth parallel.pth averaged.pth volatile.pth; do
	ok "$f: a module of which the tensors are taken" 'is_plain $f && um-ckpt import --normalise none -o x.ckpt $f 2>err &&
		grep -q "taken out of a module of class .*not run" err'
done
ok 'a module in itself has an end' 'fails 1 "no dictionary of tensors" import loop.pth'
done_testing
