/* SPDX-License-Identifier: MIT
 *
 * num_sort: numbers in order. Whole sets in linear time: a radix sort with digits of 11 bits, three
 * passes for floats and six for doubles, fewer where all numbers share a digit. -0 comes before +0, which compare
 * equal, so that
 * ties stay neighbours. Single rows by comparisons. No NaN anywhere.
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
/* The same, n below 2^32; order[k] becomes the number that v's k-th smallest had before, of equal ones
 * the first one first. Works with another 16 bytes per number. -1: out of memory. */
int num_sort_order(float *v, uint32_t *order, size_t n) __attribute__((warn_unused_result));

/* Both of doubles, which keep all their digits; the second with another 32 bytes per number. */
int num_sort_wide(double *v, size_t n) __attribute__((warn_unused_result));
int num_sort_order_wide(double *v, uint32_t *order, size_t n) __attribute__((warn_unused_result));

/* Number k, from 0, of v (n) in ascending order; v is reordered. Linear time on average. */
float num_select(float *v, size_t n, size_t k);
/* Indices of v (n) in descending order of its numbers, of equal ones the first one first, into order (n). */
void num_rank(const float *v, size_t n, struct num_ranked *order);

#ifdef __cplusplus
}
#endif
#endif
