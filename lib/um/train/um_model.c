/* SPDX-License-Identifier: MIT
 * A network's values in training, and its passes through the executor. Values that the executor uses directly lie in
 * its memory. Weights behind a mask, and the statistics of the full network from which a masked one is cut, lie in the
 * model's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/run/um_flat.h"
#include "um/train/um_ranks.h"
#include "um/um_internal.h"

/* Adds the value of a tensor. at: the executor's place for it; NULL: it gets its own. */
static int add_value(struct um_model *m, const struct ts_tensor *t, float *at, struct err *err)
{
	struct um_value *v = &m->v[m->n++];

	snprintf(v->name, sizeof v->name, "%s", t->name);
	v->n = ts_tensor_count(t);
	if (t->type == TS_I64) {
		v->batches = ((const int64_t *)t->data)[0];
		return 0;
	}
	v->own = !at;
	v->v = at ? at : malloc((v->n + 1) * sizeof *v->v);
	if (!v->v)
		return err_memory(err);
	for (size_t k = 0; k < v->n; k++) /* fixed masks are bytes */
		v->v[k] = (float)ts_get(t->type, t->data, k);
	return 0;
}

/* Does the executor use parameter i directly? */
static bool used(const struct um_model *m, const struct net_checkpoint *c, int i)
{
	return !c->mask || !(net_is_masked(m->net, c->mask, i) || net_is_statistic(m->net, i));
}

/* Adds the values of masks: scores or fixed masks of the weights, statistics of the masked network. */
static int add_masks(struct um_model *m, const struct net_checkpoint *c, struct err *err)
{
	const struct net *n = c->net;
	char name[NET_NAME];

	m->mask = *c->mask;
	m->mask_rng = ts_rng_new(m->mask.seed, UM_RNG_MASK);
	for (int i = 0; i < n->n_params; i++) {
		const bool masked = net_is_masked(n, &m->mask, i), fixed = m->mask.kind == NET_MASK_FIXED;

		if (masked && !(m->host[i] = malloc(m->v[i].n * sizeof *m->host[i])))
			return err_memory(err);
		if (!net_is_statistic(n, i) && (!masked || m->mask.kind == NET_MASK_WEIGHTS))
			continue;
		net_extra_name(n, i, net_is_statistic(n, i) ? NET_STATISTIC : fixed ? NET_FIXED : NET_SCORES, name);
		m->extra[i] = m->n;
		if (add_value(m, ts_set_get(&c->extra, name), masked ? NULL : um_exec_value(m->exec, i), err) < 0)
			return -1;
	}
	return 0;
}

/* Gradients: the executor's, or the model's own for what is behind a mask. */
static int add_gradients(struct um_model *m, struct err *err)
{
	for (int i = 0; i < m->net->n_params; i++) {
		struct um_value *v = &m->v[i], *score = m->extra[i] < 0 ? NULL : &m->v[m->extra[i]];

		if (!net_trained(m->net->params[i].role))
			continue;
		v->own_gradient = m->host[i];
		v->gradient = m->host[i] ? calloc(v->n, sizeof(float)) : um_exec_gradient(m->exec, i);
		if (score && m->mask.kind != NET_MASK_FIXED) {
			score->own_gradient = true;
			score->gradient = calloc(score->n, sizeof(float));
		}
		if (!v->gradient || (score && m->mask.kind != NET_MASK_FIXED && !score->gradient))
			return err_memory(err);
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
	m->v = calloc(2 * P, sizeof *m->v);
	m->extra = calloc(P, sizeof *m->extra);
	m->host = calloc(P, sizeof *m->host);
	if (m->v && m->extra && m->host)
		return m;
	um_model_free(m);
	return NULL;
}

int um_model_new(struct um_model **ret, const struct net_checkpoint *c, const struct um_exec_options *o,
		 struct err *err)
{
	struct um_model *m = allocate(c->net);
	int rc;

	*ret = NULL;
	if (!m)
		return err_memory(err);
	rc = um_exec_new(&m->exec, c, o, err);
	for (int i = 0; i < c->net->n_params && rc == 0; i++) {
		rc = add_value(m, &c->state.t[i], used(m, c, i) ? um_exec_value(m->exec, i) : NULL, err);
		m->extra[i] = -1;
	}
	if (rc == 0 && c->mask)
		rc = add_masks(m, c, err);
	if (rc == 0)
		rc = add_gradients(m, err);
	if (rc == 0 && o->team)
		rc = um_ranks_new(&m->ranks, m, o->team, o->sync_bn, err);
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
		struct um_value *v = &m->v[i];

		if (v->own)
			free(v->v);
		if (v->own_gradient)
			free(v->gradient);
		free(v->first);
		free(v->second);
		free(v->average);
	}
	for (int i = 0; m->host && i < m->net->n_params; i++)
		free(m->host[i]);
	um_flat_end(m);
	um_exec_free(m->exec);
	um_ranks_free(m->ranks);
	free(m->v);
	free(m->extra);
	free(m->host);
	free(m);
}

int um_model_state(const struct um_model *m, struct net_checkpoint *c, struct err *err)
{
	if (um_flat_fetch(m, err) < 0)
		return -1;
	for (int i = 0; i < m->n; i++) {
		const struct um_value *v = &m->v[i];
		struct ts_tensor *t = i < m->net->n_params ? &c->state.t[i] : ts_set_get(&c->extra, v->name);

		if (!t)
			return err_fail(err, "the checkpoint lacks '%s', which the model has", v->name);
		if (t->type == TS_I64)
			((int64_t *)t->data)[0] = v->batches;
		else if (t->type == TS_F32) /* a fixed mask has not changed */
			memcpy(t->data, v->average ? v->average : v->v, v->n * sizeof *v->v);
	}
	return 0;
}

int um_model_forward(struct um_model *m, const uint8_t *image, size_t n, enum um_pass_mode mode, bool back,
		     float *logits, float *features, struct err *err)
{
	if (m->mask.kind != NET_MASK_NONE && um_mask_forward(m, err) < 0)
		return -1;
	return um_exec_forward(m->exec, image, n, mode, m->seed++, back, logits, features, err);
}

int um_model_backward(struct um_model *m, const float *dlogits, bool add, struct err *err)
{
	if (um_exec_backward(m->exec, dlogits, NULL, NULL, add, err) < 0)
		return -1;
	if (m->mask.kind != NET_MASK_NONE)
		um_mask_backward(m, add);
	return 0;
}

int um_embed(struct um_model *m, const uint8_t *image, size_t n, enum um_pass_mode mode, float *logits, float *features,
	     struct err *err)
{
	const struct net *net = m->net;
	const size_t row = net_node_size(&net->nodes[0]), chunk = um_exec_batch(m->exec);
	const size_t C = (size_t)net->classes, D = (size_t)net->nodes[net->feature].c;
	size_t from = 0, to = n;

	if (m->ranks && mode == UM_EVALUATION)
		um_ranks_share(m->ranks, n, &from, &to);
	for (size_t i = from; i < to; i += chunk)
		if (um_model_forward(m, image + i * row, to - i < chunk ? to - i : chunk, mode, false, logits + i * C,
				     features ? features + i * D : NULL, err) < 0)
			return -1;
	if (m->ranks && mode == UM_EVALUATION && um_ranks_rows(m->ranks, n, logits, features, err) < 0)
		return -1;
	for (size_t i = 0; i < n * C; i++)
		if (!isfinite(logits[i]))
			return err_fail(err, "the model's output is not finite for row %zu", i / C);
	return 0;
}
