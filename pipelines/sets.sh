#!/bin/sh
# sets.sh DATA <sets.txt: prints NAME:SPLIT:PATH for each set, PATH its file or folder in DATA, or empty.
set -eu
LC_ALL=C
export LC_ALL
# Skips partial downloads and lists of names.
there=$(ls "$1" 2>/dev/null | grep -Ev '[.](part|txt|md|sha256)$' || true)
while read -r name split patterns; do
	case $name in '#'* | '') continue ;; esac
	found=
	set -f
	for p in $patterns; do
		found=$(printf '%s\n' "$there" | grep -Eix -e "$p" | head -n 1) || true
		[ -z "$found" ] || break
	done
	set +f
	case $split in *,*)
		for s in $(echo "$split" | tr , ' '); do
			[ ! -d "$1/$found" ] || [ -n "$(find "$1/$found/" -maxdepth 2 -name "$s" | head -n 1)" ] && break
		done
		split=$s
	esac
	printf '%s:%s:%s\n' "$name" "$split" "${found:+$1/$found}"
done
