#!/bin/sh
# ts-dump: rows, tables, headers and histories as text.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
printf '1.5 1 2 3 4 -7 a 200\nnan 0 -0 1e-45 3e38 9223372036854775807 b"c\\d 0\n-inf inf 0.1 16777216 1 0 \303\251 1\n' |
	"$gen" scores x:f4,m:f4:2x2,label:i8,name:str,u:u1 >s
cat >want <<'END'
{"x": 1.5, "m": [[1, 2], [3, 4]], "label": -7, "name": "a", "u": 200}
{"x": "nan", "m": [[0, -0], [1.40129846e-45, 3.00000001e+38]], "label": 9223372036854775807, "name": "b\"c\\d", "u": 0}
{"x": "-inf", "m": [["inf", 0.100000001], [16777216, 1]], "label": 0, "name": "é", "u": 1}
END
ok 'rows as JSON, exactly' 'ts-dump s | diff want - && ts-dump <s | cmp - want && ts-dump - <s | cmp - want'
ok 'every row is JSON that another program reads' '! command -v python3 >/dev/null ||
	ts-dump s | python3 -c "import json, sys
rows = [json.loads(l) for l in sys.stdin]
assert rows[1][\"label\"] == 2**63 - 1 and rows[1][\"name\"] == \"b\\\"c\\\\d\" and rows[0][\"m\"][1] == [3, 4]"'
printf 'x\tlabel\tname\tu\n1.5\t-7\ta\t200\nnan\t9223372036854775807\tb"c\\\\d\t0\n-inf\t0\t\303\251\t1\n' >want
ok '--tsv: scalar and string columns' 'ts-dump --tsv s | diff want - && ts-dump -t s | cmp - want'
ok 'no rows: no heading, and nothing else' '"$gen" scores x:f4,name:str 0 1 >none && ts-dump -t none >out && ! test -s out &&
	ts-dump -t -w u=7 s >out && ! test -s out && ts-dump none >out && ! test -s out'
ok '--no-heading' 'sed 1d want | diff - /dev/fd/3 3<<END && ts-dump -w u=200 -t --no-heading s | diff - /dev/fd/4 4<<END2
$(ts-dump --tsv --no-heading s)
END
$(sed -n 2p want)
END2'
# ---- classes ----
ds-synth --set id -n 30 -o classes.ts
ok '--class-names: in place of their numbers, in tables and objects; numbers without it' '
	ts-dump -t classes.ts | cut -f 1 | sed 1d >numbers && ts-dump -tc classes.ts | cut -f 1 | sed 1d >names && ! grep -q "[^0-9]" numbers &&
	paste numbers names | sort -u >map && test $(wc -l <map) = $(sort -u numbers | wc -l) && ! grep -q "[0-9]$" map &&
	ts-dump --class-names classes.ts | head -n 1 | grep -q "\"label\": \"$(head -n 1 names)\""'
ok '--where: a class by its name, or a number' '
	read -r number class <map && ts-dump -t -w label=$class classes.ts | cmp - /dev/fd/3 3<<END && test $(ts-dump -t -w label=$number classes.ts | wc -l) -gt 1
$(ts-dump -t -w label=$number classes.ts)
END'
ok '--where: what is no class' 'ts-dump -w label=${class}x classes.ts 2>err; test $? = 2 && grep -q "nor a class of the stream; did you mean .$class.?" err'
ok '--class-names: a number that names no class stays one' 'ds-synth --set blobs -n 2 | ts-dump -tc | grep -q "^-1	"'
if command -v script >/dev/null; then
	on_terminal() { script -qec "$1" /dev/null </dev/null | tr -d '\r'; }
	ok 'on a terminal: columns line up, and classes have names' '
		on_terminal "ts-dump -t classes.ts" >out && ! grep -q "	" out && test "$(sed "s/[^ ]*$//" out | awk "{ print length }" | sort -u | wc -l)" = 1 &&
		sed 1d out | grep -q "^$class  " && on_terminal "ts-dump -t --no-class-names classes.ts" | sed 1d | grep -q "^[0-9]  "'
	ok 'on a terminal: tensors line up as well' '
		"$BUILD/t/helper/golden-net" ckpt densenet:depth=10,growth=2 10 >a.ckpt && on_terminal "ts-dump -t a.ckpt" >out && ! grep -q "	" out &&
		test "$(sed "s/[^ ]*$//" out | awk "{ print length }" | sort -u | wc -l)" = 1'
else
	ok 'a terminal # SKIP no script' true
fi
ok '--tsv escapes what would break the table' '
	ts-cat --no-history s -o "$(printf "a\tb\nc\\\\d\re")" && f="$(printf "a\tb\nc\\\\d\re")" && test -f "$f" &&
	ts-cat s "$f" | ts-dump --history | tail -n 1 | grep -q -F "s a\\tb\\nc\\\\d\\re"'
ok 'digits are enough: values survive' '
	"$gen" scores x:f4 2000 5 >big && ts-dump -t big | tail -n +2 | "$gen" scores x:f4 | ts-dump -t >again && ts-dump -t big | cmp - again'

ok '--where: rows of one value, of any type of integer' '
	ts-dump --where u=200 s | cmp - /dev/fd/3 3<<END && ts-dump s | sed -n 2p >want2 && ts-dump -w label=9223372036854775807 s | cmp - want2 &&
$(ts-dump s | head -n 1)
END
	test "$(ts-dump -t --where label=-7 s | wc -l)" = 2 && test -z "$(ts-dump --where u=3 s)"'
ok '--where: the last = ends the name' '
	echo "1 7" | "$gen" scores x:f4,a=1:i8 | ts-dump --where a=1=7 | grep -q "\"a=1\": 7"'
ok '--where: what is no column of integers is refused' '
	fails 1 "no column .v." ts-dump --where v=1 s && fails 1 "x.* not one integer" ts-dump --where x=1 s &&
	fails 1 "m.* not one integer" ts-dump --where m=1 s && fails 1 "name.* not one integer" ts-dump --where name=1 s'
ok '--where: misuse' 'for w in u u= u=x u=1.5 =; do ts-dump --where $w s >out 2>err; test $? = 2 || echo "# $w"; done >bad
	ts-dump --where u=1 --header s >out 2>err; test $? = 2 && ! test -s bad'
mkfifo endless got
{ cat s; sleep 5; } >endless 2>/dev/null & feeder=$!
ts-dump --where u=200 endless >got & dumper=$!
read -r line <got
ok 'a batch is seen before the stream ends' 'kill -0 $dumper && test "$line" = "$(ts-dump s | head -n 1)"'
kill $feeder $dumper 2>/dev/null; wait 2>/dev/null

ok '--header: kind, rows, fields, meta' '
	ts-dump --header s >h && grep -q "\"kind\": \"scores\", \"rows\": 3" h && grep -q "\"m\": {\"type\": \"<f4\", \"shape\": \[2, 2\]}" h &&
	grep -q "\"name\": {\"type\": \"str\", \"shape\": \[\]}" h && "$gen" features logits:f4:3 1 1 | ts-dump --header >h &&
	grep -q "\"fc.weight\": {\"type\": \"<f4\", \"shape\": \[2, 3\]}" h && grep -q "\"arch\": \"none\"" h'
ok '--header is JSON' '! command -v python3 >/dev/null ||
	ts-dump --header s | python3 -c "import json, sys; h = json.load(sys.stdin); assert h[\"rows\"] == 3 and list(h[\"fields\"])[1] == \"m\""'
ts-cat s | ts-cat --head 2 - >two
ok '--history: a line a run, each behind the one before' '
	ts-dump --history two >out && test "$(wc -l <out)" = 2 && sed -n 1p out | grep -q "^[0-9a-f]\{16\}	ts-cat [^	]*	s$" &&
	id=$(head -c 16 out) && sed -n 2p out | grep -q "^[0-9a-f]\{16\} <- $id	ts-cat [^	]*	--head 2 -$"'
ok '--header --history: both' 'ts-dump --header --history two >out && test "$(head -c 1 out)" = "{" && tail -n 1 out | grep -q "ts-cat.*--head"'
ok 'no history, no line' 'ts-dump --history s >out && ! test -s out'
ok '--header and --history print nothing before END' '
	head -c 230 two >cut && fails 1 "cut" ts-dump --header cut && fails 1 "cut" ts-dump --history cut'
ok 'rows are printed as they come; the exit status tells' '
	"$gen" scores x:f4 5000 1 >big && head -c 15000 big | ts-dump >out 2>err; test $? = 1 && test -s out && grep -q "<stdin>.*byte" err'
ok 'no meta, no history in the header: fine' '
	printf "\203\246unmask\001\244kind\246scores\246fields\201\241x\202\244type\243<i4\245shape\220\202\243end\303\244rows\000" >x
	fails 1 "END record without rows or checksum" ts-dump x'
ok 'two operands are misuse' 'ts-dump s s >out 2>err; test $? = 2'

if [ -x "$BUILD/t/helper/golden-net" ] && "$BUILD/t/helper/golden-net" ckpt densenet:depth=10,growth=2 10 >ck 2>/dev/null; then
	ok 'a checkpoint: a line a tensor' '
		ts-dump ck >out && ts-dump --tsv ck >tsv && test "$(wc -l <tsv)" = $(($(wc -l <out) + 1)) &&
		head -n 1 tsv | grep -q "^name	type	shape	sum	min	max$" && grep -q "\"type\": \"<f4\", \"shape\": \[10, " out'
	ok 'its --header counts records' 'ts-dump --header ck | head -n 1 | grep -q "\"rows\": $(wc -l <out),"'
fi
done_testing
