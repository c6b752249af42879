/* SPDX-License-Identifier: MIT
 * Outlier exposure (Hendrycks et al. 2019): for outliers the network should call every class equally likely. */
#include "um/loss/um_loss.h"
#include "um/oe/um_oe_internal.h"

double um_oe_uniform(const struct um_oe *oe, const struct um_batch *b, bool in, const float *z, double weight,
		     float *dz)
{
	(void)oe;
	return in ? 0 : um_loss_uniform(z, b->k, b->C, weight, dz);
}

const struct um_oe_method um_oe_method_uniform = { .weight = 0.5, .loss = um_oe_uniform };
