/* SPDX-License-Identifier: MIT
 *
 * ood_layers: Mahalanobis scores of several layers, and their combination (Lee et al., "A simple unified
 * framework for detecting out-of-distribution samples and adversarial attacks", NeurIPS 2018).
 *
 * A layer's score is -min over classes c of (f - mu_c)^T P (f - mu_c), where f is its pooled output, at the image or at
 * the image after a step of size eps towards the class (um-embed --layers, --perturb), and mu_c and P come from the
 * fit. The combination is a logistic regression of ID validation rows against the same images made adversarial
 * (um-embed --fgsm): columns brought to mean 0 and variance 1, then num_logistic.h with c = 1. The score is its linear
 * value: the probability would saturate.
 * See ood_tune.h.
 */
#ifndef OOD_LAYERS_H
#define OOD_LAYERS_H

#include "err/err.h"
#include "ood/fit/ood_fit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_layers;

/* The layers of a fit for rows with this header, at eps (0: the columns layerK, else layerK:eps=E). -1: the fit has no
 * layers, a column is missing, its steps were made with another fit, out of memory. The caller frees *ret either way.
 */
int ood_layers_new(struct ood_layers **ret, const struct ood_fit *f, const struct ts_header *h, double eps,
		   struct err *err) TS_CHECKED;
void ood_layers_free(struct ood_layers *l);
/* Scores of rows first..first+n of b, a batch of the header: out (n,L), L the fit's n_layers. -1: out of memory. */
int ood_layers_score(const struct ood_layers *l, const struct ts_batch *b, size_t first, size_t n,
		     double *out) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
