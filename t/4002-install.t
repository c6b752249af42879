#!/bin/sh
# What is installed works from where it is, without the source tree.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
make -s -C "$SRC" TORCH="$TORCH" LIBTORCH="$LIBTORCH" SANITIZE="$SANITIZE" install DESTDIR="$scratch/root" prefix=/usr >out 2>&1
ok 'make install' 'test -x root/usr/bin/ts-dump || { tail -n 3 out | sed "s/^/# /"; false; }'
ok 'programs and pages, one each' '
	for f in root/usr/bin/*; do test -s root/usr/share/man/man1/${f##*/}.1 || exit; done && test -s root/usr/share/man/man5/ts.5'
ok 'pipelines and configs' 'test -s root/usr/share/unmask/pipelines/um.mk && test -s root/usr/share/unmask/pipelines/plots/roc.gp && test -s root/usr/share/unmask/configs/cifar10-densenet.yaml'
ok 'an installed program runs' 'root/usr/bin/ds-synth --set blobs -n 2 | root/usr/bin/ts-dump >out && test $(wc -l <out) = 2'
if have_torch; then
	golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt; golden-net images 2 10 >i.ts
	ok 'it finds libtorch through the installed seam' '
		root/usr/bin/um-embed --engine torch -m m.ckpt i.ts | root/usr/bin/ts-dump | wc -l | grep -qx " *2"'
	rm root/usr/lib/unmask/libunmask-th.so
	ok 'and says what is missing when it is gone' 'fails 1 "libunmask-th.so" root/usr/bin/um-embed --engine torch -m m.ckpt -o x.ts i.ts'
fi
# ---- the version, from git, from an archive of it, and inside another repository ----
version() { make -s -C "$1" TORCH=no SANITIZE= LIBTORCH= CC=gcc build/plain-notorch/version.h >out 2>&1; sed -n 's/.*UNMASK_VERSION "\(.*\)"/\1/p' "$1/build/plain-notorch/version.h"; }
number=$(sed -n 's/^VERSION  *:= //p' "$SRC/Makefile")
ok 'the number, and the commit' '"$BUILD/ts-cat" --version | grep -q "^ts-cat (unmask) $number\(+[0-9a-f]*\(-dirty\)\?\)\?$"'
if git -C "$SRC" archive --prefix=archive/ HEAD 2>/dev/null >archive.tar; then
	git init -q && git -c user.name=x -c user.email=x@y commit -q --allow-empty -m other
	tar xf archive.tar
	ok 'an archive has both without git' 'test "$(version archive)" = "$number+$(git -C "$SRC" rev-parse --short HEAD)"'
	echo "\$Format:%h\$" >archive/.commit
	ok 'a copy without either has the number, not the commit of what it lies in' 'test "$(version archive)" = "$number"'
fi
done_testing
