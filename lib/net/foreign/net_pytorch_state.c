/* SPDX-License-Identifier: MIT
 * Finds the state in a pickled object: a dictionary of tensors under some key, or a module of modules. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net/foreign/net_pytorch_internal.h"

const struct pickle_value *pytorch_tensor_args(const struct pickle_value *v)
{
	for (int depth = 0; depth < 4 && v->type == PICKLE_OBJECT; depth++) {
		const struct pickle_value *a = v->item[0];

		if (strncmp(v->s, "torch._utils _rebuild_tensor", 28) == 0)
			return a->n >= 4 ? a : NULL;
		if (strcmp(v->s, "torch._tensor _rebuild_from_type_v2") == 0)
			return a->n >= 3 && a->item[0]->type == PICKLE_NAME &&
					       strncmp(a->item[0]->s, "torch._utils _rebuild_tensor", 28) == 0 &&
					       a->item[2]->type == PICKLE_LIST && a->item[2]->n >= 4 ?
				       a->item[2] :
				       NULL;
		if (strncmp(v->s, "torch._utils _rebuild_parameter", 31) != 0 || a->n < 1)
			return NULL;
		v = a->item[0];
	}
	return NULL;
}

static size_t count_tensors(const struct pickle_value *dict)
{
	size_t n = 0;

	for (size_t i = 0; dict && dict->type == PICKLE_DICT && i + 1 < dict->n; i += 2)
		n += dict->item[i]->type == PICKLE_STR && pytorch_tensor_args(dict->item[i + 1]) != NULL;
	return n;
}

enum { MAX_DEPTH = 24, MAX_MODULES = 1 << 14 };

const struct pickle_value *pytorch_module_state(const struct pickle_value *v)
{
	const struct pickle_value *s = v && v->type == PICKLE_OBJECT && v->n > 1 ? v->item[1] : NULL;

	return s && pickle_get(s, "_modules") && pickle_get(s, "_parameters") ? s : NULL;
}

/* Is this a buffer that state_dict() leaves out? */
static bool is_volatile(const struct pickle_value *module, const struct pickle_value *name)
{
	const struct pickle_value *set = pickle_get(module, "_non_persistent_buffers_set");

	for (size_t i = 0; set && set->type == PICKLE_LIST && i < set->n; i++)
		if (set->item[i]->type == PICKLE_STR && set->item[i]->n == name->n &&
		    memcmp(set->item[i]->s, name->s, name->n) == 0)
			return true;
	return false;
}

int pytorch_walk_module(struct pytorch_walk *w, const struct pickle_value *state, const char *prefix, int depth)
{
	static const char *const parts[] = { "_parameters", "_buffers", "_modules" };
	char name[2 * TS_MAX_NAME + 2];

	if (depth > MAX_DEPTH || ++w->modules > MAX_MODULES)
		return err_fail(w->err, "modules are nested without end, or too many of them");
	for (int k = 0; k < 3; k++) {
		const struct pickle_value *d = pickle_get(state, parts[k]);

		for (size_t i = 0; d && d->type == PICKLE_DICT && i + 1 < d->n; i += 2) {
			const struct pickle_value *key = d->item[i], *v = d->item[i + 1];
			const struct pickle_value *a = k < 2 ? pytorch_tensor_args(v) : NULL;

			if (key->type != PICKLE_STR || key->n > TS_MAX_NAME || (k == 1 && is_volatile(state, key)))
				continue;
			if (snprintf(name, sizeof name, "%s%.*s%s", prefix, (int)key->n, key->s, k == 2 ? "." : "") >
			    TS_MAX_NAME)
				return err_fail(w->err, "a tensor's name has more than %d bytes", TS_MAX_NAME);
			if (a && w->each(w, name, a) < 0)
				return -1;
			if (k == 2 && pytorch_module_state(v) &&
			    pytorch_walk_module(w, pytorch_module_state(v), name, depth + 1) < 0)
				return -1;
		}
	}
	return 0;
}

static int count_one(struct pytorch_walk *w, const char *name, const struct pickle_value *args)
{
	(void)name, (void)args;
	w->n++;
	return 0;
}

size_t pytorch_count_state(const struct pickle_value *v)
{
	struct err err;
	struct pytorch_walk w = { .each = count_one, .err = &err };

	return pytorch_module_state(v) && pytorch_walk_module(&w, pytorch_module_state(v), "", 0) == 0 ?
		       w.n :
		       count_tensors(v);
}

/* The result of searching dictionaries: the state with most tensors, and the names of the others. */
struct search {
	const struct pickle_value *best;
	size_t n, looked;
	char key[64], others[256];
};

static void note_other(char *others, size_t size, const char *key)
{
	snprintf(strchr(others, '\0'), size - strlen(others), " %s", key);
}

static void search(struct search *s, const struct pickle_value *v, const char *key, int depth)
{
	const size_t n = pytorch_count_state(v);

	if (n > s->n) {
		if (s->best)
			note_other(s->others, sizeof s->others, *s->key ? s->key : "(the rest)");
		s->best = v;
		s->n = n;
		snprintf(s->key, sizeof s->key, "%s", key);
	} else if (n) {
		note_other(s->others, sizeof s->others, key);
	}
	for (size_t i = 0; v->type == PICKLE_DICT && depth < 4 && i + 1 < v->n && s->looked++ < 10000; i += 2) {
		char below[64];

		if (v->item[i]->type == PICKLE_STR &&
		    snprintf(below, sizeof below, "%s%s%.*s", key, *key ? "." : "",
			     (int)(v->item[i]->n < 64 ? v->item[i]->n : 64), v->item[i]->s) < (int)sizeof below)
			search(s, v->item[i + 1], below, depth + 1);
	}
}

/* The value under "a", or under "b" in the dictionary under "a": "a.b". */
static const struct pickle_value *under(const struct pickle_value *v, const char *key)
{
	const struct pickle_value *got = pickle_get(v, key);

	for (const char *dot = strchr(key, '.'); !got && dot; dot = strchr(dot + 1, '.')) {
		char first[64];

		snprintf(first, sizeof first, "%.*s", (int)(dot - key < 63 ? dot - key : 63), key);
		got = under(pickle_get(v, first), dot + 1);
	}
	return got;
}

/* The usual keys of a state, those of averages last. */
static const char *const usual[] = { "state_dict",     "model_state_dict", "model",     "net",
				     "network",        "module",           "params",    "weights",
				     "ema_state_dict", "state_dict_ema",   "model_ema", "ema" };

static bool is_usual(const struct pickle_value *key)
{
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (key->n == strlen(usual[i]) && memcmp(key->s, usual[i], key->n) == 0)
			return true;
	return false;
}

/* Entries beside the one that was found which may be the network as well, under keys of their own: ema_model, teacher.
 * What has less than half of its tensors is something else. */
static void note_rest(struct net_foreign *f, const struct pickle_value *root, const struct pickle_value *found)
{
	const size_t n = pytorch_count_state(found);
	char key[64];

	for (size_t i = 0; root->type == PICKLE_DICT && i + 1 < root->n; i += 2) {
		const struct pickle_value *k = root->item[i], *v = root->item[i + 1];

		if (k->type != PICKLE_STR || is_usual(k) || v == found || 2 * pytorch_count_state(v) < n)
			continue;
		snprintf(key, sizeof key, "%.*s", (int)(k->n < 63 ? k->n : 63), k->s);
		net_foreign_plain(key);
		note_other(f->others, sizeof f->others, key);
	}
}

const struct pickle_value *pytorch_find_state(const struct pickle_value *root, const char *key, struct net_foreign *f,
					      struct err *err)
{
	const struct pickle_value *found = NULL;
	struct search s = { 0 };

	if (key) {
		snprintf(f->key, sizeof f->key, "%s", key);
		if ((found = under(root, key)) && pytorch_count_state(found))
			return found;
		if (found)
			search(&s, found, "", 0);
		else
			search(&s, root, "", 0);
		err_fail(err, "has no dictionary of tensors under the key '" ERR_NAME "'", key);
		net_foreign_plain(s.key);
		net_foreign_plain(s.others);
		if (s.best)
			err_append(err, "; there is one under %s%s%s%s", found ? key : "", found && *s.key ? "." : "",
				   *s.key || found ? s.key : "no key", s.others);
		return NULL;
	}
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		const struct pickle_value *v = pickle_get(root, usual[i]);

		if (!v || !pytorch_count_state(v))
			continue;
		if (found)
			note_other(f->others, sizeof f->others, usual[i]);
		else
			snprintf(f->key, sizeof f->key, "%s", usual[i]);
		found = found ? found : v;
	}
	if (found) {
		note_rest(f, root, found);
		return found;
	}
	search(&s, root, "", 0);
	if (!s.best)
		err_fail(err, "holds no dictionary of tensors and no module");
	snprintf(f->key, sizeof f->key, "%s", s.key);
	snprintf(f->others, sizeof f->others, "%s", s.others);
	net_foreign_plain(f->key);
	net_foreign_plain(f->others);
	return s.best;
}
