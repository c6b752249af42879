#!/bin/sh
# ds-pack: which class an image of a folder has, and that no class goes missing silently.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/ds/photos
labels() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f1 | tr '\n' ' '; }
names() { ds-pack -q "$@" | ts-dump --tsv | sed 1d | cut -f2 | tr '\n' ' '; }
classes() { ds-pack -q "$@" | ts-dump --header | grep '"classes"' | sed 's/.*"classes": \[//; s/\].*//; s/"//g'; }
is() { want=$1; shift; got=$("$@"); [ "$got" = "$want" ] || { echo "# got $got"; false; }; }
bad() { rm -f x.ts; fails 1 "$@" -o x.ts && test ! -e x.ts; }
said() { ds-pack "$@" -o x.ts 2>err; cat err; }
put() { for p; do mkdir -p "$(dirname "$p")" && cp "$g/cat/0.png" "$p"; done; }
tarred() { tar cf "$1.tar" --sort=name "$1"; }

put sun/a/abbey/1.png sun/a/apartment_building/outdoor/1.png sun/b/balcony/exterior/1.png sun/c/church/indoor/1.png sun/c/church/outdoor/1.png
tarred sun
want='abbey, apartment_building/outdoor, balcony/exterior, church/indoor, church/outdoor'
ok 'folders of one name below different ones are classes of their own' 'is "$want" classes sun && is "$want" classes sun.tar && is "0 1 2 3 4 " labels sun'
ok 'which is said, with what makes one of them' 'said sun | grep -q "apartment_building/outdoor. and .church/outdoor. are two classes; --class-level -1" &&
	is "abbey, exterior, indoor, outdoor" classes sun --class-level -1'
put split/train/cat/1.png split/train/dog/1.png split/val/dog/2.png split/test/3.png
tarred split
ok 'the folders of splits are no part of a class' 'is "cat, dog" classes split && is "-1 0 1 1 " labels split && is "cat, dog" classes split.tar && is "-1 0 1 1 " labels split.tar &&
	said split | grep -q "split. has several splits, such as .t.*., and all are taken; --split NAME takes one" && said split --split train | cmp - /dev/null'
put big/Train/cat/1.png big/Train/dog/1.png big/Test/2.png
ok 'in upper case, too' 'is "cat, dog" classes big && is "-1 0 1 " labels big && said big | grep -q "big. has several splits, such as .T.*., and all are taken" && is "0 1 " labels big --split Train'
put medical/control/1.png medical/test/2.png
ok 'but a class may be called test' 'is "control, test" classes medical'
put covid/COVID/images/1.png covid/COVID/masks/1.png covid/Normal/images/2.png covid/Normal/masks/2.png
ok 'CLASS/images/x.png is of class CLASS' 'is "COVID, Normal" classes covid && is "0 0 1 1 " labels covid && is "0 1 " labels covid --files "*/images/*" && said covid | grep -q "COVID/masks. lies beside a folder .images."'
put pets/images/1.png pets/notes/trimaps/1.png
ok 'that images from beside a folder of images are taken, is said' 'said pets | grep -q "notes/trimaps. lies beside a folder .images.: its images are taken, too (--files .\*images/\*." && is "-1 " labels pets --files "*images/*"'
put dtd/dtd/images/banded/1.png dtd/dtd/images/dotted/1.png
ok 'images/CLASS/x.png too' 'is "banded, dotted" classes dtd && tar cf dtd.tar --sort=name -C dtd dtd && is "banded, dotted" classes dtd.tar'
put loose/set/1.png loose/set/cat/1.png loose/set/dog/2.png; tar cf loose.tar --sort=name -C loose set
ok 'an image right in the root has no class' 'is "cat, dog" classes loose.tar && is "-1 0 1 " labels loose.tar && is "-1 0 1 " labels loose/set'
put deep/cat/1.png deep/dogs/poodle/1.png deep/dogs/beagle/1.png
ok 'classes of different depth' 'is "beagle, cat, poodle" classes deep && is "cat, dogs" classes deep --class-level 1'
put inner/set/train/cat/1.png inner/set/train/cat/new/2.png inner/set/train/dog/1.png
ok 'a class in the folder of another is said, with what makes one of them' 'is "cat, dog, new" classes inner && said inner | grep -q "^ds-pack: .cat. holds images itself, and .cat/new. in it is a class of its own; --class-level 3" &&
	said inner --split train | grep -q "class-level 1 makes" && is "0 0 1 " labels inner --class-level 3 && is "0 0 1 " labels inner --split train --class-level 1 && test $(wc -l <err) = 1'
ok '--class-level: below the split' 'is "cat, dog" classes split --split train --class-level 1 && is "dog" classes split --split val --class-level -1 && is "-1 0 0 " labels loose/set --class-level 1 --map-classes /dev/stdin <<END
cat	a
dog	a
END'
put shard1/set/cat/1.png shard1/set/dog/1.png shard2/set/dog/2.png
for s in 1 2; do tar cf shard$s.tar --sort=name -C shard$s set; done
ok 'shards of one archive, one of which holds one class' 'is "cat, dog" classes shard1.tar shard2.tar && is "0 1 1 " labels shard1.tar shard2.tar && is "1 0 1 " labels shard2.tar shard1.tar'
cp "$g/cat/0.png" one.png; cp "$g/dog/0.png" two.png
ok 'files given one by one are no classes' 'is "-1 -1 " labels one.png two.png && is "one/one.png two/two.png " names one.png two.png'

put hidden/cat/1.png hidden/dog/1.png hidden/.ipynb_checkpoints/1-checkpoint.png hidden/cat/.ipynb_checkpoints/1.png hidden/dog/@eaDir/1.jpg hidden/.git/cls/0.png
printf 'plane\n' >hidden/.git/batches.meta.txt; tarred hidden
for s in hidden hidden.tar; do
	ok "$s: hidden folders are none" 'is "cat, dog" classes $s && is "0 1 " labels $s && ds-pack -v $s 2>&1 >x.ts | grep -q "2 images; 5 other files"'
done
mkdir empty; put empty/cat/1.png empty/eel/1.png; mkdir -p empty/dog; tarred empty
for s in empty empty.tar; do
	ok "$s: a class folder without an image" 'bad "$s.: .*dog. holds no image, and lies beside the folders of classes such as .\(cat\|eel\).: choose --empty-classes" ds-pack $s &&
		is "0 1 " labels $s --empty-classes drop && is "0 2 " labels $s --empty-classes keep && is "cat, dog, eel" classes $s --empty-classes keep'
done
echo notes >empty/dog/notes.txt
ok 'one with other files alone' 'bad "dog. holds no image" ds-pack empty'
rm -r empty/dog; ln -s /no/such/disk empty/dog; tarred empty
for s in empty empty.tar; do
	ok "$s: a class folder that is a link to nothing" 'bad "dog. is a link that leads to nothing" ds-pack $s && is "0 1 " labels $s --empty-classes drop && is "0 2 " labels $s --empty-classes keep'
done
put notes/train/images/cat/1.png notes/train/images/dog/1.png; mkdir -p notes/labels notes/train/labels notes/train/images/cat/.cache; echo x >notes/labels/x.txt
ok 'folders that lie elsewhere are no classes' 'is "cat, dog" classes notes && said notes | cmp - /dev/null'
mkdir batches; cp "$SRC"/t/golden/ds/cifar/bin/* batches; rm batches/data_batch_1.bin; ln -s nowhere batches/data_batch_1.bin
ok 'a file of a set that is a link to nothing' 'bad "data_batch_1.bin.: cannot be opened" ds-pack batches'

for i in 0 1 2 3 4 5 6 7 8 9 10 11; do put num/$i/x.png; done
ok 'folders that are all numbers have these as labels' 'is "0 1 10 11 2 3 4 5 6 7 8 9 " labels num && said num | grep -q "sorted by value, .9. before .10. (--class-order bytes"'
ok 'or are sorted as texts, as told' 'is "0 1 2 3 4 5 6 7 8 9 10 11 " labels num --class-order bytes && said num --class-order bytes | grep -q "sorted as texts: .2. has label 4"'
rm -r num/2 num/1?
ok 'one that is missing is said' 'is "0 1 2 3 4 5 6 7 8 " labels num && said num | grep -q "some are missing: .3. has label 2"'
put twice/01/x.png twice/1/x.png twice/2/x.png
ok 'one that is there in two forms, too' 'is "0 1 2 " labels twice && said twice | grep -q "numbers, but .01. and .1. are two, with labels 0 and 1"'
put half/cat/1.png half/dog/1.png; (cd half && tar cf eel.tar dog) && mkdir -p shards/a && cp half/eel.tar shards/a
ok 'an archive in a folder is said: a class that was not unpacked, shards' 'said half | grep -q "^ds-pack: .eel.tar. is an archive inside the source, which is not read; give it as a source" && bad "shards. holds no images that are read; .a/eel.tar. is an archive inside" ds-pack shards'
put padded/001/x.png padded/002/x.png padded/003/x.png
ok 'nothing is said of those from 1 on' 'is "0 1 2 " labels padded && said padded | cmp - /dev/null'
echo 'not a picture' >padded/002/x.png
ok '--skip-bad: a class whose images are all damaged stays one' 'is "0 2 " labels padded --skip-bad'

for d in cat/train cat/test dog/train dog/test; do mkdir -p below/$d && cp hidden/cat/*.png below/$d/; done
ok 'folders of splits below those of classes: said that there is no class, and what makes one' '
	said below | grep -q "cat. and .dog.: they have no class; --class-level -2" && said below --split train | grep -q "class-level -2" &&
	is "cat, dog" classes below --class-level -2 && said below --class-level -2 | cmp - /dev/null'
ok 'of one folder with its splits only that all are taken' 'said below/cat | grep -q "several splits" && test $(wc -l <err) = 1'

mkfifo empty/cat/2.png; tar cf fifo.tar -C empty cat eel
for s in empty fifo.tar; do
	ok "$s: a FIFO called as an image" 'bad "2.png.: is a FIFO, a socket or a device, not a file" timeout 20 ds-pack $s --empty-classes drop'
done
ok 'a FIFO as a source, in a list' 'bad "2.png. is neither a file nor a folder.*give it as standard input" timeout 20 ds-pack empty/cat/2.png && echo "empty/cat/2.png 1" >l.txt && bad "2.png. is a FIFO, a socket or a device" timeout 20 ds-pack --list l.txt &&
	bad "/dev/zero. is neither" timeout 20 ds-pack /dev/zero && ln -s /dev/zero empty/eel/0.png && bad "0.png.: is a FIFO" timeout 20 ds-pack empty/eel'
ok 'one beside images is passed over' 'mkfifo hidden/cat/pipe && is "0 1 " labels hidden'
done_testing
