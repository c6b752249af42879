/* SPDX-License-Identifier: MIT
 *
 * report_trajectory: the table of pipelines/trajectory.mk, how well OOD sets are detected during training, as pictures
 * in a page of report_html.h.
 */
#ifndef REPORT_TRAJECTORY_H
#define REPORT_TRAJECTORY_H

#include <stddef.h>
#include <stdio.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REPORT_TRAJECTORY_RUNS = 6, REPORT_TRAJECTORY_NUMBERS = 3 };

struct report_trajectory {
	size_t n; /* runs: base, um, ce, ... */
	struct report_trajectory_run {
		char *name;
		size_t n;                                  /* epochs */
		double *epoch;                             /* (n), in the file's order */
		double *number[REPORT_TRAJECTORY_NUMBERS]; /* (n) each: FPR95, AUROC, ID accuracy, in percent */
	} run[REPORT_TRAJECTORY_RUNS];
};

/* Reads TSV with a heading that has run, epoch, set, fpr95, auroc and id_acc. Keeps only rows of the set 'average';
 * skips "-" in place of a number. -1 with err. Call report_trajectory_release() in either case. */
int report_trajectory_read(struct report_trajectory *t, const char *path, struct err *err)
	__attribute__((warn_unused_result));
/* Draws a picture for each number, with a line for each run; nothing if there are no runs. */
void report_trajectory_put(FILE *f, const struct report_trajectory *t);
void report_trajectory_release(struct report_trajectory *t);

#ifdef __cplusplus
}
#endif
#endif
