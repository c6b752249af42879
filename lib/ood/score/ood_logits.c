/* SPDX-License-Identifier: MIT
 * Scores of the logits alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "num/num_sort.h"
#include "ood/score/ood_method.h"

/* What the "Unleashing Mask" program (Zhu et al., ICML 2023) calls MSP: it applies the softmax to probabilities. The
 * largest number lies between 1/n and e / (e + n - 1), and confident samples tie. */
static double softmax_twice(const float *l, size_t n, double t)
{
	const double top = l[num_argmax(l, n)], lse = num_log_sum_exp(l, n, n, top, t);
	double sum = 0;

	for (size_t c = 0; c < n; c++)
		sum += exp(exp((l[c] - top) / t - lse) - exp(-lse));
	return 1 / sum;
}

/* Maximum softmax probability (Hendrycks and Gimpel, "A baseline for detecting misclassified and
 * out-of-distribution examples in neural networks", ICLR 2017), as its log-odds
 *	log(p / (1 - p)) = -log sum_{c != k} exp(l_c - l_k),  k the class of the largest logit,
 * which ranks samples as p does. p itself rounds to 1 in single precision for margins above 17, so
 * that confident samples would tie. */
static double msp(const float *l, size_t n, const double *params)
{
	return params[1] != 0 ? softmax_twice(l, n, params[0]) : num_log_odds(l, n, params[0]);
}

/* The largest logit (Hendrycks et al., "Scaling out-of-distribution detection for real-world
 * settings", ICML 2022). */
static double maxlogit(const float *l, size_t n, const double *params)
{
	(void)params;
	return l[num_argmax(l, n)];
}

/* The negative free energy T log sum_c exp(l_c / T) (Liu et al., "Energy-based out-of-distribution
 * detection", NeurIPS 2020, equation 4, sign turned so that larger is more in-distribution). */
static double energy(const float *l, size_t n, const double *params)
{
	double t = params[0], top = l[num_argmax(l, n)];
	return top + t * num_log_sum_exp(l, n, n, top, t);
}

/* log p_k and log(1 - p_k) of the largest softmax probability, from the log-odds: neither subtracts nearly equal
 * numbers. */
static void top_logs(double odds, double *log_p, double *log_rest)
{
	*log_p = -log1p(exp(-odds));
	*log_rest = odds > 0 ? -odds - log1p(exp(-odds)) : -log1p(exp(odds));
	if (odds < 0)
		*log_p = odds - log1p(exp(odds));
}

/* Entropy H of the softmax as -log H, which ranks as -H does: H itself falls below the smallest single
 * for margins above 100. log H = log sum_c exp(log p_c + log(-log p_c)). */
static double entropy(const float *l, size_t n, const double *params)
{
	size_t k = num_argmax(l, n);
	double log_p, log_rest, odds = num_log_odds(l, n, 1), lse = num_lse(l, n), sum = 0;

	(void)params;
	top_logs(odds, &log_p, &log_rest);
	/* Relative to 1 - p_k, so that the sum does not vanish: -p_k log p_k is about 1 - p_k. */
	double minus_log_p = odds > 30 ? 1 : -log_p / exp(log_rest);
	sum = exp(log_p) * minus_log_p;
	for (size_t c = 0; c < n; c++)
		if (c != k)
			sum += exp(l[c] - lse - log_rest) * (lse - l[c]);
	return -(log_rest + log(sum));
}

/* Generalised entropy -sum p^g (1-p)^g over the M largest probabilities (Liu, Lochman, Zach, "GEN:
 * pushing the limits of softmax-based out-of-distribution detection", CVPR 2023). 1 - p of the largest
 * is taken from the log-odds: in single precision it is 0 for confident samples. A sum below e^-80 is as good as 0 in
 * single precision: from there on the score is -log sum - 80, above 0, so that such samples do not tie. room (n). */
static double gen(const float *l, size_t n, double g, size_t most, float *room)
{
	const size_t k = num_argmax(l, n);
	const double least = -80;
	double log_p, log_rest, lse = num_lse(l, n), top, sum, parts = 1; /* sum: e^top parts */
	float border = -INFINITY;
	size_t ties = n; /* how many at the border count: the first ones */

	top_logs(num_log_odds(l, n, 1), &log_p, &log_rest);
	top = g * (log_p + log_rest); /* the largest: p (1 - p) grows with p, and with 1 - p */
	sum = exp(top);
	if (most < n) {
		memcpy(room, l, n * sizeof *l);
		border = num_select(room, n, n - most);
		ties = most;
		for (size_t c = 0; c < n; c++)
			ties -= l[c] > border;
	}
	/* In the order of the classes, so that sums of equal numbers are equal. */
	for (size_t c = 0; c < n; c++) {
		if (l[c] < border || (l[c] == border && ties == 0))
			continue;
		ties -= l[c] == border;
		if (c == k)
			continue;
		double log_q = l[c] - lse;
		const double part = g * (log_q + log1p(-exp(log_q)));
		sum += exp(part);
		parts += exp(part - top);
	}
	return top + log(parts) < least ? least - top - log(parts) : -sum;
}

static int gen_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes;
	const double *params = s->request.params;
	const size_t most = params[1] < (double)C ? (size_t)params[1] : C;
	float *room = malloc(C * sizeof *room);

	if (!room)
		return -1;
	for (size_t i = 0; i < rows->n; i++)
		out[i] = gen(rows->logits + i * C, C, params[0], most, room);
	free(room);
	return 0;
}

/* LogitGap (Liang et al., "Revisiting logit distributions for reliable out-of-distribution detection", NeurIPS
 * 2025): how far the next `most` logits are below the largest, in the mean. room (n). */
static double logitgap(const float *l, size_t n, size_t most, float *room)
{
	const float top = l[num_argmax(l, n)];
	double sum = 0;
	size_t above = 0; /* logits above the border, the largest too; those at it fill up */
	float border = -INFINITY;

	if (most < n - 1) {
		memcpy(room, l, n * sizeof *l);
		border = num_select(room, n, n - 1 - most);
	}
	for (size_t c = 0; c < n; c++)
		if (l[c] > border) {
			sum += (double)top - l[c];
			above++;
		}
	if (above <= most)
		sum += (double)(most + 1 - above) * ((double)top - border);
	return sum / (double)most;
}

static int logitgap_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->basis->classes, others = C - 1;
	const size_t top = (size_t)s->request.params[0], most = top > 0 && top < others ? top : others;
	float *room = malloc(C * sizeof *room);

	if (!room)
		return -1;
	for (size_t i = 0; i < rows->n; i++)
		out[i] = logitgap(rows->logits + i * C, C, most, room);
	free(room);
	return 0;
}

const struct ood_method ood_logits_family[] = {
	{ .name = "msp",
	  .help = "log-odds of the maximum softmax probability",
	  .params = { { "temperature", 1, 1e-6, 1e6, "divides the logits" },
		      { "published", 0, 0, 1, "1: the largest number of the softmax of the softmax" } },
	  .later = 3,
	  .logits = msp },
	{ .name = "maxlogit", .help = "the largest logit", .logits = maxlogit },
	{ .name = "energy",
	  .help = "negative free energy of the logits",
	  .params = { { "temperature", 1, 1e-6, 1e6, "divides the logits" } },
	  .logits = energy },
	{ .name = "entropy", .help = "minus the log of the softmax's entropy", .logits = entropy },
	{ .name = "gen",
	  .help = "generalised entropy of the largest probabilities",
	  .params = { { "gamma", 0.1, 1e-6, 10, "power of p (1 - p)" },
		      { "top", 100, 1, 1e9, "how many of the largest probabilities" } },
	  .score = gen_score },
	{ .name = "logitgap",
	  .help = "how far the next logits are below the largest, in the mean",
	  .params = { { "top", 0, 0, 1e9, "how many of them; 0: all" } },
	  .score = logitgap_score },
	{ 0 }
};
