#!/bin/sh
# Bad streams, each written out here and each refused with its own message, file and byte. A stream is put
# together from pieces, in MessagePack: \20n map of n, \22n array of n, \24n and \25n string, \304 bytes.
. "$SRC/t/lib.sh"
gen=$BUILD/t/helper/ts-gen

str() { printf "\\$(printf '%03o' $((160 + ${#1})))%s" "$1"; }                 # at most 31 bytes
head_() { printf '\203\246unmask\001\244kind'; str "$1"; printf "\246fields\\20$2"; }  # KIND N, then N fields
field() { str "$1"; printf '\202\244type'; str "$2"; printf "\245shape${3:-\220}"; }   # NAME TYPE [SHAPE]
# TYPE SHAPE LENGTH DATA, all but the type in printf's escapes
tensor() { printf '\205\304\002nd\303\304\004type'; str "$1"; printf '\304\004kind\304\000\304\005shape'; printf "$2\304\004data\304$3$4"; }
column() { str "$1"; shift; tensor "$@"; }
end() { printf '\203\243end\303\244rows'; printf "$1"; printf '\244xxh3\300'; }
map() { printf "\\20$1"; }
# What is claimed of bad.ts, and the message.
bad() { message=$2; ok "$1" 'refused "$message"'; }
refused() {
	fails 1 "bad.ts.: $1" ts-dump --header bad.ts || return 1
	ts-dump <bad.ts >out 2>err; test $? = 1 && grep -q "<stdin>.: $1" err && test "$(wc -l <err)" = 1
}
# One column x of two numbers, |u1, 5 and 6; and a string column s.
x='column x |u1 \221\002 \002 \005\006'
s() { str s; printf '\222'; str a; str b; }
both() { head_ scores 2; field x '|u1'; field s str; }
one() { head_ scores 1; field x '|u1'; }

{ both; map 2; $x; s; end '\002'; } >good.ts
ok 'the pieces make a good stream' 'test "$(ts-dump -t good.ts | tail -n 1)" = "$(printf "6\tb")"'
{ head_ fit 1; field w '|u1' '\221\002'; map 1; column w '|u1' '\221\002' '\002' ab; end '\001'; } >fit.ts
ok 'and of tensors' 'test "$(ts-dump -t fit.ts | tail -n 1 | cut -f 3-5)" = "$(printf "2\t195\t97")"'

# Ends
{ one; map 1; $x; end '\003'; } >bad.ts; bad 'END counts too many' 'byte [0-9]*: END says 3 rows, the stream held 2'
{ one; map 1; $x; end '\001'; } >bad.ts; bad 'END counts too few' 'byte [0-9]*: END says 1 rows, the stream held 2'
{ one; end '\002'; } >bad.ts; bad 'END counts what never came' 'byte [0-9]*: END says 2 rows, the stream held 0'
{ one; map 1; $x; } >bad.ts; bad 'no END' 'byte [0-9]*: stream stops without an END record'
{ one; map 1; $x; printf '\202\243end\303\244rows\002'; } >bad.ts; bad 'END without a checksum' 'byte [0-9]*: END record without rows or checksum'
{ one; printf '\202\243end\303\244xxh3\300'; } >bad.ts; bad 'END without a count' 'byte [0-9]*: END record without rows or checksum'
{ one; map 1; $x; printf '\203\243end\303\244rows\377\244xxh3\300'; } >bad.ts; bad 'END with a count of -1' 'byte [0-9]*: END record without rows'
{ one; map 1; $x; printf '\203\243end\303\244rows\002\244xxh3\304\010abcdefgh'; } >bad.ts; bad 'a wrong checksum' 'byte [0-9]*: checksum does not match'
{ one; map 1; $x; printf '\203\243end\303\244rows\002\244xxh3\304\004abcd'; } >bad.ts; bad 'a checksum of four bytes' 'byte [0-9]*: checksum does not match'
{ one; map 1; $x; end '\002'; end '\002'; } >bad.ts; bad 'two ENDs' 'byte [0-9]*: data after the END'
cat good.ts good.ts >bad.ts; bad 'two streams in a row' 'byte [0-9]*: data after the END'
"$gen" scores x:f4 9 1 >g; size=$(wc -c <g); { head -c $((size - 40)) g; printf X; tail -c 39 g; } >bad.ts; bad 'one byte of data changed' 'byte [0-9]*: checksum does not match'

# Headers
printf '\203\246unmask\002\244kind\246scores\246fields\200' >bad.ts; bad 'version 2' 'byte 0: stream of a newer version'
printf '\203\246unmask\2411\244kind\246scores\246fields\200' >bad.ts; bad 'a version that is no number' 'byte 0: not an unmask stream'
printf '\201\241a\001' >bad.ts; bad 'another MessagePack map' 'byte 0: not an unmask stream'
printf '\223\001\002\003' >bad.ts; bad 'no map at all' 'byte 0: not an unmask stream'
printf 'PK\003\004' >bad.ts; bad 'a zip file' 'byte 0: not an unmask stream'
{ head_ letters 0; end '\000'; } >bad.ts; bad 'an unknown kind' 'byte 0: header of an unknown kind'
printf '\202\246unmask\001\244kind\246scores' >bad.ts; bad 'no fields' 'byte 0: header without a map of fields'
for f in end unmask; do { head_ scores 1; field $f '|u1'; end '\000'; } >bad.ts; bad "a field called '$f'" "byte 0: no field may be called '$f'"; done
{ head_ scores 1; field '' '|u1'; end '\000'; } >bad.ts; bad 'a field without a name' "byte 0: a field's name has from 1 to 255 bytes"
{ head_ scores 2; field x '|u1'; field x '<f4'; end '\000'; } >bad.ts; bad 'a field twice' "byte 0: field 'x' appears twice"
for t in '>f4' '<f16' '<u4' f4 ''; do { head_ scores 1; field x "$t"; end '\000'; } >bad.ts; bad "a field of type '$t'" "byte 0: field 'x' is of type '$t'; the types are |u1 "; done
for t in '\200' '\201\244type\005' '\005'; do printf "\203\246unmask\001\244kind\246scores\246fields\201\241x$t" >bad.ts; bad 'a field without a type' "byte 0: field 'x': its type is not a string of at most 255"; done
{ head_ scores 1; field x '|u1' '\221\377'; end '\000'; } >bad.ts; bad 'a shape of -1' "byte 0: field 'x': its shape is not a list of at most 7 sizes"
{ head_ scores 1; field x '|u1' '\230\001\001\001\001\001\001\001\001'; end '\000'; } >bad.ts; bad 'a row of eight dimensions' "byte 0: field 'x' has 8 dimensions, more than 7"
{ head_ scores 1; field x '|u1' '\222\316\377\377\377\377\316\377\377\377\377'; end '\000'; } >bad.ts; bad 'a row of 16 EiB' "byte 0: field 'x' has more than [0-9]* bytes a row"
{ head_ scores 1; field x str '\221\002'; end '\000'; } >bad.ts; bad 'strings with a shape' "byte 0: field 'x' is strings, which have no shape"
{ head_ fit 1; field x str; end '\000'; } >bad.ts; bad 'strings among tensors' "byte 0: field 'x' is strings, which are no tensor"
for t in label:'<i4' pred:'<f8' true-label:'|u1' name:'<i8'; do want=${t%%:*}; [ $want = name ] && want=str || want='<i8'
	{ head_ scores 1; field "${t%%:*}" "${t#*:}"; end '\000'; } >bad.ts; bad "$t" "byte 0: field '${t%%:*}' has one ${t#*:} per row, and must have one $want"; done
{ head_ images 1; field label '<i8' '\221\002'; end '\000'; } >bad.ts; bad 'two labels per row' "byte 0: field 'label' has an array of <i8 per row, and must have one <i8"
ok 'they may be tensors of another type' '{ head_ fit 1; field label "|u1" "\221\002"; map 1; column label "|u1" "\221\002" "\002" ab; end "\001"; } >fit2.ts; ts-dump fit2.ts >out'
ok 'nor are they written' '! echo 1 2 | "$gen" scores e:f4,label:f4 >out 2>err && ! test -s out && grep -q "field .label. has one <f4 per row, and must have one <i8" err'
printf '\204\246unmask\001\244kind\246scores\246fields\200\244meta\221\001' >bad.ts; bad 'meta that is a list' 'byte 0: header whose meta is not a map'
printf '\204\246unmask\001\244kind\246scores\246fields\200\244meta\201\001\002' >bad.ts; bad 'a meta key that is a number' 'byte 0: a name in the meta is not a string of at most 255 bytes'
printf '\204\246unmask\001\244kind\246scores\246fields\200\247history\200' >bad.ts; bad 'history that is a map' 'byte 0: header whose history is not a list'
printf '\204\246unmask\001\244kind\246scores\246fields\200\247history\221\201\242id\241a' >bad.ts; bad 'a step without a tool' 'byte 0: a tool in the history is not a string of at most 255 bytes'
printf '\204\246unmask\001\244kind\246scores\246fields\200\247history\221\204\242id\241a\244tool\241t\247version\2411\244args\221\001' >bad.ts
bad 'an argument that is a number' 'byte 0: an argument in the history is not a string of at most'
printf '\204\246unmask\001\244kind\246scores\246fields\200\247history\221\204\242id\241a\244tool\241t\247version\2411\244args\001' >bad.ts
bad 'arguments that are no list' 'byte 0: an argument in the history is not in a list'
printf '\204\246unmask\001\244kind\246scores\246fields\200\247history\221\001' >bad.ts; bad 'a step that is a number' 'byte 0: a step in the history is not a map'
{ printf '\204\246unmask\001\244kind\246scores\246fields\200\247history\335\000\000\004\001'; head -c 1025 /dev/zero | tr '\0' '\200'; } >bad.ts; bad 'too many steps' 'byte 0: header with 1025 steps of history, more than 1024'
# ---- a pipe whose first program fails ----
piped() { "$@" 2>err1 | { ts-cat 2>err2; echo $? >rc2; } | { ts-cat - 2>err3; echo $? >rc3; } | { ts-dump >out 2>err4; echo $? >rc4; }; test "$(cat rc2 rc3 rc4 | tr -d "\n")" = 111; }
head -c $(($(wc -c <good.ts) - 9)) good.ts >cut.ts
for what in cut.ts:cut /nowhere:cannot; do
	ok "one line, of the program that failed: ${what#*:}" 'piped ts-cat ${what%:*} && test "$(cat err1 err2 err3 err4 | wc -l)" = 1 && grep -q "^ts-cat: .*${what#*:}" err1'
done
ok 'with --verbose the others name it' 'ts-cat cut.ts 2>err | ts-dump --verbose >out 2>err2; grep -q "^ts-dump: .<stdin>.: ts-cat failed, and said why$" err2'
ok 'a killed one says nothing, so the next does' '{ head -c 60 good.ts; } | ts-cat 2>err1 | ts-dump >out 2>err2; grep -q "cut off" err1 && ! test -s err2'
ok 'a file that was begun and not finished has no such record' '! ts-cat cut.ts >part.ts 2>err; ts-dump part.ts >out 2>err; test $? = 1 && grep -q "END record" err'
ts-cat cut.ts 2>err | cat >later.ts
ok 'a later reader of a copy reports it' 'fails 1 "later.ts.: ts-cat failed, and said why" setsid -w ts-dump --header later.ts'
ok 'what failed is no column of that name' 'echo 1.5 2 | "$gen" scores failed:f4,group:i8 | ts-cat | ts-dump | grep -q "\"failed\": 1.5"'
printf '\202\246failed\240\245group\001' >bad.ts; bad 'a failure without a name' 'byte 0: not an unmask'

printf '' >bad.ts; bad 'nothing' 'byte 0: empty input'

# Batches
{ both; map 1; $x; end '\002'; } >bad.ts; bad 'a column is missing' 'byte [0-9]*: record has 1 columns, the header 2'
{ both; map 2; $x; $x; end '\002'; } >bad.ts; bad 'a column twice' 'byte [0-9]*: record has a column that the header lacks, or one twice'
{ both; map 2; $x; str y; printf '\220'; end '\002'; } >bad.ts; bad 'an unknown column' 'byte [0-9]*: record has a column that the header lacks'
{ one; map 1; column x '|i1' '\221\002' '\002' '\005\006'; end '\002'; } >bad.ts; bad 'another type' "byte [0-9]*: column 'x' does not have the type and shape"
{ one; map 1; column x '|u1' '\222\002\001' '\002' '\005\006'; end '\002'; } >bad.ts; bad 'another shape' "byte [0-9]*: column 'x' does not have the type and shape"
{ one; map 1; column x '|u1' '\220' '\001' '\005'; end '\001'; } >bad.ts; bad 'no dimension at all' "byte [0-9]*: column 'x' does not have the type and shape"
{ one; map 1; column x '>u2' '\221\001' '\002' '\005\006'; end '\001'; } >bad.ts; bad 'a big-endian type' "byte [0-9]*: column 'x' has an element type that is not one of"
{ one; map 1; column x 'str' '\221\001' '\002' '\005\006'; end '\001'; } >bad.ts; bad 'a tensor of strings' "byte [0-9]*: column 'x' has an element type"
{ one; map 1; column x '|u1' '\221\003' '\002' '\005\006'; end '\003'; } >bad.ts; bad 'fewer bytes than the shape' "byte [0-9]*: column 'x' has a shape that does not match its bytes"
{ one; map 1; column x '|u1' '\221\001' '\002' '\005\006'; end '\001'; } >bad.ts; bad 'more bytes than the shape' "byte [0-9]*: column 'x' has a shape that does not match its bytes"
{ one; map 1; column x '|u1' '\221\377' '\002' '\005\006'; end '\001'; } >bad.ts; bad 'a negative size' "byte [0-9]*: column 'x' has a shape that is not a list of sizes"
{ both; map 2; $x; str s; printf '\221\241a'; end '\002'; } >bad.ts; bad 'rows differ between columns' "byte [0-9]*: column 's' has 1 rows where others have 2"
{ both; map 2; s; column x '|u1' '\221\003' '\003' abc; end '\002'; } >bad.ts; bad 'the other way round' "byte [0-9]*: column 'x' has 3 rows where others have 2"
{ one; map 1; column x '|u1' '\221\000' '\000' ''; end '\000'; } >bad.ts; bad 'no rows' 'byte [0-9]*: record without rows'
{ one; map 1; str x; printf '\222\241a\241b'; end '\002'; } >bad.ts; bad 'strings where a tensor is due' "byte [0-9]*: column 'x' is not a tensor"
{ both; map 2; $x; column s '|u1' '\221\002' '\002' ab; end '\002'; } >bad.ts; bad 'a tensor where strings are due' "byte [0-9]*: column 's' is not a list of strings"
{ both; map 2; $x; str s; printf '\222\241a\007'; end '\002'; } >bad.ts; bad 'a number among strings' "byte [0-9]*: column 's' holds something other than strings"
{ both; map 2; $x; str s; printf '\222\241a\242b\000'; end '\002'; } >bad.ts; bad 'a NUL in a string' "byte [0-9]*: column 's' holds something other than strings"
{ one; printf '\221\001'; end '\000'; } >bad.ts; bad 'a record that is no map' 'byte [0-9]*: record is not a MessagePack map'
{ one; map 0; end '\000'; } >bad.ts; bad 'an empty record' 'byte [0-9]*: record has 0 columns, the header 1'
{ one; printf '\301'; } >bad.ts; bad 'a byte that is not MessagePack' 'byte [0-9]*: not MessagePack data'

# Tensors
two() { head_ fit 2; field v '|u1' '\221\002'; field w '<i4'; }
v='column v |u1 \221\002 \002 ab' w='column w <i4 \220 \004 abcd'
{ two; map 1; $v; end '\001'; } >bad.ts; bad 'a tensor is missing' "byte [0-9]*: tensor 'w' is missing or cut off"
{ two; map 1; $w; map 1; $v; end '\002'; } >bad.ts; bad 'tensors in another order' 'byte [0-9]*: record is not the tensor that the header announces next: v'
{ two; map 2; $v; $w; end '\001'; } >bad.ts; bad 'two tensors in a record' 'byte [0-9]*: record is not the tensor that the header announces next: v'
{ two; map 1; $v; map 1; $w; map 1; $w; end '\003'; } >bad.ts; bad 'a tensor too many' 'byte [0-9]*: record is not the tensor'
{ two; map 1; column v '|u1' '\221\001' '\001' a; end '\001'; } >bad.ts; bad 'half a tensor' "byte [0-9]*: tensor 'v' is missing or cut off"
{ two; map 1; column v '|u1' '\221\001' '\001' a; map 1; $v; end '\002'; } >bad.ts; bad 'a tensor and a half' "byte [0-9]*: tensor 'v' does not have the type and shape"
{ two; map 1; column v '|i1' '\221\002' '\002' ab; end '\001'; } >bad.ts; bad 'a tensor of another type' "byte [0-9]*: tensor 'v' does not have the type and shape"
{ two; map 1; column v '|u1' '\221\000' '\000' ''; end '\001'; } >bad.ts; bad 'a slice of nothing' "byte [0-9]*: tensor 'v' in a slice without rows"
{ two; map 1; $v; map 1; column w '<i4' '\221\001' '\004' abcd; end '\002'; } >bad.ts; bad 'a list where one number is due' "byte [0-9]*: tensor 'w' does not have the type and shape"
{ two; map 1; str v; printf '\241a'; end '\001'; } >bad.ts; bad 'a string where a tensor is due' "byte [0-9]*: tensor 'v' is not a tensor"

# Large ones, which go straight to their place; 70000 bytes are announced
large() { str w; printf '\205\304\002nd\303\304\004type\243|u1\304\004kind\304\000\304\005shape\221\316\000\001\021\160\304\004data\306\000\001\021\160'; head -c $1 /dev/zero; }
wide() { head_ fit 1; field w '|u1' '\221\316\000\001\021'$1; }
{ wide '\160'; map 1; large 70000; end '\001'; } >large.ts
ok 'the pieces make a large tensor' 'test "$(ts-dump -t large.ts | tail -n 1 | cut -f 3-4)" = "$(printf "70000\t0")"'
{ wide '\160'; map 1; large 60000; } >bad.ts; bad 'a large tensor is cut off' 'byte 60[0-9]*: stream is cut off inside a record'
{ wide '\160'; map 1; large 60000; end '\001'; } >bad.ts; bad 'or is followed by END too early' 'byte 60[0-9]*: stream is cut off inside a record'
{ wide '\160'; map 1; large 70000; printf x; end '\001'; } >bad.ts; bad 'a byte too many' 'byte 70[0-9]*: record is not a MessagePack map'
{ wide '\161'; map 1; large 70000; end '\001'; } >bad.ts; bad 'a byte too few' "byte 70[0-9]*: tensor 'w' is missing or cut off"
{ wide '\157'; map 1; large 70000; end '\001'; } >bad.ts; bad 'more than announced' "byte [0-9]*: tensor 'w' does not have the type and shape"
{ head_ fit 1; field w '|u1' '\221\317\000\000\000\017\377\377\377\377'; map 1; large 70000; end '\001'; } >bad.ts
ok "64 GiB announced, 70000 bytes there: no memory is taken for the others" '
	( [ -n "$SANITIZE" ] || ulimit -v 1000000; fails 1 "tensor .w. is missing or cut off" ts-dump bad.ts )'
{ head_ fit 1; field w '|u1' '\221\317\020\000\000\000\000\000\000\000'; end '\000'; } >bad.ts; bad '2^60 bytes announced' "byte 0: field 'w' has more than 68719476736 bytes"
done_testing
