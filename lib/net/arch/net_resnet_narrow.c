/* SPDX-License-Identifier: MIT
 * The ResNet of He et al. for CIFAR-10 (CVPR 2016, section 4.2): a 3x3 stem of 16 channels and three layers of 16, 32
 * and 64, each of (depth - 2) / 6 blocks of two 3x3 convolutions. Where a layer halves the map, the shortcut takes
 * every second pixel and has zeros for the channels that it lacks (the paper's option A, which adds no parameters), or
 * is a 1x1 convolution with a batch norm (projection=1, option B). Parameter names are those of the usual CIFAR
 * checkpoints: conv1, bn1, layer2.0.conv1, layer2.0.shortcut.0, fc. The feature list is the stem and the three
 * layers. */
#include <stdio.h>

#include "net/net.h"

enum { DEPTH, PROJECTION };

static int unit(struct net *n, int in, const char *prefix, int k, int c, int stride)
{
	char conv[NET_NAME], bn[NET_NAME];

	net_name(conv, "%s.conv%d", prefix, k);
	net_name(bn, "%s.bn%d", prefix, k);
	return net_bn(n, net_conv(n, in, conv, c, 3, stride, 1), bn, true);
}

static int project(struct net *n, int in, const char *prefix, int c)
{
	char conv[NET_NAME], bn[NET_NAME];

	net_name(conv, "%s.shortcut.0", prefix);
	net_name(bn, "%s.shortcut.1", prefix);
	return net_bn(n, net_conv(n, in, conv, c, 1, 2, 0), bn, true);
}

static int block(struct net *n, int in, const char *prefix, int c, bool halve, bool projection)
{
	int x = net_relu(n, unit(n, in, prefix, 1, c, halve ? 2 : 1));

	x = unit(n, x, prefix, 2, c, 1);
	if (halve && projection)
		in = project(n, in, prefix, c);
	else if (halve)
		in = net_pad(n, net_maxpool(n, in, 1, 2, 0), c / 4);
	return net_relu(n, net_add(n, x, in));
}

static int build(struct net *n, const double *p, struct err *err)
{
	const int depth = (int)p[DEPTH], blocks = (depth - 2) / 6;
	int x;

	if (depth % 6 != 2)
		return err_fail(err, "the depth of resnet-narrow is 6 N + 2; nearest to %d are %d and %d", depth,
				6 * blocks + 2, 6 * blocks + 8);
	x = net_stage(n, net_relu(n, net_bn(n, net_conv(n, 0, "conv1", 16, 3, 1, 1), "bn1", true)));
	for (int layer = 0; layer < 3; layer++) {
		for (int i = 0; i < blocks && !n->failed; i++) {
			char prefix[NET_NAME];

			net_name(prefix, "layer%d.%d", layer + 1, i);
			x = block(n, x, prefix, 16 << layer, layer && i == 0, p[PROJECTION] != 0);
		}
		net_stage(n, x);
	}
	n->feature = net_mean(n, x);
	n->head = net_linear(n, n->feature, "fc", n->classes);
	return 0;
}

static bool guess(const struct ts_set *state, char *spec)
{
	const size_t *stem = net_shape(state, 4, "conv1.weight"), *last = net_shape(state, 4, "layer3.0.conv1.weight");
	int blocks = 0;

	if (!stem || stem[0] != 16 || stem[2] != 3 || !last || last[0] != 64 || last[1] != 32 ||
	    net_shape(state, 4, "layer1.0.conv3.weight"))
		return false;
	while (blocks < 1000 && net_shape(state, 4, "layer3.%d.conv2.weight", blocks))
		blocks++;
	snprintf(spec, NET_SPEC, "resnet-narrow:depth=%d,projection=%d", 6 * blocks + 2,
		 net_shape(state, 4, "layer2.0.shortcut.0.weight") != NULL);
	return true;
}

const struct net_arch net_resnet_narrow = {
	"resnet-narrow",
	"the ResNet made for CIFAR-10, of 16, 32 and 64 channels; depth 20 is ResNet-20",
	{ [DEPTH] = { "depth", 20, 8, 1202, true }, [PROJECTION] = { "projection", 0, 0, 1, true } },
	build,
	guess
};
