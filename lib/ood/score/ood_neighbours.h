/* SPDX-License-Identifier: MIT
 *
 * ood_neighbours: scores that look at every row of the bank. Most of their work is the product of a chunk of rows with
 * the bank, so all requested methods share it: tile by tile, each method looks at the products while they are in the
 * cache.
 */
#ifndef OOD_NEIGHBOURS_H
#define OOD_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>

#include "ood/score/ood_method.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_TILE = 1024 };

struct ood_look;
struct ood_tops;

/* What a method keeps from the bank: the state of its scorer. */
struct ood_neighbours {
	const struct ood_look *look;
	size_t n;              /* rows of the bank in use, from the first */
	float *scale;          /* (n): the factor of a product: weight/norm */
	double *norm, *weight; /* (n): of the feature; the row's energy, or 1 */
	void *own;             /* the method's own */
};

/* A method's work on a chunk of rows. */
struct ood_near {
	const struct ood_scorer *s;
	const struct ood_neighbours *b;
	const struct ood_rows *rows;
	float *room;           /* (OOD_TILE) */
	struct ood_tops *tops; /* for methods that use the nearest rows */
	void *own;             /* the method's own */
};

/* tile() gets the products <z / ||z||, z_k>, (rows,OOD_TILE), with rows first..first+n of the bank. begin() and end()
 * return -1 when out of memory; release() follows in any case. */
struct ood_look {
	int (*begin)(struct ood_near *p);
	void (*tile)(struct ood_near *p, const float *product, size_t first, size_t n);
	int (*end)(struct ood_near *p, double *out);
	void (*release)(struct ood_near *p);
};

/* Prepares the first n rows of the bank as the scorer's state; energy: products are weighted by the row's energy. */
int ood_near_prepare(struct ood_scorer *s, const struct ood_look *look, size_t n, bool energy,
		     struct err *err) TS_CHECKED;
/* The methods' ood_method.together. */
int ood_near_together(const struct ood_scorer *const *s, size_t n, const struct ood_rows *rows, double *const *out);
/* ||z|| of z (d), in double. */
double ood_near_norm(const float *z, size_t d);

/* ---- the rows of the largest numbers ----------------------------------------------------------- */

/* Makes p->tops for k rows of the bank and a few spare ones, so that rounding in the selection does not affect the
 * result. */
int ood_tops_new(struct ood_near *p, size_t k) TS_CHECKED;
void ood_tops_free(struct ood_near *p);
/* Offers row `row`'s numbers v for rows first..first+n of the bank. */
void ood_tops_keep(struct ood_near *p, size_t row, const float *v, size_t first, size_t n);
/* How many rows of the bank were kept for it, and the i-th of them, in no order. */
size_t ood_tops_count(const struct ood_near *p, size_t row);
size_t ood_tops_at(const struct ood_near *p, size_t row, size_t i);

/* ---- the nearest rows, for methods whose first parameter is how many ----------------------------- */

/* As ood_near_prepare(); the bank must hold that many. */
int ood_nearest_prepare(struct ood_scorer *s, const struct ood_look *look, size_t n, bool energy,
			struct err *err) TS_CHECKED;
/* For their ood_look: begin() and tile() keep the rows of the largest products; release() is ood_tops_free(). */
int ood_nearest_begin(struct ood_near *p);
void ood_nearest_tile(struct ood_near *p, const float *product, size_t first, size_t n);
/* For each row, minus the k-th smallest squared distance, or the mean of the k largest products, in double. -1: out of
 * memory. */
int ood_nearest_end(struct ood_near *p, bool distance, double *out);

#ifdef __cplusplus
}
#endif
#endif
