#!/bin/sh
# The command line and the config file, which all programs share. ts-cat and ds-synth stand for all.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
gen=$BUILD/t/helper/ts-gen
"$gen" scores x:f4,label:i8,name:str 20 1 >s
count() { "$@" 2>err | ts-dump 2>/dev/null | wc -l; }
misuse() {                             # pattern, command: exit 2, that text, and where help is
	pattern=$1; shift
	"$@" >out 2>err </dev/null; rc=$?
	[ $rc = 2 ] && [ ! -s out ] && grep -q -e "$pattern" err && tail -n 1 err | grep -q "^Try '[a-z-]* --help'" && [ "$(wc -l <err)" = 2 ] ||
		{ echo "# exit $rc: $(cat err)"; false; }
}
config() { printf '%b' "$1" >c.yaml; }

ok 'long with =, long with a word, short, short together' '
	test $(count ts-cat --head=3 s) = 3 && test $(count ts-cat --head 3 s) = 3 && test $(count ts-cat -n 3 s) = 3 &&
	test $(count ts-cat -qn3 s) = 3'
ok 'options may follow operands; -- ends them' 'test $(count ts-cat s -n 3) = 3 && cp s ./--head &&
	test $(count ts-cat -n 3 -- --head) = 3'
ok 'a unique beginning of a long option' 'test $(count ts-cat --hea 3 s) = 3'
ok 'the last of two wins' 'test $(count ts-cat -n 3 -n 4 s) = 4'
ok '--X and --no-X' '
	ts-cat --shuffle s --no-history >a && ts-cat --shuffle --no-shuffle s --no-history >b && ! cmp -s a b && ts-cat s --no-history | cmp - b'

ok 'an unknown option' 'misuse "bad option.*--nope" ts-cat --nope s && misuse "bad option.*-Z" ts-cat -Z s'
ok 'a missing value' 'misuse "head.*value is missing" ts-cat s --head && misuse "n.*value is missing" ts-cat s -n'
ok 'an empty name of a file, before anything is done' 'misuse "output: its value is empty" ts-cat s -o "" && ! misuse . ts-cat s -o s2 && misuse "config: its value" ts-cat --config= s'
ok 'a value where none goes' 'misuse "shuffle" ts-cat --shuffle=3 s'
for v in -1 1e3 3x ' ' 0x10 99999999999999999999 9e15 1.0 nan; do
	ok "'$v' is no count" 'misuse "head: .$v. is not a whole number from 0 to" ts-cat --head "$v" s'
done
ok 'no number or word, as if a variable of a script were empty: said, and what stands there instead' '
	misuse "head: its value is empty; is a variable of a script empty?$" ts-cat --head "" s &&
	misuse "head: its value is missing, as .--shuffle. follows; is a variable" ts-cat --head --shuffle s &&
	misuse "head: its value is missing, as .-q. follows" ts-cat -n -q s && misuse "format: its value is missing, as .-t. follows" ts-export --format -t s &&
	misuse "format: its value is empty" ts-export --format "" s'
ok 'a number may have a sign and zeros in front' 'test $(count ts-cat --head +03 s) = 3'
ok 'numbers with a fraction: range and form' '
	misuse "temperature" ood-score -m energy:temperature=0x s && misuse "temperature" ood-score -m energy:temperature=nan s'

config 'head: 3\n'
ok 'config: an option' 'test $(count ts-cat --config c.yaml s) = 3 && test $(count ts-cat s --config=c.yaml) = 3'
ok 'config: the command line wins, on either side' '
	test $(count ts-cat --config c.yaml -n 5 s) = 5 && test $(count ts-cat -n 5 --config c.yaml s) = 5'
config '# a comment\n---\nno_history: true\n"head": 4   # four\nshuffle: no\nseed: 0\n'
ok 'config: comments, quotes, underscores for dashes, flags' '
	test $(count ts-cat --config c.yaml s) = 4 && ts-cat --config c.yaml s | ts-dump --history >out && ! test -s out'
ok 'config: a flag that is true, and --no- against it' '
	config "shuffle: yes\n"; ts-cat --no-history --config c.yaml s >a; ts-cat --no-history --shuffle s | cmp - a &&
	ts-cat --no-history --config c.yaml --no-shuffle s >b && ts-cat --no-history s | cmp - b'
ok 'config: an empty file' 'config "" && test $(count ts-cat --config c.yaml s) = 20 && config "# only this\n" &&
	test $(count ts-cat --config c.yaml s) = 20'
ok 'config: an unknown option is named with file and line' '
	config "head: 3\n\nhaed: 4\n" && misuse "c.yaml. line 3: unknown option .haed." ts-cat --config c.yaml s'
ok 'config: a bad value is named with file and line' '
	config "seed: 1\nhead: many\n" && misuse "c.yaml. line 2: head: .many. is not a whole number" ts-cat --config c.yaml s'
ok 'config: a flag takes true or false' '
	config "shuffle: maybe\n" && misuse "c.yaml. line 1: neither true nor false" ts-cat --config c.yaml s &&
	config "shuffle: 1\n" && misuse "neither true nor false" ts-cat --config c.yaml s'
ok 'config: a list or a map is refused' '
	config "head:\n  - 3\n" && misuse "c.yaml. line 2: only" ts-cat --config c.yaml s &&
	config "head:\n  of: 3\n" && misuse "c.yaml. line 2: only" ts-cat --config c.yaml s &&
	config -- "- head\n" && misuse "c.yaml. line 1" ts-cat --config c.yaml s &&
	config "head: [3]\n" && misuse "c.yaml. line 1: only" ts-cat --config c.yaml s &&
	config "? {a: b}\n: 3\n" && misuse "c.yaml. line 1: only" ts-cat --config c.yaml s'
ok 'config: a single word, an alias, an anchor bomb' '
	config "head\n" && misuse "c.yaml. line 1" ts-cat --config c.yaml s &&
	config "head: *x\n" && misuse "c.yaml. line 1" ts-cat --config c.yaml s &&
	config "a: &a [x, x]\nb: &b [*a, *a]\n" && misuse "c.yaml. line 1" ts-cat --config c.yaml s'
ok 'config: not YAML' 'config "head: \"3\n" && misuse "c.yaml. line" ts-cat --config c.yaml s &&
	printf "\001\002" >c.yaml && misuse "c.yaml. line 1: not YAML" ts-cat --config c.yaml s'
ok 'config: an option twice is refused' 'config "head: 3\nhead: 4\n" && misuse "c.yaml. line 2: .*twice.*head" ts-cat --config c.yaml s'
ok 'config: two documents are refused' 'config "head: 3\n---\nseed: 4\n" && misuse "c.yaml. line [23]" ts-cat --config c.yaml s'
ok 'config: help, version and another config do not come from a file' '
	for o in help version config; do
		config "$o: true\n"; misuse "line 1: unknown option .$o." ts-cat --config c.yaml s || break
	done && test "$o" = config'
ok 'config: a missing file is a failure, a folder too' 'fails 1 "cannot open .no/such" ts-cat --config no/such s &&
	ts-cat --config . s >out 2>err; rc=$?; test $rc = 1 -o $rc = 2'
ok 'config: options without --output write to standard output all the same' 'config "output: o.ts\n" &&
	ts-cat --config c.yaml s >out && ! test -s out && ts-dump o.ts | wc -l | grep -q 20'
ok '--quiet, --verbose are accepted everywhere' 'ts-cat -q -v s >/dev/null && ts-dump --quiet --verbose s >/dev/null'
ok '--help wins over missing operands; lines fit 100 columns' '
	ts-cat --help | awk "length > 100 { bad = 1 } END { exit bad }"'
# ---- standard streams that are closed, or do not wait ----
ok 'closed standard error: messages do not get into the file that is written' '
	printf "none.png\n" | ds-pack --stream --size 8 -o o.ts 2>&- && ts-dump o.ts | cmp - /dev/null &&
	cat s | ts-cat --select x | ood-threshold -v -a 0.2 -o o.ts 2>&- && ts-dump o.ts | grep -q "\"x\""'
ok 'closed standard output: what writes a file does not need it, what does says so' '
	ts-cat s -o o.ts >&- && ts-dump o.ts | wc -l | grep -q 20 && { ts-cat s >&- 2>err; test $? = 1; } && grep -q "Bad file descriptor" err'
ok 'closed standard input: what reads it says so' '{ timeout -s KILL 20 ts-cat <&- >out 2>err; test $? = 1; } && grep -q "Bad file descriptor" err'
# nonblocking in|out COMMAND: its standard input, 60 kB in three parts, or its output, read late, is a pipe that does not wait.
nonblocking() { /usr/bin/python3 - "$@" <<'END'
import fcntl, os, subprocess, sys, time
(r, w), out = os.pipe(), sys.argv[1] == "out"
fcntl.fcntl(w if out else r, fcntl.F_SETFL, os.O_NONBLOCK)
p = subprocess.Popen(sys.argv[2:], **({"stdout": w} if out else {"stdin": r}))
os.close(w if out else r)
time.sleep(0.3)
if out:
    with open(r, "rb") as f, open("got", "wb") as to: to.write(f.read())
else:
    data = open("long", "rb").read()
    with open(w, "wb", 0) as f:
        for i in range(3): f.write(data[i * len(data) // 3:(i + 1) * len(data) // 3]); time.sleep(0.1)
sys.exit(p.wait())
END
}
$gen scores x:f8,name:str 5000 2 >long; ts-dump long >want
ok 'a pipe that does not wait: everything is read and written' '
	nonblocking in ts-cat - --no-history -o got && cmp got long && nonblocking out ts-cat --no-history long && cmp got long && nonblocking out ts-dump long && cmp got want'

# ---- progress: the rate, and the time left ----
ds-synth --set id -n 4000 -o many.ts && golden-net ckpt densenet:depth=10,growth=2 10 >m.ckpt 2>/dev/null
ok 'the rate and, of a known total, the time left' '
	um-train -a densenet:depth=10,growth=2 -b 32 -e 9 --progress -o x.ckpt many.ts 2>err & pid=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do grep -q " left" err && break; sleep 0.5; done; kill $pid; wait $pid 2>/dev/null
	tr "\r" "\n" <err | grep -q "epoch 1/9, [0-9]* of 4000 images, loss [0-9.]*, [0-9.]* images/s, [0-9:]* left$"'
ok 'of a file the size tells the time left, of a pipe nothing does' '
	um-embed --threads 1 --progress -m m.ckpt -o f.ts many.ts 2>err && tr "\r" "\n" <err | grep -q "[0-9]* images, [0-9.]* images/s, 0:[0-9]* left$" &&
	cat many.ts | um-embed --threads 1 --progress -m m.ckpt -o f.ts 2>err && tr "\r" "\n" <err | grep -q "[0-9]* images, [0-9.]* images/s$" && ! grep -q left err'
ok 'features are no images' 'ood-fit --progress -o fit f.ts 2>err && tr "\r" "\n" <err | grep -q "[0-9] rows, " && ! grep -q images err'
if command -v script >/dev/null; then
	ok 'on the terminal that UNMASK_PROGRESS names, if standard error is not one' '
		UNMASK_PROGRESS=/dev/tty script -qec "ds-synth --set id -n 3000 | um-embed -m m.ckpt -o f.ts 2>log" screen </dev/null >/dev/null 2>&1
		tr "\r" "\n" <screen | grep -q "um-embed: [0-9]* images, [0-9.]* images/s" && ! test -s log'
else
	ok 'UNMASK_PROGRESS # SKIP no script' true
fi
ok 'a file that it names is left alone' '
	echo mine >mine && UNMASK_PROGRESS=mine um-embed -q -m m.ckpt -o f.ts many.ts && UNMASK_PROGRESS=mine um-embed -m m.ckpt -o f.ts many.ts && echo mine | cmp - mine'
done_testing
