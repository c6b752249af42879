/* SPDX-License-Identifier: MIT
 * AUROC, AUPR and FPR95 from two sorted arrays: a merge, and a few binary searches. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_metrics.h"

/* Bits of a float as an integer of the same order, and back. */
static uint32_t key_of(uint32_t bits)
{
	return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

static uint32_t bits_of(uint32_t key)
{
	return key ^ (key >> 31 ? 0x80000000u : 0xffffffffu);
}

/* Radix sort, a byte a pass. -0 comes before +0, which compare equal, so ties stay neighbours. */
int ood_sort(float *v, size_t n)
{
	size_t start[4][256] = { 0 };
	uint32_t *a = malloc((n + 1) * sizeof(*a)), *b = malloc((n + 1) * sizeof(*b));
	if (!a || !b) {
		free(a);
		free(b);
		return -1;
	}
	memcpy(a, v, n * sizeof(*a));
	for (size_t i = 0; i < n; i++) {
		a[i] = key_of(a[i]);
		for (int pass = 0; pass < 4; pass++)
			start[pass][a[i] >> 8 * pass & 255]++;
	}
	for (int pass = 0; pass < 4; pass++) {
		size_t sum = 0;
		for (int k = 0; k < 256; k++) {
			size_t count = start[pass][k];
			start[pass][k] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			b[start[pass][a[i] >> 8 * pass & 255]++] = a[i];
		uint32_t *t = a;
		a = b;
		b = t;
	}
	for (size_t i = 0; i < n; i++)
		a[i] = bits_of(a[i]);
	memcpy(v, a, n * sizeof(*a));
	free(a);
	free(b);
	return 0;
}

/* Rows of a sorted array that are above t, or above or equal. */
static size_t above(const float *v, size_t n, float t, bool or_equal)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v[mid] > t || (or_equal && v[mid] == t))
			hi = mid;
		else
			lo = mid + 1;
	}
	return n - lo;
}

/* How far recall tp / n is from 95 %, times 20 n. */
static uint64_t distance(uint64_t tp, uint64_t n)
{
	return 20 * tp > 19 * n ? 20 * tp - 19 * n : 19 * n - 20 * tp;
}

static double fpr95(const float *id, size_t n_id, const float *ood, size_t n_ood, enum ood_fpr rule)
{
	if (rule == OOD_FPR_OPENOOD) {
		float t = ood[n_ood - n_ood / 20 - 1];
		return (double)(n_id - above(id, n_id, t, false)) / (double)n_id;
	}
	/* t is the highest threshold of recall 95 % or more: more / n_id; less / n_id is the recall
	 * just before. */
	float t = id[n_id / 20];
	size_t less = above(id, n_id, t, false), more = above(id, n_id, t, true), fp;
	if (rule == OOD_FPR_FIRST)
		fp = above(ood, n_ood, t, true);
	else if (distance(less, n_id) < distance(more, n_id))
		fp = above(ood, n_ood, t, false);
	else if (more == n_id)
		fp = above(ood, n_ood, t, true);
	else
		fp = above(ood, n_ood, id[n_id - more - 1], false);
	return (double)fp / (double)n_ood;
}

struct ood_metrics ood_compare(const float *id, size_t n_id, const float *ood, size_t n_ood,
			       enum ood_fpr rule)
{
	assert(n_id && n_ood);
	struct ood_metrics m = { .fpr95 = fpr95(id, n_id, ood, n_ood, rule) };
	uint64_t twice_wins = 0;
	size_t i = n_id, o = n_ood;       /* rows of a score below or at the threshold */
	while (i > 0 || o > 0) {
		float t = o == 0 || (i > 0 && id[i - 1] > ood[o - 1]) ? id[i - 1] : ood[o - 1];
		size_t i0 = i, o0 = o;
		while (i > 0 && id[i - 1] == t)
			i--;
		while (o > 0 && ood[o - 1] == t)
			o--;
		assert(i < i0 || o < o0); /* NaN would stay for ever */
		size_t tp = n_id - i, fp = n_ood - o, d_id = i0 - i, d_ood = o0 - o;
		twice_wins += (uint64_t)d_ood * (2 * tp - d_id);
		m.aupr_in += (double)tp / (double)(tp + fp) * (double)d_id;
		m.aupr_out += (double)o0 / (double)(i0 + o0) * (double)d_ood;
	}
	m.auroc = (double)twice_wins / 2 / ((double)n_id * (double)n_ood);
	m.aupr_in /= (double)n_id;
	m.aupr_out /= (double)n_ood;
	return m;
}
