/* SPDX-License-Identifier: MIT
 * Kernel PCA (Fang, Tao, Lv, He, Huang, Yang, "Kernel PCA for out-of-distribution detection", NeurIPS 2024): minus the
 * norm of the part of phi(z) - mean that lies outside the first principal axes of training data's phi,
 *
 *	CoP	phi(z) = u = z / ||z||, the cosine kernel;
 *	CoRP	phi(z) = sqrt(2 / M) cos(W u + b), W (M,D) normal with variance 2 gamma, b (M) uniform in [0, 2 pi): random
 *		Fourier features of the Gaussian kernel exp(-gamma ||u - u'||^2).
 *
 * The axes are as many as hold a share of the variance. CoP's come from all training rows, CoRP's from rows of the
 * bank. The defaults are those of the authors' program for CIFAR-10. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"
#include "ts/ts_rng.h"

enum { VARIANCE, GAMMA, SIZE, ROWS };

struct kpca {
	double *weight, *shift; /* CoRP: (M,D), (M); CoP: NULL */
	size_t m;               /* numbers of phi: M, or D */
	double *mean;           /* (m) */
	double *axes;           /* (n,m) */
	size_t n;
};

/* Room for one chunk. */
struct room {
	float *unit;    /* (OOD_CHUNK,D) */
	double *u, *wu; /* CoRP: (OOD_CHUNK,D), (OOD_CHUNK,M) */
	float *phi;     /* (OOD_CHUNK,m): unit, if that is phi */
};

static void release(struct room *r)
{
	if (r->phi != r->unit)
		free(r->phi);
	free(r->unit);
	free(r->u);
	free(r->wu);
}

static int make_room(const struct kpca *k, size_t D, struct room *r)
{
	*r = (struct room){ .unit = malloc(OOD_CHUNK * D * sizeof *r->unit) };
	if (!k->weight)
		return (r->phi = r->unit) ? 0 : -1;
	r->u = malloc(OOD_CHUNK * D * sizeof *r->u);
	r->wu = malloc(OOD_CHUNK * k->m * sizeof *r->wu);
	r->phi = malloc(OOD_CHUNK * k->m * sizeof *r->phi);
	return r->unit && r->u && r->wu && r->phi ? 0 : -1;
}

/* r->phi = phi of z (n,D). */
static void map(const struct kpca *k, const float *z, size_t n, size_t D, const struct room *r)
{
	const size_t M = k->m;
	const double scale = sqrt(2.0 / (double)M);

	for (size_t i = 0; i < n; i++)
		ood_unit(z + i * D, D, r->unit + i * D);
	if (!k->weight)
		return;
	for (size_t i = 0; i < n * D; i++)
		r->u[i] = r->unit[i];
	num_matmul(r->u, n, k->weight, M, D, r->wu);
	for (size_t i = 0; i < n * M; i++)
		r->phi[i] = (float)(scale * cos(r->wu[i] + k->shift[i % M]));
}

/* Keeps of the axes of cov (m,m) those that hold `percent` of its variance, the least number of them. */
static int find_axes(struct ood_scorer *s, double *cov, double percent, struct err *err)
{
	struct kpca *k = s->state;
	const size_t m = k->m;
	double *w = malloc(m * sizeof *w), all = 0, rest = 0; /* (m): variances, ascending */
	int rc = w ? num_eigen(cov, m, w, err) : err_memory(err);

	if (rc == 0)
		k->n = num_eigen_share(w, m, percent / 100);
	for (size_t i = 0; i < m && rc == 0; i++) {
		all += fmax(w[i], 0);
		rest += i < m - k->n ? fmax(w[i], 0) : 0;
	}
	free(w);
	if (rc < 0)
		return err_prefix(err, "the covariance of the features: ");
	if (k->n == 0)
		return err_fail(err, "the features of the fit do not vary");
	if (!(rest > 1e-12 * all))
		return err_fail(err, "%zu of %zu principal axes hold all of the variance: no residual is left", k->n,
				m);
	k->axes = cov + (m - k->n) * m;
	snprintf(s->note, sizeof s->note, "%zu principal axes of %zu", k->n, m);
	return 0;
}

static int cop_prepare(struct ood_scorer *s, struct err *err)
{
	struct kpca *k = s->state = ood_keep(s, 1, sizeof *k, err);

	if (!k || ood_need_fit(s, err) < 0)
		return -1;
	const struct ood_moments *unit = &s->basis->fit->unit;
	double *cov = ood_keep(s, unit->d * unit->d, sizeof *cov, err);
	if (!cov)
		return -1;
	k->m = unit->d;
	k->mean = unit->centre;
	ood_moments_cov(unit, NULL, cov);
	return find_axes(s, cov, s->request.params[VARIANCE], err);
}

static void draw(const struct kpca *k, double gamma, size_t D)
{
	struct ts_rng normal = ts_rng_new(0, 0), uniform = ts_rng_new(0, 1);

	for (size_t i = 0; i < k->m * D; i++)
		k->weight[i] = sqrt(2 * gamma) * ts_rng_normal(&normal);
	for (size_t i = 0; i < k->m; i++)
		k->shift[i] = 2 * M_PI * ts_rng_double(&uniform);
}

/* cov (M,M) of phi of the bank's first rows, and k->mean. */
static int add_bank(const struct ood_scorer *s, struct room *r, double *cov)
{
	const struct kpca *k = s->state;
	const struct ood_fit *f = s->basis->fit;
	const size_t most = (size_t)s->request.params[ROWS], rows = f->bank.n < most ? f->bank.n : most;
	float *z = malloc(OOD_CHUNK * f->dim * sizeof *z);
	double *scatter = calloc(k->m * k->m, sizeof *scatter), total = 0;
	struct ood_moments all = { .d = k->m, .total = &total, .centre = k->mean, .scatter = scatter };
	int rc = z && scatter ? 0 : -1;

	for (size_t i = 0; i < rows && rc == 0; i += OOD_CHUNK) {
		const size_t n = rows - i < OOD_CHUNK ? rows - i : OOD_CHUNK;
		map(k, ood_bank_rows(f, i, n, z), n, f->dim, r);
		rc = ood_moments_add(&all, r->phi, NULL, n);
	}
	if (rc == 0)
		ood_moments_cov(&all, NULL, cov);
	free(scatter);
	free(z);
	return rc;
}

static int corp_prepare(struct ood_scorer *s, struct err *err)
{
	enum { PER_FEATURE = 4, MOST = 2048 };
	struct kpca *k = s->state = ood_keep(s, 1, sizeof *k, err);
	struct room r;
	double *cov;

	if (!k || ood_need_fit(s, err) < 0)
		return -1;
	const size_t D = s->basis->dim, asked = (size_t)s->request.params[SIZE];
	k->m = asked ? asked : D < MOST / PER_FEATURE ? PER_FEATURE * D : MOST;
	if (!(k->weight = ood_keep(s, k->m * D, sizeof *k->weight, err)) ||
	    !(k->shift = ood_keep(s, k->m, sizeof *k->shift, err)) ||
	    !(k->mean = ood_keep(s, k->m, sizeof *k->mean, err)) || !(cov = ood_keep(s, k->m * k->m, sizeof *cov, err)))
		return -1;
	draw(k, s->request.params[GAMMA], D);
	int rc = make_room(k, D, &r) < 0 || add_bank(s, &r, cov) < 0 ? err_memory(err) : 0;
	release(&r);
	return rc < 0 ? -1 : find_axes(s, cov, s->request.params[VARIANCE], err);
}

/* Minus the norm of x - mean outside the axes: what is left of its square without the squares of its n coordinates. */
static int kpca_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct kpca *k = s->state;
	const size_t m = k->m;
	double *x = malloc(rows->n * (m + k->n) * sizeof *x), *y = NULL; /* (rows,m), (rows,n) */
	struct room r;
	int rc = make_room(k, s->basis->dim, &r) == 0 && x ? 0 : -1;

	if (rc == 0) {
		y = x + rows->n * m;
		map(k, rows->features, rows->n, s->basis->dim, &r);
		for (size_t i = 0; i < rows->n * m; i++)
			x[i] = r.phi[i] - k->mean[i % m];
		num_matmul(x, rows->n, k->axes, k->n, m, y);
	}
	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		double left = 0;
		for (size_t j = 0; j < m; j++)
			left += x[i * m + j] * x[i * m + j];
		for (size_t j = 0; j < k->n; j++)
			left -= y[i * k->n + j] * y[i * k->n + j];
		out[i] = left > 0 ? -sqrt(left) : 0;
	}
	release(&r);
	free(x);
	return rc;
}

#define SHARE(percent) \
	{ \
		"variance", percent, 1, 99.999, "share of the variance in the axes, percent" \
	}

const struct ood_method ood_kpca_family[] = {
	{ .name = "cop",
	  .help = "minus the norm of the part of the feature's direction outside its principal axes",
	  .needs = "--fit",
	  .parts = OOD_PART_UNIT,
	  .alone = true,
	  .params = { [VARIANCE] = SHARE(85) },
	  .prepare = cop_prepare,
	  .score = kpca_score },
	{ .name = "corp",
	  .help = "the same of random Fourier features of the direction",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .alone = true,
	  .params = { [VARIANCE] = SHARE(80),
		      [GAMMA] = { "gamma", 2, 1e-6, 1e6, "of the Gaussian kernel" },
		      [SIZE] = { "size", 0, 0, 1e5, "random features; 0: four per feature, 2048 at most" },
		      [ROWS] = { "rows", 10000, 1, 1e9, "of the bank, at most, that are training data" } },
	  .prepare = corp_prepare,
	  .score = kpca_score },
	{ 0 }
};
