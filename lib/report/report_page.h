/* SPDX-License-Identifier: MIT
 *
 * report_page: what ood-report shows: a table that can be sorted, pictures of each score, images, and the commands by
 * which each input came to be. No clock is in it: equal inputs give equal bytes.
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

/* Bytes that images may take, so that a page is below 2 MB and can be mailed. */
enum { REPORT_PAGE_IMAGES = 1200000 };

struct report_page_set {
	const char *name, *path; /* borrowed */
	struct ood_scores scores;
	struct ood_result *results; /* (n_methods); NULL of the ID set */
	struct ts_header history;
	struct report_thumbs thumbs;
};

struct report_page {
	const char *title;
	char *const *methods; /* borrowed */
	size_t n_methods, n_sets;
	struct report_page_set id, *sets;            /* (n_sets) */
	struct ood_result *averages[OOD_MAX_GROUPS]; /* (n_methods); NULL: there is no such group */
	struct report_page_set drift;                /* scores as they came; without rows: none */
	struct report_trajectory trajectory;         /* without runs: none */
	bool bootstrap;                              /* all metrics have intervals, not AUROC alone */
};

/* Writes the page. -1: out of memory. */
int report_page_put(FILE *f, const struct report_page *p, struct err *err) TS_CHECKED;
void report_page_release(struct report_page *p);

#ifdef __cplusplus
}
#endif
#endif
