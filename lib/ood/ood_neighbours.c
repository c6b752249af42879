/* SPDX-License-Identifier: MIT
 * Scores from the nearest rows of the bank. Cosines of a chunk of rows with a tile of the bank are one
 * matrix product in single precision; each method then goes over the products. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "ood/ood_internal.h"
#include "ood/ood_method.h"

enum { TILE = 1024, SPARE = 8 };

/* ---- cosines, a tile at a time ----------------------------------------------------------------- */

struct neighbours {
	size_t n;                         /* rows of the bank in use, from the first */
	float *scale;                     /* (n): what a product counts: 1/norm, times a weight */
	float *prob;                      /* relation: (n,C) softmax probabilities */
};

/* What a method does with the products of row i with rows first..first+n of the bank. */
typedef void visit_fn(void *state, size_t row, const float *product, size_t first, size_t n);

/* unit (rows,D) by the bank; calls visit for each row and tile. room: TILE * D + OOD_CHUNK * TILE. */
static void for_each_tile(const struct ood_fit *f, const struct neighbours *b, const float *unit,
			  size_t rows, float *room, visit_fn *visit, void *state)
{
	float *product = room + TILE * f->dim;

	for (size_t first = 0; first < b->n; first += TILE) {
		size_t n = b->n - first < TILE ? b->n - first : TILE;
		const float *tile = ood_bank_rows(f, first, n, room);
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)n, (int)f->dim, 1,
			    unit, (int)f->dim, tile, (int)f->dim, 0, product, TILE);
		for (size_t i = 0; i < rows; i++) {
			float *p = product + i * TILE;
			for (size_t k = 0; k < n; k++)
				p[k] *= b->scale[first + k];
			visit(state, i, p, first, n);
		}
	}
}

static double norm_of(const float *z, size_t d)
{
	double sum = 0;
	for (size_t i = 0; i < d; i++)
		sum += (double)z[i] * z[i];
	return sqrt(sum);
}

/* Prepares the first n rows of the bank; energy: products are weighted with the row's energy. */
static int prepare(struct ood_scorer *s, size_t n, bool energy, char *err)
{
	if (ood_need_fit(s, err))
		return -1;
	const struct ood_fit *f = s->source->fit;
	struct neighbours *b = s->state = ood_keep(s, 1, sizeof *b);
	float *row = malloc(f->dim * sizeof *row);
	if (b)
		b->scale = ood_keep(s, n, sizeof *b->scale);
	if (!b || !b->scale || !row) {
		free(row);
		return -1;
	}
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		double norm = norm_of(ood_bank_rows(f, i, 1, row), f->dim);
		double weight = energy ? ood_lse(f->bank.logits + i * f->classes, f->classes) : 1;
		b->scale[i] = (float)(norm > 0 ? weight / norm : 0);
	}
	free(row);
	return 0;
}

/* Runs over all tiles with the unit features of the rows; *ret holds them, (n,D), for the caller to
 * free. */
static int run(const struct ood_scorer *s, const struct ood_rows *rows, visit_fn *visit, void *state,
	       float **ret)
{
	const struct ood_fit *f = s->source->fit;
	float *unit = malloc(rows->n * f->dim * sizeof *unit);
	float *room = malloc(TILE * (f->dim + OOD_CHUNK) * sizeof *room);

	if (unit && room) {
		for (size_t i = 0; i < rows->n; i++)
			ood_unit(rows->features + i * f->dim, f->dim, unit + i * f->dim);
		for_each_tile(f, s->state, unit, rows->n, room, visit, state);
	}
	int rc = unit && room ? 0 : -1;
	free(room);
	*ret = unit;
	return rc;
}

/* ---- the largest K of each row ------------------------------------------------------------------ */

struct top {
	float value;
	size_t at;
};
struct tops {
	size_t k;                         /* how many to keep */
	size_t n[OOD_CHUNK];              /* found so far */
	struct top *heap;                 /* (OOD_CHUNK,k), the smallest at the root */
};

static void sift(struct top *h, size_t n, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1;
		if (left < n && h[left].value < h[least].value)
			least = left;
		if (left + 1 < n && h[left + 1].value < h[least].value)
			least = left + 1;
		if (least == i)
			return;
		struct top t = h[i];
		h[i] = h[least];
		h[least] = t;
		i = least;
	}
}

static void keep_top(void *state, size_t row, const float *p, size_t first, size_t n)
{
	struct tops *t = state;
	struct top *h = t->heap + row * t->k;
	size_t i = 0;

	for (; i < n && t->n[row] < t->k; i++) {
		h[t->n[row]++] = (struct top){ p[i], first + i };
		if (t->n[row] == t->k)
			for (size_t j = t->k / 2; j-- > 0;)
				sift(h, t->k, j);
	}
	for (; i < n; i++)
		if (p[i] > h[0].value) {
			h[0] = (struct top){ p[i], first + i };
			sift(h, t->k, 0);
		}
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* The candidates' values anew, in double, in descending order: single precision chose them, but its
 * digits do not do for distances between close neighbours. value(of row, of bank's row). */
static void refine(const struct ood_scorer *s, const struct ood_rows *rows, const struct tops *t, size_t row,
		   float *room, bool distance, double *value)
{
	const struct ood_fit *f = s->source->fit;
	const float *z = rows->features + row * f->dim;
	double zn = norm_of(z, f->dim);

	for (size_t i = 0; i < t->n[row]; i++) {
		size_t at = t->heap[row * t->k + i].at;
		const float *b = ood_bank_rows(f, at, 1, room);
		double bn = norm_of(b, f->dim), sum = 0;
		for (size_t d = 0; d < f->dim; d++) {
			double x = zn > 0 ? z[d] / zn : 0, y = bn > 0 ? b[d] / bn : 0;
			sum += distance ? (x - y) * (x - y) : x * y;
		}
		value[i] = distance ? -sum :
			   sum * ood_lse(f->bank.logits + at * f->classes, f->classes);
	}
	qsort(value, t->n[row], sizeof *value, descending);
}

/* The k best values of each row go to reduce(); SPARE more are looked at, so that rounding in the choice
 * does not reach the result. */
static int best(const struct ood_scorer *s, const struct ood_rows *rows, size_t k, bool distance,
		double *out)
{
	const struct neighbours *b = s->state;
	const struct ood_fit *f = s->source->fit;
	struct tops t = { .k = k + SPARE < b->n ? k + SPARE : b->n };
	double *value = malloc(t.k * sizeof *value);
	float *unit = NULL, *room = malloc(f->dim * sizeof *room);

	t.heap = malloc(OOD_CHUNK * t.k * sizeof *t.heap);
	int rc = value && t.heap && room ? run(s, rows, keep_top, &t, &unit) : -1;
	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		refine(s, rows, &t, i, room, distance, value);
		if (distance) {
			out[i] = value[k - 1];
			continue;
		}
		double sum = 0;
		for (size_t j = 0; j < k; j++)
			sum += value[j];
		out[i] = sum / (double)k;
	}
	free(value);
	free(t.heap);
	free(unit);
	free(room);
	return rc;
}

/* ---- KNN ---------------------------------------------------------------------------------------- */

/* Deep nearest neighbours (Sun et al., ICML 2022): minus the squared distance to the k-th nearest
 * training feature, all divided by their norms. */
static int knn_prepare(struct ood_scorer *s, char *err)
{
	const struct ood_fit *f = s->source->fit;
	size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err))
		return -1;
	if (k > f->bank.n)
		return ood_fail(err, "k=%zu neighbours, but the bank holds %zu", k, f->bank.n);
	return prepare(s, f->bank.n, false, err);
}

static int knn_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	return best(s, rows, (size_t)s->request.params[0], true, out);
}

/* ---- NNGuide ------------------------------------------------------------------------------------ */

/* Nearest neighbour guidance (Park, Jung, Teoh, ICCV 2023): the energy times the mean of the k largest
 * <z, z_i> e_i, both features divided by their norms, e_i the energy of the neighbour; over a share of the
 * training data, here the first rows of the bank, which is in random order. */
static int nnguide_prepare(struct ood_scorer *s, char *err)
{
	const struct ood_fit *f = s->source->fit;
	size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err))
		return -1;
	double share = ceil(s->request.params[1] * (double)f->rows);
	size_t n = share < (double)f->bank.n ? (size_t)share : f->bank.n;
	if (n < k)
		n = k;                    /* a small set: at least the neighbours that are asked for */
	if (n > f->bank.n)
		return ood_fail(err, "k=%zu neighbours, but the bank holds %zu", k, f->bank.n);
	return prepare(s, n, true, err);
}

static int nnguide_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	size_t C = s->source->classes;

	if (best(s, rows, (size_t)s->request.params[0], false, out))
		return -1;
	for (size_t i = 0; i < rows->n; i++)
		out[i] *= ood_lse(rows->logits + i * C, C);
	return 0;
}

/* ---- Relation ----------------------------------------------------------------------------------- */

static void softmax(const float *l, size_t n, float *p)
{
	double lse = ood_lse(l, n);
	for (size_t c = 0; c < n; c++)
		p[c] = (float)exp(l[c] - lse);
}

/* Neural relation graph (Kim, Jeong, Song, NeurIPS 2023): sum of r_i^power over the bank where r_i is
 * above the threshold, r_i = max(0, cosine) <p, p_i>, p the softmax probabilities. */
static int relation_prepare(struct ood_scorer *s, char *err)
{
	if (ood_need_fit(s, err) || prepare(s, s->source->fit->bank.n, false, err))
		return -1;
	const struct ood_fit *f = s->source->fit;
	struct neighbours *b = s->state;
	b->prob = ood_keep(s, b->n * f->classes, sizeof *b->prob);
	for (size_t i = 0; b->prob && i < b->n; i++)
		softmax(f->bank.logits + i * f->classes, f->classes, b->prob + i * f->classes);
	return b->prob ? 0 : -1;
}

struct relation {
	const struct neighbours *b;
	const float *prob;                /* (rows,C) */
	float *agree;                     /* (TILE) */
	size_t classes;
	double power;
	float least;
	double *sum;                      /* (rows) */
};

static void relate(void *state, size_t row, const float *p, size_t first, size_t n)
{
	struct relation *r = state;
	double sum = 0;

	cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)n, (int)r->classes, 1,
		    r->b->prob + first * r->classes, (int)r->classes, r->prob + row * r->classes, 1, 0,
		    r->agree, 1);
	if (r->power == 1) {
		for (size_t i = 0; i < n; i++) {
			float v = p[i] * r->agree[i];
			sum += v > r->least ? v : 0;
		}
	} else {
		for (size_t i = 0; i < n; i++) {
			float v = p[i] * r->agree[i];
			if (v > r->least)
				sum += pow(v, r->power);
		}
	}
	r->sum[row] += sum;
}

static int relation_score(const struct ood_scorer *s, const struct ood_rows *rows, double *out)
{
	const size_t C = s->source->classes;
	float *prob = malloc((rows->n * C + TILE) * sizeof *prob), *unit = NULL;
	int rc = -1;

	if (prob) {
		for (size_t i = 0; i < rows->n; i++)
			softmax(rows->logits + i * C, C, prob + i * C);
		struct relation r = { s->state, prob, prob + rows->n * C, C, s->request.params[0],
				      (float)s->request.params[1], out };
		memset(out, 0, rows->n * sizeof *out);
		rc = run(s, rows, relate, &r, &unit);
	}
	free(prob);
	free(unit);
	return rc;
}

const struct ood_method ood_neighbours_family[] = {
	{ .name = "knn", .help = "minus the squared distance to the k-th nearest training feature",
	  .parts = OOD_PART_BANK, .params = { { "k", 50, 1, 1e9, "which neighbour, from 1" } },
	  .prepare = knn_prepare, .score = knn_score },
	{ .name = "nnguide", .help = "energy guided by that of the nearest training features",
	  .parts = OOD_PART_BANK,
	  .params = { { "k", 100, 1, 1e9, "neighbours" },
		      { "alpha", 0.01, 0, 1, "share of the training data that is searched" } },
	  .prepare = nnguide_prepare, .score = nnguide_score },
	{ .name = "relation", .help = "sum of similarities to training features and predictions",
	  .parts = OOD_PART_BANK,
	  .params = { { "power", 1, 0.1, 100, "of each similarity" },
		      { "threshold", 0.03, 0, 1, "smaller similarities do not count" } },
	  .prepare = relation_prepare, .score = relation_score },
	{ 0 }
};
