/* SPDX-License-Identifier: MIT
 * Radix sort of floats, quickselect, and the order of a row. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_sort.h"

enum { DIGITS = 3, BITS = 11, BINS = 1 << BITS };

/* Bits of a float as an integer of the same order, and back. */
static inline uint32_t key_of(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

static inline float float_of(uint32_t key)
{
	uint32_t bits = key ^ (key >> 31 ? 0x80000000u : 0xffffffffu);
	float v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static inline size_t digit(uint32_t key, int pass)
{
	return key >> BITS * pass & (BINS - 1);
}

/* Where each digit's first number goes, in every pass; skip[pass]: all have the same digit. */
static void count(const float *v, size_t n, size_t start[DIGITS][BINS], bool skip[DIGITS])
{
	for (size_t i = 0; i < n; i++) {
		uint32_t key = key_of(v[i]);
		for (int pass = 0; pass < DIGITS; pass++)
			start[pass][digit(key, pass)]++;
	}
	for (int pass = 0; pass < DIGITS; pass++) {
		size_t sum = 0;
		skip[pass] = n == 0 || start[pass][digit(key_of(v[0]), pass)] == n;
		for (int k = 0; k < BINS; k++) {
			size_t have = start[pass][k];
			start[pass][k] = sum;
			sum += have;
		}
	}
}

int num_sort(float *v, size_t n)
{
	size_t(*start)[BINS] = calloc(DIGITS, sizeof *start);
	float *other = malloc((n + 1) * sizeof *other), *from = v, *to = other;
	bool skip[DIGITS];

	if (!start || !other) {
		free(start);
		free(other);
		return -1;
	}
	count(v, n, start, skip);
	for (int pass = 0; pass < DIGITS; pass++) {
		if (skip[pass])
			continue;
		for (size_t i = 0; i < n; i++)
			to[start[pass][digit(key_of(from[i]), pass)]++] = from[i];
		float *t = from;
		from = to;
		to = t;
	}
	if (from != v)
		memcpy(v, from, n * sizeof *v);
	free(start);
	free(other);
	return 0;
}

int num_sort_order(float *v, uint32_t *order, size_t n)
{
	struct row {
		uint32_t key, from;
	} *a = malloc((n + 1) * sizeof *a), *b = malloc((n + 1) * sizeof *b);
	size_t(*start)[BINS] = calloc(DIGITS, sizeof *start);
	int rc = a && b && start ? 0 : -1;
	bool skip[DIGITS];

	if (rc == 0) {
		count(v, n, start, skip);
		for (size_t i = 0; i < n; i++)
			a[i] = (struct row){ key_of(v[i]), (uint32_t)i };
	}
	for (int pass = 0; pass < DIGITS && rc == 0; pass++) {
		if (skip[pass])
			continue;
		for (size_t i = 0; i < n; i++)
			b[start[pass][digit(a[i].key, pass)]++] = a[i];
		struct row *t = a;
		a = b;
		b = t;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		v[i] = float_of(a[i].key);
		order[i] = a[i].from;
	}
	free(a);
	free(b);
	free(start);
	return rc;
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
		/* v[low..i) <= pivot <= v[i..high], but for i itself where the two met. */
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
