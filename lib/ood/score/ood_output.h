/* SPDX-License-Identifier: MIT
 *
 * ood_output: the scores stream that comes out of a features stream: a column a scorer, and what passes
 * on: the predicted class `pred`, and `label` and `name` where the features have them.
 */
#ifndef OOD_OUTPUT_H
#define OOD_OUTPUT_H

#include "err/err.h"
#include "ood/score/ood_method.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes *h, which the caller releases either way: columns of n scorers, one called `extra` (NULL: none)
 * for a score made from theirs, then pred, label, name; meta of `from`, without the last layer, with
 * the list `methods`, every parameter spelled out, and layers.tuning
 * (ood_layers.h) if that matters. -1: out of memory, or two columns of one name. */
int ood_output_header(struct ts_header *h, const struct ts_header *from, const struct ood_scorer *s,
		      size_t n, const char *extra) TS_CHECKED;
/* Fills pred, label and name of `to`, which has as many rows as `from`. -1: err holds a line
 * with the row's number (`row`: that of the first): a label that is no class and not -1. */
int ood_output_rows(struct ts_batch *to, const struct ts_batch *from, uint64_t row,
		    struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
