#!/bin/sh
# ds-view: the pixels of the sheet are those of the images, each in its place; scores find their images; what
# does not fit is refused and leaves no file.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
command -v python3 >/dev/null || skip_all 'no python3 to look at pixels'

# png FILE: says the size. png FILE X,Y...: the pixels there, as rrggbb. Own decoder, since what wrote the file
# must not be what reads it.
cat >png.py <<'EOF'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, idat, end = 8, b"", False
while at < len(data):
    n, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + n]
    assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0] and not end
    if kind == b"IHDR":
        w, h, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
        assert (depth, colour, interlace) == (8, 2, 0)
    if kind == b"IDAT":
        idat += body
    end = kind == b"IEND"
    at += 12 + n
assert end
raw, lines, last = zlib.decompress(idat), [], bytes(3 * w)
assert len(raw) == h * (3 * w + 1)
for y in range(h):
    f, line = raw[y * (3 * w + 1)], bytearray(raw[y * (3 * w + 1) + 1:(y + 1) * (3 * w + 1)])
    for i in range(3 * w):
        a, b, c = line[i - 3] if i > 2 else 0, last[i], last[i - 3] if i > 2 else 0
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth)[f]) & 255
    lines.append(bytes(line))
    last = lines[-1]
if len(sys.argv) == 2:
    print("%dx%d" % (w, h))
else:
    print(*(lines[y][3 * x:3 * x + 3].hex() for x, y in (map(int, s.split(",")) for s in sys.argv[2:])))
EOF
png() { python3 png.py "$@"; }
pixels() { want=$1; shift; got=$(png "$@"); [ "$got" = "$want" ] || { echo "# got $got"; false; }; }

# Five images of 2 x 2, one colour each but for a pixel: planes of red, green, blue. Names are not in order.
cat >images.txt <<'EOF'
10 10 10 11   0 0 0 0   1 1 1 1   0 c 0.5 7
20 20 20 21   0 0 0 0   2 2 2 2   1 a 0.25 7
30 30 30 31   0 0 0 0   3 3 3 3   2 e 0.5 7
40 40 40 41   0 0 0 0   4 4 4 4   1 b -1 7
50 50 50 51   0 0 0 0   5 5 5 5   -1 d 2 7
EOF
ts-gen images image:u1:3x2x2,label:i8,name:str,own:f4,same:i8 <images.txt >images.ts
# Their scores, in another order, which is not that of the names either.
printf '%s\n' '4 d 2' '1.5 a 3' '9 c 1' '-3 b 0' '1.5 e 0' >scores.txt
gen_scores() { ts-gen scores s:f4,name:str,k:i8; }
gen_scores <scores.txt >scores.ts
order() { ds-view --text "$@" | sed 1d | cut -f5 | tr -d '\n'; }
shows() { want=$1; shift; got=$(order "$@"); [ "$got" = "$want" ] || { echo "# got $got"; false; }; }
error() { rm -f x.png; fails 1 "$@" && test ! -e x.png; }

ok 'each image in its place, pixels in theirs' '
	ds-view --grid 3x2 --scale 1 images.ts -o a.png && pixels 8x5 a.png &&
	pixels "0a0001 0b0001 140002 1e0003 280004 320005 330005" a.png 0,0 1,1 3,0 6,0 0,3 3,3 4,4'
ok 'gaps and unused cells are white' 'pixels "ffffff ffffff ffffff ffffff ffffff" a.png 2,0 5,1 0,2 6,3 7,4'
ok 'magnified: every pixel N times, gaps, too' '
	ds-view --grid 3x2 --scale 3 images.ts -o b.png && pixels 24x15 b.png &&
	pixels "0a0001 0a0001 0b0001 0b0001 ffffff ffffff 140002 ffffff ffffff 280004" \
		b.png 0,0 2,2 3,3 5,5 6,0 8,5 9,0 0,6 0,8 0,9'
ok 'a grid of 20x10, magnified twice, unless told' 'ds-view images.ts >c.png && pixels 118x58 c.png'
ok 'a full grid takes the first' 'shows ca --grid 2x1 images.ts && shows caebd --grid 5x1 images.ts'
printf '%s\n' '1 2 3 4 5 6' '7 8 9 10 11 12' | ts-gen images image:u1:1x2x3 >gray.ts
ok 'gray images, no labels, no names' '
	ds-view --grid 1x2 --scale 1 <gray.ts >g.png && pixels 3x5 g.png && pixels "010101 030303 040404 070707 0c0c0c" g.png 0,0 2,0 0,1 0,3 2,4 &&
	test "$(ds-view -t gray.ts | tail -n 1)" = "$(printf "0\t1\t1\t-\t-\t-")"'
ok 'ds-pack reads the sheet back, the same pixels' '
	mkdir -p sheet && cp g.png sheet && ds-pack sheet | ts-cat --select image | ts-dump >got &&
	plane="[[1, 2, 3], [4, 5, 6], [255, 255, 255], [7, 8, 9], [10, 11, 12]]" &&
	test "$(cat got)" = "{\"image\": [$plane, $plane, $plane]}"'
ok 'the same bytes again' 'ds-view --grid 3x2 --scale 1 images.ts | cmp - a.png'

ok '--sort by scores, matched by name: least first, ties in the order of the images' '
	shows baedc --scores scores.ts --sort s images.ts'
ok '--bottom' 'shows baed --scores scores.ts --sort s --bottom 4 images.ts && shows b --scores scores.ts --sort s --bottom 1 images.ts'
ok '--top: largest first, ties in the order of the images' '
	shows cdae --scores scores.ts --sort s --top 4 images.ts && shows cda --scores scores.ts --sort s --top 3 images.ts'
ok 'no more than the grid holds' 'shows ba --grid 2x1 --scores scores.ts --sort s images.ts'
ok 'the PNG has that order, too' '
	ds-view --grid 3x1 --scale 1 --scores scores.ts --sort s --top 3 images.ts >t.png && pixels "0a0001 320005 140002" t.png 0,0 3,0 6,0'
ok '--sort by a column of the images, least first' 'shows baced --sort own images.ts && shows dcea --sort own --top 4 images.ts'
ok 'the images go by standard input, or the scores' '
	cat images.ts | shows baedc --scores scores.ts --sort s && cat scores.ts | shows baedc --scores - --sort s images.ts'
# The heap against sort, with many ties.
ts-gen images image:u1:1x1x1,label:i8,name:str 3000 5 >many.ts
ts-dump --tsv many.ts | sed 1d | cut -f1,2 >many.txt
ok 'of 3,000 images with ten values, what sort says' '
	sort -s -n -k1,1 many.txt | head -n 777 | cut -f2 >want && ds-view -t --grid 40x20 --sort label --bottom 777 many.ts | sed 1d | cut -f5 | cmp - want &&
	sort -s -n -r -k1,1 many.txt | head -n 777 | cut -f2 >want && ds-view -t --grid 40x20 --sort label --top 777 many.ts | sed 1d | cut -f5 | cmp - want'
cut -d' ' -f1,3 scores.txt >places.txt
ts-gen scores s:f4,k:i8 <places.txt >places.ts
ok 'scores without names belong by position' 'shows badce --scores places.ts --sort s images.ts'
ok 'images without names, too' '
	ts-cat --select image,label images.ts >bare.ts &&
	test "$(ds-view -t --scores scores.ts --sort s bare.ts | sed 1d | cut -f3 | tr -d "\n")" = 31402'

printf 'row\tcolumn\tinput\tlabel\tname\tvalue\n0\t0\t0\t0\tc\t9\n0\t1\t4\t-1\td\t4\n1\t0\t1\t1\ta\t1.5\n' >want
ok '--text: cells, rows, labels, names, values' 'ds-view -t --grid 2x2 --scores scores.ts --sort s --top 3 images.ts | cmp - want'
ok '--text: names of classes; -o' '
	ds-synth --set id -n 3 | ds-view --text -o text.tsv && test "$(cut -f4 text.tsv | tr "\n" " ")" = "label disc square triangle "'

# Values shown: k = 1 (c), 3 (a), 0 (e), 0 (b).
ok '--border: blue for the least, red for the largest, linear between' '
	ds-view --grid 4x1 --scale 1 --scores scores.ts --border k images.ts >k.png && pixels 27x6 k.png &&
	pixels "5500aa 5500aa 0a0001 0b0001 5500aa 5500aa ffffff" k.png 0,0 1,3 2,2 3,3 4,2 5,5 6,3 &&
	pixels "ff0000 140002 ff0000 ffffff 0000ff 1e0003 0000ff 280004" k.png 7,0 9,2 12,5 13,0 14,0 16,2 21,0 23,2'
ok '--border: is magnified' '
	ds-view --grid 4x1 --scale 2 --scores scores.ts --border k images.ts >k2.png && pixels 54x12 k2.png &&
	pixels "5500aa 0a0001 5500aa ffffff ffffff ff0000" k2.png 3,3 4,4 11,11 12,0 13,11 14,0'
ok '--border: all equal' 'ds-view --scale 1 --border same images.ts >k3.png && pixels "0000ff 0a0001 0000ff" k3.png 0,0 2,2 7,0'

run="ds-view --scores w.ts --sort s -o x.png images.ts"
sed 's/ c / z /' scores.txt | gen_scores >w.ts
ok 'an image without scores is named' 'error "images.ts.*row 0: no row of .w.ts. has its name, .c." $run'
sed 's/ c / a /' scores.txt | gen_scores >w.ts
ok 'a name twice in the scores' 'error "w.ts.*row 2: name .a. is row 1.s, too" $run'
sed '$d' scores.txt | gen_scores >w.ts
ok 'a row of scores too few' 'error "images.ts.*row 2: no row of .w.ts. has its name, .e." $run'
{ cat scores.txt; echo '1 more 1'; } | gen_scores >w.ts
ok 'a row of scores too many' 'error "has 5 rows, .w.ts. has 6: none of its name .more." $run'
sed 's/ a / b /' images.txt | ts-gen images image:u1:3x2x2,label:i8,name:str,own:f4,same:i8 >twice.ts
ok 'a name twice in the images' 'error "twice.ts.*row 3: name .b. appears twice" ds-view --scores scores.ts --sort s -o x.png twice.ts'
sed '$d' places.txt | ts-gen scores s:f4,k:i8 >w.ts
ok 'by position: too few' 'error "has more rows than .w.ts., which has 4" $run'
{ cat places.txt; echo 1 1; } | ts-gen scores s:f4,k:i8 >w.ts
ok 'by position: too many' 'error "images.ts.*has 5 rows, .w.ts. has 6" $run'
labelled() { ts-gen scores s:f4,label:i8 >w.ts; }
printf '%s\n' '4 0' '1.5 1' '9 -1' '-3 1' '1.5 3' | labelled
ok 'partners have one label, if both are known' 'shows badce --scores w.ts --sort s images.ts'
printf '%s\n' '4 0' '1.5 1' '9 1' '-3 1' '1.5 3' | labelled
ok 'scores of other images, by position: refused, with what to type' '
	error "images.ts.*row 2 has label 2, row 2 of .w.ts. has 1: .*ts-cat --select" $run && ts-cat --select s w.ts -o s.ts && shows badce --scores s.ts --sort s images.ts'
named() { # labels are numbers of these classes
	/usr/bin/python3 -c "
import sys, msgpack
r = list(msgpack.Unpacker(sys.stdin.buffer, raw=True, strict_map_key=False))
r[0].setdefault(b\"meta\", {})[b\"classes\"] = sys.argv[1:]; r[-1][b\"xxh3\"] = None
[sys.stdout.buffer.write(msgpack.packb(x)) for x in r]" "$@"
}
ok 'labels of other classes are no other labels: um-embed takes the numbers of its model' '
	named cat dog emu fox <images.ts >images-named.ts && named fox emu dog cat <w.ts >other.ts && named cat dog emu fox <w.ts >same.ts &&
	shows badce --scores other.ts --sort s images-named.ts && fails 1 "row 2 has label 2" ds-view --scores same.ts --sort s images-named.ts'
printf '%s\n' '4 0 c' '1.5 2 a' '9 0 e' '-3 0 b' '1.5 3 d' | ts-gen scores s:f4,label:i8,name:str >w.ts
ok 'and by name' 'error "images.ts.*row 1 has label 1, row 1 of .w.ts. has 2" $run'
sed 's/^4/nan/' scores.txt | gen_scores >w.ts
ok 'not a number: the row is named' 'error "w.ts.*row 0: .s. is not a number" $run'
sed 's/ -1 7/ nan 7/' images.txt | ts-gen images image:u1:3x2x2,label:i8,name:str,own:f4,same:i8 >nan.ts
ok 'the same in the images' 'error "nan.ts.*row 3: .own. is not a number" ds-view --sort own -o x.png nan.ts'
sed 's/^4/inf/' scores.txt | gen_scores >w.ts
ok 'infinite: sorts, but has no colour' '
	shows baecd --scores w.ts --sort s images.ts &&
	error "w.ts.*row 0: .s. is infinite" ds-view --scores w.ts --border s -o x.png images.ts'
ok 'a column that is not there, or is no number' '
	error "images.ts.*has no column .nope., nor have its scores" ds-view --scores scores.ts --sort nope -o x.png images.ts &&
	error "images.ts.*has no column .s., and no --scores" ds-view --sort s -o x.png images.ts &&
	error "scores.ts.*column .name. is not one number per row" ds-view --scores scores.ts --sort name -o x.png images.ts'
ok 'scores of another kind' 'error "images.ts" ds-view --scores images.ts --sort s -o x.png images.ts'
for input in images scores; do
	size=$(wc -c <$input.ts)
	ok "$input cut off anywhere: exit 1, no file, nothing on stdout" '
		cp images.ts cut-images.ts; cp scores.ts cut-scores.ts; bad_cut=; i=0; mkdir -p clean
		while [ $i -lt $size ]; do
			head -c $i $input.ts >cut-$input.ts
			ds-view --scores cut-scores.ts --sort s cut-images.ts >out 2>err; rc=$?
			test $rc = 1 && ! test -s out && test -s err || bad_cut="$bad_cut $i:$rc"
			i=$((i + 7))
		done
		! ds-view --scores cut-scores.ts --sort s -o clean/x.png cut-images.ts 2>err && test -z "$(ls -A clean)" && test -z "$bad_cut"'
done
ok 'a full disk: one line, exit 1' '
	ds-view images.ts >/dev/full 2>err; test $? = 1 && grep -q "cannot write .<stdout>.: No space" err && test $(wc -l <err) = 1 &&
	ds-view --text images.ts >/dev/full 2>err; test $? = 1 && grep -q "No space" err && test $(wc -l <err) = 1'
ok 'of several failures the first is printed: images, scores, output' '
	one() { ds-view --sort s "$@" >/dev/full 2>err; test $? = 1 && test $(wc -l <err) = 1; }
	one --scores no-scores.ts no-images.ts && grep -q "no-images.ts" err && one --scores no-scores.ts images.ts && grep -q "no-scores.ts" err &&
	one --scores no-scores.ts -o no/such/x.png images.ts && grep -q "no-scores.ts" err && one --scores scores.ts -o no/such/x.png images.ts && grep -q "no/such" err'
ok 'SIGTERM leaves no temporary file' '
	mkdir killed; mkfifo pipe; { cat images.ts; sleep 9; } >pipe 2>/dev/null & ds-view -o killed/f.png <pipe & pid=$!
	for i in 1 2 3 4 5 6 7 8 9 10; do [ -n "$(ls -A killed)" ] && break; sleep 0.3; done
	test -n "$(ls -A killed)" && kill $pid; wait $pid 2>/dev/null; test $? = 143 && test -z "$(ls -A killed)"'
ts-gen images image:u1:2x2x2 3 1 >two.ts; ts-gen images image:u1:3x0x2 3 1 >flat.ts; ts-gen images image:u1:3x2x2 0 1 >none.ts
ok 'images of two channels, of no pixels, no images' '
	error "two.ts.*1 or 3 channels" ds-view -o x.png two.ts && error "flat.ts.*2 x 0 pixels cannot" ds-view -o x.png flat.ts &&
	error "none.ts.*is empty" ds-view -o x.png none.ts'
ok 'a sheet that is too large is refused' 'error "smaller grid or scale" ds-view --grid 4096x4096 --scale 4 -o x.png images.ts'
usage() { fails 2 "$@"; }
ok 'misuse' '
	usage "is not CxR" ds-view --grid 3 images.ts && usage "is not CxR" ds-view --grid 0x3 images.ts && usage "is not CxR" ds-view --grid 3x3x3 images.ts &&
	for g in +3x3 " 3x3" "3x 3" 3x3x 3xx3 x3 3x99999999999999999999 3x4097; do usage "is not CxR" ds-view --grid "$g" images.ts || exit; done &&
	usage "needs --sort" ds-view --top 3 images.ts && usage "exclude" ds-view --sort own --top 3 --bottom 3 images.ts &&
	usage "larger --grid" ds-view --sort own --top 5 --grid 2x2 images.ts && usage "needs --sort or --border" ds-view --scores scores.ts images.ts &&
	usage "read once only" ds-view --scores - --sort s'
done_testing
