/* SPDX-License-Identifier: MIT
 * The architectures there are, their specs, and networks made of them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

/* Each is defined in a file of arch/, as net_NAME. In this order they are listed, and guessed from a state. */
#define ARCHS(X) X(densenet) X(wideresnet) X(resnet_cifar) X(resnet) X(densenet121) X(conv2) X(conv4) X(conv6) X(fc)
#define DECLARE(name) extern const struct net_arch net_##name;
ARCHS(DECLARE)
#define ADDRESS(name) &net_##name,
const struct net_arch *const net_archs[] = { ARCHS(ADDRESS) NULL };

static const struct net_arch *find_arch(const char *name, size_t len, struct err *err)
{
	char known[256] = "";

	for (int i = 0; net_archs[i]; i++) {
		if (strlen(net_archs[i]->name) == len && memcmp(net_archs[i]->name, name, len) == 0)
			return net_archs[i];
		snprintf(known + strlen(known), sizeof known - strlen(known), " %s", net_archs[i]->name);
	}
	err_fail(err, "unknown architecture '%.*s'; there are:%s", (int)len, name, known);
	return NULL;
}

/* Takes "name=value" (len bytes) into p. */
static int set_param(const struct net_arch *a, const char *text, size_t len, double *p, struct err *err)
{
	char copy[64], *equals, *end;

	snprintf(copy, sizeof copy, "%.*s", (int)len, text);
	equals = strchr(copy, '=');
	if (equals)
		*equals++ = '\0';
	for (int i = 0; equals && i < NET_MAX_PARAMS && a->params[i].name; i++) {
		const struct net_arch_param *q = &a->params[i];
		if (strcmp(q->name, copy) != 0)
			continue;
		p[i] = strtod(equals, &end);
		if (end == equals || *end || !(p[i] >= q->min && p[i] <= q->max) || (q->whole && p[i] != floor(p[i])))
			return err_fail(err, "%s of %s: '%s' is not a %snumber from %g to %g", copy, a->name, equals,
					q->whole ? "whole " : "", q->min, q->max);
		return 0;
	}
	err_fail(err, "%s has no parameter '%s'%s", a->name, copy, a->params[0].name ? "; it has:" : "");
	for (int i = 0; i < NET_MAX_PARAMS && a->params[i].name; i++)
		err_append(err, " %s", a->params[i].name);
	return -1;
}

static const struct net_arch *parse_spec(const char *spec, double *p, struct err *err)
{
	size_t len = strcspn(spec, ":");
	const struct net_arch *a = find_arch(spec, len, err);

	for (int i = 0; a && i < NET_MAX_PARAMS && a->params[i].name; i++)
		p[i] = a->params[i].value;
	spec += len;
	while (a && *spec) {
		len = strcspn(++spec, ",");
		if (len && set_param(a, spec, len, p, err) < 0)
			return NULL;
		spec += len;
	}
	return a;
}

/* Is the network cut at every stage? */
static bool stages_cut(const struct net *n)
{
	for (int k = 0; k < n->n_stages; k++)
		for (int i = n->stages[k] + 1; i < n->n_nodes; i++)
			for (int j = 0; j < 2; j++)
				if (n->nodes[i].in[j] >= 0 && n->nodes[i].in[j] < n->stages[k])
					return false;
	return true;
}

static void write_spec(struct net *n, const struct net_arch *a, const double *p)
{
	size_t len = (size_t)snprintf(n->spec, sizeof n->spec, "%s", a->name);

	for (int i = 0; i < NET_MAX_PARAMS && a->params[i].name; i++)
		len += (size_t)snprintf(n->spec + len, sizeof n->spec - len, "%c%s=%.9g", i ? ',' : ':',
					a->params[i].name, p[i]);
}

struct net *net_new(const char *spec, int c, int h, int w, int classes, struct err *err)
{
	double p[NET_MAX_PARAMS] = { 0 };
	const struct net_arch *a = parse_spec(spec, p, err);
	struct net *n;

	if (!a)
		return NULL;
	if (c < 1 || c > 4 || h < 1 || w < 1 || h > 4096 || w > 4096 || classes < 2 || classes > 1000000) {
		err_fail(err, "no network for %d x %d x %d pixels and %d classes", c, h, w, classes);
		return NULL;
	}
	n = calloc(1, sizeof *n);
	if (!n) {
		err_memory(err);
		return NULL;
	}
	n->c = c;
	n->h = h;
	n->w = w;
	n->classes = classes;
	write_spec(n, a, p);
	net_input(n);
	if (a->build(n, p, err) < 0) {
		net_free(n);
		return NULL;
	}
	if (n->failed) {
		err_memory(err);
		net_free(n);
		return NULL;
	}
	assert(stages_cut(n));
	return n;
}
