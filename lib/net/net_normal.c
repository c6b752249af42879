/* SPDX-License-Identifier: MIT
 * Normalisation of a network's input. */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

/* Numbers of each channel over the training images; those of "narrow" are the mean over images of each image's
 * deviation, which many trainers of CIFAR-10 took for it. imagenet's are torchvision's. */
#define CIFAR10 \
	{ 125.3 / 255, 123.0 / 255, 113.9 / 255 }, \
	{ \
		63.0 / 255, 62.1 / 255, 66.7 / 255 \
	}
static const struct net_normaliser normalisers[] = {
	{ "cifar10", CIFAR10 },
	{ "cifar10-narrow", { 0.4914, 0.4822, 0.4465 }, { 0.2023, 0.1994, 0.2010 } },
	{ "cifar100", { 0.5071, 0.4867, 0.4408 }, { 0.2675, 0.2565, 0.2761 } },
	{ "published", CIFAR10 }, /* the published program's, for CIFAR-10 and CIFAR-100 */
	{ "imagenet", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 } },
	{ "half", { 0.5, 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5, 0.5 } },
	{ "none", { 0 }, { 1, 1, 1, 1 } },
};

const struct net_normaliser *net_normaliser(const char *name)
{
	for (size_t i = 0; i < sizeof normalisers / sizeof *normalisers; i++)
		if (strcmp(normalisers[i].name, name) == 0)
			return &normalisers[i];
	return NULL;
}

int net_parse_channels(const char *text, int n, double min, double max, double *v)
{
	char *end;

	for (int i = 0; i < n; i++) {
		v[i] = strtod(text, &end);
		if (end == text || !(v[i] >= min && v[i] <= max) || *end != (i + 1 < n ? ',' : '\0'))
			return -1;
		text = end + 1;
	}
	return 0;
}
