#!/bin/sh
# Every program has a page; every option of its --help is in it; the pages are clean.
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99
lint() {
	command -v mandoc >/dev/null || return 0
	mandoc -Tlint -Wwarning "$1" >"$scratch/lint" 2>&1; sed 's/^/# /' "$scratch/lint"; ! test -s "$scratch/lint"
}
skip=; command -v mandoc >/dev/null || skip=' # SKIP no mandoc'
for source in tools/*.c; do
	tool=${source#tools/} tool=${tool%.c} page=${source%.c}.1
	ok "$tool has a page" 'test -s "$page"'
	[ -s "$page" ] || continue
	ok "$tool: the page is clean$skip" 'lint "$page"'
	ok "$tool: the page has every section" 'for s in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" EXAMPLES "SEE ALSO"; do
		grep -q "^\.Sh $s" "$page" || echo "# no $s"; done >"$scratch/missing"; cat "$scratch/missing"; ! test -s "$scratch/missing"'
	ok "$tool: the page says whether it streams or retains its input" \
		'grep -q -i "streaming\|retains\|reads nothing\|no input" "$page"'
	ok "$tool: what the page names in SEE ALSO is there" '
		sed -n "/^\.Sh SEE ALSO/,\$s/^\.Xr \([a-z-]*\) \([0-9]\).*/\1.\2/p" "$page" | while read -r p; do
			ls tools/$p lib/*/$p 2>/dev/null | grep -q . || test -f "tools/${p%.1}.c" || echo "# no $p"
		done >"$scratch/missing"; cat "$scratch/missing"; ! test -s "$scratch/missing"'
	if ! command -v "$tool" >/dev/null; then
		ok "$tool: options # SKIP not built" true
		continue
	fi
	ok "$tool: every long option of --help is in the page" '
		"$tool" --help | sed -n "s/^  .\{0,4\}--\([a-z][a-z0-9-]*\).*/\1/p" >"$scratch/options"
		test -s "$scratch/options" && while read -r o; do
			grep -q "Fl .*\\\\-$o\( \|$\)" "$page" || echo "# --$o is not in $page"
		done <"$scratch/options" >"$scratch/missing"; cat "$scratch/missing"; ! test -s "$scratch/missing"'
	ok "$tool: every long option in the page is in --help" '
		sed -n "/^\.Sh OPTIONS/,/^\.Sh EXIT/s/^\.It .*Fl .*/&/p" "$page" | grep -o "Fl \\\\-[a-z0-9-]*" | sed "s/Fl ..//" |
		while read -r o; do
			grep -q -x "$o" "$scratch/options" || grep -q -x "${o#no-}" "$scratch/options" || echo "# $tool has no --$o"
		done >"$scratch/missing"; cat "$scratch/missing"; ! test -s "$scratch/missing"'
done
for page in lib/*/*.[1-8] tools/*.[2-8]; do
	ok "$page is clean$skip" 'lint "$page"'
done
ok 'unmask.7 lists every program and every page' '
	for page in tools/*.[17] lib/*/*.5; do
		p=${page##*/}; [ $p = unmask.7 ] || grep -q "^\.It Xr ${p%.*} ${p##*.}$" tools/unmask.7 || echo "# no $p"
	done >"$scratch/missing"; cat "$scratch/missing"; ! test -s "$scratch/missing"'
limit() { sed -n "s/.*TS_MAX_$1 = \([0-9][0-9< ]*[0-9]\).*/\1/p" lib/ts/ts.h; }
ok 'ts.5 has the limits of ts.h' '
	test "$(limit HEADER) $(limit RECORD) $(limit BATCH)" = "64 << 20 256 << 20 64 << 20" &&
	test "$(limit FIELDS) $(limit META) $(limit HISTORY) $(limit OBJECTS)" = "1 << 13 1 << 13 1 << 10 1 << 22" &&
	grep -q "header Ta 64 MiB" lib/ts/ts.5 && grep -q "other record Ta 256 MiB" lib/ts/ts.5 &&
	grep -q "as written Ta 64 MiB" lib/ts/ts.5 && grep -q "meta Ta 8,192" lib/ts/ts.5 && grep -q "fields Ta 8,192" lib/ts/ts.5 &&
	grep -q "steps in a history Ta 1,024" lib/ts/ts.5 && grep -q "in a record Ta 4,194,304" lib/ts/ts.5 &&
	grep -q "record Ta $(limit DEPTH | tr -d " ")" lib/ts/ts.5 && grep -q "name Ta $(limit NAME)" lib/ts/ts.5'
done_testing
