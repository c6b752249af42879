#!/bin/sh
# openood.sh BENCH DATA GROUPS <openood.txt: prints GROUP:NAME:ROOT:LIST for each set of these groups (separated by
# blanks) whose list and images are all present; for others, a line on standard error that says what is missing. Exit 3:
# some are missing.
set -eu
rc=0
while read -r bench group name root list; do
	case $bench in "$1") ;; *) continue ;; esac
	case " $3 " in *" $group "*) ;; *) continue ;; esac
	path=$2/benchmark_imglist/$list
	if [ ! -f "$path" ]; then
		echo "openood: $name ($group): no list '$path'" >&2
		rc=3
	elif why=$(ds-pack -q --list "$path" --root "$2/$root" --limit 1 -o /dev/null 2>&1); then
		printf '%s:%s:%s:%s\n' "$group" "$name" "$2/$root" "$path"
	else
		echo "openood: $name ($group): ${why#ds-pack: }" >&2
		rc=3
	fi
done
exit $rc
