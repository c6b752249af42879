#!/bin/sh
# ood-metrics: the table in every format, the averages, what it refuses.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
f=energy:f4,pred:i8,label:i8

# Pairs: 3 beats both, each 2 ties with one and loses one, 0 loses: AUROC 3/8. Precision at the ID rows
# 1, 3/5, 4/6 for 1, 2, 1 of 4; at the OOD rows 2/5, 2/4... from below: 2 at 1/4, 2.5 at 2/5.
printf '%s\n' '3 0 0' '2 0 1' '2 1 1' '0 -1 -1' | "$gen" scores $f >id.scores
printf '%s\n' '2.5 0 -1' '2 0 -1' | "$gen" scores $f >a.scores
printf '%s\n' '-1 0 -1' '-2 0 -1' '-3 0 -1' | "$gen" scores $f >b.scores

ood-metrics --id id.scores --format tsv a.scores far=b.scores >tsv
ok 'tsv: full precision, the average unweighted, accuracy over labelled rows' 'cmp - tsv <<END
method	set	auroc	aupr_in	aupr_out	fpr95	id_acc	n_id	n_ood
energy	a	0.375	0.7166666666666667	0.325	1	0.6666666666666666	4	2
energy	far	1	1	1	0	0.6666666666666666	4	3
energy	average	0.6875	0.8583333333333334	0.6625	0.5	0.6666666666666666	4	-
END'
ok 'text: percent with two decimals' 'ood-metrics --id id.scores a.scores | cmp - /dev/fd/3 3<<END
method                set              AUROC  AUPR-IN  AUPR-OUT   FPR95  ID-ACC      N-ID     N-OOD
energy                a                37.50    71.67     32.50  100.00   66.67         4         2
END'
ok 'of one set people see no average, programs and --summary do' '
	for form in text markdown latex; do ood-metrics --id id.scores -f $form near:a.scores | grep -q average && return 1; ood-metrics --id id.scores -f $form a.scores b.scores | grep -q average || return 1; done
	for form in tsv csv json; do ood-metrics --id id.scores -f $form a.scores | grep -q average || return 1; done
	test "$(ood-metrics --id id.scores --summary a.scores | wc -l)" = 2'
ok 'text: columns line up, however long the names are' '
	ood-metrics --label a-model-of-a-long-name --id id.scores a-set-whose-name-is-rather-long=a.scores b.scores | awk "{ print length }" | sort -u | wc -l | grep -qx 1'
ok '--plot: the bins of both sets, in Braille dots below the table' '
	seq 1 100 | sed "s/$/ 0/" | "$gen" scores energy:f4,pred:i8 >p.scores && ood-metrics --plot --id p.scores x=p.scores >out && sed -n 4,5p out >got && cmp got - <<END
energy: ID above, x below
     ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿
END
	test "$(sed -n "7p;10p" out | cut -c 1-5 | tr "\n" "|")" = "ID   |OOD  |" &&
	ood-metrics --plot --id p.scores b.scores | tail -n 1 | grep -q "^     -3  *100$" &&
	ood-metrics --plot -f tsv --id p.scores b.scores >out 2>err; test $? = 2'
ok 'json: an object a line' 'ood-metrics --id id.scores -f json -l "a \"b\"" a.scores | tail -n 1 | cmp - /dev/fd/3 3<<\END
{"model": "a \"b\"", "method": "energy", "set": "average", "auroc": 0.375, "aupr_in": 0.7166666666666667, "aupr_out": 0.325, "fpr95": 1, "id_acc": 0.6666666666666666, "n_id": 4, "n_ood": null}
END'
ok 'markdown' 'ood-metrics --id id.scores -f markdown --summary a.scores | cmp - /dev/fd/3 3<<END
| method | AUROC | AUPR-IN | AUPR-OUT | FPR95 | ID-ACC |
| --- | ---: | ---: | ---: | ---: | ---: |
| energy | 37.50 | 71.67 | 32.50 | 100.00 | 66.67 |
END'
ok 'summaries under each other stay aligned' \
	'{ ood-metrics --id id.scores -s -l Energy a.scores
	   ood-metrics --id id.scores -s -l "Energy+UM" --no-heading b.scores; } | cmp - /dev/fd/3 3<<END
model             method                 AUROC  AUPR-IN  AUPR-OUT   FPR95  ID-ACC
Energy            energy                 37.50    71.67     32.50  100.00   66.67
Energy+UM         energy                100.00   100.00    100.00    0.00   66.67
END'
# Ten ID rows: recalls of 90 and of 100 % are equally far from 95 %; that of 100 % is taken, where half of the OOD rows are.
seq 1 10 | sed 's/$/ 0 0/' | "$gen" scores $f >ten.scores; printf '%s\n' '1.5 0 -1' '0.5 0 -1' | "$gen" scores $f >two.scores
ok 'FPR95 of two recalls that are equally close: the higher, whatever floats make of it' '
	test "$(ood-metrics --id ten.scores --show fpr95_nearest,fpr95_first -f tsv two.scores | sed -n 2p | cut -f 3-4)" = "0.5	0.5"'
ok 'standard input, once' 'ood-metrics --id id.scores -f tsv a.scores far=- <b.scores | cmp - tsv &&
	ood-metrics --id - -f tsv a.scores far=b.scores <id.scores | cmp - tsv'
ok 'a name may be given to a path with = in it' 'mkdir x=y && cp a.scores x=y/z=1.scores &&
	ood-metrics --id id.scores -f tsv ./x=y/z=1.scores n=x=y/z=1.scores | cut -f 2 | tr "\n" " " |
	grep -q "^set z=1 n average $"'

printf '%s\n' '1 5 9' '2 6 8' | "$gen" scores msp:f4,energy:f4,x:i8 >two.scores
ok 'every method; without labels no accuracy' '[ "$(ood-metrics --id two.scores -f tsv two.scores |
	cut -f 1,7 | tr "\n\t" "  ")" = "method id_acc msp - msp - energy - energy - " ]'
ok '--method selects' 'ood-metrics --id two.scores -m energy -s -f tsv a.scores >out 2>err || cat err;
	[ "$(cut -f 1 out | tr "\n" " ")" = "method energy " ]'
# 20 ID rows; recall 95 % at the 19th. OOD: one above it, one between the 19th and the 20th, 18 below.
seq 1 20 | "$gen" scores e:f4 >id20.scores
{ echo 10; echo 1.5; yes 0 | head -n 18; } | "$gen" scores e:f4 >ood20.scores
fpr() { ood-metrics --id id20.scores --fpr $1 -f tsv -s ood20.scores | tail -n 1 | cut -f 5; }
ok '--fpr: three rules, three numbers' '[ "$(fpr nearest) $(fpr first) $(fpr openood)" = "0.1 0.05 0.05" ]'
ok 'batches of any size: many rows' '"$gen" scores e:f4 5000 1 >p && "$gen" scores e:f4 5000 2 >q &&
	ood-metrics --id p -f tsv q | grep -q "^e	q	0\.4\|^e	q	0\.5"'

ok 'NaN: file, row, column' 'printf "1\n2\nnan\n" | "$gen" scores e:f4 >nan.scores &&
	fails 1 "nan.scores.*row 2.*.e. is not a number" ood-metrics --id id20.scores ood20.scores nan.scores'
ok 'infinities are ranks' 'printf "inf\n-inf\n" | "$gen" scores e:f4 >inf && ood-metrics --id inf inf >out'
ok 'an empty set' '"$gen" scores e:f4 </dev/null >none && fails 1 "none.*empty" ood-metrics --id id20.scores none &&
	fails 1 "none.*empty" ood-metrics --id none id20.scores'
printf 'name,s\n"a, ""b"",\nthen c",1\nd,2\n"e\n\n",3\n' >lines.csv
ok 'a quoted cell over several lines is one row' '
	ood-metrics -q -f tsv --id lines.csv lines.csv >out && test "$(sed -n 2p out | cut -f 1,3)" = "s	0.5" && test "$(sed -n 2p out | sed "s/.*	//")" = 3 &&
	tr , "\t" <lines.csv >lines.tsv && ood-metrics -q -f tsv --id lines.tsv lines.tsv | cut -f 3- >a && cut -f 3- out | cmp - a'
ok 'one whose quote does not end is told, not read as one long name' '
	printf "s,name\n1,a\n2,\"b\n3,c\n4,d\n" >open.csv && fails 1 "open.csv.: line 3: a cell.s quote does not end" ood-metrics --id open.csv lines.csv'
ok 'true labels are classes in text, as in a stream, and no scores' '
	printf "e,true-label\n1,0\n2,1\n" >true.csv && ood-metrics -q -f tsv --id true.csv true.csv | sed 1d | cut -f 1 | sort -u | grep -qx e &&
	printf "e,true-label\n1,0.5\n" >half.csv && fails 1 "line 2: .0.5. is not a class" ood-metrics -q --id half.csv true.csv'
ok 'columns line up where names are of more bytes than letters' '
	ood-metrics --id id.scores "dés=a.scores" "bcd=a.scores" | sed "s/é/e/" | awk "{ print length }" | sort -u | wc -l | grep -qx 1'
ok 'an OOD set without a method' 'fails 1 "a.scores.*msp" ood-metrics --id two.scores a.scores'
ok 'an OOD set with one more' 'fails 1 "two.scores.*msp" ood-metrics --id id.scores two.scores'
ok 'a method that is not there' 'fails 1 "nope" ood-metrics --id id.scores -m nope a.scores'
ok 'another kind' '"$gen" features logits:f4:2 3 1 >feat && fails 1 "scores" ood-metrics --id feat a.scores &&
	fails 1 "scores" ood-metrics --id id.scores feat'
ok 'no scores at all' 'echo 1 | "$gen" scores label:i8 >l && fails 1 "no column of scores" ood-metrics --id l l'
ok 'nothing is printed before every END' 'head -c 300 b.scores >cut.scores &&
	fails 1 "cut.scores" ood-metrics --id id.scores a.scores cut.scores'
usage() { ood-metrics "$@" >out 2>err </dev/null; test $? = 2 && ! test -s out && grep -q Try err; }
ok 'misuse' 'usage a.scores && usage --id id.scores && usage --id id.scores a.scores a=b.scores &&
	usage --id id.scores average=a.scores && usage --id - - && usage --id id.scores =a.scores &&
	usage --id id.scores a= && usage --id id.scores --fpr last a.scores &&
	usage --id id.scores -l "$(printf "a\tb")" a.scores'

# ---- text ----
ood-metrics --id id.scores -f tsv a.scores b.scores >want
ts-dump --tsv id.scores >id.tsv; ts-dump --tsv a.scores | tr -d "\n" >/dev/null; ts-dump --tsv a.scores >a.tsv
ok 'TSV, with the columns that ts-dump names, is the same' 'ood-metrics --id id.tsv -f tsv a.tsv b.scores | cmp - want &&
	ood-metrics --id id.scores -f tsv a.tsv b=- <b.scores | cmp - want && ood-metrics --id - -f tsv a.tsv b.scores <id.tsv | cmp - want'
printf '3\n2\n2\n0' >id.txt; printf '2.5\r\n2\r\n' >a.txt
ok 'a number a line, without a heading; CRLF; no last newline' 'test "$(ood-metrics --id id.txt -f tsv a.txt | sed -n 2p)" = \
	"$(printf "score\ta\t0.375\t0.7166666666666667\t0.325\t1\t-\t4\t2")"'
ok 'columns without names; verdicts and names are no scores' 'printf "1\t2\n3\t4\n" >two.txt && ood-metrics --id two.txt -s two.txt | grep -q "^score2 " &&
	printf "name\te\tverdict:e\nx\t1\t0\n" >v.tsv && test "$(ood-metrics --id v.tsv -q -s -f tsv v.tsv | tail -n +2 | cut -f 1)" = e'
ok 'bad text: file, line, what' 'printf "1\nx\n" >bad.txt && fails 1 "bad.txt.: line 2: .x. is not a number" ood-metrics --id id.txt bad.txt &&
	printf "a\tb\n1\n" >bad.txt && fails 1 "bad.txt.: line 2: not the 2 columns" ood-metrics --id bad.txt a.txt &&
	printf "a\n1\t2\n" >bad.txt && fails 1 "line 2: not the 1 columns" ood-metrics --id bad.txt a.txt &&
	printf "a\ta\n1\t2\n" >bad.txt && fails 1 "line 1: .a. is not the name" ood-metrics --id bad.txt a.txt &&
	printf "1\n\n2\n" >bad.txt && fails 1 "line 2: is empty" ood-metrics --id bad.txt a.txt &&
	printf "e\tpred\n1\t.5\n" >bad.txt && fails 1 "line 2: ..5. is not a class" ood-metrics --id bad.txt a.txt &&
	printf "1\nnan\n" >bad.txt && fails 1 "bad.txt.: row 1: .score. is not a number" ood-metrics --id id.txt bad.txt &&
	printf "1\0\n" >bad.txt && fails 1 "line 1: is not text" ood-metrics --id id.txt bad.txt && printf "e\n" >bad.txt && fails 1 "no rows" ood-metrics --id bad.txt a.txt'

ok 'a line without end, and no text at all: bounded memory' 'head -c 3000000 /dev/zero | tr "\\0" 1 >long.txt; ([ -n "$SANITIZE" ] || ulimit -v 400000; fails 1 "line 1: longer than" ood-metrics --id long.txt id.txt) &&
	fails 1 "/dev/zero.: line 1: is not text" ood-metrics --id /dev/zero id.txt'

# ---- groups and further metrics ----
col() { awk -F "\t" -v c="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) k = i; next } { print $2, $k }' | tr "\n" " "; }
ok 'near, far, all; and pooled' 'ood-metrics --id id.scores -f tsv --pooled near:a.scores far:x=b.scores >out &&
	test "$(col auroc <out)" = "a 0.375 x 1 near average 0.375 far average 1 average 0.6875 pooled 0.75 " && test "$(tail -n 1 out | cut -f 9)" = 5'
ok '--show: all, or some in this order' 'ood-metrics --id id.scores -f tsv --show detection_error,oscr,ccr@1e-1,auroc a.scores >out &&
	test "$(sed -n 1p out)" = "$(printf "method\tset\tdetection_error\toscr\tccr@1e-1\tauroc\tn_id\tn_ood")" &&
	test "$(sed -n 2p out | cut -f 3-6)" = "$(printf "0.375\t0.4166666666666667\t0.3333333333333333\t0.375")" && test "$(ood-metrics --id id.scores -f tsv --show all a.scores | head -n 1 | wc -w)" = 21'
ok 'without labels: nothing, not 0' 'test "$(ood-metrics --id id.txt -f tsv --show oscr,ccr@1e-4,id_acc,ece a.txt | sed -n 2p | cut -f 3-6)" = "$(printf -- "-\t-\t-\t-")"'
ok '--aupr, --prevalence' 'test "$(ood-metrics --id id.scores -f tsv --aupr trapezoid a.scores | col aupr_in)" = "a 0.6833333333333333 average 0.6833333333333333 " &&
	test "$(ood-metrics --id id.scores -f tsv --prevalence 0.5 id.scores | cut -f 3-5)" = "$(ood-metrics --id id.scores -f tsv id.scores | cut -f 3-5)" &&
	test "$(ood-metrics --id id.scores -f tsv --prevalence 0.01 a.scores | col aupr_in)" != "$(ood-metrics --id id.scores -f tsv a.scores | col aupr_in)"'
# msp is log-odds: 0 is 1/2. Right, right, wrong, of confidence 1/2: |2/3 - 1/2|.
printf '%s\n' '0 0 0 5' '0 0 0 5' '0 9 0 1' | "$gen" features logits:f4:2,label:i8,junk:f4 >f 2>/dev/null
printf '%s\n' '5 5 0' '5 5 0' '5 5 1' | "$gen" features logits:f4:2,label:i8 >f
ood-score -m msp f >m.scores
ok 'ECE of msp as ood-score writes it, and of no other' 'test "$(ood-metrics --id m.scores -f tsv --show ece,id_acc m.scores 2>/dev/null | sed -n 2p | cut -f 3,4)" = "$(printf "0.16666666666666666\t0.6666666666666666")" &&
	ts-dump -t m.scores >m.tsv && test "$(ood-metrics --id m.tsv -f tsv --show ece m.tsv 2>/dev/null | sed -n 2p | cut -f 3)" = -'
ok 'constant scores: a warning' 'ood-metrics --id m.scores m.scores 2>err >out && grep -q "msp.*all scores of ID and .m. are 0" err && ood-metrics -q --id m.scores m.scores 2>err >out && ! test -s err'
three() { awk 'BEGIN { print "up\tdown\tany" } { print $1 "\t" 201 - $1 "\t" $1 % 7 }'; }
seq 1 200 | three >rise; seq 150 349 | three >fall; seq -148 51 | three >low
ok 'the ID set among the OOD sets, or one there twice: a warning that names it' '
	said() { ood-metrics "$@" 2>err >out && cat err; }
	said --id id.scores id.scores a.scores b.scores | grep -qx "ood-metrics: OOD set .id. has the very scores of the ID set; leave it out, as averages count it" &&
	said --id id.tsv x=id.tsv a.scores | grep -q "OOD set .x. has the very" && said --id id.scores b.scores a.scores near:c=b.scores | grep -q "OOD sets .b. and .c. have the same scores" &&
	test $(wc -l <err) = 1 && ! said --id id.scores a.scores b.scores | grep .'
ok 'ID and OOD swapped, or the sign: a warning that names the scores' 'ood-metrics --id rise fall 2>err >out && test $(wc -l <err) = 1 && grep -q "ood-metrics: .up.: OOD rows score above ID rows (AUROC 3.3 %)" err &&
	ood-metrics --id fall rise 2>err >out && grep -q "ood-metrics: .down.: OOD rows" err && ood-metrics -m up,any --id fall rise 2>err >out && ! test -s err &&
	ood-metrics --id rise fall low 2>err >out && ! test -s err && ood-metrics -q --id rise fall 2>err >out && ! test -s err'

# ---- intervals and tests ----
"$gen" scores a:f4,b:f4 300 1 >p; "$gen" scores a:f4,b:f4 200 2 >q
ok '--delong, --bootstrap: columns for programs, brackets for people' 'ood-metrics --id p -f tsv --delong --show auroc,fpr95 q | sed 1q | grep -q "auroc	auroc_low	auroc_high	fpr95	fpr95_low" &&
	ood-metrics --id p --bootstrap 50 q >out && test "$(grep -c "\[.*\].*\[.*\].*\[.*\]" out)" = 2'
ok 'the same bytes for any threads, others for another seed' 'ood-metrics --id p -f json -b 40 --threads 1 q >out && ood-metrics --id p -f json -b 40 --threads 4 q | cmp - out &&
	! ood-metrics --id p -f json -b 40 --seed 1 q | cmp -s - out'
ok 'no interval of no width, where all ID rows are above all OOD rows; few rows: a warning' '
	seq 201 320 >above && seq 1 120 >below && ood-metrics --delong --show auroc --id above below 2>err | grep -qx "score  *below  *100.00  *120  *120" && ! test -s err &&
	ood-metrics -f tsv -b 20 --show auroc,fpr95 --id above below | sed 1d | cut -f 3-8 | uniq | tr "\t" " " | grep -qx "1 - - 0 - -" &&
	head -n 99 below >few && ood-metrics --baseline score --id above few 2>err >out && grep -q "few.: of 120 ID and 99 OOD rows: of fewer than 100, intervals are too narrow and tests too sure" err &&
	ood-metrics --id above few 2>err >out && ! test -s err'
ok 'nor where resamplings differ that an interval leaves out: FPR95 is 0 unless the lowest of 100 ID rows is drawn five times' '
	seq 1000 1099 >above && { seq 99; echo 1000.5; } >below && ood-metrics -f tsv -b 1000 --show fpr95,auroc --id above below | sed 1d | cut -f 3-5 | uniq | tr "\t" " " | grep -qx "0 - -" &&
	ood-metrics -f tsv -b 1000 --confidence 0.9999 --show fpr95 --id above below | sed 1d | cut -f 3-5 | uniq | tr "\t" " " | grep -q "^0 0 0.0"'
ok 'a wider confidence is wider' 'w() { ood-metrics --id p -f tsv --delong --confidence $1 -m a q | awk "NR == 2 { print \$5 - \$4 }"; }; awk "BEGIN { exit !($(w 0.99) > $(w 0.9)) }"'
ok '--baseline: marked, itself not tested' 'ood-metrics --id p -f tsv --baseline b q >out && test "$(col versus <out)" = "q same average same q baseline average baseline " &&
	fails 1 "baseline: .c. is not among the scores to compare; they are a, b" ood-metrics --id p --baseline c q'
ok '--explain: a line a column shown' 'ood-metrics --id p --explain --show auroc,oscr --baseline a q >out && grep -q "^AUROC  *probability" out && grep -q "^OSCR  *area" out && grep -q "Holm" out && ! grep -q "^FPR95" out'

# ---- curves ----
ood-metrics --id id.scores --roc roc --pr pr --hist hist a.scores b.scores >out
ok 'ROC: all points of the hand-made case' 'grep "energy	a" roc | cut -f 3- | tr "\n\t" ";," >got && test "$(cat got)" = "inf,0,0;3,0,0.25;2.5,0.5,0.25;2,1,0.75;0,1,1;" && head -n 1 roc | grep -q "^method	set	threshold	fpr	tpr$"'
ok 'PR, both ways' 'grep "energy	a	in" pr | cut -f 4- | tr "\n\t" ";," >got && test "$(cat got)" = "inf,0,1;3,0.25,1;2.5,0.25,0.5;2,0.75,0.6;0,1,0.666666667;" &&
	grep "energy	b	out" pr | tail -n 1 | cut -f 4- >got && test "$(cat got)" = "$(printf -- "-1\t1\t1")"'
ok 'histograms count every row, and integrate to 1' 'awk -F "\t" "\$2 == \"id\" { n += \$5; area += \$6 * (\$4 - \$3) } END { exit !(n == 8 && area > 1.999 && area < 2.001) }" hist'
ok 'the area under the points is the AUROC' '"$gen" scores e:f4 20000 1 >p && "$gen" scores e:f4 20000 2 >q && a=$(ood-metrics --id p -f tsv --roc roc q | sed -n 2p | cut -f 3) && test "$(wc -l <roc)" -lt 2100 &&
	awk -F "\t" -v a="$a" "NR > 1 { s += (\$4 - x) * (\$5 + y) / 2; x = \$4; y = \$5 } END { exit !(s - a < 2e-3 && a - s < 2e-3) }" roc'
ok 'a failure leaves no curve' 'fails 1 "no/such" ood-metrics --id id.scores --roc kept a.scores no/such && ! test -e kept && fails 1 "no/roc" ood-metrics --id id.scores --roc no/roc a.scores'
ok '--hist: the bins span the finite scores, however many are infinite' '
	{ yes -- -inf | head -n 20; seq 1 179; echo 181; } >i.txt; { yes -- -inf | head -n 30; echo inf; } >o.txt; ood-metrics -q --id i.txt --hist h o.txt >out &&
	test "$(sed -n "2p;101p" h | cut -f 3-5 | tr "\n" ";")" = "1	2.8	22;179.2	181	1;" && test "$(sed -n "102p;201p" h | cut -f 5 | tr "\n" ";")" = "30;1;"'
ok 'two files of curves with one name, or one of the name of the table: misuse, and nothing is written' '
	rm -f r && usage --id id.scores --roc r --pr ./r a.scores && grep -q "roc and --pr are the same file" err && usage --id id.scores --pr r --hist $PWD/r a.scores && ! test -e r &&
	usage --id id.scores --hist - a.scores && grep -q "would mix two outputs" err && ood-metrics --id id.scores --roc r --pr p --hist h a.scores >out && test -s r -a -s p -a -s h'
ok '--confidence without intervals and tests is misuse; in a config file it waits for them' '
	usage --id id.scores --confidence 0.9 a.scores && grep -q "confidence is that of" err && ood-metrics --id id.scores --confidence 0.9 --delong a.scores >out && ood-metrics --id id.scores --confidence 0.9 --baseline energy a.scores >out &&
	echo "confidence: 0.9" >c.yaml && ood-metrics --id id.scores --config c.yaml a.scores >out'
ok 'misuse of these' 'usage --id id.scores --show nope a.scores && usage --id id.scores --show auroc,auroc a.scores && usage --id id.scores -m energy,energy a.scores && ood-metrics --id id.scores -m energy a.scores >/dev/null && usage --id id.scores pooled=a.scores && usage --id id.scores near: &&
	usage --id id.scores --prevalence 1 a.scores && usage --id id.scores --explain -f json a.scores && usage --id id.scores --explain -f latex a.scores && usage --id id.scores --confidence 1 a.scores'
done_testing
