/* SPDX-License-Identifier: MIT
 * Scores from the nearest rows of the bank. Cosines of a chunk of rows with a tile of the bank are one
 * matrix product in single precision; each method that was asked for then goes over the products. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_method.h"

enum { TILE = 1024, SPARE = 8, BLOCK = 32 };

/* What a method keeps of the bank. */
struct neighbours {
	const struct look *look;
	size_t n;              /* rows of the bank in use, from the first */
	float *scale;          /* (n): what a product counts: weight/norm */
	double *norm, *weight; /* (n): of the feature; the row's energy, or 1 */
	float *prob;           /* relation: (n,C) softmax probabilities */
};

/* A method's work on a chunk of rows. */
struct pass {
	const struct ood_scorer *s;
	const struct neighbours *b;
	const struct ood_rows *rows;
	float *room;         /* (TILE) */
	struct tops *tops;   /* knn, nnguide */
	float *prob, *agree; /* relation: (rows,C), (rows,TILE) */
	double *sum;         /* relation: (rows) */
};
/* tile() gets the products, (rows,TILE), with rows first..first+n of the bank. begin() and end() give -1 when out
 * of memory; release() follows in any case. */
struct look {
	int (*begin)(struct pass *p);
	void (*tile)(struct pass *p, const float *product, size_t first, size_t n);
	int (*end)(struct pass *p, double *out);
	void (*release)(struct pass *p);
};

static double norm_of(const float *z, size_t d)
{
	double sum = 0;
	for (size_t i = 0; i < d; i++)
		sum += (double)z[i] * z[i];
	return sqrt(sum);
}

/* Prepares the first n rows of the bank; energy: products are weighted with the row's energy. */
static int prepare(struct ood_scorer *s, const struct look *look, size_t n, bool energy, struct err *err)
{
	if (ood_need_fit(s, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	struct neighbours *b = s->state = ood_keep(s, 1, sizeof *b, err);
	if (!b || !(b->scale = ood_keep(s, n, sizeof *b->scale, err)) ||
	    !(b->norm = ood_keep(s, n, sizeof *b->norm, err)) || !(b->weight = ood_keep(s, n, sizeof *b->weight, err)))
		return -1;
	float *row = malloc(f->dim * sizeof *row);
	if (!row)
		return err_memory(err);
	b->look = look;
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		b->norm[i] = norm_of(ood_bank_rows(f, i, 1, row), f->dim);
		b->weight[i] = energy ? num_lse(f->bank.logits + i * f->classes, f->classes) : 1;
		b->scale[i] = (float)(b->norm[i] > 0 ? b->weight[i] / b->norm[i] : 0);
	}
	free(row);
	return 0;
}

/* ---- cosines, a tile at a time, for all methods at once ------------------------------------------ */

/* unit (rows,D) by the bank, a tile (n,D) of it at a time: product (rows,TILE) = unit tile^T, in single precision,
 * which each pass looks at while it is in the cache. room: TILE * (D + rows). */
static void for_each_tile(const struct ood_fit *f, struct pass *pass, size_t passes, const float *unit, size_t rows,
			  float *room)
{
	float *product = room + TILE * f->dim;
	size_t most = 0;

	for (size_t m = 0; m < passes; m++)
		most = pass[m].b->n > most ? pass[m].b->n : most;
	for (size_t first = 0; first < most; first += TILE) {
		size_t n = most - first < TILE ? most - first : TILE;
		const float *tile = ood_bank_rows(f, first, n, room);
		num_matmul_float(unit, rows, tile, n, f->dim, product, TILE);
		for (size_t m = 0; m < passes; m++) {
			size_t left = pass[m].b->n > first ? pass[m].b->n - first : 0;
			if (left > 0)
				pass[m].b->look->tile(&pass[m], product, first, left < n ? left : n);
		}
	}
}

static int look_at_bank(struct pass *pass, size_t passes, const struct ood_rows *rows, double *const *out)
{
	const struct ood_fit *f = pass->s->basis->fit;
	float *unit = malloc(rows->n * f->dim * sizeof *unit);          /* (n,D): the rows over their norms */
	float *room = malloc(TILE * (f->dim + rows->n) * sizeof *room); /* a tile (TILE,D), products (n,TILE) */
	int rc = unit && room ? 0 : -1;

	for (size_t m = 0; m < passes && rc == 0; m++)
		rc = pass[m].b->look->begin(&pass[m]);
	if (rc == 0) {
		for (size_t i = 0; i < rows->n; i++)
			ood_unit(rows->features + i * f->dim, f->dim, unit + i * f->dim);
		for_each_tile(f, pass, passes, unit, rows->n, room);
	}
	for (size_t m = 0; m < passes && rc == 0; m++)
		rc = pass[m].b->look->end(&pass[m], out[m]);
	free(unit);
	free(room);
	return rc;
}

/* The product with the bank is most of the work: one does for all. */
static int score_together(const struct ood_scorer *const *s, size_t n, const struct ood_rows *rows, double *const *out)
{
	struct pass *pass = calloc(n, sizeof *pass);
	float *room = malloc(TILE * sizeof *room);
	int rc = -1;

	if (pass && room) {
		for (size_t m = 0; m < n; m++)
			pass[m] = (struct pass){ .s = s[m], .b = s[m]->state, .rows = rows, .room = room };
		rc = look_at_bank(pass, n, rows, out);
		for (size_t m = 0; m < n; m++)
			pass[m].b->look->release(&pass[m]);
	}
	free(pass);
	free(room);
	return rc;
}

/* ---- the largest K of each row ------------------------------------------------------------------ */

struct top {
	float value;
	size_t at;
};
struct tops {
	size_t k;            /* how many to keep */
	size_t n[OOD_CHUNK]; /* found so far */
	struct top *heap;    /* (OOD_CHUNK,k), the smallest at the root */
};

/* Sinks h[i] until no child is smaller. */
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

/* Row `row`'s products v with rows first..first+n of the bank. */
static void keep_top(struct tops *t, size_t row, const float *v, size_t first, size_t n)
{
	struct top *h = t->heap + row * t->k;
	size_t i = 0;

	for (; i < n && t->n[row] < t->k; i++) {
		h[t->n[row]++] = (struct top){ v[i], first + i };
		if (t->n[row] == t->k)
			for (size_t j = t->k / 2; j-- > 0;)
				sift(h, t->k, j);
	}
	while (i < n) { /* few are among the largest: whole blocks are passed over */
		size_t end = i + BLOCK < n ? i + BLOCK : n;
		float most = v[i];
#pragma omp simd reduction(max : most)
		for (size_t j = i; j < end; j++)
			most = v[j] > most ? v[j] : most;
		if (!(most > h[0].value))
			i = end;
		for (; i < end; i++)
			if (v[i] > h[0].value) {
				h[0] = (struct top){ v[i], first + i };
				sift(h, t->k, 0);
			}
	}
}

static void top_tile(struct pass *p, const float *product, size_t first, size_t n)
{
	for (size_t i = 0; i < p->rows->n; i++) {
		const float *v = product + i * TILE, *scale = p->b->scale + first;
#pragma omp simd
		for (size_t k = 0; k < n; k++)
			p->room[k] = v[k] * scale[k];
		keep_top(p->tops, i, p->room, first, n);
	}
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Minus the squared distance of x from b / norm, or their product. */
static double compare(const double *x, const float *b, size_t d, double norm, bool distance)
{
	double sum = 0, by = norm > 0 ? 1 / norm : 0;

	if (distance) {
#pragma omp simd reduction(+ : sum)
		for (size_t i = 0; i < d; i++)
			sum -= (x[i] - b[i] * by) * (x[i] - b[i] * by);
		return sum;
	}
#pragma omp simd reduction(+ : sum)
	for (size_t i = 0; i < d; i++)
		sum += x[i] * b[i];
	return sum * by;
}

/* The candidates' values anew, in double, in descending order: single precision chose them, but its
 * digits do not do for distances between close neighbours. unit: (D); room: (D). */
static void refine(const struct pass *p, size_t row, bool distance, double *unit, float *room, double *value)
{
	const struct ood_fit *f = p->s->basis->fit;
	const struct tops *t = p->tops;
	const float *z = p->rows->features + row * f->dim;
	double norm = norm_of(z, f->dim);

	for (size_t d = 0; d < f->dim; d++)
		unit[d] = norm > 0 ? z[d] / norm : 0;
	for (size_t i = 0; i < t->n[row]; i++) {
		size_t at = t->heap[row * t->k + i].at;
		const float *b = ood_bank_rows(f, at, 1, room);
		value[i] = compare(unit, b, f->dim, p->b->norm[at], distance) * p->b->weight[at];
	}
	qsort(value, t->n[row], sizeof *value, descending);
}

/* SPARE more than asked for are looked at, so that rounding in the choice does not reach the result. */
static int top_begin(struct pass *p)
{
	size_t k = (size_t)p->s->request.params[0] + SPARE;

	if (k > p->b->n)
		k = p->b->n;
	p->tops = calloc(1, sizeof *p->tops);
	if (!p->tops)
		return -1;
	p->tops->k = k;
	p->tops->heap = malloc(p->rows->n * k * sizeof *p->tops->heap);
	return p->tops->heap ? 0 : -1;
}

static void top_release(struct pass *p)
{
	if (p->tops)
		free(p->tops->heap);
	free(p->tops);
}

/* The k-th best of each row by distance, or the mean of the k best products. */
static int top_end(struct pass *p, bool distance, double *out)
{
	size_t k = (size_t)p->s->request.params[0], dim = p->s->basis->fit->dim;
	double *value = malloc((p->tops->k + dim) * sizeof *value);
	float *room = malloc(dim * sizeof *room);
	int rc = value && room ? 0 : -1;

	for (size_t i = 0; i < p->rows->n && rc == 0; i++) {
		double sum = 0;
		refine(p, i, distance, value + p->tops->k, room, value);
		for (size_t j = 0; j < k; j++)
			sum += value[j];
		out[i] = distance ? value[k - 1] : sum / (double)k;
	}
	free(value);
	free(room);
	return rc;
}

/* ---- KNN ---------------------------------------------------------------------------------------- */

/* Deep nearest neighbours (Sun et al., ICML 2022): minus the squared distance to the k-th nearest
 * training feature, all divided by their norms. */
static int knn_end(struct pass *p, double *out)
{
	return top_end(p, true, out);
}

static const struct look knn_look = { top_begin, top_tile, knn_end, top_release };

static int knn_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err) < 0)
		return -1;
	if (k > f->bank.n)
		return err_fail(err, "k=%zu neighbours, but the bank holds %zu", k, f->bank.n);
	return prepare(s, &knn_look, f->bank.n, false, err);
}

/* ---- NNGuide ------------------------------------------------------------------------------------ */

/* Nearest neighbour guidance (Park, Jung, Teoh, ICCV 2023): the energy times the mean of the k largest
 * <z, z_i> e_i, both features divided by their norms, e_i the energy of the neighbour; over a share of the
 * training data, here the first rows of the bank, which is in random order. */
static int nnguide_end(struct pass *p, double *out)
{
	size_t C = p->s->basis->classes;

	if (top_end(p, false, out) < 0)
		return -1;
	for (size_t i = 0; i < p->rows->n; i++)
		out[i] *= num_lse(p->rows->logits + i * C, C);
	return 0;
}

static const struct look nnguide_look = { top_begin, top_tile, nnguide_end, top_release };

static int nnguide_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err) < 0)
		return -1;
	double share = ceil(s->request.params[1] * (double)f->rows);
	size_t n = share < (double)f->bank.n ? (size_t)share : f->bank.n;
	if (n < k)
		n = k; /* a small set: at least the neighbours that are asked for */
	if (n > f->bank.n)
		return err_fail(err, "k=%zu neighbours, but the bank holds %zu", k, f->bank.n);
	return prepare(s, &nnguide_look, n, true, err);
}

/* ---- Relation ----------------------------------------------------------------------------------- */

/* Neural relation graph (Kim, Jeong, Song, NeurIPS 2023): sum of r_i^power over the bank where r_i is
 * above the threshold, r_i = max(0, cosine) <p, p_i>, p the softmax probabilities. */
static int relation_begin(struct pass *p)
{
	const size_t C = p->s->basis->classes, n = p->rows->n;

	p->prob = malloc(n * C * sizeof *p->prob);
	p->agree = malloc(n * TILE * sizeof *p->agree);
	p->sum = calloc(n, sizeof *p->sum);
	for (size_t i = 0; p->prob && i < n; i++)
		num_softmax_float(p->rows->logits + i * C, C, p->prob + i * C);
	return p->prob && p->agree && p->sum ? 0 : -1;
}

/* The sum over n rows of a tile for one row: cosine (v * scale) times agreement, each (n). */
static double relate(const float *v, const float *scale, const float *agree, size_t n, double power, float least)
{
	double sum = 0;

	if (power == 1) {
#pragma omp simd reduction(+ : sum)
		for (size_t i = 0; i < n; i++) {
			float r = v[i] * scale[i] * agree[i];
			sum += r > least ? r : 0;
		}
		return sum;
	}
	for (size_t i = 0; i < n; i++) {
		float r = v[i] * scale[i] * agree[i];
		if (r > least)
			sum += pow(r, power);
	}
	return sum;
}

static void relation_tile(struct pass *p, const float *product, size_t first, size_t n)
{
	const size_t C = p->s->basis->classes;
	const double *params = p->s->request.params;

	num_matmul_float(p->prob, p->rows->n, p->b->prob + first * C, n, C, p->agree, TILE);
	for (size_t i = 0; i < p->rows->n; i++)
		p->sum[i] += relate(product + i * TILE, p->b->scale + first, p->agree + i * TILE, n, params[0],
				    (float)params[1]);
}

static int relation_end(struct pass *p, double *out)
{
	memcpy(out, p->sum, p->rows->n * sizeof *out);
	return 0;
}

static void relation_release(struct pass *p)
{
	free(p->prob);
	free(p->agree);
	free(p->sum);
}

static const struct look relation_look = { relation_begin, relation_tile, relation_end, relation_release };

static int relation_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_fit(s, err) < 0 || prepare(s, &relation_look, s->basis->fit->bank.n, false, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	struct neighbours *b = s->state;
	b->prob = ood_keep(s, b->n * f->classes, sizeof *b->prob, err);
	for (size_t i = 0; b->prob && i < b->n; i++)
		num_softmax_float(f->bank.logits + i * f->classes, f->classes, b->prob + i * f->classes);
	return b->prob ? 0 : -1;
}

const struct ood_method ood_neighbours_family[] = {
	{ .name = "knn",
	  .help = "minus the squared distance to the k-th nearest training feature",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .alone = true,
	  .params = { { "k", 50, 1, 1e9, "which neighbour, from 1" } },
	  .prepare = knn_prepare,
	  .together = score_together },
	{ .name = "nnguide",
	  .help = "energy guided by that of the nearest training features",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "k", 100, 1, 1e9, "neighbours" },
		      { "alpha", 0.01, 0, 1, "share of the training data that is searched" } },
	  .prepare = nnguide_prepare,
	  .together = score_together },
	{ .name = "relation",
	  .help = "sum of similarities to training features and predictions",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "power", 1, 0.1, 100, "of each similarity" },
		      { "threshold", 0.03, 0, 1, "smaller similarities do not count" } },
	  .prepare = relation_prepare,
	  .together = score_together },
	{ 0 }
};
