/* SPDX-License-Identifier: MIT
 * Scores from the nearest rows of the bank: KNN, NNGuide, and the neural relation graph. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_neighbours.h"

static void top_tile(struct ood_near *p, const float *product, size_t first, size_t n)
{
	for (size_t i = 0; i < p->rows->n; i++) {
		const float *v = product + i * OOD_TILE, *scale = p->b->scale + first;
#pragma omp simd
		for (size_t k = 0; k < n; k++)
			p->room[k] = v[k] * scale[k];
		ood_tops_keep(p, i, p->room, first, n);
	}
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Minus the squared distance between x and b / norm, or their product. */
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

/* Recomputes the candidates' values in double, in descending order: single precision selects them, but is not precise
 * enough for distances between close neighbours. unit: (D); room: (D). */
static void refine(const struct ood_near *p, size_t row, bool distance, double *unit, float *room, double *value)
{
	const struct ood_fit *f = p->s->basis->fit;
	const size_t n = ood_tops_count(p, row);
	const float *z = p->rows->features + row * f->dim;
	double norm = ood_near_norm(z, f->dim);

	for (size_t d = 0; d < f->dim; d++)
		unit[d] = norm > 0 ? z[d] / norm : 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = ood_tops_at(p, row, i);
		const float *b = ood_bank_rows(f, at, 1, room);
		value[i] = compare(unit, b, f->dim, p->b->norm[at], distance) * p->b->weight[at];
	}
	qsort(value, n, sizeof *value, descending);
}

/* For each row, the k-th smallest distance, or the mean of the k largest products. */
static int top_end(struct ood_near *p, bool distance, double *out)
{
	size_t k = (size_t)p->s->request.params[0], dim = p->s->basis->fit->dim;
	const size_t most = ood_tops_count(p, 0); /* the same in every row */
	double *value = malloc((most + dim) * sizeof *value);
	float *room = malloc(dim * sizeof *room);
	int rc = value && room ? 0 : -1;

	for (size_t i = 0; i < p->rows->n && rc == 0; i++) {
		double sum = 0;
		refine(p, i, distance, value + most, room, value);
		for (size_t j = 0; j < k; j++)
			sum += value[j];
		out[i] = distance ? value[k - 1] : sum / (double)k;
	}
	free(value);
	free(room);
	return rc;
}

static int top_begin(struct ood_near *p)
{
	return ood_tops_new(p, (size_t)p->s->request.params[0]);
}

/* ---- KNN ---------------------------------------------------------------------------------------- */

/* Deep nearest neighbours (Sun et al., ICML 2022): minus the squared distance to the k-th nearest
 * training feature, all divided by their norms. */
static int knn_end(struct ood_near *p, double *out)
{
	return top_end(p, true, out);
}

static const struct ood_look knn_look = { top_begin, top_tile, knn_end, ood_tops_free };

static int has_neighbours(const struct ood_fit *f, size_t k, struct err *err)
{
	return k > f->bank.n ? err_fail(err, "k=%zu neighbours, but the bank holds %zu", k, f->bank.n) : 0;
}

static int knn_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err) < 0)
		return -1;
	if (has_neighbours(f, k, err) < 0)
		return -1;
	return ood_near_prepare(s, &knn_look, f->bank.n, false, err);
}

/* ---- NNGuide ------------------------------------------------------------------------------------ */

/* Nearest neighbour guidance (Park, Jung, Teoh, ICCV 2023): the energy times the mean of the k largest
 * <z, z_i> e_i, both features divided by their norms, e_i the energy of the neighbour; over a share of the
 * training data, here the first rows of the bank, which is in random order. */
static int nnguide_end(struct ood_near *p, double *out)
{
	size_t C = p->s->basis->classes;

	if (top_end(p, false, out) < 0)
		return -1;
	for (size_t i = 0; i < p->rows->n; i++)
		out[i] *= num_lse(p->rows->logits + i * C, C);
	return 0;
}

static const struct ood_look nnguide_look = { top_begin, top_tile, nnguide_end, ood_tops_free };

static int nnguide_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err) < 0)
		return -1;
	double share = ceil(s->request.params[1] * (double)f->rows);
	size_t n = share < (double)f->bank.n ? (size_t)share : f->bank.n;
	if (n < k)
		n = k; /* a small set: at least as many rows as neighbours requested */
	if (has_neighbours(f, k, err) < 0)
		return -1;
	return ood_near_prepare(s, &nnguide_look, n, true, err);
}

/* ---- Relation ----------------------------------------------------------------------------------- */

/* Neural relation graph (Kim, Jeong, Song, NeurIPS 2023): sum of r_i^power over the bank where r_i is
 * above the threshold, r_i = max(0, cosine) <p, p_i>, p the softmax probabilities. */
struct relation {
	float *prob, *agree; /* (rows,C), (rows,OOD_TILE) */
	double *sum;         /* (rows) */
};

static int relation_begin(struct ood_near *p)
{
	const size_t C = p->s->basis->classes, n = p->rows->n;
	struct relation *r = p->own = calloc(1, sizeof *r);

	if (!r)
		return -1;
	r->prob = malloc(n * C * sizeof *r->prob);
	r->agree = malloc(n * OOD_TILE * sizeof *r->agree);
	r->sum = calloc(n, sizeof *r->sum);
	for (size_t i = 0; r->prob && i < n; i++)
		num_softmax_float(p->rows->logits + i * C, C, r->prob + i * C);
	return r->prob && r->agree && r->sum ? 0 : -1;
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

static void relation_tile(struct ood_near *p, const float *product, size_t first, size_t n)
{
	const size_t C = p->s->basis->classes;
	const double *params = p->s->request.params;
	const float *prob = p->b->own; /* (bank,C) */
	const struct relation *r = p->own;

	num_matmul_float(r->prob, p->rows->n, prob + first * C, n, C, r->agree, OOD_TILE);
	for (size_t i = 0; i < p->rows->n; i++)
		r->sum[i] += relate(product + i * OOD_TILE, p->b->scale + first, r->agree + i * OOD_TILE, n, params[0],
				    (float)params[1]);
}

static int relation_end(struct ood_near *p, double *out)
{
	const struct relation *r = p->own;

	memcpy(out, r->sum, p->rows->n * sizeof *out);
	return 0;
}

static void relation_release(struct ood_near *p)
{
	struct relation *r = p->own;

	if (r) {
		free(r->prob);
		free(r->agree);
		free(r->sum);
	}
	free(r);
}

static const struct ood_look relation_look = { relation_begin, relation_tile, relation_end, relation_release };

static int relation_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_fit(s, err) < 0 || ood_near_prepare(s, &relation_look, s->basis->fit->bank.n, false, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	struct ood_neighbours *b = s->state;
	float *prob = b->own = ood_keep(s, b->n * f->classes, sizeof *prob, err);
	for (size_t i = 0; prob && i < b->n; i++)
		num_softmax_float(f->bank.logits + i * f->classes, f->classes, prob + i * f->classes);
	return prob ? 0 : -1;
}

const struct ood_method ood_knn_family[] = {
	{ .name = "knn",
	  .help = "minus the squared distance to the k-th nearest training feature",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .alone = true,
	  .params = { { "k", 50, 1, 1e9, "which neighbour, from 1" } },
	  .prepare = knn_prepare,
	  .together = ood_near_together },
	{ .name = "nnguide",
	  .help = "energy guided by that of the nearest training features",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "k", 100, 1, 1e9, "neighbours" },
		      { "alpha", 0.01, 0, 1, "share of the training data that is searched" } },
	  .prepare = nnguide_prepare,
	  .together = ood_near_together },
	{ .name = "relation",
	  .help = "sum of similarities to training features and predictions",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .params = { { "power", 1, 0.1, 100, "of each similarity" },
		      { "threshold", 0.03, 0, 1, "smaller similarities do not count" } },
	  .prepare = relation_prepare,
	  .together = ood_near_together },
	{ 0 }
};
