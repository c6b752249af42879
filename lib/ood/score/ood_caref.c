/* SPDX-License-Identifier: MIT
 * CARef and CADRef (Ling, Chang, Zhao, Zhao, Xing, "CADRef: robust out-of-distribution detection via class-aware
 * decoupled relative feature leveraging", CVPR 2025): how far a feature lies from the mean mu_k of the training rows
 * that the model takes for the same class k, in the L1 norm and relative to the feature's own norm:
 *
 *	caref = -||z - mu_k||_1 / ||z||_1
 *
 * CADRef separates the part that raises the logit of k from the part that lowers it. With d = (z - mu_k) sign(w_k),
 * feature by feature, e+ the sum of its positive numbers and e- that of its negative ones, each over ||z||_1,
 *
 *	cadref = -(e+ / S(logits) + e- / mean S),
 *
 * with S the energy, or another confidence, and mean S taken over training data (here: the bank). */
#include <float.h>
#include <math.h>

#include "num/num_softmax.h"
#include "ood/score/ood_method.h"

enum confidence { ENERGY, MSP, MAXLOGIT };

static int caref_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;

	if (ood_need_fit(s, err) < 0)
		return -1;
	for (size_t c = 0; c < f->classes; c++)
		if (f->pred_count[c] == 0)
			return err_fail(err, "the model assigns no row of the fit to class %zu, which then has no mean",
					c);
	return 0;
}

static double confidence(const float *l, size_t C, double which)
{
	if (which == MSP)
		return 1 / (1 + exp(-num_log_odds(l, C, 1)));
	return which == MAXLOGIT ? l[num_argmax(l, C)] : num_lse(l, C);
}

/* The state is the mean confidence over the bank. */
static int cadref_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	double *mean = s->state = ood_keep(s, 1, sizeof *mean, err);

	if (!mean || ood_need_head(s, err) < 0 || caref_prepare(s, err) < 0)
		return -1;
	for (size_t i = 0; i < f->bank.n; i++)
		*mean += confidence(f->bank.logits + i * f->classes, f->classes, s->request.params[0]) /
			 (double)f->bank.n;
	if (!(*mean > 0))
		return err_fail(err, "the mean confidence of the fit's rows is %g: it needs one above 0", *mean);
	return 0;
}

/* Sums (z - mu) sign(w), positive and negative numbers separately, over ||z||_1; w NULL: all count as positive. False:
 * the feature is zero, and cannot be divided by. */
static bool errors(const float *z, const double *mu, const double *w, size_t D, double *up, double *down)
{
	double norm = 0;

	*up = *down = 0;
	for (size_t d = 0; d < D; d++) {
		double x = z[d] - mu[d], along = w ? x * ((w[d] > 0) - (w[d] < 0)) : fabs(x);
		*up += along > 0 ? along : 0;
		*down -= along < 0 ? along : 0;
		norm += fabs((double)z[d]);
	}
	*up /= norm;
	*down /= norm;
	return norm > 0;
}

static int caref_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes, D = s->basis->dim;
	double up, down;

	for (size_t i = 0; i < rows->n; i++) {
		const size_t k = num_argmax(rows->logits + i * C, C);
		const double *mu = s->basis->fit->pred_features + k * D;
		out[i] = errors(rows->features + i * D, mu, NULL, D, &up, &down) ? -up : -FLT_MAX;
	}
	return 0;
}

static int cadref_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes, D = s->basis->dim;
	const double *mean = s->state;
	double up, down;

	for (size_t i = 0; i < rows->n; i++) {
		const float *l = rows->logits + i * C;
		const size_t k = num_argmax(l, C);
		const double *mu = s->basis->fit->pred_features + k * D, *w = s->basis->weight + k * D;
		bool some = errors(rows->features + i * D, mu, w, D, &up, &down);
		out[i] = some ? -(up / confidence(l, C, s->request.params[0]) + down / *mean) : -FLT_MAX;
	}
	return 0;
}

const struct ood_method ood_caref_family[] = {
	{ .name = "caref",
	  .help = "minus the relative L1 distance to the mean of what is predicted alike",
	  .needs = "--fit",
	  .parts = OOD_PART_PRED,
	  .prepare = caref_prepare,
	  .score = caref_score },
	{ .name = "cadref",
	  .help = "caref, with features that lower the logit apart from those that raise it",
	  .needs = "--fit",
	  .parts = OOD_PART_PRED | OOD_PART_BANK,
	  .params = { { "confidence", 0, 0, 2, "what weighs the latter: 0 energy, 1 msp, 2 maxlogit" } },
	  .prepare = cadref_prepare,
	  .score = cadref_score },
	{ 0 }
};
