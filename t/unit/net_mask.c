/* SPDX-License-Identifier: MIT
 * Masks: how many weights are cut, and which; ties, scopes, draws; masked checkpoints and baking. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "net/mask/net_mask.h"

static size_t zeros(const float *m, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++)
		k += m[i] == 0;
	return k;
}

static size_t count(const struct net *n, int i)
{
	size_t c = 1;
	for (int d = 0; d < n->params[i].ndim; d++)
		c *= n->params[i].shape[d];
	return c;
}

static int find(const struct net *n, const char *name)
{
	for (int i = 0; i < n->n_params; i++)
		if (strcmp(n->params[i].name, name) == 0)
			return i;
	return -1;
}

/* Masks for every weight of n from random scores. */
static float **make(const struct net *n, const struct net_mask *m, float ***score)
{
	struct ts_rng rng = ts_rng_new(1, 2), draw = ts_rng_new(3, 4);
	float **v = calloc((size_t)n->n_params, sizeof *v), **mask = calloc((size_t)n->n_params, sizeof *mask);

	for (int i = 0; i < n->n_params; i++)
		if (net_is_masked(n, m, i)) {
			v[i] = malloc(count(n, i) * sizeof **v);
			mask[i] = malloc(count(n, i) * sizeof **mask);
			for (size_t k = 0; k < count(n, i); k++)
				v[i][k] = (float)(2 * ts_rng_double(&rng) - 1);
		}
	ok(net_mask_make(n, m, (const float *const *)v, &draw, mask) == 0, "masks are made");
	*score = v;
	return mask;
}

static void release(const struct net *n, float **v)
{
	for (int i = 0; i < n->n_params; i++)
		free(v[i]);
	free(v);
}

/* Every weight that is cut is smaller than every weight that stays. */
static bool ordered(const float *v, const float *m, size_t n)
{
	float cut = -1, kept = INFINITY;

	for (size_t i = 0; i < n; i++)
		if (m[i] == 0)
			cut = fmaxf(cut, fabsf(v[i]));
		else
			kept = fminf(kept, fabsf(v[i]));
	return cut <= kept;
}

static void layers(const struct net *n)
{
	struct net_mask m = { .kind = NET_MASK_SCORES, .keep = 0.965 };
	const int stem = find(n, "conv1.weight"), fc = find(n, "fc.weight");
	float **v, **mask = make(n, &m, &v);
	bool good = true;

	ok(count(n, stem) == 648 && zeros(mask[stem], 648) == 22, "648 weights, 0.965 kept: 22 zeros");
	ok(count(n, fc) == 3420 && zeros(mask[fc], 3420) == 119, "3420 weights: 119");
	for (int i = 0; i < n->n_params; i++)
		good &= !v[i] || (zeros(mask[i], count(n, i)) == net_cut(m.keep, count(n, i)) &&
				  ordered(v[i], mask[i], count(n, i)));
	ok(good, "in every layer the smallest, as many as said");
	release(n, mask);
	release(n, v);
	m.keep = 0.8;
	mask = make(n, &m, &v);
	ok(zeros(mask[stem], 648) == 129 && zeros(mask[fc], 3420) == 683, "0.8 kept: 129 and 683 zeros");
	release(n, mask);
	release(n, v);
}

static void whole(const struct net *n)
{
	struct net_mask m = { .kind = NET_MASK_SCORES, .keep = 0.8, .scope = NET_SCOPE_MODEL };
	float **v, **mask = make(n, &m, &v), cut = -1, kept = INFINITY;
	size_t all = 0, zero = 0;

	for (int i = 0; i < n->n_params; i++)
		for (size_t k = 0; v[i] && k < count(n, i); k++, all++) {
			zero += mask[i][k] == 0;
			if (mask[i][k] == 0)
				cut = fmaxf(cut, fabsf(v[i][k]));
			else
				kept = fminf(kept, fabsf(v[i][k]));
		}
	ok(all == 741744 + 3420 && zero == net_cut(0.8, all), "the whole model: as many of all");
	ok(cut <= kept, "and the smallest of all");
	release(n, mask);
	release(n, v);
}

/* Cuts every possible number of 648 weights, sorted and shuffled, so that the last weight cut takes every position
 * relative to the selection's pivots. */
static void every_cut(const struct net *n)
{
	struct net_mask m = { .kind = NET_MASK_WEIGHTS };
	const int stem = find(n, "conv1.weight");
	float w[648], mask[648];
	const float **v = calloc((size_t)n->n_params, sizeof *v);
	float **to = calloc((size_t)n->n_params, sizeof *to);
	int bad = 0;

	v[stem] = w;
	to[stem] = mask;
	for (int step = 1; step < 648; step += 318) /* 1 and 319, which is coprime to 648 */
		for (size_t cut = 1; cut < 648; cut++) {
			struct ts_rng draw = ts_rng_new(3, 4);

			for (int i = 0; i < 648; i++)
				w[i] = (float)(1 + i * step % 648);
			m.keep = 1 - ((double)cut + 0.25) / 648;
			bad += net_mask_make(n, &m, v, &draw, to) != 0 || net_cut(m.keep, 648) != cut ||
			       zeros(mask, 648) != cut || !ordered(w, mask, 648);
		}
	ok(bad == 0, "every number of 648 weights, in order and not (%d wrong)", bad);
	free(to);
	free(v);
}

static void ties(const struct net *n)
{
	const struct net_mask m = { .kind = NET_MASK_WEIGHTS, .keep = 0.9 };
	const int stem = find(n, "conv1.weight");
	float equal[648], mask[648];
	const float **v = calloc((size_t)n->n_params, sizeof *v);
	float **to = calloc((size_t)n->n_params, sizeof *to);

	for (int i = 0; i < 648; i++)
		equal[i] = i % 2 ? 0.5f : -0.5f;
	v[stem] = equal;
	to[stem] = mask;
	ok(net_mask_make(n, &m, v, NULL, to) == 0 && zeros(mask, 648) == 64 && zeros(mask, 64) == 64,
	   "of equal ones, whatever their sign, the first are cut");
	free(v);
	free(to);
}

static void bernoulli(const struct net *n)
{
	const struct net_mask m = { .kind = NET_MASK_BERNOULLI, .keep = 0.7 };
	struct err err;
	struct net_checkpoint c = { .net = net_new(n->spec, 3, 32, 32, 10, &err) };
	struct ts_rng rng = ts_rng_new(0, 0);
	double sparsity = 0;

	ts_header_init(&c.header, "checkpoint");
	ok(c.net && net_init(c.net, &rng, &c.state) == 0 && net_mask_add(&c, &m, &rng, &err) == 0,
	   "a network with Bernoulli masks");
	ok(fabs((double)((float *)ts_set_get(&c.extra, "fc.scores")->data)[7] - log(0.7 / 0.3)) < 1e-6,
	   "scores begin at log(keep / (1 - keep))");
	ok(net_bake(&c, true, &sparsity, &err) == 0 && fabs(sparsity - 0.3) < 0.003,
	   "745,164 draws: 30 percent are cut, give or take 6 standard deviations");
	ok(!c.mask && c.extra.n == 0, "baked, there are no masks");
	net_checkpoint_release(&c);
	c = (struct net_checkpoint){ .net = net_new(n->spec, 3, 32, 32, 10, &err) };
	ok(net_mask_add(&c, &(struct net_mask){ .kind = NET_MASK_BERNOULLI, .keep = 1 }, &rng, &err) < 0 &&
		   strstr(err.text, "between 0 and 1"),
	   "a Bernoulli mask that keeps all is refused");
	net_checkpoint_release(&c);
}

static void dense(const struct net *n)
{
	const struct net_mask m = { .kind = NET_MASK_SCORES, .keep = 0.8, .dense_first = true, .dense_last = true };

	ok(!net_is_masked(n, &m, find(n, "conv1.weight")) && !net_is_masked(n, &m, find(n, "fc.weight")) &&
		   net_is_masked(n, &m, find(n, "block1.layer.0.conv1.weight")),
	   "first and last can stay dense");
	ok(!net_is_masked(n, &m, find(n, "fc.bias")) && !net_is_masked(n, &m, find(n, "bn1.running_mean")),
	   "biases and statistics have no mask");
}

int main(void)
{
	struct err err;
	struct net *n = net_new("densenet", 3, 32, 32, 10, &err);

	ok(n != NULL, "DenseNet-100");
	if (!n)
		return done();
	layers(n);
	whole(n);
	every_cut(n);
	ties(n);
	bernoulli(n);
	dense(n);
	net_free(n);
	return done();
}
