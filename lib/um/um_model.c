/* SPDX-License-Identifier: MIT
 * A network on the device: runs the node list through the seam. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/um.h"

static enum th_type type_of(const struct ts_tensor *t)
{
	return t->type == TS_I64 ? TH_I64 : t->type == TS_U8 ? TH_U8 : TH_F32;
}

int um_open(const char *device, long threads, char *err)
{
	if (th_load(err, UM_ERR) < 0)
		return -1;
	if (th->open(device, (int)threads) < 0) {
		snprintf(err, UM_ERR, "cannot use device '%.32s': %.400s", device, th->last_error());
		return -1;
	}
	return 0;
}

int um_model_new(struct um_model **ret, const struct net_checkpoint *c, char *err)
{
	const struct net *n = c->net;
	struct um_model *m = calloc(1, sizeof *m);

	snprintf(err, UM_ERR, "out of memory");
	if (!m)
		return -1;
	m->net = n;
	m->param = calloc((size_t)n->n_params, sizeof *m->param);
	m->velocity = calloc((size_t)n->n_params, sizeof *m->velocity);
	m->out = calloc((size_t)n->n_nodes, sizeof *m->out);
	if (!m->param || !m->velocity || !m->out)
		goto fail;
	for (int i = 0; i < n->c; i++) {
		m->scale[i] = (float)(1 / (255 * c->std[i]));
		m->shift[i] = (float)(-c->mean[i] / c->std[i]);
	}
	for (int i = 0; i < n->n_params; i++) {
		const struct ts_tensor *t = &c->state.t[i];
		m->param[i] = th->tensor_new(type_of(t), t->ndim, t->shape, t->data);
		if (!m->param[i]) {
			snprintf(err, UM_ERR, "%s", th->last_error());
			goto fail;
		}
	}
	*ret = m;
	return 0;
fail:
	um_model_free(m);
	return -1;
}

void um_model_free(struct um_model *m)
{
	if (!m)
		return;
	for (int i = 0; i < m->net->n_params; i++) {
		if (m->param)
			th->tensor_free(m->param[i]);
		if (m->velocity)
			th->tensor_free(m->velocity[i]);
	}
	free(m->param);
	free(m->velocity);
	free(m->out);
	free(m);
}

int um_model_train(struct um_model *m, char *err)
{
	for (int i = 0; i < m->net->n_params; i++) {
		const struct net_param *p = &m->net->params[i];

		if (!net_trained(p->role))
			continue;
		m->velocity[i] = th->tensor_new(TH_F32, p->ndim, p->shape, NULL);
		if (!m->velocity[i] || th->tensor_track(m->param[i]) < 0) {
			snprintf(err, UM_ERR, "%s", th->last_error());
			return -1;
		}
	}
	return 0;
}

int um_model_state(const struct um_model *m, struct ts_set *state, char *err)
{
	for (int i = 0; i < m->net->n_params; i++)
		if (th->tensor_get(m->param[i], state->t[i].data) < 0) {
			snprintf(err, UM_ERR, "%s", th->last_error());
			return -1;
		}
	return 0;
}

/* Batch norm's parameters are gamma and beta, if affine, then mean, variance, batches. */
static struct th_tensor *run_bn(struct th_scope *s, struct um_model *m, const struct net_node *node,
				struct th_tensor *x, bool train)
{
	struct th_tensor **p = m->param + node->param;
	struct th_tensor *gamma = node->affine ? *p++ : NULL, *beta = node->affine ? *p++ : NULL;

	return th->batch_norm(s, x, gamma, beta, p[0], p[1], train, 0.1, 1e-5);
}

static struct th_tensor *run_node(struct th_scope *s, struct um_model *m,
				  const struct net_node *node, bool train)
{
	struct th_tensor *x = m->out[node->in[0]];
	struct th_tensor **p = node->param < 0 ? NULL : m->param + node->param;

	switch (node->op) {
	case NET_CONV:
		return th->conv2d(s, x, p[0], node->bias ? p[1] : NULL, node->stride, node->pad);
	case NET_BN:
		return run_bn(s, m, node, x, train);
	case NET_RELU:
		return th->relu_(s, x);
	case NET_DROPOUT:
		return train && m->dropout > 0 ? th->dropout(s, x, m->dropout) : x;
	case NET_CONCAT:
		return th->concat(s, x, m->out[node->in[1]]);
	case NET_ADD:
		return th->add(s, x, m->out[node->in[1]]);
	case NET_AVGPOOL:
		return th->avg_pool(s, x, node->kernel);
	case NET_MEAN:
		return th->mean_hw(s, x);
	case NET_LINEAR:
		return th->linear(s, x, p[0], node->bias ? p[1] : NULL);
	case NET_INPUT:
		break;
	}
	return NULL;
}

struct th_tensor *um_forward(struct th_scope *s, struct um_model *m, struct th_tensor *pixels,
			     bool train, struct th_tensor **features)
{
	const struct net *n = m->net;
	struct th_tensor **out = m->out;

	out[0] = th->channel_affine(s, pixels, m->scale, m->shift);
	th->release(s, pixels);
	for (int i = 1; i < n->n_nodes; i++) {
		const struct net_node *node = &n->nodes[i];

		out[i] = run_node(s, m, node, train);
		/* What nobody reads any more goes at once: a smaller working set is a faster
		 * one. */
		for (int k = 0; k < 2; k++) {
			int in = node->in[k];
			if (in >= 0 && in != n->feature && n->nodes[in].last_use == i && out[in] != out[i])
				th->release(s, out[in]);
		}
	}
	if (features)
		*features = out[n->feature];
	return out[n->head];
}

int um_embed(struct um_model *m, const uint8_t *image, size_t n, size_t chunk, float *logits,
	     float *features, char *err)
{
	const struct net *net = m->net;
	const size_t row = (size_t)net->c * (size_t)net->h * (size_t)net->w;
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;

	for (size_t i = 0; i < n; i += chunk) {
		const size_t k = n - i < chunk ? n - i : chunk;
		const size_t shape[4] = { k, (size_t)net->c, (size_t)net->h, (size_t)net->w };
		struct th_scope *s = th->scope_begin(false);
		struct th_tensor *f, *x = th->from_host(s, TH_U8, 4, shape, image + i * row);
		struct th_tensor *z = um_forward(s, m, x, false, &f);

		th->to_host(s, z, logits + i * C, k * C);
		if (features)
			th->to_host(s, f, features + i * D, k * D);
		if (th->scope_end(s) < 0) {
			snprintf(err, UM_ERR, "%s", th->last_error());
			return -1;
		}
	}
	for (size_t i = 0; i < n * C; i++)
		if (!isfinite(logits[i])) {
			snprintf(err, UM_ERR, "the model's output is not finite for row %zu", i / C);
			return -1;
		}
	return 0;
}
