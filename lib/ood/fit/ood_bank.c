/* SPDX-License-Identifier: MIT
 * The bank of a fit: the rows of the smallest keys (bottom-k sampling: Cohen and Kaplan, "Summarizing
 * data using bottom-k sketches", PODC 2007). Once full, it is a heap whose root has the largest key, the next to be
 * dropped. */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "num/num_sort.h"
#include "ood/ood_internal.h"

const struct ood_bank_column ood_bank_columns[OOD_BESIDES] = {
	[OOD_MOVED] = { "adascale", "bank.moved", "--adascale", OOD_PART_MOVED },
	[OOD_EXTREMES] = { "extremes", "bank.extremes", "--extremes", OOD_PART_EXTREMES },
};

uint64_t ood_bank_key(const struct ood_fit *f, const struct ood_bank_row *row)
{
	uint64_t k = XXH3_64bits_withSeed(row->features, f->dim * sizeof *row->features, f->seed);

	if (f->logits)
		k = XXH3_64bits_withSeed(row->logits, f->classes * sizeof *row->logits, k);
	return XXH3_64bits_withSeed(&row->label, sizeof row->label, k);
}

static size_t feature_bytes(const struct ood_fit *f)
{
	return f->dim * ts_type_size(f->bank.type);
}

static void set_row(struct ood_fit *f, size_t i, uint64_t key, const struct ood_bank_row *row)
{
	struct ood_bank *b = &f->bank;
	char *to = (char *)b->features + i * feature_bytes(f);

	b->key[i] = key;
	b->label[i] = row->label;
	if (f->logits)
		memcpy(b->logits + i * f->classes, row->logits, f->classes * sizeof *b->logits);
	for (size_t k = 0; k < OOD_BESIDES; k++)
		if (b->wide[k])
			memcpy(b->beside[k] + i * b->wide[k], row->beside[k], b->wide[k] * sizeof *row->beside[k]);
	if (b->type == TS_F32)
		memcpy(to, row->features, feature_bytes(f));
	for (size_t d = 0; b->type == TS_F16 && d < f->dim; d++)
		((uint16_t *)(void *)to)[d] = ts_half(row->features[d]);
}

static void swap_bytes(char *a, char *b, size_t n)
{
	char t[256];
	for (size_t i = 0; i < n; i += sizeof t) {
		size_t k = n - i < sizeof t ? n - i : sizeof t;
		memcpy(t, a + i, k);
		memcpy(a + i, b + i, k);
		memcpy(b + i, t, k);
	}
}

static void swap_rows(struct ood_fit *f, size_t i, size_t j)
{
	struct ood_bank *b = &f->bank;
	size_t z = feature_bytes(f), l = f->logits ? f->classes * sizeof *b->logits : 0;
	uint64_t key = b->key[i];
	int64_t label = b->label[i];

	b->key[i] = b->key[j];
	b->key[j] = key;
	b->label[i] = b->label[j];
	b->label[j] = label;
	swap_bytes((char *)b->features + i * z, (char *)b->features + j * z, z);
	if (l)
		swap_bytes((char *)b->logits + i * l, (char *)b->logits + j * l, l);
	for (size_t k = 0; k < OOD_BESIDES; k++) {
		const size_t wide = b->wide[k];
		if (wide)
			swap_bytes((char *)(b->beside[k] + i * wide), (char *)(b->beside[k] + j * wide),
				   wide * sizeof *b->beside[k]);
	}
}

/* Sinks row i of the first n until no child has a larger key. */
static void sink(struct ood_fit *f, size_t i, size_t n)
{
	const uint64_t *key = f->bank.key;

	for (;;) {
		size_t top = i, left = 2 * i + 1;
		if (left < n && key[left] > key[top])
			top = left;
		if (left + 1 < n && key[left + 1] > key[top])
			top = left + 1;
		if (top == i)
			return;
		swap_rows(f, i, top);
		i = top;
	}
}

static void make_heap(struct ood_fit *f)
{
	for (size_t i = f->bank.n / 2; i-- > 0;)
		sink(f, i, f->bank.n);
	f->bank.heap = true;
}

static int grow(struct ood_fit *f)
{
	struct ood_bank *b = &f->bank;
	size_t cap = b->cap < 1024 ? 1024 : 2 * b->cap;

	if (cap > b->max)
		cap = b->max;
	void *z = realloc(b->features, cap * feature_bytes(f));
	if (z)
		b->features = z;
	float *l = f->logits ? realloc(b->logits, cap * f->classes * sizeof *l) : NULL;
	if (l)
		b->logits = l;
	bool all = true;
	for (size_t i = 0; i < OOD_BESIDES; i++) {
		float *v = b->wide[i] ? realloc(b->beside[i], cap * b->wide[i] * sizeof *v) : NULL;
		if (v)
			b->beside[i] = v;
		all = all && (v || !b->wide[i]);
	}
	int64_t *y = realloc(b->label, cap * sizeof *y);
	if (y)
		b->label = y;
	uint64_t *k = realloc(b->key, cap * sizeof *k);
	if (k)
		b->key = k;
	if (!z || (f->logits && !l) || !all || !y || !k)
		return -1;
	b->cap = cap;
	return 0;
}

int ood_bank_add(struct ood_fit *f, uint64_t key, const struct ood_bank_row *row)
{
	struct ood_bank *b = &f->bank;

	if (b->n == b->max) {
		if (b->max == 0)
			return 0;
		if (!b->heap)
			make_heap(f);
		if (key < b->key[0]) {
			set_row(f, 0, key, row);
			sink(f, 0, b->n);
		}
		return 0;
	}
	if (b->n == b->cap && grow(f) < 0)
		return -1;
	set_row(f, b->n++, key, row);
	return 0;
}

struct rank {
	uint64_t key;
	size_t row;
};

static int by_key(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	return x->key < y->key ? -1 : x->key > y->key;
}

/* Sorts the keys, then moves each row once, along the cycles of the permutation. */
int ood_bank_sort(struct ood_fit *f)
{
	size_t n = f->bank.n;
	struct rank *r = malloc((n + 1) * sizeof *r);

	if (!r)
		return -1;
	for (size_t i = 0; i < n; i++)
		r[i] = (struct rank){ f->bank.key[i], i };
	qsort(r, n, sizeof *r, by_key);
	for (size_t i = 0; i < n; i++) {
		size_t from = i;
		while (r[from].row != i) {
			size_t next = r[from].row;
			swap_rows(f, from, next);
			r[from].row = from;
			from = next;
		}
		r[from].row = from;
	}
	f->bank.heap = false;
	free(r);
	return 0;
}

/* ---- rows that two banks share ----------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* New memory, ascending. */
static uint64_t *sorted_keys(const struct ood_bank *b)
{
	uint64_t *key = malloc((b->n + 1) * sizeof *key);

	if (!key)
		return NULL;
	for (size_t i = 0; i < b->n; i++)
		key[i] = b->key[i];
	qsort(key, b->n, sizeof *key, ascending);
	return key;
}

/* Are all of a's keys up to `last` among b's, and are there two or more? */
static bool all_within(const uint64_t *a, size_t n, const uint64_t *b, size_t m, uint64_t last)
{
	size_t i = 0;

	while (i < n && a[i] <= last && bsearch(&a[i], b, m, sizeof *b, ascending))
		i++;
	return i > 1 && (i == n || a[i] > last); /* one may be a twin */
}

/* What a full bank has dropped has larger keys than what it holds, so keys are compared up to there. */
int ood_fit_repeats(const struct ood_fit *f, const struct ood_fit *other)
{
	const struct ood_bank *a = &f->bank, *b = &other->bank;
	uint64_t *x = sorted_keys(a), *y = sorted_keys(b), last = UINT64_MAX;
	int rc = x && y ? 0 : -1;

	if (rc == 0 && a->n && b->n) {
		if (a->n == a->max)
			last = x[a->n - 1];
		if (b->n == b->max && y[b->n - 1] < last)
			last = y[b->n - 1];
		rc = all_within(x, a->n, y, b->n, last) || all_within(y, b->n, x, a->n, last);
	}
	free(x);
	free(y);
	return rc;
}

const float *ood_bank_rows(const struct ood_fit *f, size_t first, size_t n, float *buf)
{
	if (f->bank.type == TS_F32)
		return (const float *)f->bank.features + first * f->dim;
	const uint16_t *from = (const uint16_t *)f->bank.features + first * f->dim;
	for (size_t i = 0; i < n * f->dim; i++)
		buf[i] = ts_half_get(from[i]);
	return buf;
}

/* ---- percentiles ------------------------------------------------------------------------------ */

/* The bits of a float as an integer that sorts the same way. */
static uint32_t order_of(float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof bits);
	return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

static float value_of(uint32_t order)
{
	uint32_t bits = order ^ (order >> 31 ? 0x80000000u : 0xffffffffu);
	float v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* Counts features by 16 bits of their sort key: by the upper half, or, among those whose upper half is `top`, by the
 * lower half. */
static void count_orders(const struct ood_fit *f, long top, size_t *count, float *row)
{
	memset(count, 0, 65536 * sizeof *count);
	for (size_t i = 0; i < f->bank.n; i++) {
		const float *z = ood_bank_rows(f, i, 1, row);
		for (size_t d = 0; d < f->dim; d++) {
			uint32_t order = order_of(z[d]);
			if (top < 0)
				count[order >> 16]++;
			else if (order >> 16 == (uint32_t)top)
				count[order & 65535]++;
		}
	}
}

/* Returns the bucket that holds number *rank, and makes *rank its rank within the bucket. */
static long bucket_of(const size_t *count, size_t *rank)
{
	long k = 0;
	while (*rank >= count[k])
		*rank -= count[k++];
	return k;
}

/* Feature number `rank` in ascending order, found by counting twice, without a copy of the bank. */
static double order_statistic(const struct ood_fit *f, size_t rank, size_t *count, float *row)
{
	count_orders(f, -1, count, row);
	long top = bucket_of(count, &rank);
	count_orders(f, top, count, row);
	return value_of((uint32_t)top << 16 | (uint32_t)bucket_of(count, &rank));
}

int ood_bank_percentile(const struct ood_fit *f, double p, double *ret, struct err *err)
{
	size_t *count = malloc(65536 * sizeof *count), total = f->bank.n * f->dim;
	float *row = malloc(f->dim * sizeof *row);
	int rc = 0;

	if (!count || !row) {
		rc = err_memory(err);
	} else if (total == 0) {
		rc = err_fail(err, "the bank of the fit is empty");
	} else {
		double at = p / 100 * (double)(total - 1);
		size_t below = (size_t)at;
		double lower = order_statistic(f, below, count, row);
		*ret = lower;
		if (at > (double)below)
			*ret += (order_statistic(f, below + 1, count, row) - lower) * (at - (double)below);
	}
	free(count);
	free(row);
	return rc;
}

int ood_bank_percentile_each(const struct ood_fit *f, double p, double *ret, struct err *err)
{
	const size_t n = f->bank.n;
	float *column = malloc((n + 1) * sizeof *column), *row = malloc(f->dim * sizeof *row);
	double at = p / 100 * (double)(n - 1);
	size_t below = (size_t)at;
	int rc = !column || !row ? err_memory(err) : n == 0 ? err_fail(err, "the bank of the fit is empty") : 0;

	for (size_t d = 0; d < f->dim && rc == 0; d++) {
		for (size_t i = 0; i < n; i++)
			column[i] = ood_bank_rows(f, i, 1, row)[d];
		double lower = num_select(column, n, below);
		ret[d] = lower;
		if (at > (double)below)
			ret[d] += (num_select(column, n, below + 1) - lower) * (at - (double)below);
	}
	free(column);
	free(row);
	return rc;
}
