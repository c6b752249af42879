#!/bin/sh
# What an output does to an existing file, and headers that demand too much.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
ts-gen features logits:f4:3,features:f4:2,label:i8 20 1 >s
mode() { stat -c %a "$1"; }
ok 'a new file has the mode that umask leaves' '(umask 027; ts-cat s -o new) && test "$(mode new)" = 640'
ok 'one that is there keeps its own' 'echo old >kept && chmod 604 kept && ts-cat s -o kept && test "$(mode kept)" = 604 && ts-cat --no-history s | ts-dump --tsv | cmp - "$(ts-dump --tsv kept >k.tsv; echo k.tsv)"'
mkdir elsewhere
ok 'a symbolic link stays one, and what it leads to is replaced' '
	echo old >elsewhere/data && chmod 600 elsewhere/data && ln -s elsewhere/data link && ts-cat s -o link && test -L link &&
	cmp link elsewhere/data && test "$(mode elsewhere/data)" = 600 && ts-dump link >out && test "$(ls elsewhere)" = data'
ok 'one that leads nowhere becomes the file' 'ln -s nowhere/at/all dead && ts-cat s -o dead && ! test -L dead && ts-dump dead >out'
ok 'a failure leaves the link and what it leads to' '
	cp elsewhere/data before && head -c 300 s >cut && fails 1 cut ts-cat cut -o link && test -L link && cmp before elsewhere/data && test "$(ls elsewhere)" = data'

# What no rename can replace is refused before the work, which would be lost: the command is not even run to its end.
refused() { grep -q "cannot replace .*$1" err && test "$(cat err | wc -l)" = 1; }
if unshare -m true 2>/dev/null; then
	ok 'a file that is mounted by itself, as containers do' '
		echo old >real && echo old >mounted && { unshare -m sh -c "mount --bind real mounted && yes none.png | timeout -s KILL 20 ds-pack --stream --size 8 -o mounted" >out 2>err; test $? = 1; } &&
		refused "mounted., which is mounted by itself; write into a folder" && test "$(cat real mounted)" = "old
old"'
else
	ok 'a file that is mounted by itself # SKIP may not mount' true
fi
chmod 755 .
if setpriv --reuid 65534 --clear-groups ts-cat --version >out 2>&1; then
	mkdir sticky && chmod 1777 sticky && echo old >sticky/theirs && chmod 666 sticky/theirs
	as_other() { setpriv --reuid 65534 --clear-groups "$@" 2>err >out; }
	ok 'a file of another user in a folder like /tmp' '
		{ yes none.png | as_other timeout -s KILL 20 ds-pack --stream --size 8 -o sticky/theirs; test $? = 1; } && refused "theirs., which is another user" && test "$(ls sticky) $(cat sticky/theirs)" = "theirs old" &&
		ts-cat s | as_other ts-cat -o sticky/own && ts-cat s | as_other ts-cat -o sticky/own && ts-cat s -o sticky/own'
else
	ok 'a file of another user in a folder like /tmp # SKIP no other user' true
fi

# A history of 1,024 steps, by 10 doublings of streams that share no step.
/usr/bin/python3 -c 'import msgpack' 2>/dev/null || { ok 'headers that ask for too much # SKIP no python3-msgpack' true; done_testing; }
/usr/bin/python3 - <<'END'
import msgpack
recs = list(msgpack.Unpacker(open("s", "rb"), raw=False, strict_map_key=False))
recs[-1]["xxh3"] = None
def write(name, n):
    recs[0]["history"] = [{"id": "%016x" % (i + 1), "tool": "t", "version": "1", "args": [], "prev": []} for i in range(n)]
    with open(name, "wb") as f:
        f.write(b"".join(msgpack.packb(r) for r in recs))
write("full", 1024)
write("almost", 1023)
with open("endless", "wb") as f:
    f.write(msgpack.packb({"unmask": 1, "kind": "checkpoint", "fields": {"w": {"type": "<f4", "shape": [1 << 60, 0]}}, "meta": {}, "history": []}))
    f.write(msgpack.packb({"w": {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [1 << 60, 0], b"data": b""}}))
    f.write(msgpack.packb({"end": True, "rows": 1, "xxh3": None}))
END
ok 'a history has room for 1,024 steps' 'ts-cat almost -o out && test $(ts-dump --history out | wc -l) -ge 1024'
ok 'one more is refused by its name, not as memory, and can be left out' '
	fails 1 "history would have more than 1024 steps.*--no-history" ts-cat full -o z && ! test -e z && ts-cat --no-history full -o z'
ok 'a tensor of 2^60 rows without elements fills no disk' '
	( ulimit -f 1000; timeout 20 ts-cat endless -o z 2>err; test $? = 1 ) && grep -q "ts-cat: .endless" err'
done_testing
