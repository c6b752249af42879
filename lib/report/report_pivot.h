/* SPDX-License-Identifier: MIT
 *
 * report_pivot: metrics as papers print them: a row for each method, a column for each set and metric, the best and the
 * second best number of a column marked, and a sentence with the conclusion. In TEXT the best has a star and the second
 * a plus; in MARKDOWN and LATEX (booktabs) the best is bold and the second underlined. Formats for programs have only
 * numbers, in columns SET.METRIC, and SET.METRIC_std if there are several seeds.
 */
#ifndef REPORT_PIVOT_H
#define REPORT_PIVOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/cli_table.h"
#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The results of a model and method on a set, or on an average of sets: for each metric n numbers, one per seed; NaN:
 * unknown. */
struct report_cell {
	const char *model, *method, *set; /* model: "" for none */
	const double *const *v;           /* (metrics), each (n) */
	size_t n;
};

struct report_pivot { /* all borrowed */
	const struct report_cell *cell;
	size_t n;                  /* no combination of model, method and set appears twice */
	const char *const *metric; /* keys (ood_metrics.h) of the metrics shown, the numbers of cell[].v[at[k]] */
	const size_t *at;
	size_t n_metrics;
	enum cli_format format;
	bool summary;         /* only the averages: of near sets, far sets and all */
	size_t seeds;         /* total number of seeds: cells that have all of them are compared seed by seed */
	size_t ddof;          /* the variance over seeds is divided by their number minus this */
	FILE *f;              /* output */
	const char *baseline; /* the method that the sentence compares with; NULL: msp, or the first if there is no
			       * msp */
};

/* The mean of v (n), and its deviation, with the variance divided by n - ddof; NaN if n is not larger than ddof. */
double report_mean(const double *v, size_t n, size_t ddof, double *std);
/* Prints it. -1: out of memory; no method has the name of the baseline. */
int report_pivot(const struct report_pivot *p, struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
