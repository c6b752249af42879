/* SPDX-License-Identifier: MIT
 * Masks of the published program: SubnetConv and SubnetLinear (scores), FixedSubnetConv (scores of 0 and
 * 1), the underscore variants (mask, temp_mask, threshold beside the scores). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_import_internal.h"

static bool ends(const char *name, const char *with)
{
	const size_t n = strlen(name), m = strlen(with);
	return n > m && strcmp(name + n - m, with) == 0;
}

bool net_import_of_mask(const char *name)
{
	static const char *const of_masks[] = { ".scores", ".mask", ".temp_mask", ".threshold", ".feature_list" };

	for (size_t i = 0; i < sizeof of_masks / sizeof *of_masks; i++)
		if (ends(name, of_masks[i]))
			return true;
	return false;
}

/* The values that a tensor has. */
enum { OTHER, BINARY, ONES };
static int values_of(const struct ts_tensor *t)
{
	int kind = ONES;

	for (size_t i = 0; i < ts_tensor_count(t) && kind != OTHER; i++) {
		const double v = ts_get(t->type, t->data, i);
		kind = v == 1 ? kind : v == 0 ? BINARY : OTHER;
	}
	return kind;
}

struct found {
	size_t layers;       /* layers that may have masks */
	size_t scores;       /* how many of them have scores */
	bool binary;         /* all scores are 0 or 1 */
	bool underscore;     /* there are temp_mask or threshold beside scores: _SubnetConv's */
	bool cuts[2], odd;   /* a mask or a temp_mask is not all ones; a mask has values other than 0 and 1 */
	bool middle;         /* a layer between the first and the classifier has none, but others do */
	bool first, last;    /* the first layer or the classifier has none */
	char name[NET_NAME]; /* a layer with scores or a mask */
};
enum { MASK, TEMP_MASK };

/* The state's tensor that goes with weight i, "conv1.temp_mask" beside conv1.weight, or NULL. */
static const struct ts_tensor *beside(const struct net_importing *im, int i, const char *what)
{
	const char *weight = im->c->net->params[i].name;
	char name[NET_NAME];

	snprintf(name, sizeof name, "%.*s.%s", (int)(strlen(weight) - strlen(".weight")), weight, what);
	return ts_set_get(im->state, name);
}

static struct found look(const struct net_importing *im)
{
	static const char *const masks[] = { "mask", "temp_mask" };
	const struct net_mask all = { .kind = NET_MASK_SCORES };
	const struct net *n = im->c->net;
	struct found f = { .binary = true };
	bool has = false;

	for (int i = 0; i < n->n_params; i++) {
		const struct ts_tensor *s, *m;
		const bool head = n->params[i].node == n->head;

		if (!net_is_masked(n, &all, i))
			continue;
		has = false;
		if ((s = beside(im, i, "scores")) != NULL) {
			f.scores++;
			f.binary = f.binary && values_of(s) != OTHER;
			has = true;
		}
		for (int k = MASK; k <= TEMP_MASK; k++)
			if ((m = beside(im, i, masks[k])) != NULL) {
				f.cuts[k] = f.cuts[k] || values_of(m) != ONES;
				f.odd = f.odd || values_of(m) == OTHER;
				has = true;
			}
		f.underscore = f.underscore || beside(im, i, "temp_mask") || beside(im, i, "threshold");
		if (has)
			net_extra_name(n, i, s ? NET_SCORES : NET_FIXED, f.name);
		else if (f.layers == 0)
			f.first = true;
		else if (head)
			f.last = true;
		else
			f.middle = true;
		f.layers++;
	}
	return f;
}

static int compare(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* torch.quantile() of the n values of v, which it sorts: interpolates between two neighbours. */
static float quantile(float *v, size_t n, double q)
{
	const double at = q * (double)(n - 1);
	const size_t k = (size_t)at;

	qsort(v, n, sizeof *v, compare);
	return k + 1 < n ? (float)(v[k] + (at - (double)k) * ((double)v[k + 1] - v[k])) : v[n - 1];
}

/* Appends |scores| of parameter i to v, after those of earlier parameters. */
static size_t absolute(const struct ts_tensor *s, float *v)
{
	const size_t n = ts_tensor_count(s);

	for (size_t k = 0; k < n; k++) {
		const float x = (float)ts_get(s->type, s->data, k);
		v[k] = x < 0 ? -x : x;
	}
	return n;
}

/* The rule of _SubnetConv: a weight stays if its |score| reaches the (1 - keep) quantile, of its layer or of all.
 * Overwrites the scores with the mask. */
static int cut_quantile(struct net_importing *im, struct err *err)
{
	const struct net *n = im->c->net;
	size_t all = 1, at = 0;
	float limit = 0, *v;

	for (int i = 0; i < n->n_params; i++)
		if (n->params[i].role == NET_WEIGHT && beside(im, i, "scores"))
			all += ts_tensor_count(beside(im, i, "scores"));
	if (!(v = malloc(all * sizeof *v)))
		return err_memory(err);
	for (int i = 0; im->how->scope == NET_SCOPE_MODEL && i < n->n_params; i++)
		if (n->params[i].role == NET_WEIGHT && beside(im, i, "scores"))
			at += absolute(beside(im, i, "scores"), v + at);
	if (im->how->scope == NET_SCOPE_MODEL)
		limit = quantile(v, at, 1 - im->how->keep);
	for (int i = 0; i < n->n_params; i++) {
		const struct ts_tensor *s = n->params[i].role == NET_WEIGHT ? beside(im, i, "scores") : NULL;

		if (!s)
			continue;
		at = absolute(s, v);
		if (im->how->scope == NET_SCOPE_LAYER)
			limit = quantile(v, at, 1 - im->how->keep);
		absolute(s, v);
		for (size_t k = 0; k < at; k++) {
			if (s->type == TS_F32)
				((float *)s->data)[k] = v[k] >= limit;
			else
				((int64_t *)s->data)[k] = v[k] >= limit;
		}
	}
	free(v);
	return 0;
}

/* Mean probability of the scores of SampleSubnetConv, within the limits of a Bernoulli mask. */
static double mean_chance(const struct net_importing *im)
{
	const struct net *n = im->c->net;
	double sum = 0, all = 0, mean;

	for (int i = 0; i < n->n_params; i++) {
		const struct ts_tensor *s = n->params[i].role == NET_WEIGHT ? beside(im, i, "scores") : NULL;

		for (size_t k = 0; s && k < ts_tensor_count(s); k++, all++)
			sum += 1 / (1 + exp(-ts_get(s->type, s->data, k)));
	}
	mean = all > 0 ? sum / all : 0.5;
	return mean < 1e-6 ? 1e-6 : mean > 1 - 1e-6 ? 1 - 1e-6 : mean;
}

/* Fills the masks that net_mask_add() has created. from: their name in the state. A layer without one stays whole. */
static int fill(struct net_importing *im, const struct net_mask *m, const char *from, struct err *err)
{
	const struct net *n = im->c->net;
	size_t ones = 0, all = 0;

	if (net_mask_add(im->c, m, &im->rng, err) < 0)
		return -1;
	for (int i = 0; i < n->n_params; i++) {
		char name[NET_NAME], own[NET_NAME];
		struct ts_tensor *to;

		if (!net_is_masked(n, m, i))
			continue;
		net_extra_name(n, i, m->kind == NET_MASK_FIXED ? NET_FIXED : NET_SCORES, own);
		to = ts_set_get(&im->c->extra, own);
		if (beside(im, i, from)) {
			snprintf(name, sizeof name, "%s", beside(im, i, from)->name);
			net_import_move(im, name, to);
		}
		for (size_t k = 0; k < ts_tensor_count(to) && to->type == TS_U8; k++, all++)
			ones += ((uint8_t *)to->data)[k];
	}
	if (m->kind == NET_MASK_FIXED)
		im->c->mask->keep = all ? (double)ones / (double)all : 1;
	return 0;
}

static int refuse(const struct found *f, const char *why, struct err *err)
{
	return err_fail(err,
			"has masks ('" ERR_NAME
			"') that %s: it is not known which weights stay; --no-masks leaves them out",
			f->name, why);
}

/* Decides what the scores of a file mean: which kind of mask, from which tensors. -1 with a line in err. */
static int meaning(struct net_importing *im, const struct found *f, struct net_mask *m, const char **from,
		   struct err *err)
{
	const bool scores = f->scores && !f->binary;
	enum net_mask_rule rule = im->how->rule;

	*from = f->scores ? "scores" : f->cuts[MASK] ? "mask" : "temp_mask";
	m->kind = scores ? NET_MASK_SCORES : NET_MASK_FIXED;
	if (f->odd)
		return refuse(f, "hold something other than 0 and 1", err);
	if (scores && f->cuts[TEMP_MASK] && rule == NET_RULE_TOP) { /* the one in use when it was written */
		m->kind = NET_MASK_FIXED;
		*from = "temp_mask";
		return 0;
	}
	if (f->scores && f->cuts[MASK])
		return refuse(f, "cut weights beside scores that do", err);
	if (!scores)
		return 0;
	if (f->underscore && rule == NET_RULE_TOP)
		rule = NET_RULE_QUANTILE;
	if (rule == NET_RULE_SAMPLE && f->middle)
		return refuse(f, "are drawn, and layers between that have none", err);
	if (rule == NET_RULE_SAMPLE) {
		m->kind = NET_MASK_BERNOULLI;
		m->keep = mean_chance(im);
		m->seed = im->how->seed;
		return 0;
	}
	if (im->how->keep < 0)
		return err_fail(err,
				"has scores of %zu masked layers ('" ERR_NAME
				"'), but not the fraction of the weights that they keep: "
				"give it with --keep, draw each weight with --rule sample (SampleSubnetConv), or leave "
				"them out with --no-masks",
				f->scores, f->name);
	m->keep = im->how->keep;
	if (rule == NET_RULE_QUANTILE || (f->middle && m->scope == NET_SCOPE_MODEL)) {
		m->kind = NET_MASK_FIXED;
		return rule == NET_RULE_QUANTILE ? cut_quantile(im, err) :
						   refuse(f, "compare all layers, and some have none", err);
	}
	return 0;
}

/* If layers in between have no scores (SubnetLinear after dense convolutions): stores the masks that the scores give as
 * fixed ones, and masks of ones for those layers. */
static int fix(struct net_importing *im, const struct net_mask *top, struct err *err)
{
	const struct net *n = im->c->net;
	const float **v = calloc((size_t)n->n_params, sizeof *v);
	float **mask = calloc((size_t)n->n_params, sizeof *mask);
	int rc = v && mask ? 0 : -1;

	for (int i = 0; rc == 0 && i < n->n_params; i++) {
		const struct ts_tensor *s = n->params[i].role == NET_WEIGHT ? beside(im, i, "scores") : NULL;

		if (!s || s->type != TS_F32 || !net_import_same_shape(s, n->params[i].ndim, n->params[i].shape))
			continue;
		v[i] = s->data;
		rc = (mask[i] = malloc(ts_tensor_count(s) * sizeof **mask)) ? 0 : -1;
	}
	if (rc == 0)
		rc = net_mask_make(n, top, v, &im->rng, mask);
	for (int i = 0; v && mask && i < n->n_params; i++) {
		if (rc == 0 && mask[i])
			memcpy(beside(im, i, "scores")->data, mask[i], ts_tensor_bytes(beside(im, i, "scores")));
		free(mask[i]);
	}
	free(v);
	free(mask);
	return rc < 0 ? err_memory(err) : 0;
}

int net_import_masks(struct net_importing *im, struct err *err)
{
	const struct found f = look(im);
	struct net_mask m = { .keep = 1, .scope = im->how->scope };
	const char *from;
	const bool some = f.scores || f.cuts[MASK] || f.cuts[TEMP_MASK];
	int rc = 0;

	if (!some && im->how->keep >= 0 && im->how->keep < 1)
		return err_fail(err,
				"has no masks or scores, of which --keep would be the fraction: leave it out, or --key "
				"names the entry of the file that has them");
	if (some && !im->how->no_masks) {
		if (meaning(im, &f, &m, &from, err) < 0)
			return -1;
		if (m.kind == NET_MASK_SCORES && f.middle) {
			if (fix(im, &m, err) < 0)
				return -1;
			m.kind = NET_MASK_FIXED;
		}
		m.dense_first = f.layers > 1 && f.first;
		m.dense_last = f.layers > 1 && f.last;
		rc = fill(im, &m, from, err);
		if (rc == 0)
			net_import_say(im, false, "masks: %s, of the file's %s, %g of the weights stay%s%s%s",
				       net_mask_kinds[m.kind], from, im->c->mask->keep,
				       f.first && f.layers > 1 ? ", first layer dense" : "",
				       f.last && f.layers > 1 ? ", classifier dense" : "",
				       f.middle ? ", others dense too" : "");
	}
	for (size_t i = 0, left = 0; i < im->state->n; i++)
		if (!im->taken[i] && net_import_of_mask(im->state->t[i].name)) {
			im->taken[i] = true;
			if (left++ == 0)
				net_import_say(im, false, "left out: '%s' and what else belongs to masks",
					       im->state->t[i].name);
		}
	return rc;
}
