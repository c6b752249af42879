/* SPDX-License-Identifier: MIT
 * Masks in checkpoints: their description in the header, and whether the tensors agree with it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/mask/net_mask.h"

/* A flag of the header; absent: false. */
static int get_flag(const struct ts_meta *m, const char *key, bool *ret)
{
	int64_t v = 0;

	if (ts_meta_get_int(m, key, &v) < 0 || v < 0 || v > 1)
		return -1;
	*ret = v != 0;
	return 0;
}

static int parse(struct net_mask *mask, const struct ts_meta *m, const char *kind, struct err *err)
{
	char *scope = NULL;
	int64_t seed = 0;
	int k = 1;

	while (net_mask_kinds[k] && strcmp(net_mask_kinds[k], kind) != 0)
		k++;
	if (!net_mask_kinds[k]) {
		return err_fail(err, "its header has a mask of unknown kind '%s'", kind);
	}
	mask->kind = (enum net_mask_kind)k;
	if (ts_meta_get_double(m, "keep", &mask->keep) != 1 || !(mask->keep >= 0 && mask->keep <= 1) ||
	    ts_meta_get_str(m, "mask_scope", &scope) != 1 ||
	    (strcmp(scope, net_mask_scopes[NET_SCOPE_LAYER]) != 0 &&
	     strcmp(scope, net_mask_scopes[NET_SCOPE_MODEL]) != 0) ||
	    get_flag(m, "dense_first", &mask->dense_first) < 0 || get_flag(m, "dense_last", &mask->dense_last) < 0 ||
	    ts_meta_get_int(m, "mask_seed", &seed) < 0) {
		err_fail(err, "its header describes its masks wrongly (meta 'keep', 'mask_scope', "
			      "'dense_first', 'dense_last', 'mask_seed')");
		free(scope);
		return -1;
	}
	mask->scope = strcmp(scope, net_mask_scopes[NET_SCOPE_MODEL]) == 0 ? NET_SCOPE_MODEL : NET_SCOPE_LAYER;
	mask->seed = (uint64_t)seed;
	free(scope);
	return 0;
}

/* Checks that there is an extra tensor `name` with the type and shape that go with parameter i. */
static int expect(const struct net_checkpoint *c, const char *name, enum ts_type type, int i, struct err *err)
{
	const struct ts_tensor *t = ts_set_get(&c->extra, name);
	const struct net_param *p = &c->net->params[i];

	if (!t || t->type != type || t->ndim != p->ndim ||
	    memcmp(t->shape, p->shape, (size_t)p->ndim * sizeof *p->shape) != 0) {
		return err_fail(err, "tensor '%s' of its masks is %s", name,
				t ? "of another type or shape than its weight" : "missing");
	}
	for (size_t k = 0; k < ts_tensor_count(t); k++) {
		const double v = ts_get(t->type, t->data, k);
		if (!isfinite(v) || (type == TS_U8 && v > 1)) {
			return err_fail(err, "tensor '%s' of its masks holds %s (element %zu)", name,
					type == TS_U8 ? "something other than 0 and 1" : "a number that is not finite",
					k);
		}
	}
	return 0;
}

/* The name and type of the extra tensor that goes with parameter i; false: there is none. */
static bool wanted(const struct net_checkpoint *c, int i, char *name, enum ts_type *type)
{
	const bool fixed = c->mask->kind == NET_MASK_FIXED;

	if (net_is_statistic(c->net, i)) {
		net_extra_name(c->net, i, NET_STATISTIC, name);
		*type = c->state.t[i].type;
		return true;
	}
	net_extra_name(c->net, i, fixed ? NET_FIXED : NET_SCORES, name);
	*type = fixed ? TS_U8 : TS_F32;
	return c->mask->kind != NET_MASK_WEIGHTS && net_is_masked(c->net, c->mask, i);
}

/* Fails with the name of a tensor that does not belong there. */
static int unknown(const struct net_checkpoint *c, struct err *err)
{
	for (size_t k = 0; k < c->extra.n; k++) {
		const char *have = c->extra.t[k].name;
		bool known = net_is_run_state(have);

		for (int i = 0; c->mask && i < c->net->n_params && !known; i++) {
			char name[NET_NAME] = "";
			enum ts_type type;
			if (net_is_statistic(c->net, i) || c->net->params[i].role == NET_WEIGHT)
				known = wanted(c, i, name, &type) && strcmp(name, have) == 0;
		}
		if (!known)
			return err_fail(err, "tensor '%s' is not part of architecture %s%s", have, c->net->spec,
					c->mask ? " or of its masks" : "");
	}
	return err_fail(err, "holds more tensors than architecture %s has", c->net->spec);
}

int net_mask_read(struct net_checkpoint *c, const struct ts_meta *m, struct err *err)
{
	char *kind = NULL, name[NET_NAME];
	size_t known = 0;
	int rc = 0, have = ts_meta_get_str(m, "mask", &kind);

	if (have < 0)
		return err_fail(err, "its header's 'mask' is not a name");
	if (have == 1 && !(c->mask = calloc(1, sizeof *c->mask))) {
		free(kind);
		return err_memory(err);
	}
	if (have == 1)
		rc = parse(c->mask, m, kind, err);
	for (int i = 0; have == 1 && i < c->net->n_params && rc == 0; i++) {
		enum ts_type type;

		if (!net_is_statistic(c->net, i) && c->net->params[i].role != NET_WEIGHT)
			continue;
		if (!wanted(c, i, name, &type))
			continue;
		rc = expect(c, name, type, i, err);
		known++;
	}
	for (size_t k = 0; k < c->extra.n; k++)
		known += net_is_run_state(c->extra.t[k].name);
	if (rc == 0 && known < c->extra.n)
		rc = unknown(c, err);
	free(kind);
	return rc;
}

int net_mask_write(const struct net_checkpoint *c, struct ts_meta *m)
{
	const struct net_mask *k = c->mask;

	return !k ? 0 :
	       ts_meta_set_str(m, "mask", net_mask_kinds[k->kind]) < 0 || ts_meta_set_double(m, "keep", k->keep) < 0 ||
			       ts_meta_set_str(m, "mask_scope", net_mask_scopes[k->scope]) < 0 ||
			       ts_meta_set_int(m, "dense_first", k->dense_first) < 0 ||
			       ts_meta_set_int(m, "dense_last", k->dense_last) < 0 ||
			       ts_meta_set_int(m, "mask_seed", (int64_t)k->seed) < 0 ?
		    -1 :
		    0;
}
