/* SPDX-License-Identifier: MIT
 * Finds the classifier among a file's layers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_import_internal.h"
#include "net/foreign/net_names.h"

/* Is the tensor the weight of a linear layer of this width? If so, writes its module into buf. No other layer may be in
 * the same Sequential or block: an MLP is not a classifier. */
static bool is_linear(const struct ts_set *s, const struct ts_tensor *t, size_t width, char *module)
{
	const char *last = strrchr(t->name, '.');
	size_t block;

	if (!last || strcmp(last, ".weight") != 0 || (t->ndim != 2 && t->ndim != 4) || t->shape[0] < 2 ||
	    t->shape[0] > 1000000 || t->shape[1] != width || (t->ndim == 4 && t->shape[2] * t->shape[3] != 1))
		return false;
	snprintf(module, NET_FOREIGN_NAME, "%.*s", (int)(last - t->name), t->name);
	block = strrchr(module, '.') ? (size_t)(strrchr(module, '.') - module) + 1 : 0;
	for (size_t i = 0; block && i < s->n; i++) /* does the block have a tensor of another layer? */
		if (strncmp(s->t[i].name, module, block) == 0 &&
		    !(strncmp(s->t[i].name, module, strlen(module)) == 0 && s->t[i].name[strlen(module)] == '.'))
			return false;
	return true;
}

static bool is_usual(const char *module)
{
	static const char *const usual[] = { "fc",  "linear", "classifier",  "head",     "last_linear",    "output",
					     "out", "logits", "linear_head", "cls_head", "fully_connected" };

	for (const char *at = module; at; at = strchr(at, '.') ? strchr(at, '.') + 1 : NULL)
		for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
			if (strncmp(at, usual[i], strlen(usual[i])) == 0 && strchr(".", at[strlen(usual[i])]))
				return true;
	return false;
}

/* Finds the classifier in s and writes its module into buf. 1: found, 0: none, -1 with a line in err: several. */
static int find(const struct ts_set *s, size_t width, char *buf, struct err *err)
{
	char module[NET_FOREIGN_NAME], list[256] = "";
	size_t hits = 0, usual = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!is_linear(s, &s->t[i], width, module))
			continue;
		snprintf(list + strlen(list), sizeof list - strlen(list), " '" ERR_NAME "'", module);
		usual += is_usual(module);
		if (hits++ == 0 || (is_usual(module) && usual == 1))
			memcpy(buf, module, sizeof module);
	}
	if (hits <= 1 || usual == 1)
		return hits > 0;
	return err_fail(err, "has several linear layers that may be the classifier:%s; choose with --rename NAME=fc",
			list);
}

/* Moves tensors of `module` from `from` to im->state, with the head's names. */
static int take(struct net_importing *im, struct ts_set *from, const char *module, const char *head)
{
	const size_t len = strlen(module);

	for (size_t i = 0; i < from->n; i++) {
		struct ts_tensor *t = &from->t[i];
		char name[NET_FOREIGN_NAME], *own;

		if (strncmp(t->name, module, len) != 0 || t->name[len] != '.' ||
		    snprintf(name, sizeof name, "%s%s", head, t->name + len) >= (int)sizeof name)
			continue;
		if (!(own = strdup(name)))
			return -1;
		free(t->name);
		t->name = own;
		if (from == im->state)
			continue;
		struct ts_tensor *grown = realloc(im->state->t, (im->state->n + 1) * sizeof *grown);
		if (!grown)
			return -1;
		im->state->t = grown;
		im->state->cap = im->state->n + 1;
		im->state->t[im->state->n++] = *t;
		*t = from->t[--from->n];
		i--;
	}
	return 0;
}

int net_import_head(struct net_importing *im, const char *head, size_t width, size_t *classes, struct err *err)
{
	char module[NET_FOREIGN_NAME], name[NET_FOREIGN_NAME];
	struct ts_set *from = im->state;
	const struct ts_tensor *w;
	int got;

	snprintf(name, sizeof name, "%s.weight", head);
	w = ts_set_get(im->state, name);
	if (!w) {
		if ((got = find(from, width, module, err)) == 0)
			got = find(from = &im->beside, width, module, err);
		if (got < 0)
			return -1;
		if (got && take(im, from, module, head) < 0)
			return err_memory(err);
		if (got && !is_usual(module))
			net_import_say(im, false, "the classifier is '%s', the one linear layer of %zu inputs", module,
				       width);
		w = ts_set_get(im->state, name);
	}
	*classes = w && w->ndim >= 1 ? w->shape[0] : 0;
	return 0;
}
