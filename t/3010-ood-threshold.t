#!/bin/sh
# ood-threshold: the file it writes, what it prints, what it refuses. t/unit/ood_threshold.c checks the numbers.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen

i=0; while [ $i -lt 99 ]; do echo "$((i * 37 % 99)) $((-i)) $((i % 2))"; i=$((i + 1)); done >text
"$gen" scores energy:f4,msp:f4,pred:i8 <text >id.scores
value() { ts-dump --tsv "$1" | sed -n "s/^$2	<f4	1	[^	]*	\([^	]*\)	.*/\1/p"; }

ok 'the fifth smallest of 99 at 5 %, a column each' 'ood-threshold -o t id.scores && test "$(value t energy) $(value t msp)" = "4 -94"'
ok 'its meta says how' 'ts-dump --header t >h && grep -q "\"fit\": \"threshold\"" h && grep -q "\"alpha\": 0.05" h &&
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
ok 'many rows that tie with the threshold, alike or -inf: the share that it flags; a few, or -q: nothing' '
	ties() { want=$1 text=$2; shift 2; "$gen" scores energy:f4,pred:i8 >s && ood-threshold "$@" -o t s 2>err && test $(wc -l <err) = $want && grep -q -e "$text" err || { [ $want = 0 ] && ! test -s err; }; }
	yes "1 0" | head -n 99 | ties 1 "energy.: 98 other rows tie with the threshold, so that it flags 0 % of these 99 rows, not 5 %" &&
	{ yes -- "-inf 0" | head -n 20; yes "1 0" | head -n 79; } | ties 1 "19 other rows tie.* flags 0 %" && { echo "-1 0"; yes "0 0" | head -n 20; yes "1 0" | head -n 78; } | ties 1 "19 other rows tie.* flags 1 % of" &&
	{ yes "0 0" | head -n 5; seq 94 | sed "s/\$/ 0/"; } | ties 0 . && yes "1 0" | head -n 99 | ties 0 . -q && { seq 49; yes 50 | head -n 42; seq 51 959; } | sed "s/\$/ 0/" | ties 0 . && { yes "1 0" | head -n 99; seq 99 | sed "s/\$/ 1/"; } | ties 1 "98 other rows tie with their class" --per-class &&
	i=0 && while [ $i -lt 30 ]; do seq 20 | sed "s/\$/ $i/"; i=$((i + 1)); done | ties 0 . --per-class'
ok '--per-class without classes' '"$gen" scores energy:f4 99 1 >s && fails 1 "no column .pred" ood-threshold --per-class s &&
	echo "1 -1" | "$gen" scores energy:f4,pred:i8 >s && fails 1 "row 0.*-1, which is not a class" ood-threshold --per-class -a 0.5 s'
ok 'a confidence without the guarantee that has one' 'fails 2 "confidence goes with --guarantee binomial" ood-threshold --confidence 0.99 id.scores && fails 2 "leave out.*--confidence" ood-threshold --fdr 0.1 --confidence 0.9 id.scores'
ok 'misuse' 'for o in "-a 0" "-a 1" "-a x" "-g all" "--confidence 1" "-m msp,msp"; do
	ood-threshold $o id.scores >out 2>err; test $? = 2 && ! test -s out || echo "# $o"; done >bad; cat bad; ! test -s bad'

# ---- ood-score --threshold ----
"$gen" features logits:f4:3,name:str 2000 1 >f
ood-score -m msp,energy f -o f.scores && ood-threshold -a 0.1 f.scores -o t || echo '# no thresholds'
ok 'a column of verdicts a threshold; the methods are those of the thresholds' 'ood-score -t t f -o v && cp v v0 &&
	test "$(ts-dump -t v | head -n 1)" = "$(printf "msp\tenergy\tpred\tname\tverdict:msp\tverdict:energy")"'
ok 'flagged are the lowest 199 of 2000, by name' 'ts-dump -t -w verdict:energy=1 v | tail -n +2 | cut -f 4 | sort >got &&
	ts-dump -t f.scores | tail -n +2 | sort -g -k 2 | head -n 199 | cut -f 4 | sort | cmp - got'
ok 'its header says at which rate, and its history names the thresholds' 'ts-dump --header v >h && grep -q "\"verdict.alpha\": 0.1" h &&
	grep -q "\"verdict.guarantee\": \"conformal\"" h && ts-dump --history v | grep -q ood-threshold'
ok 'of scores that went through text: the same verdicts, where scores tie with a threshold, too' '
	for v in 0.7 0.3; do yes "$v 0" | head -n 99 | "$gen" features logits:f4:2 >tied.f && ood-score -q -m maxlogit tied.f -o tied.s && ts-export -f csv tied.s | ts-import -q -k scores -o tied.f8 - &&
		for o in "-a 0.1" "--fdr 0.5"; do
			ood-threshold -q $o tied.f8 -o tied.t && ts-dump tied.t | grep -q "<f8" && ood-score -q -t tied.t tied.f | ts-dump -t -w verdict:maxlogit=0 | sed 1d | wc -l | grep -qx 99 || return 1
		done || return 1; done'
ok 'one that does not say what made its scores, since they were text, is taken with a warning' '
	ood-score -m maxlogit tied.f -o tied.s && ood-threshold tied.s -o knows.t && ood-score -t knows.t tied.f 2>err >out && ! test -s err &&
	ood-score -t tied.t tied.f 2>err >out && test $(wc -l <err) = 1 && grep -q "tied.t. does not say which model and fit made its scores .maxlogit.*nothing checks that it belongs to these" err'
ok 'more methods may be asked for, not fewer' 'ood-score -t t -m energy,maxlogit,msp f | ts-dump -t | head -n 1 | grep -q "maxlogit.*verdict:msp	verdict:energy" &&
	fails 1 "threshold .t.: no column of scores is named .msp" ood-score -t t -m energy f'
ood-threshold --per-class -a 0.1 -m energy f.scores -o by-class
ok 'thresholds a class' 'ood-score -t by-class f -o v && ts-dump -t -w verdict:energy=1 v | tail -n +2 | cut -f 2 | sort | uniq -c >got &&
	ts-dump -t -w pred=1 f.scores | tail -n +2 | wc -l | awk "{ print int((\$1 + 1) / 10) - 1 }" >want && test "$(awk "NR == 2 { print \$1 }" got)" = "$(cat want)"'
"$gen" features logits:f4:4 2000 1 >four
ok 'a class without a threshold is named with its row' 'fails 1 "four.*row [0-9]*: no threshold for class 3" ood-score -t by-class -o v four'
ok 'a fit is no threshold' 'fails 1 "f.scores.*holds scores where a fit is expected" ood-score -t f.scores f'

# ---- ood-threshold --fdr ----
ok '--fdr: the scores, ascending, and how' 'ood-threshold -v --fdr 0.1 -o d id.scores 2>err && grep -q "energy: 99 scores, for batches with a false discovery rate of 0.1" err &&
	ts-dump --header d | grep -q "\"guarantee\": \"fdr\"" && ts-dump --tsv d | grep -q "^energy	<f4	99	"'
# 20 rows of 40 lie below all of 99: p = 1/100, q k/m = 0.05; the next p are 0.52 and more
i=0; while [ $i -lt 99 ]; do echo "$((i + 1)) $((i % 2))"; i=$((i + 1)); done | "$gen" scores maxlogit:f4,pred:i8 >max.scores
i=0; while [ $i -lt 40 ]; do echo $((i / 20 ? 51 + i - 20 : 0)) -1; i=$((i + 1)); done | "$gen" features logits:f4:2 >batch.f
ood-threshold --fdr 0.1 max.scores -o d
ok 'half a batch below all is flagged, and no other row' 'ood-score -t d batch.f | ts-dump -t >v && test "$(cut -f 3 v | tail -n +2 | tr -d "\n")" = 1111111111111111111100000000000000000000'
ok 'two rows of forty are not: they could be chance' '{ echo 0 -1; echo 0 -1; seq 33 70 | sed "s/$/ -1/"; } | "$gen" features logits:f4:2 >few.f &&
	ood-score -t d few.f | ts-dump -t >v && test "$(cut -f 3 v | tail -n +2 | sort -u)" = 0 && test $(wc -l <v) = 41'
ok 'a batch is the input, in however many pieces it comes' '"$gen" features logits:f4:3 3000 1 >many && ood-score -q -m maxlogit many | ood-threshold --fdr 0.3 -o d3 &&
	{ i=0; while [ $i -lt 300 ]; do echo -$i -$i -$i; i=$((i + 1)); done; } | "$gen" features logits:f4:3 >low && ts-cat many low -o all &&
	ood-score -t d3 all -o a && for i in 0 1 2; do ts-cat --shard $i/3 all -o p$i; done && ts-cat p2 p0 p1 | ood-score -t d3 | ts-dump -t | sort >b && ts-dump -t a | sort | cmp - b && cut -f 3 b | grep -q 1'
ok '--fdr --per-class' 'ood-threshold --fdr 0.1 --per-class max.scores -o dc && ts-dump --header dc | grep -q class.rows && ood-score -t dc batch.f | ts-dump -t | cut -f 3 | tail -n +2 | tr -d "\n" >got &&
	test "$(cat got)" = 1111111111111111111100000000000000000000 && fails 1 "class 1: 49 rows are too few for a false discovery rate of 0.0199; it takes 50" ood-threshold --fdr 0.0199 --per-class max.scores'
ok 'too few rows for any discovery' 'fails 1 "99 rows are too few for a false discovery rate of 0.001; it takes 999" ood-threshold --fdr 0.001 max.scores'
ok '--fdr is another rate' 'for o in "-a 0.1" "-g binomial" "--per-class-fallback"; do ood-threshold --fdr 0.1 $o id.scores >out 2>err; test $? = 2 && grep -q "another rate" err || echo "# $o"; done >bad; cat bad; ! test -s bad'

mkfifo verdicts
{ head -c 40000 f; sleep 9; } | (ts-cat | ood-score -t t | ts-dump -t -w verdict:energy=1 >verdicts) 2>/dev/null & chain=$!
exec 3<verdicts; read -r heading <&3; read -r first <&3
ok 'on a pipe without end, verdicts come batch by batch' 'kill -0 $chain && test "$first" = "$(ts-dump -t -w verdict:energy=1 v0 | sed -n 2p)"'
exec 3<&-; kill $chain 2>/dev/null; wait 2>/dev/null
done_testing
