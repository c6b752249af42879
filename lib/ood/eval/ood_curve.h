/* SPDX-License-Identifier: MIT
 *
 * ood_curve: the points of a curve and the bars of a histogram, as lines of TSV for plots.
 */
#ifndef OOD_CURVE_H
#define OOD_CURVE_H

#include "ood/eval/ood_metrics.h"
#include "ts/ts.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The headings of the three, with their newlines. */
extern const char ood_roc_heading[], ood_pr_heading[], ood_hist_heading[];

/* Points of the ROC curve with ID as the positives, from (0,0) on: method, set, threshold, fpr, tpr. A row is at
 * or above the threshold. Of points closer than 1/1000 in both rates only the first is written, so that a
 * curve has 2,000 points at most; every one lies on the curve. -1: f has failed. */
int ood_roc_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		  const struct ood_sample *ood) TS_CHECKED;
/* The same for precision and recall: method, set, positive (in, or out with the negated scores), threshold,
 * recall, precision. */
int ood_pr_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		 const struct ood_sample *ood) TS_CHECKED;
/* A histogram of both sets over the same 100 bins of equal width between the 0.1th and 99.9th percentile
 * of both together; what lies beyond is counted in the outermost bins: method, set ("id" or set), low, high,
 * rows, density (share of the set's rows by width). Infinities are beyond all. */
int ood_hist_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		   const struct ood_sample *ood) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
