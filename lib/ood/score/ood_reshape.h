/* SPDX-License-Identifier: MIT
 *
 * ood_reshape: scores of the logits that the last layer gives for features, or weights, that a method has reshaped:
 * their energy, or what METHOD+SCORE asks for.
 */
#ifndef OOD_RESHAPE_H
#define OOD_RESHAPE_H

#include <stddef.h>

#include "ood/score/ood_method.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reshapes one row z (D) into out (D). room: D floats. */
typedef void ood_reshape_fn(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room);

/* What pruning keeps: the k = D - round(D percentile / 100) largest features (half to even, as NumPy's
 * and PyTorch's round), of equal ones at the border the first; with the sums of all and of these. */
struct ood_kept {
	size_t k, ties; /* how many; how many of them are at the border */
	float border;
	double all, sum;
};
/* Of z (d); room: d floats. */
struct ood_kept ood_prune(const float *z, size_t d, double percentile, float *room);

/* l (n,C) = z (n,D) weight (C,D)^T + the last layer's bias. */
void ood_reshape_logits(const struct ood_basis *from, const double *z, size_t n, const double *weight, double *l);
/* The scores of n rows z (n,D) by weight (C,D). -1: out of memory. */
int ood_reshape_score(const struct ood_scorer *s, const double *z, size_t n, const double *weight,
		      double *out) TS_CHECKED;
/* The scores of the rows after fn, by the last layer's weights. -1: out of memory. */
int ood_reshape(const struct ood_scorer *s, const struct ood_rows *rows, double *out, ood_reshape_fn *fn) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
