/* SPDX-License-Identifier: MIT
 * Outlier exposure (Hendrycks et al. 2019): the network is to say of outliers that every class is
 * equally likely. */
#include "um/oe/um_oe_internal.h"

struct th_tensor *um_oe_uniform(struct th_scope *s, const struct th_tensor *z)
{
	return th->add(s, th->mean(s, th->log_sum_exp(s, z)), th->affine(s, th->mean(s, z), -1, 0));
}

struct th_tensor *um_oe_uniform_loss(struct um_oe *oe, struct th_scope *s, const struct um_batch *b,
				     const struct th_tensor *z, const struct th_tensor *out)
{
	(void)oe;
	(void)b;
	(void)z;
	return um_oe_uniform(s, out);
}

const struct um_oe_method um_oe_method_uniform = { .weight = 0.5, .loss = um_oe_uniform_loss };
