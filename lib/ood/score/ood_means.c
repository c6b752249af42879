/* SPDX-License-Identifier: MIT
 * Scores from means of features and from the last layer's geometry. */
#include <math.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "num/num_linalg.h"
#include "ood/score/ood_method.h"

/* ||z - mu||; mu NULL: ||z||. */
static double norm_from(const float *z, const double *mu, size_t d)
{
	double sum = 0;
	for (size_t i = 0; i < d; i++)
		sum += (z[i] - (mu ? mu[i] : 0)) * (z[i] - (mu ? mu[i] : 0));
	return sqrt(sum);
}

/* ---- SHE --------------------------------------------------------------------------------------- */

/* Simplified Hopfield energy (Zhang et al., "Out-of-distribution detection based on in-distribution data
 * patterns memorization with modern Hopfield energy", ICLR 2023): <z, S_k>, S_k the mean feature of training samples
 * correctly classified as k, k the predicted class. */
static int she_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_fit(s, err) < 0 || ood_need_logits_of(s->basis->fit, err) < 0)
		return -1;
	for (size_t c = 0; c < s->basis->classes; c++)
		if (s->basis->fit->right_count[c] == 0)
			return err_fail(err, "class %zu has no rightly classified sample in the fit", c);
	return 0;
}

static int she_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	size_t C = s->basis->classes, D = s->basis->dim;

	for (size_t i = 0; i < rows->n; i++) {
		const float *z = rows->features + i * D;
		const double *mean = s->basis->fit->right_features + D * num_argmax(rows->logits + i * C, C);
		out[i] = 0;
		for (size_t d = 0; d < D; d++)
			out[i] += z[d] * mean[d];
	}
	return 0;
}

/* ---- NCI --------------------------------------------------------------------------------------- */

/* Neural collapse inspired (Liu and Qin, "Detecting out-of-distribution through the lens of neural
 * collapse", CVPR 2025): <w_k, z - mu> / ||z - mu|| + alpha ||z||_1, k the predicted class. */
static int head_fit_prepare(struct ood_scorer *s, struct err *err)
{
	return ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0 ? -1 : 0;
}

static int nci_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ood_basis *from = s->basis;
	size_t C = from->classes, D = from->dim;
	const double *mu = from->fit->features.centre;

	for (size_t i = 0; i < rows->n; i++) {
		const float *z = rows->features + i * D;
		const double *w = from->weight + D * num_argmax(rows->logits + i * C, C);
		double dot = 0, l1 = 0, norm = norm_from(z, mu, D);
		for (size_t d = 0; d < D; d++) {
			dot += w[d] * (z[d] - mu[d]);
			l1 += fabs((double)z[d]);
		}
		out[i] = (norm > 0 ? dot / norm : 0) + s->request.params[0] * l1;
	}
	return 0;
}

/* ---- fDBD -------------------------------------------------------------------------------------- */

/* Fast decision boundary distance (Liu and Qin, ICML 2024): the sum of the distances of z to the boundaries between the
 * predicted class and each other class, (l_k - l_c) / ||w_k - w_c||, over the distance of z from the mean feature. */
static int fdbd_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_basis *from = s->basis;
	size_t C = from->classes, D = from->dim;

	if (head_fit_prepare(s, err) < 0)
		return -1;
	double *gap = s->state = ood_keep(s, C * C, sizeof *gap, err); /* (C,C): ||w_a - w_b|| */
	if (!gap)
		return -1;
	for (size_t a = 0; a < C; a++)
		for (size_t b = 0; b < a; b++) {
			double sum = 0;
			for (size_t d = 0; d < D; d++) {
				double x = from->weight[a * D + d] - from->weight[b * D + d];
				sum += x * x;
			}
			if (sum == 0)
				return err_fail(err, "classes %zu and %zu have the same weights", b, a);
			gap[a * C + b] = gap[b * C + a] = sqrt(sum);
		}
	return 0;
}

static int fdbd_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ood_basis *from = s->basis;
	size_t C = from->classes, D = from->dim;
	const double *gap = s->state, *mu = s->request.params[0] != 0 ? from->fit->features.centre : NULL;

	for (size_t i = 0; i < rows->n; i++) {
		const float *l = rows->logits + i * C;
		size_t k = num_argmax(l, C);
		double sum = 0, norm = norm_from(rows->features + i * D, mu, D);
		for (size_t c = 0; c < C; c++)
			if (c != k)
				sum += ((double)l[k] - l[c]) / gap[k * C + c];
		out[i] = norm > 0 ? sum / norm : 0;
	}
	return 0;
}

const struct ood_method ood_means_family[] = {
	{ .name = "she",
	  .help = "inner product with the predicted class's mean feature",
	  .needs = "--fit",
	  .fitted = true,
	  .prepare = she_prepare,
	  .score = she_score },
	{ .name = "nci",
	  .help = "closeness to the predicted class's weights, and feature norm",
	  .needs = "--fit",
	  .params = { { "alpha", 1e-4, 0, 1e6, "weight of the feature's L1 norm" } },
	  .fitted = true,
	  .prepare = head_fit_prepare,
	  .score = nci_score },
	{ .name = "fdbd",
	  .help = "distance to the decision boundaries over that to the mean",
	  .needs = "--fit",
	  .params = { { "centred", 1, 0, 1, "0: over the norm of the feature itself" } },
	  .fitted = true,
	  .prepare = fdbd_prepare,
	  .score = fdbd_score },
	{ 0 }
};
