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

/* Every class needs a mean. */
static int class_means_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_fit(s, err) < 0 || ood_need_labels(s, err) < 0)
		return -1;
	for (size_t c = 0; c < s->basis->fit->classes; c++)
		if (s->basis->fit->features.count[c] == 0)
			return err_fail(err, "class %zu has no sample in the fit", c);
	return 0;
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

/* ---- CTM --------------------------------------------------------------------------------------- */

/* Class typical matching (Ngoc-Hieu et al., "A cosine similarity-based method for out-of-distribution detection",
 * 2023): the largest cosine between z and the mean feature of a class. */
static int ctm_prepare(struct ood_scorer *s, struct err *err)
{
	if (class_means_prepare(s, err) < 0)
		return -1;
	const struct ood_moments *m = &s->basis->fit->features;
	double *unit = s->state = ood_keep(s, m->classes * m->d, sizeof *unit, err); /* (C,D): means, of length 1 */

	if (!unit)
		return -1;
	for (size_t c = 0; c < m->classes; c++) {
		const double *mean = m->mean + c * m->d;
		double square = 0;

		for (size_t d = 0; d < m->d; d++)
			square += mean[d] * mean[d];
		for (size_t d = 0; d < m->d && square > 0; d++)
			unit[c * m->d + d] = mean[d] / sqrt(square);
	}
	return 0;
}

static int ctm_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->fit->classes, D = s->basis->dim, n = rows->n;
	double *z = malloc(n * (D + C) * sizeof *z), *p = z + n * D; /* (n,D); (n,C): <z, unit_c> */

	if (!z)
		return -1;
	for (size_t i = 0; i < n * D; i++)
		z[i] = rows->features[i];
	num_matmul(z, n, s->state, C, D, p);
	for (size_t i = 0; i < n; i++) {
		const double size = norm_from(rows->features + i * D, NULL, D);
		double most = p[i * C];

		for (size_t c = 1; c < C; c++)
			most = fmax(most, p[i * C + c]);
		out[i] = size > 0 ? most / size : 0;
	}
	free(z);
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

/* gap (C,C): ||w_a - w_b||. */
static int find_gaps(struct ood_scorer *s, double *gap, struct err *err)
{
	const struct ood_basis *from = s->basis;
	size_t C = from->classes, D = from->dim;

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

/* Fast decision boundary distance (Liu and Qin, ICML 2024): the sum of the distances of z to the boundaries between the
 * predicted class and each other class, (l_k - l_c) / ||w_k - w_c||, over the distance of z from the mean feature. */
static int fdbd_prepare(struct ood_scorer *s, struct err *err)
{
	const size_t C = s->basis->classes;

	if (head_fit_prepare(s, err) < 0 || !(s->state = ood_keep(s, C * C, sizeof(double), err)))
		return -1;
	return find_gaps(s, s->state, err);
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

/* ---- ORA --------------------------------------------------------------------------------------- */

/* Relative angles (Demirel, Fumero, Locatello, "Out-of-distribution detection with relative angles", NeurIPS
 * 2025): seen from mu, the mean of the classes' mean features, the largest angle between z and its projections onto
 * the boundaries between the predicted class k and the other classes c, over pi:
 *
 *	a = z - mu,  v = w_k - w_c,  t = (l_k - l_c) / ||v||^2,  the angle of a and a - t v
 *
 * Their scalar product and the length of their cross product follow from ||a||, ||v|| and <a, v>. The arctangent of
 * the two keeps the digits of small angles, which the arc cosine of the published program loses. */
struct ora {
	double *gap; /* (C,C): ||w_a - w_b|| */
	double *mu;  /* (D) */
};

static int ora_prepare(struct ood_scorer *s, struct err *err)
{
	struct ora *k = s->state = ood_keep(s, 1, sizeof *k, err);
	const size_t C = s->basis->classes, D = s->basis->dim;

	if (!k || head_fit_prepare(s, err) < 0 || class_means_prepare(s, err) < 0 ||
	    !(k->gap = ood_keep(s, C * C, sizeof *k->gap, err)) || !(k->mu = ood_keep(s, D, sizeof *k->mu, err)) ||
	    find_gaps(s, k->gap, err) < 0)
		return -1;
	const struct ood_moments *m = &s->basis->fit->features;
	for (size_t c = 0; c < C; c++)
		for (size_t d = 0; d < D; d++)
			k->mu[d] += m->mean[c * D + d] / (double)C;
	return 0;
}

/* The angle of a and a - t v from their norms and product, along = <a, v>. */
static double angle_to(double size, double gap, double along, double t)
{
	const double across = size * size * gap * gap - along * along;

	return atan2(t * sqrt(across > 0 ? across : 0), size * size - t * along);
}

static int ora_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ora *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim, n = rows->n;
	double *a = malloc(n * (D + C) * sizeof *a), *p = a + n * D; /* (n,D); (n,C): <a, w_c> */

	if (!a)
		return -1;
	for (size_t i = 0; i < n * D; i++)
		a[i] = rows->features[i];
	for (size_t i = 0; i < n; i++)
		for (size_t d = 0; d < D; d++)
			a[i * D + d] -= k->mu[d];
	num_matmul(a, n, s->basis->weight, C, D, p);
	for (size_t i = 0; i < n; i++) {
		const float *l = rows->logits + i * C;
		const size_t own = num_argmax(l, C);
		const double size = norm_from(rows->features + i * D, k->mu, D);

		out[i] = 0;
		for (size_t c = 0; c < C; c++) {
			const double gap = k->gap[own * C + c], along = p[i * C + own] - p[i * C + c];
			const double ahead = (double)l[own] - l[c];

			if (c != own)
				out[i] = fmax(out[i], angle_to(size, gap, along, ahead / (gap * gap)));
		}
		out[i] /= M_PI;
	}
	free(a);
	return 0;
}

const struct ood_method ood_means_family[] = {
	{ .name = "she",
	  .help = "inner product with the predicted class's mean feature",
	  .needs = "--fit",
	  .fitted = true,
	  .prepare = she_prepare,
	  .score = she_score },
	{ .name = "ctm",
	  .help = "largest cosine between the feature and a class's mean feature",
	  .needs = "--fit",
	  .fitted = true,
	  .alone = true,
	  .prepare = ctm_prepare,
	  .score = ctm_score },
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
	{ .name = "ora",
	  .help = "largest angle between the feature and its projections onto the decision boundaries",
	  .needs = "--fit",
	  .fitted = true,
	  .prepare = ora_prepare,
	  .score = ora_score },
	{ 0 }
};
