/* SPDX-License-Identifier: MIT
 *
 * ood_output: the scores stream that comes out of a features stream: a column per scorer, and what passes
 * on: the predicted class `pred`, and `label` and `name` where the features have them.
 */
#ifndef OOD_OUTPUT_H
#define OOD_OUTPUT_H

#include "err/err.h"
#include "ood/score/ood_method.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_output {
	const struct ood_basis *from;
	ptrdiff_t pred, label,
		name; /* numbers of its columns; -1: there is none; that of a scorer is the scorer's own */
};

/* Makes *o, and in *h, a header of scores that is empty yet: columns of n scorers, one called `extra` (NULL: none)
 * for a score made from theirs, then pred (of features with logits), label, name; meta of the features, without the
 * last layer, with the list `methods`, every parameter spelled out, and layers.tuning (ood_layers.h) if that matters.
 * `from` outlives *o. -1: out of memory, or two columns of one name. */
int ood_output_init(struct ood_output *o, struct ts_header *h, const struct ood_basis *from, const struct ood_scorer *s,
		    size_t n, const char *extra, struct err *err) TS_CHECKED;
/* Fills pred, label and name of `to`, a batch of *h with as many rows as `from`. -1: err holds a line
 * with the row's number (`row`: that of the first): with logits, a label that is no class and not -1. */
int ood_output_rows(const struct ood_output *o, struct ts_batch *to, const struct ts_batch *from, uint64_t row,
		    struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
