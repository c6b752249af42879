/* SPDX-License-Identifier: MIT
 * A random sample of rows, and its order. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_sample.h"

int ts_sample_init(struct ts_sample *s, const struct ts_header *h, uint64_t most, uint64_t seed)
{
	*s = (struct ts_sample){ .most = most, .rng = ts_rng_new(seed, 0) };
	return ts_batch_init(&s->rows, h);
}

void ts_sample_release(struct ts_sample *s)
{
	ts_batch_release(&s->rows);
	free(s->number);
	*s = (struct ts_sample){ 0 };
}

/* Adds a row, which is still zero. */
static int grow(struct ts_sample *s)
{
	const size_t n = s->rows.n;

	if (n == s->cap) {
		const size_t cap = n ? 2 * n : 1024;
		uint64_t *number = realloc(s->number, cap * sizeof *number);

		if (!number)
			return -1;
		s->number = number;
		s->cap = cap;
	}
	return ts_batch_resize(&s->rows, n + 1);
}

int ts_sample_row(struct ts_sample *s, const struct ts_batch *b, const ptrdiff_t *map, size_t i)
{
	size_t at = s->rows.n;

	/* The k-th row offered, from 1, takes one of the places with probability most / k. */
	if (++s->offered > s->most) {
		const uint64_t place = ts_rng_below(&s->rng, s->offered);

		if (place >= s->most)
			return 0;
		at = place;
	} else if (grow(s) < 0) {
		return -1;
	}
	s->number[at] = s->offered;
	return ts_batch_copy(&s->rows, at, b, map, i, 1);
}

static int by_number(const void *a, const void *b, void *numbers)
{
	const uint64_t *number = numbers, x = number[*(const size_t *)a], y = number[*(const size_t *)b];

	return x < y ? -1 : x > y;
}

size_t *ts_sample_order(struct ts_sample *s, bool shuffle)
{
	const size_t n = s->rows.n;
	size_t *order = malloc((n + 1) * sizeof *order);

	for (size_t i = 0; order && i < n; i++)
		order[i] = i;
	if (order)
		qsort_r(order, n, sizeof *order, by_number, s->number);
	for (size_t i = n; order && shuffle && i > 1; i--) { /* Fisher-Yates */
		const size_t j = ts_rng_below(&s->rng, i), t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
	return order;
}
