# Sourced by every t/*.t: . "$SRC/t/lib.sh"  (prove sets SRC, BUILD and PATH; so does `make check`).
# ok 'what is claimed' 'shell test'; done_testing at the end. A private scratch folder is the cwd.
LC_ALL=C TZ=UTC
ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
# LeakSanitizer crashes once libtorch's threads have run, so only the torch-free half is checked for leaks.
[ "${TORCH:-yes}" = no ] || ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
unset MAKEFLAGS MFLAGS
export LC_ALL TZ ASAN_OPTIONS UBSAN_OPTIONS
n=0 bad=0 claim= planned=
scratch=$(mktemp -d) || exit 99
# A test that ends before its plan prints where.
trap '[ -n "$planned" ] || echo "# ended after test $n, in: $claim"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
holds() { eval "$1"; }                 # a `return` in a claim ends the claim
ok() {
	n=$((n + 1)) claim=$1
	if holds "$2"; then echo "ok $n - $1"; else echo "not ok $n - $1"; echo "# failed: $2"; bad=1; fi
}
# The command fails as expected: exit status $1, one line on stderr that matches $2, nothing on stdout.
fails() {
	want=$1 pattern=$2; shift 2
	"$@" >fails.out 2>fails.err </dev/null
	got=$?
	[ $got = "$want" ] && [ ! -s fails.out ] && grep -q -- "$pattern" fails.err ||
		{ echo "# exit $got (want $want): $(head -c 600 fails.err)"; return 1; }
}
have_torch() { [ "${TORCH:-yes}" != no ]; }
engines() { have_torch && echo torch; echo nn; } # what can train
skip_all() { planned=yes; echo "1..0 # SKIP $1"; exit 0; }
done_testing() { planned=yes; echo "1..$n"; exit $bad; }
