#!/bin/sh
# Streams that are wrong in one way each, written out by hand: each is refused with its own message.
. "$SRC/t/lib.sh"
h() { printf '\205\246unmask\001\244kind\246scores\246fields%b\244meta\200\247history\220' "$1"; }
f4='\202\244type\243<f4\245shape\220'
# tensor TYPE ROWS DATA: one dimension, as msgpack_numpy writes it
tensor() { printf '\205\304\002nd\303\304\004type\243%s\304\004kind\304\000\304\005shape\221%b\304\004data\304%b' "$1" "$2" "$3"; }
one() { printf '\201\241a'; tensor '<f4' '\001' '\004\000\000\200\077'; }
end() { printf '\203\243end\303\244rows%b\244xxh3\300' "$1"; }
head1=$(h "\\201\\241a$f4" | od -An -v -to1 | tr -d '\n' | sed 's/ /\\/g')
good() { printf "$head1"; }
refused() { ts-dump bad.ts >out 2>err; rc=$?; [ $rc = 1 ] && grep -q "^ts-dump: 'bad.ts': .*$1" err || { echo "# $rc $(cat err)"; false; }; }

{ good; one; end '\001'; } >bad.ts
ok 'the good one is taken, without a checksum too' 'test "$(ts-dump bad.ts)" = "{\"a\": 1}"'
{ good; one; end '\002'; } >bad.ts
ok 'a wrong count' 'refused "byte 111: END says 2 rows, the stream held 1"'
{ good; one; printf '\203\243end\303\244rows\001\244xxh3\304\01012345678'; } >bad.ts
ok 'a wrong checksum' 'refused "checksum does not match"'
{ good; one; } >bad.ts
ok 'no END' 'refused "without an END"'
{ good; one; end '\001'; printf x; } >bad.ts
ok 'a byte after END' 'refused "after the END"'
good | sed 's/unmask\x01/unmask\x02/' >bad.ts
ok 'a newer version' 'refused "newer version"'
good | sed 's/scores/snores/' >bad.ts
ok 'an unknown kind' 'refused "unknown kind"'
good | sed 's/<f4/>f4/' >bad.ts
ok 'a type that is none' 'refused "bad fields"'
{ h "\\201\\243end$f4"; end '\000'; } >bad.ts
ok 'a reserved name' 'refused "bad fields"'
{ h "\\202\\241a$f4\\241a$f4"; end '\000'; } >bad.ts
ok 'a field twice' 'refused "bad fields"'
{ h "\\202\\241a$f4\\241b$f4"; one; end '\001'; } >bad.ts
ok 'a column that is missing' 'refused "1 columns, the header 2"'
{ h "\\202\\241a$f4\\241b$f4"; printf '\202\241a'; tensor '<f4' '\001' '\004\000\000\200\077'; printf '\241a'; tensor '<f4' '\001' '\004\000\000\200\077'; end '\001'; } >bad.ts
ok 'a column twice' 'refused "lacks, or one twice"'
{ h "\\202\\241a$f4\\241b$f4"; printf '\202\241a'; tensor '<f4' '\001' '\004\000\000\200\077'; printf '\241b'; tensor '<f4' '\002' '\010\000\000\200\077\000\000\200\077'; end '\001'; } >bad.ts
ok 'columns of different lengths' 'refused "2 rows where others have 1"'
{ good; printf '\201\241a'; tensor '<i4' '\001' '\004\000\000\200\077'; end '\001'; } >bad.ts
ok 'another type than the header says' 'refused "does not have the type"'
{ good; printf '\201\241a'; tensor '>f4' '\001' '\004\000\000\200\077'; end '\001'; } >bad.ts
ok 'big-endian data' 'refused "element type that is not one of"'
{ good; printf '\201\241a'; tensor '<f4' '\002' '\004\000\000\200\077'; end '\001'; } >bad.ts
ok 'a shape that does not match its bytes' 'refused "does not match its bytes"'
{ good; printf '\201\241a'; tensor '<f4' '\000' '\000'; end '\000'; } >bad.ts
ok 'no rows' 'refused "0 rows"'
{ good; printf '\201\241a\221\241x'; end '\001'; } >bad.ts
ok 'strings where a tensor is due' 'refused "is not a tensor"'
{ h '\201\241a\202\244type\243str\245shape\220'; one; end '\001'; } >bad.ts
ok 'a tensor where strings are due' 'refused "not a list of strings"'
{ good; printf '\221\001'; } >bad.ts
ok 'a record that is no map' 'refused "not a MessagePack map"'
{ good; printf '\301'; } >bad.ts
ok 'what is not MessagePack' 'refused "not MessagePack"'
{ good | sed 's/scores/fit\x00\x00\x00/' | tr -d '\000' | sed 's/kind\xa6/kind\xa3/'; end '\000'; } >bad.ts
ok 'a fit without its tensor' 'refused "tensor .a. is missing"'
done_testing
