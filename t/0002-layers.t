#!/bin/sh
# The layers, by grep: who includes what, who prints, who ends the program, and what nobody calls.
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99

sources=$(find lib -name "*.[ch]" -o -name "*.[ch]pp" | sort)

# Source without comments, string contents blanked, as FILE:LINE:TEXT.
code() {
	awk '
	FNR == 1 { inside = 0 }
	{
		s = $0
		gsub(/\\\\/, "", s); gsub(/\\"/, "", s); gsub(/'"'\"'"'/, "", s)
		if (s !~ /^[ \t]*#[ \t]*include/) gsub(/"[^"]*"/, "\"\"", s)
		out = ""
		while (s != "") {
			if (inside) {
				if (!(i = index(s, "*/"))) break
				s = substr(s, i + 2); inside = 0
			} else {
				i = index(s, "/*"); j = index(s, "//")
				if (j && (!i || j < i)) { out = out substr(s, 1, j - 1); break }
				if (!i) { out = out s; break }
				out = out substr(s, 1, i - 1) " "; s = substr(s, i + 2); inside = 1
			}
		}
		print FILENAME ":" FNR ":" out
	}' "$@"
}
none() {                               # reads FILE:LINE:TEXT; fails and shows it if there is any
	found=$(cat)
	[ -z "$found" ] || { echo "$found" | sed 's/^/# /'; false; }
}
calls() { grep -E "(^|[^A-Za-z0-9_>.])($1)[[:space:]]*\("; }

code $sources >"$scratch/lib"
code tools/*.c >"$scratch/tools"
cat "$scratch/lib" "$scratch/tools" >"$scratch/all"

ok 'the comments are gone, the code is not' \
	'grep -q "ts_reader_open" "$scratch/all" && ! grep -q "MessagePack map" "$scratch/all"'
ok 'only lib/th/*.[ch]pp includes libtorch' \
	'grep -E "#[[:space:]]*include[[:space:]]*[<\"](ATen|c10|torch)" "$scratch/all" | grep -v "^lib/th/[^:]*\.[ch]pp:" | none'
ok 'only lib/th/th_cuda.cpp includes CUDA' \
	'grep -E "#[[:space:]]*include[[:space:]]*[<\"][^>\"]*cu(da|blas|dnn)[^>\"]*[>\"]" "$scratch/all" | grep -v "^lib/th/th_cuda\.cpp:" | none &&
	grep -q "^lib/th/th_cuda\.cpp:.*cuda/CUDAGraph" "$scratch/all"'
ok 'no C++ outside lib/th' 'find . -path ./build -prune -o \( -name "*.cpp" -o -name "*.cc" -o -name "*.hpp" \) -print |
	grep -v "^\./lib/th/" | none'
ok 'only tools and lib/cli end the program' \
	'calls "exit|_exit|_Exit|quick_exit|abort" <"$scratch/lib" | grep -v "^lib/cli/" | none'
ok 'only tools and lib/cli print' \
	'calls "printf|puts|putchar|putc|perror|vprintf|warn|warnx|err|errx" <"$scratch/lib" | grep -v "^lib/cli/" | none &&
	grep -E "(^|[^a-z_])(stdout|stderr)([^a-z_]|$)" "$scratch/lib" | grep -v "^lib/cli/" | none'
ok 'nobody calls what cannot be called safely' \
	'calls "strcpy|strcat|stpcpy|sprintf|vsprintf|strtok|gets|gmtime|localtime|ctime|asctime|atoi|atol|atoll|atof|rand|srand|random|drand48|tmpnam|mktemp|alloca" \
	<"$scratch/all" | none'
ok 'nobody asks for the time of day' 'calls "time|gettimeofday" <"$scratch/all" | none'

# What each layer may include of ours; itself always.
may() {
	case $1 in
	err) echo ;;
	ts|th|tb|pickle) echo err ;;
	num) echo err ts ;;
	cli) echo err ts ;;
	kit) echo cli err ts ;;
	ood) echo err num ts ;;
	ds|net) echo err pickle ts ;;
	job) echo cli err kit net num ood tb th ts um ;;
	report) echo cli err kit net num ood ts ;;
	um) echo err net nn num th ts ;;
	nn) echo err net ts ;;
	*) echo "no-such-layer" ;;
	esac
}
for dir in lib/*/; do
	layer=${dir#lib/} layer=${layer%/}
	allowed="$layer $(may "$layer")"
	ok "lib/$layer includes of ours only: $allowed" '
		grep -E "^lib/$layer/[^:]*:[0-9]+:[[:space:]]*#[[:space:]]*include[[:space:]]*\"" "$scratch/lib" |
		while IFS= read -r line; do
			to=${line#*\"} to=${to%%[/\"]*}
			case " $allowed version.h " in *" $to "*) ;; *) echo "$line" ;; esac
		done | none'
	ok "files in lib/$layer are called after it" \
		'find "lib/$layer" -type f | sed "s,.*/,," | grep -v -E "^$layer(_|\.|$)" | grep -v "\.[0-9]$" | none'
	ok "no other layer includes lib/$layer/*_internal.h" \
		'grep -E "include[[:space:]]*\"$layer/[a-z_/]*internal\.h" "$scratch/all" | grep -v "^lib/$layer/" | none'
done
ok 'only the torch tools, lib/job and lib/um include um and th' \
	'grep -E "include[[:space:]]*\"(um|th)/" "$scratch/all" | grep -v -E "^(lib/(um|th|job)/|tools/um-)" | none'
ok 'every source names its licence' 'for f in $sources tools/*.c t/*.h t/*/*.c; do
	[ -f "$f" ] && ! head -n 2 "$f" | grep -q "SPDX-License-Identifier: MIT" && echo "$f"; done | none'
ok 'names of sources are unique in the tree' \
	'ls $sources tools/*.c | sed "s,.*/,," | sort | uniq -d | none'
done_testing
