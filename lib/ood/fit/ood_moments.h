/* SPDX-License-Identifier: MIT
 *
 * ood_moments: means and scatter of vectors, in one pass and O(d^2 + C d) memory, mergeable. Sums are
 * kept about the running mean (Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979), so nothing cancels, and the order of the data or of the parts
 * changes the result only by rounding. If scatter is kept, call num_linalg_open() first.
 */
#ifndef OOD_MOMENTS_H
#define OOD_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ood_moments {
	size_t d, classes;
	double *total;   /* (1) vectors */
	double *centre;  /* (d) their mean */
	double *scatter; /* (d,d) sum of (x - centre)(x - centre)^T; the upper
					   * triangle, the lower one stays zero. NULL: not kept */
	double *count;   /* (C) vectors with this label */
	double *mean;    /* (C,d) their mean; zeros if there are none */
};

/* Adds n vectors x (n,d) with labels (n); label -1: none; label NULL: none at all. Returns -1 if out of memory. */
int ood_moments_add(struct ood_moments *m, const float *x, const int64_t *label, size_t n)
	__attribute__((warn_unused_result));
/* Adds b, of the same sizes. -1: out of memory. */
int ood_moments_merge(struct ood_moments *m, const struct ood_moments *b) __attribute__((warn_unused_result));
/* Mean scatter about `about` (d), or about the centre if it is NULL; cov (d,d): (1/n) sum (x - about)(x - about)^T. */
void ood_moments_cov(const struct ood_moments *m, const double *about, double *cov);
/* The covariance within classes: (1/n) sum (x - mean_label)(x - mean_label)^T, cov (d,d). Every vector must have had a
 * label. It is the covariance of all less that of the means, and has the rounding errors of both: returns the Frobenius
 * norm of the former, for num_whiten(). */
double ood_moments_within(const struct ood_moments *m, double *cov);

#ifdef __cplusplus
}
#endif
#endif
