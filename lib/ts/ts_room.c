/* SPDX-License-Identifier: MIT
 * Large pages for large arrays. Smaller requests are ordinary allocations. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ts/ts_room.h"

enum { LINE = 64, LARGE = 2 << 20 };

void *ts_room(size_t n)
{
	/* the end gets a large page, too, if that is not mostly waste: else there are hundreds of small ones */
	const size_t whole = (n + LARGE / 2) / LARGE * LARGE;
	void *p;

	if (n > SIZE_MAX - LARGE || posix_memalign(&p, whole ? LARGE : LINE, n > whole ? n : whole) != 0)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (whole)
		(void)madvise(p, whole, MADV_HUGEPAGE); /* only a hint: without it, everything still works */
#endif
	return p;
}
