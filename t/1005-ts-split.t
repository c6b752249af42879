#!/bin/sh
# A stream in two: every row in one part, shares that hold along the stream, the same for equal seeds and places.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
seq 0 12344 | awk '{ print $1, "n" $1 }' | ts-gen scores e:f8,name:str >s
numbers() { ts-dump --tsv "$1" | sed 1d | cut -f 1; }
ok 'every row is in one of the parts, in order' 'ts-split -f 0.9 -r rest s -o part && { numbers part; numbers rest; } | sort -n | cmp - "$(seq 0 12344 >all; echo all)" &&
	numbers part | sort -nc && numbers rest | sort -nc && ts-dump --tsv rest | awk "NR > 1 && \$2 != \"n\" \$1 { exit 1 }"'
ok 'the share is met to one row in whole hundreds, everywhere' '(for f in 0.9 0.5 0.123 0.005; do ts-split -f $f -r rest s -o part || exit 1
	numbers part | awk -v f=$f "{ n[int(\$1 / 100)]++ } END { for (b = 0; b < 123; b++) { all += n[b]; d = all - (b + 1) * 100 * f; if (d < -0.51 || d > 0.51) exit 1 } }" || { echo "# $f"; exit 1; }; done)'
ok 'chance, not place: each place of a hundred is drawn about as often' 'ts-split -f 0.5 -r rest s -o part && numbers part | awk "{ n[\$1 % 100]++ } END { for (i = 0; i < 100; i++) if (n[i] < 35 || n[i] > 90) { print \"# \" i, n[i]; exit 1 } }"'
ok 'equal seeds, equal bytes; other seeds, other rows' 'ts-split -f 0.9 -r r1 s -o p1 && ts-split -f 0.9 -r r1b s | ts-dump >d && ts-dump p1 | cmp - d && ts-split -f 0.9 --seed 1 -r r2 s -o p2 && ! cmp -s p1 p2'
ok 'however the rows come in batches' 'ts-cat --no-history s | ts-split --no-history -f 0.9 -r r3 | ts-dump | cmp - d'
ok 'headers: kind, meta, history' 'ts-gen features logits:f4:2,features:f4:3 50 1 >f && ts-split -f 0.8 -r fr f -o fp && ts-dump --header fp | grep -q "fc.weight" && ts-dump --header fr | grep -q "features.*fc.weight\|fc.weight" && ts-dump --history fr | grep -q "ts-split"'
ok 'few rows, none at all' 'head -c 0 /dev/null | ts-gen scores e:f8 >none && ts-split -f 0.9 -r rest none -o part && test -z "$(numbers part)$(numbers rest)" && echo 1 | ts-gen scores e:f8 | ts-split -f 0.5 -r rest -o part && test "$(numbers part; numbers rest)" = 1'
ok 'what is missing, or out of range' '(for x in "" "-f 0.9" "-r rest" "-f 0 -r rest" "-f 1 -r rest" "-f 2 -r rest" "-f 0.5 -r - s" "-f 0.5 -r x -o x s"; do ts-split $x >out 2>err <s; [ $? = 2 ] && grep -q "^Try" err || { echo "# $x"; exit 1; }; done)'
ok 'the same file, spelt otherwise' 'mkdir -p folder && ln -sf folder to && rm -f x folder/x && for two in "./x x" "folder/x to/x" "to/../x ././x"; do set -- $two
	fails 2 "are the same file" ts-split -f 0.5 -r $1 -o $2 s && test ! -e x && test ! -e folder/x || { echo "# $two"; exit 1; }; done && ts-split -f 0.5 -r folder/x -o x s'
ok 'a stream that is cut off leaves neither part' 'rm -f part rest; head -c 30000 s >cut && ! ts-split -f 0.5 -r rest cut -o part 2>err && ! test -e part && ! test -e rest && test "$(wc -l <err)" = 1'
ok 'a rest that cannot be written is said' 'ts-split -f 0.5 -r no/such/rest s >out 2>err; test $? = 1 && grep -q "no/such/rest" err'
ok 'a checkpoint has no rows' 'golden-net ckpt conv2:width=0.02 2 8 >c && fails 1 "a checkpoint has no rows to divide" ts-split -f 0.5 -r rest c && ! test -e rest'

# ---- um-train --held ----
golden-net images 20 2 8 >i
arch='--arch conv2:width=0.02 --epochs 1 --batch-size 4'
ok 'um-train --held: the images that are held out, which the training lacks' '
	um-train -q --threads 1 $arch --val-fraction 0.2 --held h -o c i && test "$(ts-dump h | wc -l)" = 4 && ts-dump --header h | grep -q "\"label\"" &&
	ts-dump i | sort >all && ts-dump h | sort >held && test "$(comm -12 all held | wc -l)" = 4'
ok 'they keep all of their columns, as true labels, and those of the rows that they were' '
	ds-synth --set id --n 40 --label-noise 0.4 >wrong && um-train --threads 1 $arch --val-fraction 0.5 --held h -o c wrong 2>err &&
	ts-cat --no-history wrong | ts-dump --tsv | sed 1d | sort >all && ts-cat --no-history --select "$(ts-dump --tsv wrong | head -n 1 | tr "\t" ,)" h | ts-dump --tsv | sed 1d | sort >held &&
	test "$(wc -l <held)" = 20 && test "$(comm -12 all held | wc -l)" = 20 && wrong=$(ts-cat --select noisy h | ts-dump --tsv | grep -cx 1) && test $wrong -gt 2 &&
	grep -q "^um-train: --val-fraction: the labels of $wrong of 20 images are wrong on purpose" err'
ok 'its bytes are the same, and change nothing of the training' 'um-train -q --threads 1 --no-history $arch --val-fraction 0.2 --held h2 -o c2 i && um-train -q --threads 1 --no-history $arch --val-fraction 0.2 -o c3 i && cmp c2 c3'
ok 'a run goes on with --resume whether --held is said or not' 'um-train -q --threads 1 $arch --run r --val-fraction 0.2 --held h3 i && um-train -q --threads 1 $arch --run r --val-fraction 0.2 --resume i'
ok '--held is not the output' 'fails 2 "are the same file" um-train $arch --val-fraction 0.2 --held ./c -o c i'
ok '--held goes with --val-fraction' 'fails 2 "held writes what --val-fraction" um-train $arch --held h i -o c'
done_testing
