#!/bin/sh
# TensorBoard's event files, read back record by record.
. "$SRC/t/lib.sh"
command -v /usr/bin/python3 >/dev/null || skip_all 'no python3'
events() { /usr/bin/python3 "$SRC/t/helper/events.py" "$@"; }
gen=$BUILD/t/helper/tb-gen
file() { echo "$1/events.out.tfevents.000000000$2.unmask"; }
is() { grep -qx -- "$1" "$2" || { sed 's/^/# /' "$2"; false; }; }

mkdir logs && before=$(date +%s) && "$gen" logs && "$gen" logs 300 2
ok 'two files, in the order of their making' '
	test "$(ls logs/*)" = "$(printf "%s\n%s" "$(file logs 0)" "$(file logs 1)")"'
events "$(file logs 0)" >first
events "$(file logs 1)" >second
ok 'every value, and nothing else' 'test "$(wc -l <first)" = 10 && test "$(wc -l <second)" = 4'
ok 'numbers and steps come back' 'is "a/b 1 0.25" first && is "a/b 300 -1.00000002e+30" first'
ok 'also what is not finite, the largest and negative steps, and a tag beyond ASCII' '
	is "a/b 9223372036854775807 nan" first && is "ü -1 inf" first && is "ü 0 -inf" first'
ok 'a histogram leaves out what is not finite' '
	is "odd 7 histogram num=4 sum=10 squares=30 min=1 max=4 last=4 buckets=1x1,0x9,1x1,0x9,1x1,0x8,1x1" first'
ok 'one of equal values, of none, of none finite' '
	is "same 8 histogram num=2 sum=4 squares=8 min=2 max=2 last=2 buckets=2x1" first &&
	is "none 9 histogram num=0 sum=0 squares=0 min=0 max=0 last=0 buckets=0x1" first &&
	is "infinite 9 histogram num=0 sum=0 squares=0 min=0 max=0 last=0 buckets=0x1" first'
ok 'thirty buckets of equal width' 'is "even 10 histogram num=3000 .* min=-1 max=1 last=1 buckets=100x30" first'
ok 'the time is now' '
	/usr/bin/python3 -c "
import struct, sys, time
b = open(sys.argv[1], \"rb\").read()
assert b[12] == 9 and int(sys.argv[2]) <= struct.unpack_from(\"<d\", b, 13)[0] <= time.time() + 1
" "$(file logs 0)" "$before"'
# A reader takes the first start of all files for the beginning, so one alone takes nothing back.
ok 'a resumed run takes back later steps, by two starts' '
	test "$(cat second)" = "$(printf "session 1 from 300\nsession 1 from 300\nn 0 0\nn 1 0.25")"'

ok 'a new file comes last, also where earlier ones were deleted or have other makers' '
	rm "$(file logs 0)" && "$gen" logs && test -e "$(file logs 2)" && ! test -e "$(file logs 0)" &&
	>logs/events.out.tfevents.0000000041.host && "$gen" logs && test -e logs/events.out.tfevents.0000000042.unmask'
ok 'no file is overwritten, no number is used that does not sort' '
	mkdir end && >end/events.out.tfevents.9999999999.host && fails 1 "in .end.: " "$gen" end && test "$(ls end | wc -l)" = 1'
ok 'many records: all are there' '
	mkdir many && "$gen" many -1 5000 && events many/* >out && test "$(wc -l <out)" = 5000 && is "n 4999 1249.75" out'

ok 'a folder that is not there is named' 'fails 1 "in .no/such.: No such file" "$gen" no/such'
ok 'so is one that is a file' 'fails 1 "in .first.: Not a directory" "$gen" first'
limited() { (trap "" XFSZ; ulimit -f "$1"; shift; "$@"); }
ok 'a full disk is an error that names the file' '
	mkdir full && fails 1 "^cannot write .full/events.*unmask.: File too large" limited 1 "$gen" full -1 100'
ok 'also when it fills up on the way' '
	mkdir filling && fails 1 "^cannot write .filling/.*: File too large" limited 32 "$gen" filling -1 5000 &&
	test "$(wc -c <"$(file filling 0)")" -gt 16000'
ok 'and nothing before that is lost' '
	! events filling/* >out 2>err && test "$(wc -l <out)" -gt 300 && test "$(sed -n 300p out)" = "n 299 74.75"'
ok 'the reader of this test finds a flipped bit' '
	/usr/bin/python3 -c "
b = bytearray(open(\"$(file logs 1)\", \"rb\").read()); b[60] ^= 1; open(\"bad\", \"wb\").write(b)" &&
	! events bad >out 2>err && grep -q checksum err'
done_testing
