#!/bin/sh
# The README's first commands, as they stand there, on small files by the names that they have there.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
/usr/bin/python3 -c 'import numpy, PIL' 2>/dev/null || skip_all 'needs python3-numpy and python3-pil'

# Commands of a section: its indented lines, but for those that show what comes out.
commands() {
	sed -n "/^## $1\$/,/^## /p" "$SRC/README.md" | sed -n 's/^    //p' | grep -v -E '^(vim +pred|-[0-9.]+ )'
}

golden-net ckpt resnet-narrow:depth=8 4 >m.ckpt && um-ckpt export -q -o model_best.pth m.ckpt
/usr/bin/python3 - <<'END_PY'
import os
import numpy
from PIL import Image
rng = numpy.random.default_rng(1)
def picture(path, kind):                # classes are colours, textures are noise
    x = rng.integers(0, 256, (40, 40, 3)) if kind < 0 else rng.integers(0, 60, (40, 40, 3)) + 60 * (kind == numpy.arange(4)[:3])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(x.astype("u1")).save(path)
for split, n in ("train", 60), ("test", 40):
    for c in range(4):
        for i in range(n):
            picture(f"dataset/{split}/{'abcd'[c]}/{i:03}.png", c)
for i in range(30):
    picture(f"pictures/{i:03}.png", -1)
    picture(f"dtd/banded/{i:03}.png", -1)
END_PY
tar cf dataset.tar dataset && tar cf dtd.tar dtd

commands 'Your own model' >first.sh
ok 'the commands are there' '[ "$(wc -l <first.sh)" -gt 10 ] && grep -q um-ckpt first.sh && grep -q ood-metrics first.sh'
ok 'they run' 'sh -e first.sh >out 2>err || { sed "s/^/# /" err; false; }'
ok 'a verdict for each picture' '[ "$(grep -c "^-*[0-9.e+-]*	.*\.png	[01]$" out)" = 30 ]'
ok 'a table of methods' 'grep -q "^dtd.*vim\|vim.*dtd" out'
done_testing
