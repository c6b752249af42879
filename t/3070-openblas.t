#!/bin/sh
# OpenBLAS is opened only by programs that multiply matrices, when they do, with this processor's kernels.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
unset OPENBLAS_CORETYPE OPENBLAS_VERBOSE
ts-gen features logits:f4:3,features:f4:4 200 1 >f.ts

ok 'no program is linked with it' 'for p in "$BUILD"/o* "$BUILD"/u*; do
	[ ! -x "$p" ] || [ -d "$p" ] || ! ldd "$p" | grep -q -E "blas|lapack" || echo "# $p"; done >out; cat out; ! test -s out'
opened() { LD_DEBUG=files "$@" >/dev/null 2>debug; grep -a -q "calling init:.*libopenblas" debug; }
ok '--help does not open it, nor do scores of logits' '! opened ood-score --help && ! opened ood-fit --help &&
	! opened um-train --help && ! opened ood-score -q -m msp,energy,maxlogit f.ts'
ok 'ood-fit opens it, and scores of a fit' 'opened ood-fit -o fit f.ts && opened ood-score -q -f fit -m knn f.ts'
core() { OPENBLAS_VERBOSE=2 "$@" 2>&1 >/dev/null | sed -n 's/^Core: //p'; }
if grep -q -w avx2 /proc/cpuinfo && grep -q -w fma /proc/cpuinfo; then
	ok 'its kernels have AVX where the processor has, known to it or not' '
		for p in "ood-fit -o x f.ts" "ood-score -q -f fit -m vim,knn f.ts"; do
			core $p >out; grep -q -x -i -E "haswell|skylakex" out || echo "# $p: $(cat out)"; done >wrong; cat wrong; ! test -s wrong'
	ok 'the user'"'"'s choice counts' 'test "$(OPENBLAS_CORETYPE=Nehalem core ood-fit -o x f.ts)" = Nehalem'
	if have_torch; then
		golden-net images 4 10 >images.ts
		ok 'libtorch'"'"'s OpenBLAS, too, if that is what it has' 'core um-train -q --engine torch -a conv2 -e 1 -b 4 -o x.ckpt images.ts >out
			! test -s out || grep -q -x -i -E "haswell|skylakex" out'
	fi
else
	ok 'its kernels # SKIP no AVX2' true
fi
mkdir none
echo 'no library' >none/libopenblas.so.0
broken() { LD_LIBRARY_PATH="$PWD/none${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"; }
ok 'where it cannot be loaded: what to install, and no file' '
	fails 1 "cannot load OpenBLAS.*apt install libopenblas0" broken ood-fit -o none.fit f.ts && ! test -e none.fit'
ok 'no method of all is left out for it' 'fails 1 "cannot load OpenBLAS" broken ood-score -f fit f.ts &&
	broken ood-score -q -m msp f.ts >/dev/null'
ok 'nor at the end of a training' 'golden-net images 4 10 >images.ts && fails 1 "cannot load OpenBLAS" \
	broken um-train -q -a densenet:depth=10,growth=2 -e 1 -b 4 -o none.ckpt --val images.ts --ood x=images.ts images.ts'
if [ -z "$SANITIZE" ]; then            # which need address space themselves
	ok 'too little address space: said, where OpenBLAS alone would try for ever' '
		(ulimit -v 200000; fails 1 "OpenBLAS needs .* MB of address space.*ulimit -v" timeout 20 ood-fit -o x f.ts) &&
		(ulimit -v 200000; timeout 20 ood-fit --help >/dev/null && timeout 20 ood-score -q -m msp f.ts >/dev/null)'
	${CC:-cc} -shared -o none/libopenblas.so.0 -x c /dev/null
	ok 'one without CBLAS: said' 'fails 1 "has no cblas_sgemm" broken ood-fit -o x f.ts'
fi
done_testing
