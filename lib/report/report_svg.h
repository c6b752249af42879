/* SPDX-License-Identifier: MIT
 *
 * report_svg: histograms and ROC curves as SVG inside of a page of report_html.h, whose colours they take.
 */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stdio.h>

#include "ood/eval/ood_curve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A set beside the ID set: its name, its scores, its AUROC. */
struct report_svg_set {
	const char *name; /* borrowed */
	struct ood_sample sample;
	double auroc;
};

/* Points (x, y) that a line joins; one that lacks a number is left out. Without a name ("") it has the style of the
 * line as many places before it as there are names, but thinner, and no place in the key. */
struct report_svg_line {
	const char *name; /* borrowed, as are the others */
	const double *x, *y;
	size_t n;
};
/* Lines along an axis that is called `along`, of which the first have names; nothing if there is no point. */
void report_svg_lines(FILE *f, const char *title, const char *along, const struct report_svg_line *lines, size_t n);
/* Scores of the ID set and of one other; the areas are equal. */
void report_svg_hist(FILE *f, const struct ood_sample *id, const struct report_svg_set *set);
/* A curve for each of n sets, told apart by colour and dashes, with a key. */
void report_svg_roc(FILE *f, const struct ood_sample *id, const struct report_svg_set *sets, size_t n);

#ifdef __cplusplus
}
#endif
#endif
