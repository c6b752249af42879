#!/bin/sh
# ds-pack --label-noise: as many wrong labels as requested, uniform or by a matrix, with the true ones next to them.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

for c in ant bee cat dog; do mkdir -p set/$c; done
image-gen png 2 2 >one.png
for i in $(seq 500); do for c in ant bee cat dog; do ln one.png set/$c/$i.png; done; done
pack() { ds-pack -q --no-history --seed 3 "$@" set; }
# TRUE LABEL COUNT of a stream
counts() { ts-cat --select true-label,label,noisy "$1" | ts-dump --tsv | sed 1d | sort | uniq -c | awk '{ print $2, $3, $4, $1 }'; }

ok 'without it there is no further column' 'pack -o plain.ts && ! ts-dump --header plain.ts | grep -q "true-label\|noisy"'
ok 'a share: as many, 800 give or take 5 standard deviations, each other class alike' '
	pack --label-noise 0.4 -o n.ts && counts n.ts >c &&
	awk "\$1 != \$2 { n += \$4; if (\$4 < 29 || \$4 > 105 || !\$3) bad = 1 } \$1 == \$2 && \$3 { bad = 1 } { all += \$4 }
		END { exit !(n > 690 && n < 910 && all == 2000 && !bad && NR == 16) }" c >/dev/null'
ok 'how many is said' 'ds-pack -v --seed 3 --label-noise 0.4 set 2>&1 >/dev/null | grep -q "[78][0-9][0-9] of the labels were made wrong"'
ok 'true labels are those without it' '
	ts-cat --no-history --select label plain.ts | ts-dump --tsv | sed 1d >a && ts-cat --select true-label n.ts | ts-dump --tsv | sed 1d | cmp - a'
ok 'the same seed gives the same bytes, another others' '
	pack --label-noise 0.4 | cmp - n.ts && ds-pack -q --no-history --seed 4 --label-noise 0.4 set >m.ts && ! cmp -s m.ts n.ts'
ok 'an image gets the same label in any company' '
	pack --label-noise 0.4 --shard 1/3 | ts-cat --select name,label | ts-dump --tsv | sed 1d >few && test $(wc -l <few) = 667 &&
	ts-cat --select name,label n.ts | ts-dump --tsv | grep -Fxc -f few | grep -qx 667'
ok '0: none; 1: all' '
	pack --label-noise 0 >z.ts && counts z.ts | awk "\$1 != \$2 { bad = 1 } END { exit bad }" &&
	pack --label-noise 1 >z.ts && counts z.ts | awk "\$1 == \$2 { bad = 1 } END { exit bad }"'
printf '1 0 0 0\n0,0.5,0.5,0\n0\t0\t0\t1\n0 0 0 1\n\n' >matrix
ok 'a matrix: ants stay, half of the bees become cats, cats become dogs' '
	pack --label-noise matrix -o x.ts && counts x.ts | cut -d" " -f 1-3 | tr "\n" / >c && test "$(cat c)" = "0 0 0/1 1 0/1 2 1/2 3 1/3 3 0/" &&
	counts x.ts | awk "\$1 == 1 && (\$4 < 194 || \$4 > 306) { bad = 1 } END { exit bad }"'
refused() { what=$1; shift; fails 1 "$what" ds-pack -q "$@" -o no.ts set && ! test -e no.ts; }
sed 4d matrix | sed '$d' >short; sed 's/^1 0 0 0/0.9 0 0 0/' matrix >sum; sed 's/,0$/,x/' matrix >word; cat matrix matrix >long
sed 's/^1 0 0 0/1 0 0/' matrix >narrow
ok 'what is no matrix of four classes is refused, by its line' '
	refused "short.: 3 lines for 4 classes" --label-noise short &&
	refused "sum.: line 1: the numbers sum to 0.9 " --label-noise sum && refused "word.: line 2: .x. is not a prob" --label-noise word &&
	refused "long.: more than 4 lines" --label-noise long && refused "narrow.: line 1: 3 numbers for 4 classes" --label-noise narrow'
ok 'a mark before UTF-8, which other programs put there' '{ printf "\357\273\277"; cat matrix; } >marked && pack --label-noise marked | cmp - x.ts'
ok 'nor is what is neither share nor file' 'refused "1.5 is not a share" --label-noise 1.5 && refused "neither a share" --label-noise none'
ok 'with --manifest it is misuse' 'fails 2 "true labels" ds-pack --label-noise 0.1 --manifest set'
ok 'um-train learns the wrong ones, and um-embed hands the true ones on' '
	um-train -q -a fc -e 1 -b 50 -o x.ckpt n.ts && um-embed -q -m x.ckpt n.ts |
	ts-cat --select label,true-label,noisy | ts-dump --tsv | sed 1d | cut -f 1-3 >a && ts-cat --select label,true-label,noisy n.ts | ts-dump --tsv | sed 1d | cmp - a'
done_testing
