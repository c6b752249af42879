/* SPDX-License-Identifier: MIT
 * WeiPer+KLD (Granz, Heurich, Landgraf, "WeiPer: OOD detection using weight perturbations of class projections",
 * NeurIPS 2024). The last layer's weights are repeated r times, each time with noise, w_c + delta ||w_c|| n, n a random
 * direction of length 1. A row has two histograms, of its D features and of its r C perturbed logits, each over their
 * range in training data (here: up to `rows` rows of the bank), in n_b bins; values outside the range are in no bin.
 * With q1 and q2 the means of these histograms over the training rows and p1 and p2 the row's own, smoothed by a moving
 * average over s1 and s2 bins,
 *
 *	weiper = -(KL(q1, p1; 0.01) + lambda1 KL(q2, p2; 0.025) - lambda2 mean over r of the largest softmax probability),
 *
 * KL(a, b; eps) is the sum of both divergences of a and b after eps is added to each bin and both are normalised to sum
 * 1.
 *
 * The authors' program draws the noise anew at each call, so that training data and samples see different weights; here
 * it is drawn once, as in the paper. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_method.h"
#include "ts/ts_rng.h"

enum { DELTA, LAMBDA1, LAMBDA2, SMOOTH1, SMOOTH2, BINS, REPEATS, ROWS };
enum { WIDE = 1024 }; /* about this many perturbed logits are computed at a time */

/* A histogram's range, and the mean histogram over training data. */
struct profile {
	double low, high;
	double *mean; /* (bins) */
};
struct weiper {
	float *weight;           /* (r C,D): in single precision, as there are so many */
	size_t step;             /* repeats at a time */
	struct profile one, two; /* of features, of perturbed logits */
};

static double param(const struct ood_scorer *s, int which)
{
	return s->request.params[which];
}

static size_t size(const struct ood_scorer *s, int which)
{
	return (size_t)s->request.params[which];
}

/* The weights of all repeats, one after the other. */
static void perturb(const struct ood_scorer *s, double *noise)
{
	const struct weiper *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim;
	struct ts_rng r = ts_rng_new(0, 0);

	for (size_t i = 0; i < size(s, REPEATS) * C; i++) {
		const double *w = s->basis->weight + i % C * D;
		double length = 0, norm = 0;
		for (size_t d = 0; d < D; d++) {
			noise[d] = ts_rng_normal(&r);
			length += noise[d] * noise[d];
			norm += w[d] * w[d];
		}
		double by = param(s, DELTA) * sqrt(norm / length);
		for (size_t d = 0; d < D; d++)
			k->weight[i * D + d] = (float)(w[d] + by * noise[d]);
	}
}

/* ---- perturbed logits, some repeats at a time ----------------------------------------------------- */

struct room {
	double *z;         /* (OOD_CHUNK,D) the rows */
	double *weight;    /* (step C,D) */
	double *logits;    /* (OOD_CHUNK,step C) */
	double *one, *two; /* (OOD_CHUNK,bins): rows' histograms */
};

static void release(struct room *m)
{
	free(m->z);
	free(m->weight);
	free(m->logits);
	free(m->one);
	free(m->two);
}

static int make_room(const struct ood_scorer *s, struct room *m)
{
	const struct weiper *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim, bins = size(s, BINS);

	*m = (struct room){ .z = malloc(OOD_CHUNK * D * sizeof *m->z),
			    .weight = malloc(k->step * C * D * sizeof *m->weight),
			    .logits = malloc(OOD_CHUNK * k->step * C * sizeof *m->logits),
			    .one = malloc(OOD_CHUNK * bins * sizeof *m->one),
			    .two = malloc(OOD_CHUNK * bins * sizeof *m->two) };
	return m->z && m->weight && m->logits && m->one && m->two ? 0 : -1;
}

/* m->logits (n,repeats C) of m->z (n,D), for repeats first, first + 1, ...; returns how many repeats, 0: none are left.
 * */
static size_t perturbed(const struct ood_scorer *s, const struct room *m, size_t n, size_t first)
{
	const struct weiper *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim, left = size(s, REPEATS) - first;
	const size_t repeats = left < k->step ? left : k->step, wide = repeats * C;

	for (size_t i = 0; i < wide * D; i++)
		m->weight[i] = k->weight[first * C * D + i];
	if (wide > 0)
		num_matmul(m->z, n, m->weight, wide, D, m->logits);
	for (size_t i = 0; i < n * wide; i++)
		m->logits[i] += s->basis->bias[i % wide % C];
	return repeats;
}

/* ---- histograms ------------------------------------------------------------------------------------ */

static void widen(struct profile *p, const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->low = fmin(p->low, v[i]);
		p->high = fmax(p->high, v[i]);
	}
}

/* Adds `each` to the bin of every v (n) that lies in the range; the last bin includes its upper end. */
static void count(const struct profile *p, const double *v, size_t n, size_t bins, double each, double *into)
{
	const double by = (double)bins / (p->high - p->low);

	for (size_t i = 0; i < n; i++) {
		if (!(v[i] >= p->low && v[i] <= p->high))
			continue;
		size_t at = (size_t)((v[i] - p->low) * by);
		into[at < bins ? at : bins - 1] += each;
	}
}

/* The sum over the repeats of the largest probability. */
static double sum_of_msp(const double *logits, size_t repeats, size_t C)
{
	double sum = 0;

	for (size_t r = 0; r < repeats; r++, logits += C) {
		double top = logits[0], rest = 0;
		for (size_t c = 1; c < C; c++)
			top = fmax(top, logits[c]);
		for (size_t c = 0; c < C; c++)
			rest += exp(logits[c] - top);
		sum += 1 / rest;
	}
	return sum;
}

/* Both histograms of the rows m->z (n,D), and msp (n) unless it is NULL. */
static void histograms(const struct ood_scorer *s, const struct room *m, size_t n, double *msp)
{
	const struct weiper *k = s->state;
	const size_t C = s->basis->classes, D = s->basis->dim, bins = size(s, BINS), R = size(s, REPEATS);

	memset(m->one, 0, n * bins * sizeof *m->one);
	memset(m->two, 0, n * bins * sizeof *m->two);
	for (size_t i = 0; i < n; i++) {
		count(&k->one, m->z + i * D, D, bins, 1 / (double)D, m->one + i * bins);
		if (msp)
			msp[i] = 0;
	}
	for (size_t first = 0, got; (got = perturbed(s, m, n, first)) > 0; first += got)
		for (size_t i = 0; i < n; i++) {
			const double *l = m->logits + i * got * C;
			count(&k->two, l, got * C, bins, 1 / (double)(R * C), m->two + i * bins);
			if (msp)
				msp[i] += sum_of_msp(l, got, C) / (double)R;
		}
}

/* Replaces p (n) by its moving average over `width` bins, with the end bins repeated beyond the ends; an even width
 * reaches one bin further up than down. */
static void smooth(const double *p, size_t n, size_t width, double *out)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = 0;
		for (size_t j = 0; j < width; j++) {
			size_t at = i + j, before = (width - 1) / 2;
			at = at < before ? 0 : at - before;
			out[i] += p[at < n ? at : n - 1] / (double)width;
		}
	}
}

/* The sum of both divergences of q (n) and p (n); overwrites p. */
static double divergence(const double *q, double *p, size_t n, double eps)
{
	double of_q = 0, of_p = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		of_q += q[i] + eps;
		of_p += p[i] += eps;
	}
	for (size_t i = 0; i < n; i++) {
		double a = (q[i] + eps) / of_q, b = p[i] / of_p;
		sum += (a - b) * log(a / b);
	}
	return sum;
}

/* ---- the method ------------------------------------------------------------------------------------ */

/* Copies rows of the bank, from number i on, into m->z; returns how many. */
static size_t bank_rows(const struct ood_scorer *s, size_t i, float *row, const struct room *m)
{
	const struct ood_fit *f = s->basis->fit;
	const size_t all = f->bank.n < size(s, ROWS) ? f->bank.n : size(s, ROWS);
	const size_t n = all - i < OOD_CHUNK ? all - i : OOD_CHUNK;

	for (size_t j = 0; j < n; j++) {
		const float *z = ood_bank_rows(f, i + j, 1, row);
		for (size_t d = 0; d < f->dim; d++)
			m->z[j * f->dim + d] = z[d];
	}
	return n;
}

static void find_ranges(struct ood_scorer *s, float *row, const struct room *m)
{
	struct weiper *k = s->state;

	k->one = (struct profile){ INFINITY, -INFINITY, k->one.mean };
	k->two = (struct profile){ INFINITY, -INFINITY, k->two.mean };
	for (size_t i = 0, n; (n = bank_rows(s, i, row, m)) > 0; i += n) {
		widen(&k->one, m->z, n * s->basis->dim);
		for (size_t first = 0, got; (got = perturbed(s, m, n, first)) > 0; first += got)
			widen(&k->two, m->logits, n * got * s->basis->classes);
	}
}

static void average(struct ood_scorer *s, float *row, const struct room *m)
{
	struct weiper *k = s->state;
	const size_t bins = size(s, BINS);
	size_t i = 0;

	for (size_t n; (n = bank_rows(s, i, row, m)) > 0; i += n) {
		histograms(s, m, n, NULL);
		for (size_t j = 0; j < n * bins; j++) {
			k->one.mean[j % bins] += m->one[j];
			k->two.mean[j % bins] += m->two[j];
		}
	}
	for (size_t j = 0; j < bins; j++) {
		k->one.mean[j] /= (double)i;
		k->two.mean[j] /= (double)i;
	}
}

static int fit_profiles(struct ood_scorer *s, struct err *err)
{
	const struct weiper *k = s->state;
	const size_t D = s->basis->dim;
	float *row = malloc(D * sizeof *row);
	double *noise = malloc(D * sizeof *noise);
	struct room m;
	int rc = make_room(s, &m) == 0 && row && noise ? 0 : err_memory(err);

	if (rc == 0) {
		perturb(s, noise);
		find_ranges(s, row, &m);
		if (!(k->one.high > k->one.low && k->two.high > k->two.low))
			rc = err_fail(err, "all features of the fit's rows are equal, or all of their logits");
	}
	if (rc == 0)
		average(s, row, &m);
	release(&m);
	free(row);
	free(noise);
	return rc;
}

static int weiper_prepare(struct ood_scorer *s, struct err *err)
{
	struct weiper *k = s->state = ood_keep(s, 1, sizeof *k, err);

	if (!k || ood_need_head(s, err) < 0 || ood_need_fit(s, err) < 0)
		return -1;
	if (s->basis->fit->bank.n == 0)
		return err_fail(err, "needs a fit with a bank: ood-fit --bank N");
	const size_t C = s->basis->classes, D = s->basis->dim, bins = size(s, BINS);
	k->step = WIDE / C < size(s, REPEATS) ? WIDE / C : size(s, REPEATS);
	k->step = k->step ? k->step : 1;
	if (!(k->weight = ood_keep(s, size(s, REPEATS) * C * D, sizeof *k->weight, err)) ||
	    !(k->one.mean = ood_keep(s, bins, sizeof *k->one.mean, err)) ||
	    !(k->two.mean = ood_keep(s, bins, sizeof *k->two.mean, err)))
		return -1;
	return fit_profiles(s, err);
}

static int weiper_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const struct weiper *k = s->state;
	const size_t bins = size(s, BINS);
	double *p = malloc(bins * sizeof *p);
	struct room m;
	int rc = make_room(s, &m) == 0 && p ? 0 : -1;

	if (rc == 0) {
		for (size_t i = 0; i < rows->n * s->basis->dim; i++)
			m.z[i] = rows->features[i];
		histograms(s, &m, rows->n, out);
	}
	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		smooth(m.one + i * bins, bins, size(s, SMOOTH1), p);
		double one = divergence(k->one.mean, p, bins, 0.01);
		smooth(m.two + i * bins, bins, size(s, SMOOTH2), p);
		double two = divergence(k->two.mean, p, bins, 0.025);
		out[i] = param(s, LAMBDA2) * out[i] - one - param(s, LAMBDA1) * two;
	}
	release(&m);
	free(p);
	return rc;
}

const struct ood_method ood_weiper_family[] = {
	{ .name = "weiper",
	  .help = "how alike the histograms of features and perturbed logits are to those of training data",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { [DELTA] = { "delta", 1.8, 0, 1e6, "length of the noise, relative to the weights" },
		      [LAMBDA1] = { "lambda1", 2.5, 0, 1e6, "what the perturbed logits' histogram counts" },
		      [LAMBDA2] = { "lambda2", 0.1, 0, 1e6, "what the probability counts" },
		      [SMOOTH1] = { "smooth1", 4, 1, 1e4, "bins of the moving average, of features" },
		      [SMOOTH2] = { "smooth2", 15, 1, 1e4, "the same, of perturbed logits" },
		      [BINS] = { "bins", 100, 2, 1e5, "of both histograms" },
		      [REPEATS] = { "repeats", 100, 1, 1e4, "how often the weights are perturbed" },
		      [ROWS] = { "rows", 10000, 1, 1e9, "of the bank, at most, that are training data" } },
	  .prepare = weiper_prepare,
	  .score = weiper_score },
	{ 0 }
};
