/* SPDX-License-Identifier: MIT
 *
 * ood_tune: what two scores need beside a fit: something fitted to ID validation data, never to OOD data. It goes
 * into the fit's meta.
 *
 * mahalanobis-layers (ood_layers.h): half of the rows of ID data and of the same images made adversarial fit a
 * combination for each eps that the streams have; on the other half the eps is chosen. The halves interleave, so
 * rows may be sorted. The combination is num_logistic_fit's, with c = 1.
 *
 *	layers.eps, layers.weight (L), layers.bias     eps, and the linear function of the layers' scores
 *	layers.rows                                    rows of ID validation data
 *	layers.tuning                                  "held-out", or "published", see below
 *	layers.auroc                                   ID against adversarial, on the other half
 *
 * gram (ood_gram.c): over 1, the mean deviation of the ID rows in each column gram:...; 0 where there is none.
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
 * and puts what it finds into the meta of f->header. published: chooses eps as the published program does, by
 * FPR95, which is meant for the test images that it tunes on. Retains 8 bytes per row, layer and eps. -1: err holds
 * a line that names the stream at fault. */
int ood_tune(struct ood_fit *f, struct ts_reader *id, struct ts_reader *adversarial, bool published,
	     struct err *err) TS_CHECKED;
/* Forgets all that, which does not outlive a change of the fit. */
void ood_tune_forget(struct ts_meta *m);

#ifdef __cplusplus
}
#endif
#endif
