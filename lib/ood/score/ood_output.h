/* SPDX-License-Identifier: MIT
 *
 * ood_output: the scores stream made from a features stream: one column per scorer, the predicted class `pred`, and
 * `label` and `name` if the features have them.
 */
#ifndef OOD_OUTPUT_H
#define OOD_OUTPUT_H

#include "err/err.h"
#include "ood/score/ood_method.h"
#include "ts/ts_images.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_output {
	const struct ood_basis *from;
	ptrdiff_t pred, label, name; /* numbers of the columns; -1: none. Scorer m's column is number m */
	struct ts_class_map classes; /* from the features' classes to the fit's */
};

/* Makes *o, and fills the empty scores header *h: columns for n scorers, one called `extra` (NULL: none) for a score
 * combined from theirs, then pred (if the features have logits), label, name; the features' meta without the last
 * layer, with the list `methods`, every parameter spelled out, and layers.tuning (ood_tune.h) if it applies. Where
 * features and fit both name the model's classes, and not alike, labels go by the fit's names. `from` must outlive *o,
 * which is released even on failure. -1: out of memory, or two columns have the same name. */
int ood_output_init(struct ood_output *o, struct ts_header *h, const struct ood_basis *from, const struct ood_scorer *s,
		    size_t n, const char *extra, struct err *err) TS_CHECKED;
/* Fills pred, label and name of `to`, a batch of *h with as many rows as `from`. -1: err holds a line with the row's
 * number (`row`: that of the first): with logits, a label that is neither a class nor -1. */
int ood_output_rows(const struct ood_output *o, struct ts_batch *to, const struct ts_batch *from, uint64_t row,
		    struct err *err) TS_CHECKED;
void ood_output_release(struct ood_output *o);

#ifdef __cplusplus
}
#endif
#endif
