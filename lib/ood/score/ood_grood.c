/* SPDX-License-Identifier: MIT
 * GROOD (ElAraby, Sahoo, Pequignot, Novello, Paull, "GROOD: gradient-aware out-of-distribution detection", 2023), on
 * the last features. Prototypes are the mean features of the classes and the mean feature o of outliers, which the fit
 * of outliers holds. A row's gradient is taken, with respect to o, of the cross-entropy between the predicted class and
 * the softmax of minus the distances to all prototypes:
 *
 *	g = a u,  a = the probability of the outliers' prototype,  u = (z - o) / ||z - o||.
 *
 * A row scores minus the log of its squared distance to the nearest gradient among training rows (here: the bank) that
 * the model gets right; the authors use minus the distance itself, which ranks alike, but rounds to 0 for most rows.
 *
 *	||g - g_i||^2 = (a - a_i)^2 + 2 a a_i (1 - <u, u_i>). */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "ood/score/ood_neighbours.h"

/* A row's a, its distance from o, and <z, o>. */
struct gradient {
	double a, far, along;
};
struct grood {
	const double *outlier; /* o (D) */
	double square;         /* ||o||^2 */
	double least;          /* the smallest a of the bank's rows */
	struct gradient *of;   /* (n): of the bank's rows; an infinite a: the model gets it wrong */
};

static struct gradient gradient_of(const struct ood_scorer *s, const struct grood *k, const float *z)
{
	const struct ood_moments *m = &s->basis->fit->features;
	struct gradient g = { 0 };
	double sum = 1;

	for (size_t d = 0; d < m->d; d++) {
		g.far += (z[d] - k->outlier[d]) * (z[d] - k->outlier[d]);
		g.along += z[d] * k->outlier[d];
	}
	g.far = sqrt(g.far);
	for (size_t c = 0; c < m->classes; c++) {
		double square = 0;
		for (size_t d = 0; d < m->d; d++)
			square += (z[d] - m->mean[c * m->d + d]) * (z[d] - m->mean[c * m->d + d]);
		sum += exp(fmin(g.far - sqrt(square), 300)); /* so that squares of a stay finite */
	}
	g.a = 1 / sum;
	return g;
}

/* ---- rows ---------------------------------------------------------------------------------------- */

/* own: (rows) their gradients. */
static int grood_begin(struct ood_near *p)
{
	const size_t D = p->s->basis->dim;
	struct gradient *g = p->own = malloc(p->rows->n * sizeof *g);

	for (size_t i = 0; g && i < p->rows->n; i++)
		g[i] = gradient_of(p->s, p->b->own, p->rows->features + i * D);
	return g ? ood_tops_new(p, 1) : -1;
}

/* Minus the squared distances, scaled by the largest value that the smallest can have, so that they fit into single
 * precision; those of far larger size become minus infinity. */
static void grood_tile(struct ood_near *p, const float *product, size_t first, size_t n)
{
	const struct grood *k = p->b->own;
	const struct gradient *own = p->own, *of = k->of + first;
	const size_t D = p->s->basis->dim;

	for (size_t i = 0; i < p->rows->n; i++) {
		const struct gradient g = own[i];
		const double norm = ood_near_norm(p->rows->features + i * D, D), by = 1 / fmax(g.a, k->least);
		for (size_t j = 0; j < n; j++) {
			double both = g.far * of[j].far;
			double inner = norm * product[i * OOD_TILE + j] - g.along - of[j].along + k->square;
			double apart = both > 0 ? fmax(1 - inner / both, 0) : 1;
			double a = g.a * by, b = of[j].a * by;
			p->room[j] = b == INFINITY ? -INFINITY : (float)-((a - b) * (a - b) + 2 * a * b * apart);
		}
		ood_tops_keep(p, i, p->room, first, n);
	}
}

/* The squared distance between g, the gradient of z, and that of row `at` of the bank, from the directions themselves,
 * ||u - u_i||^2 / 2 = 1 - <u, u_i>. room: (D). */
static double apart(const struct ood_near *p, const float *z, struct gradient g, size_t at, float *room)
{
	const struct ood_fit *f = p->s->basis->fit;
	const struct grood *k = p->b->own;
	const struct gradient h = k->of[at];
	const float *b = ood_bank_rows(f, at, 1, room);
	double square = 0;

	for (size_t d = 0; d < f->dim && g.far > 0 && h.far > 0; d++) {
		double x = (z[d] - k->outlier[d]) / g.far - (b[d] - k->outlier[d]) / h.far;
		square += x * x;
	}
	return (g.a - h.a) * (g.a - h.a) + g.a * h.a * square;
}

static int grood_end(struct ood_near *p, double *out)
{
	const struct gradient *g = p->own;
	const size_t D = p->s->basis->dim;
	float *room = malloc(D * sizeof *room);

	for (size_t i = 0; room && i < p->rows->n; i++) {
		double least = INFINITY;
		for (size_t j = 0; j < ood_tops_count(p, i); j++)
			least = fmin(least, apart(p, p->rows->features + i * D, g[i], ood_tops_at(p, i, j), room));
		out[i] = -log(fmax(least, DBL_MIN));
	}
	free(room);
	return room ? 0 : -1;
}

static void grood_release(struct ood_near *p)
{
	free(p->own);
	ood_tops_free(p);
}

static const struct ood_look grood_look = { grood_begin, grood_tile, grood_end, grood_release };

/* ---- the bank ------------------------------------------------------------------------------------- */

enum { TOGETHER = 64 }; /* rows of a task */

/* The gradients of rows first, first + 1, ... of the bank. -1: out of memory. */
static int some_gradients(const struct ood_scorer *s, struct grood *k, size_t first)
{
	const struct ood_fit *f = s->basis->fit;
	const size_t end = f->bank.n - first < TOGETHER ? f->bank.n : first + TOGETHER;
	float *row = malloc(f->dim * sizeof *row);

	for (size_t i = first; row && i < end; i++) {
		const float *l = f->bank.logits + i * f->classes;

		k->of[i] = gradient_of(s, k, ood_bank_rows(f, i, 1, row));
		if (f->bank.label[i] != (int64_t)num_argmax(l, f->classes))
			k->of[i].a = INFINITY;
	}
	free(row);
	return row ? 0 : -1;
}

/* C D operations a row are minutes for a large bank. Methods are prepared side by side: threads that are done with
 * theirs take tasks. */
static int bank_gradients(struct ood_scorer *s, struct grood *k, struct err *err)
{
	const size_t n = s->basis->fit->bank.n;
	bool failed = false;

#pragma omp taskloop default(shared) grainsize(1)
	for (size_t i = 0; i < n; i += TOGETHER)
		if (some_gradients(s, k, i) < 0) {
#pragma omp atomic write
			failed = true;
		}
	if (failed)
		return err_memory(err);
	k->least = INFINITY;
	for (size_t i = 0; i < n; i++)
		k->least = fmin(k->least, k->of[i].a);
	return k->least < INFINITY ? 0 : err_fail(err, "the model gets no row of the bank right");
}

static int grood_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit, *o = s->basis->outliers;

	if (ood_need_labels(s, err) < 0)
		return -1;
	if (!o)
		return err_fail(err, "needs a fit of outliers: --outliers FILE, from ood-fit");
	for (size_t c = 0; c < f->classes; c++)
		if (f->features.count[c] == 0)
			return err_fail(err, "the fit has no row of class %zu, which has no mean then", c);
	if (ood_near_prepare(s, &grood_look, f->bank.n, false, err) < 0)
		return -1;
	struct ood_neighbours *b = s->state;
	struct grood *k = b->own = ood_keep(s, 1, sizeof *k, err);
	if (!k || !(k->of = ood_keep(s, b->n, sizeof *k->of, err)))
		return -1;
	for (size_t i = 0; i < b->n; i++)
		b->scale[i] = 1;
	k->outlier = o->features.centre;
	for (size_t d = 0; d < f->dim; d++)
		k->square += k->outlier[d] * k->outlier[d];
	return bank_gradients(s, k, err);
}

const struct ood_method ood_grood_family[] = {
	{ .name = "grood",
	  .help = "closeness of the gradient towards outliers to that of training features",
	  .needs = "--fit and --outliers",
	  .parts = OOD_PART_BANK,
	  .outliers = true,
	  .prepare = grood_prepare,
	  .together = ood_near_together },
	{ 0 }
};
