/* SPDX-License-Identifier: MIT
 * Building networks: nodes and parameters. */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

static int add_node(struct net *n, struct net_node node)
{
	if (n->n_nodes == n->cap_nodes) {
		int cap = n->cap_nodes ? 2 * n->cap_nodes : 64;
		struct net_node *grown = realloc(n->nodes, (size_t)cap * sizeof *grown);
		if (!grown) {
			n->failed = true;
			return 0;
		}
		n->nodes = grown;
		n->cap_nodes = cap;
	}
	node.last_use = n->n_nodes;
	for (int i = 0; i < 2; i++)
		if (node.in[i] >= 0)
			n->nodes[node.in[i]].last_use = n->n_nodes;
	n->nodes[n->n_nodes] = node;
	return n->n_nodes++;
}

/* A node like its input, for the caller to change. */
static struct net_node behind(const struct net *n, int in, enum net_op op)
{
	struct net_node node = n->nodes[in];

	node.op = op;
	node.in[0] = in;
	node.in[1] = -1;
	node.param = -1;
	node.n_params = 0;
	return node;
}

/* Adds a parameter of the next node. */
static void add_param(struct net *n, struct net_node *node, const char *name, const char *suffix, enum net_role role,
		      int ndim, const size_t *shape)
{
	struct net_param *p;

	if (n->n_params == n->cap_params) {
		int cap = n->cap_params ? 2 * n->cap_params : 64;
		struct net_param *grown = realloc(n->params, (size_t)cap * sizeof *grown);
		if (!grown) {
			n->failed = true;
			return;
		}
		n->params = grown;
		n->cap_params = cap;
	}
	if (node->n_params++ == 0)
		node->param = n->n_params;
	p = &n->params[n->n_params++];
	*p = (struct net_param){ .role = role, .node = n->n_nodes, .ndim = ndim };
	snprintf(p->name, sizeof p->name, "%s%s%s", name, *name ? "." : "", suffix);
	for (int i = 0; i < ndim; i++)
		p->shape[i] = shape[i];
}

void net_name(char buf[NET_NAME], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, NET_NAME, format, ap);
	va_end(ap);
}

int net_input(struct net *n)
{
	return add_node(n, (struct net_node){
				   .op = NET_INPUT, .in = { -1, -1 }, .c = n->c, .h = n->h, .w = n->w, .param = -1 });
}

struct net *net_begin(int c, int h, int w, int classes, struct err *err)
{
	struct net *n = calloc(1, sizeof *n);

	if (!n) {
		err_memory(err);
		return NULL;
	}
	n->c = c;
	n->h = h;
	n->w = w;
	n->classes = classes;
	net_input(n);
	if (n->n_nodes == 0) { /* the next node reads it */
		err_memory(err);
		net_free(n);
		return NULL;
	}
	return n;
}

int net_conv_groups(struct net *n, int in, const char *name, int c, int kernel, int stride, int pad, int groups,
		    bool bias)
{
	struct net_node node = behind(n, in, NET_CONV);
	const size_t k = (size_t)kernel, shape[4] = { (size_t)c, (size_t)(node.c / groups), k, k };

	node.c = c;
	node.h = (node.h + 2 * pad - kernel) / stride + 1;
	node.w = (node.w + 2 * pad - kernel) / stride + 1;
	node.kernel = kernel;
	node.stride = stride;
	node.pad = pad;
	node.groups = groups;
	node.bias = bias;
	add_param(n, &node, name, "weight", NET_WEIGHT, 4, shape);
	if (bias)
		add_param(n, &node, name, "bias", NET_BIAS, 1, shape);
	return add_node(n, node);
}

int net_conv(struct net *n, int in, const char *name, int c, int kernel, int stride, int pad)
{
	return net_conv_groups(n, in, name, c, kernel, stride, pad, 1, false);
}

int net_conv_bias(struct net *n, int in, const char *name, int c, int kernel, int stride, int pad)
{
	return net_conv_groups(n, in, name, c, kernel, stride, pad, 1, true);
}

int net_pixels_linear_as(struct net *n, int in, const char *name, const char *weight, const char *bias, int c)
{
	struct net_node node = behind(n, in, NET_CONV);
	const size_t shape[2] = { (size_t)c, (size_t)node.c };

	node.c = c;
	node.kernel = node.stride = node.groups = 1;
	node.pad = 0;
	node.bias = true;
	add_param(n, &node, name, weight, NET_WEIGHT, 2, shape);
	add_param(n, &node, name, bias, NET_BIAS, 1, shape);
	return add_node(n, node);
}

int net_pixels_linear(struct net *n, int in, const char *name, int c)
{
	return net_pixels_linear_as(n, in, name, "weight", "bias", c);
}

static int batch_norm(struct net *n, int in, const char *name, bool affine, double eps)
{
	struct net_node node = behind(n, in, NET_BN);
	const size_t shape[1] = { (size_t)node.c };

	node.affine = affine;
	node.eps = eps;
	if (affine) {
		add_param(n, &node, name, "weight", NET_GAMMA, 1, shape);
		add_param(n, &node, name, "bias", NET_BETA, 1, shape);
	}
	add_param(n, &node, name, "running_mean", NET_RUNNING_MEAN, 1, shape);
	add_param(n, &node, name, "running_var", NET_RUNNING_VAR, 1, shape);
	add_param(n, &node, name, "num_batches_tracked", NET_BATCHES, 0, shape);
	return add_node(n, node);
}

int net_bn(struct net *n, int in, const char *name, bool affine)
{
	return batch_norm(n, in, name, affine, 1e-5);
}

int net_bn_eps(struct net *n, int in, const char *name, double eps)
{
	return batch_norm(n, in, name, true, eps);
}

int net_layernorm(struct net *n, int in, const char *name, double eps)
{
	struct net_node node = behind(n, in, NET_LAYERNORM);
	const size_t shape[1] = { (size_t)node.c };

	node.eps = eps;
	add_param(n, &node, name, "weight", NET_GAMMA, 1, shape);
	add_param(n, &node, name, "bias", NET_BETA, 1, shape);
	return add_node(n, node);
}

int net_act(struct net *n, int in, enum net_act act)
{
	struct net_node node = behind(n, in, NET_ACT);

	node.act = act;
	return add_node(n, node);
}

int net_mul(struct net *n, int in, int by)
{
	struct net_node node = behind(n, in, NET_MUL);

	node.in[1] = by;
	return add_node(n, node);
}

int net_scale(struct net *n, int in, const char *name, const char *what)
{
	struct net_node node = behind(n, in, NET_SCALE);
	const size_t shape[3] = { (size_t)node.c, 1, 1 };

	add_param(n, &node, name, what, NET_GAMMA, 3, shape);
	return add_node(n, node);
}

int net_tokens(struct net *n, int in, const char *first, const char *places)
{
	struct net_node node = behind(n, in, NET_TOKENS);
	const size_t one[3] = { 1, 1, (size_t)node.c };
	const size_t all[3] = { 1, (size_t)(1 + node.h * node.w), (size_t)node.c };

	node.h = 1 + node.h * node.w;
	node.w = 1;
	add_param(n, &node, "", first, NET_BIAS, 3, one);
	add_param(n, &node, "", places, NET_BIAS, 3, all);
	return add_node(n, node);
}

int net_attention(struct net *n, int in, int heads)
{
	struct net_node node = behind(n, in, NET_ATTENTION);

	node.heads = heads;
	node.c /= 3;
	return add_node(n, node);
}

int net_first(struct net *n, int in)
{
	struct net_node node = behind(n, in, NET_FIRST);

	node.h = node.w = 1;
	return add_node(n, node);
}

int net_excite(struct net *n, int in, const char *first, const char *second, int c, enum net_act inner,
	       enum net_act outer)
{
	int x = net_linear_1x1(n, net_mean(n, in), first, c, true);

	x = inner == NET_LINEAR_ACT ? net_relu(n, x) : net_act(n, x, inner);
	return net_mul(n, in, net_act(n, net_linear_1x1(n, x, second, n->nodes[in].c, true), outer));
}

int net_relu(struct net *n, int in)
{
	return add_node(n, behind(n, in, NET_RELU));
}

int net_dropout(struct net *n, int in)
{
	return add_node(n, behind(n, in, NET_DROPOUT));
}

int net_concat(struct net *n, int a, int b)
{
	struct net_node node = behind(n, a, NET_CONCAT);

	node.in[1] = b;
	node.c += n->nodes[b].c;
	return add_node(n, node);
}

int net_add(struct net *n, int a, int b)
{
	struct net_node node = behind(n, a, NET_ADD);

	node.in[1] = b;
	return add_node(n, node);
}

int net_pad(struct net *n, int in, int channels)
{
	struct net_node node = behind(n, in, NET_PAD);

	node.pad = channels;
	node.c += 2 * channels;
	return add_node(n, node);
}

int net_avgpool(struct net *n, int in, int kernel)
{
	struct net_node node = behind(n, in, NET_AVGPOOL);

	node.kernel = kernel;
	node.h /= kernel;
	node.w /= kernel;
	return add_node(n, node);
}

int net_maxpool(struct net *n, int in, int kernel, int stride, int pad)
{
	struct net_node node = behind(n, in, NET_MAXPOOL);

	node.kernel = kernel;
	node.stride = stride;
	node.pad = pad;
	node.h = (node.h + 2 * pad - kernel) / stride + 1;
	node.w = (node.w + 2 * pad - kernel) / stride + 1;
	return add_node(n, node);
}

int net_mean(struct net *n, int in)
{
	struct net_node node = behind(n, in, NET_MEAN);

	node.h = node.w = 1;
	return add_node(n, node);
}

int net_flatten(struct net *n, int in)
{
	struct net_node node = behind(n, in, NET_FLATTEN);

	node.c *= node.h * node.w;
	node.h = node.w = 1;
	return add_node(n, node);
}

int net_linear(struct net *n, int in, const char *name, int c)
{
	struct net_node node = behind(n, in, NET_LINEAR);
	const size_t shape[2] = { (size_t)c, (size_t)node.c };

	node.c = c;
	node.bias = true;
	add_param(n, &node, name, "weight", NET_WEIGHT, 2, shape);
	add_param(n, &node, name, "bias", NET_BIAS, 1, shape);
	return add_node(n, node);
}

int net_linear_1x1(struct net *n, int in, const char *name, int c, bool bias)
{
	struct net_node node = behind(n, in, NET_LINEAR);
	const size_t shape[4] = { (size_t)c, (size_t)node.c, 1, 1 };

	node.c = c;
	node.bias = bias;
	add_param(n, &node, name, "weight", NET_WEIGHT, 4, shape);
	if (bias)
		add_param(n, &node, name, "bias", NET_BIAS, 1, shape);
	return add_node(n, node);
}

int net_graph_node(struct net *n, int in, int c)
{
	struct net_node node = behind(n, in, NET_GRAPH);

	node.c = c;
	node.h = node.w = 1;
	return add_node(n, node);
}

int net_stage(struct net *n, int in)
{
	assert(n->n_stages < NET_MAX_STAGES);
	n->stages[n->n_stages++] = in;
	return in;
}

/* ---- whole networks ---- */

void net_free(struct net *n)
{
	if (!n)
		return;
	free(n->nodes);
	free(n->params);
	free(n);
}

bool net_trained(enum net_role role)
{
	return role <= NET_BETA;
}

bool net_has_dropout(const struct net *n)
{
	for (int i = 0; i < n->n_nodes; i++)
		if (n->nodes[i].op == NET_DROPOUT)
			return true;
	return false;
}

size_t net_node_size(const struct net_node *node)
{
	return (size_t)node->c * (size_t)node->h * (size_t)node->w;
}

size_t net_count(const struct net *n)
{
	size_t count = 0;

	for (int i = 0; i < n->n_params; i++) {
		size_t one = net_trained(n->params[i].role);
		for (int d = 0; d < n->params[i].ndim; d++)
			one *= n->params[i].shape[d];
		count += one;
	}
	return count;
}

double net_multiply_adds(const struct net *n)
{
	double sum = 0;

	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];
		double uses = p->role == NET_WEIGHT ? (double)n->nodes[p->node].h * n->nodes[p->node].w : 0;

		for (int k = 0; k < p->ndim; k++)
			uses *= (double)p->shape[k];
		sum += uses; /* each weight, once per pixel of its output */
	}
	return sum;
}
