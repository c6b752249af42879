#!/bin/sh
# Arrows point down, one folder knows libtorch, libraries neither print nor exit.
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99
none() { [ -z "$1" ] || { echo "$1" | sed 's/^/# /' | head -n 8; false; }; }

ok 'only lib/th includes libtorch' \
	'none "$(grep -lE "#include <(ATen|c10|torch)/" -r lib tools t --include="*.[ch]" --include="*.cpp" | grep -v "^lib/th/.*\.cpp$")"'
ok 'C++ is in lib/th alone' 'none "$(find lib tools t -name "*.cpp" -o -name "*.hpp" -o -name "*.cc" | grep -v ^lib/th/)"'
ok 'only tools and lib/cli print to standard output or exit' \
	'none "$(grep -nE "(^|[^a-z_])(printf|puts|putchar|perror|exit|_exit|abort) *\(" lib/*/*.c lib/*/*.cpp | grep -v "^lib/cli/" | grep -v "format(printf" | grep -vE ":[[:space:]]*(/?\*|//)")"'
ok 'no calls that overrun or lie' \
	'none "$(grep -nE "(^|[^a-z_])(strcpy|strcat|sprintf|strtok|gmtime|atoi|atof|atol|rand|srand) *\(" lib/*/*.[ch] tools/*.c)"'
# may LAYER ITS-INCLUDES...
may() {
	layer=$1; shift
	allowed=$(echo "$layer $*" | tr ' ' '|')
	none "$(grep -noE '#include "[a-z]+/' lib/$layer/*.[ch] lib/$layer/*.cpp 2>/dev/null | grep -vE "\"($allowed)/")"
}
ok 'ts includes ts' 'may ts'
ok 'cli includes ts' 'may cli ts'
ok 'ds includes ts' 'may ds ts'
ok 'ood includes ts' 'may ood ts'
ok 'net includes ts' 'may net ts'
ok 'th includes th' 'may th'
ok 'um includes net, th, ts' 'may um net th ts'
ok 'nobody below the tools includes cli' 'none "$(grep -ln "#include \"cli/" lib/*/*.[ch] | grep -v ^lib/cli/)"'
ok 'file names carry their layer' 'none "$(for f in lib/*/*.[ch] lib/*/*.cpp; do d=${f#lib/}; d=${d%%/*}; case ${f##*/} in $d.*|${d}_*) ;; *) echo $f ;; esac; done)"'
ok 'tools have 310 lines at the most, library files 500' \
	'none "$(wc -l tools/*.c | awk "\$2 != \"total\" && \$1 > 310"; wc -l lib/*/*.[ch] lib/*/*.cpp | awk "\$2 != \"total\" && \$1 > 500")"'
ok 'functions have 60 lines at the most' 'none "$(awk "FNR == 1 { at = 0 } /^{/ { at = FNR } /^}/ { if (at && FNR - at > 61) print FILENAME \":\" at; at = 0 }" lib/*/*.c tools/*.c)"'
done_testing
