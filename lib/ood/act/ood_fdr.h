/* SPDX-License-Identifier: MIT
 *
 * ood_fdr: which rows of a batch to flag so that few of the flagged ones are ID: the procedure of Benjamini and
 * Hochberg on conformal p-values. With n calibration scores of ID rows, a row of score s has
 *
 *	p = (1 + calibration scores that are not above s) / (n + 1),
 *
 * and a row of the batch's m rows is flagged if its p is at most the largest p for which p <= q k / m, where k is the
 * number of rows with a p no larger. If the batch's ID rows and the calibration rows are independent draws from one
 * distribution, whatever the OOD rows are, then the expected share of ID rows among the flagged ones is at most q times
 * the batch's share of ID rows (Benjamini and Hochberg, JRSS B 57, 1995; Bates, Candes, Lei, Romano, Sesia, "Testing
 * for outliers with conformal p-values", Annals of Statistics 51, 2023, theorem 2: p-values that share their
 * calibration rows depend on each other, but harmlessly). The expectation is over batches and calibration sets; ties
 * only lower it.
 */
#ifndef OOD_FDR_H
#define OOD_FDR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sets flag (m) to 1 or 0 for each score (m), none of them NaN, against calibration scores (n), sorted ascending. 0 < q
 * < 1. -1: out of memory. */
int ood_fdr(const double *calibration, size_t n, const double *score, size_t m, double q, uint8_t *flag)
	__attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
