#!/bin/sh
# Every header compiles alone, twice in one file, as C11 and as C++17.
. "$SRC/t/lib.sh"
: "${CC:=gcc}" "${CXX:=g++}"
cd "$SRC" || exit 99
flags="-Ilib -I$BUILD -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only $PKG_INC"
compiles() {                           # compiler, language, standard, header
	printf '#include "%s"\n#include "%s"\nextern int unused;\n' "$4" "$4" >"$scratch/one"
	$1 -x "$2" -std="$3" $flags "$scratch/one" 2>"$scratch/err" || { head -n 5 "$scratch/err" | sed 's/^/# /'; false; }
}
for path in lib/*/*.h lib/*/*/*.h; do
	header=${path#lib/}
	ok "$header as C11" 'compiles "$CC" c c11 "$header"'
	case $header in *_internal.h) continue ;; esac
	if command -v "$CXX" >/dev/null; then
		ok "$header as C++17" 'compiles "$CXX" c++ c++17 "$header"'
	else
		ok "$header as C++17 # SKIP no $CXX" true
	fi
done
done_testing
