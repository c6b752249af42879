/* SPDX-License-Identifier: MIT
 * DenseNet-BC (Huang et al., CVPR 2017) for large images with torchvision's structure and names:
 * features.conv0, features.denseblock1.denselayer1.norm1, features.transition1.conv, features.norm5,
 * classifier. The default is densenet121; parameters give the other three:
 *
 *	densenet169     block3=32,block4=32
 *	densenet201     block3=48,block4=32
 *	densenet161     growth=48,init=96,block3=36,block4=24
 *
 * The feature list is the input of the first block, the three transitions, and the map that is pooled. */
#include <stdio.h>

#include "net/net.h"

enum { GROWTH, INIT, BLOCK1 };

/* features.A.B for the node's parameters */
static const char *name(char *buf, const char *a, const char *b)
{
	net_name(buf, "features.%s%s", a, b);
	return buf;
}

/* Dropout follows only the second convolution, unlike in the networks for small images. */
static int dense_layer(struct net *n, int in, const char *prefix, int growth)
{
	char buf[NET_NAME];
	int x = net_relu(n, net_bn(n, in, name(buf, prefix, ".norm1"), true));

	x = net_conv(n, x, name(buf, prefix, ".conv1"), 4 * growth, 1, 1, 0);
	x = net_relu(n, net_bn(n, x, name(buf, prefix, ".norm2"), true));
	x = net_conv(n, x, name(buf, prefix, ".conv2"), growth, 3, 1, 1);
	return net_concat(n, in, net_dropout(n, x));
}

static int transition(struct net *n, int in, int k)
{
	char prefix[NET_NAME], buf[NET_NAME];
	int x;

	net_name(prefix, "transition%d", k);
	x = net_relu(n, net_bn(n, in, name(buf, prefix, ".norm"), true));
	x = net_conv(n, x, name(buf, prefix, ".conv"), n->nodes[x].c / 2, 1, 1, 0);
	return net_stage(n, net_avgpool(n, x, 2));
}

static int build(struct net *n, const double *p, struct err *err)
{
	int x;

	if (n->h < 32 || n->w < 32) {
		return err_fail(err,
				"densenet121 needs images of at least 32x32 pixels (%dx%d given); for "
				"smaller ones use densenet",
				n->h, n->w);
	}
	x = net_conv(n, 0, "features.conv0", (int)p[INIT], 7, 2, 3);
	x = net_relu(n, net_bn(n, x, "features.norm0", true));
	x = net_stage(n, net_maxpool(n, x, 3, 2, 1));
	for (int k = 1; k <= 4; k++) {
		for (int i = 1; i <= (int)p[BLOCK1 + k - 1] && !n->failed; i++) {
			char prefix[NET_NAME];

			net_name(prefix, "denseblock%d.denselayer%d", k, i);
			x = dense_layer(n, x, prefix, (int)p[GROWTH]);
		}
		if (k < 4)
			x = transition(n, x, k);
	}
	x = net_stage(n, net_relu(n, net_bn(n, x, "features.norm5", true)));
	n->feature = net_mean(n, x);
	n->head = net_linear(n, n->feature, "classifier", n->classes);
	return 0;
}

static bool guess(const struct ts_set *state, char *spec)
{
	const size_t *stem = net_shape(state, 4, "features.conv0.weight");
	const size_t *first = net_shape(state, 4, "features.denseblock1.denselayer1.conv2.weight");
	int layers[4] = { 0 };

	if (!stem || !first)
		return false;
	for (int k = 0; k < 4; k++)
		while (layers[k] < 1000 &&
		       net_shape(state, 4, "features.denseblock%d.denselayer%d.conv2.weight", k + 1, layers[k] + 1))
			layers[k]++;
	snprintf(spec, NET_SPEC, "densenet121:growth=%zu,init=%zu,block1=%d,block2=%d,block3=%d,block4=%d", first[0],
		 stem[0], layers[0], layers[1], layers[2], layers[3]);
	return true;
}

const struct net_arch net_densenet121 = {
	"densenet121",
	"DenseNet with torchvision's structure and names; layers of each block as parameters",
	{ [GROWTH] = { "growth", 32, 1, 128, true },
	  [INIT] = { "init", 64, 2, 512, true },
	  [BLOCK1] = { "block1", 6, 1, 256, true },
	  { "block2", 12, 1, 256, true },
	  { "block3", 24, 1, 256, true },
	  { "block4", 16, 1, 256, true } },
	build,
	guess
};
