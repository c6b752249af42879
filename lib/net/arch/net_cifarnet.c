/* SPDX-License-Identifier: MIT
 * A plain network of 3x3 convolutions for images of about 32x32 pixels, of the kind that the fastest recipes for
 * CIFAR-10 train (K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024): a stem of 24 filters of 2x2
 * pixels, three blocks of two convolutions, the first of which is pooled to half the size, then the maximum of each
 * channel and a linear layer. 2 M parameters, 118 M multiplications per image. The stem is trained like the rest; ReLU
 * replaces GELU. Parameter names are those of a Sequential: whiten, block1.conv1, block1.norm1, fc. The feature list is
 * the stem and the three blocks. */
#include <stdio.h>

#include "net/net.h"

enum { WIDEN, SMALLEST = 17 }; /* 17 pixels leave one after the stem and three poolings, 31 leave three */

static const char *name(char *buf, int block, const char *part, int k)
{
	net_name(buf, "block%d.%s%d", block, part, k);
	return buf;
}

static int block(struct net *n, int x, int k, int c)
{
	char buf[NET_NAME];

	x = net_maxpool(n, net_conv(n, x, name(buf, k, "conv", 1), c, 3, 1, 1), 2, 2, 0);
	x = net_relu(n, net_bn(n, x, name(buf, k, "norm", 1), true));
	x = net_conv(n, x, name(buf, k, "conv", 2), c, 3, 1, 1);
	return net_stage(n, net_relu(n, net_bn(n, x, name(buf, k, "norm", 2), true)));
}

static int build(struct net *n, const double *p, struct err *err)
{
	static const int widths[] = { 64, 256, 256 };
	int x, side;

	if (n->h < SMALLEST || n->w < SMALLEST || n->h != n->w)
		return err_fail(err, "cifarnet takes square images of at least %dx%d pixels (%dx%d given)", SMALLEST,
				SMALLEST, n->h, n->w);
	x = net_stage(n, net_relu(n, net_conv_bias(n, 0, "whiten", 24, 2, 1, 0)));
	for (int k = 0; k < 3 && !n->failed; k++)
		x = block(n, x, k + 1, (int)(widths[k] * p[WIDEN]));
	side = n->nodes[x].h;
	n->feature = net_flatten(n, net_maxpool(n, x, side, side, 0));
	n->head = net_linear(n, n->feature, "fc", n->classes);
	return 0;
}

static bool guess(const struct ts_set *state, char *spec)
{
	const size_t *stem = net_shape(state, 4, "whiten.weight"), *first = net_shape(state, 4, "block1.conv1.weight");

	if (!stem || stem[0] != 24 || stem[2] != 2 || !first || !net_shape(state, 4, "block3.conv2.weight"))
		return false;
	snprintf(spec, NET_SPEC, "cifarnet:widen=%.9g", (double)first[0] / 64);
	return true;
}

const struct net_arch net_cifarnet = { "cifarnet",
				       "plain 3x3 convolutions of 64, 256 and 256 channels, which train fast",
				       { [WIDEN] = { "widen", 1, 0.0625, 16, false } },
				       build,
				       guess };
