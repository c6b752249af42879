/* SPDX-License-Identifier: MIT
 * Scores from the nearest rows of the bank: KNN, NNGuide, and the neural relation graph. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/score/ood_neighbours.h"

/* ---- KNN ---------------------------------------------------------------------------------------- */

/* Deep nearest neighbours (Sun et al., ICML 2022): minus the squared distance to the k-th nearest
 * training feature, all divided by their norms. */
static int knn_end(struct ood_near *p, double *out)
{
	return ood_nearest_end(p, true, out);
}

static const struct ood_look knn_look = { ood_nearest_begin, ood_nearest_tile, knn_end, ood_tops_free };

static int knn_prepare(struct ood_scorer *s, struct err *err)
{
	if (ood_need_fit(s, err) < 0)
		return -1;
	return ood_nearest_prepare(s, &knn_look, s->basis->fit->bank.n, false, err);
}

/* ---- NNGuide ------------------------------------------------------------------------------------ */

/* Nearest neighbour guidance (Park, Jung, Teoh, ICCV 2023): the energy times the mean of the k largest
 * <z, z_i> e_i, both features divided by their norms, e_i the energy of the neighbour; over a share of the
 * training data, here the first rows of the bank, which is in random order. */
static int nnguide_end(struct ood_near *p, double *out)
{
	size_t C = p->s->basis->classes;

	if (ood_nearest_end(p, false, out) < 0)
		return -1;
	for (size_t i = 0; i < p->rows->n; i++)
		out[i] *= num_lse(p->rows->logits + i * C, C);
	return 0;
}

static const struct ood_look nnguide_look = { ood_nearest_begin, ood_nearest_tile, nnguide_end, ood_tops_free };

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
	return ood_nearest_prepare(s, &nnguide_look, n, true, err);
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
