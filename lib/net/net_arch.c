/* SPDX-License-Identifier: MIT
 * The architectures, their specs, and networks built from them. */
#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err/err_near.h"
#include "net/net.h"

/* Each is net_NAME in a file of arch/. They are listed, and guessed from a state, in this order. */
#define ARCHS(X) \
	X(densenet) \
	X(wideresnet) \
	X(resnet_cifar) \
	X(resnet_narrow) \
	X(resnet) \
	X(resnext) \
	X(densenet121) \
	X(cifarnet) \
	X(conv2) \
	X(conv4) \
	X(conv6) \
	X(conv8) \
	X(fc) \
	X(vgg) X(mobilenet_v2) X(mobilenet_v3_large) X(mobilenet_v3_small) X(efficientnet) X(regnet) X(convnext) X(vit)
#define DECLARE(name) extern const struct net_arch net_##name;
ARCHS(DECLARE)
#define ADDRESS(name) &net_##name,
const struct net_arch *const net_archs[] = { ARCHS(ADDRESS) NULL };

/* Other names of networks that we have: torchvision's, timm's, OpenOOD's. */
static const struct {
	const char *name, *spec;
} aliases[] = {
	{ "resnet20", "resnet-narrow:depth=20" },
	{ "resnet32", "resnet-narrow:depth=32" },
	{ "resnet44", "resnet-narrow:depth=44" },
	{ "resnet56", "resnet-narrow:depth=56" },
	{ "resnet110", "resnet-narrow:depth=110" },
	{ "resnet18", "resnet:depth=18" },
	{ "resnet34", "resnet:depth=34" },
	{ "resnet50", "resnet:depth=50" },
	{ "resnet101", "resnet:depth=101" },
	{ "resnet152", "resnet:depth=152" },
	{ "wide-resnet50-2", "resnet:depth=50,widen=2" },
	{ "wide-resnet101-2", "resnet:depth=101,widen=2" },
	{ "densenet169", "densenet121:block3=32,block4=32" },
	{ "densenet201", "densenet121:block3=48,block4=32" },
	{ "densenet161", "densenet121:growth=48,init=96,block3=36,block4=24" },
	{ "resnet18-224x224", "resnet:depth=18" },
	{ "resnet18-32x32", "resnet-cifar:depth=18" },
	{ "resnet34-32x32", "resnet-cifar:depth=34" },
	{ "resnet50-32x32", "resnet-cifar:depth=50" },
	{ "wrn-40-2", "wideresnet:depth=40,widen=2" },
	{ "wrn-40-4", "wideresnet:depth=40,widen=4" },
	{ "wrn-28-10", "wideresnet:depth=28,widen=10" },
	{ "wrn-16-4", "wideresnet:depth=16,widen=4" },
	{ "resnext50-32x4d", "resnext:depth=50,groups=32,width=4" },
	{ "resnext101-32x8d", "resnext:depth=101,groups=32,width=8" },
	{ "resnext101-64x4d", "resnext:depth=101,groups=64,width=4" },
	{ "vgg11", "vgg:depth=11,bn=0" },
	{ "vgg13", "vgg:depth=13,bn=0" },
	{ "vgg16", "vgg:depth=16,bn=0" },
	{ "vgg19", "vgg:depth=19,bn=0" },
	{ "vgg11-bn", "vgg:depth=11" },
	{ "vgg13-bn", "vgg:depth=13" },
	{ "vgg16-bn", "vgg:depth=16" },
	{ "vgg19-bn", "vgg:depth=19" },
	{ "mobilenetv2-100", "mobilenet-v2:timm=1" },
	{ "mobilenetv3-large-100", "mobilenet-v3-large:timm=1" },
	{ "mobilenetv3-small-100", "mobilenet-v3-small:timm=1" },
	{ "efficientnet-b0", "efficientnet" },
	{ "efficientnet-b1", "efficientnet:widen=1,deepen=1.1" },
	{ "efficientnet-b2", "efficientnet:widen=1.1,deepen=1.2" },
	{ "efficientnet-b3", "efficientnet:widen=1.2,deepen=1.4" },
	{ "efficientnet-b4", "efficientnet:widen=1.4,deepen=1.8" },
	{ "regnet-x-400mf", "regnet:depth=22,w0=24,wa=24.48,wm=2.54,group=16,se=0" },
	{ "regnet-y-400mf", "regnet" },
	{ "regnet-y-800mf", "regnet:depth=14,w0=56,wa=38.84,wm=2.4,group=16" },
	{ "convnext-tiny", "convnext" },
	{ "convnext-small", "convnext:block3=27" },
	{ "convnext-base", "convnext:width=128,block3=27" },
	{ "vit-b-16", "vit" },
	{ "vit-b-32", "vit:patch=32" },
	{ "vit-l-16", "vit:width=1024,depth=24,heads=16,mlp=4096" },
	{ "vit-small-patch16-224", "vit:width=384,heads=6,mlp=1536" },
	{ "vit-base-patch16-224", "vit" },
	{ NULL, NULL },
};

const char *net_alias(size_t i, const char **spec)
{
	*spec = aliases[i].spec;
	return aliases[i].name;
}

/* The spec that an alias of len bytes stands for; NULL: not an alias. Case, and '_' for '-', do not matter. */
static const char *find_alias(const char *name, size_t len)
{
	for (int i = 0; aliases[i].name; i++) {
		size_t k = 0;

		while (k < len && tolower((unsigned char)(name[k] == '_' ? '-' : name[k])) == aliases[i].name[k])
			k++;
		if (k == len && !aliases[i].name[k])
			return aliases[i].spec;
	}
	return NULL;
}

static const struct net_arch *find_arch(const char *name, size_t len, struct err *err)
{
	for (int i = 0; net_archs[i]; i++)
		if (strlen(net_archs[i]->name) == len && memcmp(net_archs[i]->name, name, len) == 0)
			return net_archs[i];
	char word[64];
	struct err_near near;

	snprintf(word, sizeof word, "%.*s", len < 63 ? (int)len : 63, name);
	near = err_near(word);
	for (int i = 0; aliases[i].name; i++)
		err_near_try(&near, aliases[i].name);
	for (int i = 0; net_archs[i]; i++)
		err_near_try(&near, net_archs[i]->name);
	err_fail(err,
		 "unknown architecture '%.*s'%s (names for some with their parameters:", len < 100 ? (int)len : 100,
		 name, err_near_text(&near, "'"));
	for (int i = 0; aliases[i].name; i++)
		err_append(err, " %s", aliases[i].name);
	err_append(err, "); the architectures are:");
	for (int i = 0; net_archs[i]; i++)
		err_append(err, " %s", net_archs[i]->name);
	return NULL;
}

/* Parses "name=value" (len bytes) into p. */
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

/* Parses ":name=value,name=value" into p. */
static int set_params(const struct net_arch *a, const char *text, double *p, struct err *err)
{
	while (*text) {
		const size_t len = strcspn(++text, ",");

		if (len && set_param(a, text, len, p, err) < 0)
			return -1;
		text += len;
	}
	return 0;
}

static const struct net_arch *parse_spec(const char *spec, double *p, struct err *err)
{
	const size_t len = strcspn(spec, ":");
	const char *alias = find_alias(spec, len);
	const struct net_arch *a = find_arch(alias ? alias : spec, alias ? strcspn(alias, ":") : len, err);

	for (int i = 0; a && i < NET_MAX_PARAMS && a->params[i].name; i++)
		p[i] = a->params[i].value;
	if (!a || (alias && set_params(a, alias + strcspn(alias, ":"), p, err) < 0) ||
	    set_params(a, spec + len, p, err) < 0)
		return NULL;
	return a;
}

/* Can the network be cut at every stage? */
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
	n = net_begin(c, h, w, classes, err);
	if (!n)
		return NULL;
	write_spec(n, a, p);
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
