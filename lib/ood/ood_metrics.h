/* SPDX-License-Identifier: MIT
 *
 * ood_metrics: how well one score tells an ID set from an OOD set. Plain arrays, larger means more
 * in-distribution, infinities are allowed, NaN is not.
 *
 * The work is one merge of two sorted arrays: sort each set once, with ood_sort(), then compare the ID
 * set with any number of OOD sets. Ties are grouped: there is one threshold a distinct score, so no
 * result depends on the order of the input. Counts are integers, so are the comparisons with 95 %.
 */
#ifndef OOD_METRICS_H
#define OOD_METRICS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which threshold FPR95 is read at.
 * NEAREST: ID is positive. The threshold whose recall is closest to 95 %, of two that are equally close
 *	the one of higher recall, of those of equal recall the lowest (at full recall: the highest). The
 *	rule of the outlier-exposure programs (Hendrycks et al., "Deep anomaly detection with outlier
 *	exposure", ICLR 2019) and of their many descendants. "Equally close" is exact here; in floating
 *	point, as there, 90 % and 100 % are not, and the lower one may win in sets of very few rows.
 * FIRST: ID is positive. The highest threshold whose recall is at least 95 %.
 * OPENOOD: OOD is positive. The smallest false positive rate at which recall is at least 95 %
 *	(Zhang et al., "OpenOOD v1.5", 2023). */
enum ood_fpr { OOD_FPR_NEAREST, OOD_FPR_FIRST, OOD_FPR_OPENOOD };

/* All in 0..1. */
struct ood_metrics {
	double auroc;                     /* P(ID score > OOD score) + P(equal) / 2, exact */
	double aupr_in, aupr_out;         /* average precision, sum of precision * recall step, with ID
					   * and with OOD (of the negated score) as the positives */
	double fpr95;                     /* share of negatives taken for positive at recall 95 % */
};

/* Sorts ascending, in linear time, with a second array of n floats. -1: out of memory. */
int ood_sort(float *v, size_t n) __attribute__((warn_unused_result));

/* id and ood: sorted ascending, at least one number each, no NaN. */
struct ood_metrics ood_compare(const float *id, size_t n_id, const float *ood, size_t n_ood,
			       enum ood_fpr rule);

#ifdef __cplusplus
}
#endif
#endif
