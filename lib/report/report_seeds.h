/* SPDX-License-Identifier: MIT
 *
 * report_seeds: combines tables of ood-metrics --format tsv, one per seed, into one table of means and standard
 * deviations: a row for each model, method and set.
 */
#ifndef REPORT_SEEDS_H
#define REPORT_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/cli_table.h"
#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct report_seeds;

struct report_seeds_look {
	FILE *f; /* output */
	enum cli_format format;
	bool summary;         /* only the averages over the OOD sets */
	size_t ddof;          /* the variance is divided by the number of seeds minus this */
	bool pivot;           /* print it with report_pivot.h, which compares with the */
	const char *baseline; /* baseline; NULL: the usual one */
	const char *show;     /* metrics, separated by commas, with pivot; NULL: AUROC and FPR95 */
};

/* NULL: out of memory. */
struct report_seeds *report_seeds_new(void);
void report_seeds_free(struct report_seeds *t);
/* Adds the table in a file, "-": standard input. The first one determines the columns. -1: the line in err names file
 * and line: not such a table, not a number, a duplicate row, a column that the first table lacks, numbers by other
 * rules than the first row's (report_table.h); or out of memory. */
int report_seeds_read(struct report_seeds *t, const char *path, struct err *err) __attribute__((warn_unused_result));
/* Takes out the averages, and all sets pooled, of tables that lack a set which another table has for the same model and
 * method: they are of other sets. Returns how many tables these were, and a line of text in buf on the first. To be
 * called when all tables are read, after report_seeds_lacking(). */
size_t report_seeds_uneven(struct report_seeds *t, char *buf, size_t len);
/* The next row, starting at *i (0 at first), that some tables lack, as a line of text in buf; NULL: no more. */
const char *report_seeds_lacking(const struct report_seeds *t, size_t *i, char *buf, size_t len);
/* What shows, as a line of text in buf, that tables are not of the same images: other numbers of rows; NULL: nothing.
 */
const char *report_seeds_unlike(const struct report_seeds *t, char *buf, size_t len);
/* Two tables that are the same, as a line of text in buf; NULL: there are none. */
const char *report_seeds_twice(const struct report_seeds *t, char *buf, size_t len);
/* Prints the result. -1: something that was asked for is missing; out of memory. */
int report_seeds_print(const struct report_seeds *t, const struct report_seeds_look *how, struct err *err)
	__attribute__((warn_unused_result));
/* How many tables have been read. */
size_t report_seeds_tables(const struct report_seeds *t);

#ifdef __cplusplus
}
#endif
#endif
