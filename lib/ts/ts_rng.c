/* SPDX-License-Identifier: MIT
 * SplitMix64 and what is drawn from it. */
#include <math.h>

#include "ts/ts_rng.h"

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct ts_rng ts_rng_new(uint64_t seed, uint64_t stream)
{
	return (struct ts_rng){ mix(seed + 0x9e3779b97f4a7c15u) ^ mix(mix(stream + 0x3c6ef372fe94f82au)) };
}

uint64_t ts_rng_u64(struct ts_rng *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return mix(r->state);
}

double ts_rng_double(struct ts_rng *r)
{
	return (double)(ts_rng_u64(r) >> 11) * 0x1p-53;
}

/* u 2^-53 >= p for a whole number u, without rounding, if u >= p 2^53. */
void ts_rng_kept(struct ts_rng *r, double p, uint8_t *kept, size_t n)
{
	const uint64_t least = p > 0 ? (uint64_t)ceil(p * 0x1p53) : 0;

	for (size_t i = 0; i < n; i++)
		kept[i] = ts_rng_u64(r) >> 11 >= least;
}

uint64_t ts_rng_below(struct ts_rng *r, uint64_t n)
{
	uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
	do
		x = ts_rng_u64(r);
	while (x >= limit);
	return x % n;
}

double ts_rng_normal(struct ts_rng *r)
{
	double u = 1.0 - ts_rng_double(r), v = ts_rng_double(r);
	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void ts_rng_permutation(struct ts_rng *r, size_t *idx, size_t n)
{
	for (size_t i = 0; i < n; i++)
		idx[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = ts_rng_below(r, i), t = idx[i - 1];
		idx[i - 1] = idx[j];
		idx[j] = t;
	}
}

void ts_rng_sample(struct ts_rng *r, size_t *idx, size_t k, size_t n)
{
	size_t taken = 0;
	for (size_t i = 0; i < n && taken < k; i++)
		if (ts_rng_below(r, n - i) < k - taken)
			idx[taken++] = i;
}
