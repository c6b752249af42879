/* SPDX-License-Identifier: MIT
 * From a network's nodes to operations. The walk keeps, for each node, a value: where its numbers lie, and
 * what is still to be done to them (a batch norm, a ReLU) when they are read. What can be done as they are
 * written goes back into the convolution that writes them, as long as nobody else has seen its output. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn_internal.h"

struct value {
	struct nn_map map;
	struct nn_pre pre; /* still to be done by who reads it */
	int op;            /* the operation that wrote it */
	bool open;         /* a convolution, and the next reader is the only one */
};

struct plan {
	struct nn *m;
	const struct net *n;
	struct ts_set *state;
	const bool *keep;
	int from;
	struct value *v;       /* (n_nodes) */
	int *readers, *reader; /* (n_nodes) how many; the last */
	struct nn_map *place;  /* (n_nodes) where a node is to write, as part of a concatenation */
	bool failed;
};

static const struct nn_map nowhere = { .buf = -1 };

/* ---- memory ---- */

static void *grow(struct plan *p, void *array, int n, int *cap, size_t size)
{
	void *grown;

	if (n < *cap)
		return array;
	grown = realloc(array, (size_t)(*cap ? 2 * *cap : 64) * size);
	if (!grown) {
		p->failed = true;
		return NULL;
	}
	*cap = *cap ? 2 * *cap : 64;
	return grown;
}

static float *floats(struct plan *p, size_t n)
{
	float *v = nn_floats(p->m, n);

	p->failed = p->failed || !v;
	return v;
}

/* n floats of `from` that are the plan's. */
static float *copied(struct plan *p, const float *from, size_t n)
{
	float *v = floats(p, n);

	return v ? memcpy(v, from, n * sizeof *v) : NULL;
}

static int new_buffer(struct plan *p, size_t size)
{
	struct nn *m = p->m;
	struct nn_buffer *bufs = grow(p, m->bufs, m->n_bufs, &m->cap_bufs, sizeof *bufs);

	if (!bufs)
		return 0;
	m->bufs = bufs;
	bufs[m->n_bufs] = (struct nn_buffer){ .size = size, .first = -1 };
	return m->n_bufs++;
}

static struct nn_map new_map(struct plan *p, int c, int h, int w)
{
	const size_t size = (size_t)c * (size_t)h * (size_t)w;
	return (struct nn_map){ new_buffer(p, size), 0, (size_t)c, c, h, w, NULL };
}

/* Adds an operation; gives its number. */
static int emit(struct plan *p, struct nn_op op)
{
	struct nn *m = p->m;
	struct nn_op *ops = grow(p, m->ops, m->n_ops, &m->cap_ops, sizeof *ops);

	if (!ops)
		return 0;
	m->ops = ops;
	ops[m->n_ops] = op;
	return m->n_ops++;
}

/* ---- the network's shape ---- */

/* The node whose output this one's is: dropout does nothing here. */
static int source(const struct plan *p, int i)
{
	while (i > p->from && p->n->nodes[i].op == NET_DROPOUT)
		i = p->n->nodes[i].in[0];
	return i;
}

static bool is_kept(const struct plan *p, int i)
{
	return p->keep && p->keep[i];
}

static void count_readers(struct plan *p)
{
	const struct net *n = p->n;

	for (int i = p->from; i <= n->head; i++) {
		const struct net_node *node = &n->nodes[i];

		p->readers[source(p, i)] += is_kept(p, i) + (i == n->feature) + (i == n->head);
		for (int k = 0; k < 2 && i > p->from && node->op != NET_DROPOUT; k++)
			if (node->in[k] >= 0) {
				p->readers[source(p, node->in[k])]++;
				p->reader[source(p, node->in[k])] = i;
			}
	}
}

/* Concatenations that build on each other share one buffer, as wide as the last: whoever makes a part is
 * told to write it there. */
static void place_concats(struct plan *p)
{
	const struct net *n = p->n;

	for (int i = n->head; i > p->from; i--) {
		const struct net_node *node = &n->nodes[i];
		if (node->op != NET_CONCAT)
			continue;
		const int a = source(p, node->in[0]), b = source(p, node->in[1]);

		if (p->place[i].buf < 0)
			p->place[i] = new_map(p, node->c, node->h, node->w);
		p->place[a] = p->place[b] = p->place[i];
		p->place[a].c = n->nodes[a].c;
		p->place[b].c = n->nodes[b].c;
		p->place[b].at += (size_t)n->nodes[a].c;
	}
}

/* Where node i writes an output of this shape. */
static struct nn_map place(struct plan *p, int i, int c, int h, int w)
{
	return p->place[i].buf >= 0 ? p->place[i] : new_map(p, c, h, w);
}

/* ---- values ---- */

static const float *param(const struct plan *p, const struct net_node *node, int k)
{
	return p->state->t[node->param + k].data;
}

static bool pending(const struct value *v)
{
	return v->pre.a || v->pre.relu;
}

static void copy_to(struct plan *p, struct value *v, struct nn_map to)
{
	const struct nn_op op = { .kind = NN_SCALE, .in = v->map, .out = to, .add = nowhere, .pre = v->pre };

	*v = (struct value){ .map = to, .op = emit(p, op) };
}

/* Does what is still to be done, once for all readers. */
static void settle(struct plan *p, struct value *v)
{
	if (pending(v))
		copy_to(p, v, new_map(p, v->map.c, v->map.h, v->map.w));
}

/* The convolution that wrote a value, if its output may still change. */
static struct nn_op *open_op(struct plan *p, const struct value *v)
{
	return v->open && !pending(v) ? &p->m->ops[v->op] : NULL;
}

/* ---- nodes ---- */

static struct value do_input(struct plan *p, int i)
{
	const struct net_node *node = &p->n->nodes[i];
	const struct net_node *reader = p->readers[i] == 1 ? &p->n->nodes[p->reader[i]] : NULL;
	const int pad = i == 0 && reader && reader->op == NET_CONV ? reader->pad : 0;
	struct value v = { .map = new_map(p, node->c, node->h + 2 * pad, node->w + 2 * pad) };

	v.op = emit(p, (struct nn_op){ .kind = i == 0 ? NN_PIXELS : NN_TAKE,
				       .in = nowhere,
				       .out = v.map,
				       .add = nowhere,
				       .pad = pad });
	return v;
}

/* A 1x1 convolution before an average pool, both linear, change places: the convolution has fewer pixels. */
static bool swaps(const struct plan *p, int i)
{
	const struct net_node *node = &p->n->nodes[i];

	return p->readers[i] == 1 && node->kernel == 1 && node->stride == 1 && node->pad == 0 &&
	       p->n->nodes[p->reader[i]].op == NET_AVGPOOL;
}

static struct nn_op pool_op(const struct value *x, struct nn_map out, const struct net_node *node)
{
	const bool most = node->op == NET_MAXPOOL;
	const int kh = node->op == NET_MEAN ? x->map.h : node->kernel,
		  kw = node->op == NET_MEAN ? x->map.w : node->kernel;

	return (struct nn_op){ .kind = NN_POOL,
			       .in = x->map,
			       .out = out,
			       .add = nowhere,
			       .pre = x->pre,
			       .kh = kh,
			       .kw = kw,
			       .stride = most                 ? node->stride :
					 node->op == NET_MEAN ? 1 :
								kh,
			       .pad = most ? node->pad : 0,
			       .scale = most ? 0 : 1 / (float)(kh * kw) };
}

static struct value do_pool(struct plan *p, int i, const struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value v = { .map = place(p, i, node->c, node->h, node->w) };

	v.op = emit(p, pool_op(x, v.map, node));
	return v;
}

static struct value do_conv(struct plan *p, int i, struct value *x)
{
	const struct net_node *node = &p->n->nodes[i], *shape = node;
	struct nn_op op = { .add = nowhere,
			    .kh = node->kernel,
			    .kw = node->kernel,
			    .stride = node->stride,
			    .pad = node->pad,
			    .groups = node->groups,
			    .weight = &p->state->t[node->param] };
	struct value in = *x;

	if (swaps(p, i)) {
		shape = &p->n->nodes[p->reader[i]];
		in = (struct value){ .map = new_map(p, x->map.c, shape->h, shape->w) };
		emit(p, pool_op(x, in.map, shape));
	}
	op.out = place(p, shape == node ? i : p->reader[i], node->c, shape->h, shape->w);
	if (x->map.h != p->n->nodes[node->in[0]].h)
		op.pad = 0; /* the input has a border already */
	op.in = in.map;
	op.kind = nn_product_kind(p->m, &op);
	/* what reads windows reads them as they are; pooled pixels are so already */
	if (shape == node &&
	    (op.kind == NN_DEPTHWISE || ((op.kind == NN_CONV || op.kind == NN_GROUPED) && (op.kh > 1 || op.pad > 0)))) {
		settle(p, x);
		in = *x;
	}
	op.in = in.map;
	op.pre = in.pre;
	if (node->bias && (op.bias = floats(p, (size_t)node->c)))
		memcpy(op.bias, param(p, node, 1), (size_t)node->c * sizeof *op.bias);
	return (struct value){ .map = op.out, .op = emit(p, op), .open = true };
}

/* Batch norm as a x + b. */
static void bn_affine(const struct plan *p, const struct net_node *node, float *a, float *b)
{
	const float *gamma = node->affine ? param(p, node, 0) : NULL, *beta = node->affine ? param(p, node, 1) : NULL;
	const float *mean = param(p, node, node->affine ? 2 : 0), *var = param(p, node, node->affine ? 3 : 1);

	for (int c = 0; c < node->c; c++) {
		const double scale = (gamma ? (double)gamma[c] : 1) / sqrt((double)var[c] + node->eps);

		a[c] = (float)scale;
		b[c] = (float)((beta ? (double)beta[c] : 0) - (double)mean[c] * scale);
	}
}

/* a x + b, a and b (c) of the plan's. */
static struct value affine(struct plan *p, int i, struct value *x, float *a, float *b)
{
	const int C = p->n->nodes[i].c;
	struct nn_op *op = open_op(p, x);
	struct value v;

	if (op && !op->relu && op->add.buf < 0 && !op->gain) {
		for (int c = 0; op->bias && c < C; c++)
			b[c] += a[c] * op->bias[c];
		op->gain = a;
		op->bias = b;
		return *x;
	}
	if (x->pre.relu)
		settle(p, x);
	v = (struct value){ .map = x->map, .op = x->op, .pre = { a, b, false } };
	for (int c = 0; x->pre.a && c < C; c++) {
		b[c] += a[c] * x->pre.b[c];
		a[c] *= x->pre.a[c];
	}
	return v;
}

static struct value do_bn(struct plan *p, int i, struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	float *a = floats(p, (size_t)node->c), *b = floats(p, (size_t)node->c);

	if (p->failed)
		return *x;
	bn_affine(p, node, a, b);
	return affine(p, i, x, a, b);
}

static struct value do_relu(struct plan *p, const struct value *x)
{
	struct nn_op *op = open_op(p, x);
	struct value v = *x;

	v.open = false;
	if (op)
		op->relu = true;
	else
		v.pre.relu = true;
	return v;
}

/* One that writes its rows as they are lets them go through it; what others write is gone through once more. */
static struct value do_act(struct plan *p, int i, struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_op *op = open_op(p, x);
	struct value v = *x;

	v.open = false;
	if (op && !op->relu && (op->kind == NN_CONV || op->kind == NN_GROUPED || op->kind == NN_DEPTHWISE)) {
		op->act = node->act;
		return v;
	}
	v = (struct value){ .map = place(p, i, node->c, node->h, node->w) };
	v.op = emit(p, (struct nn_op){ .kind = NN_SCALE,
				       .in = x->map,
				       .pre = x->pre,
				       .out = v.map,
				       .add = nowhere,
				       .act = node->act });
	return v;
}

/* The later of two convolutions adds the other value as it writes its own. */
static struct value do_add(struct plan *p, int i, struct value *x, struct value *y)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value *to = x->op > y->op ? x : y, *other = to == x ? y : x;
	struct nn_op *op = open_op(p, to);
	struct value v;

	if (op && !op->relu && op->add.buf < 0 && !pending(other) && p->place[i].buf < 0 && x != y) {
		op->add = other->map;
		return *to;
	}
	settle(p, other);
	v = (struct value){ .map = place(p, i, node->c, node->h, node->w) };
	v.op = emit(p,
		    (struct nn_op){ .kind = NN_SCALE, .in = to->map, .pre = to->pre, .add = other->map, .out = v.map });
	return v;
}

static bool same_map(const struct nn_map *a, const struct nn_map *b)
{
	return a->buf == b->buf && a->at == b->at && a->c == b->c;
}

static struct value do_concat(struct plan *p, int i, struct value *a, struct value *b)
{
	const struct net_node *node = &p->n->nodes[i];
	const int in[2] = { source(p, node->in[0]), source(p, node->in[1]) };
	struct value *part[2] = { a, b };
	struct nn_map to[2] = { p->place[i], p->place[i] };

	to[0].c = p->n->nodes[in[0]].c;
	to[1].c = p->n->nodes[in[1]].c;
	to[1].at += (size_t)to[0].c;
	for (int k = 0; k < 2; k++)
		if (pending(part[k]) || !same_map(&part[k]->map, &to[k])) {
			struct value copy = *part[k];
			copy_to(p, &copy, to[k]);
		}
	return (struct value){ .map = p->place[i], .op = p->m->n_ops - 1 };
}

static struct value do_linear(struct plan *p, int i, const struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_op op = { .add = nowhere,
			    .in = x->map,
			    .pre = x->pre,
			    .kh = 1,
			    .kw = 1,
			    .stride = 1,
			    .weight = &p->state->t[node->param],
			    .out = place(p, i, node->c, 1, 1) };

	op.kind = nn_product_kind(p->m, &op);
	if (node->bias && (op.bias = floats(p, (size_t)node->c)))
		memcpy(op.bias, param(p, node, 1), (size_t)node->c * sizeof *op.bias);
	return (struct value){ .map = op.out, .op = emit(p, op), .open = true };
}

static struct value do_mul(struct plan *p, int i, struct value *x, struct value *by)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value v;

	settle(p, x);
	settle(p, by);
	v = (struct value){ .map = place(p, i, node->c, node->h, node->w) };
	v.op = emit(p, (struct nn_op){ .kind = NN_MUL, .in = x->map, .add = by->map, .out = v.map });
	return v;
}

/* A factor for each channel: a batch norm that is a factor alone. */
static struct value do_scale(struct plan *p, int i, struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	float *a = floats(p, (size_t)node->c), *b = floats(p, (size_t)node->c);

	if (p->failed)
		return *x;
	memcpy(a, param(p, node, 0), (size_t)node->c * sizeof *a);
	return affine(p, i, x, a, b);
}

/* Operations that read a map, as it is to be read, and write another. */
static struct value do_map(struct plan *p, int i, const struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value v = { .map = place(p, i, node->c, node->h, node->w) };
	struct nn_op op = { .in = x->map, .pre = x->pre, .out = v.map, .add = nowhere };
	const size_t c = (size_t)node->c, n = c * (size_t)node->h;

	if (node->op == NET_LAYERNORM) {
		op.kind = NN_NORM;
		op.scale = (float)node->eps;
		op.w = copied(p, param(p, node, 0), c);
		op.bias = copied(p, param(p, node, 1), c);
	} else if (node->op == NET_TOKENS) {
		op.kind = NN_TOKENS;
		op.w = copied(p, param(p, node, 1), n);
		op.bias = copied(p, param(p, node, 0), c);
		for (size_t k = 0; op.w && op.bias && k < c; k++)
			op.bias[k] += op.w[k];
	} else
		op.kind = NN_FIRST;
	v.op = emit(p, op);
	return v;
}

static struct value do_attention(struct plan *p, int i, struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value v;

	settle(p, x);
	v = (struct value){ .map = place(p, i, node->c, node->h, node->w) };
	v.op = emit(p, (struct nn_op){
			       .kind = NN_ATTEND, .in = x->map, .out = v.map, .add = nowhere, .groups = node->heads });
	return v;
}

static struct value do_flatten(struct plan *p, int i, const struct value *x)
{
	struct value v = { .map = place(p, i, p->n->nodes[i].c, 1, 1) };

	v.op = emit(p, (struct nn_op){ .kind = NN_FLATTEN, .in = x->map, .out = v.map, .add = nowhere, .pre = x->pre });
	return v;
}

static struct value do_pad(struct plan *p, int i, const struct value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value v = { .map = place(p, i, node->c, node->h, node->w) };

	v.op = emit(
		p,
		(struct nn_op){
			.kind = NN_PAD, .in = x->map, .out = v.map, .add = nowhere, .pre = x->pre, .pad = node->pad });
	return v;
}

static struct value do_node(struct plan *p, int i)
{
	const struct net_node *node = &p->n->nodes[i];
	struct value *x = &p->v[source(p, node->in[0])];

	switch (node->op) {
	case NET_CONV: return do_conv(p, i, x);
	case NET_BN: return do_bn(p, i, x);
	case NET_RELU: return do_relu(p, x);
	case NET_ACT: return do_act(p, i, x);
	case NET_DROPOUT: return *x;
	case NET_CONCAT: return do_concat(p, i, x, &p->v[source(p, node->in[1])]);
	case NET_ADD: return do_add(p, i, x, &p->v[source(p, node->in[1])]);
	case NET_MUL: return do_mul(p, i, x, &p->v[source(p, node->in[1])]);
	case NET_SCALE: return do_scale(p, i, x);
	case NET_LAYERNORM:
	case NET_TOKENS:
	case NET_FIRST: return do_map(p, i, x);
	case NET_ATTENTION: return do_attention(p, i, x);
	case NET_PAD: return do_pad(p, i, x);
	case NET_AVGPOOL: return x->map.h == node->h && node->kernel > 1 ? *x : do_pool(p, i, x);
	case NET_MAXPOOL:
	case NET_MEAN: return do_pool(p, i, x);
	case NET_FLATTEN: return do_flatten(p, i, x);
	case NET_LINEAR: return do_linear(p, i, x);
	case NET_GRAPH:
	case NET_INPUT: break;
	}
	return *x;
}

static void give(struct plan *p, const struct value *v, int what)
{
	emit(p, (struct nn_op){
			.kind = NN_GIVE, .in = v->map, .out = nowhere, .add = nowhere, .pre = v->pre, .node = what });
}

static void walk(struct plan *p)
{
	const struct net *n = p->n;

	for (int i = p->from; i <= n->head && !p->failed; i++) {
		const struct net_node *node = &n->nodes[i];

		if (node->op == NET_DROPOUT && i > p->from) {
			if (is_kept(p, i))
				give(p, &p->v[source(p, i)], i);
			continue;
		}
		p->v[i] = i == p->from ? do_input(p, i) : do_node(p, i);
		if (p->failed)
			return;
		if (p->readers[i] != 1)
			p->v[i].open = false; /* more than one will see it: it is as it is */
		if (is_kept(p, i))
			give(p, &p->v[i], i);
		if (i == source(p, n->feature))
			give(p, &p->v[i], NN_FEATURES);
	}
	if (!p->failed)
		give(p, &p->v[source(p, n->head)], NN_LOGITS);
}

/* ---- the plan ---- */

int nn_plan(struct nn *m, struct net_checkpoint *c, const struct nn_options *o, struct err *err)
{
	const struct net *n = c->net;
	const size_t N = (size_t)n->n_nodes;
	struct plan p = { .m = m,
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
			p.place[i] = nowhere;
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
