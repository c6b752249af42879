#!/bin/sh
# ds-view on a terminal: the sheet in kitty's way or as sixels, whichever the terminal can show; captions.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
python3 -c 'import pty' 2>/dev/null || skip_all 'no python3 for a terminal'
unset KITTY_WINDOW_ID TERM_PROGRAM TMUX
TERM=xterm; export TERM
on_terminal() { python3 "$SRC/t/helper/terminal.py" "$@"; }
kitty='\x1b_Gi=31;OK\x1b\\\x1b[?62;22c' sixel='\x1b[?62;4;22c' neither='\x1b[?62;14;24c'

# What a terminal shows, as lines of hexadecimal pixels.
cat >screen.py <<'END'
import base64, re, struct, sys, zlib
data = sys.stdin.buffer.read()
def kitty():
    pieces = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", data)
    pieces = [p for p in pieces if b"a=q" not in p[0]]
    assert pieces[0][0] == b"a=T,f=100,m=%d" % (len(pieces) > 1), pieces[0][0]
    assert [p[0] for p in pieces[1:]] == [b"m=1"] * (len(pieces) - 2) + [b"m=0"] * (len(pieces) > 1)
    assert all(len(p[1]) == 4096 for p in pieces[:-1]) and len(pieces[-1][1]) <= 4096
    sys.stdout.buffer.write(base64.b64decode(b"".join(p[1] for p in pieces), validate=True))
def sixel():
    w, h, body = re.search(rb"\x1bPq\"1;1;(\d+);(\d+)(.*)\x1b\\", data, re.S).groups()
    w, h, palette, x, y, colour = int(w), int(h), {}, 0, 0, None
    screen = [[None] * w for _ in range(h)]
    for m in re.finditer(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", body):
        new, r, g, b, use, times, many, one, back, down = m.groups()
        if new:
            palette[new] = tuple(round(int(v) * 255 / 100) for v in (r, g, b))
            colour = new
        elif use:
            colour = use
        elif back:
            x = 0
        elif down:
            x, y = 0, y + 6
        else:
            bits = (many or one)[0] - 63
            for _ in range(int(times or 1)):
                for i in range(6):
                    if bits >> i & 1:
                        screen[y + i][x] = palette[colour]
                x += 1
    for line in screen:
        print(*("%02x%02x%02x" % p for p in line))
{"kitty": kitty, "sixel": sixel}[sys.argv[1]]()
END

# Two images of 3 x 2, each of one colour.
printf '%s\n' '255 255 255 255 255 255  0 0 0 0 0 0  0 0 0 0 0 0  0 red/a.png' '0 0 0 0 0 0  0 0 0 0 0 0  255 255 255 255 255 255  1 blue/b.png' |
	ts-gen images image:u1:3x2x3,label:i8,name:str >two.ts
run='ds-view --grid 2x1 --scale 3 two.ts' # libsixel draws less than 6 lines too low
$run >two.png
ok 'a terminal that says it can is shown the PNG' 'on_terminal "$kitty" $run >shown && python3 screen.py kitty <shown | cmp - two.png'
ds-synth --set id -n 60 --seed 1 -o many.ts && ds-view --grid 10x6 many.ts >many.png
ok 'a large one in pieces of 4096' 'on_terminal "$kitty" ds-view --grid 10x6 many.ts >shown && python3 screen.py kitty <shown | cmp - many.png && test "$(grep -a -o "_G" shown | wc -l)" -gt 3'
ok 'by its name it need not be asked' '
	KITTY_WINDOW_ID=1 on_terminal "" $run >shown && ! grep -a -q "a=q" shown && python3 screen.py kitty <shown | cmp - two.png &&
	TERM=xterm-kitty on_terminal "" $run | python3 screen.py kitty | cmp - two.png && TERM_PROGRAM=ghostty on_terminal "" $run | python3 screen.py kitty | cmp - two.png'
ok 'inside a multiplexer it is asked all the same' 'KITTY_WINDOW_ID=1 TMUX=/tmp/x on_terminal "$neither" $run >shown; test $? = 1 && ! grep -a -q "a=T" shown'
if $run >/dev/null && on_terminal '' $run --terminal sixel | grep -a -q 'not installed'; then
	ok 'sixels # SKIP no libsixel1' true
else
	red=f70000 white=f7f7f7 blue=0000f7 # libsixel's palettes have 5 bits per colour
	for line in 1 2 3 4 5 6; do echo $red $red $red $red $red $red $red $red $red $white $white $white $blue $blue $blue $blue $blue $blue $blue $blue $blue; done >want
	ok 'sixels, pixel for pixel, but for what libsixel rounds' 'on_terminal "$sixel" $run >shown && python3 screen.py sixel <shown >got; cmp got want || { sed "s/^/# /" got; false; }'
	ok '--terminal sixel asks nobody' 'on_terminal "" $run --terminal sixel >again && ! grep -a -q "a=q" again && python3 screen.py sixel <again >a && python3 screen.py sixel <shown | cmp - a'
fi
ok 'one that can neither, or does not answer, is told so within seconds' '
	for answer in "$neither" ""; do timeout 20 python3 "$SRC/t/helper/terminal.py" "$answer" $run >shown; test $? = 1 && grep -a -q "terminal that shows no pictures; use -o FILE" shown || exit; done'
ok '^C while it is asked ends the program, and the terminal echoes as before' 'on_terminal "\x03" $run >shown; test $? = 254 && ! grep -a -q "a=T" shown'
ok 'in the background it is not asked' '
	timeout 20 python3 "$SRC/t/helper/terminal.py" "$kitty" bash -mc "$run & wait \$!" >shown; test $? = 1 && ! grep -a -q "a=q" shown && grep -a -q "shows no pictures" shown'
ok 'a dumb one is not asked; --terminal none' '
	TERM=dumb on_terminal "" $run >shown; test $? = 1 && ! grep -a -q "a=q" shown; on_terminal "$kitty" $run --terminal none >shown; test $? = 1 && grep -a -q "will not write a PNG to a terminal;" shown'
ok 'a pipe and a file get a PNG, a table is a table' '
	KITTY_WINDOW_ID=1 $run | cmp - two.png && KITTY_WINDOW_ID=1 on_terminal "" $run -o x.png && cmp x.png two.png && on_terminal "" $run --text | grep -q "red/a.png"'
ok 'where no terminal is, none can be asked for' '
	fails 2 "standard output, which is not a terminal" $run --terminal kitty && fails 2 "because -o is given" $run --terminal sixel -o y.png && fails 2 "gets a table" $run --terminal kitty --text && ! test -e y.png'
ok 'a stream that is cut off shows nothing' 'head -c 100 two.ts >cut.ts; KITTY_WINDOW_ID=1 on_terminal "" ds-view cut.ts >shown; test $? = 1 && ! grep -a -q "_G" shown'

# ---- captions ----
png() { ds-view "$@" | python3 -c '
import struct, sys
print("%dx%d" % struct.unpack(">II", sys.stdin.buffer.read()[16:24]))'; }
ok 'lines of 9 below each image, whatever the scale' '
	test "$(png --grid 2x2 --scale 2 two.ts)" = 14x10 && test "$(png --grid 2x2 --scale 2 --caption class two.ts)" = 14x28 && test "$(png --grid 2x2 --scale 3 --caption all two.ts)" = 21x51'
# Letters are looked at as text: black is #. The image is white.
cat >letters.py <<'END'
import io, sys
from PIL import Image
x = Image.open(io.BytesIO(sys.stdin.buffer.read())).convert("L")
for row in range(x.height - 9 * int(sys.argv[1]), x.height):
    print("".join("#" if x.getpixel((c, row)) == 0 else "." for c in range(x.width)).rstrip("."))
END
if /usr/bin/python3 -c 'import PIL' 2>/dev/null; then
	letters() { /usr/bin/python3 letters.py "$1"; }
	{ seq 1 16 | sed 's/.*/255/' | tr '\n' ' '; echo '1 dir/Hi.png'; } >row.txt
	awk '{ for (i = 1; i <= 48; i++) printf "255 "; print 7, "dir/Hi" }' row.txt | ts-gen images image:u1:3x2x8,label:i8,name:str >wide.ts
	printf '%s\n' '' '#...#...#' '#...#' '#...#..##' '#####...#' '#...#...#' '#...#...#' '#...#..###' '' >want
	ok 'letters' 'printf "%s\n" "$(awk "{ for (i = 1; i <= 48; i++) printf \"255 \"; print 7, \"Hi\" }" row.txt)" | ts-gen images image:u1:3x2x8,label:i8,name:str |
		ds-view --grid 1x1 --scale 2 --caption name | letters 1 >got; cmp got want || { sed "s/^/# /" got; false; }'
	ok 'of a name that is too long, its end' 'ds-view --grid 1x1 --scale 2 --caption name wide.ts | letters 1 | cmp - want'
	ok 'class, value and name are lines, in the order asked for' '
		ds-view --grid 1x1 --scale 2 --caption value,name --sort label wide.ts | letters 2 >got && sed -n "10,18p" got | cmp - want && sed -n "2p" got | grep -q "^#####$" &&
		ds-view --grid 1x1 --scale 2 --caption name,class wide.ts | letters 2 | head -n 9 | cmp - want'
else
	ok 'letters # SKIP no python3-pil' true
fi
ok 'misuse' '
	fails 2 "is not at most three of class, value and name" ds-view --caption colour two.ts && fails 2 "value is that of --sort" ds-view --caption value two.ts &&
	fails 2 "at most three" ds-view --caption name,name,name,name two.ts'
done_testing
