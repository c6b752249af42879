#!/bin/sh
# ood-seeds: mean and standard deviation by row, what it passes over, what it refuses.
. "$SRC/t/lib.sh"

t() { printf 'model\tmethod\tset\tauroc\tauroc_low\tfpr95\tversus\tn_id\n'; }
{ t; printf 'A\tmsp\tx\t0.5\t0\t0.25\tsame\t9\n'; printf 'A\tmsp\taverage\t0.5\t0\t0.25\tsame\t9\n'; } >1.tsv
{ t; printf 'A\tmsp\tx\t0.7\t0\t0.25\tbetter\t9\n'; printf 'A\tmsp\taverage\t0.75\t0\t0.25\tsame\t9\n'; } >2.tsv
{ t; printf 'A\tmsp\tx\t0.9\t0\t-\tbetter\t9\n'; printf 'A\tmsp\taverage\t1\t0\t-\tsame\t9\n'; } >3.tsv

ok 'mean (std), ddof 1' 'ood-seeds 1.tsv 2.tsv >out && cmp - out <<END
model             method                set                       auroc            fpr95   seeds
A                 msp                   x                 60.00 (14.14)     25.00 (0.00)       2
END'
ok 'people see an average only of several sets; programs always' '
	ood-seeds -f tsv 1.tsv 2.tsv | grep -q "^A	msp	average	0.625" &&
	for i in 1 2; do { cat $i.tsv; sed -n "2s/x/y/p" $i.tsv; } >$i.two; done && ood-seeds 1.two 2.two | grep -q "^A  *msp  *average  *62.50 (17.68)" && ood-seeds -f latex 1.two | grep -q average && ! ood-seeds -f latex 1.tsv | grep average'
ok 'tsv: a column for the deviation; what one table does not know has no mean' 'ood-seeds -s -f tsv 1.tsv 2.tsv 3.tsv >out && cmp - out <<END
model	method	auroc	auroc_std	fpr95	fpr95_std	seeds
A	msp	0.75	0.25	-	-	3
END'
ok '--ddof 0; one table has no deviation with ddof 1' 'ood-seeds -s -f tsv --ddof 0 1.tsv 3.tsv | tail -n 1 | cut -f 3,4 | grep -q "^0.75	0.25$" &&
	ood-seeds -s -f json 1.tsv | grep -q "\"auroc\": 0.5, \"auroc_std\": null" && ood-seeds -s 1.tsv | grep -q "  50.00  "'
ok 'a mark before UTF-8, which other programs put there' '{ printf "\357\273\277"; cat 1.tsv; } >marked.tsv && ood-seeds -f tsv 1.tsv 2.tsv >want && ood-seeds -f tsv marked.tsv 2.tsv | cmp - want'
ok 'several models in a file; standard input' '{ cat 1.tsv; sed s/^A/B/ 2.tsv; } >both && ood-seeds -s -f tsv both - <both >out && test "$(cut -f 1,3,7 out | tr "\n\t" "; ")" = "model auroc seeds;A 0.5 2;B 0.75 2;"'
ok 'the real thing' 'for s in 1 2 3; do "$BUILD/t/helper/ts-gen" scores msp:f4 500 $s >$s.id; "$BUILD/t/helper/ts-gen" scores msp:f4 500 9$s >$s.ood
	ood-metrics -f tsv --delong --baseline msp --id $s.id x=$s.ood >$s.m; done; ood-seeds -f tsv 1.m 2.m 3.m >out &&
	awk -F "\t" "FNR == 2 { s += \$3; q += \$3 ^ 2 } END { m = s / 3; printf \"%.9f %.7f\n\", m, sqrt((q - 3 * m * m) / 2) }" 1.m 2.m 3.m >want &&
	awk -F "\t" "NR == 2 { printf \"%.9f %.7f\n\", \$3, \$4 }" out | cmp - want'
ok 'a row that some lack: a warning' 'sed 2d 1.tsv >short && ood-seeds 2.tsv short 2>err >out && grep -q "msp, x is in 1 of 2 tables only" err && grep -q " 1$" out'
ok 'averages of a table that lacks a set are of other sets: they are left out, and it is said' '
	ood-seeds -f tsv 1.two 2.two 3.tsv 2>err >out && grep -q "averages of .3.tsv. are left out: they are without y$" err && grep -q "^A	msp	average	0.625	0.1767.*	2$" out && grep -q "^A	msp	x	0.7.*	3$" out &&
	sed s/average/pooled/ 1.two >p1 && sed s/average/pooled/ 3.tsv | ood-seeds -f tsv p1 - 2>err | grep -q "^A	msp	pooled	0.5	.*	1$" &&
	sed "s/	y	/	z	/" 2.two >other && ood-seeds --pivot -f tsv 1.two other 2>err | cut -f 7-10 | tail -n 1 | grep -qx -e "-	-	-	-" && grep -q "averages of .1.two. are left out: they are without z; so are those of others" err &&
	ood-seeds 1.two 2.two 2>err >out && ! test -s err'
ok 'tables of other rows, and one that is there twice: a warning' 'sed "s/9$/8/" 2.tsv >fewer && ood-seeds 1.tsv fewer 2>err >out && grep -q "not of the same rows: msp, x has 9 ID rows in one and 8 in another" err && test $(wc -l <err) = 1 &&
	ood-seeds 2.tsv 1.tsv 2.tsv 2>err >out && grep -q "a seed may be there twice: the same numbers in all rows of .2.tsv. and .2.tsv." err && cp 2.tsv copy && sed 2d 1.tsv >short && ood-seeds short 2.tsv copy 2>err >out && grep -q "rows of .2.tsv. and .copy." err &&
	sed 2d 2.tsv >short && ood-seeds short 2.tsv 2>err >out && ! grep -q "same numbers" err && ood-seeds 1.tsv 2.tsv 3.tsv 2>err >out && ! test -s err'
ok 'numbers by other rules, under the same names: refused' 'm() { ood-metrics -f tsv --id 1.id "$@" x=2.ood; } && m >u && m --fpr first --aupr trapezoid >r && m --fpr first --aupr trapezoid -l A --prevalence 0.25 >p && m -s --fpr openood >s &&
	fails 1 "^ood-seeds: .r.: line 2: its numbers go by the rules fpr=first aupr=trapezoid, those of the first row by the usual rules: give ood-metrics the same --fpr" ood-seeds 1.m r &&
	fails 1 "1.m.: line 2: its numbers go by the usual rules, those of the first row by the rules fpr=first aupr=trapezoid:" ood-seeds r 1.m &&
	fails 1 "p.: line 2: its numbers go by the rules fpr=first aupr=trapezoid prevalence=0.25, those" ood-seeds r p && fails 1 "s.: line 2: .*fpr=openood, those" ood-seeds u s &&
	ood-seeds -q r r >out && ! grep -q rules out && head -n 1 u | grep -q "n_ood$" && test "$(head -n 1 r | cut -f 10)" = rules && m --fpr first --show auroc,fpr95_first --prevalence 0.1 | head -n 1 | grep -q "n_ood$" &&
	ood-metrics --fpr first --id 1.id x=2.ood | head -n 1 | grep -qv rules && ood-metrics --fpr first -j --id 1.id x=2.ood | grep -q "\"rules\": \"fpr=first\""'
ok 'errors name file and line' '{ cat 1.tsv; tail -n 1 1.tsv; } >bad && fails 1 "bad.: line 4: msp, average appears twice" ood-seeds bad &&
	sed s/0.5/half/ 1.tsv >bad && fails 1 "bad.: line 2: .half. is not a number" ood-seeds bad && sed "2s/$/\t1/" 1.tsv >bad && fails 1 "line 2: not the 8 columns" ood-seeds bad &&
	sed s/fpr95/new/ 1.tsv >bad && fails 1 "bad.: line 1: column .new., which the first table lacks" ood-seeds 1.tsv bad &&
	echo Dear >bad && fails 1 "bad.: line 1: no table of ood-metrics" ood-seeds bad && : >bad && fails 1 "bad.: is empty; see what" ood-seeds bad && head -n 1 1.tsv >bad && fails 1 "bad.: has a heading, but no rows" ood-seeds bad && fails 1 "no/such" ood-seeds 1.tsv no/such'
ok 'columns line up, however long the names are' '
	sed "s/	msp	x/	msp	a-set-whose-name-is-rather-long/" 1.tsv >long && ood-seeds long long | awk "{ print length }" | sort -u | wc -l | grep -qx 1 && ood-seeds long | grep -q rather'
usage() { ood-seeds "$@" >out 2>err </dev/null; test $? = 2 && ! test -s out && grep -q Try err; }
ok 'misuse' 'usage && usage - - && usage --ddof 2 1.tsv && usage -f xml 1.tsv'
done_testing
