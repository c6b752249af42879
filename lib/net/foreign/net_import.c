/* SPDX-License-Identifier: MIT
 * Foreign states become checkpoints: names, architecture, and every tensor held against the network. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_import_internal.h"

/* ---- names ---- */

/* What others call differently: each from may begin anywhere behind a dot. The last column: in which of
 * the attempts at a guess the names are so replaced. */
static const struct {
	const char *from, *to;
	unsigned attempts;
} aliases[] = {
	{ "linear.", "fc.", 3 },           { "classifier.", "fc.", 3 },       { "head.", "fc.", 3 },
	{ "fc.", "classifier.", 4 },       { "downsample.", "shortcut.", 1 }, { "convShortcut.", "shortcut.", 1 },
	{ "shortcut.", "downsample.", 2 }, { "norm.1.", "norm1.", 7 },        { "norm.2.", "norm2.", 7 },
	{ "conv.1.", "conv1.", 7 },        { "conv.2.", "conv2.", 7 },
};
enum { ALIASES = sizeof aliases / sizeof *aliases, NAME = TS_MAX_NAME + 1 };

/* Replaces the first place where alias a's name begins. */
static bool apply(size_t a, const char *name, char *buf)
{
	const char *at = name;

	while ((at = strstr(at, aliases[a].from)) != NULL && at > name && at[-1] != '.')
		at++;
	return at && snprintf(buf, NAME, "%.*s%s%s", (int)(at - name), name, aliases[a].to,
			      at + strlen(aliases[a].from)) < NAME;
}

/* Names that all tensors have in front of theirs, and nothing is lost without. */
static const char *const wrappers[] = { "model.", "net.", "network.", "backbone.", "encoder.", "student." };

static const char *common_wrapper(const struct ts_set *s)
{
	for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++) {
		const size_t len = strlen(wrappers[w]);
		size_t i = 0;

		while (i < s->n && strncmp(s->t[i].name, wrappers[w], len) == 0 && s->t[i].name[len])
			i++;
		if (s->n && i == s->n)
			return wrappers[w];
	}
	return NULL;
}

static bool cut(char *name, const char *prefix)
{
	const size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0 || !name[len])
		return false;
	memmove(name, name + len, strlen(name + len) + 1);
	return true;
}

int net_import_prefixes(struct ts_set *s, struct err *err)
{
	const char *w;
	bool changed = false;

	for (size_t i = 0; i < s->n; i++) {
		while (cut(s->t[i].name, "module.") || cut(s->t[i].name, "_orig_mod."))
			changed = true;
	}
	while ((w = common_wrapper(s)) != NULL) {
		changed = true;
		for (size_t i = 0; i < s->n; i++)
			cut(s->t[i].name, w);
	}
	for (size_t i = 0; changed && i < s->n; i++)
		if (ts_set_get(s, s->t[i].name) != &s->t[i])
			return err_fail(err, "two tensors are called '%.100s' without 'module.'", s->t[i].name);
	return 0;
}

/* Is it a parameter's name, or a mask's (conv1.scores beside conv1.weight)? */
static bool known(const struct net *n, const char *name)
{
	const char *last = strrchr(name, '.');
	const size_t stem = last ? (size_t)(last - name) : 0;

	for (int i = 0; i < n->n_params; i++) {
		const char *p = n->params[i].name;

		if (strcmp(p, name) == 0 || (net_import_of_mask(name) && strlen(p) == stem + 7 &&
					     strncmp(p, name, stem) == 0 && strcmp(p + stem, ".weight") == 0))
			return true;
	}
	return false;
}

/* Gives tensors that the network does not know the names of those it lacks. -1: out of memory. */
static int rename_all(const struct net *n, struct ts_set *s)
{
	char once[NAME], twice[NAME];

	for (size_t i = 0; i < s->n; i++) {
		const char *to = NULL;

		for (size_t a = 0; a < ALIASES && !to && !known(n, s->t[i].name); a++) {
			if (!apply(a, s->t[i].name, once))
				continue;
			to = known(n, once) ? once : NULL;
			for (size_t b = 0; b < ALIASES && !to; b++)
				to = apply(b, once, twice) && known(n, twice) ? twice : NULL;
		}
		if (!to || ts_set_get(s, to))
			continue;
		free(s->t[i].name);
		if (!(s->t[i].name = strdup(to)))
			return -1;
	}
	return 0;
}

/* ---- the architecture ---- */

/* The state with the names that attempt k tries; tensors are borrowed, names are not. */
static int attempt(struct ts_set *to, const struct ts_set *from, int k)
{
	char a[NAME], b[NAME];

	to->t = calloc(from->n + 1, sizeof *to->t);
	for (to->n = 0; to->t && to->n < from->n; to->n++) {
		struct ts_tensor *t = &to->t[to->n];

		*t = from->t[to->n];
		snprintf(a, sizeof a, "%s", t->name);
		for (size_t i = 0; k && i < ALIASES; i++)
			if (aliases[i].attempts & (unsigned)k && apply(i, a, b))
				memcpy(a, b, sizeof a);
		if (!(t->name = strdup(a)))
			return -1;
	}
	return to->t ? 0 : -1;
}

static int guess(const struct ts_set *state, char *spec, struct err *err)
{
	static const int attempts[] = { 0, 1, 2, 4 };
	bool found = false, memory = true;

	for (size_t k = 0; k < 4 && memory && !found; k++) {
		struct ts_set tried = { 0 };

		memory = attempt(&tried, state, attempts[k]) == 0;
		if (memory)
			for (int i = 0; net_archs[i] && !found; i++)
				found = net_archs[i]->guess && net_archs[i]->guess(&tried, spec);
		for (size_t i = 0; i < tried.n; i++)
			free(tried.t[i].name);
		free(tried.t);
	}
	if (found || !memory)
		return found ? 0 : err_memory(err);
	return err_fail(err,
			"its %zu tensors ('%.60s', '%.60s'...) look like no architecture that is known; "
			"--arch names one",
			state->n, state->n ? state->t[0].name : "", state->n > 1 ? state->t[1].name : "");
}

/* The first convolution's parameter if it reads the input, else -1. */
static int first_conv(const struct net *n)
{
	const struct net_node *node = n->n_params ? &n->nodes[n->params[0].node] : NULL;
	return node && node->op == NET_CONV && node->in[0] == 0 ? 0 : -1;
}

/* Builds the network: classes from the classifier's weight, the input as net_import.h says. */
static int build(struct net_checkpoint *c, struct ts_set *state, const struct net_import *how, const char *spec,
		 struct err *err)
{
	int ch = how->c ? how->c : 3, h = how->h ? how->h : 32, w = how->w ? how->w : 32;
	struct net *n = net_new(spec, ch, h, w, 2, err);
	const struct ts_tensor *head, *first;
	size_t classes;

	if (!n && !how->h)
		n = net_new(spec, ch, h = 224, w = 224, 2, err);
	if (!n)
		return -1;
	if (rename_all(n, state) < 0) {
		net_free(n);
		return err_memory(err);
	}
	head = ts_set_get(state, n->params[n->nodes[n->head].param].name);
	first = first_conv(n) < 0 ? NULL : ts_set_get(state, n->params[first_conv(n)].name);
	if (!how->h && first_conv(n) >= 0 && n->nodes[n->params[0].node].kernel == 7)
		h = w = 224;
	if (!how->c && first && first->ndim == 4 && first->shape[1] >= 1 && first->shape[1] <= 4)
		ch = (int)first->shape[1];
	classes = head && head->ndim >= 1 ? head->shape[0] : 0;
	if (classes < 2 || classes > 1000000)
		err_fail(err, "has no classifier '%.90s', so the number of classes is unknown",
			 n->params[n->nodes[n->head].param].name);
	else
		c->net = net_new(spec, ch, h, w, (int)classes, err);
	net_free(n);
	return c->net ? 0 : -1;
}

/* ---- tensors ---- */

/* Compares every tensor of the network with the state's; to: takes those that fit. */
static void each(struct net_importing *im, struct ts_tensor *to)
{
	const struct net *n = im->c->net;
	char want[TS_SHAPE];

	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];

		if (!ts_set_get(im->state, p->name)) {
			if (p->role != NET_BATCHES) /* PyTorch before 0.4.1 does not count */
				net_import_say(im, true, "missing: tensor '%s' (%s)%s", p->name,
					       ts_shape_text(p->ndim, p->shape, want),
					       im->how->partial ? "; it has fresh values" : "");
		} else if (to) {
			net_import_take(im, p->name, &to[i]);
		} else {
			net_import_fits(im, p->name, p->ndim, p->shape);
		}
	}
}

static void extras(struct net_importing *im)
{
	char shape[TS_SHAPE];

	for (size_t i = 0; i < im->state->n; i++)
		if (!im->taken[i])
			net_import_say(im, true, "extra: tensor '%s' (%s)%s", im->state->t[i].name,
				       ts_shape_text(im->state->t[i].ndim, im->state->t[i].shape, shape),
				       im->how->partial ? "; it is left out" : "");
}

static int misfit(const struct net_importing *im, struct err *err)
{
	return err_fail(err,
			"%zu tensors do not fit architecture %.200s; --partial takes those that do, "
			"--arch names another",
			im->wrong, im->c->net->spec);
}

/* Before there is memory for the network: its size comes from names and shapes, which cost a file nothing.
 * So all must fit; or with --partial, what was guessed must not be far larger than the file. */
static int check_first(struct net_importing *im, struct err *err)
{
	const struct net *n = im->c->net;
	size_t have = 1 << 18;

	for (size_t i = 0; i < im->state->n; i++)
		have += ts_tensor_count(&im->state->t[i]);
	if (im->how->partial && !im->how->arch && net_count(n) / 4 > have)
		return err_fail(err,
				"its tensors are much less than the guessed architecture %.200s has; --arch "
				"says that it is meant",
				n->spec);
	if (im->how->partial)
		return 0;
	each(im, NULL);
	if (!im->wrong)
		return 0;
	for (size_t i = 0; i < im->state->n; i++)
		im->taken[i] = im->taken[i] || net_import_of_mask(im->state->t[i].name);
	extras(im);
	return misfit(im, err);
}

int net_import(struct net_checkpoint *c, struct ts_set *state, const struct net_import *how, struct err *err)
{
	struct net_importing im = { .c = c, .state = state, .how = how, .rng = ts_rng_new(how->seed, 0) };
	char spec[NET_SPEC];
	int rc = -1;

	ts_header_init(&c->header, "checkpoint");
	if (net_import_prefixes(state, err) < 0 || (!how->arch && guess(state, spec, err) < 0) ||
	    build(c, state, how, how->arch ? how->arch : spec, err) < 0)
		goto out;
	if (!how->arch)
		net_import_say(&im, false, "guessed architecture: %s", c->net->spec);
	net_import_say(&im, false, "input %dx%dx%d, %d classes", c->net->c, c->net->h, c->net->w, c->net->classes);
	im.taken = calloc(state->n + 1, sizeof *im.taken);
	if (!im.taken) {
		err_memory(err);
		goto out;
	}
	if (check_first(&im, err) < 0)
		goto out;
	if (net_init(c->net, &im.rng, &c->state) < 0) {
		err_memory(err);
		goto out;
	}
	each(&im, c->state.t);
	if (net_import_masks(&im, err) < 0)
		goto out;
	extras(&im);
	if (im.wrong && !how->partial)
		misfit(&im, err);
	else
		rc = net_check(c->net, &c->state, err);
out:
	free(im.taken);
	ts_set_release(state);
	return rc;
}
