/* SPDX-License-Identifier: MIT
 *
 * ood_guess: do predictions have anything to do with the labels? If labels are in another order than the model's
 * classes, or its input is normalised in another way than in training, accuracy falls to what guessing gets, and class
 * means, accuracies and tables look plausible and mean nothing.
 */
#ifndef OOD_GUESS_H
#define OOD_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OOD_GUESS_CLASSES = 65536 }; /* more are not counted: 1 MiB at most */

/* Counts of labelled rows; initialise it to zero. */
struct ood_guess {
	double *label, *pred; /* (n) rows of this label, and of this prediction */
	size_t n;             /* largest class so far + 1 */
	double right;         /* rows whose prediction is their label */
	bool other;           /* there were class numbers that are not counted */
};

/* Counts a row. Rows without a label (below 0) are ignored. -1: out of memory. */
int ood_guess_add(struct ood_guess *g, int64_t label, int64_t pred) TS_CHECKED;
/* If labels were independent of predictions, a row would agree with probability e = sum over k of
 * label[k] / rows * pred[k] / rows, the agreement by chance of Cohen's kappa. True, with a line in words, if `right` is
 * at most 3 standard deviations above that. Never with fewer than 200 labels, labels of one class only, e > 0.75, or
 * classes that are not counted: too little to tell. */
bool ood_guess_words(const struct ood_guess *g, struct err *words);
void ood_guess_release(struct ood_guess *g);

#ifdef __cplusplus
}
#endif
#endif
