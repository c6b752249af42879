/* SPDX-License-Identifier: MIT
 * Energy regularisation (Liu et al. 2020): the energies of ID images and of outliers are pushed apart
 * until each is on its side of its margin. */
#include "um/oe/um_oe_internal.h"

struct th_tensor *um_oe_hinge(struct th_scope *s, const struct th_tensor *z, double margin, bool in)
{
	const double sign = in ? -1 : 1; /* E - margin = -LSE - margin; margin - E = LSE + margin */
	struct th_tensor *over = th->relu(s, th->affine(s, th->log_sum_exp(s, z), sign, sign * margin));

	return th->mean(s, th->mul(s, over, over));
}

struct th_tensor *um_oe_energy(struct um_oe *oe, struct th_scope *s, const struct um_batch *b,
			       const struct th_tensor *z, const struct th_tensor *out)
{
	(void)b;
	return th->add(s, um_oe_hinge(s, z, oe->o->m_in, true), um_oe_hinge(s, out, oe->o->m_out, false));
}

const struct um_oe_method um_oe_method_energy = { .weight = 0.1, .loss = um_oe_energy };
