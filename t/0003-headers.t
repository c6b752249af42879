#!/bin/sh
# Every header compiles alone, as C11 and as C++17.
. "$SRC/t/lib.sh"
for h in "$SRC"/lib/*/*.h; do
	name=${h#"$SRC/lib/"}
	echo "#include \"$name\"" >h.c
	cp h.c h.cpp
	ok "$name as C11" '${CC:-gcc} -std=c11 -D_GNU_SOURCE -Wall -Werror -I"$SRC/lib" -fsyntax-only h.c'
	case $name in *_internal.h) continue ;; esac
	command -v g++ >/dev/null || continue
	ok "$name as C++17" 'g++ -std=c++17 -Wall -Werror -I"$SRC/lib" -fsyntax-only h.cpp'
done
done_testing
