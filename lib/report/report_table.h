/* SPDX-License-Identifier: MIT
 *
 * report_table: the table that ood-metrics prints, by cli_table.h: a row for each method and set,
 * then a row for each average.
 */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cli_table.h"
#include "err/err.h"
#include "ood/eval/ood_eval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What can be shown: the metrics of ood_metrics.h, and two of the ID set alone. */
enum { REPORT_ID_ACC = OOD_N_METRICS, REPORT_ECE, REPORT_METRICS };

/* What a table looks like. */
struct report {
	FILE *f;                            /* where it goes */
	int shown[REPORT_METRICS], n_shown; /* which metrics, by report_choose() */
	const char *label;                  /* first column; NULL: none */
	enum cli_format format;
	bool summary, no_heading;
	bool intervals, test;     /* there are such columns */
	double confidence;        /* of intervals; tests are at 1 - confidence */
	const char *method, *set; /* the longest, for which columns have room; NULL: all are short */
};

struct report_row {
	const char *method, *set;
	const struct ood_result *result;
	const struct ood_scores *id;
	size_t n_ood;  /* 0: an average, of sets of different sizes */
	bool baseline; /* it is the baseline itself */
	double versus; /* the baseline's AUROC */
};

/* Chooses the metrics of a list, separated by commas: "all" of them, NULL the usual ones. -1: one is no metric, or
 * there twice; out of memory. */
int report_choose(struct report *r, const char *list, struct err *err) __attribute__((warn_unused_result));
/* Is there a metric among those shown that needs to know which ID rows are classified right? */
bool report_shows_right(const struct report *r);
/* Names go into tables as they are: no control characters. */
bool report_is_printable(const char *s);
void report_heading(const struct report *r);
void report_print(const struct report *r, const struct report_row *row);
/* What each column is, in words, behind the table. baseline: NULL if none. */
void report_explain(const struct report *r, const char *baseline, size_t replicates);

#ifdef __cplusplus
}
#endif
#endif
