/* SPDX-License-Identifier: MIT
 * Every metric in one merge of two sorted arrays, from the highest threshold to the lowest. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "ood/eval/ood_metrics.h"

/* The rows at one threshold and above it: counts are sums of weights. */
struct step {
	uint64_t tp, fp;      /* ID and OOD rows at or above the threshold */
	uint64_t d_id, d_ood; /* those at it */
	uint64_t n_id, n_ood; /* all */
};

struct area {
	uint64_t twice_wins;
	double in, out; /* AUPR times n_id, n_ood */
	double last_in; /* precision before this step */
};

static uint64_t total(const struct ood_sample *s)
{
	uint64_t sum = 0;

	if (!s->weight)
		return s->n;
	for (size_t i = 0; i < s->n; i++)
		sum += s->weight[i];
	return sum;
}

/* Precision when `hit` positives and `miss` negatives are taken for positive, a miss weighing `odds` hits; 1 if there
 * are none. */
static inline double precision(uint64_t hit, uint64_t miss, double odds)
{
	return hit + miss ? (double)hit / ((double)hit + odds * (double)miss) : 1;
}

/* odds: the weight of an OOD row relative to an ID row. */
static inline void add_area(struct area *a, const struct step *s, const struct ood_conventions *by, double odds)
{
	uint64_t fn = s->n_id - s->tp, tn = s->n_ood - s->fp;
	double in = precision(s->tp, s->fp, odds), out = precision(tn + s->d_ood, fn + s->d_id, 1 / odds);

	a->twice_wins += s->d_ood * (2 * s->tp - s->d_id);
	a->in += (double)s->d_id * (by->trapezoid ? (in + a->last_in) / 2 : in);
	a->out += (double)s->d_ood * (by->trapezoid ? (out + precision(tn, fn, 1 / odds)) / 2 : out);
	a->last_in = in;
}

/* False positives at 95 % by each rule, and the detection error. */
struct points {
	uint64_t nearest, nearest_tp, distance, first, openood, openood_id;
	bool found;
	double detection;
};

/* |tp / n - 95 %| times 20 n, a whole number: how far recall is from 95 %. */
static inline uint64_t distance(uint64_t tp, uint64_t n)
{
	return 20 * tp > 19 * n ? 20 * tp - 19 * n : 19 * n - 20 * tp;
}

static inline void add_points(struct points *p, const struct step *s)
{
	uint64_t d = distance(s->tp, s->n_id);
	double error = 1 - (double)s->tp / (double)s->n_id + (double)s->fp / (double)s->n_ood;

	if (d < p->distance || (d == p->distance && s->tp > p->nearest_tp) ||
	    (s->tp == p->nearest_tp && s->tp < s->n_id)) {
		p->distance = d;
		p->nearest_tp = s->tp;
		p->nearest = s->fp;
	}
	if (!p->found && 20 * s->tp >= 19 * s->n_id) {
		p->found = true;
		p->first = s->fp;
	}
	/* Counts rows at or below the threshold; the last one with enough OOD rows has the fewest ID rows. */
	if (20 * (s->n_ood - s->fp + s->d_ood) >= 19 * s->n_ood)
		p->openood_id = s->n_id - s->tp + s->d_id;
	if (error < p->detection)
		p->detection = error;
}

/* Takes all rows of score t from the top of the sample: returns their weight. */
static inline uint64_t take(const struct ood_sample *s, size_t *i, double t)
{
	uint64_t sum = 0;

	while (*i > 0 && ood_at(s, *i - 1) == t) {
		--*i;
		sum += s->weight ? s->weight[*i] : 1;
	}
	return sum;
}

/* The smallest or largest score with a weight above 0. */
static double end_of(const struct ood_sample *s, bool top)
{
	size_t i = 0;

	while (s->weight && !s->weight[top ? s->n - 1 - i : i])
		i++;
	return ood_at(s, top ? s->n - 1 - i : i);
}

/* Mean score above `low`. */
static double mean_above(const struct ood_sample *s, double low, uint64_t n)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += (s->weight ? s->weight[i] : 1) * (ood_at(s, i) - low);
	return sum / (double)n;
}

static double threshold_area(const struct ood_sample *id, const struct ood_sample *ood, const struct step *s)
{
	double low = fmin(end_of(id, false), end_of(ood, false)),
	       width = fmax(end_of(id, true), end_of(ood, true)) - low;

	if (!isfinite(width) || !(width > 0))
		return NAN;
	return .5 + (mean_above(ood, low, s->n_ood) - mean_above(id, low, s->n_id)) / width / 2;
}

struct ood_metrics ood_compare(const struct ood_sample *id, const struct ood_sample *ood,
			       const struct ood_conventions *by)
{
	struct step s = { .n_id = total(id), .n_ood = total(ood) };
	struct area a = { .last_in = 1 };
	struct points p = { .distance = UINT64_MAX, .detection = 1 };
	double prevalence = by->prevalence, n_id = (double)s.n_id, n_ood = (double)s.n_ood;
	double odds = prevalence > 0 ? prevalence / n_ood / ((1 - prevalence) / n_id) : 1;
	size_t i = id->n, o = ood->n; /* rows below the threshold */
	struct ood_metrics m;

	assert(s.n_id && s.n_ood);
	while (i > 0 || o > 0) {
		double t = o == 0 || (i > 0 && ood_at(id, i - 1) > ood_at(ood, o - 1)) ? ood_at(id, i - 1) :
											 ood_at(ood, o - 1);
		size_t before = i + o;
		s.d_id = take(id, &i, t);
		s.d_ood = take(ood, &o, t);
		assert(i + o < before); /* NaN would loop for ever */
		if (s.d_id + s.d_ood == 0)
			continue; /* not in this resample */
		s.tp += s.d_id;
		s.fp += s.d_ood;
		add_area(&a, &s, by, odds);
		add_points(&p, &s);
	}
	for (int k = 0; k < OOD_N_METRICS; k++)
		m.v[k] = NAN;
	m.v[OOD_AUROC] = (double)a.twice_wins / 2 / (n_id * n_ood);
	m.v[OOD_AUPR_IN] = a.in / n_id;
	m.v[OOD_AUPR_OUT] = a.out / n_ood;
	m.v[OOD_FPR95_NEAREST] = (double)p.nearest / n_ood;
	m.v[OOD_FPR95_FIRST] = (double)p.first / n_ood;
	m.v[OOD_FPR95_OPENOOD] = (double)p.openood_id / n_id;
	m.v[OOD_FPR95] = m.v[OOD_FPR95_NEAREST + (int)by->fpr];
	m.v[OOD_DETECTION] = p.detection / 2;
	m.v[OOD_AUTC] = threshold_area(id, ood, &s);
	return m;
}

/* The score of the k-th largest row, k >= 1. */
static double largest(const struct ood_sample *s, uint64_t k)
{
	size_t i = s->n;

	if (!s->weight)
		return ood_at(s, s->n - k);
	for (uint64_t seen = 0; seen < k && i > 0; i--)
		seen += s->weight[i - 1];
	return ood_at(s, i);
}

static uint64_t above(const struct ood_sample *s, double t)
{
	uint64_t sum = 0;

	for (size_t i = s->n; i > 0 && ood_at(s, i - 1) > t; i--)
		sum += s->weight ? s->weight[i - 1] : 1;
	return sum;
}

/* A group of g rows with one score, r of them right, averaged over all orders: of its first j rows, r j / g are right.
 * */
static double response_area(const struct ood_sample *id, const struct ood_sample *right)
{
	size_t i = id->n, k = right->n;
	uint64_t rows = 0, hits = 0; /* above the group */
	double sum = 0;

	while (i > 0) {
		double t = ood_at(id, i - 1);
		uint64_t g = take(id, &i, t), r = take(right, &k, t);
		for (uint64_t j = 1; j <= g; j++)
			sum += ((double)hits + (double)r * (double)j / (double)g) / (double)(rows + j);
		rows += g;
		hits += r;
	}
	return sum / (double)rows;
}

void ood_compare_right(const struct ood_sample *id, const struct ood_sample *right, uint64_t labelled,
		       const struct ood_sample *ood, struct ood_metrics *m)
{
	static const struct ood_conventions plain;
	uint64_t n_right = total(right), n_ood = total(ood), per = 10000;

	m->v[OOD_OSCR] =
		n_right ? ood_compare(right, ood, &plain).v[OOD_AUROC] * (double)n_right / (double)labelled : 0;
	for (int k = OOD_CCR_1E4; k <= OOD_CCR_1E1; k++, per /= 10) {
		double t = largest(ood, (n_ood + per - 1) / per);
		m->v[k] = (double)above(right, t) / (double)labelled;
	}
	m->v[OOD_AURRA] = labelled == total(id) ? response_area(id, right) : NAN;
}

double ood_share_of_ties(const struct ood_sample *id, const struct ood_sample *ood)
{
	size_t o = 0;
	double pairs = 0;

	for (size_t i = 0; i < id->n;) {
		const double t = ood_at(id, i);
		size_t same = i, alike = 0;
		while (i < id->n && ood_at(id, i) == t)
			i++;
		while (o < ood->n && ood_at(ood, o) < t)
			o++;
		for (; o + alike < ood->n && ood_at(ood, o + alike) == t;)
			alike++;
		pairs += (double)(i - same) * (double)alike;
	}
	return pairs / ((double)id->n * (double)ood->n);
}
