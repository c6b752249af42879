#!/bin/sh
# No line has more than 120 columns. Long files and functions are only listed: length is a hint, and a rule would split
# them in unnatural places.
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99
long() {                               # limit, files
	max=$1; shift
	for f; do awk -v max="$max" -v f="$f" 'END { if (NR > max) print "# " f ": " NR " lines, over " max }' "$f"; done
}
# A function starts at a line that is only "{" and ends at one that is only "}"; its name is the last word
# before a "(" that starts in the first column's declaration.
functions() {
	awk '
	/^[A-Za-z_].*\(/ && !/;[ \t]*$/ { name = $0; sub(/\(.*/, "", name); sub(/.*[^A-Za-z0-9_]/, "", name) }
	/^\{[ \t]*$/ { start = FNR }
	/^\}[ \t]*$/ && start { print FNR - start + 1, FILENAME ":" name; start = 0 }' "$@"
}
long 310 tools/*.c
long 500 lib/*/*.c lib/*/*/*.c lib/*/*.[ch]pp
long 300 lib/*/*.h lib/*/*/*.h
functions tools/*.c lib/*/*.c lib/*/*/*.c lib/*/*.[ch]pp >"$scratch/functions"
awk '$1 > 60 { print "# " $2 ": " $1 " lines, over 60" }' "$scratch/functions"
ok 'functions were found' 'test "$(wc -l <"$scratch/functions")" -gt 200'
ok 'no line has more than 120 columns' '
	grep -n -E "^.{121,}$" lib/*/*.[ch] lib/*/*/*.[ch] lib/*/*.[ch]pp tools/*.c >"$scratch/wide"; sed "s/^/# /" "$scratch/wide"; ! test -s "$scratch/wide"'
done_testing
