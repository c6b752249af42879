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
energy                average          37.50    71.67     32.50  100.00   66.67         4         -
END'
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
done_testing
