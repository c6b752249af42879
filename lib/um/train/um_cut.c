/* SPDX-License-Identifier: MIT
 * Masks that are computed once and stay fixed. */
#include <stdlib.h>

#include "um/um.h"

/* One array for each weight that has a mask, NULL for the others. */
static float **new_values(const struct net_checkpoint *c, const struct net_mask *mask)
{
	const struct net *n = c->net;
	float **v = calloc((size_t)n->n_params, sizeof *v);
	bool full = v;

	for (int i = 0; i < n->n_params && full; i++)
		full = !net_is_masked(n, mask, i) || (v[i] = malloc(ts_tensor_bytes(&c->state.t[i])));
	if (full)
		return v;
	for (int i = 0; i < n->n_params && v; i++)
		free(v[i]);
	free(v);
	return NULL;
}

static int sensitivities(const struct net_checkpoint *c, const struct um_data *d, const struct um_exec_options *o,
			 float **v, struct err *err)
{
	struct um_exec_options how = *o;
	struct um_model *m = NULL;
	int rc;

	how.batch = how.batch < d->n ? how.batch : d->n;
	rc = um_model_new(&m, c, &how, err);
	if (rc == 0)
		rc = um_snip(m, d, v, err);
	um_model_free(m);
	return rc;
}

/* Sets v to weights, or to random numbers. */
static void fill(const struct net_checkpoint *c, enum um_cut_by by, uint64_t seed, float **v)
{
	struct ts_rng rng = ts_rng_new(seed, UM_RNG_MASK);

	for (int i = 0; i < c->net->n_params; i++) {
		const struct ts_tensor *t = &c->state.t[i];

		for (size_t k = 0; v[i] && k < ts_tensor_count(t); k++)
			v[i][k] = by == UM_CUT_RANDOM ? (float)ts_rng_double(&rng) : ((float *)t->data)[k];
	}
}

/* The fixed mask of parameter i: ones where v is not 0. */
static void set_mask(struct net_checkpoint *c, int i, const float *v)
{
	char name[NET_NAME];
	struct ts_tensor *t;

	net_extra_name(c->net, i, NET_FIXED, name);
	t = ts_set_get(&c->extra, name);
	for (size_t k = 0; k < ts_tensor_count(t); k++)
		((uint8_t *)t->data)[k] = v[k] != 0;
}

int um_cut(struct net_checkpoint *c, const struct net_mask *mask, enum um_cut_by by, const struct um_data *d,
	   const struct um_exec_options *o, struct err *err)
{
	float **v = new_values(c, mask);
	int rc = v ? 0 : err_memory(err);

	if (rc == 0 && by == UM_CUT_SNIP)
		rc = sensitivities(c, d, o, v, err);
	else if (rc == 0)
		fill(c, by, mask->seed, v);
	if (rc == 0 && net_mask_make(c->net, mask, (const float *const *)v, NULL, v) < 0)
		rc = err_memory(err);
	if (rc == 0)
		rc = net_mask_add(c, mask, NULL, err);
	for (int i = 0; i < c->net->n_params && v; i++) {
		if (rc == 0 && v[i])
			set_mask(c, i, v[i]);
		free(v[i]);
	}
	free(v);
	return rc;
}
