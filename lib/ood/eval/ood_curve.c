/* SPDX-License-Identifier: MIT
 * Curves and histograms as text. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ood/eval/ood_curve.h"

const char ood_roc_heading[] = "method\tset\tthreshold\tfpr\ttpr\n";
const char ood_pr_heading[] = "method\tset\tpositive\tthreshold\trecall\tprecision\n";
const char ood_hist_heading[] = "method\tset\tlow\thigh\trows\tdensity\n";

static int put(struct ts_file *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int put(struct ts_file *f, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return ts_file_put(f, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

/* A walk over thresholds, the highest first, or the lowest first. */
struct walk {
	const struct ood_sample *s[2]; /* positives, negatives */
	bool up;
	size_t taken[2];
	double t;
};

/* The next row's score in the walk's order. */
static double next(const struct walk *w, int s)
{
	const struct ood_sample *x = w->s[s];

	return ood_at(x, w->up ? w->taken[s] : x->n - 1 - w->taken[s]);
}

static bool comes_first(const struct walk *w, double a, double b)
{
	return w->up ? a < b : a > b;
}

/* Moves to the next distinct score. False: there is none. */
static bool step(struct walk *w)
{
	bool left[2] = { w->taken[0] < w->s[0]->n, w->taken[1] < w->s[1]->n };

	if (!left[0] && !left[1])
		return false;
	int s = !left[0] || (left[1] && comes_first(w, next(w, 1), next(w, 0)));
	w->t = next(w, s);
	for (s = 0; s < 2; s++)
		while (w->taken[s] < w->s[s]->n && next(w, s) == w->t)
			w->taken[s]++;
	return true;
}

/* Digits enough to read a threshold back exactly. */
static int digits(const struct walk *w)
{
	return w->s[0]->wide && w->s[1]->wide ? 17 : 9;
}

static double share(const struct walk *w, int s)
{
	return (double)w->taken[s] / (double)w->s[s]->n;
}

int ood_roc_each(const struct ood_sample *id, const struct ood_sample *ood, double least,
		 int (*point)(void *data, double threshold, double fpr, double tpr), void *data)
{
	struct walk w = { .s = { id, ood } };
	double tpr = 0, fpr = 0;
	int rc = point(data, INFINITY, 0, 0);

	while (rc == 0 && step(&w)) {
		bool end = share(&w, 0) == 1 && share(&w, 1) == 1;
		if (!end && share(&w, 0) - tpr < least && share(&w, 1) - fpr < least)
			continue;
		tpr = share(&w, 0);
		fpr = share(&w, 1);
		rc = point(data, w.t, fpr, tpr);
	}
	return rc;
}

struct roc {
	struct ts_file *f;
	const char *method, *set;
	int digits;
};

static int put_point(void *data, double threshold, double fpr, double tpr)
{
	const struct roc *r = data;

	return put(r->f, "%s\t%s\t%.*g\t%.9g\t%.9g\n", r->method, r->set, r->digits, threshold, fpr, tpr);
}

int ood_roc_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		  const struct ood_sample *ood)
{
	struct roc r = { f, method, set, digits(&(struct walk){ .s = { id, ood } }) };

	return ood_roc_each(id, ood, 1e-3, put_point, &r);
}

int ood_pr_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		 const struct ood_sample *ood)
{
	int rc = 0;

	for (int out = 0; out < 2; out++) {
		struct walk w = { .s = { out ? ood : id, out ? id : ood }, .up = out };
		double recall = 0, precision = 1;
		rc = rc ? rc : put(f, "%s\t%s\t%s\t%s\t0\t1\n", method, set, out ? "out" : "in", out ? "-inf" : "inf");
		while (rc == 0 && recall < 1 && step(&w)) {
			double now = (double)w.taken[0] / (double)(w.taken[0] + w.taken[1]);
			if (share(&w, 0) < 1 && share(&w, 0) - recall < 1e-3 && fabs(now - precision) < 1e-3)
				continue;
			recall = share(&w, 0);
			precision = now;
			rc = put(f, "%s\t%s\t%s\t%.*g\t%.9g\t%.9g\n", method, set, out ? "out" : "in", digits(&w), w.t,
				 recall, precision);
		}
	}
	return rc;
}

/* The range of the bins: the wider of the two sets' percentile ranges, of finite scores. */
static void range(const struct ood_sample *id, const struct ood_sample *ood, double *low, double *high)
{
	const struct ood_sample *s[2] = { id, ood };

	*low = INFINITY;
	*high = -INFINITY;
	for (int k = 0; k < 2; k++) {
		size_t first = 0, end = s[k]->n;

		while (first < end && isinf(ood_at(s[k], first)))
			first++;
		while (first < end && isinf(ood_at(s[k], end - 1)))
			end--;
		if (first == end)
			continue;
		*low = fmin(*low, ood_at(s[k], first + (end - first) / 1000));
		*high = fmax(*high, ood_at(s[k], end - 1 - (end - first) / 1000));
	}
	if (!(*low < *high)) { /* a single score, or no finite one */
		*low = isfinite(*low) ? *low - .5 : 0;
		*high = *low + 1;
	}
}

void ood_hist_of(struct ood_hist *h, const struct ood_sample *id, const struct ood_sample *ood)
{
	*h = (struct ood_hist){ 0 };
	range(id, ood, &h->low, &h->high);
	for (int k = 0; k < 2; k++) {
		const struct ood_sample *s = k ? ood : id;
		for (size_t i = 0; i < s->n; i++) {
			double bin = floor((ood_at(s, i) - h->low) / ((h->high - h->low) / OOD_BINS));
			h->rows[k][(int)fmin(fmax(bin, 0), OOD_BINS - 1)]++;
		}
	}
}

int ood_hist_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		   const struct ood_sample *ood)
{
	struct ood_hist h;
	int rc = 0;

	ood_hist_of(&h, id, ood);
	const double width = (h.high - h.low) / OOD_BINS;
	for (int k = 0; k < 2; k++)
		for (int b = 0; b < OOD_BINS && rc == 0; b++)
			rc = put(f, "%s\t%s\t%.9g\t%.9g\t%zu\t%.9g\n", method, k ? set : "id", h.low + b * width,
				 h.low + (b + 1) * width, h.rows[k][b],
				 (double)h.rows[k][b] / (double)(k ? ood : id)->n / width);
	return rc;
}
