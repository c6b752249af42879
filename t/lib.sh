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
trap '[ -n "$planned" ] || echo "# ended after test $n, in: $claim"; rm -rf "$scratch" "$scratch".san.*' EXIT
cd "$scratch" || exit 99
# Sanitizers report into files: the status of a program in mid-pipe, and what it says on stderr, may go unseen.
ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$scratch.san UBSAN_OPTIONS=$UBSAN_OPTIONS:log_path=$scratch.san
no_reports() {
	for report in "$scratch".san.*; do
		[ ! -s "$report" ] || { sed 's/^/# /' "$report" | head -n 60; return 1; }
	done
}
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
done_testing() {
	no_reports || bad=1
	planned=yes; echo "1..$n"; exit $bad
}
# sleeps PID: it sleeps whenever it is looked at; with input there, it waits to write.
sleeps() { for k in 1 2 3; do grep -q "^State:.S" /proc/$1/status || return 1; sleep 0.1; done; }
