/* SPDX-License-Identifier: MIT
 *
 * num_sort: sorts numbers. Whole sets in linear time: a radix sort with digits of 11 bits, three passes for floats and
 * six for doubles, fewer if all numbers share a digit. -0 comes before +0; they compare equal, so ties stay neighbours.
 * Single rows by comparisons. NaN is not allowed.
 */
#ifndef NUM_SORT_H
#define NUM_SORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct num_ranked {
	float v;
	uint32_t at; /* its index */
};

/* Sorts v, with a second array of n floats. -1: out of memory. */
int num_sort(float *v, size_t n) __attribute__((warn_unused_result));
/* The same, n below 2^32; order[k] becomes the former index of v's k-th smallest; equal ones stay in order. Uses
 * another 16 bytes per number. -1: out of memory. */
int num_sort_order(float *v, uint32_t *order, size_t n) __attribute__((warn_unused_result));

/* The same for doubles, at full precision; the second uses another 32 bytes per number. */
int num_sort_wide(double *v, size_t n) __attribute__((warn_unused_result));
int num_sort_order_wide(double *v, uint32_t *order, size_t n) __attribute__((warn_unused_result));

/* Number k (from 0) of v (n) in ascending order; reorders v. Linear time on average. */
float num_select(float *v, size_t n, size_t k);
/* Writes the indices of v (n) in descending order of its numbers into order (n); equal ones stay in order. */
void num_rank(const float *v, size_t n, struct num_ranked *order);

#ifdef __cplusplus
}
#endif
#endif
