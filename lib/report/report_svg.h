/* SPDX-License-Identifier: MIT
 *
 * report_svg: histograms and ROC curves as SVG within a page of report_html.h, whose colours they use.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stdio.h>

#include "ood/eval/ood_curve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A set beside the ID set: its name, the scores of both (ood_scores_pair()), its AUROC. */
struct report_svg_set {
	const char *name; /* borrowed */
	struct ood_sample id, sample;
	double auroc;
};

/* Points (x, y) joined by a line; points that lack a number are left out. A line without a name ("") has the style of
 * the line that comes as many places before it as there are names, but thinner, and is not in the legend. */
struct report_svg_line {
	const char *name; /* borrowed, as are the others */
	const double *x, *y;
	size_t n;
};
/* Lines along an axis labelled `along`; the first of them have names. Draws nothing if there are no points. */
void report_svg_lines(FILE *f, const char *title, const char *along, const struct report_svg_line *lines, size_t n);
/* Scores of the ID set and of one other, with equal areas. */
void report_svg_hist(FILE *f, const struct report_svg_set *set);
/* A curve for each of n sets, distinguished by colour and dashes, with a legend. */
void report_svg_roc(FILE *f, const struct report_svg_set *sets, size_t n);

#ifdef __cplusplus
}
#endif
#endif
