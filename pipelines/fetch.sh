#!/bin/sh
# fetch.sh FILE SIZE MD5-OR-SHA256 ADDRESS: does one download for fetch.mk, which documents the guarantees. "-": not
# published.
# fetch.sh --table: fetch.txt on standard input for people.
set -u
if [ "${1-}" = --table ]; then
	awk '
	$1 == "ask" { name = $2; $1 = $2 = ""; sub(/^ +/, ""); ask[++asks] = sprintf("  %-14s %s", name, $0); next }
	/^[a-z]/ {
		if (!($1 in files)) order[++n] = $1
		files[$1]++; if ($3 == "-") open[$1] = 1; else size[$1] += $3
		split($5, a, "/"); host[$1] = a[3]
	}
	END {
		print "make -f pipelines/fetch.mk DATA=dir SET...    where SET is one of"
		for (i = 1; i <= n; i++) {
			s = order[i]
			printf "  %-14s %s%s, %s\n", s, files[s] == 1 ? "1 file" : files[s] " files",
				s in open ? "" : sprintf(", %.0f MB", size[s] / 1e6), host[s]
		}
		print "These are available on request only:"
		for (i = 1; i <= asks; i++) print ask[i]
	}'
	exit
fi
file=$1 size=$2 sum=$3 url=$4
part=$file.part
fail() { echo "fetch: '$file': $1" >&2; exit 1; }
[ -z "${MIRROR:-}" ] || url=${MIRROR%/}/$(echo "$url" | sed 's,^[a-z]*://[^/]*/,,')
bytes() { if [ -f "$part" ]; then wc -c <"$part"; else echo 0; fi; }
mkdir -p "$(dirname "$file")" || fail 'cannot make its folder'

# A download that breaks off is resumed, as long as tries are left or the file grows.
tries=${TRIES:-10} before=-1
until [ "$size" != - ] && [ "$(bytes)" = "$size" ]; do
	# No other protocol, wherever a site redirects to, and no more bytes than expected (unknown: 400 GB), plus a MiB
	# for an error page instead of the file. An answer without a length is cut off by the limit on file sizes.
	case $size in -) most=400000000000 ;; *) most=$((1048576 + size)) ;; esac
	(ulimit -f $((most / 512 + 1)) && ${CURL:-curl} --proto =http,https --proto-redir =http,https --max-filesize "$most" --fail --location --silent --show-error --continue-at - --output "$part" "$url")
	rc=$?
	now=$(bytes)
	[ $rc = 0 ] && break
	case $rc in
	22)     # the site has no such file, or nothing beyond what is here
		[ "$now" -gt 0 ] && [ "$size" = - ] && [ "$sum" != - ] && break
		fail "is not at $url" ;;
	33|36)  # the site cannot resume
		rm -f "$part"; now=0 ;;
	5|6|7|35|60) fail "no connection to $url" ;;
	1)      fail "no protocol that is followed: $url leads elsewhere than to http or https" ;;
	23)     fail 'cannot be written' ;;
	63|153) rm -f "$part"; fail "is larger at $url than the $most bytes that it should have; it was removed" ;;
	esac
	[ "$now" -gt "$before" ] || tries=$((tries - 1))
	[ $tries -gt 0 ] || fail "the download breaks off again and again; what has arrived stays in '$part'"
	before=$now
done

wrong() { rm -f "$part"; fail "$1; it was removed"; }
[ "$size" = - ] || [ "$(bytes)" = "$size" ] || wrong "has $(bytes) bytes, and should have $size"
case ${#sum} in
1)  ;;
32) got=$(md5sum <"$part" | cut -d' ' -f1) ;;
64) got=$(sha256sum <"$part" | cut -d' ' -f1) ;;
*)  fail "'$sum' is not a checksum" ;;
esac
[ "$sum" = - ] || [ "$got" = "$sum" ] || wrong "has the checksum $got, and should have $sum"
if [ "$sum" = - ]; then
	case $file in *.gz) gzip -t "$part" 2>/dev/null || wrong 'is not a whole gzip file' ;; esac
	echo "fetch: '$file': no checksum is published; taken as it is" >&2
fi
mv "$part" "$file" || fail 'cannot be renamed'
echo "$file"
