/* SPDX-License-Identifier: MIT
 *
 * report_drift: how scores move away from those of the ID set, row by row in stream order, as a picture in a page of
 * report_html.h; and the row at which the test of ood-watch (ood_watch.h) would raise its alarm.
 */
#ifndef REPORT_DRIFT_H
#define REPORT_DRIFT_H

#include <stdio.h>

#include "err/err.h"
#include "ood/eval/ood_scores.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Shows method m of `rows`, in stream order (OOD_SCORES_ORDER), in up to 50 windows of equal length: the 5th, 50th and
 * 95th percentile of each, beside those of the ID set. -1: out of memory. */
int report_drift_put(FILE *f, const struct ood_scores *id, const struct ood_scores *rows, size_t m,
		     struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
