/* SPDX-License-Identifier: MIT
 * Maximum softmax probability (Hendrycks and Gimpel, "A baseline for detecting misclassified and
 * out-of-distribution examples in neural networks", ICLR 2017), as its log-odds
 *	log(p / (1 - p)) = -log sum_{c != k} exp(l_c - l_k),  k the class of the largest logit,
 * which ranks samples as p does. p itself rounds to 1 in single precision for margins above 17, so
 * that confident samples would tie. */
#include "ood/ood_method.h"

static double score(const float *logits, size_t n, const double *params)
{
	(void)params;
	size_t k = ood_argmax(logits, n), second = k == 0;
	for (size_t i = 0; i < n; i++)
		if (i != k && logits[i] > logits[second])
			second = i;
	double runner_up = logits[second];
	return logits[k] - runner_up - ood_log_sum_exp(logits, n, k, runner_up, 1);
}

const struct ood_method ood_msp = {
	.name = "msp", .help = "log-odds of the maximum softmax probability", .score = score
};
