/* SPDX-License-Identifier: MIT
 * Turns foreign states into checkpoints: a comparison of every tensor with the network's, and what the user is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_import_internal.h"

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
static void say_unseen(struct net_importing *im, const struct net_import_choice *best)
{
	const struct net *n = im->c->net;
	const char *from = best->dialect->rules[0].from; /* of torchvision's names, which the architecture has not */

	if (strncmp(n->spec, "resnet-cifar:", 13) == 0 && from && strcmp(from, "downsample.") == 0)
		net_import_say(
			im, false,
			"its shapes do not show poolings: if it is torchvision's ResNet with a first convolution "
			"of 3x3, whose max-pooling has stayed, export it to ONNX instead (man unmask-onnx)");
	if (im->how->h && n->h < 64 && net_import_first_conv(n) && net_import_first_conv(n)->stride > 1 &&
	    strncmp(n->spec, "vit:", 4) != 0)
		net_import_say(im, false,
			       "its shapes do not show strides and poolings: if some were changed for images of %dx%d, "
			       "export it to ONNX instead (man unmask-onnx)",
			       n->h, n->w);
}

static void say_choice(struct net_importing *im, const struct net_import_choice *best)
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
	struct net_import_choice best = { .dialect = NULL };
	int rc = -1;

	ts_header_init(&c->header, "checkpoint");
	if (net_names_unwrap(state, err) < 0 || net_names_join(state, err) < 0)
		goto out;
	for (size_t i = 0; i < how->n_renames; i++)
		if (net_names_replace(state, how->renames[i], err) < 0)
			goto out;
	if (net_import_find(&im, &best, err) < 0)
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
