/* SPDX-License-Identifier: MIT
 * Grows columns together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_internal.h"

size_t ood_capacity(size_t cap, size_t want)
{
	return want <= cap ? cap : want + cap / 2;
}

/* The pointers are of any type, so they are copied out and in. */
int ood_grow(void *columns, size_t n, size_t rows, size_t size)
{
	char *at = columns;

	if (size > 0 && rows > SIZE_MAX / size)
		return -1;
	for (size_t i = 0; i < n; i++) {
		void *v, *bigger;

		memcpy(&v, at + i * sizeof v, sizeof v);
		bigger = realloc(v, rows * size);
		if (!bigger)
			return -1;
		memcpy(at + i * sizeof v, &bigger, sizeof v);
	}
	return 0;
}
