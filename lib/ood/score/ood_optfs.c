/* SPDX-License-Identifier: MIT
 * OptFS (Zhao et al., "Towards optimal feature-shaping methods for out-of-distribution detection", ICLR 2024): the
 * energy of features multiplied by a step function of their own value. Its steps divide the range between the 0.1 % and
 * the 99.9 % quantiles of all training features equally; features outside become zero. A step's factor is the mean,
 * over training rows, of what the features in it add to the logit of the predicted class,
 *
 *	theta_b = mean sum_{d in b} w_kd z_d,
 *
 * all factors scaled to a norm of 1000. From the bank; the authors' program takes all training rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "ood/score/ood_reshape.h"

struct optfs {
	double low, width; /* lower end of the first step; width of each */
	size_t n;
	double *theta; /* (n) */
};

/* The step that z is in, or p->n. */
static size_t step_of(const struct optfs *p, double z)
{
	double at = (z - p->low) / p->width;
	return at >= 0 && at < (double)p->n ? (size_t)at : p->n;
}

static int find_factors(struct optfs *p, const struct ood_basis *from, struct err *err)
{
	const struct ood_fit *f = from->fit;
	const size_t C = f->classes, D = f->dim;
	float *row = malloc(D * sizeof *row);
	double square = 0;

	if (!row)
		return err_memory(err);
	for (size_t i = 0; i < f->bank.n; i++) {
		const float *z = ood_bank_rows(f, i, 1, row);
		const double *w = from->weight + num_argmax(f->bank.logits + i * C, C) * D;
		for (size_t d = 0; d < D; d++) {
			size_t b = step_of(p, z[d]);
			if (b < p->n)
				p->theta[b] += w[d] * z[d];
		}
	}
	free(row);
	for (size_t b = 0; b < p->n; b++)
		square += p->theta[b] * p->theta[b];
	if (!(square > 0))
		return err_fail(err, "the features of the fit add nothing to the logits");
	for (size_t b = 0; b < p->n; b++)
		p->theta[b] *= 1000 / sqrt(square);
	return 0;
}

static int optfs_prepare(struct ood_scorer *s, struct err *err)
{
	struct optfs *p = s->state = ood_keep(s, 1, sizeof *p, err);
	double high;

	if (!p || ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	p->n = (size_t)s->request.params[0];
	if (!(p->theta = ood_keep(s, p->n, sizeof *p->theta, err)) ||
	    ood_bank_percentile(s->basis->fit, 0.1, &p->low, err) < 0 ||
	    ood_bank_percentile(s->basis->fit, 99.9, &high, err) < 0)
		return -1;
	p->width = (high - p->low) / (double)p->n;
	if (!(p->width > 0))
		return err_fail(err, "percentiles 0.1 and 99.9 of the features are equal, %g", high);
	snprintf(s->note, sizeof s->note, "%zu steps from %.6g to %.6g", p->n, p->low, high);
	return find_factors(p, s->basis, err);
}

static void shape(const struct ood_scorer *s, const float *z, size_t d, double *out, float *room)
{
	const struct optfs *p = s->state;
	(void)room;
	for (size_t i = 0; i < d; i++) {
		size_t b = step_of(p, z[i]);
		out[i] = b < p->n ? p->theta[b] * z[i] : 0;
	}
}

static int optfs_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return ood_reshape(s, rows, out, shape);
}

const struct ood_method ood_optfs_family[] = {
	{ .name = "optfs",
	  .help = "energy of features shaped by what their size adds to the logits",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "bins", 100, 1, 1e6, "steps of the shape" } },
	  .reshapes = true,
	  .prepare = optfs_prepare,
	  .score = optfs_score },
	{ 0 }
};
