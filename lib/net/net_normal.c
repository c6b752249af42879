/* SPDX-License-Identifier: MIT
 * Normalisation of a network's input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

/* Mean and deviation of each channel over the training images. "narrow" has the mean of the images' own deviations,
 * which many trainers of CIFAR-10 use instead. imagenet's are torchvision's. */
#define CIFAR10 \
	{ 125.3 / 255, 123.0 / 255, 113.9 / 255 }, \
	{ \
		63.0 / 255, 62.1 / 255, 66.7 / 255 \
	}
static const struct normaliser {
	const char *name;
	double mean[4], std[4]; /* a fourth std of 0: for three channels */
} normalisers[] = {
	/* in the order of NET_NORMALISERS */
	{ "cifar10", CIFAR10 },
	{ "cifar10-narrow", { 0.4914, 0.4822, 0.4465 }, { 0.2023, 0.1994, 0.2010 } },
	{ "cifar100", { 0.5071, 0.4867, 0.4408 }, { 0.2675, 0.2565, 0.2761 } },
	{ "published", CIFAR10 }, /* the published program's, for CIFAR-10 and CIFAR-100 */
	{ "imagenet", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 } },
	{ "half", { 0.5, 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5, 0.5 } },
	{ "none", { 0 }, { 1, 1, 1, 1 } },
};

static const struct normaliser *find(const char *name)
{
	for (size_t i = 0; i < sizeof normalisers / sizeof *normalisers; i++)
		if (strcmp(normalisers[i].name, name) == 0)
			return &normalisers[i];
	return NULL;
}

bool net_is_normaliser(const char *name)
{
	return find(name) != NULL;
}

int net_normalise(struct net_checkpoint *c, const char *name, struct err *err)
{
	const struct normaliser *n = find(name);

	if (!n)
		return err_fail(err, "normalisation '%s' is not one of " NET_NORMALISERS, name);
	if (c->net->c != 3 && n->std[3] <= 0)
		return err_fail(err, "normalisation '%s' is for 3 channels, the network has %d", name, c->net->c);
	memcpy(c->mean, n->mean, sizeof c->mean);
	memcpy(c->std, n->std, sizeof c->std);
	return 0;
}

/* Parses n comma-separated numbers, each at least min, into v; does nothing if text is NULL. */
static int parse(const char *what, const char *text, int n, double min, double *v, struct err *err)
{
	const char *next = text;
	char *end;

	for (int i = 0; i < n && text; i++) {
		v[i] = strtod(next, &end);
		if (end == next || !(v[i] >= min && v[i] <= 1e9) || *end != (i + 1 < n ? ',' : '\0'))
			return err_fail(err,
					"%s takes %d numbers with commas between them, one per channel%s, not '%s'",
					what, n, min > 0 ? ", above 0" : "", text);
		next = end + 1;
	}
	return 0;
}

int net_normalise_by(struct net_checkpoint *c, const char *mean, const char *std, struct err *err)
{
	if (parse("mean", mean, c->net->c, -1e9, c->mean, err) < 0)
		return -1;
	for (int i = 0; mean && i < c->net->c; i++)
		if (c->mean[i] > 1)
			return err_fail(
				err, "mean is that of pixels from 0 to 1, which '%s' is not; divide it and std by 255",
				mean);
	return parse("std", std, c->net->c, 1e-9, c->std, err);
}

bool net_same_normalisation(const struct net_checkpoint *a, const struct net_checkpoint *b)
{
	for (int i = 0; i < a->net->c; i++)
		if ((float)a->mean[i] != (float)b->mean[i] || (float)a->std[i] != (float)b->std[i])
			return false;
	return true;
}

const char *net_normal_text(const double *v, int n, char text[NET_NORMAL_TEXT])
{
	size_t k = 0;

	for (int i = 0; i < n && k < NET_NORMAL_TEXT; i++)
		k += (size_t)snprintf(text + k, NET_NORMAL_TEXT - k, "%s%.9g", i ? "," : "", v[i]);
	return text;
}
