/* SPDX-License-Identifier: MIT
 *
 * ood_internal: what the files of lib/ood share among themselves.
 */
#ifndef OOD_INTERNAL_H
#define OOD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ood/fit/ood_fit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Divides x (d) by its norm into out (d); zeros stay zeros. */
void ood_unit(const float *x, size_t d, float *out);
/* Allocates the arrays of a fit whose sizes, parts and layers are set, zeroed. -1: out of memory, or an array beyond
 * TS_MAX_TENSOR bytes. */
int ood_fit_alloc(struct ood_fit *f, struct err *err) TS_CHECKED;

/* ---- tables that grow by rows (ood_grow.c) ---------------------------------------------------- */

/* The capacity, in rows, that a table of capacity `cap` needs to hold `want`: cap if that is enough, else want and half
 * of cap more. */
size_t ood_capacity(size_t cap, size_t want);
/* Grows each of n columns, an array of pointers to malloc'ed memory or NULL, to `rows` times `size` bytes. -1: out of
 * memory; the columns are unchanged, or larger. */
int ood_grow(void *columns, size_t n, size_t rows, size_t size) TS_CHECKED;

/* ---- Gram columns (ood_fit_gram.c) ------------------------------------------------------------ */

/* Records in f->grams the columns gram:... of a header, or those that a fit's tensors stand for. */
int ood_gram_find(struct ood_fit *f, const struct ts_header *h, struct err *err) TS_CHECKED;
int ood_gram_find_tensors(struct ood_fit *f, const struct ts_set *s, struct err *err) TS_CHECKED;
/* Adds row i of b, which the model takes for class c. Call it before the row is counted for the class. */
int ood_gram_add(struct ood_fit *f, const struct ts_batch *b, size_t i, size_t c, struct err *err) TS_CHECKED;
/* Merges o's ranges. Call it before o's rows are counted. */
void ood_gram_merge(struct ood_fit *f, const struct ood_fit *o);
/* Finds the fit's columns in the header and puts their numbers into column (n_grams). False: one is missing. */
bool ood_gram_columns(const struct ood_fit *f, const struct ts_header *h, size_t *column);
/* The deviation of one row's numbers v from the ranges of class c. */
double ood_gram_deviation(const struct ood_ranges *g, const float *v, size_t c);
/* Adds the deviations of b's rows, from the classes that logits (n,C) predict, to sum (n_grams), one number per column.
 * */
void ood_gram_deviations(const struct ood_fit *f, const struct ts_batch *b, const float *logits, const size_t *column,
			 double *sum);
/* Puts the weight of each column's deviation into the fit's meta, computed from the deviations' sums over ID validation
 * rows.
 * Fails if a sum is not finite, or all are 0. */
int ood_gram_tune(struct ood_fit *f, const double *sum, uint64_t rows, struct err *err) TS_CHECKED;

/* Does preparing the request open OpenBLAS? */
struct ood_request;
struct ood_basis;
bool ood_scorer_opens(const struct ood_request *q, const struct ood_basis *basis);

/* ---- the bank -------------------------------------------------------------------------------- */

/* A column that a bank may keep: its names in features and in a fit, its part, and the option of um-embed that makes
 * it. */
struct ood_bank_column {
	const char *name, *tensor, *option;
	unsigned part;
};
extern const struct ood_bank_column ood_bank_columns[OOD_BESIDES];

struct ood_bank_row {
	const float *logits, *features;
	const float *beside[OOD_BESIDES]; /* those with their part */
	int64_t label;
};
/* A row's key: XXH3-64 of features, logits and label under the fit's seed. */
uint64_t ood_bank_key(const struct ood_fit *f, const struct ood_bank_row *row);
/* Offers a row, which is kept if the bank has room or its key is among the smallest. -1: out of memory. */
int ood_bank_add(struct ood_fit *f, uint64_t key, const struct ood_bank_row *row) TS_CHECKED;
/* Sorts the rows by their keys. -1: out of memory. */
int ood_bank_sort(struct ood_fit *f) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
