#!/bin/sh
# Objects are compiled again when the flags change, and only then: an existing object must not hide a warning that CI
# refuses.
. "$SRC/t/lib.sh"
cd "$SRC" || exit 99
unset MAKELEVEL CFLAGS CI

object=$scratch/b/lib/err/err.o
# compiled WORD...: does make with these variables compile it?
compiled() { make B="$scratch/b" TORCH=no SANITIZE= "$@" "$object" >"$scratch/said" 2>&1 && grep -q '  CC lib/err/err.c' "$scratch/said"; }
nothing() { make B="$scratch/b" TORCH=no SANITIZE= "$@" "$object" >"$scratch/said" 2>&1 && ! grep -q '  CC ' "$scratch/said"; }

ok 'an object is compiled once' 'compiled && nothing'
ok 'for CI again, which makes errors of warnings' 'compiled CI=true && nothing CI=true && compiled'
ok 'and for other CFLAGS, quotes and all' 'compiled "CFLAGS=-O0 -DX='"'it'"'" && nothing "CFLAGS=-O0 -DX='"'it'"'"'
done_testing
