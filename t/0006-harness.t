#!/bin/sh
# The harness itself: what a sanitizer reports fails the test, whichever program of a pipe it was of, and however the
# claim ended.
. "$SRC/t/lib.sh"

cat >inner <<'END'
. "$SRC/t/lib.sh"
ok 'a claim' '{ $LEAKS; echo data; } | cat >out'
done_testing
END
inner() { LEAKS=$1 sh inner >out 2>&1; }

ok 'without a report the test passes' 'inner true && grep -qx "ok 1 - a claim" out'
if echo 'int x;' | ${CC:-cc} -fsanitize=address -x c -c -o probe.o - 2>/dev/null && cat >leak.c <<'END'
#include <stdlib.h>
void *volatile p;
int main(void)
{
	p = malloc(40);
	p = NULL;
	return 0;
}
END
	${CC:-cc} -fsanitize=address -g -o leak leak.c 2>/dev/null && TORCH=no; then
	ok 'a leak in mid-pipe fails it, and is printed' '! TORCH=no inner "$scratch/leak" && grep -qx "ok 1 - a claim" out && grep -q "^# .*LeakSanitizer: detected memory leaks" out'
else
	ok 'a leak # SKIP no AddressSanitizer' true
fi
done_testing
