#!/bin/sh
# ds-pack of Parquet as HuggingFace serves it: files that pyarrow wrote (t/golden/parquet/make.py), what is refused, damage.
. "$SRC/t/lib.sh"
g=$SRC/t/golden/parquet
pixels() { ds-pack -q "$@" | ts-cat --select image | ts-dump; }
labels() { ds-pack -q "$@" | ts-cat --select label | ts-dump --tsv | sed 1d; }
pixels "$g/images" >want
for f in gzip zstd none int32 plain v2-zstd bare more pages v2 snappy; do
	case $f in gzip|zstd|v2-zstd|none) ;; *)
		if ! ds-pack -q "$g/$f.parquet" -o x 2>err && grep -q "libsnappy.so.1 (Debian: libsnappy1v5) is not installed" err; then
			ok "$f # SKIP no libsnappy" true
			continue
		fi ;;
	esac
	ok "$f: the pictures" 'pixels "$g/$f.parquet" | cmp - want'
	ok "$f: the labels" 'labels "$g/$f.parquet" | cmp - "$g/labels.txt"'
done
ok 'classes in the order of their numbers, names of rows' 'ds-pack "$g/none.parquet" >n.ts && ts-dump --header n.ts | grep -q "\"classes\": \[\"cat\", \"dog\", \"fox\"\]" && test "$(ts-dump --tsv n.ts | sed 1d | cut -f2 | sed -n 3p)" = none.parquet/00002'
ok 'without metadata: numbers alone' '! ds-pack "$g/bare.parquet" 2>/dev/null | ts-dump --header | grep -q fox'
ok 'pictures that are the same: by a dictionary' 'pixels "$g/repeated.parquet" >r && test $(sort -u r | wc -l) = 2 && test $(wc -l <r) = 7'
ok '--coarse: the other labels; which are taken is said' 'ds-pack --coarse "$g/more.parquet" 2>err >c.ts && test "$(ts-cat --select label c.ts | ts-dump --tsv | sed 1d | tr -d "\n")" = 0101010 && grep -q "of 2 columns of labels .coarse. is taken" err && ts-dump --header c.ts | grep -q "\"a\", \"b\""'
ok 'shards of a set, and splits' 'test $(labels "$g/data" | wc -l) = 9 && labels "$g/data" --split train | cmp - "$g/labels.txt" && pixels "$g/data" --split train | cmp - want && test $(labels "$g/data" --split test | wc -l) = 2 && fails 1 "folders are: test train" ds-pack "$g/data" --split val'
ok 'shards as sources, in an archive, packed, on standard input' 'labels "$g"/data/train-* | cmp - "$g/labels.txt" && tar cf d.tar --sort=name -C "$g" data && pixels d.tar --split train | cmp - want && gzip -c "$g/none.parquet" >z.gz && pixels z.gz | cmp - want && pixels - <"$g/none.parquet" | cmp - want'
ok 'a set of which files are missing is told of' '
	mkdir part && cp "$g"/data/*-00000-* part && ds-pack part --split train 2>err >p.ts && grep -q "of .train. only 1 of 2 files are read" err && test $(wc -l <err) = 1 &&
	ds-pack part --split test 2>err >p.ts && ! test -s err &&
	ds-pack "$g/data" 2>err >p.ts && grep -q "data. has several splits, and all are taken: test train; --split NAME takes one" err && test $(wc -l <err) = 1'
ok 'labels that are text, or have another name: said that there is no class' '
	for f in "words label" "called target"; do set -- $f; ds-pack "$g/$1.parquet" 2>err >w.ts; test $(ts-dump --tsv w.ts | grep -c "^-1") = 7 && test $(wc -l <err) = 1 && grep -q "column .$2. is not taken for labels, so its images have no class: labels are whole numbers" err || return 1; done
	ds-pack "$g/bare.parquet" 2>err >w.ts; ! grep -q "not taken" err'
ok 'other options choose and shape' 'echo fox >fox && test $(labels "$g/none.parquet" --map-classes map --size 8 2>/dev/null | wc -l) = 0; printf "cat\tx\ndog\tx\nfox\t-\n" >map && test "$(labels "$g/none.parquet" --map-classes map --size 8 | tr -d "\n")" = "-100-1-100"'
ok '--threads' 'for t in 1 3; do ds-pack -q --threads $t "$g/pages.parquet" | ts-cat --select image | ts-dump | cmp - want || exit; done'

# ---- refused by name ----
ok 'compression that is not read' 'fails 1 "brotli.parquet.: column .label.: it is compressed with Brotli, which is not read; snappy, zstd, gzip and uncompressed are" ds-pack "$g/brotli.parquet"'
ok 'encodings that are not read' 'fails 1 "column .label.: it has pages of encoding 5, which is not read; plain and dictionary are" ds-pack "$g/delta.parquet"'
ok 'a null, or a path alone, is a damaged row' 'fails 1 "null.parquet/00003.: has no bytes: the row is null, or has a path alone" ds-pack "$g/null.parquet" -o x.ts && test $(labels "$g/null.parquet" --skip-bad | wc -l) = 5'
ok 'no images' 'fails 1 "without a column of images" ds-pack "$g/lists.parquet" && fails 1 "without a column of images" ds-pack "$g/numbers.parquet"'
ok 'a label that has no name' 'fails 1 "label 3 of row 3 is not one of its 3 classes" ds-pack "$g/label.parquet"'

# ---- damage ----
size=$(wc -c <"$g/none.parquet")
ok 'cut off' 'for c in 4 11 12 100 $((size / 2)) $((size - 1)); do head -c $c "$g/none.parquet" >cut.parquet; ds-pack cut.parquet >x 2>err; test $? = 1 && test $(wc -l <err) = 1 && ! ts-dump x >y 2>&1 || { echo "# $c"; exit 1; }; done; head -c 1000 "$g/none.parquet" >cut.parquet; fails 1 "cut.parquet.: a Parquet file that is cut off" ds-pack cut.parquet'
ok 'gzip, changed at many places: an error, or the right pictures' '
	size=$(wc -c <"$g/gzip.parquet") at=4 right=0 wrong=0
	while [ $at -lt $size ]; do
		{ head -c $at "$g/gzip.parquet"; printf "\125"; tail -c +$((at + 2)) "$g/gzip.parquet"; } >c.parquet
		if pixels c.parquet >got 2>err; then cmp -s got want && right=$((right + 1)) || { echo "# $at"; exit 1; }
		else test $(grep -c ds-pack err) = 1 && wrong=$((wrong + 1)) || { echo "# $at"; cat err; exit 1; }; fi
		at=$((at + size / 60))
	done
	test $wrong -gt 10'
ok 'encrypted' '{ printf PARE; head -c 50 /dev/zero; printf "\0\0\0\0PARE"; } >e.parquet; fails 1 "encrypted" ds-pack e.parquet'
ok 'a footer that is longer than the file' '{ printf PAR1; head -c 50 /dev/zero; printf "\377\377\377\007PAR1"; } >e.parquet; fails 1 "footer of 134217727 bytes" ds-pack e.parquet'
done_testing
