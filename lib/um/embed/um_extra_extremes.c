/* SPDX-License-Identifier: MIT
 * What CombOOD (Rajasekaran and others, SDM 2024) takes of the whole network: minus the smallest and the largest number
 * of each activation layer's input. Activation layers are the ReLUs and what stands in their place (ReLU6, SiLU, GELU,
 * hard swish), not the sigmoids that gate channels. */
#include <stdlib.h>

#include "um/embed/um_extra_internal.h"

struct extremes {
	int *node, n; /* the inputs of the activation layers, in the network's order */
};

static void release(void *state)
{
	struct extremes *e = state;

	free(e->node);
	free(e);
}

static bool is_activation(const struct net_node *node)
{
	if (node->op == NET_ACT)
		return node->act == NET_RELU6 || node->act == NET_SILU || node->act == NET_GELU ||
		       node->act == NET_HARDSWISH;
	return node->op == NET_RELU;
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	const struct net *n = c->net;
	struct extremes *e;

	if (!o->extremes)
		return 0;
	if (!(*state = e = calloc(1, sizeof *e)) || !(e->node = calloc((size_t)n->n_nodes, sizeof *e->node)))
		return err_memory(err);
	for (int i = 0; i < n->n_nodes; i++)
		if (is_activation(&n->nodes[i]))
			e->node[e->n++] = n->nodes[i].in[0];
	for (int i = 0; i < e->n; i++)
		keep[e->node[i]] = true;
	return e->n > 0 ? 0 :
			  err_fail(err, "architecture %s has no activation layers, so there is nothing for --extremes",
				   n->spec);
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const size_t wide = 2 * (size_t)((const struct extremes *)state)->n;

	(void)n;
	return um_pass_add(to, "extremes", 1, &wide, err);
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const struct extremes *e = state;
	const size_t wide = 2 * (size_t)e->n;
	float *to = um_pass_column(p, 0); /* (n,wide) */

	(void)err;
	for (int k = 0; k < e->n; k++) {
		const size_t size = net_node_size(&p->net->nodes[e->node[k]]);

		for (size_t i = 0; i < p->n; i++) {
			const float *f = p->map[e->node[k]] + i * size;
			float least = f[0], most = f[0];
#pragma omp simd reduction(min : least) reduction(max : most)
			for (size_t j = 0; j < size; j++) {
				least = f[j] < least ? f[j] : least;
				most = f[j] > most ? f[j] : most;
			}
			to[i * wide + 2 * (size_t)k] = -least;
			to[i * wide + 2 * (size_t)k + 1] = most;
		}
	}
	return 0;
}

const struct um_extra um_extra_extremes = { false, init, columns, run, release, NULL };
