/* SPDX-License-Identifier: MIT
 *
 * num_logistic: logistic regression of a few columns, as scikit-learn's LogisticRegression() does by
 * default: minimises |w|^2 / 2 + c * sum over rows of log(1 + exp(-y (w.x + b))), y = 1 or -1; the
 * intercept b is not penalised. Uses Newton's method, so it reaches the minimum up to rounding.
 */
#ifndef NUM_LOGISTIC_H
#define NUM_LOGISTIC_H

#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* x (n,d) row-major, positive (n): 1 for y = 1, 0 for y = -1; fills w (d) and *b. c > 0. -1: out of memory, or no
 * minimum found within 100 steps, as with numbers that are not finite. */
int num_logistic_fit(const double *x, const uint8_t *positive, size_t n, size_t d, double c, double *w, double *b,
		     struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
