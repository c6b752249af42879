#!/bin/sh
# ts-import of Parquet: tables that pyarrow wrote (t/golden/parquet/arrays.py), and what does not fit, with its reason.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/parquet
i=0; while [ $i -lt 7 ]; do
	awk -v i=$i 'BEGIN { for (j = 0; j < 4; j++) printf "%s%.17g", j ? "\t" : "", (4 * i + j) / 8 - 1; printf "\n" }' >>values
	printf '%d\trow %d\n' $((i % 3)) $i >>others; i=$((i + 1))
done
numbers() { ts-cat -q --no-history --select "$1" "$2" | ts-dump | sed 's/"[^"]*": //g; s/[][{}]//g; s/, /\t/g'; }
for f in arrays arrays-fixed arrays-groups arrays-v2; do
	case $f in arrays-groups|arrays-v2) ts-import "$g/$f.parquet" 2>err >/dev/null || { grep -q "libzstd.so.1 .* is not installed" err && ok "$f # SKIP no libzstd" true && continue; } ;; esac
	ok "$f: features, labels, names" 'ts-import "$g/$f.parquet" -o f.ts 2>err && ! test -s err && numbers features f.ts | cmp - values && ts-cat --select label,name f.ts | ts-dump --tsv | sed 1d | cmp - others'
done
ok 'the only list is the features' 'ts-import "$g/arrays-required.parquet" -o f.ts && numbers features f.ts | cmp - values'
ok 'numbers that are no list are scores; a type without sign' 'ts-import "$g/arrays-scores.parquet" -o s.ts && ts-dump --header s.ts | grep -q "\"kind\": \"scores\"" && numbers energy,msp s.ts >got && cut -f 1,2 values | cmp - got && ts-cat --select votes,pred s.ts | ts-dump --tsv | sed 1d | tr "\t\n" ": " >got && grep -q "^0:0 1:1 2:2 3:0 4:1 5:2 6:0 " got'
ok 'half floats: lists, a column; with a dictionary or without' 'ts-import -q --columns temp "$g/arrays-half.parquet" -o h.ts && numbers features h.ts | cmp - values && ts-dump --header h.ts | grep -q "temp.*<f2" && numbers temp h.ts >got && cut -f 2 values | cmp - got &&
	ts-import "$g/arrays-half-plain.parquet" -o h.ts && numbers energy h.ts >got && cut -f 1 values | cmp - got'
ok 'columns side by side are features, as in a table of text' 'ts-import "$g/arrays-wide.parquet" -o w.ts 2>err && numbers features w.ts | cmp - values && grep -q "left out: .q. <i8 (7, 2), because .q.1.: row 0 is null, .*, .r. <f8 (7, 2)" err && ts-cat --select label,name w.ts | ts-dump --tsv | sed 1d | cmp - others'
ok 'columns of several types of numbers are doubles' 'ts-import -q --features r "$g/arrays-wide.parquet" -o w.ts && cut -f 1 others >label && cut -f 1 values | paste - label >want && numbers features w.ts | cmp - want'
ok 'but not columns of text' 'ts-import -q --name t.1 "$g/arrays-wide.parquet" -o w.ts && ts-cat --select name w.ts | ts-dump --tsv | sed -n 3p | grep -qx "1 of 1"'
ok 'through a pipe, and by options' 'cat "$g/arrays.parquet" | ts-import --logits embeddings --label label - -o l.ts && numbers logits l.ts | cmp - values'
ok 'they go the way of all features' 'ts-import -q "$g/arrays.parquet" | ood-fit -q -o fit && ts-import -q "$g/arrays.parquet" | ood-score -q -f fit -m knn:k=2 | ts-dump >out && test $(wc -l <out) = 7'

# ---- what does not fit ----
not() { # OPTIONS NAME REASON
	fails 1 "$3" ts-import --$1 "$2" "$g/arrays-unfit.parquet"
}
ok 'rows of different lengths' 'not features ragged "row 0 has 4 numbers, and row 3 has 2"'
ok 'nulls: a number, a list, a text; an empty list' '
	not features gap "row 4 is null, is empty, or has a null" && not features none "row 5 is null" && not features empty "row 5 is null, is empty" && not "kind scores --columns" hole "row 1 is null" &&
	not "kind scores --columns" nothing "row 6 is null"'
ok 'lists of lists and of text, structs, maps, dates, bytes, truths' '
	not features deep.list.element.list.element "is list of lists" && not features words "is list of text" && not features pair.a "is in a struct" &&
	not features tags.key_value.key "is list of structs" && not features tags.key_value.value "is list of structs" &&
	not "kind scores --columns" day "is date or time" && not features raw "is bytes" && not features truth "is boolean"'
ok 'if the features are guessed, they are refused with the reason, too' '/usr/bin/python3 - "$g/arrays-unfit.parquet" >u.parquet <<END
import sys; sys.stdout.buffer.write(open(sys.argv[1], "rb").read().replace(b"ragged", b"logits"))
END
	fails 1 "logits. is <f4 (7,), because row 0 has 4 numbers, and row 3 has 2" ts-import u.parquet'
ok 'codecs and encodings that are not read' '
	fails 1 "no array holds numbers .*; .label. is <i8 (7,), because it is compressed with Brotli, which is not read" ts-import "$g/brotli.parquet" &&
	fails 1 ".label. is <i8 (7,), because it has pages of encoding 5, which is not read; plain and dictionary are" ts-import "$g/delta.parquet" &&
	fails 1 "found no array of features .*; .label. is .* encoding 5" ts-import --kind features "$g/delta.parquet"'
ok 'a column that nobody wants is left out with the reason, and refused if it is asked for' '
	ts-import "$g/arrays-delta.parquet" -o f.ts 2>err && numbers features f.ts | cmp - values && grep -q "left out: .time. <i8 (7,), because it has pages of encoding 5" err && test $(wc -l <err) = 1 &&
	fails 1 "time. is <i8 (7,), because it has pages of encoding 5, .* not a column of features" ts-import --columns time "$g/arrays-delta.parquet"'
size=$(wc -c <"$g/arrays.parquet")
ok 'cut off anywhere, or changed: one line, or the right rows' '
	for at in 4 11 12 100 $((size / 2)) $((size - 1)); do head -c $at "$g/arrays.parquet" >cut; ts-import cut >out 2>err; test $? = 1 && test $(wc -l <err) = 1 || { echo "# $at"; return 1; }; done'
python=${UNMASK_ONNX_PYTHON:-/usr/bin/python3}
if "$python" -c 'import pyarrow' 2>/dev/null; then
	ok 'what this pyarrow writes' 'mkdir new && "$python" "$SRC/t/golden/parquet/arrays.py" new && for f in arrays arrays-fixed arrays-groups arrays-v2 arrays-half arrays-wide; do ts-import -q new/$f.parquet -o f.ts && numbers features f.ts | cmp - values || return 1; done'
else
	ok 'what this pyarrow writes # SKIP no pyarrow in UNMASK_ONNX_PYTHON' true
fi
done_testing
