#!/bin/sh
# TensorBoard's event files, read back record by record.
. "$SRC/t/lib.sh"
command -v /usr/bin/python3 >/dev/null || skip_all 'no python3'
events() { /usr/bin/python3 "$SRC/t/helper/events.py" "$@"; }
mkdir logs && "$BUILD/t/tb_events.t" logs
ok 'two files, in the order of their making' '
	ls logs | tr "\n" " " | grep -qx "events.out.tfevents.0000000000.unmask events.out.tfevents.0000000001.unmask "'
events logs/events.out.tfevents.0000000000.unmask >first
events logs/events.out.tfevents.0000000001.unmask >second
ok 'numbers come back' 'sed -n 1,2p first | tr "\n" ";" | grep -qx "a/b 1 0.25;a/b 300 -1.00000002e+30;"'
ok 'a histogram: what is not finite is left out' 'grep -qx "h 7 histogram num=4 sum=10 min=1 max=4" first'
ok 'of equal values, of none' 'grep -qx "same 8 histogram num=2 sum=4 min=2 max=2" first && grep -qx "none 9 histogram num=0 sum=0 min=0 max=0" first'
ok 'a resumed run takes back later steps' 'head -n 1 second | grep -qx "session 1 from 300" && sed -n 2p second | grep -qx "a/b 300 5"'
ok 'a full disk is an error' '
	mkdir full && { (trap "" XFSZ; ulimit -f 0; "$BUILD/t/tb_events.t" full); test $? = 1; }'
ok 'the reader of this test finds a flipped bit' '
	/usr/bin/python3 -c "
b = bytearray(open(\"logs/events.out.tfevents.0000000001.unmask\", \"rb\").read()); b[60] ^= 1; open(\"bad\", \"wb\").write(b)" &&
	! events bad >out 2>err'
done_testing
