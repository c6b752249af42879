/* SPDX-License-Identifier: MIT
 * Several predictions for one sample: the log-odds (see msp) of the largest probability of their mean, which is the
 * mean of their probabilities, as in the papers, or the softmax of their mean logits, as in OpenOOD.
 *
 * Deep ensembles (Lakshminarayanan, Pritzel, Blundell, NeurIPS 2017): the model's logits and those of other models in
 * the column ensemble. MC-dropout (Gal, Ghahramani, ICML 2016): passes inside the network, in the column passes; or on
 * the last features, as in OpenOOD's network: each pass drops a share of them, scales up the others to compensate, and
 * applies the last layer. The passes' masks are the same for all rows, so that a score does not depend on the rows
 * around it. */
#include <math.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"
#include "ts/ts_rng.h"

/* The log-odds of the largest mean probability of logits l (n,C), or of the softmax of their mean. Overwrites l. */
static double log_odds(double *l, size_t n, size_t C, bool mean_logits)
{
	double *all = l; /* (C): log of the sum of the probabilities, or the mean logits */
	size_t top = 0;

	for (size_t i = 0; i < n; i++) {
		double *own = l + i * C, lse = mean_logits ? 0 : num_lse_double(own, C);
		for (size_t c = 0; c < C; c++) {
			double x = mean_logits ? own[c] / (double)n : own[c] - lse;
			if (i == 0)
				all[c] = x;
			else if (mean_logits)
				all[c] += x;
			else
				all[c] = fmax(all[c], x) + log1p(exp(-fabs(all[c] - x)));
		}
	}
	for (size_t c = 1; c < C; c++)
		top = all[c] > all[top] ? c : top;
	double best = all[top];
	all[top] = -INFINITY;
	return best - num_lse_double(all, C);
}

/* ---- MC-dropout ----------------------------------------------------------------------------------- */

enum { PASSES, SHARE, LOGITS };

/* The state is the masks (passes,D). */
static int dropout_prepare(struct ood_scorer *s, struct err *err)
{
	const double *params = s->request.params;
	const size_t D = s->basis->dim, passes = (size_t)params[PASSES];
	double *mask = s->state = ood_keep(s, passes * D, sizeof *mask, err);

	if (!mask || ood_need_head(s, err) < 0)
		return -1;
	for (size_t i = 0; i < passes; i++) {
		struct ts_rng r = ts_rng_new(0, i);
		for (size_t d = 0; d < D; d++)
			mask[i * D + d] = ts_rng_double(&r) < params[SHARE] ? 0 : 1 / (1 - params[SHARE]);
	}
	return 0;
}

static int dropout_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes, D = s->basis->dim, passes = (size_t)s->request.params[PASSES];
	const double *mask = s->state;
	double *z = malloc(passes * D * sizeof *z), *l = malloc(passes * C * sizeof *l);
	int rc = z && l ? 0 : -1;

	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		for (size_t k = 0; k < passes * D; k++)
			z[k] = mask[k] * rows->features[i * D + k % D];
		num_matmul(z, passes, s->basis->weight, C, D, l);
		for (size_t k = 0; k < passes * C; k++)
			l[k] += s->basis->bias[k % C];
		out[i] = log_odds(l, passes, C, s->request.params[LOGITS] != 0);
	}
	free(z);
	free(l);
	return rc;
}

/* ---- ensembles ------------------------------------------------------------------------------------ */

struct ensemble {
	size_t column, others; /* the column's number; how many logits it has */
	size_t own;            /* 1: the model's own count, too */
};

/* The column has the name of the option that makes it. */
static int prepare_column(struct ood_scorer *s, const char *name, bool own, struct err *err)
{
	const struct ts_field *f = ts_header_field(s->basis->header, name);
	struct ensemble *k = s->state = ood_keep(s, 1, sizeof *k, err);

	if (!k)
		return -1;
	if (!f)
		return err_fail(err, "the stream has no column '%s': um-embed --%s adds it", name, name);
	if (f->type != TS_F32 || f->ndim != 2 || f->shape[0] == 0 || f->shape[1] != s->basis->classes)
		return err_fail(err, "column '%s' has another type or shape than it needs", name);
	*k = (struct ensemble){ (size_t)(f - s->basis->header->fields), f->shape[0], own };
	return 0;
}

static int ensemble_prepare(struct ood_scorer *s, struct err *err)
{
	return prepare_column(s, "ensemble", true, err);
}

static int passes_prepare(struct ood_scorer *s, struct err *err)
{
	return prepare_column(s, "passes", false, err);
}

static int ensemble_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct ensemble *k = s->state;
	const size_t C = s->basis->classes, models = k->own + k->others;
	const float *others = (const float *)rows->batch->cols[k->column].data + rows->first * k->others * C;
	double *l = malloc(models * C * sizeof *l);

	for (size_t i = 0; l && i < rows->n; i++) {
		for (size_t c = 0; c < k->own * C; c++)
			l[c] = rows->logits[i * C + c];
		for (size_t c = 0; c < k->others * C; c++)
			l[k->own * C + c] = others[i * k->others * C + c];
		out[i] = log_odds(l, models, C, s->request.params[0] != 0);
	}
	free(l);
	return l ? 0 : -1;
}

const struct ood_method ood_dropout_family[] = {
	{ .name = "mc-dropout",
	  .help = "msp of the mean over passes that drop features",
	  .params = { [PASSES] = { "passes", 5, 1, 1e6, "how many" },
		      [SHARE] = { "share", 0.5, 0, 0.999, "of the features that a pass drops" },
		      [LOGITS] = { "logits", 0, 0, 1, "1: of the mean logits (OpenOOD), not probabilities" } },
	  .prepare = dropout_prepare,
	  .score = dropout_score },
	{ 0 }
};

const struct ood_method ood_ensemble_family[] = {
	{ .name = "ensemble",
	  .help = "msp of the mean over several models",
	  .needs = "um-embed --ensemble",
	  .params = { { "logits", 0, 0, 1, "1: of the mean logits (OpenOOD), not probabilities" } },
	  .prepare = ensemble_prepare,
	  .score = ensemble_score },
	{ .name = "mc-dropout-network",
	  .help = "msp of the mean over passes with dropout inside the network",
	  .needs = "um-embed --passes",
	  .made = "passes",
	  .params = { { "logits", 0, 0, 1, "1: of the mean logits (OpenOOD), not probabilities" } },
	  .prepare = passes_prepare,
	  .score = ensemble_score },
	{ 0 }
};
