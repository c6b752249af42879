/* SPDX-License-Identifier: MIT
 * What an exported file says of its network. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_recorded.h"
#include "ts/ts_images.h"

static const char *const keys[NET_RECORDS] = { "unmask.arch",       "unmask.input",    "unmask.mean", "unmask.std",
					       "unmask.prepare",    "unmask.classes",  "unmask.mask", "unmask.keep",
					       "unmask.mask_scope", "unmask.mask_seed" };

static int __attribute__((format(printf, 3, 4)))
put(struct net_recorded *r, enum net_record what, const char *format, ...)
{
	char text[NET_SPEC];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return (r->v[what] = strdup(text)) ? 0 : -1;
}

/* One per line; nothing if a name has several. */
static int put_classes(struct net_recorded *r, char *const *names, size_t n)
{
	size_t len = 1, at = 0;

	for (size_t i = 0; i < n; len += strlen(names[i++]) + 1)
		if (strchr(names[i], '\n'))
			return 0;
	if (n == 0)
		return 0;
	if (!(r->v[NET_R_CLASSES] = malloc(len)))
		return -1;
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(r->v[NET_R_CLASSES] + at, len - at, "%s%s", i ? "\n" : "", names[i]);
	return 0;
}

int net_record(struct net_recorded *r, const struct net_checkpoint *c, bool masks)
{
	const struct net_mask *m = masks ? c->mask : NULL;
	const struct net *n = c->net;
	char text[NET_NORMAL_TEXT];
	int rc;

	*r = (struct net_recorded){ 0 };
	rc = ts_meta_get_str(&c->header.meta, TS_IMAGES_PREPARE, &r->v[NET_R_PREPARE]);
	if (rc < 0 || put(r, NET_R_ARCH, "%s", n->spec) < 0 || put(r, NET_R_INPUT, "%dx%dx%d", n->c, n->h, n->w) < 0 ||
	    put(r, NET_R_MEAN, "%s", net_normal_text(c->mean, n->c, text)) < 0 ||
	    put(r, NET_R_STD, "%s", net_normal_text(c->std, n->c, text)) < 0 ||
	    put_classes(r, c->classes, c->n_classes) < 0)
		return -1;
	if (!m)
		return 0;
	return put(r, NET_R_MASK, "%s", net_mask_kinds[m->kind]) < 0 || put(r, NET_R_KEEP, "%.17g", m->keep) < 0 ||
			       put(r, NET_R_SCOPE, "%s", net_mask_scopes[m->scope]) < 0 ||
			       put(r, NET_R_SEED, "%llu", (unsigned long long)m->seed) < 0 ?
		       -1 :
		       0;
}

void net_recorded_pairs(const struct net_recorded *r, const char *pairs[2 * NET_RECORDS + 3])
{
	size_t n = 0;

	pairs[n++] = "format";
	pairs[n++] = "pt";
	for (size_t i = 0; i < NET_RECORDS; i++)
		if (r->v[i]) {
			pairs[n++] = keys[i];
			pairs[n++] = r->v[i];
		}
	pairs[n] = NULL;
}

int net_recorded_read(struct net_recorded *r, const struct ts_meta *m)
{
	int rc = 0;

	*r = (struct net_recorded){ 0 };
	for (size_t i = 0; i < NET_RECORDS && rc >= 0; i++)
		rc = ts_meta_get_str(m, keys[i], &r->v[i]);
	return rc < 0 ? -1 : 0;
}

static bool is(const struct net_recorded *r, enum net_record what, const char *text)
{
	return r->v[what] && strcmp(r->v[what], text) == 0;
}

/* What scores mean is known if the file says so; a fixed mask needs nothing. */
static bool fill_masks(const struct net_recorded *r, struct net_import *how, struct err *doubt)
{
	const double keep = r->v[NET_R_KEEP] ? strtod(r->v[NET_R_KEEP], NULL) : -1;
	const enum net_mask_scope scope =
		is(r, NET_R_SCOPE, net_mask_scopes[NET_SCOPE_MODEL]) ? NET_SCOPE_MODEL : NET_SCOPE_LAYER;
	const bool drawn = is(r, NET_R_MASK, "bernoulli");

	if (!(keep >= 0 && keep <= 1) || (!drawn && !is(r, NET_R_MASK, "scores") && !is(r, NET_R_MASK, "weights")))
		return false;
	if (drawn && how->rule == NET_RULE_TOP && how->keep < 0) {
		how->rule = NET_RULE_SAMPLE;
		if (how->seed == 0 && r->v[NET_R_SEED])
			how->seed = strtoull(r->v[NET_R_SEED], NULL, 10);
		return false;
	}
	if (!drawn && how->rule == NET_RULE_TOP && how->keep < 0) {
		how->keep = keep;
		how->scope = scope;
		return false;
	}
	if (drawn ? how->rule == NET_RULE_SAMPLE :
		    how->rule == NET_RULE_TOP && how->keep == keep && how->scope == scope)
		return false;
	err_fail(doubt, "the file says that its masks are '%s', of which %g of the weights stay, by %s",
		 r->v[NET_R_MASK], keep, net_mask_scopes[scope]);
	return true;
}

bool net_recorded_fill(const struct net_recorded *r, struct net_import *how, struct err *doubt)
{
	int c, h, w;
	const bool sized = r->v[NET_R_INPUT] && sscanf(r->v[NET_R_INPUT], "%4dx%4dx%4d", &c, &h, &w) == 3 && c > 0 &&
			   h > 0 && w > 0;

	if (!how->arch)
		how->arch = r->v[NET_R_ARCH];
	if (sized && how->h == 0) {
		how->c = c;
		how->h = h;
		how->w = w;
	} else if (sized && (how->h != h || how->w != w)) {
		err_fail(doubt, "the file says that its input is %dx%dx%d", c, h, w);
		return true;
	}
	return !how->no_masks && fill_masks(r, how, doubt);
}

static int take_classes(const char *lines, struct net_checkpoint *c, struct err *err)
{
	char *copy = strdup(lines), *rest = copy, *line, **names = calloc((size_t)c->net->classes + 1, sizeof *names);
	int n = 0, rc = 0;

	if (!copy || !names)
		rc = err_memory(err);
	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL && n++ < c->net->classes)
		names[n - 1] = line;
	if (rc == 0 && n == c->net->classes) {
		c->classes = ts_copy_classes(names, (size_t)n);
		c->n_classes = (size_t)n;
		rc = c->classes ? 0 : err_memory(err);
	}
	free(names);
	free(copy);
	return rc;
}

int net_recorded_take(const struct net_recorded *r, struct net_checkpoint *c, struct err *err)
{
	const char *prepare = r->v[NET_R_PREPARE];

	if (r->v[NET_R_MEAN] && r->v[NET_R_STD] && net_normalise_by(c, r->v[NET_R_MEAN], r->v[NET_R_STD], err) < 0)
		return err_prefix(err, "its metadata: ");
	if (prepare && ts_meta_set_str(&c->header.meta, TS_IMAGES_PREPARE, prepare) < 0)
		return err_memory(err);
	return r->v[NET_R_CLASSES] && !c->classes ? take_classes(r->v[NET_R_CLASSES], c, err) : 0;
}

void net_recorded_release(struct net_recorded *r)
{
	for (size_t i = 0; i < NET_RECORDS; i++)
		free(r->v[i]);
	*r = (struct net_recorded){ 0 };
}
