/* SPDX-License-Identifier: MIT
 *
 * um_loss: the losses of training as functions of logits on the host, each with its gradient. None needs automatic
 * differentiation, so an executor of networks only has to go forward to the logits z (n,C), rows of floats, and back
 * from dz (n,C). With p = softmax(z), LSE(z) = log sum_c exp z_c, C classes, means over the n rows (n > 0):
 *
 * Each function returns the value of its loss, computed in double and without overflow, and adds weight * dL/dz to dz,
 * which the caller has set to zero or to another term's gradient; with dz NULL it computes the value alone.
 *
 *	double ce = um_loss_cross_entropy(z, y, n, C, 0, 1, NULL), slope;
 *	double folded = um_loss_fold(ce, level, beta, &slope);	// Unleashing Mask
 *	um_loss_cross_entropy(z, y, n, C, 0, slope, dz);
 *	loss = folded + 0.5 * um_loss_uniform(out, k, C, 0.5, dz + n * C);
 */
#ifndef UM_LOSS_H
#define UM_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* L = mean(LSE(z) - sum_c q_c z_c) with q_c = smoothing / C, and 1 - smoothing more for the label: PyTorch's
 * cross_entropy(label_smoothing). dL/dz = (p - q) / n. y (n): labels from 0 to C - 1. */
double um_loss_cross_entropy(const float *z, const int64_t *y, size_t n, size_t C, double smoothing, double weight,
			     float *dz);
/* The same of u = z / (|z| + 1e-7) / t, t > 0 (LogitNorm: Wei et al., ICML 2022, eq. 4). With g = dL/du and r = |z|:
 * dL/dz = (g - z (g.z) / (r (r + 1e-7))) / ((r + 1e-7) t); a row of zeros: g / (1e-7 t). */
double um_loss_logit_norm(const float *z, const int64_t *y, size_t n, size_t C, double smoothing, double t,
			  double weight, float *dz);
/* The smallest value that these two can have, t = 0 for the first. Then the label's logit is g above the others, which
 * are equal, and L = log(1 + (C - 1) e^-g) + smoothing (C - 1) / C g; g = log of the ratio of the targets, but no more
 * than sqrt(C / (C - 1)) / t, the most that LogitNorm allows. */
double um_loss_least(size_t C, double smoothing, double t);
/* Unleashing Mask (Zhu et al., ICML 2023, eq. 5): |beta * ce - level| + level. *slope = sgn(beta * ce - level) *
 * beta, the factor of dCE/dz; 0 at the fold itself. */
double um_loss_fold(double ce, double level, double beta, double *slope);
/* Outlier exposure (Hendrycks et al., ICLR 2019): L = mean(LSE(z) - mean_c z_c), dL/dz = (p - 1/C) / n. */
double um_loss_uniform(const float *z, size_t n, size_t C, double weight, float *dz);
/* Half of energy's and POEM's term (Liu et al., NeurIPS 2020, eq. 8 and 9): L = mean(h^2) with h = max(0, E -
 * margin) of ID rows (in), h = max(0, margin - E) of outliers; E = -LSE(z). dL/dz = -+ 2 h p / n. */
double um_loss_hinge(const float *z, size_t n, size_t C, double margin, bool in, double weight, float *dz);
/* MixOE (Zhang et al., WACV 2023): cross-entropy to the target lambda for the label plus (1 - lambda) / C for every
 * class: um_loss_cross_entropy() with smoothing 1 - lambda. */

/* DOE (Wang et al., ICLR 2023, eq. 10): the square of how the uniform loss changes as logits are scaled,
 * r = (d/ds mean(LSE(s z) - mean_c s z_c) at s = 1)^2 = h^2, h = mean(sum_c z_c (p_c - 1/C)), and
 * dr/dz_c = 2 h / n * (p_c - 1/C + p_c (z_c - sum_k p_k z_k)): its double backpropagation in closed form. */
double um_loss_scale_slope(const float *z, size_t n, size_t C, double weight, float *dz);

#ifdef __cplusplus
}
#endif
#endif
