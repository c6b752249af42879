#!/bin/sh
# Every header compiles alone, twice in one file, as C11; all public ones together as C++17.
. "$SRC/t/lib.sh"
: "${CC:=gcc}" "${CXX:=g++}"
cd "$SRC" || exit 99
flags="-Ilib -I$BUILD -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only $PKG_INC"
compiles() {                           # compiler, language, standard, headers
	one=$1 as=$2 std=$3; shift 3
	for h in "$@" "$@"; do printf '#include "%s"\n' "$h"; done >"$scratch/one"
	echo 'extern int unused;' >>"$scratch/one"
	$one -x $as -std=$std $flags "$scratch/one" 2>"$scratch/err" || { head -n 5 "$scratch/err" | sed 's/^/# /'; false; }
}
public=
for path in lib/*/*.h lib/*/*/*.h; do
	header=${path#lib/}
	ok "$header as C11" 'compiles "$CC" c c11 "$header"'
	case $header in *_internal.h) ;; *) public="$public $header" ;; esac
done
if command -v "$CXX" >/dev/null; then
	ok 'the public ones as C++17' 'compiles "$CXX" c++ c++17 $public'
else
	ok "as C++17 # SKIP no $CXX" true
fi
done_testing
