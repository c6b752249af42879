#!/bin/sh
# Lists of images as OpenOOD's users have them: trailing blanks, labels as floats and as JSON, labels that are none; and what
# a stream's END must say.
. "$SRC/t/lib.sh"
PATH=$BUILD/t/helper:$PATH
mkdir -p images/a; for i in 0 1 2; do image-gen png 8 8 >images/a/$i.png; done; cp images/a/0.png 'images/a/two words.png'; cp images/a/0.png 'images/a/x 3.5'
labels() { printf "$1" >list && ds-pack -q --list list --root images -o x.ts 2>err && ts-dump --tsv x.ts | sed 1d | cut -f 1 | tr '\n' ' '; }
ok 'blanks and carriage returns behind the label, empty lines' 'test "$(labels "a/0.png 3  \na/1.png 4\t\n\n  \na/2.png 5 \r\n")" = "3 4 5 "'
ok 'labels as floats' 'test "$(labels "a/0.png 3.0\na/1.png -1.0\na/2.png 1e1\n")" = "3 -1 10 "'
ok 'JSON labels: label' 'test "$(labels "a/0.png {\"group_label\": 0, \"class_label\": 1, \"label\": 1}\na/1.png {\"label\": 5}\n")" = "1 5 "'
ok 'paths with blanks, with and without labels' 'test "$(labels "a/two words.png 2\na/x 3.5\n")" = "2 -1 " && test "$(labels "a/two words.png\n")" = "-1 "'
refused() { printf "$1" >list; fails 1 "list.: line 1: $2" ds-pack --list list --root images -o x.ts; }
ok 'what is no label is told' 'refused "a/0.png -2\n" "label .-2. is not a class" && refused "a/0.png 3.5\n" "label .3.5. is not a class" && refused "a/0.png nan\n" "label .nan. is not a class" && refused "a/0.png 99999999999\n" "label .99999999999. is not a class" &&
	refused "a/0.png cat\n" "label .cat. is not a number" && refused "a/0.png {\"class\": 1}\n" ".*is JSON without a whole number .label" && refused "a/0.png {\"label\": \"1\"}\n" ".*is JSON without" && refused "a/0.png {label}\n" ".*is JSON without"'
ok 'a mark before UTF-8' 'test "$(labels "\357\273\277a/0.png 3\na/1.png 4\n")" = "3 4 "'
ok 'a table of commas is told what a line is' 'printf "a/0.png,3\n" >list; fails 1 "lists .a/0.png,3., .*a line is a path, a blank and a label" ds-pack --list list --root images -o x.ts'
ok 'a missing file is still one' 'printf "a/9.png 1\n" >list; fails 1 "lists .a/9.png., which is not in .images." ds-pack --list list --root images -o x.ts'

# Every single bit of END: what END says of itself is looked at too.
ts-gen scores e:f4 3 1 | ts-cat --no-history >s.ts
/usr/bin/python3 - <<'END'
b = open("s.ts", "rb").read(); at = b.rindex(b"\x83\xa3end")
for i in range(8 * at, 8 * len(b)):
    c = bytearray(b); c[i // 8] ^= 1 << i % 8; open("flip%d.ts" % i, "wb").write(c)
END
ok 'no flip of END passes' 'flips=0; for f in flip*.ts; do flips=$((flips + 1)); ts-cat $f >/dev/null 2>&1 && { echo "# $f"; break; }; done; test $flips -gt 200 && ! ts-cat $f >/dev/null 2>&1 && echo "# $flips flips"'
done_testing
