#!/bin/sh
# Tables as papers print them: ood-metrics --pivot, ood-seeds --pivot; CSV and LaTeX.
. "$SRC/t/lib.sh"

# AUROC by hand: id 1..4; a: 0.5 x 4 (all below), b: 2.5 (half), c of method y is turned round.
printf 'msp\ty\tz_1\n1\t4\t1\n2\t3\t2\n3\t2\t3\n4\t1\t4\n' >id.tsv
printf 'msp\ty\tz_1\n2.5\t0.5\t0.5\n2.5\t0.5\t2.5\n' >a.tsv
printf 'msp\ty\tz_1\n2.5\t2.5\t3.5\n0.5\t0.5\t0.5\n' >b.tsv
m() { ood-metrics -q --pivot --id id.tsv "$@" near:a.tsv far:b.tsv; }
ok 'a row a method, a column a set and an average; the best with a star, the second with a plus' 'm --show auroc >out && cmp - out <<END
method                      a        b  near average  far average  average
msp                    50.00    75.00*        50.00        75.00*   62.50 
y                     100.00*   75.00*       100.00*       75.00*   87.50*
z_1                    75.00+   62.50+        75.00+       62.50+   68.75+

y beats msp by 25.0 points of AUROC, on 1 of 2 sets. * best, + second of a column.
END'
ok 'one set: its column alone, and that of the pool' 'ood-metrics --pivot --pooled --show auroc --id id.tsv near:a.tsv >out && head -n 1 out | grep -qx "method  *a  *pooled"'
ok '--summary: the averages, of near and far too' 'm -s -f tsv --show auroc >out && cmp - out <<END
method	near average.auroc	far average.auroc	average.auroc
msp	0.5	0.75	0.625
y	1	0.75	0.875
z_1	0.75	0.625	0.6875
END'
ok 'markdown: bold, underlined' 'm -s -f markdown --show auroc | tail -n 4 >out && cmp - out <<END
| y | **100.00** | **75.00** | **87.50** |
| z_1 | <u>75.00</u> | <u>62.50</u> | <u>68.75</u> |

y beats msp by 25.0 points of AUROC, on 1 of 2 sets.
END'
ok 'LaTeX: booktabs, words escaped, the sentence as a comment' 'm -s -f latex --show auroc --baseline z_1 >out && cmp - out <<END
\\begin{tabular}{lrrr}
\\toprule
method & near average & far average & average \\\\
\\midrule
msp & 50.00 & \\textbf{75.00} & 62.50 \\\\
y & \\textbf{100.00} & \\textbf{75.00} & \\textbf{87.50} \\\\
z\\_1 & \\underline{75.00} & \\underline{62.50} & \\underline{68.75} \\\\
\\bottomrule
\\end{tabular}
% y beats z_1 by 18.8 points of AUROC, on 2 of 2 sets.
END'
ok 'csv, json: numbers alone' 'm -f csv --show auroc | sed -n "1p;3p" >out && cmp - out <<END && m -s -f json --show auroc | sed -n 1p | grep -qx "{\"method\": \"msp\", \"near average.auroc\": 0.5, \"far average.auroc\": 0.75, \"average.auroc\": 0.625}"
method,a.auroc,b.auroc,near average.auroc,far average.auroc,average.auroc
y,1,0.75,1,0.75,0.875
END'
ok 'AUROC and FPR95 if nothing is said, and of FPR95 the least is best' 'm -s -f markdown >out && head -n 1 out | grep -q "near average AUROC | near average FPR95 |" &&
	grep -q "^| y | \*\*100.00\*\* | \*\*0.00\*\* |" out'
ok 'csv of the long table: nothing where nothing is known, quotes where they must be' '
	ood-metrics -f csv -l "a,\"b\"" --id id.tsv a.tsv | head -n 3 >out && cmp - out <<END
model,method,set,auroc,aupr_in,aupr_out,fpr95,id_acc,n_id,n_ood
"a,""b""",msp,a,0.5,0.8166666666666667,0.5,1,,4,2
"a,""b""",msp,average,0.5,0.8166666666666667,0.5,1,,4,
END'
ok 'LaTeX of the long table' 'ood-metrics -f latex --id id.tsv a.tsv b.tsv >out && sed -n 2p out | grep -qx .toprule && tail -n 1 out | grep -qx ".end{tabular}" && grep -q "^z._1 & average & 68.75 & .* & -- & 4 & --" out'
ok 'where msp is the best, it is compared with the second' 'cut -f 1 id.tsv | paste - - id.tsv >/dev/null; printf "msp\ty\n3\t1\n4\t2\n" >i2 && printf "msp\ty\n1\t1.5\n2\t1.7\n" >o2 &&
	ood-metrics -q --pivot --id i2 o2 | grep -q "^msp beats y by 50.0 points of AUROC, on 1 of 1 sets"'
ok 'nothing is said where neither is better, or one is not known' 'printf "msp\ty\n3\t3\n4\t4\n" >i5 && printf "msp\ty\n1\t1\n2\t2\n" >o5 && ood-metrics -q --pivot --id i5 o5 >out && ! grep -q beats out && test $(wc -l <out) = 3 &&
	printf "method\tset\tauroc\nmsp\taverage\t-\nvim\taverage\t0.7\n" >none && ood-seeds --pivot --show auroc none >out && ! grep -q "beats\|nan" out && test $(wc -l <out) = 3'
ok 'markdown: a bar in a name divides no cell' 'printf "a|b\n1\n2\n" >i6 && ood-metrics -q -s -f markdown --id i6 i5=i6 >out && grep -qF "| a\|b | 50.00 |" out &&
	ood-metrics -q -s --pivot --show auroc -f markdown --id i6 i5=i6 | grep -qF "| a\|b | 50.00 |"'
ok 'LaTeX: --no-heading prints the rows alone' 'ood-metrics -s -f latex --no-heading --id id.tsv a.tsv >out && test $(wc -l <out) = 3 && ! grep -q "rule\|tabular" out'
ok 'warnings where a number means little' 'ood-metrics --pivot --show auroc,aupr_in --id id.tsv a.tsv 2>err >out && grep -q "of 4 ID and 2 OOD rows" err && ! grep -q AUPR err &&
	seq 1 200 >i3 && { echo 7; seq -798 200; } >o3 && ood-metrics --pivot --show auroc,aupr_in --id i3 o3 2>err >out && grep -q "83 % of the rows are OOD, which AUPR goes by" err && ! grep -q tie err &&
	ood-metrics --pivot --show auroc,aupr_in --prevalence 0.5 --id i3 o3 2>err >out && ! test -s err && yes 3 | head -n 200 >o4 && { yes 3 | head -n 20; seq 1 200; } >i4 &&
	ood-metrics --pivot --id i4 o4 2>err >out && grep -q "10 % of the pairs .* tie" err && ood-metrics --id id.tsv a.tsv 2>err >out && ! test -s err && ood-metrics -v --id id.tsv a.tsv 2>err >out && grep -q "2 OOD rows" err'

# ---- seeds ----
s() { printf 'method\tset\tauroc\tfpr95\nmsp\tx\t%s\t0.9\nmsp\taverage\t%s\t0.9\nvim\tx\t%s\t0.5\nvim\taverage\t%s\t0.5\n' $1 $1 $2 $2; }
s 0.5 0.7 >1.tsv; s 0.6 0.7 >2.tsv; s 0.7 1 >3.tsv
ok 'a metric of the ID set alone has no column, which is said if it was asked for' '
	ood-metrics --pivot --show auroc,id_acc --id id.tsv a.tsv 2>err >out && grep -q "no column for id_acc" err && ! grep -q ece err &&
	ood-metrics --pivot --show all --id id.tsv a.tsv 2>err >out && ! grep -q "no column" err'
ok 'seeds: the deviation of means, and that of the differences' 'ood-seeds --pivot --show auroc 1.tsv 2.tsv 3.tsv >out && cmp - out <<END
method                             x
msp                   60.00+ (10.00)
vim                   80.00* (17.32)

vim beats msp by 20.0 ± 10.0 points of AUROC, on 1 of 1 sets. * best, + second of a column.
END'
ok 'seeds: rows of other seeds are not compared seed by seed' '{ s 0.5 0.7 | grep -v vim; } >4.tsv && { s 0.6 0.7 | grep -v msp; } >5.tsv && ood-seeds --pivot --show auroc 4.tsv 1.tsv 2.tsv 5.tsv 2>err >out &&
	grep -q "vim, x is in 3 of 4 tables only" err && grep -q "^vim beats msp by 16.7 points" out'
ok 'seeds: LaTeX, csv' 'ood-seeds -p -s -f latex --show auroc 1.tsv 2.tsv 3.tsv | grep -qx "vim & .textbf{80.00} \$.pm\$ 17.32 ...*" && ood-seeds -p -s -f csv --ddof 0 1.tsv 2.tsv 3.tsv | head -n 1 >out &&
	test "$(cat out)" = "method,average.auroc,average.auroc_std,average.fpr95,average.fpr95_std"'
ok 'seeds: two are few; what is not there' 'ood-seeds --pivot 1.tsv 2.tsv 2>err >out && grep -q "two seeds says little" err &&
	fails 1 "no metric .oscr., but: auroc fpr95" ood-seeds --pivot --show oscr 1.tsv && fails 1 "unknown method .odin." ood-seeds --pivot --baseline odin 1.tsv'
ok 'misuse' 'for o in "--delong" "--bootstrap 9" "--no-heading" "--explain"; do ood-metrics --pivot $o --id id.tsv a.tsv >out 2>err; test $? = 2 || echo "# $o"; done >bad; cat bad; ! test -s bad && ood-seeds --show auroc 1.tsv 2>err; test $? = 2 &&
	fails 1 "lists none" ood-metrics --pivot --show id_acc --id id.tsv a.tsv'
done_testing
