/* SPDX-License-Identifier: MIT
 *
 * ood_delong: how sure an AUROC is, and whether two of them differ (DeLong, DeLong, Clarke-Pearson,
 * "Comparing the areas under two or more correlated receiver operating characteristic curves",
 * Biometrics 44, 1988; in the linear-time form of Sun and Xu, IEEE Signal Processing Letters 21, 2014).
 *
 * A row's placement is the share of the other set's rows that it is on the right side of; ties count half.
 * The AUROC is the mean placement of the ID rows, and of the OOD rows; its variance is that of both
 * means, S(ID) / n(ID) + S(OOD) / n(OOD). The difference of two AUROCs over the same rows is the mean of
 * the differences of their placements, and its variance is computed the same way.
 */
#ifndef OOD_DELONG_H
#define OOD_DELONG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ood/eval/ood_metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets out[order[k]] to the placement of the k-th row of s among other's, both unweighted: the share of other below it
 * (ID rows: above = false) or above it (OOD rows: above = true). */
void ood_placements(const struct ood_sample *s, const uint32_t *order, const struct ood_sample *other, bool above,
		    double *out);
/* Variance of the mean of x, S^2 / n with ddof 1; NaN if n is 1. With y not NULL: of x - y. */
double ood_variance_of_mean(const double *x, const double *y, size_t n);

#ifdef __cplusplus
}
#endif
#endif
