/* SPDX-License-Identifier: MIT
 * What scores from the rows of the bank share. The products of a chunk of rows with a tile of the bank are one matrix
 * product in single precision; each requested method then goes over them. */
#include <math.h>
#include <stdlib.h>

#include "num/num_linalg.h"
#include "num/num_softmax.h"
#include "ood/ood_internal.h"
#include "ood/score/ood_neighbours.h"

enum { SPARE = 8, BLOCK = 32 };

double ood_near_norm(const float *z, size_t d)
{
	double sum = 0;
	for (size_t i = 0; i < d; i++)
		sum += (double)z[i] * z[i];
	return sqrt(sum);
}

/* Prepares the first n rows of the bank; energy: products are weighted by the row's energy. */
int ood_near_prepare(struct ood_scorer *s, const struct ood_look *look, size_t n, bool energy, struct err *err)
{
	if (ood_need_fit(s, err) < 0)
		return -1;
	const struct ood_fit *f = s->basis->fit;
	struct ood_neighbours *b = s->state = ood_keep(s, 1, sizeof *b, err);
	if (!b || !(b->scale = ood_keep(s, n, sizeof *b->scale, err)) ||
	    !(b->norm = ood_keep(s, n, sizeof *b->norm, err)) || !(b->weight = ood_keep(s, n, sizeof *b->weight, err)))
		return -1;
	float *row = malloc(f->dim * sizeof *row);
	if (!row)
		return err_memory(err);
	b->look = look;
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		b->norm[i] = ood_near_norm(ood_bank_rows(f, i, 1, row), f->dim);
		b->weight[i] = energy ? num_lse(f->bank.logits + i * f->classes, f->classes) : 1;
		b->scale[i] = (float)(b->norm[i] > 0 ? b->weight[i] / b->norm[i] : 0);
	}
	free(row);
	return 0;
}

/* ---- cosines, a tile at a time, for all methods at once ------------------------------------------ */

/* unit (rows,D) by the bank, a tile (n,D) of it at a time: product (rows,OOD_TILE) = unit tile^T, in single precision,
 * which each pass looks at while it is in the cache. room: OOD_TILE * (D + rows). */
static void for_each_tile(const struct ood_fit *f, struct ood_near *pass, size_t passes, const float *unit, size_t rows,
			  float *room)
{
	float *product = room + OOD_TILE * f->dim;
	size_t most = 0;

	for (size_t m = 0; m < passes; m++)
		most = pass[m].b->n > most ? pass[m].b->n : most;
	for (size_t first = 0; first < most; first += OOD_TILE) {
		size_t n = most - first < OOD_TILE ? most - first : OOD_TILE;
		const float *tile = ood_bank_rows(f, first, n, room);
		num_matmul_float(unit, rows, tile, n, f->dim, product, OOD_TILE);
		for (size_t m = 0; m < passes; m++) {
			size_t left = pass[m].b->n > first ? pass[m].b->n - first : 0;
			if (left > 0)
				pass[m].b->look->tile(&pass[m], product, first, left < n ? left : n);
		}
	}
}

static int look_at_bank(struct ood_near *pass, size_t passes, const struct ood_rows *rows, double *const *out)
{
	const struct ood_fit *f = pass->s->basis->fit;
	float *unit = malloc(rows->n * f->dim * sizeof *unit); /* (n,D): the rows over their norms */
	float *room =
		malloc(OOD_TILE * (f->dim + rows->n) * sizeof *room); /* a tile (OOD_TILE,D), products (n,OOD_TILE) */
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

/* The product with the bank is most of the work, so it is computed once for all. */
int ood_near_together(const struct ood_scorer *const *s, size_t n, const struct ood_rows *rows, double *const *out)
{
	struct ood_near *pass = calloc(n, sizeof *pass);
	float *room = malloc(OOD_TILE * sizeof *room);
	int rc = -1;

	if (pass && room) {
		for (size_t m = 0; m < n; m++)
			pass[m] = (struct ood_near){ .s = s[m], .b = s[m]->state, .rows = rows, .room = room };
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
struct ood_tops {
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

void ood_tops_keep(struct ood_near *p, size_t row, const float *v, size_t first, size_t n)
{
	struct ood_tops *t = p->tops;
	struct top *h = t->heap + row * t->k;
	size_t i = 0;

	for (; i < n && t->n[row] < t->k; i++) {
		h[t->n[row]++] = (struct top){ v[i], first + i };
		if (t->n[row] == t->k)
			for (size_t j = t->k / 2; j-- > 0;)
				sift(h, t->k, j);
	}
	while (i < n) { /* few are among the largest, so whole blocks are skipped */
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

/* Keeps SPARE more rows than requested, so that rounding in the selection does not affect the result. */
int ood_tops_new(struct ood_near *p, size_t k)
{
	k = k + SPARE < p->b->n ? k + SPARE : p->b->n;
	p->tops = calloc(1, sizeof *p->tops);
	if (!p->tops)
		return -1;
	p->tops->k = k;
	p->tops->heap = malloc(p->rows->n * k * sizeof *p->tops->heap);
	return p->tops->heap ? 0 : -1;
}

void ood_tops_free(struct ood_near *p)
{
	if (p->tops)
		free(p->tops->heap);
	free(p->tops);
}

size_t ood_tops_count(const struct ood_near *p, size_t row)
{
	return p->tops->n[row];
}

size_t ood_tops_at(const struct ood_near *p, size_t row, size_t i)
{
	return p->tops->heap[row * p->tops->k + i].at;
}

/* ---- the nearest rows ------------------------------------------------------------------------------ */

int ood_nearest_prepare(struct ood_scorer *s, const struct ood_look *look, size_t n, bool energy, struct err *err)
{
	const size_t k = (size_t)s->request.params[0];

	if (ood_need_fit(s, err) < 0)
		return -1;
	if (k > s->basis->fit->bank.n)
		return err_fail(err, "k=%zu neighbours, but the bank holds %zu", k, s->basis->fit->bank.n);
	return ood_near_prepare(s, look, n, energy, err);
}

void ood_nearest_tile(struct ood_near *p, const float *product, size_t first, size_t n)
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

int ood_nearest_end(struct ood_near *p, bool distance, double *out)
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

int ood_nearest_begin(struct ood_near *p)
{
	return ood_tops_new(p, (size_t)p->s->request.params[0]);
}
