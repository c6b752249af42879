#!/bin/sh
# Scores of other programs: digits of doubles from text and streams to the rank, and tables as pandas, R, NumPy and Excel
# write them. What cannot be read is refused with the reason, and no row is lost to a heading.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
auroc() { ood-metrics -f tsv "$@" >out 2>err && sed -n 2p out | cut -f 3; }

# ---- digits: ten pairs whose floats are all 1, all beyond 3.4e38, or all below 1e-45 ----
seq 1 10 | awk '{ printf "0.999999999%02d5\n", $1 + 20 }' >id.near; seq 1 10 | awk '{ printf "0.999999999%02d5\n", $1 + 17 }' >ood.near
seq 4 13 | sed 's/$/.5/' >id.plain; seq 1 10 | sed 's/$/.5/' >ood.plain
for e in 300 -300; do seq 4 13 | sed "s/\$/.5e$e/" >id.$e; seq 1 10 | sed "s/\$/.5e$e/" >ood.$e; done
want=$(auroc --id id.plain ood.plain)
ok 'the same order, the same AUROC: far below a float, far above, and closer than floats tell apart' \
	'[ "$want" = 0.755 ] && (for k in near 300 -300; do [ "$(auroc --id id.$k ood.$k)" = "$want" ] || { echo "# $k"; cat out err; exit 1; }; done)'
for k in near 300 -300; do for s in id ood; do "$gen" scores e:f8 <$s.$k >$s.$k.ts; done; done
"$gen" scores e:f4 <id.plain >id.f4; "$gen" scores e:f4 <ood.plain >ood.f4
"$gen" scores e:f2 <id.plain >id.f2; "$gen" scores e:f8 <ood.plain >ood.f8
ok '<f8 streams are read as doubles' '(for k in near 300 -300; do [ "$(auroc --id id.$k.ts ood.$k.ts)" = "$want" ] || exit 1; done)'
ok '<f2, <f4, <f8 and text compare with each other, with intervals, tests, resampling, pooled' \
	'ood-metrics --id id.f4 -f tsv --pooled --delong --bootstrap 50 a=ood.f4 b=ood.f4 >want &&
	(for x in "id.f4 ood.f4 ood.f8" "id.f2 ood.f8 ood.f4" "id.f4 ood.f8 ood.f8"; do set -- $x
		ood-metrics --id $1 -f tsv --pooled --delong --bootstrap 50 a=$2 b=$3 | cmp - want || exit 1
	done)'
printf '%s\n' '4.5 0 0' '5.5 0 1' '6.5 1 1' >right
ok 'what labels tell, of doubles as of floats' '(for t in f4 f8; do "$gen" scores e:$t,pred:i8,label:i8 <right >r.$t
	ood-metrics --id r.$t -f tsv --show oscr,ccr@1e-1,id_acc ood.$t >m.$t || exit 1; done); cmp m.f4 m.f8 && grep -q "0.6666" m.f8'
ok 'thresholds of curves read back' 'ood-metrics --id id.near --roc roc --pr pr --hist hist ood.near >out &&
	grep -q "	0.99999999930[45]" roc && grep -q "	0.99999999930[45]" pr &&
	[ "$(cut -f 3 roc | sort -u | wc -l)" = 15 ]'
ok 'constant as floats is not constant' 'ood-metrics --id id.near ood.near 2>err >out && ! test -s err'
ok 'ood-threshold: the threshold of <f8 is <f8, to its digits' 'ood-threshold -a 0.2 id.near.ts -o t.f8 2>err && ts-dump t.f8 | grep -q "<f8" &&
	ts-dump t.f8 | grep -q "$(sort id.near | awk "NR == 2 { printf \"%.17g\", \$1 }")"'
ok 'ood-watch reads <f8 and refuses other types' 'ood-watch -r id.near.ts id.near.ts 2>err && seq 3 | "$gen" scores k:i8 >k.ts &&
	fails 1 "k.ts.: has no column of scores .k.: it is <i8, where scores are <f8, <f4 or <f2" ood-watch -m k -r k.ts id.f4'

# ---- text of floats: 0.7 is 0.699999988 as ts-dump prints the float, and not that float as a double ----
for s in "id 0.7 0.9" "ood 0.7 0.1" "more 0.7 0.3"; do set -- $s; yes "$2 $3" | tr " " "\n" | head -n 120 | "$gen" scores e:f4 >$1.s; ts-dump -t $1.s >$1.t; done
ts-export -f csv id.s | ts-import -q -k scores -o id.f8 -
ok 'equal scores tie, one as text or <f8 and one as float, in all that is computed, pooled too' '
	all() { ood-metrics --id $1 -f tsv --pooled --delong --bootstrap 20 --show all --roc $4.roc --pr $4.pr --hist $4.hist a=$2 b=$3; }
	all id.s ood.s more.s want >want && grep -q "a	0.875	" want && cut -f 3 want.roc | grep -q "^0.699999988$" || return 1
	for x in "id.t ood.s more.s" "id.f8 ood.s more.s" "id.s ood.t more.t" "id.s ood.s more.t"; do
		set -- $x; all $1 $2 $3 got | cmp - want && cmp got.roc want.roc && cmp got.pr want.pr && cmp got.hist want.hist || return 1
	done
	for x in "id.s ood.s" "id.f8 ood.t"; do set -- $x; ood-metrics --id $1 -f tsv --pooled --show auroc $2 more.s | grep pooled; done | uniq | wc -l | grep -qx 1'
ok 'in what labels tell, too' '
	awk "{ print \$0, NR % 2, 1 }" id.plain >l && { sed "s/.*/0.7 1 1/" l; sed "s/.*/0.9 1 0/" l; } | "$gen" scores e:f4,pred:i8,label:i8 >l.s && ts-dump -t l.s >l.t &&
	for i in l.s l.t; do for o in ood.s ood.t; do ood-metrics --id $i -f tsv --show oscr,ccr@1e-1,aurra,id_acc -b 9 o=$o; done; done >got 2>err && test "$(sort -u got | wc -l)" = 3'
ok 'ood-report: the same page but for where it comes from' '
	page() { ood-report --drift $1 --id $1 o=$2 | grep "<tr>\|<path\|<svg\|test of ood-watch"; }
	page id.s ood.s >want && grep -q "no alarm" want && page id.t ood.s | cmp - want && page id.s ood.t | cmp - want &&
	ood-report --drift id.t --id id.s o=ood.t | grep -q "raises no alarm in these 120"'
sed 1d id.t >numbers; yes 0.3 | head -n 120 | "$gen" scores e:f4 >3.s; ts-dump -t --no-heading 3.s >3.t
ok 'ood-watch: no alarm at the same scores as text and stream' '
	for r in numbers id.s id.f8; do for i in numbers id.s id.f8; do ood-watch -v -r $r $i 2>&1; done; done | sort -u >got && test $(wc -l <got) = 1 &&
	grep -q "120 rows, 0 alarms" got && ood-watch -r 3.t 3.s && ood-watch -r 3.s 3.t && ood-watch -r 3.s --direction both 3.t 2>err && ! test -s err'
ok 'no scores: what there is' 'fails 1 "k.ts.: has no column of scores (.*): it has .k. (<i8)" ood-metrics --id k.ts k.ts &&
	fails 1 "k.ts.: has no column of scores .k.: it is <i8" ood-metrics --id k.ts -m k k.ts &&
	fails 1 "k.ts.: has no column of scores .k.: it is <i8" ood-threshold -m k k.ts'
ok 'numbers that no double holds are refused' '(for v in 1e999 -1e999 1e-999; do printf "1\n%s\n" $v >beyond && fails 1 "line 2: .$v. is not a number" ood-metrics --id beyond id.f4 || exit 1; done)'

# ---- tables ----
seq 4 13 >v; seq 1 10 >w
table() { # NAME FILTER: both sets through it
	for s in v w; do eval "$2" <$s >$s.$1; done
}
same() { # the name of the only method, its AUROC
	ood-metrics -f tsv --id v.$1 -q w.$1 >out 2>err && [ "$(sed -n 2p out | cut -f 1,3)" = "$(printf "${2-score}\t0.755")" ] && ! sed -n 4p out | grep -q .
	rc=$?; [ $rc = 0 ] || { echo "# $1"; sed 's/^/# /' out err; }; return $rc
}
table blank 'cat; echo; echo " "'; table padded 'sed "s/^/     /; s/\$/  /"'; table crlf 'sed "s/\$/\r/"; printf "\r\n"'
table bom 'printf "\357\273\277"; cat'; table bomhead 'printf "\357\273\277score\r\n"; sed "s/\$/\r/"'
table index 'printf "\tscore\n"; awk "{ print NR - 1 \"\t\" \$0 }"'; table series 'printf ",0\n"; awk "{ print NR - 1 \",\" \$0 }"'
table csv 'printf "score,label\n"; sed "s/\$/,1/"'; table again 'printf "Unnamed: 0,score\n"; awk "{ print NR - 1 \",\" \$0 }"'
table excel 'printf "score;label\r\n"; sed "s/\$/;1\r/"'; table blanks 'printf "score  label\n"; sed "s/^/ /; s/\$/   1/"'
table r 'printf "\"score\" \"label\"\n"; awk "{ print \"\\\"\" NR \"\\\" \" \$0 \" 1\" }"'
table rcsv 'printf "\"\",\"score\"\n"; awk "{ print \"\\\"\" NR \"\\\",\" \$0 }"'
table rtab 'printf "\"score\"\t\"label\"\n"; sed "s/\$/\t1/"'; table quoted 'sed "s/.*/\"&\"/"'
table strange 'printf "\"a \"\"b\"\", c\",\"label\"\n"; sed "s/\$/, 1/"'; table savetxt 'printf "# score label\n"; sed "s/\$/.000e+00 1/"'
table names 'printf "name,score\n"; sed "s/^/\"x,\"\"y.png\",/"'; table two 'sed "s/.*/&.5 &/"'
for k in blank padded crlf bom bomhead index csv again excel blanks r rcsv rtab quoted savetxt names; do ok "$k" "same $k"; done
ok 'series: pandas calls it 0' 'same series 0'
ok 'a quoted heading with quotes and a comma' 'same strange "a \"b\", c"'
ok 'columns with blanks between them' 'ood-metrics --id v.two -s -f tsv w.two | cut -f 1 | tr "\n" " " | grep -q "^method score1 score2 $"'
ok 'a quote that does not close is a letter' 'printf "name\te\n\"x\t1\n\"y\t2\n" >q && ood-metrics --id q q | grep -q "^e "'
refused() { printf -- "$1" >bad; fails 1 "$2" ood-metrics --id bad v; }
ok 'a missing first score is no heading' '(for m in NA nan N/A "#N/A" null None - "?"; do refused "$m\n1\n2\n" "line 1: .$m. is neither a number nor\|row 0: .score. is not a number" || exit 1; done)'
ok 'nor elsewhere' 'refused "1\nNA\n" "line 2: .NA. is not a number" && refused "score,label\n1,1\n,1\n" "line 3: .. is not a number, in column .score." &&
	refused "score\tlabel\nNA\t1\n" "line 2: .NA. is not a number"'
ok 'a first row with a word in it is no heading' 'refused "a.png\t0.5\nb.png\t0.7\n" "line 1: holds numbers and words" && refused "0.5,x\n1,y\n" "line 1: holds numbers" &&
	refused "0.5\tNA\n1\t2\n" "line 1: .NA. is neither" && refused "1.5%%\n2\n" "line 1: .1.5%. is neither a number" && refused "0,1,x\n" "holds numbers"'
ok 'nor is a number that no double holds, or is written in another way' '(for n in 1e999 -1e999 1e-999 1_000 1d3 -1.5D+02; do refused "$n\n1\n2\n" "line 1: .$n. is neither a number" || exit 1; done) &&
	printf "5nn,3-nn,2d\n1,2,3\n4,5,6\n" >named && ood-metrics -s --id named named | cut -d " " -f 1 | tr "\n" " " | grep -q "5nn .*3-nn .*2d "'
ok 'decimal commas' 'refused "0,534\n0,634\n" "line 1: .0,534. may be two numbers, or one with a decimal comma" && refused "score\n0,5\n" "line 2: .0,5. is not" && refused "a;b\n0,5;1\n" "line 2: .0,5. is not a number, in column .a."'
ok 'an empty line elsewhere' 'refused "1\n\n2\n" "line 2: is empty" && refused "\n1\n" "line 1: is empty" && refused "1\n \n\n2\n" "line 2: is empty"'
ok 'other columns than the heading' 'refused "a,b\n1,2\n1\n" "line 3: not the 2 columns" && refused "a,b\n1,2,3\n" "line 2: not the 2 columns"'
ok 'UTF-16; a mark alone; a stream is one still' 'refused "\377\3761\0\n\0" "UTF-16" && refused "\357\273\277" "no rows" && refused "\357" "."'
ok 'ood-watch: a number a line, with a mark, blanks, an empty end' 'ood-watch -r v.bom v.padded 2>err && ood-watch -r v.blank v.crlf && fails 1 "line 1 is not a number" ood-watch -r v.csv v'
ok 'and still row by row' '(cat v; printf "5\n\n"; sleep 1; printf "x\n") | ood-watch -r v >out 2>err; [ $? = 1 ] && grep -q "line 12: is empty" err'
done_testing
