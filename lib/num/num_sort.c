/* SPDX-License-Identifier: MIT
 * Radix sort of floats and doubles, quickselect, and the order of a row. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_sort.h"

enum { BITS = 11, BINS = 1 << BITS };

#define VALUE float
#define KEY uint32_t
#define NAME(x) narrow_##x
#include "num/num_sort.inc"

#define VALUE double
#define KEY uint64_t
#define NAME(x) wide_##x
#include "num/num_sort.inc"

int num_sort(float *v, size_t n)
{
	return narrow_sort(v, n);
}

int num_sort_wide(double *v, size_t n)
{
	return wide_sort(v, n);
}

int num_sort_order(float *v, uint32_t *order, size_t n)
{
	return narrow_sort_order(v, order, n);
}

int num_sort_order_wide(double *v, uint32_t *order, size_t n)
{
	return wide_sort_order(v, order, n);
}

/* Hoare's quickselect: number k is in v[low..high]. */
float num_select(float *v, size_t n, size_t k)
{
	size_t low = 0, high = n - 1;

	while (low < high) {
		float pivot = v[low + (high - low) / 2];
		size_t i = low, j = high;
		for (;;) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			float t = v[i];
			v[i++] = v[j];
			v[j--] = t;
		}
		/* v[low..i) <= pivot <= v[i..high], except i itself if the two met there. */
		size_t split = v[i] > pivot || i > j ? i : i + 1;
		if (k < split)
			high = split - 1;
		else
			low = split;
	}
	return v[k];
}

static int by_rank(const void *a, const void *b)
{
	const struct num_ranked *x = a, *y = b;

	if (x->v != y->v)
		return x->v > y->v ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

void num_rank(const float *v, size_t n, struct num_ranked *order)
{
	for (size_t i = 0; i < n; i++)
		order[i] = (struct num_ranked){ v[i], (uint32_t)i };
	qsort(order, n, sizeof *order, by_rank);
}
