/* SPDX-License-Identifier: MIT
 * Turns a network's nodes into operations. The walk keeps a value for each node: where its numbers lie, and what still
 * has to be done to them (a batch norm, a ReLU) when they are read. What can be done as they are written is moved into
 * the convolution that writes them, as long as nothing else reads its output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_plan.h"

/* ---- the network's shape ---- */

static bool is_kept(const struct nn_planning *p, int i)
{
	return p->keep && p->keep[i];
}

static void count_readers(struct nn_planning *p)
{
	const struct net *n = p->n;

	for (int i = p->from; i <= n->head; i++) {
		const struct net_node *node = &n->nodes[i];

		p->readers[nn_plan_source(p, i)] += is_kept(p, i) + (i == n->feature) + (i == n->head);
		for (int k = 0; k < 2 && i > p->from && node->op != NET_DROPOUT; k++)
			if (node->in[k] >= 0) {
				p->readers[nn_plan_source(p, node->in[k])]++;
				p->reader[nn_plan_source(p, node->in[k])] = i;
			}
	}
}

/* Concatenations that build on each other share one buffer, as wide as the last: the operations that compute the parts
 * write them there. */
static void place_concats(struct nn_planning *p)
{
	const struct net *n = p->n;

	for (int i = n->head; i > p->from; i--) {
		const struct net_node *node = &n->nodes[i];
		if (node->op != NET_CONCAT)
			continue;
		const int a = nn_plan_source(p, node->in[0]), b = nn_plan_source(p, node->in[1]);

		if (p->place[i].buf < 0)
			p->place[i] = nn_plan_new_map(p, node->c, node->h, node->w);
		p->place[a] = p->place[b] = p->place[i];
		p->place[a].c = n->nodes[a].c;
		p->place[b].c = n->nodes[b].c;
		p->place[b].at += (size_t)n->nodes[a].c;
	}
}

/* ---- the walk ---- */

static void give(struct nn_planning *p, const struct nn_value *v, int what)
{
	nn_plan_emit(p, (struct nn_op){ .kind = NN_GIVE,
					.in = v->map,
					.out = nn_nowhere,
					.add = nn_nowhere,
					.pre = v->pre,
					.node = what });
}

static void walk(struct nn_planning *p)
{
	const struct net *n = p->n;

	for (int i = p->from; i <= n->head && !p->failed; i++) {
		const struct net_node *node = &n->nodes[i];

		if (node->op == NET_DROPOUT && i > p->from) {
			if (is_kept(p, i))
				give(p, &p->v[nn_plan_source(p, i)], i);
			continue;
		}
		p->v[i] = nn_plan_node(p, i);
		if (p->failed)
			return;
		if (p->readers[i] != 1)
			p->v[i].open = false; /* more than one reads it: it must stay as it is */
		if (is_kept(p, i))
			give(p, &p->v[i], i);
		if (i == nn_plan_source(p, n->feature))
			give(p, &p->v[i], NN_FEATURES);
	}
	if (!p->failed)
		give(p, &p->v[nn_plan_source(p, n->head)], NN_LOGITS);
}

/* ---- the plan ---- */

int nn_plan(struct nn *m, struct net_checkpoint *c, const struct nn_options *o, struct err *err)
{
	const struct net *n = c->net;
	const size_t N = (size_t)n->n_nodes;
	struct nn_planning p = { .m = m,
				 .n = n,
				 .state = &c->state,
				 .keep = o->keep,
				 .from = o->from,
				 .v = calloc(N, sizeof *p.v),
				 .readers = calloc(N, sizeof *p.readers),
				 .reader = calloc(N, sizeof *p.reader),
				 .place = malloc(N * sizeof *p.place) };
	int rc = -1;

	if (p.v && p.readers && p.reader && p.place) {
		for (size_t i = 0; i < N; i++)
			p.place[i] = nn_nowhere;
		count_readers(&p);
		place_concats(&p);
		if (!p.failed)
			walk(&p);
		rc = p.failed ? -1 : nn_finish(m, o->take);
	}
	if (rc < 0)
		err_memory(err);
	free(p.v);
	free(p.readers);
	free(p.reader);
	free(p.place);
	return rc;
}
