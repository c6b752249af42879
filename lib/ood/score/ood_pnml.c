/* SPDX-License-Identifier: MIT
 * pNML (Bibas, Feder, Hassner, "Single layer predictive normalized maximum likelihood for out-of-distribution
 * detection", NeurIPS 2021): minus the regret of a learner that may choose the last layer after it has seen the
 * answer. With u = z / ||z||, q = u^T (sum over training rows of u u^T)^+ u, kappa = q / (1 + q) and
 * p = softmax(W u + b),
 *
 *	conf = -log sum_c p_c / (p_c + (1 - p_c) p_c^kappa) / log C
 *
 * p is clipped to 1e-12 .. 1 - 1e-12, as in pytorch-ood. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_reshape.h"

struct pnml {
	double *w; /* (rank,D): ||w u||^2 = q */
	size_t rank;
};

/* The second moments of features of norm 1 about zero, times their number: sum u u^T. */
static int sum_of_products(const struct ood_moments *m, double *sum, struct err *err)
{
	double *zero = calloc(m->d, sizeof *zero);

	if (!zero)
		return err_memory(err);
	ood_moments_cov(m, zero, sum);
	for (size_t i = 0; i < m->d * m->d; i++)
		sum[i] *= *m->total;
	free(zero);
	return 0;
}

static int pnml_prepare(struct ood_scorer *s, struct err *err)
{
	struct pnml *p = s->state = ood_keep(s, 1, sizeof *p, err);

	if (!p || ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	const size_t D = s->basis->dim;
	double *sum = malloc(D * D * sizeof *sum), *w = NULL;
	if (!sum)
		return err_memory(err);
	int rc = sum_of_products(&s->basis->fit->unit, sum, err);
	if (rc == 0 && (rc = num_whiten(sum, D, 0, 0, &w, &p->rank, err)) < 0)
		err_prefix(err, "the products of the features: ");
	free(sum);
	if (rc == 0 && (p->w = ood_keep(s, p->rank * D, sizeof *w, err)))
		memcpy(p->w, w, p->rank * D * sizeof *w);
	free(w);
	if (rc == 0 && p->rank < D)
		snprintf(s->note, sizeof s->note, "the features span %zu of %zu directions: others are ignored",
			 p->rank, D);
	return p->w ? 0 : -1;
}

/* log of the sum of p / (p + (1 - p) p^kappa) over the classes, as log1p of its excess over sum p = 1, which is
 * sum p (1 - p) (1 - p^kappa) / (p + (1 - p) p^kappa): it does not subtract nearly equal numbers. */
static double regret(const double *l, size_t C, double kappa)
{
	const double least = log(1e-12), most = log1p(-1e-12), lse = num_lse_double(l, C);
	double sum = 0;

	for (size_t c = 0; c < C; c++) {
		double log_p = fmin(fmax(l[c] - lse, least), most), rest = -expm1(log_p);
		sum += rest * -expm1(kappa * log_p) / (1 + rest * exp((kappa - 1) * log_p));
	}
	return log1p(sum);
}

static int pnml_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct pnml *p = s->state;
	const struct ood_basis *from = s->basis;
	const size_t C = from->classes, D = from->dim, n = rows->n;
	double *u = malloc(n * D * sizeof *u), *l = malloc(n * C * sizeof *l), *y = malloc(n * p->rank * sizeof *y);
	float *unit = malloc(D * sizeof *unit);
	int rc = u && l && y && unit ? 0 : -1;

	for (size_t i = 0; i < n && rc == 0; i++) {
		ood_unit(rows->features + i * D, D, unit);
		for (size_t d = 0; d < D; d++)
			u[i * D + d] = unit[d];
	}
	if (rc == 0) {
		ood_reshape_logits(from, u, n, from->weight, l);
		num_matmul(u, n, p->w, p->rank, D, y);
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		double q = 0;
		for (size_t k = 0; k < p->rank; k++)
			q += y[i * p->rank + k] * y[i * p->rank + k];
		out[i] = -regret(l + i * C, C, q / (1 + q)) / log((double)C);
	}
	free(u);
	free(l);
	free(y);
	free(unit);
	return rc;
}

const struct ood_method ood_pnml_family[] = { { .name = "pnml",
						.help = "minus the regret of predictive normalised maximum likelihood",
						.needs = "--fit",
						.parts = OOD_PART_UNIT,
						.prepare = pnml_prepare,
						.score = pnml_score },
					      { 0 } };
