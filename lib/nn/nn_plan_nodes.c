/* SPDX-License-Identifier: MIT
 * Turns each of a network's nodes into an operation, or into something that is done as numbers are written or read, or
 * into nothing. */
#include <math.h>
#include <string.h>

#include "nn/nn_plan.h"

/* ---- values ---- */

static const float *param(const struct nn_planning *p, const struct net_node *node, int k)
{
	return p->state->t[node->param + k].data;
}

static bool pending(const struct nn_value *v)
{
	return v->pre.a || v->pre.relu;
}

static void copy_to(struct nn_planning *p, struct nn_value *v, struct nn_map to)
{
	const struct nn_op op = { .kind = NN_SCALE, .in = v->map, .out = to, .add = nn_nowhere, .pre = v->pre };

	*v = (struct nn_value){ .map = to, .op = nn_plan_emit(p, op) };
}

/* Applies what is still pending, once for all readers. */
static void settle(struct nn_planning *p, struct nn_value *v)
{
	if (pending(v))
		copy_to(p, v, nn_plan_new_map(p, v->map.c, v->map.h, v->map.w));
}

/* The convolution that wrote a value, if its output may still change. */
static struct nn_op *open_op(struct nn_planning *p, const struct nn_value *v)
{
	return v->open && !pending(v) ? &p->m->ops[v->op] : NULL;
}

/* ---- nodes ---- */

static struct nn_value do_input(struct nn_planning *p, int i)
{
	const struct net_node *node = &p->n->nodes[i];
	const struct net_node *reader = p->readers[i] == 1 ? &p->n->nodes[p->reader[i]] : NULL;
	const int pad = i == 0 && reader && reader->op == NET_CONV ? reader->pad : 0;
	struct nn_value v = { .map = nn_plan_new_map(p, node->c, node->h + 2 * pad, node->w + 2 * pad) };

	v.op = nn_plan_emit(p, (struct nn_op){ .kind = i == 0 ? NN_PIXELS : NN_TAKE,
					       .in = nn_nowhere,
					       .out = v.map,
					       .add = nn_nowhere,
					       .pad = pad });
	return v;
}

/* A 1x1 convolution and the average pool after it are both linear, so they swap places: the convolution gets fewer
 * pixels. */
static bool swaps(const struct nn_planning *p, int i)
{
	const struct net_node *node = &p->n->nodes[i];

	return p->readers[i] == 1 && node->kernel == 1 && node->stride == 1 && node->pad == 0 &&
	       p->n->nodes[p->reader[i]].op == NET_AVGPOOL;
}

static struct nn_op pool_op(const struct nn_value *x, struct nn_map out, const struct net_node *node)
{
	const bool most = node->op == NET_MAXPOOL;
	const int kh = node->op == NET_MEAN ? x->map.h : node->kernel,
		  kw = node->op == NET_MEAN ? x->map.w : node->kernel;

	return (struct nn_op){ .kind = NN_POOL,
			       .in = x->map,
			       .out = out,
			       .add = nn_nowhere,
			       .pre = x->pre,
			       .kh = kh,
			       .kw = kw,
			       .stride = most                 ? node->stride :
					 node->op == NET_MEAN ? 1 :
								kh,
			       .pad = most ? node->pad : 0,
			       .scale = most ? 0 : 1 / (float)(kh * kw) };
}

static struct nn_value do_pool(struct nn_planning *p, int i, const struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value v = { .map = nn_plan_place(p, i, node->c, node->h, node->w) };

	v.op = nn_plan_emit(p, pool_op(x, v.map, node));
	return v;
}

static struct nn_value do_conv(struct nn_planning *p, int i, struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i], *shape = node;
	struct nn_op op = { .add = nn_nowhere,
			    .kh = node->kernel,
			    .kw = node->kernel,
			    .stride = node->stride,
			    .pad = node->pad,
			    .groups = node->groups,
			    .weight = &p->state->t[node->param] };
	struct nn_value in = *x;

	if (swaps(p, i)) {
		shape = &p->n->nodes[p->reader[i]];
		in = (struct nn_value){ .map = nn_plan_new_map(p, x->map.c, shape->h, shape->w) };
		nn_plan_emit(p, pool_op(x, in.map, shape));
	}
	op.out = nn_plan_place(p, shape == node ? i : p->reader[i], node->c, shape->h, shape->w);
	if (x->map.h != p->n->nodes[node->in[0]].h)
		op.pad = 0; /* the input has a border already */
	op.in = in.map;
	op.kind = nn_product_kind(p->m, &op);
	/* what reads windows reads them without changes; pooled pixels need none */
	if (shape == node &&
	    (op.kind == NN_DEPTHWISE || ((op.kind == NN_CONV || op.kind == NN_GROUPED) && (op.kh > 1 || op.pad > 0)))) {
		settle(p, x);
		in = *x;
	}
	op.in = in.map;
	op.pre = in.pre;
	if (node->bias && (op.bias = nn_plan_floats(p, (size_t)node->c)))
		memcpy(op.bias, param(p, node, 1), (size_t)node->c * sizeof *op.bias);
	return (struct nn_value){ .map = op.out, .op = nn_plan_emit(p, op), .open = true };
}

/* Batch norm as a x + b. */
static void bn_affine(const struct nn_planning *p, const struct net_node *node, float *a, float *b)
{
	const float *gamma = node->affine ? param(p, node, 0) : NULL, *beta = node->affine ? param(p, node, 1) : NULL;
	const float *mean = param(p, node, node->affine ? 2 : 0), *var = param(p, node, node->affine ? 3 : 1);

	for (int c = 0; c < node->c; c++) {
		const double scale = (gamma ? (double)gamma[c] : 1) / sqrt((double)var[c] + node->eps);

		a[c] = (float)scale;
		b[c] = (float)((beta ? (double)beta[c] : 0) - (double)mean[c] * scale);
	}
}

/* a x + b; the plan owns a and b (c). */
static struct nn_value affine(struct nn_planning *p, int i, struct nn_value *x, float *a, float *b)
{
	const int C = p->n->nodes[i].c;
	struct nn_op *op = open_op(p, x);
	struct nn_value v;

	if (op && !op->relu && op->add.buf < 0 && !op->gain) {
		for (int c = 0; op->bias && c < C; c++)
			b[c] += a[c] * op->bias[c];
		op->gain = a;
		op->bias = b;
		return *x;
	}
	if (x->pre.relu)
		settle(p, x);
	v = (struct nn_value){ .map = x->map, .op = x->op, .pre = { a, b, false } };
	for (int c = 0; x->pre.a && c < C; c++) {
		b[c] += a[c] * x->pre.b[c];
		a[c] *= x->pre.a[c];
	}
	return v;
}

static struct nn_value do_bn(struct nn_planning *p, int i, struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	float *a = nn_plan_floats(p, (size_t)node->c), *b = nn_plan_floats(p, (size_t)node->c);

	if (p->failed)
		return *x;
	bn_affine(p, node, a, b);
	return affine(p, i, x, a, b);
}

static struct nn_value do_relu(struct nn_planning *p, const struct nn_value *x)
{
	struct nn_op *op = open_op(p, x);
	struct nn_value v = *x;

	v.open = false;
	if (op)
		op->relu = true;
	else
		v.pre.relu = true;
	return v;
}

/* An operation that writes plain rows applies the activation to them; for others there is one more operation. */
static struct nn_value do_act(struct nn_planning *p, int i, struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_op *op = open_op(p, x);
	struct nn_value v = *x;

	v.open = false;
	if (op && !op->relu && (op->kind == NN_CONV || op->kind == NN_GROUPED || op->kind == NN_DEPTHWISE)) {
		op->act = node->act;
		return v;
	}
	v = (struct nn_value){ .map = nn_plan_place(p, i, node->c, node->h, node->w) };
	v.op = nn_plan_emit(p, (struct nn_op){ .kind = NN_SCALE,
					       .in = x->map,
					       .pre = x->pre,
					       .out = v.map,
					       .add = nn_nowhere,
					       .act = node->act });
	return v;
}

/* The later of two convolutions adds the other value as it writes its own. */
static struct nn_value do_add(struct nn_planning *p, int i, struct nn_value *x, struct nn_value *y)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value *to = x->op > y->op ? x : y, *other = to == x ? y : x;
	struct nn_op *op = open_op(p, to);
	struct nn_value v;

	if (op && !op->relu && op->add.buf < 0 && !pending(other) && p->place[i].buf < 0 && x != y) {
		op->add = other->map;
		return *to;
	}
	settle(p, other);
	v = (struct nn_value){ .map = nn_plan_place(p, i, node->c, node->h, node->w) };
	v.op = nn_plan_emit(
		p, (struct nn_op){ .kind = NN_SCALE, .in = to->map, .pre = to->pre, .add = other->map, .out = v.map });
	return v;
}

static bool same_map(const struct nn_map *a, const struct nn_map *b)
{
	return a->buf == b->buf && a->at == b->at && a->c == b->c;
}

static struct nn_value do_concat(struct nn_planning *p, int i, struct nn_value *a, struct nn_value *b)
{
	const struct net_node *node = &p->n->nodes[i];
	const int in[2] = { nn_plan_source(p, node->in[0]), nn_plan_source(p, node->in[1]) };
	struct nn_value *part[2] = { a, b };
	struct nn_map to[2] = { p->place[i], p->place[i] };

	to[0].c = p->n->nodes[in[0]].c;
	to[1].c = p->n->nodes[in[1]].c;
	to[1].at += (size_t)to[0].c;
	for (int k = 0; k < 2; k++)
		if (pending(part[k]) || !same_map(&part[k]->map, &to[k])) {
			struct nn_value copy = *part[k];
			copy_to(p, &copy, to[k]);
		}
	return (struct nn_value){ .map = p->place[i], .op = p->m->n_ops - 1 };
}

static struct nn_value do_linear(struct nn_planning *p, int i, const struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_op op = { .add = nn_nowhere,
			    .in = x->map,
			    .pre = x->pre,
			    .kh = 1,
			    .kw = 1,
			    .stride = 1,
			    .weight = &p->state->t[node->param],
			    .out = nn_plan_place(p, i, node->c, 1, 1) };

	op.kind = nn_product_kind(p->m, &op);
	if (node->bias && (op.bias = nn_plan_floats(p, (size_t)node->c)))
		memcpy(op.bias, param(p, node, 1), (size_t)node->c * sizeof *op.bias);
	return (struct nn_value){ .map = op.out, .op = nn_plan_emit(p, op), .open = true };
}

static struct nn_value do_mul(struct nn_planning *p, int i, struct nn_value *x, struct nn_value *by)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value v;

	settle(p, x);
	settle(p, by);
	v = (struct nn_value){ .map = nn_plan_place(p, i, node->c, node->h, node->w) };
	v.op = nn_plan_emit(p, (struct nn_op){ .kind = NN_MUL, .in = x->map, .add = by->map, .out = v.map });
	return v;
}

/* A factor for each channel: a batch norm without shift. */
static struct nn_value do_scale(struct nn_planning *p, int i, struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	float *a = nn_plan_floats(p, (size_t)node->c), *b = nn_plan_floats(p, (size_t)node->c);

	if (p->failed)
		return *x;
	memcpy(a, param(p, node, 0), (size_t)node->c * sizeof *a);
	return affine(p, i, x, a, b);
}

/* Operations that read a map, with what is pending applied, and write another. */
static struct nn_value do_map(struct nn_planning *p, int i, const struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value v = { .map = nn_plan_place(p, i, node->c, node->h, node->w) };
	struct nn_op op = { .in = x->map, .pre = x->pre, .out = v.map, .add = nn_nowhere };
	const size_t c = (size_t)node->c, n = c * (size_t)node->h;

	if (node->op == NET_LAYERNORM) {
		op.kind = NN_NORM;
		op.scale = (float)node->eps;
		op.w = nn_plan_copied(p, param(p, node, 0), c);
		op.bias = nn_plan_copied(p, param(p, node, 1), c);
	} else if (node->op == NET_TOKENS) {
		op.kind = NN_TOKENS;
		op.w = nn_plan_copied(p, param(p, node, 1), n);
		op.bias = nn_plan_copied(p, param(p, node, 0), c);
		for (size_t k = 0; op.w && op.bias && k < c; k++)
			op.bias[k] += op.w[k];
	} else
		op.kind = NN_FIRST;
	v.op = nn_plan_emit(p, op);
	return v;
}

static struct nn_value do_attention(struct nn_planning *p, int i, struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value v;

	settle(p, x);
	v = (struct nn_value){ .map = nn_plan_place(p, i, node->c, node->h, node->w) };
	v.op = nn_plan_emit(
		p, (struct nn_op){
			   .kind = NN_ATTEND, .in = x->map, .out = v.map, .add = nn_nowhere, .groups = node->heads });
	return v;
}

static struct nn_value do_flatten(struct nn_planning *p, int i, const struct nn_value *x)
{
	struct nn_value v = { .map = nn_plan_place(p, i, p->n->nodes[i].c, 1, 1) };

	v.op = nn_plan_emit(
		p, (struct nn_op){ .kind = NN_FLATTEN, .in = x->map, .out = v.map, .add = nn_nowhere, .pre = x->pre });
	return v;
}

static struct nn_value do_pad(struct nn_planning *p, int i, const struct nn_value *x)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value v = { .map = nn_plan_place(p, i, node->c, node->h, node->w) };

	v.op = nn_plan_emit(p, (struct nn_op){ .kind = NN_PAD,
					       .in = x->map,
					       .out = v.map,
					       .add = nn_nowhere,
					       .pre = x->pre,
					       .pad = node->pad });
	return v;
}

struct nn_value nn_plan_node(struct nn_planning *p, int i)
{
	const struct net_node *node = &p->n->nodes[i];
	struct nn_value *x = i > p->from ? &p->v[nn_plan_source(p, node->in[0])] : NULL;

	if (!x)
		return do_input(p, i);
	switch (node->op) {
	case NET_CONV: return do_conv(p, i, x);
	case NET_BN: return do_bn(p, i, x);
	case NET_RELU: return do_relu(p, x);
	case NET_ACT: return do_act(p, i, x);
	case NET_DROPOUT: return *x;
	case NET_CONCAT: return do_concat(p, i, x, &p->v[nn_plan_source(p, node->in[1])]);
	case NET_ADD: return do_add(p, i, x, &p->v[nn_plan_source(p, node->in[1])]);
	case NET_MUL: return do_mul(p, i, x, &p->v[nn_plan_source(p, node->in[1])]);
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
