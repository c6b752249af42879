/* SPDX-License-Identifier: MIT
 * Masks: which weights are kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/mask/net_mask.h"

const char *const net_mask_kinds[] = { "none", "scores", "weights", "bernoulli", "fixed", NULL };
const char *const net_mask_scopes[] = { [NET_SCOPE_LAYER] = "layer", [NET_SCOPE_MODEL] = "model" };

size_t net_cut(double keep, size_t n)
{
	return (size_t)((1 - keep) * (double)n);
}

bool net_is_masked(const struct net *n, const struct net_mask *m, int i)
{
	int first = 0;

	while (first < n->n_params && n->params[first].role != NET_WEIGHT)
		first++;
	return n->params[i].role == NET_WEIGHT && !(m->dense_first && i == first) &&
	       !(m->dense_last && n->params[i].node == n->head);
}

bool net_is_statistic(const struct net *n, int i)
{
	return !net_trained(n->params[i].role);
}

void net_extra_name(const struct net *n, int i, enum net_extra what, char *buf)
{
	const char *name = n->params[i].name;
	size_t len = strlen(name);

	if (what == NET_STATISTIC)
		net_name(buf, "masked.%s", name);
	else
		net_name(buf, "%.*s.%s", (int)(len - strlen(".weight")), name, what == NET_SCORES ? "scores" : "mask");
}

/* ---- cutting ---- */

static int compare(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* The k-th smallest (from 0) of v, which is reordered: quickselect, finished by sorting once few are left. */
static float kth(float *v, size_t n, size_t k)
{
	while (n > 64) {
		const float a = v[n / 4], b = v[n / 2], c = v[3 * (n / 4)];
		const float pivot = fmaxf(fminf(a, b), fminf(fmaxf(a, b), c));
		size_t lo = 0, mid = 0, hi = n;

		while (mid < hi) { /* smaller, equal, larger */
			const float x = v[mid];
			if (x < pivot) {
				v[mid++] = v[lo];
				v[lo++] = x;
			} else if (x > pivot) {
				v[mid] = v[--hi];
				v[hi] = x;
			} else {
				mid++;
			}
		}
		if (k >= lo && k < hi)
			return pivot;
		if (k < lo) {
			n = lo;
		} else {
			v += hi;
			n -= hi;
			k -= hi;
		}
	}
	qsort(v, n, sizeof *v, compare);
	return v[k];
}

/* A vector that lies in several pieces. */
struct pieces {
	const float *const *v; /* NULL ones are skipped */
	float *const *mask;
	const size_t *count;
	int from, to;
	size_t n; /* length of all together */
};

static int cut_smallest(const struct pieces *p, size_t cut)
{
	float *copy = malloc((p->n ? p->n : 1) * sizeof *copy), limit;
	size_t below = 0, equal;

	if (!copy)
		return -1;
	for (int i = p->from; i < p->to; i++)
		for (size_t k = 0; p->v[i] && k < p->count[i]; k++)
			copy[below++] = fabsf(p->v[i][k]);
	limit = cut == 0 ? -1 : kth(copy, p->n, cut - 1);
	below = 0;
	for (int i = p->from; i < p->to; i++)
		for (size_t k = 0; p->v[i] && k < p->count[i]; k++)
			below += fabsf(p->v[i][k]) < limit;
	equal = cut - below; /* of those at the threshold, the first ones */
	for (int i = p->from; i < p->to; i++)
		for (size_t k = 0; p->v[i] && k < p->count[i]; k++) {
			const float x = fabsf(p->v[i][k]);
			const bool off = x < limit || (x == limit && equal > 0);

			equal -= off && x == limit;
			p->mask[i][k] = !off;
		}
	free(copy);
	return 0;
}

static size_t count_of(const struct net *n, int i)
{
	size_t count = 1;
	for (int d = 0; d < n->params[i].ndim; d++)
		count *= n->params[i].shape[d];
	return count;
}

static void draw(size_t n, const float *score, struct ts_rng *rng, float *mask)
{
	for (size_t k = 0; k < n; k++)
		mask[k] = ts_rng_double(rng) < 1 / (1 + exp(-(double)score[k]));
}

int net_mask_make(const struct net *n, const struct net_mask *m, const float *const *v, struct ts_rng *rng,
		  float *const *mask)
{
	size_t *count = calloc((size_t)n->n_params, sizeof *count), all = 0;
	int rc = count ? 0 : -1;

	for (int i = 0; rc == 0 && i < n->n_params; i++) {
		count[i] = v[i] ? count_of(n, i) : 0;
		all += count[i];
		if (!v[i])
			continue;
		if (m->kind == NET_MASK_BERNOULLI)
			draw(count[i], v[i], rng, mask[i]);
		else if (m->scope == NET_SCOPE_LAYER)
			rc = cut_smallest(&(struct pieces){ v, mask, count, i, i + 1, count[i] },
					  net_cut(m->keep, count[i]));
	}
	if (rc == 0 && m->kind != NET_MASK_BERNOULLI && m->scope == NET_SCOPE_MODEL)
		rc = cut_smallest(&(struct pieces){ v, mask, count, 0, n->n_params, all }, net_cut(m->keep, all));
	free(count);
	return rc;
}

int net_mask_random(const struct net *n, struct ts_set *state, double keep, struct ts_rng *rng, struct err *err)
{
	for (int i = 0; i < n->n_params; i++) {
		struct ts_tensor *t = &state->t[i];
		size_t count = ts_tensor_count(t), cut = net_cut(keep, count), *idx;

		if (n->params[i].role != NET_WEIGHT || cut == 0)
			continue;
		idx = malloc(cut * sizeof *idx);
		if (!idx) {
			return err_memory(err);
		}
		ts_rng_sample(rng, idx, cut, count);
		for (size_t k = 0; k < cut; k++)
			((float *)t->data)[idx[k]] = 0;
		free(idx);
	}
	return 0;
}

/* ---- masked checkpoints ---- */

static int add_scores(struct net_checkpoint *c, int i, struct ts_rng *rng)
{
	const struct net_param *p = &c->net->params[i];
	const struct net_mask *m = c->mask;
	const bool fixed = m->kind == NET_MASK_FIXED;
	const double bound = 1 / sqrt((double)count_of(c->net, i) / (double)p->shape[0]);
	char name[NET_NAME];
	struct ts_tensor *t;

	net_extra_name(c->net, i, fixed ? NET_FIXED : NET_SCORES, name);
	t = ts_set_add(&c->extra, name, fixed ? TS_U8 : TS_F32, p->ndim, p->shape);
	for (size_t k = 0; t && k < ts_tensor_count(t); k++)
		if (fixed)
			((uint8_t *)t->data)[k] = 1;
		else if (m->kind == NET_MASK_BERNOULLI)
			((float *)t->data)[k] = (float)log(m->keep / (1 - m->keep));
		else
			((float *)t->data)[k] = (float)(bound * (2 * ts_rng_double(rng) - 1));
	return t ? 0 : -1;
}

static int add_statistic(struct net_checkpoint *c, int i)
{
	const struct ts_tensor *from = &c->state.t[i];
	char name[NET_NAME];
	struct ts_tensor *t;

	net_extra_name(c->net, i, NET_STATISTIC, name);
	t = ts_set_add(&c->extra, name, from->type, from->ndim, from->shape);
	if (t)
		memcpy(t->data, from->data, ts_tensor_bytes(from));
	return t ? 0 : -1;
}

int net_mask_add(struct net_checkpoint *c, const struct net_mask *m, struct ts_rng *rng, struct err *err)
{
	int rc = 0;

	if (m->kind == NET_MASK_BERNOULLI && !(m->keep > 0 && m->keep < 1)) {
		return err_fail(err,
				"keeping %g of the weights leaves nothing to chance; a Bernoulli mask "
				"needs a fraction between 0 and 1",
				m->keep);
	}
	c->mask = malloc(sizeof *c->mask);
	if (!c->mask)
		return err_memory(err);
	*c->mask = *m;
	for (int i = 0; i < c->net->n_params && rc == 0; i++)
		if (net_is_statistic(c->net, i))
			rc = add_statistic(c, i);
		else if (m->kind != NET_MASK_WEIGHTS && net_is_masked(c->net, m, i))
			rc = add_scores(c, i, rng);
	return rc < 0 ? err_memory(err) : 0;
}

/* Computes the masks of a checkpoint, one array per parameter that has one. */
static int make_masks(const struct net_checkpoint *c, float **mask)
{
	const struct net *n = c->net;
	struct ts_rng rng = ts_rng_new(c->mask->seed, 0);
	const float **v = calloc((size_t)n->n_params, sizeof *v);
	char name[NET_NAME];
	int rc = v ? 0 : -1;

	for (int i = 0; i < n->n_params && rc == 0; i++) {
		const struct ts_tensor *t = NULL;

		if (!net_is_masked(n, c->mask, i))
			continue;
		net_extra_name(n, i, c->mask->kind == NET_MASK_FIXED ? NET_FIXED : NET_SCORES, name);
		t = c->mask->kind == NET_MASK_WEIGHTS ? &c->state.t[i] : ts_set_get(&c->extra, name);
		mask[i] = malloc(count_of(n, i) * sizeof *mask[i]);
		if (!mask[i])
			rc = -1;
		else if (c->mask->kind != NET_MASK_FIXED)
			v[i] = t->data;
		else
			for (size_t k = 0; k < count_of(n, i); k++)
				mask[i][k] = ((const uint8_t *)t->data)[k];
	}
	if (rc == 0 && c->mask->kind != NET_MASK_FIXED)
		rc = net_mask_make(n, c->mask, v, &rng, mask);
	free(v);
	return rc;
}

static double sparsity_of(const struct net_checkpoint *c)
{
	size_t zero = 0, all = 0;

	for (int i = 0; i < c->net->n_params; i++) {
		const float *w = c->state.t[i].data;
		const size_t n = c->net->params[i].role == NET_WEIGHT ? count_of(c->net, i) : 0;

		for (size_t k = 0; k < n; k++)
			zero += w[k] == 0;
		all += n;
	}
	return (double)zero / (double)all;
}

int net_bake(struct net_checkpoint *c, bool masked, double *sparsity, struct err *err)
{
	const struct net *n = c->net;
	float **mask = calloc((size_t)n->n_params, sizeof *mask);
	char name[NET_NAME];

	if (!mask || (c->mask && masked && make_masks(c, mask) < 0)) {
		err_memory(err);
		for (int i = 0; mask && i < n->n_params; i++)
			free(mask[i]);
		free(mask);
		return -1;
	}
	for (int i = 0; i < n->n_params; i++) {
		float *w = c->state.t[i].data;

		for (size_t k = 0; mask[i] && k < count_of(n, i); k++)
			w[k] = mask[i][k] != 0 ? w[k] : 0;
		if (c->mask && masked && net_is_statistic(n, i)) {
			net_extra_name(n, i, NET_STATISTIC, name);
			memcpy(c->state.t[i].data, ts_set_get(&c->extra, name)->data, ts_tensor_bytes(&c->state.t[i]));
		}
		free(mask[i]);
	}
	free(mask);
	free(c->mask);
	c->mask = NULL;
	ts_set_release(&c->extra);
	for (const char *const *key = (const char *const[]){ "mask", "keep", "mask_scope", "dense_first", "dense_last",
							     "mask_seed", NULL };
	     *key; key++)
		ts_meta_del(&c->header.meta, *key);
	if (sparsity)
		*sparsity = sparsity_of(c);
	return 0;
}
