/* SPDX-License-Identifier: MIT
 * Mahalanobis distances to the classes' means. Features are whitened, so that the distances are
 * Euclidean ones: two matrix products per batch. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ood/ood_internal.h"
#include "num/num_linalg.h"
#include "ood/score/ood_method.h"

struct whitened {
	double *w; /* (rank,D) */
	size_t rank;
	double *mean; /* (C,rank): the whitened class means, relative to the centre */
};

struct gauss {
	const struct ood_moments *m;
	bool unit, relative;
	struct whitened within, total; /* total: relative only; no means */
	bool *present;                 /* (C): classes with samples */
};

static int whiten(struct ood_scorer *s, const struct ood_moments *m, bool within, struct whitened *to, struct err *err)
{
	size_t D = m->d;
	double *cov = malloc(D * D * sizeof *cov), *w = NULL, size = 0;

	if (!cov)
		return err_memory(err);
	if (within)
		size = ood_moments_within(m, cov);
	else
		ood_moments_cov(m, NULL, cov);
	int rc = num_whiten(cov, D, s->request.params[0], size, &w, &to->rank, err);
	free(cov);
	if (rc < 0)
		return err_prefix(err, "the covariance of the features: ");
	to->w = ood_keep(s, to->rank * D, sizeof *w, err);
	if (to->w)
		memcpy(to->w, w, to->rank * D * sizeof *w);
	free(w);
	if (to->rank < D)
		snprintf(s->note, sizeof s->note,
			 "the covariance has rank %zu of %zu: directions without "
			 "variance are ignored; ridge=%g would count them",
			 to->rank, D, 1e-3);
	return to->w ? 0 : -1;
}

/* y (n,rank) = W x for each x (n,D), already relative to the centre. */
static void project(const struct whitened *t, const double *x, size_t n, size_t d, double *y)
{
	num_matmul(x, n, t->w, t->rank, d, y);
}

static int prepare(struct ood_scorer *s, bool unit, bool relative, struct err *err)
{
	struct gauss *g = s->state = ood_keep(s, 1, sizeof *g, err);

	if (!g || ood_need_labels(s, err) < 0)
		return -1;
	const struct ood_moments *m = unit ? &s->basis->fit->unit : &s->basis->fit->features;
	size_t C = m->classes, D = m->d, none = 0;
	g->m = m;
	g->unit = unit;
	g->relative = relative;
	if (whiten(s, m, true, &g->within, err) < 0 || (relative && whiten(s, m, false, &g->total, err) < 0))
		return -1;
	g->present = ood_keep(s, C, sizeof *g->present, err);
	if (!g->present || !(g->within.mean = ood_keep(s, C * g->within.rank, sizeof *g->within.mean, err)))
		return -1;
	double *about = malloc(C * D * sizeof *about); /* (C,D): the means minus the centre */
	if (!about)
		return err_memory(err);
	for (size_t c = 0; c < C; c++) {
		none += !(g->present[c] = m->count[c] > 0);
		for (size_t d = 0; d < D; d++)
			about[c * D + d] = m->mean[c * D + d] - m->centre[d];
	}
	project(&g->within, about, C, D, g->within.mean);
	free(about);
	if (relative && C - none < 2)
		return err_fail(err, "the fit has samples of one class: nothing is relative to it");
	s->without = none;
	return 0;
}

/* ||a - b||^2; b NULL: ||a||^2. */
static double square(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += b ? (a[i] - b[i]) * (a[i] - b[i]) : a[i] * a[i];
	return sum;
}

/* max_c -(z - mu_c)^T P (z - mu_c), and for the relative form + (z - mu)^T P0 (z - mu). */
static int gauss_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct gauss *g = s->state;
	const size_t C = g->m->classes, D = g->m->d;
	size_t wide = g->within.rank > g->total.rank ? g->within.rank : g->total.rank;
	double *x = malloc(rows->n * D * sizeof *x);    /* (n,D): rows minus the centre */
	double *y = malloc(rows->n * wide * sizeof *y); /* (n,rank): the same, whitened */
	float *unit = malloc(D * sizeof *unit);
	int rc = -1;

	if (!x || !y || !unit)
		goto out;
	for (size_t i = 0; i < rows->n; i++) {
		const float *z = rows->features + i * D;
		if (g->unit) {
			ood_unit(z, D, unit);
			z = unit;
		}
		for (size_t d = 0; d < D; d++)
			x[i * D + d] = z[d] - g->m->centre[d];
	}
	project(&g->within, x, rows->n, D, y);
	for (size_t i = 0; i < rows->n; i++) {
		double least = DBL_MAX;
		for (size_t c = 0; c < C; c++) {
			if (!g->present[c])
				continue;
			double d = square(y + i * g->within.rank, g->within.mean + c * g->within.rank, g->within.rank);
			least = d < least ? d : least;
		}
		out[i] = -least;
	}
	if (g->relative) {
		project(&g->total, x, rows->n, D, y);
		for (size_t i = 0; i < rows->n; i++)
			out[i] += square(y + i * g->total.rank, NULL, g->total.rank);
	}
	rc = 0;
out:
	free(x);
	free(y);
	free(unit);
	return rc;
}

static int mahalanobis(struct ood_scorer *s, struct err *err)
{
	return prepare(s, false, false, err);
}

static int rmds(struct ood_scorer *s, struct err *err)
{
	return prepare(s, false, true, err);
}

static int mds_unit(struct ood_scorer *s, struct err *err)
{
	return prepare(s, true, false, err);
}

static int rmds_unit(struct ood_scorer *s, struct err *err)
{
	return prepare(s, true, true, err);
}

#define RIDGE \
	{ \
		{ \
			"ridge", 0, 0, 1e6, "share of the mean variance added to all; 0: pseudo-inverse" \
		} \
	}

/* Lee et al., "A simple unified framework for detecting out-of-distribution samples and adversarial
 * attacks", NeurIPS 2018, on the last features; Ren et al., "A simple fix to Mahalanobis distance for
 * improving near-OOD detection", 2021; Mueller and Hein, "Mahalanobis++: improving OOD detection via
 * feature normalization", ICML 2025. Covariances are divided by the number of samples. */
const struct ood_method ood_gauss_family[] = { { .name = "mahalanobis",
						 .help = "minus the squared Mahalanobis distance to the nearest class",
						 .needs = "--fit",
						 .parts = OOD_PART_MOMENTS,
						 .alone = true,
						 .params = RIDGE,
						 .prepare = mahalanobis,
						 .score = gauss_score },
					       { .name = "rmds",
						 .help = "the same, relative to that of all classes together",
						 .needs = "--fit",
						 .parts = OOD_PART_MOMENTS,
						 .alone = true,
						 .params = RIDGE,
						 .prepare = rmds,
						 .score = gauss_score },
					       { .name = "mds++",
						 .help = "mahalanobis of features divided by their norm",
						 .needs = "--fit",
						 .parts = OOD_PART_UNIT,
						 .alone = true,
						 .params = RIDGE,
						 .prepare = mds_unit,
						 .score = gauss_score },
					       { .name = "rmds++",
						 .help = "rmds of features divided by their norm",
						 .needs = "--fit",
						 .parts = OOD_PART_UNIT,
						 .alone = true,
						 .params = RIDGE,
						 .prepare = rmds_unit,
						 .score = gauss_score },
					       { 0 } };
