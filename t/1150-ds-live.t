#!/bin/sh
# ds-pack from standard input: a source, names as they come, raw frames; each row at once, an orderly end.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/ds
cp -r "$g/photos" photos
rows() { ts-cat --select image | ts-dump; }
names() { ts-dump --tsv | sed 1d | cut -f2 | tr '\n' ' '; }
is() { want=$1; shift; got=$("$@"); test "$got" = "$want" || { echo "# '$got', not '$want'"; return 1; }; }

# ---- a source ----
tar cf photos.tar --sort=name photos
ds-pack --no-history photos.tar | ts-dump >want
for kind in '' z J; do
	tar c${kind}f p.archive --sort=name photos
	ok "an archive on standard input, tar$kind: through a pipe, and as a file" '
		cat p.archive | ds-pack - --no-history | ts-dump | cmp - want && ds-pack - --no-history <p.archive | ts-dump | cmp - want'
done
ok 'a picture by itself' 'cat photos/cat/1.jpg | ds-pack - >a.ts && is "<stdin> " names <a.ts && rows <a.ts >a && ds-pack photos/cat/1.jpg | rows | cmp - a'
ok 'an array of pictures' '! /usr/bin/python3 -c "import numpy" 2>/dev/null || { /usr/bin/python3 -c "import numpy as n; n.save(\"a.npy\", n.arange(96, dtype=\"u1\").reshape(2, 4, 4, 3))" && cat a.npy | ds-pack - | rows >a && ds-pack a.npy | rows | cmp - a; }'
ok 'with another source' 'cat photos.tar | ds-pack -q - photos/cat/0.png 2>/dev/null | names >a; grep -q "<stdin>/photos/dog/1.jpg .*0/0.png" a'
ok 'no copy is left, and TMPDIR says where it lies' 'mkdir tmp && cat photos.tar | TMPDIR=$PWD/tmp ds-pack - >x && test -z "$(ls tmp)" && cat photos.tar | { TMPDIR=$PWD/none ds-pack - >x 2>err; test $? = 1; } && grep -q "no room for a copy in .*none.*TMPDIR" err'
head -c 3000 photos.tar >cut.tar
ok 'what is cut off, empty, no picture, or twice' '
	cat cut.tar | { ds-pack - >x 2>err; test $? = 1; } && grep -q "<stdin>" err && : | { ds-pack - >x 2>err; test $? = 1; } && grep -q "<stdin>" err &&
	echo text | { ds-pack - >x 2>err; test $? = 1; } && grep -q "<stdin>. is neither" err && ! ds-pack - - <photos.tar >x 2>err && grep -q "one and the same" err'

# ---- names ----
all() { find photos -type f | sort; }
ds-pack photos --size 16 | rows >want
ok '--stream: a row for each name, the same pixels' 'all | ds-pack --stream --size 16 >s.ts 2>err && ! test -s err && rows <s.ts | cmp - want && is "$(all | tr "\n" " ")" names <s.ts && ts-dump --header s.ts | grep -q "\"prepare\": \"size=16 "'
ok '--stream: what is no picture is left out and said' '
	{ echo photos/cat/0.png; echo; echo none.png; echo photos; echo "$SRC/README.md"; echo photos/dog/1.jpg; } | ds-pack --stream --size 16 >s.ts 2>err && is "photos/cat/0.png photos/dog/1.jpg " names <s.ts &&
	grep -q "none.png.: cannot be opened" err && grep -q "photos.: is a folder" err && grep -q "README.md.: not a PNG" err && grep -q "3 names that are not whole pictures were left out" err && test $(wc -l <err) = 4'
ok '--stream: a last name without its newline, and with CR' 'printf "photos/cat/0.png\r\nphotos/dog/1.jpg" | ds-pack --stream --size 16 >s.ts && is "photos/cat/0.png photos/dog/1.jpg " names <s.ts'
ok '--stream: a byte order mark before the first name' 'printf "\357\273\277photos/cat/0.png\nphotos/dog/1.jpg\n" | ds-pack --stream --size 16 >s.ts 2>err && ! test -s err && is "photos/cat/0.png photos/dog/1.jpg " names <s.ts'
ok '--stream: no names are no rows' ': | ds-pack --stream --size 16 | ts-dump | cmp - /dev/null'
ok '--stream: bytes are no names' '{ printf "a\0b\n" | ds-pack --stream --size 16 >x 2>err; test $? = 1; } && grep -q "zero byte" err && { head -c 70000 /dev/zero | tr "\0" x | ds-pack --stream --size 16 >x 2>err; test $? = 1; } && grep -q "line of more than" err'
ok 'misuse: no one size, a source, what chooses' '
	fails 2 "need one size" ds-pack --stream && fails 2 "need one size" ds-pack --stream --size 16 --resize short && fails 2 "no SOURCE belongs" ds-pack --stream --size 16 photos &&
	fails 2 "--sample is for a SOURCE" ds-pack --stream --size 16 --sample 3 && fails 2 "exclude each other" ds-pack --stream --size 16 --frames 3x4 && fails 2 "every needs --frames" ds-pack --every 2 photos &&
	fails 2 "frames takes N or HxW" ds-pack --frames 0x3'
ok '--stream --size --resize short --crop' 'all | ds-pack --stream --size 16 --resize short --crop 12 --gray >s.ts && ts-dump --header s.ts | grep -q "\"shape\": \[1, 12, 12\]" && ds-pack photos --size 16 --resize short --crop 12 --gray | rows >a && rows <s.ts | cmp - a'

# A row is there before the next name comes; SIGTERM ends the stream in order.
waits() { for i in $(seq 100); do eval "$1" && return 0; sleep 0.1; done; return 1; }
live() { # options: sets $pid; names go to fd 3
	rm -f fifo; mkfifo fifo; : >s.tsv; : >rc
	{ ds-pack "$@" <fifo 2>err & echo $! >pid; wait $!; echo $? >rc; } | ts-dump --tsv >s.tsv &
	exec 3>fifo
}
live --stream --size 16
ok '--stream: each row is written before the next name comes' 'echo photos/cat/0.png >&3 && waits "grep -q cat/0.png s.tsv" && echo photos/dog/1.jpg >&3 && waits "grep -q dog/1.jpg s.tsv" && ! test -s rc'
ok '--stream: SIGTERM while it waits ends the stream with its END' 'kill -TERM $(cat pid) && waits "test -s rc" && is 0 cat rc && wait && ! test -s err && test $(wc -l <s.tsv) = 3'
exec 3>&-
live --stream --size 16
ok '--stream: SIGTERM before all names are read: how many are left, from which on' '
	yes photos/cat/0.png | head -n 3000 >many; cat many >&3; waits "grep -q cat/0.png s.tsv" && kill -TERM $(cat pid) && waits "test -s rc" && is 0 cat rc && wait &&
	taken=$(($(wc -l <s.tsv) - 1)) && echo "# $taken read" && 
	left=$(sed -n "s/.*stopped by a signal: \([0-9]*\) names that had arrived were not read, from .photos.cat.0.png. on$/\1/p" err) && test $left -ge 1 && test $((taken + left)) -le 3000'
exec 3>&-
# Nothing reads: the pipe fills, and writing waits. timeout(1) and others send a signal twice at once.
rm -f fifo out; mkfifo fifo out; : >rc
{ ds-pack --stream --size 64 <fifo 2>err & echo $! >pid; wait $!; echo $? >rc; } >out &
exec 4<>out 3>fifo
yes photos/cat/0.png | head -n 12 >&3
ok '--stream: with a reader that does not read, one signal or two at once wait, one after a second does not' '
	timeout 20 head -c 1 <&4 >first && test -s first && waits "sleeps $(cat pid)" && kill -TERM $(cat pid) && sleep 0.1 && kill -TERM $(cat pid) && sleep 1.2 && ! test -s rc && kill -TERM $(cat pid) && waits "test -s rc" && is 143 cat rc'
exec 3>&- 4<&-
rm -f fifo; mkfifo fifo; : >rc
{ env --block-signal=TERM ds-pack --stream --size 16 <fifo 2>err & echo $! >pid; wait $!; echo $? >rc; } | ts-dump --tsv >s.tsv &
exec 3>fifo
ok '--stream: SIGTERM comes also where the parent blocks it' '! env --block-signal=TERM true 2>/dev/null || {
	echo photos/cat/0.png >&3 && waits "grep -q cat/0.png s.tsv" && kill -TERM $(cat pid) && waits "test -s rc" && is 0 cat rc && wait; }'
exec 3>&-
live --frames 2x2
ok '--frames: SIGTERM within a frame is no cut frame' 'printf 123456789012abcd >&3 && waits "grep -q 00000000 s.tsv" && kill -TERM $(cat pid) && waits "test -s rc" && is 0 cat rc && wait && ! test -s err'
exec 3>&-

# ---- frames ----
frames() { for c in a b c d e; do head -c 18 /dev/zero | tr '\0' $c; done; }
ok '--frames: rows of so many pixels, named by number' 'frames | ds-pack --frames 3x2 >f.ts && is "00000000 00000001 00000002 00000003 00000004 " names <f.ts && ts-dump --header f.ts | grep -q "\"shape\": \[3, 3, 2\]" && test $(rows <f.ts | grep -c "97, 97\|101, 101") = 2'
ok '--frames: red, green, blue' 'printf "rgbRGB" | ds-pack --frames 1x2 | rows | tr -d " \n" | grep -q "114,82.*103,71.*98,66"'
ok '--every' 'frames | ds-pack --frames 3x2 --every 2 >f.ts && is "00000000 00000002 00000004 " names <f.ts'
ok '--frames --size: as pictures are' 'frames | ds-pack --frames 3x2 --size 4 | ts-dump --header | grep -q "\"shape\": \[3, 4, 4\]"'
ok '--frames: one that is cut off is an error, and the stream has no end' '
	frames | head -c 40 | { ds-pack --frames 3x2 >f.ts 2>err; test $? = 1; } && grep -q "<stdin>.: frame 2 of 3x2 pixels of three bytes: ends after 4 of 18 bytes" err && ! ts-dump f.ts >/dev/null 2>&1'
ok '--frames: none' ': | ds-pack --frames 3x2 | ts-dump | cmp - /dev/null'
done_testing
