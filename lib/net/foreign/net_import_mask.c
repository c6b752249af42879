/* SPDX-License-Identifier: MIT
 * Masks of the published program: SubnetConv and SubnetLinear (scores), FixedSubnetConv (scores of 0 and
 * 1), the underscore variants (mask, temp_mask, threshold beside the scores). */
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

/* What all values of a tensor are. */
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
	size_t layers;          /* that may have masks */
	size_t first, last;     /* parameters: the first one's weight, the classifier's */
	size_t scores, masks;   /* of layers, how many have them */
	bool binary, cuts, odd; /* all scores are 0 or 1; a mask is not all ones; nor 0 and 1 */
	char name[NET_NAME];    /* one that has scores or a mask */
};

static struct found look(const struct net_importing *im)
{
	const struct net_mask all = { .kind = NET_MASK_SCORES };
	const struct net *n = im->c->net;
	struct found f = { .binary = true, .last = (size_t)n->nodes[n->head].param };

	for (int i = 0; i < n->n_params; i++) {
		const struct ts_tensor *s, *m;
		char name[NET_NAME];

		if (!net_is_masked(n, &all, i))
			continue;
		if (f.layers++ == 0)
			f.first = (size_t)i;
		net_extra_name(n, i, NET_SCORES, name);
		if ((s = ts_set_get(im->state, name)) != NULL) {
			f.scores++;
			f.binary = f.binary && values_of(s) != OTHER;
			memcpy(f.name, name, sizeof f.name);
		}
		net_extra_name(n, i, NET_FIXED, name);
		if ((m = ts_set_get(im->state, name)) != NULL) {
			f.masks++;
			f.cuts = f.cuts || values_of(m) != ONES;
			f.odd = f.odd || values_of(m) == OTHER;
		}
	}
	return f;
}

/* Fills the masks that net_mask_add() has made. from: what the state calls them. */
static int fill(struct net_importing *im, const struct net_mask *m, enum net_extra from, struct err *err)
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
		net_extra_name(n, i, from, name);
		net_extra_name(n, i, m->kind == NET_MASK_FIXED ? NET_FIXED : NET_SCORES, own);
		to = ts_set_get(&im->c->extra, own);
		if (!ts_set_get(im->state, name)) {
			net_import_say(im, true, "missing: tensor '%s', which other layers have", name);
			continue;
		}
		net_import_take(im, name, to);
		for (size_t k = 0; k < ts_tensor_count(to) && to->type == TS_U8; k++, all++)
			ones += ((uint8_t *)to->data)[k];
	}
	if (m->kind == NET_MASK_FIXED)
		im->c->mask->keep = all ? (double)ones / (double)all : 1;
	return 0;
}

int net_import_masks(struct net_importing *im, struct err *err)
{
	const struct found f = look(im);
	const enum net_extra from = f.scores ? NET_SCORES : NET_FIXED;
	const bool fixed = f.scores ? f.binary : f.cuts;
	struct net_mask m = { .kind = fixed ? NET_MASK_FIXED : NET_MASK_SCORES,
			      .keep = 1,
			      .model_scope = im->how->model_scope };
	char name[NET_NAME];
	int rc = 0;

	if ((f.scores || fixed) && !im->how->no_masks) {
		if (f.odd || (f.scores && f.cuts))
			return err_fail(err,
					"has masks that %s: which weights stay is not known; --no-masks "
					"leaves them out",
					f.odd ? "hold something else than 0 and 1" :
						"cut weights beside scores that do");
		if (!fixed && im->how->keep < 0)
			return err_fail(err,
					"has scores of %zu masked layers ('%.90s'), but not which fraction "
					"of the weights they keep: --keep says it, --no-masks leaves them out",
					f.scores, f.name);
		if (!fixed)
			m.keep = im->how->keep;
		net_extra_name(im->c->net, (int)f.first, from, name);
		m.dense_first = f.layers > 1 && !ts_set_get(im->state, name);
		net_extra_name(im->c->net, (int)f.last, from, name);
		m.dense_last = f.layers > 1 && !ts_set_get(im->state, name);
		rc = fill(im, &m, from, err);
		if (rc == 0)
			net_import_say(im, false, "masks: %s, %g of the weights stay%s%s", net_mask_kinds[m.kind],
				       im->c->mask->keep, m.dense_first ? ", first layer dense" : "",
				       m.dense_last ? ", classifier dense" : "");
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
