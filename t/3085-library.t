#!/bin/sh
# libunmask: what it exports, what it calls, and the examples in C and Python, which agree with ood-detect.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
export OMP_NUM_THREADS=2
header=$SRC/lib/unmask/unmask.h

ds-synth -q --set id --n 200 -o train.ts; ds-synth -q --set id --seed 2 --n 60 -o val.ts
um-train -q -a resnet-narrow:depth=8 -e 1 -o m.ckpt train.ts
um-embed -q -m m.ckpt train.ts | ood-fit -q -o fit; um-embed -q -m m.ckpt val.ts >val.f
for m in vim energy:temperature=2.5 knn; do
	ood-score -q -f fit -m $m val.f | ood-threshold -q -a 0.1 -o thr && ood-pack -q -m m.ckpt -f fit -t thr -o ${m%%:*}.det
done

names() { sed -n 's/^UNMASK_API .*[ *]\(unmask_[a-z_]*\)(.*/\1/p' "$header" | sort; }
names >declared; nm -D --defined-only "$BUILD/libunmask.so.0" | sed -n 's/.* [A-Z] //p' | sort >shown
ok 'it shows what unmask.h declares, and nothing else' 'test $(wc -l <declared) -ge 12 && { [ -n "$SANITIZE" ] || cmp declared shown; }'
ok 'nothing in it ends the program, prints, or takes signals' '
	nm -D --undefined-only "$BUILD/libunmask.so.0" | sed "s/.* //; s/@.*//" | grep -x -E "_?exit|_Exit|quick_exit|abort|atexit|printf|v?f?printf_chk|puts|putchar|perror|stdout|stderr|signal|sigaction|raise|kill" | sed "s/^/# /" >no
	[ -n "$SANITIZE" ] || { cat no; ! test -s no; }'
ok 'threads with a handle each, features, and what must fail' 'for d in vim knn energy; do unmask-api $d.det 4 || exit; done'
comma=$(locale -a 2>/dev/null | grep -i -m 1 "^\(de\|fr\|pl\|ru\)_.*utf")
if [ -n "$comma" ]; then
	ok 'where numbers have a comma' 'LC_ALL=$comma unmask-api energy.det 1'
else
	ok 'where numbers have a comma # SKIP no such locale' true
fi
/usr/bin/python3 -c 'import PIL' 2>/dev/null || { ok 'the examples # SKIP no Pillow' true; done_testing; exit; }

for i in 1 2 3; do image-gen png 32 32 >$i.png; done
/usr/bin/python3 -c '
from PIL import Image
for i in "123": Image.open(i + ".png").convert("RGB").save(i + ".ppm")'
ood-detect --tsv vim.det 1.png 2.png 3.png >want; status=$?; tail -n +2 want >rows
examples=$SRC/pipelines/examples
ok 'detect.c: 30 lines, and the numbers of ood-detect' '
	test $(wc -l <"$examples/detect.c") -le 35 &&
	${CC:-gcc} -std=c11 -Wall -Wextra -Wpedantic -Werror ${SANITIZE:+-fsanitize=$SANITIZE} -I"$SRC/lib/unmask" "$examples/detect.c" -L"$BUILD" -lunmask -Wl,-rpath,"$BUILD" -o detect &&
	for i in 1 2 3; do ./detect vim.det <$i.ppm; done >got; cut -f 2- rows | cmp - got && ./detect vim.det <3.ppm >got; test $? = "$(test "$(tail -n 1 rows | cut -f 4)" = out && echo 1 || echo 0)"'
ok 'and it says what is wrong' 'fails 2 "" ./detect fit <3.ppm; ./detect fit <3.ppm 2>err; test $? = 2 && grep -q "fit.: is not a detector" err'
if [ -n "$SANITIZE" ]; then
	ok 'detect.py # SKIP Python is not sanitized' true
else
	ok 'detect.py: the same' 'LD_LIBRARY_PATH="$BUILD" /usr/bin/python3 "$examples/detect.py" vim.det 1.png 2.png 3.png | cmp - rows &&
		! LD_LIBRARY_PATH="$BUILD" /usr/bin/python3 "$examples/detect.py" m.ckpt 1.png 2>err && grep -q "not a detector" err'
fi
done_testing
