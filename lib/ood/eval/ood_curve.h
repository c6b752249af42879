/* SPDX-License-Identifier: MIT
 *
 * ood_curve: writes the points of a curve and the bars of a histogram as lines of TSV for plots.
 */
#ifndef OOD_CURVE_H
#define OOD_CURVE_H

#include "ood/eval/ood_metrics.h"
#include "ts/ts.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Both sets in the same 100 bins of equal width. The bins span the 0.1th to 99.9th percentiles of both sets' finite
 * scores; scores beyond, and infinities, count in the outermost bins. */
enum { OOD_BINS = 100 };
struct ood_hist {
	double low, high;
	size_t rows[2][OOD_BINS]; /* of the ID set, of the OOD set */
};
void ood_hist_of(struct ood_hist *h, const struct ood_sample *id, const struct ood_sample *ood);
/* Calls point() for each point of the ROC curve with ID as the positives, from (0,0), at threshold infinity, to (1,1).
 * Of points closer than `least` in both rates, only the first is passed. -1: point() returned -1. */
int ood_roc_each(const struct ood_sample *id, const struct ood_sample *ood, double least,
		 int (*point)(void *data, double threshold, double fpr, double tpr), void *data) TS_CHECKED;

/* The headings of the three tables below, with their newlines. */
extern const char ood_roc_heading[], ood_pr_heading[], ood_hist_heading[];

/* Writes points of the ROC curve with ID as the positives, from (0,0): method, set, threshold, fpr, tpr. Rows at or
 * above the threshold count as positive. Of points closer than 1/1000 in both rates, only the first is written, so a
 * curve has at most 2,000 points; every one lies on the curve. -1: f has failed. */
int ood_roc_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		  const struct ood_sample *ood) TS_CHECKED;
/* Writes the same for precision and recall: method, set, positive (in, or out with the negated scores), threshold,
 * recall, precision. */
int ood_pr_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		 const struct ood_sample *ood) TS_CHECKED;
/* Writes the histogram: method, set ("id" or set), low, high, rows, density (share of the set's rows per unit of
 * width). */
int ood_hist_write(struct ts_file *f, const char *method, const char *set, const struct ood_sample *id,
		   const struct ood_sample *ood) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
