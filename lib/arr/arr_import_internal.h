/* SPDX-License-Identifier: MIT
 * Shared by the two halves of arr_import.h: what becomes a column (arr_import.c), and its rows (arr_import_rows.c). */
#ifndef ARR_IMPORT_INTERNAL_H
#define ARR_IMPORT_INTERNAL_H

#include "arr/arr_import.h"
#include "arr/arr_internal.h"

/* A column made from an array; for computed logits from is NULL. */
struct column {
	const struct arr *from;
	const char *name;
	enum ts_type type;
	size_t n;              /* numbers per row */
	char *buf;             /* for text */
	size_t rounded, other; /* how many numbers lost digits; how many rows have one that is not finite; */
	size_t first, last;    /* the first and the last of those rows */
};

struct arr_import {
	const struct arr_set *s;
	const struct arr_options *o;
	const struct arr *role[ARR_ROLES];
	struct column *c;
	size_t n_c, rows;
	struct arr_head head;
	double *x; /* (D): a row of features, for logits */
	bool scores;
};

/* Tells the user a line. */
void arr_import_say(const struct arr_import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Computes the logits out (C) of row i with the last layer. */
void arr_import_logits(struct arr_import *im, size_t i, double *out);

#endif
