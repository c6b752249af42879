/* SPDX-License-Identifier: MIT
 *
 * ood_scores: the scores of a set, read into one sorted array per method: floats if they arrive as <f4 or <f2 (4 bytes
 * per row and method), doubles if they arrive as <f8 or text (8 bytes); sorting needs as much again for one method. No
 * score loses a digit, unless one set has floats and the other doubles: these are then compared as floats, since text
 * of a float reads as another double and would not tie with it.
 */
#ifndef OOD_SCORES_H
#define OOD_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ood/eval/ood_input.h"
#include "ood/eval/ood_metrics.h"
#include "ood/ood_guess.h"
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
	float **scores; /* n_methods arrays of n, sorted ascending, or NULL if the method is in `wide` */
	double **wide;  /* n_methods, those that arrive as doubles; NULL: none do */
	size_t n_methods;
	uint32_t **order;           /* order[m][k]: the row of the k-th smallest; or NULL */
	uint64_t labelled, n_right; /* rows with a label; those whose pred is equal to it */
	struct ood_guess guess;     /* the labelled rows' classes */
	uint8_t *mark;              /* (n) enum above; NULL: not requested, or no labels */
	float **right;              /* the scores of the n_right rows, sorted; NULL if mark is */
	double **right_wide;        /* likewise, for the methods in `wide` */
	double ece;                 /* expected calibration error of the labelled rows' largest
					   * softmax probability, from the log-odds in a stream's column msp, in 15 bins
					   * of equal width (Guo et al., ICML 2017); NaN: there is no such column, or no
					   * labels */
};

/* Is it a column of scores: one number of <f8, <f4 or <f2 per row? False for NULL. */
bool ood_is_score(const struct ts_field *f);
/* Puts into err why the column called `name` is not a column of scores: it is missing, or of the wrong type. Returns
 * -1. */
int ood_no_score(const struct ts_header *h, const char *name, struct err *err);
/* Gets the names of a header's score columns, in order, as an array that the caller frees with ts_strs_free(). -1: out
 * of memory. */
int ood_scores_methods(const struct ts_header *h, char ***ret, size_t *n) TS_CHECKED;
/* Gets the names of the columns to read, freed the same way: those of the comma-separated list, or, if it is NULL, all
 * as above. -1: there are none, or out of memory. */
int ood_scores_choose(const struct ts_header *h, const char *list, char ***ret, size_t *n, struct err *err) TS_CHECKED;
/* Fails, with the input's error set, if the input has scores that are not among methods[0..n-1], the ID set's. */
int ood_scores_no_more(struct ood_input *in, char *const *methods, size_t n) TS_CHECKED;
/* Reads the input to its end into *set, the columns called methods[0..n-1]. flags: what else to keep. -1: the input has
 * failed and holds the reason: no such column, NaN, no rows, 2^32 rows or more with ORDER. The caller releases *set
 * either way. */
int ood_scores_read(struct ood_scores *set, struct ood_input *in, char *const *methods, size_t n,
		    unsigned flags) TS_CHECKED;
/* Method m's scores, borrowed. */
struct ood_sample ood_scores_sample(const struct ood_scores *set, size_t m);
/* Method m's scores of two sets that are to be compared, rounded if only the other set has floats. */
void ood_scores_pair(const struct ood_scores *a, const struct ood_scores *b, size_t m, struct ood_sample *of_a,
		     struct ood_sample *of_b);
/* Those of its right rows, borrowed, and rounded if all of them are. */
struct ood_sample ood_scores_right(const struct ood_scores *set, size_t m, const struct ood_sample *all);
/* Appends b's rows, without their labels, to a's; a starts zeroed. Of floats and doubles all become floats. The caller
 * sorts a afterwards. -1: out of memory, or 2^32 rows with order. */
int ood_scores_append(struct ood_scores *a, const struct ood_scores *b, struct err *err) TS_CHECKED;
/* XXH3-64 of all methods' sorted scores as they are held: that of a stream's text is another. */
uint64_t ood_scores_hash(const struct ood_scores *set);
/* -1: out of memory. */
int ood_scores_sort(struct ood_scores *set) TS_CHECKED;
void ood_scores_release(struct ood_scores *set);

#ifdef __cplusplus
}
#endif
#endif
