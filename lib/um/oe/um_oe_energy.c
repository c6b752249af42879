/* SPDX-License-Identifier: MIT
 * Energy regularisation (Liu et al. 2020): the energies of ID images and of outliers are pushed apart
 * until each is on its side of its margin. */
#include "um/loss/um_loss.h"
#include "um/oe/um_oe_internal.h"

double um_oe_energy(const struct um_oe *oe, const struct um_batch *b, bool in, const float *z, double weight, float *dz)
{
	return um_loss_hinge(z, in ? b->n : b->k, b->C, in ? oe->o->m_in : oe->o->m_out, in, weight, dz);
}

const struct um_oe_method um_oe_method_energy = { .weight = 0.1, .loss = um_oe_energy };
