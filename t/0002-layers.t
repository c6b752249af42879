#!/bin/sh
# The layers, by grep: who includes what, who prints, who ends the program, and what nobody calls. Inside a layer, by
# nm over the objects: no circles of files or of rooms (folders).
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99

sources=$(find lib -name "*.[ch]" -o -name "*.[ch]pp" | sort)

# Prints the sources as FILE:LINE:TEXT, without comments and with blanked strings.
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

# Which of our layers each layer may include; itself always.
may() {
	case $1 in
	err) echo ;;
	ts|tb|pickle|parquet|team) echo err ;;
	arc) echo err ;;
	onnx|ort) echo err ts ;;
	th) echo err num ;;               # of num: which kernels OpenBLAS is to take
	num) echo err ts ;;
	cli) echo err ts ;;
	kit) echo cli ds err team ts ;;
	ood) echo err num ts ;;
	arr) echo arc ds err net parquet ts ;;
	ds) echo arc err parquet pickle ts ;;
	net) echo arc err onnx pickle ts ;;
	job) echo cli ds err kit net nn num ood tb team th ts um ;;
	report) echo cli ds err kit net num ood ts unmask ;;
	unmask) echo ds err net ood ts um ;;
	um) echo err net nn num onnx ood ort team th ts ;; # of ood: the fit that --perturb steps toward
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
ok 'only the torch tools, lib/job, lib/unmask and lib/um include um and th' \
	'grep -E "include[[:space:]]*\"(um|th)/" "$scratch/all" | grep -v -E "^(lib/(um|th|job|unmask)/|tools/um-)" | none'
ok 'every source names its licence' 'for f in $sources tools/*.c t/*.h t/*/*.c; do
	[ -f "$f" ] && ! head -n 2 "$f" | grep -q "SPDX-License-Identifier: MIT" && echo "$f"; done | none'
ok 'names of sources are unique in the tree' \
	'ls $sources tools/*.c | sed "s,.*/,," | sort | uniq -d | none'

# ---- inside the layers ----
# Circles that are accepted, one line of objects each, with the reason.
circles='
pickle/pickle pickle/pickle_call   a machine, and its calls, which make values for it'
# Rooms that call each other.
rooms='
ds ds/format      the table of layouts is called from above, and what layouts use lies below
net net/arch      the table of networks is above them, nodes are below
net net/mask      a checkpoint carries its mask, and a mask is made for the nodes of a network
um/oe um/train    an epoch of outliers is a training, which ends each epoch by asking the method'
# DEFINES NAME and USES NAME of each object become its arrows; printed are "circle FILE...", files that reach each
# other, "rooms A B", rooms of a layer with arrows both ways, and as comments the arrows that make them.
arrows='
{ file = $1; sub(/:$/, "", file); sub(/.*\/lib\//, "", file); sub(/\.o$/, "", file) }
$3 ~ /^[TDRBCS]$/ { home[$2] = file }
$3 == "U" { use[++n] = file; symbol[n] = $2 }
function room(f) { sub(/\/[^\/]*$/, "", f); return f }
function layer(f) { sub(/\/.*/, "", f); return f }
function visit(from, at,   list, k, n) {
	n = split(next_of[at], list, " ")
	for (k = 1; k <= n; k++)
		if (!((from, list[k]) in reach)) { reach[from, list[k]] = 1; visit(from, list[k]) }
}
END {
	for (i = 1; i <= n; i++) {
		a = use[i]; b = home[symbol[i]]
		if (b == "" || a == b || (a, b) in arrow) continue
		arrow[a, b] = symbol[i]; next_of[a] = next_of[a] " " b; files[a] = files[b] = 1
		if (layer(a) == layer(b) && room(a) != room(b))
			between[room(a), room(b)] = between[room(a), room(b)] "# rooms: " a " -> " b " (" symbol[i] ")\n"
	}
	for (a in files) visit(a, a)
	for (a in files) for (b in files) {
		if (!((a, b) in reach && (b, a) in reach)) continue
		least[a] = least[a] == "" || b < least[a] ? b : least[a]
		if ((a, b) in arrow) print "# circle: " a " -> " b " (" arrow[a, b] ")"
	}
	for (a in least) circle[least[a]] = circle[least[a]] " " a
	for (a in circle) print "circle" circle[a]
	for (pair in between) {
		split(pair, r, SUBSEP)
		if (r[1] < r[2] && (r[2], r[1]) in between)
			printf "%s%srooms %s %s\n", between[pair], between[r[2], r[1]], r[1], r[2]
	}
}'
found() {                              # what of "circle" or "rooms" the objects have, each line in order
	grep "^$1 " "$scratch/knots" | while read -r _ names; do echo $(printf '%s\n' $names | sort); done | sort
}
known() { sed 's/   .*//; /^$/d' | while read -r names; do echo $(printf '%s\n' $names | sort); done | sort; }
only() {                               # those found are known; if not, shows the arrows of all
	comm -23 "$scratch/found" "$scratch/known" >"$scratch/new"
	[ ! -s "$scratch/new" ] || { sed 's/^/# new: /' "$scratch/new"; grep "^# $1:" "$scratch/knots"; false; }
}
for source in $(ls lib/*/*.c lib/*/*/*.c lib/*/*.cpp); do
	object=$BUILD/${source%.*}.o
	[ ! -f "$object" ] || nm -A -P "$object"
done >"$scratch/symbols"
awk "$arrows" "$scratch/symbols" >"$scratch/knots"
ok 'objects were read' 'test "$(cut -d: -f1 "$scratch/symbols" | sort -u | wc -l)" -gt 100'
found circle >"$scratch/found"; echo "$circles" | known >"$scratch/known"
ok 'no files call each other in a circle but those named here' 'only circle'
comm -13 "$scratch/found" "$scratch/known" | sed 's/^/# no circle any more: /'
found rooms >"$scratch/found"; echo "$rooms" | known >"$scratch/known"
ok 'rooms of a layer call each other one way but those named here' 'only rooms'
comm -13 "$scratch/found" "$scratch/known" | sed 's/^/# one way now: /'
done_testing
