/* SPDX-License-Identifier: MIT
 *
 * ood_scores: the scores of a set, read whole into one sorted array per method: floats where they come as <f4 or <f2,
 * 4 bytes per row and method, doubles where they come as <f8 or text, 8 bytes; and as much again for one method while
 * it is sorted. No score loses a digit.
 */
#ifndef OOD_SCORES_H
#define OOD_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ood/eval/ood_input.h"
#include "ood/eval/ood_metrics.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	OOD_SCORES_ORDER = 1 << 0, /* keep `order`: 4 bytes more per row and method */
	OOD_SCORES_RIGHT = 1 << 1  /* keep `mark` and `right`: up to 4 bytes more */
};
enum { OOD_UNLABELLED, OOD_WRONG, OOD_RIGHT };

struct ood_scores {
	size_t n;       /* rows */
	float **scores; /* n_methods arrays of n, sorted ascending, or NULL where it is one of */
	double **wide;  /* n_methods, those that come as doubles; or NULL: none is */
	size_t n_methods;
	uint32_t **order;           /* order[m][k]: the row of the k-th smallest; or NULL */
	uint64_t labelled, n_right; /* rows with a label; those whose pred is equal to it */
	uint8_t *mark;              /* (n) enum above; or NULL: not asked for, or no labels */
	float **right;              /* the scores of the n_right rows, sorted; or NULL with mark */
	double **right_wide;        /* as wide is of scores */
	double ece;                 /* expected calibration error of the labelled rows' largest
					   * softmax probability, which a stream's column msp has as
					   * log-odds, in 15 bins of equal width (Guo et al., ICML 2017);
					   * NaN: there is no such column, or no labels */
};

/* Is it a column of scores: one number of <f8, <f4 or <f2 per row? NULL is none. */
bool ood_is_score(const struct ts_field *f);
/* Says in err why the column called `name` is none: it is not there, or its type. -1. */
int ood_no_score(const struct ts_header *h, const char *name, struct err *err);
/* Names of the score columns of a header, in its order; an array that the caller
 * frees with ts_strs_free(). -1: out of memory. */
int ood_scores_methods(const struct ts_header *h, char ***ret, size_t *n) TS_CHECKED;
/* Names of the columns to read, so freed too: those of the list, separated by commas, or (NULL) as above. -1: there are
 * none, or out of memory. */
int ood_scores_choose(const struct ts_header *h, const char *list, char ***ret, size_t *n, struct err *err) TS_CHECKED;
/* Fails, in the input, if it has scores that are not among methods[0..n-1], the ID set's. */
int ood_scores_no_more(struct ood_input *in, char *const *methods, size_t n) TS_CHECKED;
/* Reads the input to its end into *set, the columns called methods[0..n-1]. flags: what else to keep. -1:
 * the input has failed and says why: no such column, NaN, no rows, 2^32 rows or more with ORDER. *set is
 * to be released either way. */
int ood_scores_read(struct ood_scores *set, struct ood_input *in, char *const *methods, size_t n,
		    unsigned flags) TS_CHECKED;
/* Method m's scores, and those of its right rows, borrowed. */
struct ood_sample ood_scores_sample(const struct ood_scores *set, size_t m);
struct ood_sample ood_scores_right(const struct ood_scores *set, size_t m);
/* Joins b's rows, without their labels, to a's, behind them; a is all zero, or was made so. It is to be
 * sorted then. -1: out of memory, or 2^32 rows with order. */
int ood_scores_append(struct ood_scores *a, const struct ood_scores *b, struct err *err) TS_CHECKED;
/* -1: out of memory. */
int ood_scores_sort(struct ood_scores *set) TS_CHECKED;
void ood_scores_release(struct ood_scores *set);

#ifdef __cplusplus
}
#endif
#endif
