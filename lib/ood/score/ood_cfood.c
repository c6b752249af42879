/* SPDX-License-Identifier: MIT
 * CF-OOD (Angiulli, Fassetti, Zupi, "CF-OOD: concentration-free density estimation for reliable out-of-distribution
 * detection", SISAP 2025), as its authors contributed it to OpenOOD: how far the training features must reach to find a
 * feature, in ranks rather than distances. Of n training rows, a share of those in the bank, all divided by their
 * norms, r_i(kappa) is the squared distance from row i to its own neighbour number kappa n. A row x scores minus the
 * smallest kappa at which a share k of them reach it,
 *
 *	|{ i : r_i(kappa) >= ||x - x_i||^2 }| >= k n,
 *
 * or -1 if there is no such kappa. Kappa runs over a grid, so many rows tie. */
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_sort.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_neighbours.h"

enum { GRID = 100 + 81 + 49 };

struct reach {
	size_t steps;
	double kappa[GRID];
	size_t rank[GRID]; /* of the neighbour, from 1; 0 would be the row itself */
	float *radius;     /* (steps,n) */
};

/* Number i of n numbers from a to b, like NumPy's linspace. */
static double spaced(double a, double b, size_t n, size_t i)
{
	return i == n - 1 ? b : (double)i * ((b - a) / (double)(n - 1)) + a;
}

/* Makes the grid, from 0.001 to 0.99 with growing steps; of values that mean the same neighbour among n rows, it keeps
 * the first. */
static void make_grid(struct reach *r, size_t n)
{
	long last = -1;

	for (size_t i = 0; i < GRID; i++) {
		double kappa = i < 100 ? spaced(0.001, 0.1, 100, i) :
			       i < 181 ? spaced(0.105, 0.5, 81, i - 100) :
					 spaced(0.51, 0.99, 49, i - 181);
		long at = (long)(kappa * (double)n - 1);
		if (at <= last)
			continue;
		last = at;
		r->kappa[r->steps] = kappa;
		r->rank[r->steps++] = (size_t)at + 1;
	}
}

/* The squared distance of two vectors with this product; `units` of them have norm 1, the others are zero. */
static float distance(int units, float product)
{
	float d = (float)units - 2 * product;
	return d > 0 ? d : 0;
}

/* unit: (b->n,D); product: (OOD_CHUNK,b->n). */
static int fill_radii(const struct ood_neighbours *b, size_t dim, const float *unit, float *product, struct err *err)
{
	struct reach *r = b->own;
	const size_t n = b->n;

	for (size_t i = 0; i < n; i += OOD_CHUNK) {
		size_t rows = n - i < OOD_CHUNK ? n - i : OOD_CHUNK;
		num_matmul_float(unit + i * dim, rows, unit, n, dim, product, n);
		for (size_t j = 0; j < rows; j++) {
			float *v = product + j * n;
			for (size_t k = 0; k < n; k++)
				v[k] = distance((b->norm[i + j] > 0) + (b->norm[k] > 0), v[k]);
			v[i + j] = 0;
			if (num_sort(v, n) < 0)
				return err_memory(err);
			for (size_t k = 0; k < r->steps; k++)
				r->radius[k * n + i + j] = v[r->rank[k]];
		}
	}
	return 0;
}

static int make_radii(struct ood_scorer *s, const struct ood_neighbours *b, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;
	const size_t D = f->dim;
	struct reach *r = b->own;

	if (!(r->radius = ood_keep(s, r->steps * b->n, sizeof *r->radius, err)))
		return -1;
	float *row = malloc(D * sizeof *row), *unit = malloc(b->n * D * sizeof *unit);
	float *product = malloc(OOD_CHUNK * b->n * sizeof *product);
	int rc = row && unit && product ? 0 : err_memory(err);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		ood_unit(ood_bank_rows(f, i, 1, row), D, unit + i * D);
	if (rc == 0)
		rc = fill_radii(b, D, unit, product, err);
	free(row);
	free(unit);
	free(product);
	return rc;
}

/* ---- rows ---------------------------------------------------------------------------------------- */

/* own: (rows,n) squared distances. */
static int cfood_begin(struct ood_near *p)
{
	p->own = malloc(p->rows->n * p->b->n * sizeof(float));
	return p->own ? 0 : -1;
}

static void cfood_tile(struct ood_near *p, const float *product, size_t first, size_t n)
{
	const size_t D = p->s->basis->dim;

	for (size_t i = 0; i < p->rows->n; i++) {
		const float *v = product + i * OOD_TILE, *scale = p->b->scale + first;
		const int unit = ood_near_norm(p->rows->features + i * D, D) > 0;
		float *d = (float *)p->own + i * p->b->n + first;
		for (size_t k = 0; k < n; k++)
			d[k] = distance(unit + (scale[k] > 0), v[k] * scale[k]);
	}
}

/* Do enough of the n rows, at distances d, reach the row with their radii r? */
static bool reached(const float *r, const float *d, size_t n, double share)
{
	int count = 0;

#pragma omp simd reduction(+ : count)
	for (size_t i = 0; i < n; i++)
		count += r[i] >= d[i];
	return count / (double)n >= share;
}

/* Radii grow with kappa, and so does the number of those that reach the row. */
static int cfood_end(struct ood_near *p, double *out)
{
	const struct reach *r = p->b->own;
	const size_t n = p->b->n;

	for (size_t i = 0; i < p->rows->n; i++) {
		const float *d = (const float *)p->own + i * n;
		size_t low = 0, high = r->steps; /* the first step that reaches it lies here */
		while (low < high) {
			size_t mid = (low + high) / 2;
			if (reached(r->radius + mid * n, d, n, p->s->request.params[1]))
				high = mid;
			else
				low = mid + 1;
		}
		out[i] = low < r->steps ? -r->kappa[low] : -1;
	}
	return 0;
}

static void cfood_release(struct ood_near *p)
{
	free(p->own);
}

static const struct ood_look cfood_look = { cfood_begin, cfood_tile, cfood_end, cfood_release };

static int cfood_prepare(struct ood_scorer *s, struct err *err)
{
	const struct ood_fit *f = s->basis->fit;

	if (ood_need_fit(s, err) < 0)
		return -1;
	size_t n = (size_t)(s->request.params[0] * (double)f->bank.n);
	if (n < 2)
		return err_fail(err, "alpha=%g of the bank's %zu rows are %zu: it needs 2 at least",
				s->request.params[0], f->bank.n, n);
	if (ood_near_prepare(s, &cfood_look, n, false, err) < 0)
		return -1;
	struct ood_neighbours *b = s->state;
	struct reach *r = b->own = ood_keep(s, 1, sizeof *r, err);
	if (!r)
		return -1;
	make_grid(r, n);
	return make_radii(s, b, err);
}

const struct ood_method ood_cfood_family[] = {
	{ .name = "cfood",
	  .help = "minus the rank at which training features reach as far as the sample",
	  .needs = "--fit",
	  .parts = OOD_PART_BANK,
	  .alone = true,
	  .params = { { "alpha", 0.1, 0, 1, "share of the bank that is asked" },
		      { "k", 0.01, 0, 1, "share of these that must reach it" } },
	  .prepare = cfood_prepare,
	  .together = ood_near_together },
	{ 0 }
};
