#!/bin/sh
# make bundle: a folder that runs from wherever it is unpacked, from a path with a space in it too, with nothing from
# the system but glibc; and the seam to libtorch, built in place.
. "$SRC/t/lib.sh"
[ -z "$SANITIZE" ] || skip_all 'a bundle of sanitized programs is none'
command -v dpkg-query >/dev/null || skip_all 'no dpkg, so no licences of libraries'
PATH=$BUILD/t/helper:$PATH
mkdir -p folder
make -s -C "$SRC" LIBTORCH="$LIBTORCH" $(have_torch || echo TORCH=no) bundle-folder BUNDLE="$PWD/folder" >out 2>&1
ok 'make bundle-folder' 'test -x folder/bin/ts-dump || { tail -n 3 out | sed "s/^/# /"; false; }'
mkdir 'a place' && mv folder 'a place/unmask' && cd 'a place/unmask' || exit 99
home=$PWD
clean() { env -i PATH=/usr/bin:/bin LC_ALL=C "$@"; }

ok 'all programs, each with its page' 'for f in "$SRC"/tools/*.c; do t=${f##*/} t=${t%.c}
	test -x bin/$t && test -s share/man/man1/$t.1 || echo "# $t"; done >"$scratch/out"; cat "$scratch/out"; ! test -s "$scratch/out"'
ok '--version and --help of each' 'for p in bin/*; do
	clean "$home/$p" --version | grep -q "^${p#bin/} (unmask) [0-9]" && clean "$home/$p" --help | grep -q Usage || echo "# $p"
	done >"$scratch/out"; cat "$scratch/out"; ! test -s "$scratch/out"'
glibc='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|mvec))\.so'
ok 'programs find their libraries in it, or they are glibc'"'"'s' '
	clean ldd bin/* | awk "\$2 == \"=>\"" | grep -v -F "=> $home/" | tr -d "\t" >"$scratch/libs"
	grep -v -E "$glibc" "$scratch/libs" | sed "s/^/# /" >"$scratch/out"
	cat "$scratch/out"; ! test -s "$scratch/out" && grep -q "libc\.so" "$scratch/libs"'
ok 'and so do libraries' 'for l in $(readelf -d lib/*.so* | sed -n "s/.*(NEEDED).*\[\(.*\)\]/\1/p" | sort -u); do
	test -f lib/$l || echo "$l" | grep -q -E "$glibc" || echo "# $l"; done >"$scratch/out"; cat "$scratch/out"; ! test -s "$scratch/out"'
ok 'what ds-pack opens itself, too' '/usr/bin/python3 "$SRC/t/helper/formats.py" make svhn "$scratch/mat" >"$scratch/made" 2>&1
	clean LD_DEBUG=files bin/ds-pack "$scratch/mat/svhn/test_32x32.mat" >"$scratch/out" 2>&1; grep -a -q "calling init: $home/.*libmatio" "$scratch/out" &&
	! grep -aq "cannot be loaded" "$scratch/out"'
ok 'and what ood-fit does' 'ts-gen features logits:f4:3,features:f4:4 20 1 >"$scratch/f.ts"
	clean LD_DEBUG=files bin/ood-fit -o "$scratch/fit" "$scratch/f.ts" >"$scratch/out" 2>&1; grep -q "calling init: $home/.*libopenblas" "$scratch/out"'
ok 'a licence of each library, and the texts that they name' 'test -s share/doc/libopenblas0-openmp/copyright &&
	grep -oh "/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]" share/doc/*/copyright | sort -u | while read -r l; do
	! test -f "$l" || test -s "share/doc/common-licenses/${l##*/}" || echo "# $l"; done >"$scratch/out"; ! test -s "$scratch/out"'
ok 'pipelines and configs' 'test -s share/unmask/pipelines/plots/roc.gp && test -s share/unmask/configs/cifar10-densenet.yaml && test -s README'
if command -v zstd >/dev/null && ! [ -e lib/unmask ]; then
	ok 'packed it is below 25 MB' 'size=$(tar -cf - . | zstd -q -T0 -9 | wc -c) && echo "# $size bytes" && test $size -lt 25000000'
fi
cd "$scratch" || exit 99
golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt
cat >table.sh <<'END'
set -e
ds-synth --set id -n 200 -o id.ts; ds-synth --set blobs -n 200 -o ood.ts
um-embed -q -m ../m.ckpt id.ts | ood-fit -o fit
for s in id ood; do um-embed -q -m ../m.ckpt $s.ts | ood-score -q -f fit -o $s.s; done
ood-metrics -q --id id.s ood=ood.s
END
ok 'the table is that of the build' 'mkdir b u && (cd b && sh ../table.sh) >want && (cd u && clean PATH="$home/bin:/usr/bin:/bin" sh ../table.sh) >got &&
	cmp want got && test $(wc -l <got) -gt 10'
ok 'it trains without the seam: lib/nn does' '
	clean "$home/bin/um-train" -q -a densenet:depth=10,growth=2 -e 1 -o x.ckpt u/id.ts && clean "$home/bin/um-embed" -q -m x.ckpt u/id.ts >x.ts'
if have_torch; then
	seam() { make -s -C "$home/share/unmask/seam" "$@"; }
	ok 'without the seam: what to type' '
		fails 1 "make -C share/unmask/seam LIBTORCH=DIR" "$home/bin/um-train" -q --engine torch -a conv2 -e 1 -o x.ckpt u/id.ts'
	ok 'no libtorch: said' 'seam LIBTORCH=/nowhere >out 2>&1; test $? != 0 && grep -q "/nowhere holds no libtorch" out'
	ok 'the seam, made where the bundle lies' 'seam LIBTORCH="$LIBTORCH" >out 2>&1 || { tail -n 5 out | sed "s/^/# /"; false; }
		test -s "$home/lib/unmask/libunmask-th.so"'
	ok 'made once' 'seam LIBTORCH="$LIBTORCH" >out 2>&1 && ! grep -q CXX out'
	ok 'what t/gpu/examine takes with it' 'share="$home/share/unmask/gpu"; test -x "$share/examine" && test -x "$home/libexec/nn-bench" &&
		"$share/examine" --help | grep -q resume && echo 1 2 >nums && clean "$home/libexec/near" 1e-6 nums nums | grep -q "2 numbers"'
fi
# A whole experiment, no program of the build on PATH.
ok 'the demo'"'"'s pipeline' 'clean make -C "$home" -f share/unmask/pipelines/demo.mk RUN="$scratch/run" N_TRAIN=100 N_TEST=60 N_OOD=30 \
	ARCH=densenet:depth=10,growth=4 TRAIN="--epochs 1 --no-augment" FINETUNE="--epochs 1 --no-augment" >out 2>err &&
	grep -q "^+UM " run/table.txt || { tail -n 3 err | sed "s/^/# /"; false; }'
done_testing
