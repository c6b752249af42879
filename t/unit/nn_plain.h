/* SPDX-License-Identifier: MIT
 * The plainest program that runs a network: each node in turn, in double, by its definition. */
#ifndef NN_PLAIN_H
#define NN_PLAIN_H

#include "nn_nets.h"

struct plain {
	const struct net *n;
	const struct ts_set *state;
	double **out; /* (n_nodes) for one image */
};

static inline double plain_weight(const struct plain *p, const struct net_node *node, int k, size_t i)
{
	return (double)((const float *)p->state->t[node->param + k].data)[i];
}

static inline void plain_conv(const struct plain *p, const struct net_node *o, const struct net_node *in,
			      const double *x, double *y)
{
	const float *w = p->state->t[o->param].data;
	const int C = in->c / o->groups; /* channels that an output sees */

	for (int m = 0; m < o->c; m++)
		for (int r = 0; r < o->h; r++)
			for (int q = 0; q < o->w; q++) {
				double sum = o->bias ? plain_weight(p, o, 1, (size_t)m) : 0;

				for (int c = 0; c < C; c++)
					for (int k = 0; k < o->kernel * o->kernel; k++) {
						const int from = m / (o->c / o->groups) * C + c;
						const int a = r * o->stride - o->pad + k / o->kernel;
						const int b = q * o->stride - o->pad + k % o->kernel;

						if (a >= 0 && a < in->h && b >= 0 && b < in->w)
							sum += x[(from * in->h + a) * in->w + b] *
							       (double)w[(m * C + c) * o->kernel * o->kernel + k];
					}
				y[(m * o->h + r) * o->w + q] = sum;
			}
}

static inline void plain_pool(const struct net_node *o, const struct net_node *in, const double *x, double *y)
{
	const bool most = o->op == NET_MAXPOOL;
	const int stride = most ? o->stride : o->kernel, pad = most ? o->pad : 0;

	for (int c = 0; c < o->c; c++)
		for (int r = 0; r < o->h; r++)
			for (int q = 0; q < o->w; q++) {
				double v = most ? -INFINITY : 0;

				for (int k = 0; k < o->kernel * o->kernel; k++) {
					const int a = r * stride - pad + k / o->kernel,
						  b = q * stride - pad + k % o->kernel;

					if (a < 0 || a >= in->h || b < 0 || b >= in->w)
						continue;
					const double at = x[(c * in->h + a) * in->w + b];
					v = most ? fmax(v, at) : v + at / (o->kernel * o->kernel);
				}
				y[(c * o->h + r) * o->w + q] = v;
			}
}

static inline void plain_bn(const struct plain *p, const struct net_node *o, const double *x, double *y)
{
	const int hw = o->h * o->w, s = o->affine ? 2 : 0;

	for (int i = 0; i < o->c * hw; i++) {
		const size_t c = (size_t)(i / hw);
		const double v = (x[i] - plain_weight(p, o, s, c)) / sqrt(plain_weight(p, o, s + 1, c) + o->eps);

		y[i] = o->affine ? v * plain_weight(p, o, 0, c) + plain_weight(p, o, 1, c) : v;
	}
}

static inline void plain_linear(const struct plain *p, const struct net_node *o, const struct net_node *in,
				const double *x, double *y)
{
	for (int m = 0; m < o->c; m++) {
		y[m] = o->bias ? plain_weight(p, o, 1, (size_t)m) : 0;
		for (int c = 0; c < in->c; c++)
			y[m] += x[c] * plain_weight(p, o, 0, (size_t)(m * in->c + c));
	}
}

static inline double plain_act(enum net_act act, double x)
{
	const double six = fmin(fmax(x + 3, 0), 6);

	switch (act) {
	case NET_RELU6: return fmin(fmax(x, 0), 6);
	case NET_SILU: return x / (1 + exp(-x));
	case NET_GELU: return x / 2 * (1 + erf(x / sqrt(2)));
	case NET_HARDSWISH: return x * six / 6;
	case NET_HARDSIGMOID: return six / 6;
	case NET_SIGMOID: return 1 / (1 + exp(-x));
	case NET_LINEAR_ACT: break;
	}
	return x;
}

static inline void plain_layernorm(const struct plain *p, const struct net_node *o, const double *x, double *y)
{
	const int hw = o->h * o->w;

	for (int k = 0; k < hw; k++) {
		double mean = 0, var = 0;

		for (int c = 0; c < o->c; c++)
			mean += x[c * hw + k] / o->c;
		for (int c = 0; c < o->c; c++)
			var += (x[c * hw + k] - mean) * (x[c * hw + k] - mean) / o->c;
		for (int c = 0; c < o->c; c++)
			y[c * hw + k] = (x[c * hw + k] - mean) / sqrt(var + o->eps) * plain_weight(p, o, 0, (size_t)c) +
					plain_weight(p, o, 1, (size_t)c);
	}
}

static inline void plain_tokens(const struct plain *p, const struct net_node *o, const double *x, double *y)
{
	for (int c = 0; c < o->c; c++)
		for (int t = 0; t < o->h; t++)
			y[c * o->h + t] = (t ? x[c * (o->h - 1) + t - 1] : plain_weight(p, o, 0, (size_t)c)) +
					  plain_weight(p, o, 1, (size_t)(t * o->c + c));
}

static inline void plain_attention(const struct net_node *o, const double *x, double *y)
{
	const int T = o->h * o->w, D = o->c / o->heads;
	double *e = malloc((size_t)T * sizeof *e);

	for (int head = 0; head < o->heads; head++)
		for (int t = 0; t < T; t++) {
			const double *q = x + head * D * T, *k = q + o->c * T, *v = k + o->c * T;
			double all = 0;

			for (int u = 0; u < T; u++) {
				double dot = 0;

				for (int d = 0; d < D; d++)
					dot += q[d * T + t] * k[d * T + u];
				all += e[u] = exp(dot / sqrt(D));
			}
			for (int d = 0; d < D; d++) {
				y[(head * D + d) * T + t] = 0;
				for (int u = 0; u < T; u++)
					y[(head * D + d) * T + t] += e[u] / all * v[d * T + u];
			}
		}
	free(e);
}

static inline void plain_run_node(const struct plain *p, int i)
{
	const struct net_node *o = &p->n->nodes[i], *in = &p->n->nodes[o->in[0]];
	const double *x = p->out[o->in[0]], *z = o->in[1] >= 0 ? p->out[o->in[1]] : NULL;
	const size_t n = net_node_size(o), before = net_node_size(in);
	double *y = p->out[i];

	switch (o->op) {
	case NET_CONV: plain_conv(p, o, in, x, y); break;
	case NET_BN: plain_bn(p, o, x, y); break;
	case NET_AVGPOOL:
	case NET_MAXPOOL: plain_pool(o, in, x, y); break;
	case NET_LINEAR: plain_linear(p, o, in, x, y); break;
	case NET_RELU:
	case NET_DROPOUT:
	case NET_FLATTEN:
		for (size_t k = 0; k < n; k++)
			y[k] = o->op == NET_RELU && x[k] < 0 ? 0 : x[k];
		break;
	case NET_ADD:
	case NET_CONCAT:
		for (size_t k = 0; k < n; k++)
			y[k] = o->op == NET_ADD ? x[k] + z[k] : k < before ? x[k] : z[k - before];
		break;
	case NET_ACT:
		for (size_t k = 0; k < n; k++)
			y[k] = plain_act(o->act, x[k]);
		break;
	case NET_MUL:
	case NET_SCALE:
		for (size_t k = 0; k < n; k++) {
			const size_t c = k / (n / (size_t)o->c);

			y[k] = x[k] * (o->op == NET_MUL ? z[c] : plain_weight(p, o, 0, c));
		}
		break;
	case NET_LAYERNORM: plain_layernorm(p, o, x, y); break;
	case NET_TOKENS: plain_tokens(p, o, x, y); break;
	case NET_ATTENTION: plain_attention(o, x, y); break;
	case NET_FIRST:
		for (size_t c = 0; c < n; c++)
			y[c] = x[c * (before / n)];
		break;
	case NET_PAD:
		for (size_t k = 0; k < n; k++) {
			const size_t skip = (n - before) / 2;

			y[k] = k < skip || k >= skip + before ? 0 : x[k - skip];
		}
		break;
	case NET_MEAN:
		for (size_t c = 0; c < n; c++) {
			y[c] = 0;
			for (size_t k = 0; k < before / n; k++)
				y[c] += x[c * (before / n) + k] / (double)(before / n);
		}
		break;
	case NET_GRAPH:
	case NET_INPUT: break;
	}
}

/* The outputs of all nodes for all images: want[node] (images, size), new memory. */
static inline float **nn_plain(struct net_checkpoint *c, const uint8_t *image, size_t images)
{
	const struct net *n = c->net;
	const size_t N = (size_t)n->n_nodes, size = net_node_size(&n->nodes[0]), hw = size / (size_t)n->c;
	struct plain p = { n, &c->state, calloc(N, sizeof *p.out) };
	float **want = calloc(N, sizeof *want);

	for (size_t i = 0; i < N; i++) {
		p.out[i] = malloc(net_node_size(&n->nodes[i]) * sizeof **p.out);
		want[i] = malloc(images * net_node_size(&n->nodes[i]) * sizeof **want);
	}
	for (size_t k = 0; k < images; k++) {
		for (size_t i = 0; i < size; i++)
			p.out[0][i] = (image[k * size + i] / 255.0 - c->mean[i / hw]) / c->std[i / hw];
		for (int i = 0; i < n->n_nodes; i++) {
			if (i > 0)
				plain_run_node(&p, i);
			for (size_t j = 0; j < net_node_size(&n->nodes[i]); j++)
				want[i][k * net_node_size(&n->nodes[i]) + j] = (float)p.out[i][j];
		}
	}
	for (size_t i = 0; i < N; i++)
		free(p.out[i]);
	free(p.out);
	return want;
}

static inline void nn_plain_free(const struct net *n, float **maps)
{
	for (int i = 0; maps && i < n->n_nodes; i++)
		free(maps[i]);
	free(maps);
}

#endif
