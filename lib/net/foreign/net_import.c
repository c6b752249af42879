/* SPDX-License-Identifier: MIT
 * Turns foreign states into checkpoints: names, architecture, and a comparison of every tensor with the network's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_import_internal.h"
#include "net/foreign/net_names.h"

/* ---- for comparisons ---- */

/* A first part that all tensors' names have in common, and that carries no meaning. */
static const char *common_wrapper(const struct ts_set *s)
{
	static const char *const wrappers[] = { "model.", "net.", "network.", "backbone.", "encoder.", "student." };

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

int net_import_prefixes(struct ts_set *s, struct err *err)
{
	const char *w;

	if (net_names_unwrap(s, err) < 0)
		return -1;
	while ((w = common_wrapper(s)) != NULL)
		for (size_t i = 0; i < s->n; i++)
			memmove(s->t[i].name, s->t[i].name + strlen(w), strlen(s->t[i].name + strlen(w)) + 1);
	return 0;
}

/* ---- the architecture ---- */

/* Where a network was found, and how much of it. */
struct choice {
	char prefix[NET_FOREIGN_NAME], spec[NET_SPEC];
	const struct net_dialect *dialect; /* NULL: none yet */
	size_t matched, all;               /* tensors, without the classifier and counters */
	char twin[NET_FOREIGN_NAME];       /* another prefix that matches as much; "" if none */
};

/* The first convolution if it reads the input, else NULL. */
static const struct net_node *first_conv(const struct net *n)
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
	if (!n || !first_conv(n))
		return n;
	t = ts_set_get(state, n->params[0].name);
	size = how->h ? h : learnt_size(n, state) ? learnt_size(n, state) : first_conv(n)->stride > 1 ? 224 : h;
	if (!how->c && t && t->ndim == 4 && t->shape[1] >= 1 && t->shape[1] <= 4)
		got = (int)t->shape[1];
	if (size == h && got == ch)
		return n;
	net_free(n);
	return net_new(spec, got, size, size == h ? w : size, classes, err);
}

/* Counts the tensors of the spec's network that are in the state, and stores the choice in *best if they are more. */
static void weigh(const struct net_named *s, const char *prefix, const struct net_dialect *d, const char *spec,
		  const struct net_import *how, struct choice *best)
{
	struct choice c = { .dialect = d };
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
static int look(const struct ts_set *state, const char *prefix, const struct net_import *how, struct choice *best,
		struct err *err)
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

static int choose(const struct ts_set *state, const struct net_import *how, struct choice *best, struct err *err)
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
static int part(struct net_importing *im, const struct choice *best, struct err *err)
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

/* Finds the network in the state and builds it. */
static int find(struct net_importing *im, struct choice *best, struct err *err)
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

/* ---- tensors ---- */

/* The message for a missing tensor that is in the file, but cannot be read. */
static const char *unreadable(const struct net_importing *im, const char *name, char *buf, size_t size)
{
	char quoted[NET_NAME + 2];
	const char *at = im->how->left;

	snprintf(quoted, sizeof quoted, "%s'", name);
	while (at && (at = strstr(at, quoted)) != NULL && at > im->how->left && at[-1] != '.' && at[-1] != '\'')
		at++;
	*buf = '\0';
	if (at) /* 'name' (type), ... */
		snprintf(buf, size, ": the file's cannot be read%.*s", (int)strcspn(at + strlen(quoted), ","),
			 at + strlen(quoted));
	return buf;
}

/* Compares every tensor of the network with the state's; moves those that fit to `to`. */
static void each(struct net_importing *im, struct ts_tensor *to)
{
	const struct net *n = im->c->net;
	char want[TS_SHAPE], why[96];

	for (int i = 0; i < n->n_params; i++) {
		const struct net_param *p = &n->params[i];

		if (!ts_set_get(im->state, p->name)) {
			if (p->role != NET_BATCHES) /* PyTorch before 0.4.1 does not count */
				net_import_say(im, true, "missing: tensor '%s' (%s)%s%s", p->name,
					       ts_shape_text(p->ndim, p->shape, want),
					       unreadable(im, p->name, why, sizeof why),
					       im->how->partial ? "; it has fresh values" : "");
		} else if (to) {
			net_import_move(im, p->name, &to[i]);
		} else {
			net_import_fits(im, p->name, p->ndim, p->shape);
		}
	}
}

/* Does the network have a module whose name begins like this one, up to its first dot? */
static bool within(const struct net *n, const char *name)
{
	const size_t len = strcspn(name, ".");

	for (int i = 0; i < n->n_params; i++)
		if (strncmp(n->params[i].name, name, len) == 0 && n->params[i].name[len] == '.')
			return true;
	return false;
}

static bool is_counter(const char *name)
{
	static const char *const counters[] = { "n_averaged", "total_ops", "total_params", "num_batches_tracked" };
	const char *last = strrchr(name, '.') ? strrchr(name, '.') + 1 : name;

	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
		if (strcmp(last, counters[i]) == 0)
			return true;
	return false;
}

/* Notes a tensor for the line about tensors left out. One that may be the input's normalisation gets a line of its
 * own. */
static void leave(struct net_importing *im, const struct ts_tensor *t)
{
	const char *last = strrchr(t->name, '.') ? strrchr(t->name, '.') + 1 : t->name;
	const size_t at = strlen(im->outside);

	if (is_counter(t->name))
		return;
	if (ts_tensor_count(t) == 3 && (strcmp(last, "mean") == 0 || strcmp(last, "std") == 0 ||
					strcmp(last, "mu") == 0 || strcmp(last, "sigma") == 0))
		net_import_say(im, false, "left out: tensor '%s' (%g,%g,%g): does it normalise the input?", t->name,
			       ts_get(t->type, t->data, 0), ts_get(t->type, t->data, 1), ts_get(t->type, t->data, 2));
	else if (im->n_outside++ < 6)
		snprintf(im->outside + at, sizeof im->outside - at, "%s'" ERR_NAME "'", at ? ", " : "", t->name);
}

/* The published Conv4 has its layers twice; its forward() runs convs and linear, but never these. */
static bool is_dead(const struct net *n, const char *name)
{
	static const char *const dead[] = { "conv1.", "conv2.", "conv3.", "conv4.", "fc1.", "fc2.", "fc3." };

	for (size_t i = 0; strncmp(n->spec, "conv4:", 6) == 0 && i < sizeof dead / sizeof *dead; i++)
		if (strncmp(name, dead[i], strlen(dead[i])) == 0)
			return true;
	return false;
}

/* Deals with the tensors that nothing has taken. */
static void extras(struct net_importing *im)
{
	char shape[TS_SHAPE];

	for (size_t i = 0; i < im->state->n; i++) {
		const struct ts_tensor *t = &im->state->t[i];
		const bool conv = t->ndim == 4 && t->shape[2] * t->shape[3] > 1 && !is_dead(im->c->net, t->name);

		if (im->taken[i] || is_counter(t->name))
			continue;
		if (!within(im->c->net, t->name) && !conv)
			leave(im, t);
		else
			net_import_say(im, true, "extra: tensor '%s' (%s)%s", t->name,
				       ts_shape_text(t->ndim, t->shape, shape),
				       im->how->partial ? "; it is left out" : "");
	}
	for (size_t i = 0; i < im->beside.n; i++)
		leave(im, &im->beside.t[i]);
	if (im->n_outside)
		net_import_say(im, false, "left out, as they stand beside the network: %zu tensors, %s%s",
			       im->n_outside, im->outside, im->n_outside > 6 ? ", ..." : "");
}

static int misfit(const struct net_importing *im, struct err *err)
{
	return err_fail(err,
			"%zu tensors do not fit architecture %s; --partial takes those that do, "
			"--arch names another",
			im->wrong, im->c->net->spec);
}

/* Runs before memory for the network is allocated: its size comes from names and shapes, which cost a file nothing. So
 * all tensors must fit or, with --partial, the guessed network must not be far larger than the file. */
static int check_first(struct net_importing *im, struct err *err)
{
	const struct net *n = im->c->net;
	size_t have = 1 << 18;

	for (size_t i = 0; i < im->state->n; i++)
		have += ts_tensor_count(&im->state->t[i]);
	if (im->how->partial && !im->how->arch && net_count(n) / 4 > have)
		return err_fail(err,
				"its tensors are far smaller than the guessed architecture %s; if it is "
				"the right one, name it with --arch",
				n->spec);
	if (im->how->partial)
		return 0;
	each(im, NULL);
	if (net_import_fold(im, false, err) < 0)
		return -1;
	if (!im->wrong)
		return 0;
	for (size_t i = 0; i < im->state->n; i++)
		im->taken[i] = im->taken[i] || net_import_of_mask(im->state->t[i].name);
	extras(im);
	return misfit(im, err);
}

/* What shapes do not tell of networks that many change for small images, with the same tensors. */
static void say_unseen(struct net_importing *im, const struct choice *best)
{
	const struct net *n = im->c->net;
	const char *from = best->dialect->rules[0].from; /* of torchvision's names, which the architecture has not */

	if (strncmp(n->spec, "resnet-cifar:", 13) == 0 && from && strcmp(from, "downsample.") == 0)
		net_import_say(
			im, false,
			"its shapes do not show poolings: if it is torchvision's ResNet with a first convolution "
			"of 3x3, whose max-pooling has stayed, export it to ONNX instead (man unmask-onnx)");
	if (im->how->h && n->h < 64 && first_conv(n) && first_conv(n)->stride > 1 && strncmp(n->spec, "vit:", 4) != 0)
		net_import_say(im, false,
			       "its shapes do not show strides and poolings: if some were changed for images of %dx%d, "
			       "export it to ONNX instead (man unmask-onnx)",
			       n->h, n->w);
}

static void say_choice(struct net_importing *im, const struct choice *best)
{
	/* A warning about what names and shapes do not tell. */
	static const char tf[] = "timm's networks called tf_... look the same, but pad otherwise: if it is one of "
				 "those, export it to ONNX instead (man unmask-onnx)";
	static const struct {
		const char *arch, *param, *why;
	} unsure[] = {
		{ "mobilenet-", "timm=1", tf },
		{ "efficientnet:", "timm=1", tf },
		{ "vit:", "",
		  "its shapes do not show the number of heads; if it is not the usual one, give --arch "
		  "vit:...,heads=N" },
	};

	if (!im->how->arch)
		net_import_say(im, false, "guessed architecture: %s", im->c->net->spec);
	for (size_t i = 0; !im->how->arch && i < sizeof unsure / sizeof *unsure; i++)
		if (strncmp(im->c->net->spec, unsure[i].arch, strlen(unsure[i].arch)) == 0 &&
		    strstr(im->c->net->spec, unsure[i].param))
			net_import_say(im, false, "%s", unsure[i].why);
	if (!im->how->arch)
		say_unseen(im, best);
	if (*best->prefix)
		net_import_say(im, false, "the network is the part that begins with '%s'", best->prefix);
	if (*best->dialect->whose)
		net_import_say(im, false, "its names are %s", best->dialect->whose);
	if (*best->twin)
		net_import_say(im, false, "the same network is also under '%s'; choose with --prefix", best->twin);
	net_import_say(im, false, "input %dx%dx%d, %d classes", im->c->net->c, im->c->net->h, im->c->net->w,
		       im->c->net->classes);
}

int net_import(struct net_checkpoint *c, struct ts_set *state, const struct net_import *how, struct err *err)
{
	struct net_importing im = { .c = c, .state = state, .how = how, .rng = ts_rng_new(how->seed, 0) };
	struct choice best = { .dialect = NULL };
	int rc = -1;

	ts_header_init(&c->header, "checkpoint");
	if (net_names_unwrap(state, err) < 0 || net_names_join(state, err) < 0)
		goto out;
	for (size_t i = 0; i < how->n_renames; i++)
		if (net_names_replace(state, how->renames[i], err) < 0)
			goto out;
	if (find(&im, &best, err) < 0)
		goto out;
	say_choice(&im, &best);
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
	if (net_import_fold(&im, true, err) < 0 || net_import_masks(&im, err) < 0)
		goto out;
	extras(&im);
	if (im.wrong && !how->partial)
		misfit(&im, err);
	else
		rc = net_check(c->net, &c->state, err);
out:
	free(im.taken);
	ts_set_release(&im.beside);
	ts_set_release(state);
	return rc;
}
