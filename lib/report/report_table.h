/* SPDX-License-Identifier: MIT
 *
 * report_table: the table that ood-metrics prints: a row a method and set, then a row for each average.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "ood/eval/ood_eval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the user asked for; the options of the program point here. */
struct report_options {
	const char *show;                 /* metrics, separated by commas; NULL: the usual ones */
	const char *label;                /* first column; NULL: none */
	long format;                      /* enum cli_format */
	bool summary, no_heading;
	bool intervals, test;             /* there are such columns */
	double confidence;                /* of intervals; tests are at 1 - confidence */
};
extern struct report_options report;

struct report_row {
	const char *method, *set;
	const struct ood_result *result;
	const struct ood_set *id;
	size_t n_ood;                     /* 0: an average, of sets of different sizes */
	bool baseline;                    /* it is the baseline itself */
	double versus;                    /* the baseline's AUROC */
};

/* Takes --show apart. Usage error (exit 2) for what is no metric. To be called first. */
void report_choose(void);
/* Is there a metric among those shown that needs to know which ID rows are classified right? */
bool report_shows_right(void);
/* Names go into tables as they are: no control characters. */
bool report_is_printable(const char *s);
void report_heading(void);
void report_print(const struct report_row *row);
/* What each column is, in words, to f, behind the table. baseline: NULL if none. */
void report_explain(FILE *f, const char *baseline, size_t replicates);

#ifdef __cplusplus
}
#endif
#endif
