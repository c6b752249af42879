#!/bin/sh
# ood-threshold: the file it writes, what it says, what it refuses. Numbers are held by t/unit/ood_threshold.c.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen

i=0; while [ $i -lt 99 ]; do echo "$((i * 37 % 99)) $((-i)) $((i % 2))"; i=$((i + 1)); done >text
"$gen" scores energy:f4,msp:f4,pred:i8 <text >id.scores
value() { ts-dump --tsv "$1" | sed -n "s/^$2	<f4	1	[^	]*	\([^	]*\)	.*/\1/p"; }

ok 'the fifth smallest of 99 at 5 %, a column each' 'ood-threshold -o t id.scores && test "$(value t energy) $(value t msp)" = "4 -94"'
ok 'its meta says how' 'ts-dump --header t >h && grep -q "\"what\": \"threshold\"" h && grep -q "\"alpha\": 0.05" h &&
	grep -q "\"guarantee\": \"conformal\"" h && grep -q "\"rows\": 99" h && ! grep -q confidence h && grep -q "\"kind\": \"fit\"" h'
ok 'its history goes on' 'ts-cat id.scores | ood-threshold | ts-dump --history >out && test "$(wc -l <out)" = 2 && tail -n 1 out | grep -q "<-.*ood-threshold"'
ok 'the rate is the wanted one' 'ood-threshold -a 0.1 id.scores -o t && test "$(value t energy)" = 9 &&
	ood-threshold -a 0.01 id.scores -o t && test "$(value t energy)" = 0 && ood-threshold --false-alarm 0.29 id.scores -o t && test "$(value t energy)" = 28'
ok 'binomial: lower, and its confidence is kept' 'ood-threshold -a 0.1 -g binomial id.scores -o t && test "$(value t energy)" = 4 &&
	ts-dump --header t | grep -q "\"confidence\": 0.9" && ood-threshold -a 0.1 -g binomial --confidence 0.5 id.scores -o t && test "$(value t energy)" = 9'
ok '--method: these, in this order' 'ood-threshold -m msp,energy id.scores | ts-dump -t | cut -f 1 | tr "\n" " " >out && test "$(cat out)" = "name msp energy "'
ok '-v: a line a method' 'ood-threshold -v -m energy id.scores 2>err >t && test "$(cat err)" = "ood-threshold: energy: threshold 4, the score of rank 5 of 99"'
ok '--per-class: one for each' 'ood-threshold --per-class -a 0.1 -m msp id.scores -o t && ts-dump -t t | grep -q "^msp	<f4	2	-179	-90	-89$" &&
	ts-dump --header t | grep -q "\"class.rows\": {\"type\": \"<i8\", \"shape\": \[2\]}"'
{ cat text; echo '50 50 2'; } | "$gen" scores energy:f4,msp:f4,pred:i8 >uneven.scores
ok 'a class of too few rows is named, with what it takes' \
	'fails 1 "uneven.scores.*class 2: 1 rows are too few.*0.1; it takes 9" ood-threshold --per-class -a 0.1 uneven.scores'
ok '--per-class-fallback: all rows speak for it' 'ood-threshold -v --per-class-fallback -a 0.1 -m energy uneven.scores 2>err -o t &&
	grep -q "class 2: 1 rows, so it has the threshold of all rows" err && ts-dump --header t | grep -q "\"class.fallback\": 1"'

ok 'too few rows: says how many it takes' 'fails 1 "99 rows are too few.*0.001; it takes 999" ood-threshold -a 0.001 id.scores &&
	fails 1 "it takes 299" ood-threshold -a 0.01 -g binomial id.scores'
echo '1 nan 0' | "$gen" scores energy:f4,msp:f4,pred:i8 >nan.scores
ok 'NaN, no rows, no column' 'fails 1 "nan.scores.*row 0.*msp.*not a number" ood-threshold -a 0.5 nan.scores &&
	fails 1 "no column of scores .odin" ood-threshold -m odin id.scores && fails 1 "no column of scores .pred" ood-threshold -m pred id.scores &&
	"$gen" scores energy:f4 0 1 >none && fails 1 "no rows" ood-threshold none && "$gen" scores pred:i8 9 1 >none && fails 1 "no column of scores" ood-threshold none'
ok '--per-class without classes' '"$gen" scores energy:f4 99 1 >s && fails 1 "no column .pred" ood-threshold --per-class s &&
	echo "1 -1" | "$gen" scores energy:f4,pred:i8 >s && fails 1 "row 0.*-1, which is no class" ood-threshold --per-class -a 0.5 s'
ok 'misuse' 'for o in "-a 0" "-a 1" "-a x" "-g all" "--confidence 1" "-m msp,msp"; do
	ood-threshold $o id.scores >out 2>err; test $? = 2 && ! test -s out || echo "# $o"; done >bad; cat bad; ! test -s bad'
done_testing
