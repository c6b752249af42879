/* SPDX-License-Identifier: MIT
 * Masked weights: w * mask, where the mask is hard and its gradient passes straight through to the values that it
 * follows (as in edge-popup and supermasks): with g = dL/d(w mask),
 *
 *	dL/dw = g mask      dL/ds = g w sgn(s) for learnt masks, g w p (1 - p) with p = sigmoid(s) for Bernoulli masks,
 *
 * and none for masks that follow the weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "um/um_internal.h"

/* The value that the mask of weight i follows. */
static const struct um_value *followed(const struct um_model *m, int i)
{
	return m->mask.kind == NET_MASK_WEIGHTS ? &m->v[i] : &m->v[m->extra[i]];
}

int um_mask_forward(struct um_model *m, struct err *err)
{
	const struct net *n = m->net;
	const float **v = calloc((size_t)n->n_params, sizeof *v);
	int rc = 0;

	if (!v)
		return err_memory(err);
	for (int i = 0; i < n->n_params; i++) {
		if (!m->host[i])
			continue;
		v[i] = followed(m, i)->v;
		if (m->mask.kind == NET_MASK_FIXED)
			memcpy(m->host[i], v[i], m->v[i].n * sizeof *v[i]);
	}
	if (m->mask.kind != NET_MASK_FIXED && net_mask_make(n, &m->mask, v, &m->mask_rng, m->host) < 0)
		rc = err_memory(err);
	for (int i = 0; i < n->n_params && rc == 0; i++) {
		float *to = m->host[i] ? um_exec_value(m->exec, i) : NULL;

		for (size_t k = 0; to && k < m->v[i].n; k++)
			to[k] = m->v[i].v[k] * m->host[i][k];
	}
	free(v);
	return rc;
}

/* d mask / ds. */
static double slope(enum net_mask_kind kind, double s)
{
	if (kind == NET_MASK_BERNOULLI) {
		const double p = 1 / (1 + exp(-s));

		return p * (1 - p);
	}
	return (s > 0) - (s < 0);
}

void um_mask_backward(struct um_model *m, bool add)
{
	for (int i = 0; i < m->net->n_params; i++) {
		struct um_value *w = &m->v[i], *s = m->extra[i] < 0 ? NULL : &m->v[m->extra[i]];
		float *g = m->host[i] ? um_exec_gradient(m->exec, i) : NULL;

		if (!g)
			continue;
		if (!add) {
			memset(w->gradient, 0, w->n * sizeof(float));
			if (s && s->gradient)
				memset(s->gradient, 0, s->n * sizeof(float));
		}
		for (size_t k = 0; k < w->n; k++) {
			w->gradient[k] += g[k] * m->host[i][k];
			if (s && s->gradient)
				s->gradient[k] +=
					(float)((double)(g[k] * w->v[k]) * slope(m->mask.kind, (double)s->v[k]));
			g[k] = 0; /* the next pass of this step starts from zero */
		}
	}
}
