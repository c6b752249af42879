/* SPDX-License-Identifier: MIT
 *
 * report_page: the page of ood-report: a sortable table, pictures of each score, images, and the commands that produced
 * each input. It contains no time: equal inputs give equal bytes.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include <stdio.h>

#include "ood/eval/ood_eval.h"
#include "report/report_thumbs.h"
#include "report/report_trajectory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limit for the bytes of images, so that a page is below 2 MB and can be mailed. */
enum { REPORT_PAGE_IMAGES = 1200000 };

struct report_page_set {
	const char *name, *path; /* borrowed */
	struct ood_scores scores;
	struct ood_result *results; /* (n_methods); NULL for the ID set */
	struct ts_header history;
	struct report_thumbs thumbs;
};

struct report_page {
	const char *title;
	char *const *methods; /* borrowed */
	size_t n_methods, n_sets;
	struct report_page_set id, *sets;            /* (n_sets) */
	struct ood_result *averages[OOD_MAX_GROUPS]; /* (n_methods); NULL: no such group */
	struct report_page_set drift;                /* scores in stream order; no rows: no picture */
	struct report_trajectory trajectory;         /* no runs: no picture */
	bool bootstrap;                              /* all metrics have intervals, not only AUROC */
};

/* Writes the page. -1: out of memory. */
int report_page_put(FILE *f, const struct report_page *p, struct err *err) TS_CHECKED;
void report_page_release(struct report_page *p);

#ifdef __cplusplus
}
#endif
#endif
