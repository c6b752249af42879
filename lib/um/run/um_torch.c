/* SPDX-License-Identifier: MIT
 * A network on the device: runs the node list through the seam. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/run/um_torch.h"

static enum th_type type_of(const struct ts_tensor *t)
{
	return t->type == TS_I64 ? TH_I64 : t->type == TS_U8 ? TH_U8 : TH_F32;
}

int um_torch_open(const char *device, long threads, struct err *err)
{
	if (th_load(err) < 0)
		return -1;
	if (th->open(device, (int)threads) < 0) {
		return err_fail(err, "cannot use device '%s': %s%s", device, th->last_error(),
				strncmp(device, "cuda", 4) == 0 ? "; --device cpu needs none" : "");
	}
	return 0;
}

static struct um_torch *allocate(const struct net *n)
{
	struct um_torch *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->net = n;
	m->bn_momentum = 0.1;
	m->use = calloc((size_t)n->n_params + 1, sizeof *m->use);
	m->out = calloc((size_t)n->n_nodes, sizeof *m->out);
	if (m->use && m->out)
		return m;
	um_torch_free(m);
	return NULL;
}

/* Pixels become (pixel / 255 - mean) / std, by one scale and one shift per channel. */
static int add_normalisation(struct um_torch *m, const struct net_checkpoint *c, struct err *err)
{
	const size_t channels = (size_t)m->net->c;
	float scale[4] = { 0 }, shift[4] = { 0 };

	for (size_t i = 0; i < channels; i++) {
		scale[i] = (float)(1 / (255 * c->std[i]));
		shift[i] = (float)(-c->mean[i] / c->std[i]);
	}
	m->affine[0] = th->tensor_new(TH_F32, 1, &channels, scale);
	m->affine[1] = th->tensor_new(TH_F32, 1, &channels, shift);
	return m->affine[0] && m->affine[1] ? 0 : err_fail(err, "%s", th->last_error());
}

int um_torch_new(struct um_torch **ret, const struct net_checkpoint *c, bool values, struct err *err)
{
	struct um_torch *m = allocate(c->net);
	int rc;

	if (!m)
		return err_memory(err);
	rc = add_normalisation(m, c, err);
	for (int i = 0; values && i < c->net->n_params && rc == 0; i++) {
		const struct ts_tensor *t = &c->state.t[i];

		m->use[i] = th->tensor_new(type_of(t), t->ndim, t->shape, t->data);
		if (!m->use[i])
			rc = err_fail(err, "%s", th->last_error());
	}
	if (rc == 0)
		*ret = m;
	else
		um_torch_free(m);
	return rc;
}

void um_torch_free(struct um_torch *m)
{
	if (!m)
		return;
	for (int i = 0; m->use && i < m->net->n_params; i++)
		th->tensor_free(m->use[i]);
	th->tensor_free(m->affine[0]);
	th->tensor_free(m->affine[1]);
	free(m->use);
	free(m->out);
	free(m);
}

int um_torch_bf16(struct um_torch *m, struct err *err)
{
	for (int i = 1; i <= m->net->feature; i++) {
		const struct net_node *node = &m->net->nodes[i];
		const int n = node->op == NET_CONV || node->op == NET_LINEAR ? 1 + node->bias : 0;

		for (int k = 0; k < n; k++)
			if (th->tensor_cast(m->use[node->param + k], TH_BF16) < 0)
				return err_fail(err, "%s", th->last_error());
	}
	m->bf16 = true;
	return 0;
}

/* Batch norm's parameters are gamma and beta, if affine, then mean, variance, batches. */
static struct th_tensor *run_bn(struct th_scope *s, struct um_torch *m, const struct net_node *node,
				struct th_tensor *x, bool train)
{
	struct th_tensor **p = m->use + node->param;
	struct th_tensor *gamma = node->affine ? *p++ : NULL, *beta = node->affine ? *p++ : NULL;

	return th->batch_norm(s, x, gamma, beta, p[0], p[1], train, m->bn_momentum, node->eps);
}

static enum th_act act_of(enum net_act act)
{
	switch (act) {
	case NET_RELU6: return TH_RELU6;
	case NET_SILU: return TH_SILU;
	case NET_GELU: return TH_GELU;
	case NET_HARDSWISH: return TH_HARDSWISH;
	case NET_HARDSIGMOID: return TH_HARDSIGMOID;
	case NET_SIGMOID:
	case NET_LINEAR_ACT: break;
	}
	return TH_SIGMOID;
}

/* The k-th value of a convolution or linear layer, in the precision of its pass. */
static struct th_tensor *value(struct th_scope *s, struct um_torch *m, const struct net_node *node, int k, bool train)
{
	struct th_tensor *v = m->use[node->param + k];

	return train && m->cast && node <= &m->net->nodes[m->net->feature] ? th->cast(s, v, TH_BF16) : v;
}

/* in_place: the node's input may be overwritten. */
static struct th_tensor *run_node(struct th_scope *s, struct um_torch *m, const struct net_node *node, bool train,
				  bool in_place)
{
	struct th_tensor *x = m->out[node->in[0]];
	struct th_tensor **p = node->param < 0 ? NULL : m->use + node->param;

	switch (node->op) {
	case NET_CONV:
		return th->conv2d(s, x, value(s, m, node, 0, train), node->bias ? value(s, m, node, 1, train) : NULL,
				  node->stride, node->pad, node->groups);
	case NET_BN: return run_bn(s, m, node, x, train);
	case NET_RELU: return in_place ? th->relu_(s, x) : th->relu(s, x);
	case NET_ACT: return th->act(s, x, act_of(node->act));
	case NET_DROPOUT: return train && m->dropout > 0 ? th->dropout(s, x, m->dropout) : x;
	case NET_CONCAT: return th->concat(s, x, m->out[node->in[1]]);
	case NET_ADD: return th->add(s, x, m->out[node->in[1]]);
	case NET_MUL: return th->mul(s, x, m->out[node->in[1]]);
	case NET_SCALE: return th->mul(s, x, p[0]);
	case NET_LAYERNORM: return th->layer_norm(s, x, p[0], p[1], node->eps);
	case NET_TOKENS: return th->tokens(s, x, p[0], p[1]);
	case NET_ATTENTION: return th->attention(s, x, node->heads);
	case NET_FIRST: return th->first_pixel(s, x);
	case NET_PAD: return th->pad_channels(s, x, node->pad);
	case NET_AVGPOOL: return th->avg_pool(s, x, node->kernel);
	case NET_MAXPOOL: return th->max_pool(s, x, node->kernel, node->stride, node->pad);
	case NET_FLATTEN: return th->flatten(s, x);
	case NET_MEAN: return th->mean_hw(s, x);
	case NET_LINEAR:
		return th->linear(s, x, value(s, m, node, 0, train), node->bias ? value(s, m, node, 1, train) : NULL);
	case NET_GRAPH:
	case NET_INPUT: break;
	}
	return NULL;
}

/* Must i's output stay unchanged? Dropout in evaluation mode passes its input on, so that two nodes share a tensor. */
static bool is_kept(const struct net *n, const bool *keep, int i)
{
	while (!keep[i] && n->nodes[i].op == NET_DROPOUT)
		i = n->nodes[i].in[0];
	return keep[i];
}

struct th_tensor *um_torch_run(struct th_scope *s, struct um_torch *m, int from, int to, const bool *keep, bool train)
{
	const struct net *n = m->net;
	struct th_tensor **out = m->out;

	for (int i = from + 1; i <= to; i++) {
		const struct net_node *node = &n->nodes[i];

		out[i] = run_node(s, m, node, train, !keep || !is_kept(n, keep, node->in[0]));
		if ((m->bf16 || (m->cast && train)) && i == n->feature)
			out[i] = th->cast(s, out[i], TH_F32);
		/* Outputs are freed after their last use: a smaller working set is a faster one. */
		for (int k = 0; k < 2; k++) {
			int in = node->in[k];
			if (in >= 0 && in != n->feature && n->nodes[in].last_use == i && out[in] != out[i] &&
			    !(keep && is_kept(n, keep, in)))
				th->release(s, out[in]);
		}
	}
	return out[to];
}
