/* SPDX-License-Identifier: MIT
 *
 * ood_tune: what two scores need besides a fit: parameters fitted to ID validation data, never to OOD data. They go
 * into the fit's meta.
 *
 * mahalanobis-layers (ood_layers.h): half of the ID rows and of their adversarial counterparts fit a combination for
 * each eps in the streams; the other half selects eps. The halves interleave, so rows may be sorted. The combination is
 * num_logistic_fit's, with c = 1.
 *
 *	layers.eps, layers.weight (L), layers.bias     eps, and the linear function of the layers' scores
 *	layers.rows                                    rows of ID validation data
 *	layers.tuning                                  "held-out", or "published", see below
 *	layers.auroc                                   ID against adversarial, on the other half
 *
 * gram (ood_gram.c): 1 over the mean deviation of the ID rows in each column gram:...; 0 if it is 0.
 *
 *	gram.weight (G)
 */
#ifndef OOD_TUNE_H
#define OOD_TUNE_H

#include "err/err.h"
#include "ood/fit/ood_fit.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads ID validation rows and, for the layers (NULL: without them), their adversarial counterparts, both to END,
 * and puts the result into the meta of f->header. They must be of the fit's model, the first not attacked (meta
 * "fgsm.eps"), the second the same images in the same order, by their number and, if both have it, column "name".
 * published: chooses eps as the published program does, by FPR95, for use with the very test images that it tunes on.
 * Retains 8 bytes per row, layer and eps. -1: err holds a line that names the stream at fault. */
int ood_tune(struct ood_fit *f, struct ts_reader *id, struct ts_reader *adversarial, bool published,
	     struct err *err) TS_CHECKED;
/* Removes all of that from the meta: a change of the fit invalidates it. */
void ood_tune_forget(struct ts_meta *m);

#ifdef __cplusplus
}
#endif
#endif
