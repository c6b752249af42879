#!/bin/sh
# ood-pack and ood-detect: a detector in one file gives the same results as the pipe of programs, to the last digit;
# parts that do not belong together are refused; it can run for ever, and signals end it in order.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
OMP_NUM_THREADS=2; export OMP_NUM_THREADS

net=resnet-narrow:depth=8
ds-synth -q --set id --n 300 -o train.ts; ds-synth -q --set id --seed 2 --n 120 -o val.ts
ds-synth -q --set blobs --n 40 -o blobs.ts; ds-synth -q --set id --seed 3 --n 40 -o new.ts
ts-cat -q --no-history --select image,name -o mixed.ts blobs.ts new.ts
um-train -q -a $net --epochs 1 -o m.ckpt train.ts; um-train -q -a $net --epochs 1 --seed 5 -o other.ckpt train.ts
for s in train val mixed; do um-embed -q -m m.ckpt $s.ts -o $s.f; done
ood-fit -q -o fit train.f; ood-fit -q -o val.fit val.f
ood-score -q -f fit val.f -o val.s && ood-threshold -q -a 0.1 -o thr val.s
ood-score -q -f fit -t thr mixed.f -o mixed.s

# ---- the same numbers ----
# pipe METHOD SCORES: what the pipe says; detect DETECTOR FILE...: what ood-detect does. NAME, class, score, verdict.
pipe() { ts-cat -q --no-history --select "name,pred,$1,verdict:$1" "$2" | ts-dump --tsv | tail -n +2; }
detect() { ood-detect --tsv "$@" >rows; tail -n +2 rows; }
names=$(ts-dump --header m.ckpt | sed -n 's/.*"classes": \[\(.*\)\].*/\1/p' | tr -d '" ')
as_pipe() { awk -F '\t' -v names="$names" 'BEGIN { n = split(names, k, ","); for (i = 1; i <= n; i++) of[k[i]] = i - 1; OFS = "\t" }
	{ print $1, of[$2], $3, $4 == "out" }'; }
same() { pipe "$1" "$2" >want; shift 2; detect "$@" | as_pipe >got; test -s want && cmp want got; }
methods=$(ts-dump --header mixed.s | sed -n 's/.*"verdict:\(.*\)": {"type.*/\1/p')
ok 'many methods have a threshold' 'test "$(echo $methods | wc -w)" -ge 20'
for m in $methods; do
	ok "$m: score, class and verdict of the pipe" '
		ood-pack -q -m m.ckpt -f fit -t thr --method "$m" -o $m.det && same "$m" mixed.s $m.det mixed.ts'
done
ok 'a method with parameters' '
	ood-score -q -f fit -m energy:temperature=10,knn:k=5 val.f | ood-threshold -q -a 0.1 -o p.thr && ood-score -q -f fit -t p.thr mixed.f -o p.s &&
	for m in energy:temperature=10 knn:k=5; do ood-pack -q -m m.ckpt -f fit -t p.thr --method $m -o p.det && same $m p.s p.det mixed.ts || exit; done'
ok 'thresholds per class' '
	ood-score -q -m msp val.f | ood-threshold -q -a 0.3 --per-class-fallback -o c.thr && ood-score -q -t c.thr mixed.f -o c.s &&
	ood-pack -q -m m.ckpt -t c.thr -o c.det && same msp c.s c.det mixed.ts'
ok 'a fit of validation data' '
	ood-score -q -f fit --val val.fit -m react val.f | ood-threshold -q -a 0.1 -o v.thr && ood-score -q -f fit --val val.fit -t v.thr mixed.f -o v.s &&
	ood-pack -q -m m.ckpt -f fit --val val.fit -t v.thr -o v.det && same react v.s v.det mixed.ts &&
	fails 1 "made differently" ood-pack -m m.ckpt -f fit -t v.thr -o no.det'
ok 'one thread or more: the same bytes' 'ood-detect --threads 1 vim.det mixed.ts >a; ood-detect --threads 3 vim.det mixed.ts >b; test -s a && cmp a b'
ok 'a masked network is run masked' '
	golden-net scores-layer $net 6 >masked.ckpt && um-embed -q -m masked.ckpt val.ts | ood-score -q -m energy | ood-threshold -q -a 0.1 -o k.thr &&
	um-embed -q -m masked.ckpt mixed.ts | ood-score -q -t k.thr -o k.s && ood-pack -q -m masked.ckpt -t k.thr -o k.det && detect k.det mixed.ts | cut -f 1,2,3 >got &&
	pipe energy k.s | cut -f 1,2,3 | cmp - got'
ok 'what a run resumes from is not in it' '
	um-train -q -a conv2:width=0.02 -e 1 --run runs train.ts && last=$(find runs -name last.ckpt) &&
	um-embed -q -m $last val.ts | ood-score -q -m msp | ood-threshold -q -a 0.1 -o r.thr && ood-pack -q -m $last -t r.thr -o r.det &&
	grep -a -q train/first $last && ! grep -a -q train/first r.det'
ok 'the same files, the same bytes' 'for f in a b; do ood-pack -q --no-history -m m.ckpt -f fit -t thr --method vim >$f.det; done && cmp a.det b.det'
ok 'the history names the steps of all three' 'ts-dump --history vim.det >h && grep -q ood-fit h && grep -q ood-threshold h && grep -q um-train h && tail -n 1 h | grep -q ood-pack'

# ---- what is printed ----
ok 'for people: verdict, score, class, name' 'ood-detect vim.det blobs.ts | grep -q "^\(in \|out\)  [-0-9.e+]*  *[a-z]*  blobs/000000$"'
ok 'JSON lines' 'ood-detect --json vim.det mixed.ts >out; /usr/bin/python3 - out rows <<END
import json, sys
lines = [json.loads(l) for l in open("out")]
detect = [l.split("\t") for l in open("rows").read().splitlines()[1:]]
assert len(lines) == 80 and all(set(l) == {"name", "class", "class_index", "score", "verdict"} for l in lines)
END'
ok '--only out' 'ood-detect --tsv --only out vim.det mixed.ts >o; ood-detect --tsv vim.det mixed.ts | awk "NR == 1 || /out\$/" | cmp - o'
ok '--tsv and --json exclude each other' 'fails 2 "" ood-detect --tsv --json vim.det mixed.ts || test $? = 1 -a -s fails.err'

ok '--false-alarm is of --watch, and no threshold' 'fails 2 "goes with --watch.*ood-threshold --false-alarm" ood-detect --false-alarm 0.2 vim.det mixed.ts'

# ---- exit status, as grep's ----
status() { "$@" >out 2>err; echo $?; }
ood-detect --tsv vim.det mixed.ts >all.tsv
row() { # in|out: an image of that verdict alone
	at=$(awk -F '\t' -v v=$1 '$4 == v { print NR - 1; exit }' all.tsv)
	ts-cat -q --no-history --head $at mixed.ts | ts-cat -q --no-history --shard $((at - 1))/$at -o $1.ts
}
row in; row out
ok '0: all in; 1: some out; of several files together' '
	test "$(status ood-detect vim.det in.ts)$(status ood-detect vim.det out.ts)$(status ood-detect vim.det in.ts out.ts)" = 011 && test $(wc -l <out) = 2'
ok '2: something failed, though the others are judged' '
	test "$(status ood-detect vim.det no-such.png in.ts)" = 2 && grep -q "no-such.png" err && grep -q "^in " out'
ok '2: misuse, no detector, a full disk' '
	test "$(status ood-detect)$(status ood-detect --nope)$(status ood-detect no.det in.ts)$(status ood-detect m.ckpt in.ts)$(ood-detect vim.det in.ts >/dev/full 2>err; echo $?)" = 22222 && grep -q "No space" err'
ok 'what is no detector: what makes one' '
	fails 2 "m.ckpt.: holds a checkpoint, not a detector; ood-pack" ood-detect m.ckpt in.ts && fails 2 "fit.: is not a detector; ood-pack" ood-detect fit in.ts'
ok 'a stream that is cut off: its rows, and 2' 'head -c $(($(wc -c <mixed.ts) - 5)) mixed.ts >cut.ts; test "$(status ood-detect vim.det cut.ts)" = 2 && test $(wc -l <out) = 80 && grep -q "cut off\|did not finish" err
	test "$(ood-detect vim.det <cut.ts >out 2>err; echo $?)" = 2 && test $(wc -l <out) = 80'
ok 'ood-pack to a full disk' 'test "$(ood-pack -q -m m.ckpt -f fit -t thr --method vim >/dev/full 2>err; echo $?)" = 1 && grep -q "No space" err'

# ---- what does not belong together ----
um-embed -q -m other.ckpt train.ts | ood-fit -q -o other.fit; um-embed -q -m other.ckpt val.ts | ood-score -q -m vim -f other.fit | ood-threshold -q -a 0.1 -o other.thr
ok 'a fit of another model' 'fails 1 "fit .fit. and features .model. are of different models" ood-pack -m m.ckpt -f other.fit -t thr --method vim'
ok 'a threshold of another model' 'fails 1 "of different models" ood-pack -m m.ckpt -f fit -t other.thr'
ok 'a threshold of another fit' 'ts-cat -q --head 200 train.f | ood-fit -q -o some.fit && fails 1 "made differently: by other parameters, or options of um-embed, or with another fit" ood-pack -m m.ckpt -f some.fit -t thr --method vim'
ok 'a threshold of scores that were text: a warning, as nothing can be checked' '
	ts-cat -q --select msp val.s | ts-export -f csv | ts-import -q -k scores - | ood-threshold -a 0.1 -o text.thr && ood-pack -m other.ckpt -t text.thr -o x.det 2>err && test $(wc -l <err) = 1 &&
	grep -q "text.thr. does not say which model and fit made its scores.*nothing checks" err'
ok 'no fit where one is needed; none where none is' '
	fails 1 "needs a fit of training data" ood-pack -m m.ckpt -t thr --method vim && ood-pack -m m.ckpt -f fit -t thr --method msp -o x.det 2>err && grep -q "uses no fit" err && test $(wc -c <x.det) -lt $(wc -c <vim.det)'
ok 'several methods: which?' 'fails 1 "thresholds of .* methods; choose with --method: " ood-pack -m m.ckpt -f fit -t thr && fails 1 "not of the method .energy:temperature=3" ood-pack -m m.ckpt -f fit -t thr --method energy:temperature=3'
ok 'a method that needs more than logits and features' 'ts-gen scores odin:f4 20 1 >odin.s && ood-threshold -q -a 0.5 -o odin.thr odin.s && fails 1 "method .odin" ood-pack -m m.ckpt -t odin.thr'
ok 'a combination' 'ood-score -q -m msp,energy --combine fisher --reference val.s -f fit val.f -o comb.s && ood-threshold -q -a 0.1 -m combine:fisher -o comb.thr comb.s && fails 1 "combines scores of several methods" ood-pack -m m.ckpt -t comb.thr'
ok 'a bound on false discoveries, which is one of all pictures together' '
	ood-score -q -m msp val.f | ood-threshold -q --fdr 0.1 -o d.thr && fails 1 "judges each by itself, and needs one from --false-alarm" ood-pack -m m.ckpt -t d.thr -o no.det && ! test -e no.det'
ok 'a file that is not there, for each of them' '
	for how in "-m no -t thr" "-m m.ckpt -t no" "-m m.ckpt -t thr --method vim -f no" "-m m.ckpt -t thr --method vim -f fit --val no" "-m m.ckpt -t thr --method vim -f fit -r no"; do
		fails 1 "no" ood-pack $how || exit; done'

# The same in a file whose parts were changed, and whose checksum does not tell.
edit() { # FILE PYTHON: changes the records r, p the part's bytes by name
	/usr/bin/python3 -c '
import sys, msgpack
def load(f): return list(msgpack.Unpacker(open(f, "rb"), raw=False, strict_map_key=False, max_buffer_size=1 << 30))
def part(r, name): return next(x[name] for x in r if name in x)
def data(r, name): return part(r, name)[b"data"]
def put(r, name, to):
	part(r, name).update({b"data": to, b"shape": [len(to)]}); r[0]["fields"][name]["shape"] = [len(to)]
r = load(sys.argv[1]); other = load("other.det")
exec(sys.argv[2])
r[-1]["xxh3"] = None
sys.stdout.buffer.write(b"".join(msgpack.packb(x) for x in r))' "$@"
}
ood-pack -q -m other.ckpt -f other.fit -t other.thr -o other.det
ok 'parts that are exchanged are the same as files' '
	edit vim.det "put(r, \"fit\", data(other, \"fit\"))" >x.det && fails 2 "x.det.: fit .fit. and features .model. are of different models" ood-detect x.det in.ts &&
	edit vim.det "put(r, \"model\", data(other, \"model\"))" >x.det && fails 2 "of different models" ood-detect x.det in.ts &&
	edit vim.det "put(r, \"threshold\", data(other, \"threshold\"))" >x.det && fails 2 "of different models" ood-detect x.det in.ts &&
	edit vim.det "r[0][\"meta\"][\"method\"] = \"energy\"" >x.det && ood-detect x.det in.ts 2>err >out; test $? -le 1 &&
	edit vim.det "r[0][\"meta\"][\"method\"] = \"react:percentile=42\"" >x.det && fails 2 "threshold is not of the method" ood-detect x.det in.ts'
ok 'parts that are missing, damaged, or no such parts' '
	edit vim.det "r = [x for x in r if \"fit\" not in x]; del r[0][\"fields\"][\"fit\"]; r[-1][\"rows\"] = 2" >x.det && fails 2 "needs a fit" ood-detect x.det in.ts &&
	edit vim.det "r = [x for x in r if \"model\" not in x]; del r[0][\"fields\"][\"model\"]; r[-1][\"rows\"] = 2" >x.det && fails 2 "has no part .model." ood-detect x.det in.ts &&
	edit vim.det "d = bytearray(data(r, \"fit\")); d[-700] ^= 1; put(r, \"fit\", bytes(d))" >x.det && fails 2 "fit.: byte" ood-detect x.det in.ts &&
	edit vim.det "put(r, \"threshold\", data(r, \"threshold\")[:-9])" >x.det && fails 2 "threshold.: " ood-detect x.det in.ts'
ok 'weights that are not finite, with one thread or two; a network in which one number differs is another' '
	changed() { edit msp.det "m = list(msgpack.Unpacker(__import__(\"io\").BytesIO(data(r, \"model\")), raw=False, max_buffer_size=1 << 30)); t = next(x[k] for x in reversed(m[1:-1]) for k in x if x[k][b\"type\"] == \"<f4\" and len(x[k][b\"data\"]) > 400); t[b\"data\"] = t[b\"data\"][:400] + $1 + t[b\"data\"][404:]; m[-1][\"xxh3\"] = None; put(r, \"model\", b\"\".join(msgpack.packb(x) for x in m))" >x.det; }
	for t in 1 2; do
		changed "b\"\\x00\\x00\\xc0\\x7f\"" && fails 2 "not finite (element 100)" ood-detect --threads $t x.det in.ts &&
		changed "b\"\\x00\\x00\\xc0\\x3f\"" && fails 2 "of different models" ood-detect --threads $t x.det in.ts || return 1
	done'
ok 'cut off anywhere' 'size=$(wc -c <vim.det); for at in 0 1 40 200 3000 $((size / 2)) $((size - 1)); do head -c $at vim.det >x.det; fails 2 "x.det" ood-detect x.det in.ts || exit; done'

# ---- pictures ----
for c in a b; do mkdir -p pics/$c; for i in 1 2 3; do image-gen png 32 32 >pics/$c/$i.png; done; done
image-gen jpeg 32 32 >pics/a/4.jpg; head -c 300 pics/a/4.jpg >bad.jpg; tar cf pics.tar pics
ok 'a picture, a folder, an archive, names: the same verdicts' '
	find pics -name "*.??g" | sort >list && ood-detect --tsv msp.det pics/a/1.png pics/a/2.png | cut -f 2- >one; ood-detect --tsv msp.det pics >folder; ood-detect --tsv msp.det pics.tar >tar
	ood-detect --tsv msp.det <list >names; head -n 3 folder | cut -f 2- | cmp - one && cmp folder names && sed "s,^pics.tar/,," tar | sort >t && sort folder | cmp - t && test $(wc -l <folder) = 8'
ok 'names in a file of Windows, too' '{ printf "\\357\\273\\277"; sed "s/\$/\r/" list; printf "\r\n"; } >list.txt && ood-detect --tsv msp.det <list.txt 2>err >windows; ! test -s err && cmp names windows'
ok 'they are those of the pipe' 'ds-pack -q pics | um-embed -q -m m.ckpt 2>err | ood-score -q -t thr -m msp -f fit 2>>err >p.s; true; ds-pack -q pics | um-embed -q -m m.ckpt | ood-score -q -m msp | ts-dump --tsv | tail -n +2 | cut -f 1 >want; tail -n +2 folder | cut -f 3 | cmp - want'
um-ckpt export -q -o m.pth m.ckpt
imports() { um-ckpt import -q --arch $net --size 32 --mean 0.5,0.5,0.5 --std 0.25,0.25,0.25 -o "$@" m.pth; }
imports prep.ckpt --prepare "size=40 resize=short interpolation=bicubic crop=32"; imports mute.ckpt
mkdir big && image-gen png 64 50 >big/1.png && image-gen jpeg 33 90 >big/2.jpg && image-gen png 32 32 >big/3.png
um-embed -q -m prep.ckpt val.ts 2>err | ood-score -q -m energy | ood-threshold -q -a 0.1 -o prep.thr
ood-pack -q -m prep.ckpt -t prep.thr -o prep.det; ood-pack -q -m mute.ckpt -t prep.thr -o mute.det
piped() { um-embed -q -m "$1" | ood-score -q -t prep.thr | ts-dump --tsv | tail -n +2 | awk -F "\t" -v OFS="\t" "{ print \$4, \$1, \$5 }"; }
prepared() { ood-detect --tsv "$@" | tail -n +2 | awk -F "\t" -v OFS="\t" '{ sub(/^big./, "", $1); print $1, $3, $4 == "out" }'; }
ok 'pictures become images as the checkpoint says, as ds-pack --for does' '
	ds-pack -q --for prep.ckpt big >big.ts && piped prep.ckpt <big.ts >want && test $(wc -l <want) = 3 && prepared prep.det big | cmp - want'
ok 'rows of a stream that have their size are such images already; of another size, pictures' '
	prepared prep.det big.ts | cmp - want && ds-pack -q --size 50 big | prepared prep.det - >other && test $(wc -l <other) = 3 && ! cmp -s other want'
ok 'a stream that was prepared otherwise is told of' 'ds-pack -q --size 32 big >squash.ts && ood-detect prep.det squash.ts 2>err >out; grep -q "prepared by .size=32 .*ds-pack --for" err && test $(wc -l <out) = 3 && ood-detect prep.det big.ts 2>err >out; ! test -s err'
ok 'nothing is known: the size alone is taken' 'ood-detect --tsv mute.det big 2>err | tail -n +2 >out; test $(wc -l <out) = 1 && grep -q "big/3.png" out && grep -q "50 x 64 pixels (height x width): the network takes 32 x 32.*um-ckpt import --prepare" err && test $(wc -l <err) = 2'
ok 'a gray network' 'ds-pack -q --gray --size 32 --class-level -1 pics -o g.ts && um-train -q -a $net -e 1 -o gray.ckpt g.ts && um-embed -q -m gray.ckpt g.ts | ood-score -q -m energy | ood-threshold -q -a 0.2 -o prep.thr && ood-pack -q -m gray.ckpt -t prep.thr -o gray.det &&
	ds-pack -q --for gray.ckpt big | piped gray.ckpt >want && prepared gray.det big | cmp - want && test $(wc -l <want) = 3'
ok 'a bad one is said, and the others go on' '
	printf "pics/a/1.png\nbad.jpg\n\nno-such\npics/a/2.png" | status ood-detect --tsv msp.det >s; test "$(cat s)" = 2 && test $(wc -l <out) = 3 && grep -q "bad.jpg" err && grep -q "no-such.: cannot be opened" err && test $(wc -l <err) = 2'
ok 'a picture on standard input, a folder without pictures: what to do' '
	ood-detect msp.det <pics/a/1.png >out 2>err; test $? = 2 && grep -q "give it as FILE" err && mkdir empty && fails 2 "empty" ood-detect msp.det empty'

mkdir gone && for i in 1 3 5; do cp pics/a/1.png gone/$i.png; done && ln -s nowhere gone/2.png && : >gone/4.png
ok 'what cannot be read in a folder, as it is gone by now, is said, and the others are judged' '
	test "$(status ood-detect --tsv msp.det gone)" = 2 && cut -f 1 out | tr "\n" " " | grep -qx "name gone/1.png gone/3.png gone/5.png " &&
	grep -qx "ood-detect: .gone.: .2.png.: cannot be opened: No such file or directory" err && grep -qx "ood-detect: .gone.: .4.png.: empty file" err && test $(wc -l <err) = 2 &&
	fails 1 "2.png.: cannot be opened" ds-pack --skip-bad gone -o gone.ts'
ok 'what cannot be read as a folder is listed, too: a FIFO, a folder that contains itself, what is another user.s' '
	mkdir -p listed/a listed/kept && cp pics/a/1.png listed/a/2.png && mkfifo listed/a/1.png && ln -s ../../listed listed/a/again && echo text >listed/kept.txt && cp pics/a/1.png listed/b.png &&
	test "$(status ood-detect --tsv msp.det listed)" = 2 && cut -f 1 out | tr "\n" " " | grep -qx "name listed/a/2.png listed/b.png " && test $(wc -l <err) = 2 &&
	grep -qx "ood-detect: .listed.: .a/1.png.: is a FIFO, a socket or a device, not a file" err && grep -q "cannot read .listed/a/again.: folder that contains itself" err &&
	fails 1 "is a FIFO" ds-pack listed && rm listed/a/1.png listed/a/again && test "$(status ood-detect --tsv msp.det listed)" -le 1 || return 1
	setpriv --reuid 65534 --clear-groups ood-detect --version >out 2>&1 || return 0
	chmod 755 . && chmod 700 listed/kept && chmod 600 listed/kept.txt && test "$(status setpriv --reuid 65534 --clear-groups ood-detect --tsv msp.det listed)" = 2 && test $(wc -l <out) = 3 && test $(wc -l <err) = 2 &&
	grep -q "cannot read .listed/kept.: Permission denied" err && grep -q ".listed.: .kept.txt.: cannot be opened: Permission denied" err'
ok 'a data set in one file, also where that begins as MessagePack does' '
	/usr/bin/python3 -c "import numpy, pickle; pickle.dump({b\"data\": numpy.full((3, 3072), 9, numpy.uint8), b\"labels\": [0, 1, 2]}, open(\"data_batch_1\", \"wb\"), protocol=2)" &&
	ood-detect --tsv msp.det data_batch_1 | tail -n +2 >out; test $(wc -l <out) = 3'

# ---- it goes on ----
mkfifo pipe
ok 'a FIFO or a folder among the names is no picture, and nothing waits for it' '
	printf "pipe\npics\npics/a/1.png\n" | status timeout -s KILL 20 ood-detect --tsv msp.det >s; test "$(cat s)" = 2 && test $(wc -l <out) = 2 && grep -q "pipe.: is a FIFO" err && grep -q "pics.: is a folder" err'
until_line() { i=0; while [ "$(wc -l <"$1")" -lt "$2" ]; do i=$((i + 1)); [ $i -lt 100 ] || return 1; sleep 0.05; done; }
# Emptied first: the last one's output would pass for its lines until it has opened the files itself.
begin() { : >out; : >err; ood-detect "$@" <pipe >out 2>err & pid=$!; exec 3>pipe; }
end() { exec 3>&-; wait $pid; }
ok 'a name is judged when it comes' 'begin --tsv msp.det && echo pics/a/1.png >&3 && until_line out 2 && echo pics/a/2.png >&3 && until_line out 3 && end; test $? -le 1'
cp msp.det live.det; energy=$(ood-detect --tsv energy.det pics/a/1.png | tail -n 1); msp=$(ood-detect --tsv msp.det pics/a/1.png | tail -n 1)
ok 'SIGHUP: the detector is read again, between two pictures' '
	begin --tsv live.det && echo pics/a/1.png >&3 && until_line out 2 && cp energy.det new.det && mv new.det live.det && kill -HUP $pid && sleep 0.3 &&
	echo pics/a/1.png >&3 && until_line out 3 && end; test $? -le 1 && test "$(tail -n +2 out)" = "$msp
$energy" && ! test -s err'
ok 'a broken one: the old one stays, and that is said' '
	begin --tsv live.det && echo pics/a/1.png >&3 && until_line out 2 && head -c 900 msp.det >live.det && kill -HUP $pid && until_line err 2 &&
	echo pics/a/1.png >&3 && until_line out 3 && end; test $? = 2 && test "$(tail -n +2 out)" = "$energy
$energy" && grep -q "live.det" err && grep -q "stays as it was" err'
ok 'SIGTERM: what has come is judged, then it dies' 'begin --tsv msp.det && echo pics/a/1.png >&3 && until_line out 2 && kill $pid && { end; test $? = 143; } && test $(wc -l <out) = 2 && ! test -s err'
until_gone() { for k0 in $(seq 100); do grep -q "^State:.[^Z]" /proc/$1/status 2>/dev/null || return 0; sleep 0.1; done; return 1; }
until_asleep() { for k0 in $(seq 100); do sleeps $1 && return 0; sleep 0.1; done; return 1; }
ok 'SIGTERM twice, a second apart: at once, even if nobody reads what it prints' '
	yes "$(printf "./%.0s" $(seq 1500))pics/a/1.png" | head -n 100 >long && mkfifo full && { ood-detect --tsv msp.det <long 2>err >full & pid=$!; exec 4<full; } &&
	timeout 20 head -c 1 <&4 >first && test -s first && until_asleep $pid && kill $pid && sleep 1.2 && sleeps $pid && kill $pid && until_gone $pid; rc=$?; exec 4<&-; wait $pid; test $? = 143 && test $rc = 0 && ! test -s err'
ok 'SIGTERM before all names are read: how many are left, from which on' '
	yes pics/a/1.png | head -n 4000 >many && begin --tsv msp.det && cat many >&3 && until_line out 2 && kill $pid && { end; test $? = 143; } &&
	judged=$(($(wc -l <out) - 1)) && test $(wc -l <err) = 1 && left=$(sed -n "s/.* stopped by a signal: \([0-9]*\) names .* from .pics.a.1.png. on$/\1/p" err) && echo "# $judged judged, $left left" &&
	test $judged -ge 1 && test $left -ge 1 && test $((judged + left)) -le 4000'
ok 'SIGTERM in the middle of a stream is no damaged stream' '
	ood-detect --tsv msp.det <pipe >out 2>err & pid=$!; exec 3>pipe; head -c 20000 mixed.ts >&3; sleep 0.3; kill -TERM $pid; end; test $? = 143 && ! test -s err'
ok 'closed standard input is an error, and nothing waits for it' '{ timeout -s KILL 20 ood-detect msp.det <&- >out 2>err; test $? = 2; } && grep -q "cannot read standard input" err'
ok 'a row of a stream is judged when it comes' 'begin --tsv msp.det; ts-cat -q --no-history in.ts | head -c -27 >&3; until_line out 2; ok=$?; end; test $ok = 0'
size() { for i in $(seq $1); do echo pics/a/$((i % 3 + 1)).png; done | measure 1 ood-detect --threads 1 msp.det | cut -d " " -f 3; }
# AddressSanitizer keeps freed memory.
[ -n "$SANITIZE" ] || ok 'memory is constant' 'a=$(size 300) b=$(size 4000) && echo "# $a $b MiB" && awk -v a="$a" -v b="$b" "BEGIN { exit !(b < a + 2) }"'

# ---- the watch ----
seq 1000 1099 >ref.txt; ood-pack -q -m m.ckpt -f fit -t thr --method energy -r ref.txt -o w.det
alarms() { sed -n "s/.*alarm at [a-z]* \([0-9]*\).*about [a-z]* \([0-9]*\) (evidence \([^;]*\);.*/\1 \2 \3/p" "$1"; }
ok 'few rows in the reference: a warning' 'seq 30 >few.txt && ood-pack -m m.ckpt -t thr --method energy -r few.txt -o few.det 2>err && test $(wc -l <err) = 1 && grep -q "few.txt.: 30 rows are few" err'
ok '--watch: the alarms of ood-watch' '
	um-embed -q -m m.ckpt train.ts | ood-score -q -m energy | ood-watch --reset -r ref.txt 2>err; alarms err >want
	ood-detect --watch w.det train.ts >out 2>err; alarms err | cmp - want && test -s want && test $(wc -l <out) = 300'
ok 'a reference of scores as ood-detect prints them ties with them: no alarm' '
	score=$(sed 1d all.tsv | cut -f 3 | /usr/bin/python3 -c "import struct, sys; print(next(l.strip() for l in sys.stdin if struct.unpack(\"f\", struct.pack(\"f\", float(l)))[0] < float(l)))") &&
	at=$(cut -f 3 all.tsv | grep -n -m 1 -F -x -e "$score" | cut -d : -f 1) && ts-cat -q --head $((at - 1)) mixed.ts | ts-cat -q --shard $((at - 2))/$((at - 1)) -o one.ts &&
	set -- && for i in 1 2 3 4 5 6; do set -- "$@" one.ts one.ts one.ts one.ts one.ts; done && yes -- "$score" | head -n 100 >own.txt &&
	ood-pack -q -m m.ckpt -f fit -t thr --method vim -r own.txt -o own.det && ood-detect --watch own.det "$@" 2>err >out; test $? -le 1 && test $(wc -l <out) = 30 && ! test -s err'
ok 'without a reference there is nothing to watch by' 'fails 2 "ood-pack --reference" ood-detect --watch energy.det in.ts'
ok 'a reference of another model or method' '
	um-embed -q -m other.ckpt val.ts | ood-score -q -m energy -o o.s && fails 1 "of different models" ood-pack -m m.ckpt -t thr --method energy -r o.s &&
	ood-score -q -m msp val.f -o m.s && fails 1 "energy" ood-pack -m m.ckpt -t thr --method energy -r m.s &&
	ood-pack -q -m m.ckpt -t thr --method energy -r val.s -o w.det && ood-detect --watch w.det in.ts >out; test $? -le 1'
done_testing
