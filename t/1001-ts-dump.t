#!/bin/sh
# ts-dump: text that says what is in a stream, exactly.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH

printf '0.1 1 a\n-1e-30 -1 b\nnan 2 c\ninf 3 d\n' | ts-gen scores msp:f4,label:i8,name:str >s.ts
ok 'JSON lines' 'ts-dump s.ts >out; printf "%s\n" "{\"msp\": 0.100000001, \"label\": 1, \"name\": \"a\"}" "{\"msp\": -1e-30, \"label\": -1, \"name\": \"b\"}" "{\"msp\": \"nan\", \"label\": 2, \"name\": \"c\"}" "{\"msp\": \"inf\", \"label\": 3, \"name\": \"d\"}" | cmp - out'
ok 'TSV' 'ts-dump --tsv s.ts | sed -n 4p | grep -qx "nan	2	c"'
ok 'the header, with the number of rows' 'ts-dump --header s.ts | grep -q "\"kind\": \"scores\", \"rows\": 4"'
ts-gen features logits:f4:3,label:i8 4 1 >f.ts
ok 'vectors are lists in JSON and left out in TSV' '
	ts-dump f.ts | head -n 1 | grep -q "\"logits\": \[.*, .*, .*\], " && ts-dump --tsv f.ts | head -n 1 | grep -qx label'
golden-net ckpt densenet:depth=10 10 >m.ckpt
ok 'a checkpoint: a line a tensor' 'ts-dump m.ckpt | grep -q "{\"name\": \"fc.weight\", \"type\": \"<f4\", \"shape\": \[10, [0-9]*\], \"sum\": "'
ok 'and as TSV' 'ts-dump --tsv m.ckpt | grep -q "^conv1.weight	<f4	24x3x3x3	"'
ok 'a header without END is not shown' 'head -c 250 s.ts | ts-dump --header >out 2>err; test $? = 1 && ! test -s out'
mkdir 'a	b'; printf x >'a	b/x.png'
ok 'a tab in a name does not break the table' '
	printf "1 x\n" | ts-gen scores msp:f4,name:str | ts-dump --tsv >/dev/null'
done_testing
