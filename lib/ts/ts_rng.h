/* SPDX-License-Identifier: MIT
 *
 * ts_rng: random numbers as a value that is passed around. SplitMix64 (Steele, Lea, Flood, "Fast
 * splittable pseudorandom number generators", OOPSLA 2014): 64 bits of state, so a state is saved
 * in one integer and a stream is forked by a name. Equal on every machine and every libtorch.
 */
#ifndef TS_RNG_H
#define TS_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ts_rng {
	uint64_t state;
};

/* The generator of (seed, stream): different streams of one seed are independent. */
struct ts_rng ts_rng_new(uint64_t seed, uint64_t stream);
/* 64 random bits. */
uint64_t ts_rng_u64(struct ts_rng *r);
/* Uniform in [0, 1), 53 bits. */
double ts_rng_double(struct ts_rng *r);
/* Sets each of n bytes to 1 with probability 1 - p, else to 0: ts_rng_double() >= p, n times. */
void ts_rng_kept(struct ts_rng *r, double p, uint8_t *kept, size_t n);
/* Uniform in [0, n), n >= 1, without bias. */
uint64_t ts_rng_below(struct ts_rng *r, uint64_t n);
/* Standard normal (Box-Muller, one of the pair). */
double ts_rng_normal(struct ts_rng *r);
/* Fills idx with a random permutation of 0..n-1 (Fisher-Yates). */
void ts_rng_permutation(struct ts_rng *r, size_t *idx, size_t n);
/* Fills idx with k distinct numbers of 0..n-1 in ascending order, every subset equally likely
 * (Knuth's selection sampling, O(n)). k <= n. */
void ts_rng_sample(struct ts_rng *r, size_t *idx, size_t k, size_t n);

#ifdef __cplusplus
}
#endif
#endif
