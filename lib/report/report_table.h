/* SPDX-License-Identifier: MIT
 *
 * report_table: the table that ood-metrics prints, through cli_table.h: a row for each method and set, then a row for
 * each average.
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

/* The possible columns: the metrics of ood_metrics.h, and two of the ID set alone. */
enum { REPORT_ID_ACC = OOD_N_METRICS, REPORT_ECE, REPORT_METRICS };

/* The layout of a table. */
struct report {
	FILE *f;                            /* output */
	int shown[REPORT_METRICS], n_shown; /* which metrics, set by report_choose() */
	const char *label;                  /* first column; NULL: none */
	enum cli_format format;
	bool summary, no_heading;
	bool intervals, test;     /* the table has such columns */
	double confidence;        /* of intervals; tests are at 1 - confidence */
	char rules[64];           /* set by report_rules(); "": none to name */
	const char *method, *set; /* the longest names, to size columns; NULL: all are short */
};

struct report_row {
	const char *method, *set;
	const struct ood_result *result;
	const struct ood_scores *id;
	size_t n_ood;  /* 0: an average over sets of different sizes */
	bool baseline; /* it is the baseline itself */
	double versus; /* the baseline's AUROC */
};

/* Chooses the metrics of a list, separated by commas: "all" for all, NULL for the usual ones. -1: one is not a metric,
 * or appears twice; out of memory. */
int report_choose(struct report *r, const char *list, struct err *err) __attribute__((warn_unused_result));
/* Notes by which rules the shown metrics are computed, if not by the usual ones: "fpr=first aupr=trapezoid". Formats
 * for programs then have a last column, rules, so that numbers by different rules, whose columns are called alike, are
 * not mixed. To be called after report_choose(). */
void report_rules(struct report *r, const struct ood_conventions *by);
/* The name of a column as --show takes it. */
const char *report_metric_key(int metric);
/* Does a shown metric need to know which ID rows are classified correctly? */
bool report_shows_right(const struct report *r);
/* Names go into tables unescaped: checks that there are no control characters. */
bool report_is_printable(const char *s);
void report_heading(const struct report *r);
void report_print(const struct report *r, const struct report_row *row);
/* Explains each column in words, after the table. baseline: NULL if none. */
void report_explain(const struct report *r, const char *baseline, size_t replicates);

#ifdef __cplusplus
}
#endif
#endif
