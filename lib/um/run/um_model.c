/* SPDX-License-Identifier: MIT
 * A network on the device: runs the node list through the seam. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/um_internal.h"

static enum th_type type_of(const struct ts_tensor *t)
{
	return t->type == TS_I64 ? TH_I64 : t->type == TS_U8 ? TH_U8 : TH_F32;
}

int um_open(const char *device, long threads, struct err *err)
{
	if (th_load(err) < 0)
		return -1;
	if (th->open(device, (int)threads) < 0) {
		return err_fail(err, "cannot use device '%.32s': %s%s", device, th->last_error(),
				strncmp(device, "cuda", 4) == 0 ? "; --device cpu needs none" : "");
	}
	return 0;
}

/* Adds the value of a tensor; masks travel as bytes and are used as floats. */
static int add_value(struct um_model *m, const struct ts_tensor *t, bool as_float, struct err *err)
{
	struct um_value *v = &m->v[m->n++];
	const size_t n = ts_tensor_count(t);
	float *f = NULL;

	snprintf(v->name, sizeof v->name, "%.90s", t->name);
	if (as_float && !(f = malloc((n ? n : 1) * sizeof *f)))
		return err_memory(err);
	for (size_t k = 0; f && k < n; k++)
		f[k] = (float)ts_get(t->type, t->data, k);
	v->t = th->tensor_new(as_float ? TH_F32 : type_of(t), t->ndim, t->shape, f ? (void *)f : t->data);
	free(f);
	return v->t ? 0 : err_fail(err, "%s", th->last_error());
}

/* What the masks add: scores or fixed masks of the weights, statistics of the masked network. */
static int add_masks(struct um_model *m, const struct net_checkpoint *c, struct err *err)
{
	const struct net *n = c->net;
	char name[NET_NAME];

	m->mask = *c->mask;
	m->mask_rng = ts_rng_new(m->mask.seed, UM_RNG_MASK);
	for (int i = 0; i < n->n_params; i++) {
		const bool masked = net_is_masked(n, &m->mask, i), fixed = m->mask.kind == NET_MASK_FIXED;

		if (masked && !(m->host[i] = malloc(ts_tensor_bytes(&c->state.t[i]))))
			return err_memory(err);
		if (!net_is_statistic(n, i) && (!masked || m->mask.kind == NET_MASK_WEIGHTS))
			continue;
		net_extra_name(n, i, net_is_statistic(n, i) ? NET_STATISTIC : fixed ? NET_FIXED : NET_SCORES, name);
		m->extra[i] = m->n;
		if (add_value(m, ts_set_get(&c->extra, name), masked, err) < 0)
			return -1;
		if (!masked)
			m->use[i] = m->v[m->extra[i]].t;
	}
	return 0;
}

static struct um_model *allocate(const struct net *n)
{
	const size_t P = (size_t)n->n_params;
	struct um_model *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->net = n;
	m->bn_momentum = 0.1;
	m->v = calloc(2 * P, sizeof *m->v);
	m->extra = calloc(P, sizeof *m->extra);
	m->use = calloc(P, sizeof *m->use);
	m->host = calloc(P, sizeof *m->host);
	m->out = calloc((size_t)n->n_nodes, sizeof *m->out);
	if (m->v && m->extra && m->use && m->host && m->out)
		return m;
	um_model_free(m);
	return NULL;
}

/* Pixels become (pixel / 255 - mean) / std: by one scale and one shift for each channel. */
static int add_normalisation(struct um_model *m, const struct net_checkpoint *c, struct err *err)
{
	const size_t channels = (size_t)m->net->c;
	float shift[4] = { 0 };

	for (size_t i = 0; i < channels; i++) {
		m->scale[i] = (float)(1 / (255 * c->std[i]));
		shift[i] = (float)(-c->mean[i] / c->std[i]);
	}
	m->affine[0] = th->tensor_new(TH_F32, 1, &channels, m->scale);
	m->affine[1] = th->tensor_new(TH_F32, 1, &channels, shift);
	return m->affine[0] && m->affine[1] ? 0 : err_fail(err, "%s", th->last_error());
}

int um_model_new(struct um_model **ret, const struct net_checkpoint *c, struct err *err)
{
	struct um_model *m = allocate(c->net);
	int rc;

	if (!m)
		return err_memory(err);
	rc = add_normalisation(m, c, err);
	for (int i = 0; i < c->net->n_params && rc == 0; i++) {
		rc = add_value(m, &c->state.t[i], false, err);
		m->use[i] = m->v[i].t;
		m->extra[i] = -1;
	}
	if (rc == 0 && c->mask)
		rc = add_masks(m, c, err);
	if (rc == 0)
		*ret = m;
	else
		um_model_free(m);
	return rc;
}

void um_model_free(struct um_model *m)
{
	if (!m)
		return;
	for (int i = 0; m->v && i < m->n; i++) {
		th->tensor_free(m->v[i].t);
		th->tensor_free(m->v[i].first);
		th->tensor_free(m->v[i].second);
		th->tensor_free(m->v[i].average);
	}
	for (int i = 0; m->host && i < m->net->n_params; i++)
		free(m->host[i]);
	th->tensor_free(m->affine[0]);
	th->tensor_free(m->affine[1]);
	free(m->v);
	free(m->extra);
	free(m->use);
	free(m->host);
	free(m->out);
	free(m);
}

int um_model_bf16(struct um_model *m, struct err *err)
{
	for (int i = 1; i <= m->net->feature; i++) {
		const struct net_node *node = &m->net->nodes[i];
		const int n = node->op == NET_CONV || node->op == NET_LINEAR ? 1 + node->bias : 0;

		for (int k = 0; k < n; k++)
			if (th->tensor_cast(m->v[node->param + k].t, TH_BF16) < 0)
				return err_fail(err, "%s", th->last_error());
	}
	m->bf16 = true;
	return 0;
}

int um_model_state(const struct um_model *m, struct net_checkpoint *c, struct err *err)
{
	for (int i = 0; i < m->n; i++) {
		const struct um_value *v = &m->v[i];
		struct ts_tensor *t = i < m->net->n_params ? &c->state.t[i] : ts_set_get(&c->extra, v->name);

		if (t->type == TS_U8) /* a fixed mask is as it was */
			continue;
		if (th->tensor_get(v->average ? v->average : v->t, t->data) < 0)
			return err_fail(err, "%s", th->last_error());
	}
	return 0;
}

/* Batch norm's parameters are gamma and beta, if affine, then mean, variance, batches. */
static struct th_tensor *run_bn(struct th_scope *s, struct um_model *m, const struct net_node *node,
				struct th_tensor *x, bool train)
{
	struct th_tensor **p = m->use + node->param;
	struct th_tensor *gamma = node->affine ? *p++ : NULL, *beta = node->affine ? *p++ : NULL;

	return th->batch_norm(s, x, gamma, beta, p[0], p[1], train, m->bn_momentum, 1e-5);
}

/* in_place: the node's input may be overwritten. */
static struct th_tensor *run_node(struct th_scope *s, struct um_model *m, const struct net_node *node, bool train,
				  bool in_place)
{
	struct th_tensor *x = m->out[node->in[0]];
	struct th_tensor **p = node->param < 0 ? NULL : m->use + node->param;

	switch (node->op) {
	case NET_CONV: return th->conv2d(s, x, p[0], node->bias ? p[1] : NULL, node->stride, node->pad);
	case NET_BN: return run_bn(s, m, node, x, train);
	case NET_RELU: return in_place ? th->relu_(s, x) : th->relu(s, x);
	case NET_DROPOUT: return train && m->dropout > 0 ? th->dropout(s, x, m->dropout) : x;
	case NET_CONCAT: return th->concat(s, x, m->out[node->in[1]]);
	case NET_ADD: return th->add(s, x, m->out[node->in[1]]);
	case NET_AVGPOOL: return th->avg_pool(s, x, node->kernel);
	case NET_MAXPOOL: return th->max_pool(s, x, node->kernel, node->stride, node->pad);
	case NET_FLATTEN: return th->flatten(s, x);
	case NET_MEAN: return th->mean_hw(s, x);
	case NET_LINEAR: return th->linear(s, x, p[0], node->bias ? p[1] : NULL);
	case NET_INPUT: break;
	}
	return NULL;
}

/* Is i's output one that is to stay as it is? Dropout in evaluation hands its input on, so that two
 * nodes share a tensor. */
static bool is_kept(const struct net *n, const bool *keep, int i)
{
	while (!keep[i] && n->nodes[i].op == NET_DROPOUT)
		i = n->nodes[i].in[0];
	return keep[i];
}

struct th_tensor *um_run(struct th_scope *s, struct um_model *m, int from, int to, const bool *keep, bool train)
{
	const struct net *n = m->net;
	struct th_tensor **out = m->out;

	for (int i = from + 1; i <= to; i++) {
		const struct net_node *node = &n->nodes[i];

		out[i] = run_node(s, m, node, train, !keep || !is_kept(n, keep, node->in[0]));
		if (m->bf16 && i == n->feature)
			out[i] = th->cast(s, out[i], TH_F32);
		/* What nobody reads any more goes at once: a smaller working set is a faster
		 * one. */
		for (int k = 0; k < 2; k++) {
			int in = node->in[k];
			if (in >= 0 && in != n->feature && n->nodes[in].last_use == i && out[in] != out[i] &&
			    !(keep && is_kept(n, keep, in)))
				th->release(s, out[in]);
		}
	}
	return out[to];
}

struct th_tensor *um_forward(struct th_scope *s, struct um_model *m, struct th_tensor *pixels, bool train,
			     struct th_tensor **features)
{
	struct th_tensor *logits;

	if (m->mask.kind && um_mask_weights(s, m) < 0)
		return NULL;
	m->out[0] = th->channel_affine(s, pixels, m->affine[0], m->affine[1]);
	th->release(s, pixels);
	logits = um_run(s, m, 0, m->net->head, NULL, train);
	if (features)
		*features = m->out[m->net->feature];
	return logits;
}

int um_embed(struct um_model *m, const uint8_t *image, size_t n, size_t chunk, bool train, float *logits,
	     float *features, struct err *err)
{
	const struct net *net = m->net;
	const size_t row = (size_t)net->c * (size_t)net->h * (size_t)net->w;
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;

	for (size_t i = 0; i < n; i += chunk) {
		const size_t k = n - i < chunk ? n - i : chunk;
		const size_t shape[4] = { k, (size_t)net->c, (size_t)net->h, (size_t)net->w };
		struct th_scope *s = th->scope_begin(false);
		struct th_tensor *f, *x = th->from_host(s, TH_U8, 4, shape, image + i * row);
		struct th_tensor *z = um_forward(s, m, x, train, &f);

		th->to_host(s, z, logits + i * C, k * C);
		if (features)
			th->to_host(s, f, features + i * D, k * D);
		if (th->scope_end(s) < 0)
			return err_fail(err, "%s", th->last_error());
	}
	for (size_t i = 0; i < n * C; i++)
		if (!isfinite(logits[i]))
			return err_fail(err, "the model's output is not finite for row %zu", i / C);
	return 0;
}
