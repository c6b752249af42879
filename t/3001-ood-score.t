#!/bin/sh
# ood-score: columns, values, what it passes on, what it refuses.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen

printf '%s\n' '40 0 0 1 a' '60 0 0 -1 b/c' '1 3 3 2 d' |
	"$gen" features logits:f4:3,label:i8,name:str >f
ood-score --method msp,energy,energy:temperature=10 f >s 2>err || cat err
ts-dump --header s >header

ok 'one column a method, in the order asked for; then pred, label, name' \
	'[ "$(ts-dump --tsv s | sed 1q)" = "$(printf "msp\tenergy\tenergy:temperature=10\tpred\tlabel\tname")" ]'
# Row 1: 40 - log 2; 40; 10 log(e^4 + 2). Row 3: -log(1 + e^-2), 3 + log(2 + e^-2).
cat >want <<'END'
39.306853 40 40.359763 0 1 a
59.306853 60 60.049453 0 -1 b/c
-0.126928 3.758624 13.362867 1 2 d
END
ok 'values; margins of 40 and 60 differ; pred is the first largest; label and name pass' \
	'ts-dump --tsv s | tail -n +2 | awk "
	{ getline w <\"want\"; split(w, v, \" \")
	  for (i = 1; i <= 6; i++)
		if (i > 3 ? \$i != v[i] : (d = \$i - v[i]) > 1e-5 || d < -1e-5) bad++ }
	END { exit bad > 0 || NR != 3 }"'
ok 'meta says the methods with their parameters' \
	'grep -q "energy:temperature=1\"" header && grep -q "energy:temperature=10\"" header'
ok 'the last layer does not travel on, other meta does' 'ts-dump --header f | grep -q fc.weight &&
	! grep -q fc.weight header && grep -q "\"arch\": \"none\"" header'
ok 'the history names the run' 'ts-dump --history s | grep -q "ood-score.*msp,energy"'
ok 'no labels, no names: neither comes out' \
	'"$gen" features logits:f4:4,features:f4:2 5 1 | ood-score | ts-dump --header >h &&
	grep -q maxlogit h && ! grep -q "\"label\"\|\"name\"" h'
ok 'reads standard input, writes -o FILE, the same bytes' \
	'ood-score --no-history f >a && ood-score --no-history -o b - <f && cmp a b'
ok 'an empty stream gives an empty stream' \
	'"$gen" features logits:f4:3 0 1 | ood-score | ts-dump >out && ! test -s out'
ok 'a stream of many batches' '"$gen" features logits:f4:10,name:str 5000 1 >big &&
	ood-score big | ts-dump | tail -n 1 | grep -q row004999'
ok '--list names the methods' '[ "$(ood-score --list | grep -c "^[a-z]")" = 3 ]'

ok 'an unknown method is misuse, and those there are get listed' \
	'! ood-score -m nope f 2>err && test $? = 1; ood-score -m nope f 2>err; test $? = 2 &&
	grep -q "msp maxlogit energy" err'
ok 'a parameter out of range is misuse' 'ood-score -m energy:temperature=-1 f 2>err; test $? = 2'
bad() { "$gen" features "$1" >x; ood-score x >out 2>err; test $? = 1 && grep -q "$2" err; }
ok 'NaN: names file and row' 'printf "1 2\n1 2\n1 nan\n" | bad logits:f4:2 "x.*row 2: logit 1"'
ok 'infinity' 'echo "inf 2" | bad logits:f4:2 "row 0: logit 0 is inf"'
ok 'label beyond the classes' 'echo "1 2 2" | bad logits:f4:2,label:i8 "labels out of range"'
ok 'label below -1' 'echo "1 2 -2" | bad logits:f4:2,label:i8 "labels out of range"'
ok 'no logits' 'echo "1 2" | bad features:f4:2 "no column .logits"'
ok 'one class' 'echo "1" | bad logits:f4:1 "two or more classes"'
ok 'logits of another type' 'echo "1 1" | bad logits:i8:2 "<f4"'
ok 'a score beyond single precision' 'echo "3e38 -3e38" | bad logits:f4:2 "too large"'
ok 'another kind of stream' 'ood-score s >out 2>err; test $? = 1 && grep -q "features" err'
ok 'a truncated stream' 'head -c 200 f | ood-score >out 2>err; test $? = 1'
done_testing
