/* SPDX-License-Identifier: MIT
 * States: checks of values that come from elsewhere. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_graph.h"
#include "net/net_state.h"

static enum ts_type type_of(enum net_role role)
{
	return role == NET_BATCHES ? TS_I64 : TS_F32;
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

/* 0 times a finite number is 0, else NaN. Unlike a test of each number, this sum is made by vectors, and written as
 * such, since compilers do not do it by themselves at every level of optimisation. */
static bool all_finite(const float *v, size_t n)
{
	typedef float many __attribute__((vector_size(64), aligned(4), may_alias));
	many sum = { 0 };
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		sum += 0 * *(const many *)(v + i);
	for (; i < n; i++)
		sum[0] += 0 * v[i];
	for (size_t k = 1; k < 16; k++)
		sum[0] += sum[k];
	return sum[0] == 0;
}

size_t net_first_infinite(const struct ts_tensor *t)
{
	const size_t n = ts_tensor_count(t);
	size_t i = 0;

	if (t->type == TS_F32 && all_finite(t->data, n))
		return n;
	while (i < n && isfinite(ts_get(t->type, t->data, i)))
		i++;
	return i;
}

static int check_one(const struct net_param *p, const struct ts_tensor *t, bool finite, struct err *err)
{
	char want[TS_SHAPE], have[TS_SHAPE];
	size_t i;

	if (t->type != type_of(p->role) || t->ndim != p->ndim ||
	    memcmp(t->shape, p->shape, (size_t)p->ndim * sizeof *p->shape) != 0)
		return err_fail(err, "tensor '%s' is %s %s where the architecture has %s %s", p->name,
				ts_type_name(t->type), ts_shape_text(t->ndim, t->shape, have),
				ts_type_name(type_of(p->role)), ts_shape_text(p->ndim, p->shape, want));
	i = finite ? ts_tensor_count(t) : net_first_infinite(t);
	if (i < ts_tensor_count(t))
		return err_fail(err,
				"tensor '%s' holds a number that is not finite (element "
				"%zu): training had diverged, or the file is damaged",
				p->name, i);
	return 0;
}

int net_check_known(const struct net *n, struct ts_set *set, bool finite, struct err *err)
{
	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];
		struct ts_tensor *t = ts_set_get(set, p->name), swap;

		if (!t)
			return err_fail(err, "tensor '%s' of architecture %s is missing", p->name, n->spec);
		if (check_one(p, t, finite, err) < 0)
			return -1;
		swap = *t; /* names are distinct, so t is at i or after it */
		*t = set->t[i];
		set->t[i] = swap;
	}
	return 0;
}

int net_check(const struct net *n, struct ts_set *set, struct err *err)
{
	return net_check_known(n, set, false, err);
}

void net_hash(XXH3_state_t *x, const struct ts_tensor *t)
{
	XXH3_64bits_update(x, t->name, strlen(t->name) + 1);
	XXH3_64bits_update(x, t->data, ts_tensor_bytes(t));
}

/* A graph is identified by its file and the values that are used. */
static int hash_graph(XXH3_state_t *x, const struct net_checkpoint *c)
{
	static const char *const keys[] = { NET_GRAPH_FEATURES, NET_GRAPH_LOGITS };
	const struct ts_tensor *model = ts_set_get(&c->extra, NET_GRAPH_MODEL);
	int rc = 0;

	if (model)
		net_hash(x, model);
	for (size_t i = 0; i < 2 && rc >= 0; i++) {
		char *name = NULL;

		rc = ts_meta_get_str(&c->header.meta, keys[i], &name);
		if (rc == 1)
			XXH3_64bits_update(x, name, strlen(name) + 1);
		free(name);
	}
	return rc < 0 ? -1 : 0;
}

void net_identity_text(uint64_t sum, char id[17])
{
	snprintf(id, 17, "%016llx", (unsigned long long)sum);
}

/* The hash of the state's names and values, and of a graph's file. -1: out of memory. */
static int hash_state(XXH3_state_t *x, const struct net_checkpoint *c, char sum[17])
{
	int rc = 0;

	if (c->state_hash[0]) {
		memcpy(sum, c->state_hash, sizeof c->state_hash);
		return 0;
	}
	XXH3_64bits_reset(x);
	for (size_t i = 0; i < c->state.n; i++)
		net_hash(x, &c->state.t[i]);
	if (net_is_graph(c->net))
		rc = hash_graph(x, c);
	net_identity_text(XXH3_64bits_digest(x), sum);
	return rc;
}

/* What the network does with its values: its nodes, not its spec, as several may describe the same; the size of its
 * input, which a graph takes as it comes; and the normalisation in the precision in which it is done. */
static void hash_use(XXH3_state_t *x, const struct net_checkpoint *c)
{
	const struct net *n = c->net;
	const int size[] = { n->c, n->h, n->w };

	XXH3_64bits_update(x, size, net_is_graph(n) ? sizeof *size : sizeof size);
	for (int i = 0; i < n->n_nodes; i++) {
		const struct net_node *v = &n->nodes[i];
		const int does[] = { (int)v->op, v->in[0], v->in[1],    v->kernel, v->stride, v->pad,
				     v->groups,  v->heads, (int)v->act, v->bias,   v->affine };

		XXH3_64bits_update(x, does, sizeof does);
		XXH3_64bits_update(x, &v->eps, sizeof v->eps);
	}
	for (int i = 0; i < n->c; i++) {
		const float by[] = { (float)c->mean[i], (float)c->std[i] };
		XXH3_64bits_update(x, by, sizeof by);
	}
}

int net_identity(const struct net_checkpoint *c, char id[17])
{
	XXH3_state_t *x = XXH3_createState();
	char sum[17];
	int rc = x ? hash_state(x, c, sum) : -1;

	if (rc == 0) { /* the same values used otherwise compute something else */
		XXH3_64bits_reset(x);
		XXH3_64bits_update(x, sum, sizeof sum);
		hash_use(x, c);
		net_identity_text(XXH3_64bits_digest(x), id);
	}
	XXH3_freeState(x);
	return rc;
}
