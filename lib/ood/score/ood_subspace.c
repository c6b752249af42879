/* SPDX-License-Identifier: MIT
 * Scores from the principal axes of in-distribution features: from the parts inside and outside their span. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "num/num_linalg.h"
#include "ood/score/ood_method.h"

struct subspace {
	double *axes; /* (n,D) */
	size_t n;
	double *origin; /* (D) */
	double *scale;  /* (D): factors of the features; NULL: none */
	double alpha;   /* ViM: the weight of the residual */
	double a, b;    /* SIRC: where the second score begins to count, and how fast */
};

/* Projects the rows minus the origin onto the axes: y (n rows, axes). Puts the norms before projection into norm (n
 * rows), if it is not NULL. */
static int project(const struct subspace *p, const float *z, size_t n, size_t d, double *y, double *norm)
{
	double *x = malloc(n * d * sizeof *x); /* (n,D): z minus the origin, scaled */

	if (!x)
		return -1;
	for (size_t i = 0; i < n; i++) {
		double sum = 0;
		for (size_t k = 0; k < d; k++) {
			double v = (z[i * d + k] - p->origin[k]) * (p->scale ? p->scale[k] : 1);
			x[i * d + k] = v;
			sum += v * v;
		}
		if (norm)
			norm[i] = sqrt(sum);
	}
	num_matmul(x, n, p->axes, p->n, d, y);
	free(x);
	return 0;
}

static double length(const double *y, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += y[i] * y[i];
	return sqrt(sum);
}

/* Replaces the covariance cov (D,D) by its principal axes, one per row, and puts their variances into w (D), both in
 * ascending order of variance. */
static int find_axes(double *cov, size_t D, double *w, struct err *err)
{
	return num_eigen(cov, D, w, err) < 0 ? err_prefix(err, "the covariance of the features: ") : 0;
}

/* ---- ViM and Residual -------------------------------------------------------------------------- */

/* Virtual-logit matching (Wang et al., "ViM: out-of-distribution with virtual-logit matching", CVPR
 * 2022). The origin is -pinv(W) b, where the logits are zero, or the mean if the last layer is unknown; the residual is
 * the part of z - origin outside the first `dim` principal axes. Its norm is scaled to weigh as much as the largest
 * logit on training data (here: on the bank), and subtracted from the energy. */
static int find_origin(const struct ood_basis *from, double *origin, struct err *err)
{
	const double *weight = from->weight ? from->weight : from->fit->weight;
	const double *bias = from->weight ? from->bias : from->fit->bias;
	const size_t D = from->dim, C = from->weight ? from->classes : from->fit->classes;

	if (!weight) { /* features alone: about their mean, as is usual for principal axes */
		memcpy(origin, from->fit->features.centre, D * sizeof *origin);
		return 0;
	}
	if (num_least_squares(weight, C, D, bias, origin, err) < 0)
		return -1;
	for (size_t d = 0; d < D; d++)
		origin[d] = -origin[d];
	return 0;
}

/* Refuses a fit whose features vary in no more than dim directions, by their variances w (D), ascending: few rows
 * differ, or features are always 0 or follow from others. The residual of training data is rounding alone then, and ViM
 * divides by it. */
static int check_rank(const double *w, size_t D, size_t dim, struct err *err)
{
	const size_t rank = num_eigen_rank(w, D, 0);

	return rank > dim ?
		       0 :
		       err_fail(err,
				"the fit's features vary in %zu directions of %zu, so no residual is left outside %zu "
				"principal axes; give a smaller dim",
				rank, D, dim);
}

static int residual_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_basis *from = s->basis;
	const size_t D = from->dim;
	struct subspace *p = s->state = ood_keep(s, 1, sizeof *p, err);
	size_t dim = (size_t)s->request.params[0];

	if (!p || ood_need_fit(s, err) < 0)
		return -1;
	if (dim == 0) /* the authors' rule */
		dim = D >= 2048 ? 1000 : D > 512 ? 512 : D / 2;
	if (dim == 0 || dim >= D)
		return err_fail(err, "dim=%zu leaves no residual of %zu features", dim, D);
	if (from->fit->rows <= dim)
		return err_fail(err,
				"the fit's %llu images all lie within %zu principal axes, so no residual is left; fit "
				"more images, or give a smaller dim",
				(unsigned long long)from->fit->rows, dim);
	double *cov = ood_keep(s, D * D, sizeof *cov, err); /* about the origin; then its axes, one per row */
	if (!cov || !(p->origin = ood_keep(s, D, sizeof *p->origin, err)) || find_origin(from, p->origin, err) < 0)
		return -1;
	ood_moments_cov(&from->fit->features, p->origin, cov);
	p->axes = cov; /* ascending: the residual's come first */
	p->n = D - dim;
	snprintf(s->note, sizeof s->note, "%zu principal axes of %zu%s", dim, D,
		 from->weight || from->fit->weight ? "" : ", about the mean, as no last layer is known");
	double *w = malloc(D * sizeof *w); /* variances, ascending */
	int rc = w ? find_axes(cov, D, w, err) : err_memory(err);
	if (rc == 0)
		rc = check_rank(w, D, dim, err);
	free(w);
	return rc;
}

static int residual_norms(const struct subspace *p, const float *z, size_t n, size_t d, double *out)
{
	double *y = malloc(n * p->n * sizeof *y); /* (n rows, axes) */
	int rc = y ? project(p, z, n, d, y, NULL) : -1;

	for (size_t i = 0; i < n && rc == 0; i++)
		out[i] = length(y + i * p->n, p->n);
	free(y);
	return rc;
}

static int minus_residual(const struct subspace *p, const float *z, size_t n, size_t d, double *out)
{
	int rc = residual_norms(p, z, n, d, out);

	for (size_t i = 0; i < n && rc == 0; i++)
		out[i] = -out[i];
	return rc;
}

static int residual_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return minus_residual(s->state, rows->features, rows->n, s->basis->dim, out);
}

static int vim_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_head(s, err) < 0 || residual_prepare(s, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	const size_t C = f->classes, D = f->dim;
	struct subspace *p = s->state;
	float *buf = malloc(OOD_CHUNK * D * sizeof *buf); /* (chunk,D) rows of the bank */
	double logits = 0, norms = 0, norm[OOD_CHUNK];
	int rc = buf ? 0 : -1; /* -1: out of memory */

	for (size_t i = 0; i < f->bank.n && rc == 0; i += OOD_CHUNK) {
		size_t n = f->bank.n - i < OOD_CHUNK ? f->bank.n - i : OOD_CHUNK;
		rc = residual_norms(p, ood_bank_rows(f, i, n, buf), n, D, norm);
		for (size_t k = 0; k < n; k++) {
			const float *l = f->bank.logits + (i + k) * C;
			logits += l[num_argmax(l, C)];
			norms += norm[k];
		}
	}
	free(buf);
	if (rc < 0)
		return err_memory(err);
	if (!(norms > 0))
		return err_fail(err, "the features of the fit have no residual outside %zu axes", D - p->n);
	p->alpha = logits / norms;
	snprintf(s->note + strlen(s->note), sizeof s->note - strlen(s->note), ", alpha %.6g", p->alpha);
	return 0;
}

static int vim_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct subspace *p = s->state;
	const size_t C = s->basis->classes;
	int rc = residual_norms(p, rows->features, rows->n, s->basis->dim, out);

	for (size_t i = 0; i < rows->n && rc == 0; i++)
		out[i] = num_lse(rows->logits + i * C, C) - p->alpha * out[i];
	return rc;
}

/* ---- SIRC -------------------------------------------------------------------------------------- */

/* Softmax information retaining combination (Xia and Bouganis, "Augmenting softmax information for selective
 * classification with out-of-distribution data", ACCV 2022), as its logarithm:
 *
 *	-log(1 - p) - log(1 + exp(-b (s - a))),  a = mean - 3 sd, b = 1 / sd of s over training data (here: the bank),
 *
 * p the largest softmax probability, s minus ViM's residual, or the feature's L1 norm. Above a the probability decides,
 * below it s does. */
enum { SIRC_NORM = 1 };

static double softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* s of z (n,D). -1: out of memory. */
static int sirc_second(const struct ood_scorer *s, const float *z, size_t n, double *out)
{
	const size_t D = s->basis->dim;

	if (s->request.params[SIRC_NORM] == 0)
		return minus_residual(s->state, z, n, D, out);
	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		for (size_t d = 0; d < D; d++)
			out[i] += fabs((double)z[i * D + d]);
	}
	return 0;
}

/* second (n): that of the bank's rows. */
static int sirc_bank(const struct ood_scorer *s, double *second)
{
	const struct ood_fit *f = s->basis->fit;
	float *buf = malloc(OOD_CHUNK * f->dim * sizeof *buf); /* (chunk,D) */
	int rc = buf ? 0 : -1;

	for (size_t i = 0; i < f->bank.n && rc == 0; i += OOD_CHUNK) {
		const size_t n = f->bank.n - i < OOD_CHUNK ? f->bank.n - i : OOD_CHUNK;
		rc = sirc_second(s, ood_bank_rows(f, i, n, buf), n, second + i);
	}
	free(buf);
	return rc;
}

static int sirc_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_logits(s, err) < 0)
		return -1;
	if (s->request.params[SIRC_NORM] == 0 ?
		    residual_prepare(s, err) < 0 :
		    ood_need_fit(s, err) < 0 || !(s->state = ood_keep(s, 1, sizeof(struct subspace), err)))
		return -1;
	struct subspace *p = s->state;
	const size_t n = s->basis->fit->bank.n;
	double *second = malloc((n + 1) * sizeof *second), mean = 0, sum = 0; /* (n) */
	int rc = second ? sirc_bank(s, second) : -1;

	for (size_t i = 0; i < n && rc == 0; i++)
		mean += second[i] / (double)n;
	for (size_t i = 0; i < n && rc == 0; i++)
		sum += (second[i] - mean) * (second[i] - mean);
	free(second);
	if (rc < 0)
		return err_memory(err);
	const double sd = sqrt(sum / (double)n);
	if (!(sd > 1e-9 * fabs(mean))) /* less is rounding */
		return err_fail(err, "all rows of the fit's bank have the same %s",
				s->request.params[SIRC_NORM] == 0 ? "residual" : "norm");
	p->a = mean - 3 * sd;
	p->b = 1 / sd;
	return 0;
}

static int sirc_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct subspace *p = s->state;
	const size_t C = s->basis->classes;

	if (sirc_second(s, rows->features, rows->n, out) < 0)
		return -1;
	for (size_t i = 0; i < rows->n; i++)
		/* -log(1 - p) = log(1 + odds) */
		out[i] = softplus(num_log_odds(rows->logits + i * C, C, 1)) - softplus(-p->b * (out[i] - p->a));
	return 0;
}

/* ---- NECO -------------------------------------------------------------------------------------- */

/* Neural collapse based OOD detection (Ammar et al., "NECO", ICLR 2024): the share of a standardised
 * feature's norm that lies within the first principal axes of training data, times the largest logit. */
static int neco_axes(struct subspace *p, const double *w, size_t d, size_t dim, double variance, struct err *err)
{
	const size_t enough = num_eigen_share(w, d, variance / 100);

	if (enough == 0)
		return err_fail(err, "the features of the fit do not vary");
	if (dim == 0)
		dim = enough < d ? enough : d - 1;
	if (dim >= d)
		return err_fail(err, "dim=%zu takes all of %zu features: every share is 1", dim, d);
	p->n = dim;
	p->axes += (d - dim) * d; /* ascending: the principal ones come last */
	return 0;
}

static int neco_prepare(struct ood_scorer *s, struct err *err)
{
	struct subspace *p = s->state = ood_keep(s, 1, sizeof *p, err);

	if (!p || ood_need_fit(s, err) < 0 || (s->request.params[2] != 0 && ood_need_logits(s, err) < 0))
		return -1;
	const struct ood_moments *m = &s->basis->fit->features;
	const size_t D = m->d;
	double *cov = ood_keep(s, D * D, sizeof *cov, err); /* of standardised features; then its axes */
	double *w = ood_keep(s, D, sizeof *w, err);         /* their variances, ascending */
	p->origin = m->centre;
	p->scale = ood_keep(s, D, sizeof *p->scale, err);
	p->axes = cov;
	if (!cov || !w || !p->scale)
		return -1;
	ood_moments_cov(m, NULL, cov);
	for (size_t d = 0; d < D; d++)
		/* smaller values are the rounding errors of a feature that does not vary */
		p->scale[d] = cov[d * D + d] > 1e-26 * m->centre[d] * m->centre[d] ? 1 / sqrt(cov[d * D + d]) : 0;
	for (size_t i = 0; i < D; i++)
		for (size_t d = 0; d < D; d++)
			cov[i * D + d] *= p->scale[i] * p->scale[d];
	if (find_axes(cov, D, w, err) < 0 ||
	    neco_axes(p, w, D, (size_t)s->request.params[0], s->request.params[1], err) < 0)
		return -1;
	snprintf(s->note, sizeof s->note, "%zu principal axes of %zu", p->n, D);
	return 0;
}

static int neco_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct subspace *p = s->state;
	const size_t C = s->basis->classes;
	double *y = malloc(rows->n * p->n * sizeof *y), norm[OOD_CHUNK];
	int rc = y ? project(p, rows->features, rows->n, s->basis->dim, y, norm) : -1;

	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		out[i] = norm[i] > 0 ? length(y + i * p->n, p->n) / norm[i] : 0;
		if (s->request.params[2] != 0) {
			const float *l = rows->logits + i * C;
			out[i] *= l[num_argmax(l, C)];
		}
	}
	free(y);
	return rc;
}

#define DIM \
	{ \
		"dim", 0, 0, 1e6, "principal axes; 0: 1000 of 2048 features or more, else 512, else half" \
	}

const struct ood_method ood_subspace_family[] = {
	{ .name = "vim",
	  .help = "energy minus the feature's part outside the principal axes",
	  .needs = "--fit",
	  .parts = OOD_PART_MOMENTS | OOD_PART_BANK,
	  .params = { DIM },
	  .prepare = vim_prepare,
	  .score = vim_score },
	{ .name = "residual",
	  .help = "minus the norm of the feature's part outside the principal axes",
	  .needs = "--fit",
	  .parts = OOD_PART_MOMENTS,
	  .alone = true,
	  .params = { DIM },
	  .prepare = residual_prepare,
	  .score = residual_score },
	{ .name = "sirc",
	  .help = "maximum softmax probability, less where the residual is unlike training data's",
	  .needs = "--fit",
	  .parts = OOD_PART_MOMENTS | OOD_PART_BANK,
	  .params = { DIM, [SIRC_NORM] = { "norm", 0, 0, 1, "1: the feature's L1 norm, not the residual" } },
	  .prepare = sirc_prepare,
	  .score = sirc_score },
	{ .name = "neco",
	  .help = "share of the feature within the principal axes, times the largest logit",
	  .needs = "--fit",
	  .parts = OOD_PART_MOMENTS,
	  .alone = true,
	  .params = { { "dim", 0, 0, 1e6, "principal axes; 0: as many as hold `variance`, not all" },
		      { "variance", 90, 1, 99.999, "share of the variance in the axes, percent" },
		      { "logit", 1, 0, 1, "0: leave out the factor of the largest logit" } },
	  .prepare = neco_prepare,
	  .score = neco_score },
	{ 0 }
};
