/* SPDX-License-Identifier: MIT
 * The largest logit (Hendrycks et al., "Scaling out-of-distribution detection for real-world
 * settings", ICML 2022). */
#include "ood/ood_method.h"

static double score(const float *logits, size_t n, const double *params)
{
	(void)params;
	return logits[ood_argmax(logits, n)];
}

const struct ood_method ood_maxlogit = {
	.name = "maxlogit", .help = "the largest logit", .score = score
};
