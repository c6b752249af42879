/* SPDX-License-Identifier: MIT
 * Fresh values of a network's parameters. */
#include <math.h>

#include "net/net.h"

#define WORD(kind, name) "|" name
#define FIRST(kind, name) name
const char net_init_names[] = NET_INIT_KINDS(FIRST, WORD);
const char net_nonlinearity_names[] = "relu|leaky-relu|tanh|sigmoid|linear|selu";

/* PyTorch's calculate_gain(), squared, in the order of the names. */
static double squared_gain(long nonlinearity)
{
	static const double gains[] = { 2, 2 / (1 + 1e-4), 25 / 9.0, 1, 1, 9 / 16.0 };

	return gains[nonlinearity];
}

struct draw {
	long kind;
	double scale; /* standard deviation, bound or value */
};

/* The distribution of a convolution's weights. */
static struct draw convolution(const struct net_init_options *o, double in, double out)
{
	const double gain = squared_gain(o->nonlinearity), fan = o->fan_out ? out : in;

	switch ((enum net_init_kind)o->kind) {
	case NET_KAIMING_UNIFORM: return (struct draw){ o->kind, sqrt(3 * gain / fan) };
	case NET_XAVIER_NORMAL:
	case NET_XAVIER_CONSTANT: return (struct draw){ o->kind, sqrt(2 / (in + out)) };
	case NET_XAVIER_UNIFORM: return (struct draw){ o->kind, sqrt(6 / (in + out)) };
	case NET_STANDARD: return (struct draw){ o->kind, 1 / sqrt(in) };
	case NET_KAIMING_NORMAL:
	case NET_SIGNED_CONSTANT:
	case NET_UNSIGNED_CONSTANT: break;
	}
	return (struct draw){ o->kind, sqrt(gain / fan) };
}

static double draw(const struct draw *d, struct ts_rng *rng)
{
	switch ((enum net_init_kind)d->kind) {
	case NET_KAIMING_NORMAL:
	case NET_XAVIER_NORMAL: return d->scale * ts_rng_normal(rng);
	case NET_KAIMING_UNIFORM:
	case NET_XAVIER_UNIFORM:
	case NET_STANDARD: return d->scale * (2 * ts_rng_double(rng) - 1);
	case NET_XAVIER_CONSTANT:
	case NET_SIGNED_CONSTANT: return ts_rng_below(rng, 2) ? d->scale : -d->scale;
	case NET_UNSIGNED_CONSTANT: break;
	}
	return d->scale;
}

static void fill(const struct net *n, const struct net_param *p, const struct net_init_options *o, struct ts_rng *rng,
		 float *v, size_t count)
{
	const struct net_node *node = &n->nodes[p->node];
	const double area = node->op == NET_CONV ? (double)(node->kernel * node->kernel) / node->groups : 1;
	const double in = n->nodes[node->in[0]].c * area;
	const struct draw d = convolution(o, in, node->c * area);

	for (size_t i = 0; i < count; i++) {
		if (p->role == NET_BIAS && (node->op == NET_CONV || n->params[node->param].ndim == 4))
			v[i] = 0; /* biases beside weights of He et al. */
		else if (node->op == NET_SCALE)
			v[i] = 1e-6F; /* as in ConvNeXt: a new branch adds almost nothing */
		else if (node->op == NET_CONV || (node->op == NET_LINEAR && p->ndim == 4))
			v[i] = (float)draw(&d, rng);
		else if (node->op == NET_LINEAR)
			v[i] = (float)((2 * ts_rng_double(rng) - 1) / sqrt(in));
		else
			v[i] = p->role == NET_GAMMA || p->role == NET_RUNNING_VAR;
	}
}

int net_init_as(const struct net *n, const struct net_init_options *o, struct ts_rng *rng, struct ts_set *set)
{
	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];
		const enum ts_type type = p->role == NET_BATCHES ? TS_I64 : TS_F32;
		struct ts_tensor *t = ts_set_add(set, p->name, type, p->ndim, p->shape);

		if (!t)
			return -1;
		if (p->role != NET_BATCHES)
			fill(n, p, o, rng, t->data, ts_tensor_count(t));
	}
	return 0;
}

int net_init(const struct net *n, struct ts_rng *rng, struct ts_set *set)
{
	return net_init_as(n, &(struct net_init_options){ 0 }, rng, set);
}
