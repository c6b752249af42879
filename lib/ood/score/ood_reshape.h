/* SPDX-License-Identifier: MIT
 *
 * ood_reshape: scores the logits computed from features, or weights, that a method has reshaped: by their energy, or as
 * METHOD+SCORE asks.
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

/* What pruning keeps: the k = D - round(D percentile / 100) largest features (rounding half to even, like NumPy and
 * PyTorch), and the first of those that tie at the border; with the sums of all features and of the kept ones. */
struct ood_kept {
	size_t k, ties; /* how many; how many of them are at the border */
	float border;
	double all, sum;
};
/* Of z (d); room: d floats. */
struct ood_kept ood_prune(const float *z, size_t d, double percentile, float *room);
/* out (d): scale * z + value for kept features, 0 for the rest. */
void ood_prune_to(struct ood_kept r, const float *z, size_t d, double scale, double value, double *out);
/* ASH-S's and SCALE's exp(all / sum); the exponent is at most OOD_MOST_SCALE, so that a small sum does not overflow. */
enum { OOD_MOST_SCALE = 80 };
double ood_kept_scale(struct ood_kept r);

/* l (n,C) = z (n,D) weight (C,D)^T + the last layer's bias. */
void ood_reshape_logits(const struct ood_basis *from, const double *z, size_t n, const double *weight, double *l);
/* Scores n rows z (n,D) with weight (C,D). -1: out of memory. */
int ood_reshape_score(const struct ood_scorer *s, const double *z, size_t n, const double *weight,
		      double *out) TS_CHECKED;
/* Scores the rows after fn, with the last layer's weights. -1: out of memory. */
int ood_reshape(const struct ood_scorer *s, const struct ood_rows *rows, double *out, ood_reshape_fn *fn) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
