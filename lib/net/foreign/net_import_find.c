/* SPDX-License-Identifier: MIT
 * Finds the network in a foreign state: under which prefix, by whose names, and of which architecture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_import_internal.h"

const struct net_node *net_import_first_conv(const struct net *n)
{
	const struct net_node *node = n->n_params ? &n->nodes[n->params[0].node] : NULL;
	return node && node->op == NET_CONV && node->in[0] == 0 ? node : NULL;
}

/* The side of the images for which a state has learnt places; 0: it has learnt none. */
static int learnt_size(const struct net *n, const struct ts_set *state)
{
	for (int i = 0; i < n->n_nodes; i++) {
		const struct net_node *node = &n->nodes[i];
		const struct ts_tensor *t =
			node->op == NET_TOKENS ? ts_set_get(state, n->params[node->param + 1].name) : NULL;
		int side = 1;

		if (!t || t->ndim != 3 || t->shape[1] < 2 || t->shape[1] > 1 << 20)
			continue;
		while ((size_t)(side + 1) * (size_t)(side + 1) <= t->shape[1] - 1)
			side++;
		return side * n->nodes[node->in[0]].stride;
	}
	return 0;
}

/* Builds the network of a spec, for the given input or that which net_import.h describes. */
static struct net *build(const char *spec, const struct ts_set *state, const struct net_import *how, int classes,
			 struct err *err)
{
	int ch = how->c ? how->c : 3, h = how->h ? how->h : 32, w = how->w ? how->w : 32, size = h, got = ch;
	struct net *n = net_new(spec, ch, h, w, classes, err);
	const struct ts_tensor *t;

	if (!n && !how->h)
		n = net_new(spec, ch, h = 224, w = 224, classes, err);
	if (!n || !net_import_first_conv(n))
		return n;
	t = ts_set_get(state, n->params[0].name);
	size = how->h                               ? h :
	       learnt_size(n, state)                ? learnt_size(n, state) :
	       net_import_first_conv(n)->stride > 1 ? 224 :
						      h;
	if (!how->c && t && t->ndim == 4 && t->shape[1] >= 1 && t->shape[1] <= 4)
		got = (int)t->shape[1];
	if (size == h && got == ch)
		return n;
	net_free(n);
	return net_new(spec, got, size, size == h ? w : size, classes, err);
}

/* Counts the tensors of the spec's network that are in the state, and stores the choice in *best if they are more. */
static void weigh(const struct net_named *s, const char *prefix, const struct net_dialect *d, const char *spec,
		  const struct net_import *how, struct net_import_choice *best)
{
	struct net_import_choice c = { .dialect = d };
	struct err err;
	struct net *n = build(spec, &s->set, how, 2, &err);

	for (int i = 0; n && i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];
		const struct ts_tensor *t;

		if (p->node == n->head || p->role == NET_BATCHES)
			continue;
		t = net_named_get(s, p->name);
		c.matched += t && net_import_same_shape(t, p->ndim, p->shape);
		c.all++;
	}
	if (n) {
		const bool whole = c.matched == c.all, was = best->dialect && best->matched == best->all;

		snprintf(c.prefix, sizeof c.prefix, "%s", prefix);
		snprintf(c.spec, sizeof c.spec, "%s", n->spec);
		if (!best->dialect || (whole && !was) || (whole == was && c.matched > best->matched))
			*best = c;
		else if (whole && was && c.matched == best->matched && strcmp(best->prefix, prefix) != 0 &&
			 !*best->twin)
			snprintf(best->twin, sizeof best->twin, "%s", prefix);
	}
	net_free(n);
}

/* Looks under one prefix, in every dialect. */
static int look(const struct ts_set *state, const char *prefix, const struct net_import *how,
		struct net_import_choice *best, struct err *err)
{
	for (const struct net_dialect *d = net_dialects; d->whose; d++) {
		struct net_named s;
		char spec[NET_SPEC];

		if (net_named_init(&s, state, prefix, d, err) < 0)
			return -1;
		if (how->arch && (s.renamed || d == net_dialects))
			weigh(&s, prefix, d, how->arch, how, best);
		for (int i = 0; !how->arch && net_archs[i] && (s.renamed || d == net_dialects); i++)
			if (net_archs[i]->guess && net_archs[i]->guess(&s.set, spec))
				weigh(&s, prefix, d, spec, how, best);
		net_named_release(&s);
	}
	return 0;
}

/* The prefix that --prefix names, with its dot. -1 with a line in err: no tensor has it. */
static int asked_prefix(const struct ts_set *state, const char *prefix, char *buf, struct err *err)
{
	const size_t len = strlen(prefix);

	snprintf(buf, NET_FOREIGN_NAME, "%.*s%s", TS_MAX_NAME - 1, prefix, len && prefix[len - 1] != '.' ? "." : "");
	for (size_t i = 0; i < state->n; i++)
		if (strncmp(state->t[i].name, buf, strlen(buf)) == 0)
			return 0;
	return err_fail(err, "--prefix: no tensor's name begins with '" ERR_NAME "'; the first is '" ERR_NAME "'", buf,
			state->n ? state->t[0].name : "");
}

static int choose(const struct ts_set *state, const struct net_import *how, struct net_import_choice *best,
		  struct err *err)
{
	char **prefixes = NULL, asked[NET_FOREIGN_NAME];
	size_t n = 0;
	struct net *net = how->arch ? build(how->arch, state, how, 2, err) : NULL;
	int rc = 0;

	if (how->arch && !net)
		return -1;
	net_free(net);
	if (how->prefix)
		rc = asked_prefix(state, how->prefix, asked, err);
	else
		rc = net_names_prefixes(state, &prefixes, &n, err);
	if (rc == 0 && how->prefix)
		rc = look(state, asked, how, best, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = look(state, prefixes[i], how, best, err);
	for (size_t i = 0; i < n; i++)
		free(prefixes[i]);
	free(prefixes);
	if (rc == 0 && !best->dialect)
		return err_fail(err,
				"its %zu tensors ('" ERR_NAME "', '" ERR_NAME "'...) match no known architecture; "
				"name one with --arch, tell how its names begin with --prefix or --rename, or "
				"export the network to ONNX (man unmask-onnx)",
				state->n, state->n ? state->t[0].name : "", state->n > 1 ? state->t[1].name : "");
	return rc;
}

/* Splits the state: tensors under the prefix stay, by our names; the rest goes to im->beside. */
static int part(struct net_importing *im, const struct net_import_choice *best, struct err *err)
{
	struct ts_set *s = im->state;
	const size_t len = strlen(best->prefix);
	char buf[NET_FOREIGN_NAME], *name;
	size_t kept = 0;

	im->beside.t = calloc(s->n + 1, sizeof *im->beside.t);
	if (!im->beside.t)
		return err_memory(err);
	for (size_t i = 0; i < s->n; i++) {
		struct ts_tensor t = s->t[i];

		if (strncmp(t.name, best->prefix, len) != 0 || !t.name[len]) {
			im->beside.t[im->beside.n++] = t;
			continue;
		}
		net_dialect_apply(best->dialect, t.name + len, buf);
		s->t[kept] = t;
		if ((name = strdup(buf)) != NULL) {
			free(t.name);
			s->t[kept].name = name;
		}
		kept++;
	}
	s->n = kept;
	return net_names_unwrap(s, err); /* also fails if two names become one */
}

int net_import_find(struct net_importing *im, struct net_import_choice *best, struct err *err)
{
	const struct net_import *how = im->how;
	char head[NET_NAME];
	struct net *n;
	size_t classes;
	int rc;

	if (choose(im->state, how, best, err) < 0 || part(im, best, err) < 0)
		return -1;
	if (how->partial && best->matched * 2 < best->all)
		return err_fail(err,
				"has %zu of the %zu tensors of architecture %s but for the classifier: most would be "
				"fresh random values; tell how its names begin with --prefix or --rename",
				best->matched, best->all, best->spec);
	if (!(n = build(best->spec, im->state, how, 2, err)))
		return -1;
	snprintf(head, sizeof head, "%s", n->params[n->nodes[n->head].param].name);
	*strrchr(head, '.') = '\0';
	rc = net_import_head(im, head, n->params[n->nodes[n->head].param].shape[1], &classes, err);
	net_free(n);
	if (rc < 0)
		return -1;
	if (!classes && how->partial)
		classes = how->classes;
	if (classes == 1)
		return err_fail(err, "its classifier '%s.weight' has one output: scores need a logit for each class",
				head);
	if (classes < 2 || classes > 1000000)
		return err_fail(err, "has no classifier '%s.weight', so the number of classes is unknown%s", head,
				how->partial ? "; --classes FILE tells their names" : "");
	im->c->net = build(best->spec, im->state, how, (int)classes, err);
	return im->c->net ? 0 : -1;
}
