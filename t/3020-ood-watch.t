#!/bin/sh
# ood-watch: alarms, exit status, copies, text and streams, what it refuses. t/unit/ood_watch.c checks the statistical
# test itself.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen

"$gen" scores energy:f4,name:str 2000 1 >ref.scores
"$gen" scores energy:f4,name:str 3000 2 >id.scores
ts-dump -t id.scores | tail -n +2 | cut -f 1 >id.txt
{ cat id.txt; sed 's/^/-/; s/--/-/; s/$/ /; s/ //' id.txt; } | awk 'NR > 3000 { $1 -= 2 } { print $1 }' >shift.txt
sed 's/$/ x/' shift.txt | "$gen" scores energy:f4,name:str >shift.scores

ok 'no change: nothing is said, nothing printed, exit 0' 'ood-watch -r ref.scores id.scores >out 2>err && ! test -s out && ! test -s err'
ok '-v: rows and evidence at the end' 'ood-watch -v -r ref.scores id.scores 2>err && grep -q "^ood-watch: 3000 rows, 0 alarms; evidence" err'
ood-watch -r ref.scores shift.scores >out 2>err; rc=$?
row=$(sed -n 's/^ood-watch: alarm at row \([0-9]*\): .*since about row [0-9]* (evidence.*probability 0.01)$/\1/p' err)
ok 'a change: one line, soon after it; exit 0 at the END' 'test $rc = 0 -a ! -s out && test "$(wc -l <err)" = 1 && test $row -ge 3000 -a $row -lt 3050'
ok '-q does not silence it' 'ood-watch -q -r ref.scores shift.scores 2>again && cmp err again'
ok 'text and stream give the same' 'ood-watch -r ref.scores <shift.txt 2>again && cmp err again &&
	ts-dump -t ref.scores | tail -n +2 | cut -f 1 >ref.txt && ood-watch -r ref.txt - <shift.scores 2>again && cmp err again'
ok 'another seed, other draws' 'ood-watch -v --seed 1 -r ref.scores id.scores 2>a && ood-watch -v -r ref.scores id.scores 2>b && ! cmp -s a b'
ok '--exit: status 3' 'ood-watch --exit -r ref.scores shift.scores 2>again; test $? = 3 && cmp err again'
ok '--exit without alarm: status 0' 'ood-watch -x -r ref.scores id.scores'
sed 's/^-//; t; s/^/-/' shift.txt >mirror.txt
ok '--direction: high scores are seen by both only' 'ood-watch -r ref.scores mirror.txt 2>again && ! test -s again &&
	ood-watch --direction both -r ref.scores mirror.txt 2>again && grep -q "alarm at row 30" again'
ok '--reset: alarms anew, each later, rows of the whole input' 'ood-watch --reset -r ref.scores shift.scores 2>again && test "$(wc -l <again)" -gt 2 &&
	sed "s/.*at row \([0-9]*\):.*/\1/" again >rows && sort -n -u rows | cmp - rows && sed "s/.*about row \([0-9]*\) .*/\1/" again | sort -n | head -n 1 | grep -q "^[23]"'

ok '--pass: the input, byte for byte' 'ood-watch --pass -r ref.scores id.scores | cmp - id.scores && ood-watch --pass -r ref.scores <id.txt | cmp - id.txt'
for i in 1 2 3 4 5 6 7 8 9 10; do set -- "$@" shift.scores shift.scores shift.scores; done
ts-cat "$@" >long.scores
ok '--pass --exit: the copy stops too, so that its reader fails' '
	ood-watch -x --pass -r ref.scores long.scores 2>err2 >part; test $? = 3 && cmp err err2 && fails 1 "part.*byte" ts-dump --header part'
mkfifo endless told
{ cat shift.txt; sleep 9; } >endless & feeder=$!
ood-watch -r ref.scores endless 2>told & watcher=$!
read -r line <told
ok 'it speaks while the input goes on' 'kill -0 $watcher && test "$line" = "$(cat err)"'
kill $feeder $watcher 2>/dev/null; wait 2>/dev/null
mkfifo through copied
{ head -n 3 id.txt; sleep 9; } >through & feeder=$!
ood-watch --pass -r ref.scores through >copied & watcher=$!
exec 3<copied; read -r one <&3; read -r two <&3; exec 3<&-
ok 'a copy is passed on as it comes' 'kill -0 $watcher && test "$one" = "$(head -n 1 id.txt)" && test "$two" = "$(sed -n 2p id.txt)"'
kill $feeder $watcher 2>/dev/null; wait 2>/dev/null

ok 'a stream cut off: exit 1, after what it held' 'head -c 400000 long.scores >cut; ood-watch -r ref.scores cut >out 2>err3; test $? = 1 && tail -n 1 err3 | grep -q "cut.*byte"'
ok 'text: the last newline may lack, what is no number is named' 'printf "1\n2" | ood-watch -v -r ref.scores 2>err3 && grep -q "2 rows" err3 &&
	printf "1\n2\nx\n" >bad && fails 1 "bad.*line 3 is not a number" ood-watch -r ref.scores bad && printf "1\n\n2\n" >bad && fails 1 "line 2: is empty" ood-watch -r ref.scores bad &&
	printf "nan\n" >bad && fails 1 "line 1 is not a number, and" ood-watch -r ref.scores bad && printf "%05000d\n" 7 >bad && fails 1 "line 1: longer than 4095 bytes" ood-watch -r ref.scores bad'
echo 'nan x' | "$gen" scores energy:f4,name:str >nan.scores
ok 'NaN in a stream, and in the reference' 'fails 1 "nan.scores.*row 0.*energy" ood-watch -r ref.scores nan.scores && fails 1 "nan.scores.*row 0" ood-watch -r nan.scores id.scores'
"$gen" scores energy:f4,msp:f4 9 1 >two.scores
"$gen" scores energy:f4 0 1 >none.scores
ok 'which column' 'fails 1 "two.scores.*2 columns.*--method" ood-watch -r ref.scores two.scores && ood-watch -m energy -r ref.scores two.scores &&
	fails 1 "no column of scores .msp" ood-watch -m msp -r ref.scores two.scores'
ok 'a reference without rows; another kind; missing' 'fails 1 "none.scores.*no rows" ood-watch -r none.scores id.scores && ood-watch -r ref.scores none.scores &&
	"$gen" features logits:f4:3 9 1 >f && fails 1 "holds features where scores" ood-watch -r f id.scores && fails 1 "no/such" ood-watch -r no/such id.scores'
ok 'few rows in the reference: a warning; they may be blind to any change' '
	head -n 30 ref.txt >few.txt && { head -n 1000 id.txt; yes -- -1000 | head -n 500; } >step.txt && ood-watch -r few.txt step.txt 2>err3 && test $(wc -l <err3) = 1 &&
	grep -q "few.txt.: 30 rows are few for a reference: a change may never be seen; give 100 or more" err3 && ood-watch -q -r few.txt step.txt 2>err3 && ! test -s err3 &&
	head -n 100 ref.txt >enough.txt && ood-watch -r enough.txt step.txt 2>err3 && test $(wc -l <err3) = 1 && grep -q "alarm at row 10" err3'
ok 'misuse' 'for o in "" "-r -" "-r ref.scores -x --reset" "-r ref.scores -a 0" "-r ref.scores -a 0.9" "-r ref.scores --direction up" "-r ref.scores id.scores"; do
	ood-watch $o id.scores >out 2>err3 </dev/null; test $? = 2 && ! test -s out || echo "# $o"; done >bad; cat bad; ! test -s bad'
done_testing
