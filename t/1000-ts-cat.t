#!/bin/sh
# ts-cat: whole, in part, in another order; nothing mixed up.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

ts-gen scores msp:f4,label:i8,name:str 3000 1 >a.ts
ts-gen scores msp:f4,label:i8,name:str 1500 2 >b.ts
rows() { ts-dump --tsv "$@" | sed 1d; }
rows a.ts >a; rows b.ts >b

ok 'a stream comes out as it went in' 'ts-cat a.ts | rows | cmp - a'
ok 'two are put behind each other' 'cat a b >ab; ts-cat a.ts b.ts | rows | cmp - ab'
ok 'a file and standard input' 'ts-cat a.ts - <b.ts | rows | cmp - ab'
ok '--head' 'head -n 1700 ab >want; ts-cat --head 1700 a.ts b.ts | rows | cmp - want'
ok '--head 0 is a stream without rows' 'ts-cat --head 0 a.ts >z.ts; ts-dump z.ts >out && ! test -s out'
ok '--head of more than there is' 'ts-cat --head 99999 a.ts | rows | cmp - a'
ok 'shards are disjoint and make the whole' '
	for i in 0 1 2; do ts-cat --shard $i/3 a.ts | rows; done | sort >got; sort a | cmp - got'
ok 'shard 1/3 is every third row from the second' 'awk "NR % 3 == 2" a >want; ts-cat --shard 1/3 a.ts | rows | cmp - want'
ok '--sample: as many, of the input, in its order' '
	ts-cat --sample 500 --seed 3 a.ts | rows >s; test $(wc -l <s) = 500 && sort s | uniq -d | wc -l | grep -q "^0" &&
	awk "NR == FNR { n[\$0] = NR; next } !(\$0 in n) || n[\$0] < last { exit 1 } { last = n[\$0] }" a s'
ok '--sample: same seed, same rows; another seed, others' '
	ts-cat --sample 500 --seed 3 a.ts | rows | cmp - s && ! ts-cat --sample 500 --seed 4 a.ts | rows | cmp -s - s'
ok '--sample of more than there is takes all' 'ts-cat --sample 5000 a.ts | rows | cmp - a'
ok '--shuffle is a permutation, and not the same one' '
	ts-cat --shuffle --seed 1 a.ts | rows >s; ! cmp -s a s && sort a >x && sort s | cmp - x'
ok '--select takes fields, in that order' '
	ts-cat --select name,msp a.ts | ts-dump --tsv | head -n 1 | grep -qx "name	msp"'
ok '--select of a field that is not there' 'fails 1 "nope.*--header" ts-cat --select nope a.ts'
ok '--select of a field twice' 'fails 1 "twice" ts-cat --select msp,msp a.ts'
ok 'streams with other fields are refused' '
	ts-gen scores msp:f4,label:i8 5 1 >c.ts; fails 1 "c.ts.*select" ts-cat a.ts c.ts'
ok 'unless the common ones are selected' 'ts-cat --select msp,label a.ts c.ts | ts-dump >/dev/null'
ok 'another shape is refused' 'ts-gen scores msp:f4:2,label:i8,name:str 5 1 >d.ts; fails 1 "d.ts.*msp" ts-cat a.ts d.ts'
ds-synth --set id -n 5 -o id.ts
ds-synth --set blobs -n 5 -o ood.ts
ok 'labels of other classes are not mixed' '
	ts-cat --select image,label id.ts >i.ts; golden-net images 5 10 >o.ts; fails 1 "o.ts.*mixed up" ts-cat i.ts o.ts'
ok 'without labels they may be joined' 'ts-cat --select image id.ts ood.ts | ts-dump | wc -l | grep -qx " *10"'
ok 'meta passes through' 'ts-cat id.ts | ts-dump --header | grep -q "\"classes\": \[\"disc\""'
ok 'the history grows by a step a program, with its parents' '
	ts-cat id.ts | ts-cat -q | ts-dump --history >h; test $(wc -l <h) = 3 && grep -q "^[0-9a-f]* <- [0-9a-f]*	ts-cat .*	-q$" h'
ok 'joining streams of one descent keeps it once' 'ts-cat id.ts -o x.ts; ts-cat x.ts x.ts | ts-dump --history | wc -l | grep -qx " *3"'
ok '--no-history' 'ts-cat --no-history id.ts | ts-dump --history >h; ! test -s h'
ok 'misuse: a shard that is none' 'fails 2 "0 <= I < N" ts-cat --shard 3/3 a.ts'
golden-net ckpt densenet:depth=10 10 >m.ckpt
ok 'a checkpoint comes out as it went in' 'ts-cat --no-history m.ckpt | ts-cat --no-history | cmp - m.ckpt'
ok 'of a checkpoint, tensors can be selected' 'ts-cat --select fc.bias m.ckpt | ts-dump | grep -q "fc.bias.*\[10\]"'
ok 'but rows of it cannot' 'fails 1 "no rows" ts-cat --head 1 m.ckpt'
ok 'nothing follows its END when an input is cut' '
	head -c 30000 b.ts >cut.ts; ts-cat a.ts cut.ts 2>err >out.ts; test $? = 1 && grep -q "cut.ts" err && ! ts-dump out.ts >/dev/null 2>&1'
done_testing
