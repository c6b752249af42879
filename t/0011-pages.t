#!/bin/sh
# Each program has a manual page, and each of its options is in it.
. "$SRC/t/lib.sh"
for source in "$SRC"/tools/*.c; do
	tool=$(basename "$source" .c)
	page=${source%.c}.1
	ok "$tool has a page" 'test -s "$page"'
	[ -x "$BUILD/$tool" ] || continue
	missing=$($tool --help | sed -n 's/^  \(-., \|    \)--\([a-z][a-z-]*\).*/\2/p' | while read -r option; do
		# mdoc writes a long option as: Fl \-name
		grep -qE "Fl .-$option( |\$)" "$page" || echo "$option"
	done)
	ok "$tool: every option is in the page" '[ -z "$missing" ] || { echo "#" $missing; false; }'
	sections=$(grep '^\.Sh' "$page" | tr '\n' ' ')
	ok "$tool: the sections" 'test "$sections" = ".Sh NAME .Sh SYNOPSIS .Sh DESCRIPTION .Sh OPTIONS .Sh EXIT STATUS .Sh EXAMPLES .Sh SEE ALSO "'
done
if command -v mandoc >/dev/null; then
	ok 'mandoc finds nothing to warn of' 'mandoc -Tlint -Wwarning "$SRC"/tools/*.1 "$SRC"/lib/ts/ts.5 >out || { sed "s/^/# /" out | head; false; }'
fi
done_testing
