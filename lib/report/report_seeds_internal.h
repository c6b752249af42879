/* SPDX-License-Identifier: MIT
 * Inside report_seeds: the tables that were read. */
#ifndef REPORT_SEEDS_INTERNAL_H
#define REPORT_SEEDS_INTERNAL_H

#include "report/report_seeds.h"

enum { MAX_COLUMNS = 64, SIZES = 2 };
enum { MODEL, METHOD, SET, KEYS }; /* the parts of a row's key */

/* A row of the result: the same model, method and set in every table. */
struct row {
	char *key[KEYS];        /* model (or ""), method, set */
	double *v[MAX_COLUMNS]; /* (n) per column: the seeds' numbers */
	int *of;                /* (n) the tables that they are from, ascending */
	size_t n;
	double sizes[SIZES];  /* numbers of ID and of OOD rows in the first table; NaN: not known */
	double others[SIZES]; /* the same in the first table whose are not these; NaN: none */
};

struct report_seeds {
	char *name[MAX_COLUMNS]; /* of the columns with numbers, as in the first table */
	size_t n_names;
	struct row *row;
	size_t n;
	char **path; /* (tables) of those read so far */
	int tables;
	char *rules; /* that the numbers go by, "" for the usual ones; NULL: no row yet */
	bool has_model;
};

#endif
