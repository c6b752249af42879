/* SPDX-License-Identifier: MIT
 *
 * num_sort: floats in ascending order, in linear time: a radix sort with digits of 11 bits, three
 * passes, fewer where all numbers share a digit. No NaN. -0 comes before +0, which compare equal, so
 * that ties stay neighbours.
 */
#ifndef NUM_SORT_H
#define NUM_SORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sorts v, with a second array of n floats. -1: out of memory. */
int num_sort(float *v, size_t n) __attribute__((warn_unused_result));
/* The same, n below 2^32; order[k] becomes the number that v's k-th smallest had before, of equal ones
 * the first one first. Works with another 16 bytes a number. */
int num_sort_order(float *v, uint32_t *order, size_t n) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
