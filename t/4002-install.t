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
ok 'the library is found by pkg-config, from where it was put' '
	! command -v pkg-config >/dev/null || {
	flags=$(PKG_CONFIG_PATH=root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR="$PWD/root" PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --cflags --libs unmask) &&
	${CC:-gcc} ${SANITIZE:+-fsanitize=$SANITIZE} "$SRC/pipelines/examples/detect.c" $flags -Wl,-rpath,"$PWD/root/usr/lib" -o detect && fails 2 "usage: detect" ./detect; }'
ok 'pages that are about several programs, found by man' '
	for f in "$SRC"/tools/*.7; do test -s root/usr/share/man/man7/${f##*/} || exit; done
	! command -v man >/dev/null || man -M root/usr/share/man -w unmask | grep -q "man7/unmask.7$"'
ok 'completions for each program and shell' '
	for f in root/usr/bin/*; do t=${f##*/}; test -s root/usr/share/bash-completion/completions/$t -a -s root/usr/share/zsh/site-functions/_$t -a \
		-s root/usr/share/fish/vendor_completions.d/$t.fish || exit; done'
ok 'examples, which can be run' 'for f in "$SRC"/pipelines/examples/*; do test -x root/usr/share/unmask/pipelines/examples/${f##*/} || exit; done'
into() { make -s -C "$SRC" TORCH="$TORCH" LIBTORCH="$LIBTORCH" SANITIZE="$SANITIZE" install prefix="$scratch/own" "$@" 2>&1; }
ok 'a bin that is not in PATH is named, with what to type' '
	into >out && grep -q "export PATH=$scratch/own/bin:.PATH$" out && PATH=$PATH:$scratch/own/bin into >out && ! grep PATH= out &&
	into DESTDIR="$scratch/package" >out && ! grep PATH= out'
ok 'make uninstall leaves what was not installed, and nothing else' '
	echo mine >root/usr/bin/mine && make -s -C "$SRC" TORCH="$TORCH" LIBTORCH="$LIBTORCH" SANITIZE="$SANITIZE" uninstall DESTDIR="$scratch/root" prefix=/usr >out 2>&1
	test "$(find root ! -type d)" = root/usr/bin/mine && test -z "$(find root -path "*/unmask*")" || { find root ! -type d | head | sed "s/^/# /"; cat out; false; }'
# ---- the pages as a site ----
if command -v mandoc >/dev/null; then
	sh "$SRC/t/helper/html.sh" site "$SRC"/tools/*.[17] "$SRC"/lib/*/*.5
	ok 'a page of the site for each, and all in its index' '
		for f in "$SRC"/tools/*.[17] "$SRC"/lib/*/*.5; do f=${f##*/}; test -s site/$f.html && grep -q "href=\"$f.html\"" site/index.html || echo "# $f"; done >no; cat no; ! test -s no'
	ok 'links of the site lead somewhere' '
		for f in site/*.html; do grep -o "href=\"[^\"#:]*\"" $f | sed "s/^href=.//; s/.\$//" | sort -u | while read -r l; do test -e site/$l || echo "# $f: $l"; done; done >no; cat no; ! test -s no && grep -q "href=\"um-train.1.html\">um-train(1)<" site/unmask-cluster.7.html'
	ok 'the site has nothing from outside' '! grep -l -E "<(script|img|iframe|link)[^>]*https?:|url\(" site/*'
else
	ok 'the pages as a site # SKIP no mandoc' true
fi
# ---- the version, from git, from an archive of it, and inside another repository ----
version() { make -s -C "$1" TORCH=no SANITIZE= LIBTORCH= CC=gcc build/plain-notorch/version.h >out 2>&1; sed -n 's/.*UNMASK_VERSION "\(.*\)"/\1/p' "$1/build/plain-notorch/version.h"; }
number=$(sed -n 's/^VERSION  *:= //p' "$SRC/Makefile")
ok 'the number, the commit and the build, in one line' '"$BUILD/ts-cat" --version | grep -q "^ts-cat (unmask) $number\(+[0-9a-f]*\(-dirty\)\?\)\?, [^,]*, [^,]*, -O.*$" && test "$("$BUILD/ts-cat" --version | wc -l)" = 1'
if git -C "$SRC" archive --prefix=archive/ HEAD 2>/dev/null >archive.tar; then
	git init -q && git -c user.name=x -c user.email=x@y commit -q --allow-empty -m other
	tar xf archive.tar
	ok 'an archive has both without git' 'test "$(version archive)" = "$number+$(git -C "$SRC" rev-parse --short HEAD)"'
	echo "\$Format:%h\$" >archive/.commit
	ok 'a copy without either has the number, not the commit of what it lies in' 'test "$(version archive)" = "$number"'
fi
done_testing
