/* SPDX-License-Identifier: MIT
 * A Gaussian for each class, with a covariance of its own: the log-density of the mixture (a classical baseline, as
 * pytorch-ood's GMM)
 *
 *	conf = log sum_c n_c / n N(z; mu_c, S_c + reg I),  S_c divided by n_c.
 *
 * Computed from the bank, as a covariance per class is too much for a fit. */
#include <math.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"

#define MOST ((size_t)4 << 30) /* bytes of whitening matrices */

struct gmm {
	size_t n;      /* classes with rows */
	double *mean;  /* (n,D) */
	double *white; /* (n,D,D): ||white x||^2 = x^T (S + reg I)^-1 x */
	double *base;  /* (n): log (n_c / n) - (log det + D log 2 pi) / 2 */
};

static size_t count_rows(const struct ood_fit *f, size_t c)
{
	size_t n = 0;
	for (size_t i = 0; i < f->bank.n; i++)
		n += f->bank.label[i] == (int64_t)c;
	return n;
}

/* x (n,D): the n rows of the bank with label c, minus their mean (D), which starts as zeros. row: (D). */
static void take_rows(const struct ood_fit *f, size_t c, size_t n, double *x, double *mean, float *row)
{
	const size_t D = f->dim;
	size_t at = 0;

	for (size_t i = 0; i < f->bank.n; i++) {
		if (f->bank.label[i] != (int64_t)c)
			continue;
		const float *z = ood_bank_rows(f, i, 1, row);
		for (size_t d = 0; d < D; d++)
			mean[d] += (x[at * D + d] = z[d]) / (double)n;
		at++;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t d = 0; d < D; d++)
			x[i * D + d] -= mean[d];
}

/* white (D,D) = U^-T of the covariance U^T U of x (n,D) plus reg; returns its log-determinant. cov: (D,D). */
static int whiten(const double *x, size_t n, size_t D, double reg, double *cov, double *white, double *log_det)
{
	num_at_a(x, n, D, cov);
	for (size_t i = 0; i < D * D; i++)
		cov[i] = cov[i] / (double)n + (i % (D + 1) == 0 ? reg : 0);
	if (num_cholesky(cov, D) < 0)
		return -1;
	*log_det = 0;
	for (size_t d = 0; d < D; d++) {
		double *e = white + d * D; /* the d-th column of U^-1, a row of U^-T */
		*log_det += 2 * log(cov[d * D + d]);
		for (size_t i = 0; i < D; i++)
			e[i] = i == d;
		num_solve_upper(cov, D, false, e);
	}
	return 0;
}

static int add_class(struct gmm *g, const struct ood_fit *f, size_t c, double reg, double *cov, struct err *err)
{
	const size_t D = f->dim, n = count_rows(f, c);
	double log_det, *x = malloc((n + 1) * D * sizeof *x);
	float *row = malloc(D * sizeof *row);
	int rc = x && row ? 0 : err_memory(err);

	if (rc == 0 && n > 0) {
		take_rows(f, c, n, x, g->mean + g->n * D, row);
		if (whiten(x, n, D, reg, cov, g->white + g->n * D * D, &log_det) < 0)
			rc = err_fail(err, "the covariance of class %zu is singular: a larger reg than %g helps", c,
				      reg);
		else
			g->base[g->n++] =
				log((double)n / (double)f->bank.n) - (log_det + (double)D * log(2 * acos(-1))) / 2;
	}
	free(x);
	free(row);
	return rc;
}

static int gmm_prepare(struct ood_scorer *s, struct err *err)
{
	struct gmm *g = s->state = ood_keep(s, 1, sizeof *g, err);

	if (!g || ood_need_labels(s, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	const size_t C = f->classes, D = f->dim;
	if (C > MOST / sizeof(double) / D / D)
		return err_fail(err, "a covariance of %zu features for each of %zu classes takes more than %zu GB", D,
				C, MOST >> 30);
	if (!(g->mean = ood_keep(s, C * D, sizeof(double), err)) ||
	    !(g->white = ood_keep(s, C * D * D, sizeof(double), err)) ||
	    !(g->base = ood_keep(s, C, sizeof(double), err)))
		return -1;
	double *cov = malloc(D * D * sizeof *cov);
	int rc = cov ? 0 : err_memory(err);
	for (size_t c = 0; c < C && rc == 0; c++)
		rc = add_class(g, f, c, s->request.params[0], cov, err);
	free(cov);
	s->without = C - g->n;
	return rc;
}

static int gmm_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct gmm *g = s->state;
	const size_t D = s->basis->dim, n = rows->n;
	double *x = malloc(n * D * sizeof *x), *y = malloc(n * D * sizeof *y);
	double *log_p = malloc(n * g->n * sizeof *log_p); /* (n,classes) */
	int rc = x && y && log_p ? 0 : -1;

	for (size_t c = 0; c < g->n && rc == 0; c++) {
		for (size_t i = 0; i < n; i++)
			for (size_t d = 0; d < D; d++)
				x[i * D + d] = rows->features[i * D + d] - g->mean[c * D + d];
		num_matmul(x, n, g->white + c * D * D, D, D, y);
		for (size_t i = 0; i < n; i++) {
			double square = 0;
			for (size_t d = 0; d < D; d++)
				square += y[i * D + d] * y[i * D + d];
			log_p[i * g->n + c] = g->base[c] - square / 2;
		}
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		out[i] = num_lse_double(log_p + i * g->n, g->n);
	free(x);
	free(y);
	free(log_p);
	return rc;
}

const struct ood_method ood_gmm_family[] = {
	{ .name = "gmm",
	  .help = "log-density of one Gaussian per class, each with its own covariance",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .alone = true,
	  .params = { { "reg", 1e-6, 0, 1e6, "variance added to every direction" } },
	  .prepare = gmm_prepare,
	  .score = gmm_score },
	{ 0 }
};
