/* SPDX-License-Identifier: MIT
 * Masks: which weights of a layer count. */
#include <stdio.h>
#include <stdlib.h>

#include "um/um.h"

size_t um_cut(double keep, size_t n)
{
	return (size_t)((1 - keep) * (double)n);
}

int um_mask_random(const struct net *n, struct ts_set *state, double keep, struct ts_rng *rng,
		   char *err)
{
	for (int i = 0; i < n->n_params; i++) {
		struct ts_tensor *t = &state->t[i];
		size_t count = ts_tensor_count(t), cut = um_cut(keep, count), *idx;

		if (n->params[i].role != NET_WEIGHT || cut == 0)
			continue;
		idx = malloc(cut * sizeof *idx);
		if (!idx) {
			snprintf(err, UM_ERR, "out of memory");
			return -1;
		}
		ts_rng_sample(rng, idx, cut, count);
		for (size_t k = 0; k < cut; k++)
			((float *)t->data)[idx[k]] = 0;
		free(idx);
	}
	return 0;
}
