/* SPDX-License-Identifier: MIT
 * Channel means of the network's feature list: what many-layer Mahalanobis scores are fitted on (Lee et
 * al., NeurIPS 2018, section 2.2). */
#include <stdio.h>

#include "um/embed/um_extra_internal.h"

static int asked; /* its only state */

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	(void)err;
	if (!o->layers)
		return 0;
	*state = &asked;
	for (int k = 0; k < c->net->n_stages; k++)
		keep[c->net->stages[k]] = true;
	return 0;
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	char name[32];

	(void)state;
	for (int k = 0; k < n->n_stages; k++) {
		const size_t d = (size_t)n->nodes[n->stages[k]].c;
		snprintf(name, sizeof name, "layer%d", k);
		if (um_pass_add(to, name, 1, &d, err) < 0)
			return -1;
	}
	return 0;
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	(void)state, (void)err;
	for (int k = 0; k < p->net->n_stages; k++) {
		const struct net_node *node = &p->net->nodes[p->net->stages[k]];
		const size_t d = (size_t)node->c, hw = net_node_size(node) / d;
		const float *f = p->map[p->net->stages[k]];
		float *to = um_pass_column(p, (size_t)k);

		for (size_t i = 0; i < p->n * d; i++) {
			double sum = 0;
			for (size_t j = 0; j < hw; j++)
				sum += (double)f[i * hw + j];
			to[i] = (float)(sum / (double)hw);
		}
	}
	return 0;
}

static void nothing(void *state)
{
	(void)state;
}

const struct um_extra um_extra_layers = { false, init, columns, run, nothing, NULL };
