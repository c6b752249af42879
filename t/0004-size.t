#!/bin/sh
# Small files and small functions: a tool has at most 310 lines, a library file 500, a function 60.
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99
# Exceptions, each with its reason: "FILE" or "FILE:FUNCTION".
except() {
	case $1 in
	lib/none.c:never) true ;;      # an example of the form
	*) false ;;
	esac
}
long() {                               # limit, files: names those that exceed it
	max=$1; shift
	for f; do
		except "$f" || awk -v max="$max" -v f="$f" 'END { if (NR > max) print "# " f ": " NR " lines" }' "$f"
	done >"$scratch/long"
	cat "$scratch/long"; ! test -s "$scratch/long"
}
# A function starts at a line that is only "{" and ends at one that is only "}"; its name is the last word
# before a "(" that starts in the first column's declaration.
functions() {
	awk '
	/^[A-Za-z_].*\(/ && !/;[ \t]*$/ { name = $0; sub(/\(.*/, "", name); sub(/.*[^A-Za-z0-9_]/, "", name) }
	/^\{[ \t]*$/ { start = FNR }
	/^\}[ \t]*$/ && start { print FNR - start + 1, FILENAME ":" name; start = 0 }' "$@"
}
ok 'tools have at most 310 lines' 'long 310 tools/*.c'
ok 'library files have at most 500 lines' 'long 500 lib/*/*.c lib/*/*/*.c lib/*/*.[ch]pp'
ok 'headers have at most 300 lines' 'long 300 lib/*/*.h lib/*/*/*.h'
functions tools/*.c lib/*/*.c lib/*/*/*.c lib/*/*.[ch]pp >"$scratch/functions"
ok 'functions were found' 'test "$(wc -l <"$scratch/functions")" -gt 200'
ok 'functions have at most 60 lines' '
	while read -r lines f; do
		[ "$lines" -le 60 ] || except "$f" || echo "# $f: $lines lines"
	done <"$scratch/functions" >"$scratch/long"; cat "$scratch/long"; ! test -s "$scratch/long"'
ok 'no line has more than 120 columns' '
	grep -n -E "^.{121,}$" lib/*/*.[ch] lib/*/*/*.[ch] lib/*/*.[ch]pp tools/*.c >"$scratch/wide"; sed "s/^/# /" "$scratch/wide"; ! test -s "$scratch/wide"'
done_testing
