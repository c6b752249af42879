/* SPDX-License-Identifier: MIT
 *
 * num_test: p-values and quantiles of the normal distribution, and Holm's correction of several p-values.
 */
#ifndef NUM_TEST_H
#define NUM_TEST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Two-sided p-value of a difference of this variance under the normal distribution; 1 if there is no difference, NaN if
 * the variance is NaN. */
double num_p_value(double difference, double variance);
/* Holm's step-down correction of n p-values, in place: rejecting values at or below a has a family-wise error of at
 * most a (Holm, Scandinavian Journal of Statistics 6, 1979). NaNs are left alone and do not count. */
void num_holm(double *p, size_t n);
/* Quantile of the standard normal distribution, 0 < q < 1, to 1e-12. */
double num_normal_quantile(double q);

#ifdef __cplusplus
}
#endif
#endif
