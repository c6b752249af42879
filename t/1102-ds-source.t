#!/bin/sh
# ds-pack: nothing is left out silently. Sources that are cut off, hold links, have odd names or odd files.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/ds
cp -r "$g/photos" photos
names() { ds-pack "$@" | ts-dump --tsv | sed 1d | cut -f2; }
row_list() { names "$@" | tr '\n' ' '; }
all=$(names photos | wc -l)

# Cut after every block, a tar file is refused or whole: cuts between two files are the ones that hurt.
tar cf photos.tar --sort=name photos
size=$(wc -c <photos.tar) wrong= refused=0 block=0
while [ $((block * 512)) -lt "$size" ]; do
	head -c $((block * 512)) photos.tar >cut.tar
	if ds-pack cut.tar -o cut.ts 2>err; then
		[ "$(ts-dump --tsv cut.ts | sed 1d | wc -l)" = "$all" ] || wrong="$wrong $block"
	elif grep -q "^ds-pack: 'cut.tar'" err; then
		refused=$((refused + 1))
	else
		wrong="$wrong $block:$(cat err)"
	fi
	rm -f cut.ts; block=$((block + 1))
done
ok "a tar file cut after any block is refused or whole$wrong" 'test -z "$wrong" && test $refused -ge 10'
# One byte changed: whatever the compression, it is refused or the pixels are the same.
pixels() { ds-pack "$@" | ts-cat --select image,label | ts-dump; }
pixels photos.tar >want
for kind in gz xz bz2 zst; do
	case $kind in gz) p=gzip ;; xz) p=xz ;; bz2) p=bzip2 ;; zst) p=zstd ;; esac
	command -v $p >/dev/null || continue
	$p -c photos.tar >whole; size=$(wc -c <whole) other= refused=0
	for part in 3 4 5 6 7 8 9 10 11 12 13; do
		at=$((size * part / 16))
		{ head -c $at whole; printf x; tail -c +$((at + 2)) whole; } >damaged
		cmp -s damaged whole && continue
		if ds-pack damaged -o d.ts 2>err; then
			pixels damaged | cmp -s - want || other="$other $at"
		else
			refused=$((refused + 1))
		fi
	done
	ok "a damaged tar.$kind does not give other pixels$other" 'test -z "$other" && test $refused -ge 8'
done
if command -v zip >/dev/null; then
	zip -qr photos.zip photos
	size=$(wc -c <photos.zip) taken=
	for less in 1 22 23 100 400 1000; do
		head -c $((size - less)) photos.zip >cut.zip
		! ds-pack cut.zip -o z.ts 2>err || taken="$taken $less"
	done
	ok 'a zip without the whole of its directory is refused' 'test -z "$taken" && grep -q "cut.zip.*neither a folder nor a whole archive" err'
else
	ok 'a zip cut off # SKIP no zip' true
fi
ok 'names that are not ASCII, whatever the locale' '
	test "$(names "$g/names.zip")" = "$(printf "caf\303\251/\303\251.png")" &&
	ds-pack "$g/names.zip" | ts-dump --header | grep -q "\"classes\": .\"$(printf "caf\303\251")\""'

# Names that are no UTF-8, in a folder and in a tar; and with control characters.
latin=$(printf 'caf\351') odd=$(printf 'mu\361oz\033[31m\nx.png')
mkdir -p "latin/$latin" latin/bar; cp photos/cat/0.png "latin/$latin/$odd"; cp photos/cat/0.png latin/bar/x.png; tar cf latin.tar --sort=name latin
utf8() { iconv -f UTF-8 -t UTF-8 >/dev/null; }
for s in latin latin.tar; do
	ok "$s: a stream and a manifest are UTF-8 all the same" 'ds-pack $s -o latin.ts && ts-dump latin.ts | utf8 && ts-dump --header latin.ts | utf8 && ts-dump --header latin.ts | grep -q "caf.*xe9" &&
		ds-pack $s --manifest -o m.tsv && utf8 <m.tsv && grep -q "caf.*xe9/mu.*xf1oz.x1b.31m.nx.png" m.tsv && test $(wc -l <m.tsv) = 3 && test "$(tr -d "\n\t -~" <m.tsv | wc -c)" = 0 && ds-pack $s --check m.tsv -o y.ts'
done
mv latin.tar "$latin.tar"
ok 'so is the name of the source' 'ds-pack "$latin.tar" -o latin.ts && ts-dump --header latin.ts | utf8 && ts-dump --header latin.ts | grep -q "source.*caf.*xe9.tar"'

mkdir -p links/a; cp photos/cat/0.png links/a/0.png; ln -s 0.png links/a/1.png
ok 'a folder: links are followed' 'test "$(row_list links)" = "a/0.png a/1.png "'
tar cf links.tar links
ok 'an archive: an image that is a link is named, not left out' 'fails 1 "links.tar.*links/a/1.png.*is a link.*-h" ds-pack links.tar -o x.ts && ! test -e x.ts'
tar chf links.tar links --hard-dereference
ok 'and does as it is told' 'test "$(names links.tar | wc -l)" = 2'
rm links/a/1.png; ln links/a/0.png links/a/1.png; tar cf links.tar links
ok 'hard links likewise' 'fails 1 "links.tar.*is a link" ds-pack links.tar -o x.ts'
rm links/a/1.png; ln -s nowhere links/a/1.png
ok 'a link to nothing is named' 'fails 1 "links.: .a/1.png.: .*No such file" ds-pack links -o x.ts'
rm links/a/1.png; ln -s nowhere links/a/notes.txt
ok 'a link that is no image is passed over' 'test "$(row_list links)" = "a/0.png "'

mkdir -p order/cat order/cat-2; cp photos/cat/0.png order/cat/; cp photos/cat/0.png order/cat-2/; cp photos/cat/0.png order/cat.png
ok 'a folder comes in the order of its paths' '
	test "$(row_list order)" = "cat-2/0.png cat.png cat/0.png " && (cd order && find * -type f) | LC_ALL=C sort | tr "\n" " " >s &&
	test "$(row_list order)" = "$(cat s)"'
ok 'classes by bytes, none at the top' 'test "$(ds-pack order | ts-dump --tsv | sed 1d | cut -f1 | tr "\n" " ")" = "1 -1 0 "'

mkdir -p deep/set/train2/cat deep/set/train/cat deep/val/images; for d in set/train2/cat set/train/cat val/images; do cp photos/cat/0.png deep/$d; done
ok '--split: all that there are, at any depth' 'fails 1 "its folders are: set train train2 val" ds-pack deep --split nope'
ok '--split: CIFAR knows its own' 'fails 1 "its folders are: train test" ds-pack "$g/cifar/py" --split nope'
for f in meta train test; do echo 'just text' >links/$f; done; : >links/a/labels.csv
ok 'text files with the names of CIFAR-100 do no harm' 'test "$(row_list links)" = "a/0.png "'
ok 'files passed over are counted with -v' 'ds-pack -v links 2>err >out && grep -q "1 images; 5 other files" err'

ln -s "$PWD/photos/cat/0.png" secret.png
printf '#mtree\n./cat/x.png type=file contents=%s\n' "$PWD/secret.png" >list.mtree
ok 'formats that name files elsewhere are no archives' 'fails 1 "neither a folder nor a whole archive" ds-pack list.mtree'
ok 'nor is one of several sources passed over that is none: an empty shard, a page that says why' 'mkdir -p two/cat && cp "$SRC/t/golden/ds/photos/cat/0.png" two/cat && (cd two && tar cf ../two.tar cat) && : >three.tar && echo "<html>" >four.tar &&
	fails 1 "three.tar. is neither a folder nor a whole archive" ds-pack two.tar three.tar && fails 1 "four.tar. is neither" ds-pack four.tar two.tar'
ok 'nor a folder or an archive without images' 'mkdir -p bare/x && echo text >bare/x/readme && tar cf bare.tar bare && for s in bare bare.tar; do fails 1 "$s. holds no images" ds-pack two.tar $s || exit; done; ds-pack -q two.tar bare --files "*0.png" -o x.ts'
ok 'an empty file neither' ': >void; fails 1 "void.*neither" ds-pack void'
ok 'one image that is damaged is named once' 'head -c 200 photos/cat/1.jpg >one.jpg; fails 1 "^ds-pack: .one.jpg.: damaged JPEG" ds-pack one.jpg'
ok 'one image is a source of one' 'test "$(row_list photos/cat/0.png)" = "0.png "'
tar cf none.tar --files-from /dev/null
ok 'an empty archive holds no images' 'fails 1 "none.tar.*no images" ds-pack none.tar'

mkdir py2; cp "$g/cifar/py/test_batch" py2
ok 'CIFAR, pickled anew by Python 3: the same' 'pixels py2 >a && pixels "$g/cifar/py3" | cmp - a && test -s a'
mkdir few; cp "$g/cifar/bin/test_batch.bin" few; printf 'plane\ncar\n' >few/batches.meta.txt
ok 'CIFAR: more labels than classes' 'fails 1 "few.*2 classes.*label 8" ds-pack few'
: >few/batches.meta.txt
ok 'CIFAR: an empty list of classes' 'fails 1 "few.*batches.meta.txt.*no names" ds-pack few'
done_testing
