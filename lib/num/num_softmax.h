/* SPDX-License-Identifier: MIT
 *
 * num_softmax: functions of a row of logits: the largest, log-sum-exp, softmax, log-odds, cross-entropy. Rows are
 * floats, sums are doubles, and nothing overflows: the largest is subtracted before the exponential function.
 */
#ifndef NUM_SOFTMAX_H
#define NUM_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Index of the largest, the first among equals. n > 0. */
size_t num_argmax(const float *v, size_t n);
/* log sum exp((v[i] - shift) / t) over all i but skip (n: none is left out). Does not overflow if shift is the largest
 * of those that count. */
double num_log_sum_exp(const float *v, size_t n, size_t skip, double shift, double t);
/* log sum exp of v[0..n). */
double num_lse(const float *v, size_t n);
double num_lse_double(const double *v, size_t n);
/* p (n) = softmax(v / t). */
void num_softmax(const float *v, size_t n, double t, double *p);
/* The same for t = 1, rounded to floats. */
void num_softmax_float(const float *v, size_t n, float *p);
/* Log-odds log(p / (1 - p)) of the largest softmax probability p of v / t; n > 1. */
double num_log_odds(const float *v, size_t n, double t);
/* Cross-entropy of logits (n) for a label from 0 to n - 1. */
double num_cross_entropy(const float *logits, size_t n, int64_t label);

#ifdef __cplusplus
}
#endif
#endif
