/* SPDX-License-Identifier: MIT
 * Large pages for large arrays. What is less than one of them comes as ever. */
#include <stdlib.h>
#include <sys/mman.h>

#include "ts/ts_room.h"

enum { LINE = 64, LARGE = 2 << 20 };

void *ts_room(size_t n)
{
	const size_t whole = n / LARGE * LARGE;
	void *p;

	if (posix_memalign(&p, whole ? LARGE : LINE, n) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (whole)
		(void)madvise(p, whole, MADV_HUGEPAGE); /* a wish: without it, all is as it was */
#endif
	return p;
}
