/* SPDX-License-Identifier: MIT
 *
 * report_sets: the results of several methods on several OOD sets, as a table: for each method a row for each set, then
 * one for each average over the sets, and one for all of them pooled.
 */
#ifndef REPORT_SETS_H
#define REPORT_SETS_H

#include "err/err.h"
#include "report/report_operands.h"
#include "report/report_table.h"

#ifdef __cplusplus
extern "C" {
#endif

struct report_sets { /* all borrowed */
	const struct report_operand *sets;
	size_t n_sets;
	char *const *methods;
	size_t n_methods;
	const struct ood_scores *id;
	struct ood_scores *pool;          /* the rows of all sets, which get sorted; NULL: no such row */
	struct ood_eval *eval;            /* all sets have been given to it */
	const struct ood_result *results; /* (n_sets, n_methods) */
	const char *baseline;             /* NULL: none, otherwise that of method number */
	size_t baseline_at;
	bool pivot; /* print it with report_pivot.h, instead of a row for each set */
};

/* Prints heading and rows. -1: out of memory. */
int report_sets(const struct report *r, const struct report_sets *s, struct err *err)
	__attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
