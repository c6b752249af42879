/* SPDX-License-Identifier: MIT
 * States: fresh values, and checks of values that came from elsewhere. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "net/net.h"

static enum ts_type type_of(enum net_role role)
{
	return role == NET_BATCHES ? TS_I64 : TS_F32;
}

static void fill(const struct net *n, const struct net_param *p, struct ts_rng *rng, float *v, size_t count)
{
	const struct net_node *node = &n->nodes[p->node];
	double fan = n->nodes[node->in[0]].c * (node->op == NET_CONV ? node->kernel * node->kernel : 1);

	for (size_t i = 0; i < count; i++) {
		if (p->role == NET_BIAS && (node->op == NET_CONV || n->params[node->param].ndim == 4))
			v[i] = 0; /* beside weights of He et al. */
		else if (node->op == NET_CONV || (node->op == NET_LINEAR && p->ndim == 4))
			v[i] = (float)(sqrt(2 / fan) * ts_rng_normal(rng));
		else if (node->op == NET_LINEAR)
			v[i] = (float)((2 * ts_rng_double(rng) - 1) / sqrt(fan));
		else
			v[i] = p->role == NET_GAMMA || p->role == NET_RUNNING_VAR;
	}
}

int net_init(const struct net *n, struct ts_rng *rng, struct ts_set *set)
{
	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];
		struct ts_tensor *t = ts_set_add(set, p->name, type_of(p->role), p->ndim, p->shape);

		if (!t)
			return -1;
		if (p->role != NET_BATCHES)
			fill(n, p, rng, t->data, ts_tensor_count(t));
	}
	return 0;
}

const size_t *net_shape(const struct ts_set *state, int ndim, const char *name, ...)
{
	char full[NET_NAME];
	va_list ap;

	va_start(ap, name);
	vsnprintf(full, sizeof full, name, ap);
	va_end(ap);
	const struct ts_tensor *t = ts_set_get(state, full);
	return t && t->ndim == ndim && ts_tensor_count(t) > 0 ? t->shape : NULL;
}

static int check_one(const struct net_param *p, const struct ts_tensor *t, struct err *err)
{
	char want[TS_SHAPE], have[TS_SHAPE];
	size_t n = ts_tensor_count(t);

	if (t->type != type_of(p->role) || t->ndim != p->ndim ||
	    memcmp(t->shape, p->shape, (size_t)p->ndim * sizeof *p->shape) != 0)
		return err_fail(err, "tensor '%s' is %s %s where the architecture has %s %s", p->name,
				ts_type_name(t->type), ts_shape_text(t->ndim, t->shape, have),
				ts_type_name(type_of(p->role)), ts_shape_text(p->ndim, p->shape, want));
	for (size_t i = 0; i < n; i++)
		if (!isfinite(ts_get(t->type, t->data, i)))
			return err_fail(err,
					"tensor '%s' holds a number that is not finite (element "
					"%zu): training had diverged, or the file is damaged",
					p->name, i);
	return 0;
}

int net_check(const struct net *n, struct ts_set *set, struct err *err)
{
	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];
		struct ts_tensor *t = ts_set_get(set, p->name), swap;

		if (!t)
			return err_fail(err, "tensor '%s' of architecture %s is missing", p->name, n->spec);
		if (check_one(p, t, err) < 0)
			return -1;
		swap = *t; /* names are distinct, so t is at i or behind */
		*t = set->t[i];
		set->t[i] = swap;
	}
	return 0;
}

int net_identity(const struct net_checkpoint *c, char id[17])
{
	XXH3_state_t *x = XXH3_createState();

	if (!x)
		return -1;
	XXH3_64bits_reset(x);
	for (size_t i = 0; i < c->state.n; i++) {
		const struct ts_tensor *t = &c->state.t[i];

		XXH3_64bits_update(x, t->name, strlen(t->name) + 1);
		XXH3_64bits_update(x, t->data, ts_tensor_bytes(t));
	}
	snprintf(id, 17, "%016llx", (unsigned long long)XXH3_64bits_digest(x));
	XXH3_freeState(x);
	return 0;
}
