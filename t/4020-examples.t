#!/bin/sh
# pipelines/examples: each script runs unchanged, on little data, and delivers what it promises.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
examples=$SRC/pipelines/examples

# ---- a detector from a PyTorch model ----
# Folders of classes, as colours, and noise: shapes are ds-synth's, written as pictures by Pillow.
if /usr/bin/python3 -c 'import numpy, PIL' 2>/dev/null; then
	golden-net ckpt resnet-narrow:depth=8 3 >m.ckpt && um-ckpt export -q -o model.pth m.ckpt
	/usr/bin/python3 - <<'END_PY'
import os, numpy
from PIL import Image
rng = numpy.random.default_rng(1)
def picture(path, colour):
    x = rng.integers(0, 256, (40, 40, 3)) if colour < 0 else rng.integers(0, 60, (40, 40, 3)) + 60 * (colour == numpy.arange(3))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(x.astype("u1")).save(path)
for folder, n in ("train", 60), ("val", 20):
    for c in range(3):
        for i in range(n):
            picture(f"{folder}/{'abc'[c]}/{i:03}.png", c)
for i in range(30):
    picture(f"noise/{i:03}.png", -1)
    picture(f"new/{i:03}.png", -1 if i < 10 else 0)
END_PY
	ok 'detector.sh runs' 'METHOD=knn nice "$examples/detector.sh" model.pth cifar10 32 train val noise new 2>err || { sed "s/^/# /" err; false; }'
	ok 'a verdict for each new image, and all noise is flagged' '
		test "$(grep -c "png	[01]$" verdicts.tsv)" = 30 && test "$(grep -c "/00[0-9].png	1$\|^.*	00[0-9].png	1$" verdicts.tsv)" = 10'
	ok 'its quality is said, of images that the threshold has not seen' '
		grep -q "^knn .*ood" quality.txt && grep -q "^check: [0-9]* of 30 flagged$" quality.txt && grep -q "^ood: 30 of 30 flagged$" quality.txt'
else
	ok 'detector.sh # SKIP needs python3-numpy and python3-pil' true
fi
ok 'detector.sh without operands says what it wants' '"$examples/detector.sh" 2>err; test $? = 2 && grep -q "detector.sh MODEL.pth" err'

# ---- a paper's table from three seeds ----
mkdir table && cd table || exit 99
ok 'table.sh runs' 'nice "$examples/table.sh" 2 100 >out 2>err || { sed "s/^/# /" err; false; }'
ok 'a row for each model and method, over three seeds' '
	test "$(grep -c "^| \(base\|control\|um\) | \(msp\|energy\|knn\|vim\) | .* 3 |$" table.md)" = 12 && cmp out table.md'
ok 'no image is in both training and test' '
	for s in train test; do ts-cat --select image $s.images | ts-dump | sort >$s.rows; done; test -z "$(comm -12 train.rows test.rows)"'
done_testing
