/* SPDX-License-Identifier: MIT
 * Gram matrices of activations (Sastry, Oore, ICML 2020, eq. 1): for p = 1..5 the row sums of (F^p)(F^p)',
 * F a node's output as channels x pixels and powers by element, then sgn |.|^(1/p). As (F^p)((F^p)' 1)
 * they cost no channels x channels matrix. In double on the host, where F^10 has room. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/embed/um_extra_internal.h"

enum { POWERS = 5 };

struct gram {
	int *node, n;
	bool stages; /* the nodes are the feature list */
};

static void release(void *state)
{
	struct gram *g = state;

	free(g->node);
	free(g);
}

/* The nodes that the original program uses. */
static bool is_activation(const struct net_node *node)
{
	return node->op == NET_CONV || node->op == NET_RELU;
}

/* The last `most` activations of each stage, in the network's order. */
static void choose(struct gram *g, const struct net *n, long most)
{
	for (int k = 0; k < n->n_stages; k++) {
		const int before = k ? n->stages[k - 1] : 0;
		long skip = -most;

		for (int i = before + 1; i <= n->stages[k]; i++)
			skip += is_activation(&n->nodes[i]);
		for (int i = before + 1; i <= n->stages[k]; i++)
			if (is_activation(&n->nodes[i]) && skip-- <= 0)
				g->node[g->n++] = i;
	}
}

static int init(void **state, const struct um_extra_options *o, const struct net_checkpoint *c, bool *keep,
		struct err *err)
{
	const struct net *n = c->net;
	struct gram *g;
	char *end;
	long most;

	if (!o->gram)
		return 0;
	*state = g = calloc(1, sizeof *g);
	if (g)
		g->node = calloc((size_t)n->n_nodes, sizeof *g->node);
	if (!g || !g->node)
		return err_memory(err);
	most = strtol(o->gram, &end, 10);
	if (strcmp(o->gram, "stages") == 0) {
		g->stages = true;
		for (int k = 0; k < n->n_stages; k++)
			g->node[g->n++] = n->stages[k];
	} else if (strcmp(o->gram, "all") == 0) {
		choose(g, n, n->n_nodes);
	} else if (end != o->gram && !*end && most >= 1 && most <= 100000) {
		choose(g, n, most);
	} else {
		err_fail(err, "--gram: '%s' is not 'stages', 'all' or a number from 1 to 100000", o->gram);
		return UM_BAD_OPTIONS;
	}
	for (int i = 0; i < g->n; i++)
		keep[g->node[i]] = true;
	return 0;
}

/* "gram:layer0"; "gram:block1.layer.0.conv1"; "gram:block1.layer.0.bn1.relu" for what follows bn1;
 * "gram:layer1.0.bn2.add.relu" if there is an addition between them. */
static void column_name(const struct gram *g, const struct net *n, int i, char *name, size_t len)
{
	const struct net_node *node = &n->nodes[g->node[i]];
	const char *relu = "", *add = "", *s;

	if (g->stages) {
		snprintf(name, len, "gram:layer%d", i);
		return;
	}
	if (node->op == NET_RELU) {
		node = &n->nodes[node->in[0]];
		relu = ".relu";
	}
	if (node->op == NET_ADD) {
		node = &n->nodes[node->in[0]];
		add = ".add";
	}
	if (node->param < 0) {
		snprintf(name, len, "gram:node%d", g->node[i]);
		return;
	}
	s = n->params[node->param].name;
	snprintf(name, len, "gram:%.*s%s%s", (int)(strrchr(s, '.') - s), s, add, relu);
}

static int columns(const void *state, const struct net *n, struct ts_header *to, struct err *err)
{
	const struct gram *g = state;
	char name[NET_NAME + 16];

	for (int i = 0; i < g->n; i++) {
		const size_t shape[2] = { POWERS, (size_t)n->nodes[g->node[i]].c };
		column_name(g, n, i, name, sizeof name);
		if (um_pass_add(to, name, 2, shape, err) < 0)
			return -1;
	}
	return 0;
}

/* to (POWERS,c) of one image's f (c,hw). pw: (c,hw); sum: (hw). */
static void row_sums(const float *f, size_t c, size_t hw, float *to, double *pw, double *sum)
{
	for (size_t i = 0; i < c * hw; i++)
		pw[i] = 1;
	for (int p = 1; p <= POWERS; p++, to += c) {
		memset(sum, 0, hw * sizeof *sum);
		for (size_t k = 0; k < c; k++)
			for (size_t j = 0; j < hw; j++)
				sum[j] += pw[k * hw + j] *= (double)f[k * hw + j];
		for (size_t k = 0; k < c; k++) {
			double row = 0;
			for (size_t j = 0; j < hw; j++)
				row += pw[k * hw + j] * sum[j];
			to[k] = (float)copysign(pow(fabs(row), 1.0 / p), row);
		}
	}
}

static int run(void *state, struct um_pass *p, struct err *err)
{
	const struct gram *g = state;
	size_t most = 0;

	for (int i = 0; i < g->n; i++) {
		const struct net_node *node = &p->net->nodes[g->node[i]];
		const size_t room = net_node_size(node) + (size_t)node->h * (size_t)node->w;
		most = room > most ? room : most;
	}
	double *pw = malloc(most * sizeof *pw);
	if (!pw)
		return err_memory(err);
	for (int i = 0; i < g->n; i++) {
		const struct net_node *node = &p->net->nodes[g->node[i]];
		const size_t c = (size_t)node->c, count = net_node_size(node);
		float *to = um_pass_column(p, (size_t)i);

		for (size_t r = 0; r < p->n; r++)
			row_sums(p->map[g->node[i]] + r * count, c, count / c, to + r * POWERS * c, pw, pw + count);
	}
	free(pw);
	return 0;
}

const struct um_extra um_extra_gram = { false, init, columns, run, release, NULL };
