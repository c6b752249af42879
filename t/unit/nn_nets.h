/* SPDX-License-Identifier: MIT
 * Networks with random values for tests of the engine, and the inputs they are tested on. */
#ifndef NN_NETS_H
#define NN_NETS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err/err.h"
#include "net/mask/net_mask.h"

struct nn_case {
	const char *spec;
	int c, h, w;
};

/* Every architecture, with image sizes that are not multiples of tiles of 4 and 6 or vectors of 16. */
static const struct nn_case nn_cases[] = {
	{ "densenet:depth=22,growth=12", 3, 32, 32 },
	{ "densenet:depth=13,growth=5,reduction=0.7,affine=1", 3, 20, 28 },
	{ "densenet:depth=10,growth=4,bottleneck=0", 1, 17, 9 },
	{ "wideresnet:depth=10,widen=1", 3, 19, 32 },
	{ "wideresnet:depth=16,widen=2,affine=0", 4, 16, 12 },
	{ "resnet-cifar:depth=18", 3, 12, 9 },
	{ "resnet-cifar:depth=50,affine=0", 3, 8, 8 },
	{ "resnet-narrow:depth=14", 3, 15, 18 },
	{ "resnet-narrow:depth=8,projection=1", 3, 12, 13 },
	{ "cifarnet:widen=0.25", 3, 23, 23 },
	{ "resnet:depth=18", 3, 37, 33 },
	{ "resnet:depth=50", 3, 32, 32 },
	{ "densenet121:growth=8,init=16,block1=2,block2=3,block3=2,block4=1", 3, 40, 32 },
	{ "conv2", 3, 8, 8 },
	{ "conv4", 3, 8, 12 },
	{ "conv6", 1, 16, 16 },
	{ "fc", 3, 5, 7 },
	/* these are not trained on the CPU */
	{ "resnext:depth=50,groups=4,width=5", 3, 32, 33 },
	{ "mobilenet-v2:widen=0.3", 3, 33, 32 },
	{ "mobilenet-v3-large:widen=0.3", 3, 32, 37 },
	{ "mobilenet-v3-small:widen=0.5,timm=1", 1, 32, 32 },
	{ "efficientnet:widen=0.3", 3, 35, 32 },
	{ "regnet:depth=6,w0=16,wa=9,wm=2,group=12", 3, 32, 35 },
	{ "convnext:width=7,block1=1,block2=1,block3=2,block4=1", 3, 38, 33 },
	{ "vit:patch=8,width=30,depth=2,heads=3,mlp=50", 3, 40, 24 },
};
enum { NN_CASES = sizeof nn_cases / sizeof *nn_cases, NN_UNTRAINED = 8, NN_TRAINED = NN_CASES - NN_UNTRAINED };

/* Gives batch norms statistics and factors that have an effect, some factors negative or 0. */
static inline void nn_statistics(struct net_checkpoint *c, struct ts_rng *rng)
{
	for (int i = 0; i < c->net->n_params; i++) {
		const enum net_role role = c->net->params[i].role;
		float *v = c->state.t[i].data;

		for (size_t n = 0; n < ts_tensor_count(&c->state.t[i]); n++)
			if (role == NET_RUNNING_VAR)
				v[n] = (float)(0.5 + ts_rng_double(rng));
			else if (role == NET_RUNNING_MEAN || role == NET_BETA || role == NET_BIAS)
				v[n] = (float)(0.3 * ts_rng_normal(rng));
			else if (role == NET_GAMMA)
				v[n] = n % 7 == 3 ? 0 : n % 5 == 2 ? -1 : (float)(0.5 + ts_rng_double(rng));
	}
}

/* A checkpoint whose batch norms have statistics and factors with an effect, some factors negative or 0. */
static inline int nn_random(struct net_checkpoint *c, const struct nn_case *k, int classes, uint64_t seed)
{
	struct ts_rng rng = ts_rng_new(seed, 1);
	struct err err;

	*c = (struct net_checkpoint){ .mean = { 0.5, 0.4, 0.3, 0.6 }, .std = { 0.25, 0.2, 0.3, 0.22 } };
	ts_header_init(&c->header, "checkpoint");
	c->net = net_new(k->spec, k->c, k->h, k->w, classes, &err);
	if (!c->net || net_init(c->net, &rng, &c->state) < 0) {
		printf("# %s: %s\n", k->spec, err.text);
		return -1;
	}
	nn_statistics(c, &rng);
	return 0;
}

static inline uint8_t *nn_random_images(const struct net *n, size_t count, uint64_t seed)
{
	const size_t size = count * net_node_size(&n->nodes[0]);
	struct ts_rng rng = ts_rng_new(seed, 2);
	uint8_t *x = malloc(size);

	for (size_t i = 0; x && i < size; i++)
		x[i] = (uint8_t)(256 * ts_rng_double(&rng));
	return x;
}

/* The largest difference, relative to the largest number of want, or to 1 if that is smaller. */
static inline double nn_distance(const float *have, const float *want, size_t n)
{
	double off = 0, most = 1;

	for (size_t i = 0; i < n; i++) {
		const double d = fabs((double)have[i] - (double)want[i]);

		off = isnan(d) ? INFINITY : d > off ? d : off;
		most = fmax(most, fabs((double)want[i]));
	}
	return off / most;
}

#endif
