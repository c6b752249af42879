#!/bin/sh
# ts-cat: concatenating, and taking parts.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen
rows() { ts-dump "$@"; }
"$gen" scores x:f4,v:f4:2x2,label:i8,name:str 2500 1 >a
"$gen" scores x:f4,v:f4:2x2,label:i8,name:str 1300 2 >b
"$gen" scores x:f4 3 3 >c
"$gen" features logits:f4:3,name:str 4 1 >f
rows a >a.rows; rows b >b.rows; cat a.rows b.rows >ab.rows

ok 'one stream comes through as it is' 'ts-cat a | ts-dump | cmp - a.rows && ts-cat <a | ts-dump | cmp - a.rows'
ok 'two are joined, in order' 'ts-cat a b | ts-dump | cmp - ab.rows'
ok '- is standard input, in its place' 'ts-cat a - <b | ts-dump | cmp - ab.rows'
ok 'a stream twice' 'ts-cat c c | ts-dump >out && test "$(wc -l <out)" = 6'
ok 'an empty stream adds nothing' '"$gen" scores x:f4,v:f4:2x2,label:i8,name:str 0 1 >none &&
	ts-cat none a none | ts-dump | cmp - a.rows && ts-cat none | ts-dump >out && ! test -s out'
ok '--head' 'ts-cat --head 2600 a b | ts-dump >out && head -n 2600 ab.rows | cmp - out &&
	ts-cat -n 0 a | ts-dump >out && ! test -s out && ts-cat -n 9999 a | ts-dump | cmp - a.rows'
ok '--head still reads to the END: a stream that is cut off fails' \
	'head -c 30000 a >cut; ! ts-cat -n 1 cut >out 2>err && grep -q "cut.*cut off\|without an END" err'

ok '--select: these fields, in this order' 'ts-cat --select name,x a | ts-dump --tsv | head -n 1 >out &&
	test "$(cat out)" = "$(printf "name\tx")" &&
	ts-cat --select name,x a | ts-dump --tsv >out && ts-dump --tsv a | awk -F "\t" "{ print \$3 \"\t\" \$1 }" | cmp - out'
ok '--select joins streams that differ elsewhere' 'ts-cat --select x a c | ts-dump | wc -l | grep -q 2503'
ok '--select of a missing field is an error' 'fails 1 "no field .nope.*ts-dump --header" ts-cat --select x,nope a'
ok '--select twice' 'fails 1 "selected twice" ts-cat --select x,x a'
ok '--select of an empty name' 'fails 1 "no field" ts-cat --select x, a'
ok 'other fields are refused, and --select is named' 'fails 1 "c.: has other fields.*--select" ts-cat a c'
ok 'another shape is refused' '"$gen" scores x:f4:1 3 3 >y; fails 1 "y.: field .x. is missing or of another" ts-cat c y'
ok 'another type is refused' '"$gen" scores x:i8 3 3 >y; fails 1 "y.: field .x. is missing or of another" ts-cat c y'
ok 'another kind is refused' 'fails 1 "f.: holds features, but the first stream holds scores" ts-cat a f'

ds-synth --set id --n 20 --seed 1 -o s1 && ds-synth --set id --n 20 --seed 2 -o s2
ok 'streams of the same classes are joined' 'ts-cat s1 s2 | ts-dump --tsv | wc -l | grep -q 41'
ok 'differing classes are refused' 'ts-dump --header s1 | grep -q classes &&
	"$gen" images image:u1:3x32x32,label:i8,name:str 2 1 >other && ts-cat --select image,label,name s1 | ts-cat -o s1b &&
	fails 1 "other.: has other classes.*--select" ts-cat --select image,label s1b other'
ok 'but can be joined without the label' 'ts-cat --select image,name s1 other | ts-dump --tsv | wc -l | grep -q 23'
if /usr/bin/python3 -c 'import msgpack' 2>/dev/null; then
	/usr/bin/python3 -c '
import msgpack, struct
def write(path, classes, field, kind="scores", **meta):
    col = {b"nd": True, b"type": b"<i8", b"kind": b"", b"shape": [2], b"data": struct.pack("<qq", 0, 1)}
    head = {"unmask": 1, "kind": kind, "fields": {field: {"type": "<i8", "shape": []}, "name": {"type": "str", "shape": []}},
            "meta": dict(meta, **({"classes": classes} if classes else {}))}
    with open(path, "wb") as f:
        for part in (head, {field: col, "name": ["a", "b"]}, {"end": True, "rows": 2, "xxh3": None}):
            f.write(msgpack.packb(part))
for field in "label", "true-label", "pred":
    write(field + ".1", ["cat", "dog"], field); write(field + ".2", ["dog", "cat"], field); write(field + ".3", ["cat", "dog"], field); write(field + ".0", None, field)
write("model.1", None, "pred", model="1"); write("model.2", None, "pred", model="2"); write("labels.1", None, "label", model="1"); write("labels.2", None, "label", model="2")'
	ok 'so are those of true labels and predictions, also where nothing else is selected' '(for k in label true-label pred; do
		fails 1 "$k.2.: has other classes than the first stream, so ${k}s would be mixed up; --select fields without $k" ts-cat $k.1 $k.2 &&
		fails 1 "$k.2.: has other classes" ts-cat --select name,$k $k.1 $k.2 && ts-cat --select name $k.1 $k.2 | ts-dump | wc -l | grep -qx 4 && ts-cat $k.1 $k.3 | ts-dump | wc -l | grep -qx 4 || exit 1
		done) && ts-cat pred.1 pred.0 | ts-dump | wc -l | grep -qx 4 && fails 1 "label.0.: has other classes" ts-cat label.1 label.0'
	ok 'predictions are of a model' 'fails 1 "model.2.: is of another model" ts-cat model.1 model.2 && ts-cat labels.1 labels.2 | ts-dump | wc -l | grep -qx 4'
fi
ok 'meta of the first stream goes through' '
	test "$(ts-dump --header s1 | grep classes)" = "$(ts-cat s1 s2 | ts-dump --header | grep classes)"'

for of in 1 3 7; do
	i=0; : >parts; : >want
	while [ $i -lt $of ]; do
		ts-cat --shard $i/$of a b -o part$i && ts-dump part$i >>parts
		awk -v i=$i -v n=$of '(NR - 1) % n == i' ab.rows >>want
		i=$((i + 1))
	done
	ok "$of shards have every row, every ${of}th" 'test "$(wc -l <parts)" = 3800 && cmp parts want'
done
ok 'a shard of nothing is a stream' '"$gen" scores x:f4 1 1 >one && ts-cat --shard 1/2 one | ts-dump >out && ! test -s out'
for s in 3/3 -1/3 1 1/0 x/2 1/2x /2 1/ ''; do
	ok "--shard '$s' is misuse" 'ts-cat --shard "$s" a >out 2>err; test $? = 2 && grep -q -- --shard err'
done

ok '--sample: so many rows, in order, none twice' '
	ts-cat --sample 500 a b | ts-dump >out && test "$(wc -l <out)" = 500 &&
	awk "NR == FNR { at[\$0] = FNR; next } !(\$0 in at) || at[\$0] <= last { bad = 1 } { last = at[\$0] }
	END { exit bad }" ab.rows out'
ok '--sample is the same again, and another with another seed' '
	ts-cat --sample 500 a b --no-history >1 && ts-cat --sample 500 a b --no-history | cmp - 1 &&
	! ts-cat --sample 500 --seed 1 a b --no-history | cmp -s - 1'
ok '--sample does not depend on how the rows come in batches' '
	ts-cat --shard 0/1 a | ts-cat --sample 40 | ts-dump >1 && ts-cat --sample 40 a | ts-dump | cmp - 1'
ok '--sample of more than there are: all' 'ts-cat --sample 99999 a | ts-dump | cmp - a.rows'
ok '--sample 0' 'ts-cat --sample 0 a | ts-dump >out && ! test -s out'
ok '--sample takes from everywhere' '
	ts-cat --sample 380 a b | ts-dump --tsv | tail -n +2 | wc -l | grep -q 380 &&
	ts-cat --sample 380 a b | ts-dump >out && test "$(grep -c -F -x -f out a.rows)" -gt 200 &&
	test "$(grep -c -F -x -f out b.rows)" -gt 90'
ok '--shuffle is a permutation, not the identity' '
	ts-cat --shuffle a b | ts-dump >out && ! cmp -s out ab.rows && sort out >1 && sort ab.rows | cmp - 1'
ok '--shuffle is the same again' 'ts-cat --shuffle a b | ts-dump | cmp - out && ! ts-cat --shuffle --seed 9 a b | ts-dump | cmp -s - out'
ok '--sample --shuffle: the same rows, in another order' '
	ts-cat --sample 50 a b | ts-dump >in && ts-cat --sample 50 --shuffle a b | ts-dump >out && ! cmp -s in out &&
	sort in >1 && sort out | cmp - 1'
ok 'shard, then head' 'ts-cat --shard 1/2 --head 3 a | ts-dump >out && sed -n "2p;4p;6p" a.rows | cmp - out'
ok 'head, then sample' 'ts-cat --head 100 --sample 30 a | ts-dump >out && head -n 100 a.rows >1 &&
	test "$(grep -c -F -x -f out 1)" = 30'

ok 'history: joined, common steps once, this run at the end' '
	ts-cat --head 3 c -o c1 && ts-cat --shard 0/1 c1 -o c2 && ts-cat c1 c2 | ts-dump --history >out &&
	test "$(wc -l <out)" = 3 && tail -n 1 out | grep -q "ts-cat.*c1 c2" &&
	id1=$(sed -n "1s/[ 	].*//p" out) id2=$(sed -n "2s/[ 	].*//p" out) && tail -n 1 out | grep -q "<- $id1,$id2	"'
ok '--no-history' 'ts-cat --no-history c2 | ts-dump --history >out && ! test -s out'

if [ -x "$BUILD/t/helper/golden-net" ] && "$BUILD/t/helper/golden-net" ckpt densenet:depth=10,growth=2 10 >ck 2>/dev/null; then
	ok 'a checkpoint goes through' 'ts-cat ck | ts-dump | cmp - "$(ts-dump ck >ck.rows; echo ck.rows)"'
	first=$(ts-dump --tsv ck | sed -n 3p | cut -f 1)
	ok '--select of a tensor' 'ts-cat --select "$first" ck | ts-dump --tsv | tail -n +2 | cut -f 1 >out && test "$(cat out)" = "$first"'
	ok 'checkpoints are not joined or sampled' 'fails 1 "has no rows" ts-cat ck ck -o no.ck && fails 1 "has no rows" ts-cat --head 1 ck -o no.ck'
fi
ok 'one bad stream among good ones: exit 1, named' 'head -c 200 b >cut; ts-cat a cut >out 2>err; test $? = 1 && grep -q "cut" err && ! ts-dump out >/dev/null 2>&1'
done_testing
