/* SPDX-License-Identifier: MIT
 * Scores of the logits with fitted parameters: a temperature, the classes' mean probabilities, and Weibull tails. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "num/num_sort.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

/* ---- temperature scaling ---------------------------------------------------------------------- */

/* First and second derivatives with respect to b of the sum over the bank of the cross-entropy of b * logits: with d
 * the logits minus the largest, and p = softmax(b d), they are the mean of d under p minus the label's d, and the
 * variance of d under p. */
static void slopes(const struct ood_fit *f, double b, double *first, double *second)
{
	size_t C = f->classes;
	*first = *second = 0;
	for (size_t i = 0; i < f->bank.n; i++) {
		const float *l = f->bank.logits + i * C;
		double top = l[num_argmax(l, C)], sum = 0, mean = 0, square = 0;
		for (size_t c = 0; c < C; c++) {
			double d = l[c] - top, e = exp(b * d);
			sum += e;
			mean += e * d;
			square += e * d * d;
		}
		mean /= sum;
		*first += mean - (l[f->bank.label[i]] - top);
		*second += square / sum - mean * mean;
	}
}

/* The temperature with the least cross-entropy on validation data (Guo et al., "On calibration of modern
 * neural networks", ICML 2017). The loss is convex in b = 1/T: Newton's method, kept within the
 * bracket that the signs of the slope give. */
static int fit_temperature(const struct ood_fit *f, double *t, struct err *err)
{
	double low = 1e-4, high = 1e4, b = 1, first, second;
	size_t right = 0;

	for (size_t i = 0; i < f->bank.n; i++)
		right += num_argmax(f->bank.logits + i * f->classes, f->classes) == (size_t)f->bank.label[i];
	slopes(f, high, &first, &second);
	if (right == f->bank.n || first <= 0)
		return err_fail(err, "no temperature fits: the model is right on every row of the fit");
	slopes(f, low, &first, &second);
	if (first >= 0)
		return err_fail(err, "no temperature fits: the logits say nothing about the labels");
	for (int i = 0; i < 200; i++) {
		slopes(f, b, &first, &second);
		if (fabs(first / second) < 1e-14 * b)
			break;
		if (first > 0)
			high = b;
		else
			low = b;
		double next = b - first / second;
		b = next > low && next < high ? next : (low + high) / 2;
	}
	*t = 1 / b;
	return 0;
}

static int temperature_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->val;
	double *t = s->state = ood_keep(s, 1, sizeof *t, err);

	if (!t)
		return -1;
	if (!f)
		return err_fail(err, "needs labelled validation data: --val FILE, from ood-fit");
	if (ood_need_logits_of(f, err) < 0)
		return -1;
	if (f->bank.n == 0 || f->unlabelled)
		return err_fail(err, "needs a fit of validation data with a bank, every row labelled");
	if (fit_temperature(f, t, err) < 0)
		return -1;
	snprintf(s->note, sizeof s->note, "the fitted temperature is %.6g", *t);
	return 0;
}

static int temperature_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	size_t C = s->basis->classes;
	for (size_t i = 0; i < rows->n; i++)
		out[i] = num_log_odds(rows->logits + i * C, C, *(const double *)s->state);
	return 0;
}

/* ---- KL matching ------------------------------------------------------------------------------ */

/* The least divergence from the mean probabilities of a class (Hendrycks et al., "Scaling
 * out-of-distribution detection for real-world settings", ICML 2022): -min_k KL(p || d_k), d_k the mean
 * of p over samples predicted k, one-hot if there are none. Zeros of d_k count as 1e-300, not as an
 * infinite divergence. */
struct klm {
	double *log_d;                /* (C,C) */
	float *sure;                  /* (C) the score when p is 1 for the class, within float precision */
	_Atomic uint64_t rows, alike; /* scored; with that score, so that rows of a class tie */
};

static int klm_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = ood_validation(s);
	const size_t C = s->basis->classes;
	struct klm *klm = s->state = ood_keep(s, 1, sizeof *klm, err);

	if (!klm || !(klm->log_d = ood_keep(s, C * C, sizeof *klm->log_d, err)) ||
	    !(klm->sure = ood_keep(s, C, sizeof *klm->sure, err)))
		return -1;
	if (!f)
		return err_fail(err, "needs a fit: --val FILE or --fit FILE, from ood-fit");
	if (ood_need_logits_of(f, err) < 0)
		return -1;
	for (size_t k = 0; k < C; k++)
		for (size_t c = 0; c < C; c++) {
			double d = f->pred_count[k] > 0 ? f->pred_prob[k * C + c] : c == k;
			klm->log_d[k * C + c] = log(fmax(d, 1e-300));
		}
	for (size_t c = 0; c < C; c++) {
		double least = DBL_MAX;

		for (size_t k = 0; k < C; k++)
			least = fmin(least, -klm->log_d[k * C + c]);
		klm->sure[c] = (float)-least;
	}
	return 0;
}

static int klm_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes;
	struct klm *klm = s->state;
	uint64_t alike = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const float *l = rows->logits + i * C;
		double lse = num_lse(l, C), least = DBL_MAX;
		for (size_t k = 0; k < C; k++) {
			double kl = 0;
			for (size_t c = 0; c < C; c++)
				kl += exp(l[c] - lse) * (l[c] - lse - klm->log_d[k * C + c]);
			least = fmin(least, kl);
		}
		out[i] = -least;
		alike += (float)out[i] == klm->sure[num_argmax(l, C)];
	}
	klm->alike += alike;
	klm->rows += rows->n;
	return 0;
}

static void klm_after(const struct ood_scorer *s, char note[OOD_NOTE])
{
	const struct klm *klm = s->state;

	if (klm->alike > 1)
		snprintf(note, OOD_NOTE,
			 "%llu of %llu rows have a probability of 1 as far as floats tell, and one score for each "
			 "class; "
			 "msp tells them apart",
			 (unsigned long long)klm->alike, (unsigned long long)klm->rows);
}

/* ---- OpenMax ---------------------------------------------------------------------------------- */

/* OpenMax (Bendale and Boult, "Towards open set deep networks", CVPR 2016) on the logits. Each class has
 * the mean m_c of the logits of its rightly classified training samples, and a distribution of the
 * largest distances to it. The reference implementation fits a Weibull distribution to distances
 * shifted by 10,000, which is a Gumbel distribution of minima in all but name:
 *	F(d) = 1 - exp(-exp((d - m) / s)).
 * That is what is fitted here, by maximum likelihood, and it does not overflow. */
struct tail {
	double m, s;
};
struct openmax {
	struct tail *tail;  /* (C) */
	const double *mean; /* (C,C): m_c */
};

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Maximum likelihood for n distances: s solves sum x e^(x/s) / sum e^(x/s) - mean x = s, whose left
 * side falls and right side rises with s; then m = s log mean e^(x/s). */
static bool fit_tail(const double *x, size_t n, struct tail *t)
{
	double mean = 0, low = 0, high = x[0] - x[n - 1], sum = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	if (!(high > 0))
		return false;
	for (int k = 0; k < 200; k++) {
		double s = (low + high) / 2, moment = 0;
		sum = 0;
		for (size_t i = 0; i < n; i++) {
			double e = exp((x[i] - x[0]) / s);
			sum += e;
			moment += x[i] * e;
		}
		if (moment / sum - mean > s)
			low = s;
		else
			high = s;
		t->s = s;
	}
	sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += exp((x[i] - x[0]) / t->s);
	t->m = x[0] + t->s * log(sum / (double)n);
	return true;
}

/* ||l - mean||, both (n). */
static double distance(const float *l, const double *mean, size_t n)
{
	double sum = 0;
	for (size_t c = 0; c < n; c++)
		sum += (l[c] - mean[c]) * (l[c] - mean[c]);
	return sqrt(sum);
}

/* Fits each class's tail to its `longest` largest distances; x: space for the bank's. */
static int fit_tails(struct openmax *o, const struct ood_fit *f, size_t longest, double *x, struct err *err)
{
	size_t C = f->classes;

	for (size_t c = 0; c < C; c++) {
		size_t n = 0;
		for (size_t i = 0; i < f->bank.n; i++) {
			const float *l = f->bank.logits + i * C;
			if (f->bank.label[i] == (int64_t)c && num_argmax(l, C) == c)
				x[n++] = distance(l, o->mean + c * C, C);
		}
		qsort(x, n, sizeof *x, descending);
		if (n < 2 || !fit_tail(x, n < longest ? n : longest, &o->tail[c]))
			return err_fail(err,
					"class %zu has %zu rightly classified samples in the bank, too few or "
					"all at one distance: no tail to fit",
					c, n);
	}
	return 0;
}

static int openmax_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	struct openmax *o = s->state = ood_keep(s, 1, sizeof *o, err);

	if (!o || !(o->tail = ood_keep(s, s->basis->classes, sizeof *o->tail, err)))
		return -1;
	if (ood_need_fit(s, err) < 0)
		return -1;
	double *x = malloc((f->bank.n + 1) * sizeof *x); /* distances of one class */
	o->mean = f->right_logits;
	int rc = x ? fit_tails(o, f, (size_t)s->request.params[0], x, err) : err_memory(err);
	free(x);
	return rc;
}

/* The log-odds of not being the unknown class, log sum_c exp(l'_c) - u: of the alpha largest logits, the one of rank r
 * loses the share F(d_c) (alpha - r) / alpha, and u is their total loss. order, revised (n). */
static double openmax_row(const struct openmax *o, const float *l, size_t n, size_t alpha, struct num_ranked *order,
			  double *revised)
{
	double unknown = 0;

	for (size_t c = 0; c < n; c++)
		revised[c] = l[c];
	num_rank(l, n, order);
	for (size_t rank = 0; rank < alpha; rank++) {
		const size_t c = order[rank].at;
		double omega = (double)(alpha - rank) / (double)alpha;
		double d = distance(l, o->mean + c * n, n);
		double cdf = -expm1(-exp((d - o->tail[c].m) / o->tail[c].s));
		revised[c] = l[c] * (1 - cdf * omega);
	}
	for (size_t c = 0; c < n; c++)
		unknown += l[c] - revised[c];
	return num_lse_double(revised, n) - unknown;
}

static int openmax_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	size_t C = s->basis->classes, alpha = (size_t)s->request.params[1];
	double *revised = malloc(C * sizeof *revised);
	struct num_ranked *order = malloc(C * sizeof *order);
	int rc = revised && order ? 0 : -1;

	for (size_t i = 0; rc == 0 && i < rows->n; i++)
		out[i] = openmax_row(s->state, rows->logits + i * C, C, alpha < C ? alpha : C, order, revised);
	free(revised);
	free(order);
	return rc;
}

const struct ood_method ood_calibrate_family[] = {
	{ .name = "temperature",
	  .help = "msp of logits over the temperature that fits validation data best",
	  .needs = "--val",
	  .parts = OOD_PART_BANK,
	  .prepare = temperature_prepare,
	  .score = temperature_score },
	{ .name = "klm",
	  .help = "KL divergence from the nearest class's mean probabilities",
	  .needs = "--val or --fit",
	  .fitted = true,
	  .prepare = klm_prepare,
	  .score = klm_score,
	  .after = klm_after },
	{ .name = "openmax",
	  .help = "log-odds of OpenMax's known classes",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "tail", 20, 2, 1e6, "distances per class to fit the tail to" },
		      { "alpha", 3, 1, 1e6, "how many of the largest logits to revise" } },
	  .prepare = openmax_prepare,
	  .score = openmax_score },
	{ 0 }
};
