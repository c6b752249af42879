/* SPDX-License-Identifier: MIT
 * Biases of convolutions and linear layers, going back. */
#include "nn/train/nn_train_internal.h"

void nn_train_bias(const float *dout, size_t stride, size_t n, size_t M, double *sums)
{
	for (size_t i = 0; i < n; i++)
		for (size_t m = 0; m < M; m++)
			sums[m] += (double)dout[i * stride + m];
}

void nn_train_bias_gather(struct nn_train *t, const struct nn_stage *s, size_t m)
{
	const struct net_node *node = &t->net->nodes[s->node];
	double sum = 0;

	if (!node->bias)
		return;
	for (size_t g = 0; g < s->groups; g++)
		sum += nn_group_sums(t, g)[2 * t->most_channels + m];
	nn_train_gradient(t, node->param + 1)[m] += (float)sum;
}
