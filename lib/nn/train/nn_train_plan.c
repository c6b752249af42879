/* SPDX-License-Identifier: MIT
 * Turns a network's nodes into stages. A node is a view of a plane; batch norms and ReLUs only change the view,
 * concatenations are places in one plane, as in nn_plan.c. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "nn/train/nn_train_internal.h"

struct plan {
	struct nn_train *t;
	int *plane, *at; /* (n_nodes) where a node must write as part of a concatenation; -1: anywhere */
	struct err *err;
};

static int new_plane(struct plan *p, int c, int h, int w)
{
	struct nn_train *t = p->t;
	struct nn_plane *grown;

	if (t->n_planes == t->cap_planes) {
		const int cap = t->cap_planes ? 2 * t->cap_planes : 64;

		if (!(grown = realloc(t->plane, (size_t)cap * sizeof *grown)))
			return err_memory(p->err);
		t->plane = grown;
		t->cap_planes = cap;
	}
	t->plane[t->n_planes] = (struct nn_plane){
		.stride = (size_t)c, .pixels = (size_t)h * (size_t)w, .writer = INT_MAX, .reader = -1
	};
	return t->n_planes++;
}

/* A plain view for node i's output: its place in a concatenation, or a plane of its own. */
static int place(struct plan *p, int i, int c, int h, int w, struct nn_view *v)
{
	*v = (struct nn_view){
		.plane = p->plane[i], .at = (size_t)(p->plane[i] < 0 ? 0 : p->at[i]), .c = c, .h = h, .w = w, .bn = -1
	};
	if (v->plane < 0)
		v->plane = new_plane(p, c, h, w);
	return v->plane < 0 ? -1 : 0;
}

static struct nn_stage *emit(struct plan *p, struct nn_stage s)
{
	struct nn_train *t = p->t;

	if (t->n_stages == t->cap_stages) {
		const int cap = t->cap_stages ? 2 * t->cap_stages : 128;
		struct nn_stage *grown = realloc(t->stage, (size_t)cap * sizeof *grown);

		if (!grown) {
			err_memory(p->err);
			return NULL;
		}
		t->stage = grown;
		t->cap_stages = cap;
	}
	t->stage[t->n_stages] = s;
	return &t->stage[t->n_stages++];
}

/* Adds a stage whose output has the shape of node i. */
static int put(struct plan *p, int i, struct nn_stage s)
{
	const struct net_node *node = &p->t->net->nodes[i];

	s.node = i;
	if (place(p, i, node->c, node->h, node->w, &s.out) < 0 || !emit(p, s))
		return -1;
	p->t->view[i] = s.out;
	return 0;
}

static bool same(const struct nn_view *a, int plane, int at, int c)
{
	return nn_view_plain(a) && a->plane == plane && a->at == (size_t)at && a->c == c;
}

/* Copies both parts to their places, unless they are already there. */
static int do_concat(struct plan *p, int i)
{
	struct nn_train *t = p->t;
	const struct net_node *node = &t->net->nodes[i];
	int at = p->at[i];

	for (int k = 0; k < 2; k++) {
		const struct nn_view in = t->view[node->in[k]];

		if (!same(&in, p->plane[i], at, in.c) &&
		    !emit(p, (struct nn_stage){ .kind = NN_S_COPY,
						.node = i,
						.in = in,
						.out = { p->plane[i], (size_t)at, in.c, in.h, in.w, -1, false } }))
			return -1;
		at += in.c;
	}
	t->view[i] = (struct nn_view){ p->plane[i], (size_t)p->at[i], node->c, node->h, node->w, -1, false };
	return 0;
}

/* Reads the view through another batch norm. */
static int do_norm(struct plan *p, int i)
{
	struct nn_train *t = p->t;
	struct nn_view v = t->view[t->net->nodes[i].in[0]];
	struct nn_norm *n = &t->norm[i];

	if (!nn_view_plain(&v)) {
		struct nn_stage copy = { .kind = NN_S_COPY, .node = i, .in = v };

		if (place(p, i, v.c, v.h, v.w, &copy.out) < 0 || !emit(p, copy))
			return -1;
		v = copy.out;
	}
	n->a = nn_train_own(t, (size_t)v.c, sizeof(float));
	n->b = nn_train_own(t, (size_t)v.c, sizeof(float));
	n->mean = nn_train_own(t, (size_t)v.c, sizeof(float));
	n->scale = nn_train_own(t, (size_t)v.c, sizeof(float));
	if (!n->a || !n->b || !n->mean || !n->scale)
		return err_memory(p->err);
	t->plane[v.plane].normal = true;
	if (!emit(p, (struct nn_stage){ .kind = NN_S_NORM, .node = i, .in = v, .out = v }))
		return -1;
	t->view[i] = v;
	t->view[i].bn = i;
	return 0;
}

static int do_pool(struct plan *p, int i, const struct nn_view *in)
{
	const struct net_node *node = &p->t->net->nodes[i];
	const bool all = node->op == NET_MEAN, most = node->op == NET_MAXPOOL;

	return put(p, i,
		   (struct nn_stage){ .kind = most ? NN_S_MAXIMUM : NN_S_AVERAGE,
				      .in = *in,
				      .kh = all ? in->h : node->kernel,
				      .kw = all ? in->w : node->kernel,
				      .stride = node->stride,
				      .pad = most ? node->pad : 0 });
}

/* Can training go back through the node? */
static bool known(const struct net_node *node)
{
	switch (node->op) {
	case NET_CONV: return node->groups == 1;
	case NET_BN: return node->eps == 1e-5; /* the eps of nn_train_norm.c */
	case NET_ACT:
	case NET_MUL:
	case NET_SCALE:
	case NET_LAYERNORM:
	case NET_TOKENS:
	case NET_ATTENTION:
	case NET_FIRST: return false;
	default: return true;
	}
}

static int do_node(struct plan *p, int i)
{
	struct nn_train *t = p->t;
	const struct net_node *node = &t->net->nodes[i];
	const struct nn_view in = node->in[0] >= 0 ? t->view[node->in[0]] : (struct nn_view){ 0 };

	if (!known(node))
		return err_fail(p->err,
				"training and gradients of %s are not there on the CPU's own kernels; "
				"--engine torch has them",
				p->t->net->spec);
	switch (node->op) {
	case NET_GRAPH: /* um_exec_new() refuses it */
	case NET_INPUT: return put(p, i, (struct nn_stage){ .kind = NN_S_INPUT });
	case NET_CONV:
		return put(p, i,
			   (struct nn_stage){ .kind = NN_S_CONV,
					      .in = in,
					      .kh = node->kernel,
					      .kw = node->kernel,
					      .stride = node->stride,
					      .pad = node->pad });
	case NET_LINEAR:
		return put(p, i, (struct nn_stage){ .kind = NN_S_CONV, .in = in, .kh = 1, .kw = 1, .stride = 1 });
	case NET_BN: return do_norm(p, i);
	case NET_CONCAT: return do_concat(p, i);
	case NET_ADD: return put(p, i, (struct nn_stage){ .kind = NN_S_ADD, .in = in, .other = t->view[node->in[1]] });
	case NET_PAD: return put(p, i, (struct nn_stage){ .kind = NN_S_PAD, .in = in, .pad = node->pad });
	case NET_AVGPOOL:
	case NET_MAXPOOL:
	case NET_MEAN: return do_pool(p, i, &in);
	case NET_FLATTEN: return put(p, i, (struct nn_stage){ .kind = NN_S_FLATTEN, .in = in });
	case NET_RELU:
		t->view[i] = in;
		t->view[i].relu = true;
		return 0;
	case NET_DROPOUT:
		t->view[i] = in;
		return t->o.dropout > 0 ? put(p, i, (struct nn_stage){ .kind = NN_S_DROPOUT, .in = in }) : 0;
	default: break; /* known() refuses it */
	}
	return err_fail(p->err, "node %d: an operation that training does not know", i);
}

/* The node whose output node i passes on: dropout that drops nothing writes nothing. */
static int source(const struct nn_train *t, int i)
{
	while (t->o.dropout <= 0 && t->net->nodes[i].op == NET_DROPOUT)
		i = t->net->nodes[i].in[0];
	return i;
}

/* Concatenations that build on each other share one plane, as wide as the last. */
static int place_concats(struct plan *p)
{
	const struct net *n = p->t->net;

	for (int i = 0; i < n->n_nodes; i++)
		p->plane[i] = -1;
	for (int i = n->n_nodes; i-- > 0;) {
		const struct net_node *node = &n->nodes[i];

		if (node->op != NET_CONCAT)
			continue;
		if (p->plane[i] < 0) {
			p->at[i] = 0;
			if ((p->plane[i] = new_plane(p, node->c, node->h, node->w)) < 0)
				return -1;
		}
		for (int k = 0; k < 2; k++) {
			const int from = source(p->t, node->in[k]);

			p->plane[from] = p->plane[i];
			p->at[from] = p->at[i] + (k ? n->nodes[node->in[0]].c : 0);
		}
	}
	return 0;
}

/* Finds which gradients are the first to arrive at their place, in the order in which stages go back. */
static int first_gradients(const struct nn_view *v, bool **given, struct nn_fresh *fresh, struct err *err)
{
	const size_t end = v->at + (size_t)v->c;
	size_t n = 0;

	*fresh = (struct nn_fresh){ 0 };
	for (size_t c = v->at; c < end; c++) {
		if (given[v->plane][c])
			continue;
		if (n++ == 0)
			fresh->lo = c;
		else if (fresh->hi != c)
			return err_fail(err, "a map is read in parts that training does not know");
		fresh->hi = c + 1;
		given[v->plane][c] = true;
	}
	fresh->all = n == (size_t)v->c;
	return 0;
}

static void note_reader(struct nn_train *t, const struct nn_view *v, int stage)
{
	struct nn_plane *p = &t->plane[v->plane];

	p->reader = stage > p->reader ? stage : p->reader;
}

static int orders(struct nn_train *t, bool **given, struct err *err)
{
	struct nn_fresh host;

	for (int k = 0; k < 2; k++) {
		const struct nn_view *v = &t->view[k ? t->net->feature : t->net->head];

		if (nn_view_pixels(v) != 1)
			return err_fail(err, "logits or features are a map, which training does not know");
		note_reader(t, v, t->n_stages);
		if (first_gradients(v, given, &host, err) < 0)
			return -1;
	}
	for (int i = t->n_stages; i-- > 0;) {
		struct nn_stage *s = &t->stage[i];
		struct nn_plane *out = &t->plane[s->out.plane];

		if (s->kind == NN_S_NORM)
			continue;
		if (s->kind == NN_S_INPUT && (out->normal || out->stride != (size_t)s->out.c))
			return err_fail(err, "pixels are normalised by the network, which training does not know");
		if (s->kind == NN_S_ADD && (s->in.plane == t->view[0].plane || s->other.plane == t->view[0].plane))
			return err_fail(err, "node %d adds to the pixels, which training does not know", s->node);
		out->writer = i;
		s->moments = out->normal;
		for (size_t c = s->out.at; c < s->out.at + (size_t)s->out.c && s->kind != NN_S_INPUT; c++)
			if (!given[s->out.plane][c])
				return err_fail(err, "node %d: nothing reads its output, which training does not know",
						s->node);
		if (s->kind == NN_S_INPUT)
			continue;
		note_reader(t, &s->in, i);
		if (first_gradients(&s->in, given, &s->fresh[0], err) < 0)
			return -1;
		if (s->kind != NN_S_ADD)
			continue;
		note_reader(t, &s->other, i);
		if (first_gradients(&s->other, given, &s->fresh[1], err) < 0)
			return -1;
	}
	return 0;
}

static int order(struct nn_train *t, struct err *err)
{
	bool **given = calloc((size_t)t->n_planes, sizeof *given);
	int rc = given ? 0 : err_memory(err);

	for (int i = 0; i < t->n_planes && rc == 0; i++)
		if (!(given[i] = calloc(t->plane[i].stride, sizeof **given)))
			rc = err_memory(err);
	if (rc == 0)
		rc = orders(t, given, err);
	for (int i = 0; given && i < t->n_planes; i++)
		free(given[i]);
	free(given);
	return rc;
}

int nn_train_plan(struct nn_train *t, struct err *err)
{
	const struct net *net = t->net;
	const size_t N = (size_t)net->n_nodes;
	struct plan p = { .t = t, .plane = malloc(N * sizeof *p.plane), .at = calloc(N, sizeof *p.at), .err = err };
	int rc = p.plane && p.at ? 0 : err_memory(err);

	if (rc == 0)
		rc = place_concats(&p);
	for (int i = 0; i < net->n_nodes && rc == 0; i++)
		rc = do_node(&p, i);
	if (rc == 0)
		rc = order(t, err);
	free(p.plane);
	free(p.at);
	return rc;
}
