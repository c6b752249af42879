/* SPDX-License-Identifier: MIT
 * Masked weights: w * mask, where the mask is hard and its gradient goes straight through to what it
 * follows (methods of edge-popup and supermasks). */
#include <stdlib.h>

#include "um/um.h"

/* The tensor that the mask of weight i follows. */
static struct um_value *followed(struct um_model *m, int i)
{
	return m->mask.kind == NET_MASK_WEIGHTS ? &m->v[i] : &m->v[m->extra[i]];
}

/* mask (host values) as a tensor of s whose gradient reaches the scores: d|s|/ds = sign(s) for learnt
 * masks, the sigmoid's derivative for Bernoulli masks; none for masks that follow the weights. */
static struct th_tensor *differentiable(struct th_scope *s, struct um_model *m, int i)
{
	const struct net_param *p = &m->net->params[i];
	const struct th_tensor *score = followed(m, i)->t;
	struct th_tensor *mask = th->from_host(s, TH_F32, p->ndim, p->shape, m->host[i]);

	switch (m->mask.kind) {
	case NET_MASK_SCORES: return th->straight_through(s, mask, th->abs(s, score));
	case NET_MASK_BERNOULLI: return th->straight_through(s, mask, th->sigmoid(s, score));
	default: return mask;
	}
}

int um_mask_weights(struct th_scope *s, struct um_model *m)
{
	const struct net *n = m->net;
	const float **v = calloc((size_t)n->n_params, sizeof *v);
	int rc = v ? 0 : -1;

	for (int i = 0; i < n->n_params && rc == 0; i++) {
		if (!m->host[i])
			continue;
		rc = th->tensor_get(followed(m, i)->t, m->host[i]);
		v[i] = m->host[i];
	}
	/* Masks are made in place of the values that they follow. */
	if (rc == 0 && m->mask.kind != NET_MASK_FIXED)
		rc = net_mask_make(n, &m->mask, v, &m->mask_rng, m->host);
	for (int i = 0; i < n->n_params && rc == 0; i++)
		if (m->host[i])
			m->use[i] = th->mul(s, m->v[i].t, differentiable(s, m, i));
	free(v);
	return rc;
}
