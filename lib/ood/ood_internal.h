/* SPDX-License-Identifier: MIT
 *
 * ood_internal: what the files of lib/ood share and others do not need.
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

/* x (d) divided by its norm, out (d); zeros stay zeros. */
void ood_unit(const float *x, size_t d, float *out);
/* Makes the arrays of a fit whose sizes, parts and layers are set, all zero. -1: out of memory, or an array beyond
 * TS_MAX_TENSOR bytes. */
int ood_fit_alloc(struct ood_fit *f, struct err *err) TS_CHECKED;

/* ---- tables that grow by rows (ood_grow.c) ---------------------------------------------------- */

/* How many rows a table of `cap` is to have room for to hold `want`: cap, or half as many more than it must. */
size_t ood_capacity(size_t cap, size_t want);
/* Makes each of n columns, an array of pointers to malloc'ed memory or NULL, hold `rows` times `size` bytes. -1: out
 * of memory; the columns are as they were, or larger. */
int ood_grow(void *columns, size_t n, size_t rows, size_t size) TS_CHECKED;

/* ---- Gram columns (ood_fit_gram.c) ------------------------------------------------------------ */

/* Notes the columns gram:... of a header, or those that a fit's tensors show, in f->grams. */
int ood_gram_find(struct ood_fit *f, const struct ts_header *h, struct err *err) TS_CHECKED;
int ood_gram_find_tensors(struct ood_fit *f, const struct ts_set *s, struct err *err) TS_CHECKED;
/* Row i of b, which the model takes for class c; to be called before the class's row is counted. */
int ood_gram_add(struct ood_fit *f, const struct ts_batch *b, size_t i, size_t c, struct err *err) TS_CHECKED;
/* Joins o's ranges; to be called before its rows are counted. */
void ood_gram_merge(struct ood_fit *f, const struct ood_fit *o);
/* Finds every column of the fit in the header: its number into column (n_grams). False: one is not there. */
bool ood_gram_columns(const struct ood_fit *f, const struct ts_header *h, size_t *column);
/* The deviation of numbers v, one row's, from the ranges of class c. */
double ood_gram_deviation(const struct ood_ranges *g, const float *v, size_t c);
/* Adds those of b's rows, whose logits (n,C) say the classes, to sum (n_grams), a number per column. */
void ood_gram_deviations(const struct ood_fit *f, const struct ts_batch *b, const float *logits, const size_t *column,
			 double *sum);
/* Puts what each column's deviation counts into the fit's meta, from their sums over ID validation rows.
 * Fails if a sum is not finite, or all are 0. */
int ood_gram_tune(struct ood_fit *f, const double *sum, uint64_t rows, struct err *err) TS_CHECKED;

/* ---- the bank -------------------------------------------------------------------------------- */

struct ood_bank_row {
	const float *logits, *features, *moved; /* moved: with OOD_PART_MOVED */
	int64_t label;
};
/* A row's key: XXH3-64 of features, logits and label under the fit's seed. */
uint64_t ood_bank_key(const struct ood_fit *f, const struct ood_bank_row *row);
/* Offers a row; kept if the bank has room or its key is among the smallest. -1: out of memory. */
int ood_bank_add(struct ood_fit *f, uint64_t key, const struct ood_bank_row *row) TS_CHECKED;
/* Sorts the rows by their keys. -1: out of memory. */
int ood_bank_sort(struct ood_fit *f) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
