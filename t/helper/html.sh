#!/bin/sh
# html.sh DIR PAGE...: makes one site in DIR from the manual pages, with no external resources. Each page links to the
# pages of the site that it names; index.html lists them all by their NAME lines.
set -eu
dir=$1; shift
mkdir -p "$dir"
cat >"$dir/style.css" <<'END'
body { max-width: 52em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif; color: #222; background: #fff }
pre, code, .Li, .Cm, .Fl, .Pa { font-family: monospace; font-size: 0.94em }
pre { padding: 0.6em 1em; overflow-x: auto; background: #f4f4f2; border-left: 3px solid #1f77b4 }
h1, h2 { font-size: 1.15em; margin: 1.4em 0 0.4em; color: #1f4e79 } h2 { font-size: 1em }
a { color: #1f5fa0; text-decoration: none } a:hover { text-decoration: underline } a.permalink { color: inherit }
table { border-collapse: collapse } td, th { padding: 0.1em 1em 0.1em 0; vertical-align: top; text-align: left }
table.head, table.foot { width: 100%; color: #777; font-size: 0.85em } td.head-vol { text-align: center } td.head-rtitle, td.foot-os { text-align: right }
dt { margin-top: 0.5em } dd { margin-left: 2em } .Bd-indent { margin-left: 2em } .Nm, .Fl, .Cm, .Sy { font-weight: bold } .Ar, .Va { font-style: italic }
nav { font-size: 0.9em } p.Pp { margin: 0.7em 0 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } pre { background: #242424 } a, h1, h2 { color: #8bbcf0 } }
END
top() {                                # title
	printf '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
	printf '<title>%s</title>\n<link rel="stylesheet" href="style.css">\n' "$1"
}
unlink_others() {                      # PAGE...: removes links from standard input to pages that are not among these
	awk -v pages=" $(printf '%s ' "$@" | sed 's|[^ ]*/||g')" '{
		for (out = ""; match($0, /<a class="Xr" href="[^"]*\.html">[^<]*<\/a>/); $0 = substr($0, RSTART + RLENGTH)) {
			a = substr($0, RSTART, RLENGTH)
			to = a; sub(/.*href="/, "", to); sub(/\.html".*/, "", to)
			if (!index(pages, " " to " ")) { sub(/^[^>]*>/, "", a); sub(/<\/a>$/, "", a) }
			out = out substr($0, 1, RSTART - 1) a
		}
		print out $0
	}'
}
link() { printf '<tr><td><a href="%s.%s.html">%s</a>(%s)<td>%s\n' "$1" "$2" "$1" "$2" "$3"; }
for page; do
	file=${page##*/} name=${page##*/}
	name=${name%.*}
	{
		top "$name"
		echo '<nav><a href="index.html">unmask</a></nav>'
		mandoc -Thtml -Ofragment,man=%N.%S.html "$page" | unlink_others "$@"
	} >"$dir/$file.html"
done
{
	top unmask
	echo '<h1>unmask: manual pages</h1>'
	for section in '7 Overviews' '1 Programs' '5 Formats'; do
		echo "<h2>${section#* }</h2><table>"
		for page; do
			file=${page##*/}
			[ "${file##*.}" = "${section%% *}" ] || continue
			link "${file%.*}" "${file##*.}" "$(sed -n 's/^\.Nd //p' "$page" | sed 's/&/\&amp;/g; s/</\&lt;/g')"
		done
		echo '</table>'
	done
} >"$dir/index.html"
