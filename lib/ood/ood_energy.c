/* SPDX-License-Identifier: MIT
 * The negative free energy T log sum_c exp(l_c / T) (Liu et al., "Energy-based out-of-distribution
 * detection", NeurIPS 2020, equation 4, sign turned so that larger is more in-distribution). */
#include "ood/ood_method.h"

static double score(const float *logits, size_t n, const double *params)
{
	double t = params[0], top = logits[ood_argmax(logits, n)];
	return top + t * ood_log_sum_exp(logits, n, n, top, t);
}

const struct ood_method ood_energy = {
	.name = "energy", .help = "negative free energy of the logits",
	.params = { { "temperature", 1, 1e-6, 1e6, "divides the logits" } }, .score = score
};
