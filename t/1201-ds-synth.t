#!/bin/sh
# ds-synth: every set is a whole stream of images; prefixes, seeds, splits.
. "$SRC/t/lib.sh"
syn() { ds-synth --no-history "$@"; }

for s in $(ds-synth --list | cut -d' ' -f1); do
	syn --set $s -n 300 >$s || bad=1
	ts-dump --header $s >h
	ok "$s: 300 images of 3x32x32, labels, names, classes" 'grep -q "\"kind\": \"images\", \"rows\": 300" h &&
		grep -q "\"image\": .*u1.*\[3, 32, 32\]" h && grep -q "\"label\": .*<i8" h &&
		grep -q "\"name\"" h && grep -q "\"classes\": \[\"disc\"" h && grep -q "\"source\": \"ds-synth\"" h'
done
ok 'seven sets' '[ "$(ds-synth --list | wc -l)" = 7 ]'
ok 'only id tells what is atypical' '[ "$(ds-synth --list | cut -d" " -f1 | while read -r s; do
	ts-dump --header $s | grep -q "\"atypical\"" && echo $s; done)" = id ]'
ok 'the same bytes again' 'syn --set id -n 300 | cmp - id'
ok 'a smaller n is a prefix, also across batches' 'syn --set id -n 257 | ts-dump >a && ts-dump id | head -n 257 | cmp - a'
ok 'another seed, another split: other rows' '! syn --set id -n 300 --seed 1 | cmp -s - id &&
	! syn --set id -n 300 --split train | cmp -s - id'
ok 'sizes without -n' 'rows() { ds-synth --set "$@" | ts-dump --header | grep -o "\"rows\": [0-9]*" | tr -dc 0-9; }
	[ "$(rows id) $(rows id --split train) $(rows rademacher)" = "2000 5000 1000" ]'
ok 'no rows' 'syn --set blobs -n 0 | ts-dump >out && ! test -s out'
ok '--atypical 0 and 1' '[ "$(syn --set id -n 50 --atypical 0 | ts-dump --tsv | grep -c "	1	")" = 0 ] &&
	[ "$(syn --set id -n 50 --atypical 1 | ts-dump --tsv | grep -c "	1	")" = 50 ]'
ok '--plain: other pictures of the sets with objects, the same of the others, and atypical ones as they were' '
	for s in id unseen-shapes id-inverted; do ! syn --set $s -n 300 --plain | cmp -s - $s || echo $s; done >same &&
	for s in textures blobs; do syn --set $s -n 300 --plain | cmp - $s; done && ! test -s same &&
	syn --set id -n 50 --atypical 1 --plain >a && syn --set id -n 50 --atypical 1 | cmp - a'
ok '--label-noise: that many are wrong, the true ones beside them' '
	syn --set id -n 300 --label-noise 0.4 >n && ts-cat --select label,true-label,noisy n | ts-dump --tsv | sed 1d >rows &&
	awk "(\$1 != \$2) != \$3 || \$2 != (NR - 1) % 10 { bad = 1 } { n += \$3 } END { exit bad || n < 80 || n > 160 }" rows &&
	ts-cat --no-history --select image id >b && ts-cat --no-history --select image n | cmp - b'
ok 'what is no share and no matrix is refused' '
	fails 1 "3 is not a share" ds-synth --set id --label-noise 3 && fails 2 "only id has" ds-synth --set blobs --label-noise 0.1'
ok 'names' 'ts-dump --tsv id | grep -q "disc/000010$" && ts-dump --tsv gaussian | grep -q "gaussian/000299$"'
ok '-o FILE' 'syn --set textures -n 300 -o f && cmp f textures'
usage() { ds-synth "$@" >out 2>err </dev/null; test $? = 2 && ! test -s out && grep -q Try err; }
ok 'misuse' 'usage && usage --set nope && usage --set id extra && usage --set id -n -1 &&
	usage --set id --atypical 2 && usage --set id --split val'
done_testing
