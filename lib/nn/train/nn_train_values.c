/* SPDX-License-Identifier: MIT
 * The values of a network in training, and their gradients. */
#include "nn/train/nn_train_internal.h"

float *nn_train_value(struct nn_train *t, int i)
{
	return t->net->params[i].role == NET_BATCHES ? NULL : t->values + t->offset[i];
}

float *nn_train_gradient(struct nn_train *t, int i)
{
	return net_trained(t->net->params[i].role) ? t->gradients + t->offset[i] : NULL;
}

float *nn_train_gradients(struct nn_train *t, size_t *n)
{
	*n = t->n_gradients;
	return t->gradients;
}

void nn_train_momentum(struct nn_train *t, double momentum)
{
	t->momentum = momentum;
}
