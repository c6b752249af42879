/* SPDX-License-Identifier: MIT
 * Computes thresholds: which order statistic, and of which rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_sort.h"
#include "ood/eval/ood_scores.h"
#include "ood/ood_internal.h"
#include "ood/act/ood_threshold.h"
#include "ts/ts_images.h"

enum { MAX_CLASSES = 1 << 20 };

const char *const ood_guarantee_names[] = { "conformal", "binomial", "fdr" };

/* ---- the rank -------------------------------------------------------------------------------- */

/* Terms relative to the largest one, w_j / w_(j-1) = (n - j + 1) / j * odds, from there to where they vanish on either
 * side, and their sum: no factorial is ever taken, so nothing cancels, however large n is. */
double ood_binomial_below(uint64_t n, double p, uint64_t k)
{
	double odds = p / (1 - p), w = 1, total, below;
	uint64_t mode = (uint64_t)((double)n * p);

	total = 1;
	below = mode < k;
	for (uint64_t j = mode; j > 0 && w > 0; j--) {
		w *= (double)j / (double)(n - j + 1) / odds;
		total += w;
		below += j - 1 < k ? w : 0;
	}
	w = 1;
	for (uint64_t j = mode; j < n && w > 0; j++) {
		w *= (double)(n - j) / (double)(j + 1) * odds;
		total += w;
		below += j + 1 < k ? w : 0;
	}
	return below / total;
}

/* The largest k with P(Bin(n, alpha) < k) <= 1 - confidence, by bisection. An exact fit (n odd, alpha and confidence
 * one half) survives rounding. */
static uint64_t binomial_rank(const struct ood_promise *promise, uint64_t n)
{
	uint64_t lo = 0, hi = n; /* lo fits (0 always does), above hi nothing does */

	while (lo < hi) {
		uint64_t k = hi - (hi - lo) / 2;
		if (ood_binomial_below(n, promise->alpha, k) <= (1 - promise->confidence) * (1 + 1e-12))
			lo = k;
		else
			hi = k - 1;
	}
	return lo;
}

uint64_t ood_promise_rank(const struct ood_promise *promise, uint64_t n)
{
	if (promise->guarantee == OOD_BINOMIAL)
		return binomial_rank(promise, n);
	double k = floor(promise->alpha * ((double)n + 1) * (1 + 1e-13));
	return k > (double)n ? n : (uint64_t)k;
}

uint64_t ood_promise_rows(const struct ood_promise *promise)
{
	double about = promise->guarantee == OOD_BINOMIAL ? log1p(-promise->confidence) / log1p(-promise->alpha) :
							    1 / promise->alpha - 1;
	uint64_t n = about > 2 ? (uint64_t)about - 1 : 1;

	while (ood_promise_rank(promise, n) == 0)
		n++;
	return n;
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct rows {
	size_t n, cap, n_methods;
	double **scores;   /* n_methods arrays of n */
	size_t *column;    /* (n_methods): their numbers in the batches */
	bool *wide;        /* (n_methods): do they come as doubles? */
	int32_t *pred;     /* (n), or NULL */
	ptrdiff_t pred_at; /* the number of its column; -1: not wanted */
	size_t classes;
	char **names; /* of the classes, or NULL */
	size_t n_names;
};

static void release_rows(struct rows *w)
{
	for (size_t m = 0; w->scores && m < w->n_methods; m++)
		free(w->scores[m]);
	free(w->scores);
	free(w->column);
	free(w->wide);
	free(w->pred);
	ts_strs_free(w->names, w->n_names);
}

static int grow(struct rows *w, size_t more)
{
	size_t cap = ood_capacity(w->cap, w->n + more);

	if (cap == w->cap)
		return 0;
	if (ood_grow(w->scores, w->n_methods, cap, sizeof **w->scores) < 0 ||
	    (w->pred_at >= 0 && ood_grow(&w->pred, 1, cap, sizeof *w->pred) < 0))
		return -1;
	w->cap = cap;
	return 0;
}

static int take_batch(struct rows *w, struct ts_reader *r, const struct ts_batch *b)
{
	const int64_t *pred = w->pred_at >= 0 ? b->cols[w->pred_at].data : NULL;

	if (grow(w, b->n) < 0)
		return ts_reader_fail(r, "out of memory");
	for (size_t m = 0; m < w->n_methods; m++) {
		const struct ts_col *c = &b->cols[w->column[m]];
		for (size_t i = 0; i < b->n; i++) {
			const double v = ts_get(c->type, c->data, i);
			if (isnan(v))
				return ts_reader_fail(r, "row %zu: '%s' is not a number", w->n + i, c->name);
			w->scores[m][w->n + i] = v;
		}
	}
	for (size_t i = 0; pred && i < b->n; i++) {
		if (pred[i] < 0 || pred[i] >= MAX_CLASSES)
			return ts_reader_fail(r, "row %zu: 'pred' is %lld, which is not a class", w->n + i,
					      (long long)pred[i]);
		w->pred[w->n + i] = (int32_t)pred[i];
		if ((size_t)pred[i] >= w->classes)
			w->classes = (size_t)pred[i] + 1;
	}
	w->n += b->n;
	return 0;
}

static int find_columns(struct rows *w, struct ts_reader *r, const struct ts_header *h, char *const *methods,
			bool per_class)
{
	const struct ts_field *f;
	struct err why;

	for (size_t m = 0; m < w->n_methods; m++) {
		f = ts_header_field(h, methods[m]);
		if (!ood_is_score(f)) {
			ood_no_score(h, methods[m], &why);
			return ts_reader_fail(r, "%s", why.text);
		}
		w->wide[m] = f->type == TS_F64;
		w->column[m] = (size_t)(f - h->fields);
	}
	w->pred_at = per_class ? ts_header_col(h, "pred") : -1;
	if (per_class && w->pred_at < 0)
		return ts_reader_fail(r, "has no column 'pred' of classes");
	return 0;
}

static int read_rows(struct rows *w, struct ts_reader *r, char *const *methods, bool per_class)
{
	const struct ts_header *h = ts_reader_expect(r, "scores");
	struct ts_batch b = { 0 };
	int rc = -1;

	if (!h)
		return -1;
	w->scores = calloc(w->n_methods + 1, sizeof *w->scores);
	w->column = calloc(w->n_methods + 1, sizeof *w->column);
	w->wide = calloc(w->n_methods + 1, sizeof *w->wide);
	if (!w->scores || !w->column || !w->wide || ts_batch_init(&b, h) < 0) {
		ts_reader_fail(r, "out of memory");
		goto out;
	}
	if (find_columns(w, r, h, methods, per_class) < 0)
		goto out;
	if (per_class && ts_images_classes(r, &w->names, &w->n_names) < 0)
		goto out;
	w->classes = w->n_names;
	while ((rc = ts_reader_next(r, &b)) == 1)
		if (take_batch(w, r, &b) < 0) {
			rc = -1;
			break;
		}
	if (rc == 0 && w->n == 0)
		rc = ts_reader_fail(r, "is empty: no rows");
out:
	ts_batch_release(&b);
	return rc;
}

/* ---- thresholds ------------------------------------------------------------------------------ */

static int too_few(const struct ood_threshold *t, struct ts_reader *r, const char *of, size_t have)
{
	return ts_reader_fail(r, "%s%zu rows are too few for a %s rate of %g; it takes %llu", of, have,
			      t->promise.guarantee == OOD_FDR ? "false discovery" : "false-alarm", t->promise.alpha,
			      (unsigned long long)ood_promise_rows(&t->promise));
}

/* Counts the rows of each class; fails if a class has too few. */
static int count_classes(struct ood_threshold *t, struct ts_reader *r, const struct rows *w, bool fallback)
{
	t->classes = w->classes;
	t->class_rows = calloc(t->classes + 1, sizeof *t->class_rows);
	if (!t->class_rows)
		return ts_reader_fail(r, "out of memory");
	for (size_t i = 0; i < w->n; i++)
		t->class_rows[w->pred[i]]++;
	for (size_t c = 0; c < t->classes; c++) {
		size_t have = (size_t)t->class_rows[c];
		if (ood_promise_rank(&t->promise, have))
			continue;
		t->fallback++;
		if (!fallback) {
			char of[300];
			snprintf(of, sizeof of, c < w->n_names ? "class %zu ('" ERR_NAME "'): " : "class %zu: ", c,
				 c < w->n_names ? w->names[c] : "");
			return too_few(t, r, of, have);
		}
	}
	return 0;
}

/* The scores of v in the order of their rows' classes, into `to`. */
static void group(double *to, size_t *next, const double *v, const struct rows *w, const struct ood_threshold *t)
{
	for (size_t c = 0, at = 0; c < t->classes; c++) {
		next[c] = at;
		at += (size_t)t->class_rows[c];
	}
	for (size_t i = 0; i < w->n; i++)
		to[next[w->pred[i]]++] = v[i];
}

static void put(struct ts_tensor *to, size_t c, double v)
{
	if (to->type == TS_F64)
		((double *)to->data)[c] = v;
	else
		((float *)to->data)[c] = (float)v;
}

/* Like fit_column(), but keeps one column's scores, ascending, grouped by class. */
static int keep_column(struct ood_threshold *t, struct ts_tensor *to, double *v, const struct rows *w, double *grouped,
		       size_t *next)
{
	const double *from = t->classes ? grouped : v;

	if (t->classes)
		group(grouped, next, v, w, t);
	for (size_t c = 0; c < t->classes; c++)
		if (num_sort_wide(grouped + next[c] - t->class_rows[c], (size_t)t->class_rows[c]) < 0)
			return -1;
	if (!t->classes && num_sort_wide(v, w->n) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++)
		put(to, i, from[i]);
	return 0;
}

/* Counts the rows about a threshold, the score of this rank, from 1, among n sorted ones. */
static void count_ties(struct ood_at_threshold *at, const double *v, size_t n, size_t rank)
{
	size_t first = rank - 1, end = rank;

	while (first > 0 && v[first - 1] == v[rank - 1])
		first--;
	while (end < n && v[end] == v[rank - 1])
		end++;
	at->rows += n;
	at->below += first;
	at->tied += end - first - 1;
	at->lost += rank - 1 - first;
}

/* One column's thresholds, (1) or (classes). v (n) is sorted; grouped (n) and next (classes) are scratch space for
 * grouping the scores by class. -1: out of memory. */
static int fit_column(struct ood_threshold *t, struct ts_tensor *to, double *v, const struct rows *w, double *grouped,
		      size_t *next)
{
	struct ood_at_threshold *at = &t->at[t->set.n - 1];

	if (t->classes)
		group(grouped, next, v, w, t);
	if (num_sort_wide(v, w->n) < 0)
		return -1;
	uint64_t k = ood_promise_rank(&t->promise, w->n);
	if (!t->classes) {
		put(to, 0, v[k - 1]);
		count_ties(at, v, w->n, k);
	}
	for (size_t c = 0; c < t->classes; c++) {
		size_t have = (size_t)t->class_rows[c];
		uint64_t in_class = ood_promise_rank(&t->promise, have);
		double *first = grouped + next[c] - have;
		if (in_class && num_sort_wide(first, have) < 0)
			return -1;
		put(to, c, in_class ? first[in_class - 1] : v[k - 1]);
		if (in_class)
			count_ties(at, first, have, in_class);
	}
	return 0;
}

size_t ood_threshold_numbers(const struct ood_threshold *t)
{
	return t->promise.guarantee == OOD_FDR ? (size_t)t->rows : t->classes ? t->classes : 1;
}

int ood_threshold_fit(struct ood_threshold *t, struct ts_reader *r, char *const *methods, size_t n,
		      const struct ood_promise *promise, unsigned flags)
{
	bool per_class = flags & OOD_THRESHOLD_PER_CLASS;
	struct rows w = { .n_methods = n };
	double *grouped = NULL;
	size_t *next = NULL;
	int rc = -1;

	*t = (struct ood_threshold){ .promise = *promise };
	if (read_rows(&w, r, methods, per_class) < 0)
		goto out;
	t->rows = w.n;
	if (per_class && count_classes(t, r, &w, flags & OOD_THRESHOLD_FALLBACK) < 0)
		goto out;
	if (ood_promise_rank(promise, w.n) == 0) {
		too_few(t, r, "", w.n);
		goto out;
	}
	grouped = malloc((per_class ? w.n : 1) * sizeof *grouped);
	next = calloc(t->classes + 1, sizeof *next);
	t->at = calloc(n + 1, sizeof *t->at);
	rc = grouped && next && t->at ? 0 : ts_reader_fail(r, "out of memory");
	for (size_t m = 0; m < n && rc == 0; m++) {
		size_t shape = ood_threshold_numbers(t);
		struct ts_tensor *to = ts_set_add(&t->set, methods[m], w.wide[m] ? TS_F64 : TS_F32, 1, &shape);
		if (!to || (promise->guarantee == OOD_FDR ? keep_column : fit_column)(t, to, w.scores[m], &w, grouped,
										      next) < 0)
			rc = ts_reader_fail(r, "out of memory");
	}
out:
	free(grouped);
	free(next);
	release_rows(&w);
	return rc;
}

void ood_threshold_release(struct ood_threshold *t)
{
	ts_set_release(&t->set);
	free(t->class_rows);
	free(t->at);
	ts_header_release(&t->header);
	*t = (struct ood_threshold){ 0 };
}
