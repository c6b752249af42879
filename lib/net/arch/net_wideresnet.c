/* SPDX-License-Identifier: MIT
 * Wide ResNet (Zagoruyko, Komodakis, BMVC 2016) for small images, pre-activation: three groups of widths
 * 16, 32 and 64 times `widen`. Parameter names are those of the PyTorch program that most published
 * checkpoints come from: conv1, block1.layer.0.bn1, block1.layer.0.convShortcut, bn1, fc. The feature
 * list is the stem and the three groups as they come: the last is before the final norm, where methods that take a map
 * from the list and run the rest of the network expect it. */
#include <stdio.h>

#include "net/net.h"

enum { DEPTH, WIDEN, AFFINE };

static const char *name(char *buf, const char *prefix, const char *part)
{
	net_name(buf, "%s.%s", prefix, part);
	return buf;
}

/* Where widths differ, the shortcut is a convolution of the activated input; otherwise it is the input itself. */
static int block(struct net *n, int in, const char *prefix, int c, int stride, bool affine)
{
	char buf[NET_NAME];
	int active = net_relu(n, net_bn(n, in, name(buf, prefix, "bn1"), affine)), x;

	x = net_conv(n, active, name(buf, prefix, "conv1"), c, 3, stride, 1);
	x = net_relu(n, net_bn(n, x, name(buf, prefix, "bn2"), affine));
	x = net_conv(n, net_dropout(n, x), name(buf, prefix, "conv2"), c, 3, 1, 1);
	if (n->nodes[in].c != c)
		in = net_conv(n, active, name(buf, prefix, "convShortcut"), c, 1, stride, 0);
	return net_add(n, in, x);
}

static int build(struct net *n, const double *p, struct err *err)
{
	const int depth = (int)p[DEPTH], widen = (int)p[WIDEN];
	const bool affine = p[AFFINE] != 0;
	int x;

	if (depth % 6 != 4) {
		const int below = depth - (depth + 2) % 6;

		return err_fail(err, "the depth of wideresnet is 6 N + 4; nearest to %d are %d and %d", depth, below,
				below + 6);
	}
	x = net_stage(n, net_conv(n, 0, "conv1", 16, 3, 1, 1));
	for (int group = 1; group <= 3; group++) {
		for (int i = 0; i < (depth - 4) / 6 && !n->failed; i++) {
			char prefix[NET_NAME];

			net_name(prefix, "block%d.layer.%d", group, i);
			x = block(n, x, prefix, (8 << group) * widen, group > 1 && i == 0 ? 2 : 1, affine);
		}
		net_stage(n, x);
	}
	n->feature = net_mean(n, net_relu(n, net_bn(n, x, "bn1", affine)));
	n->head = net_linear(n, n->feature, "fc", n->classes);
	return 0;
}

static bool guess(const struct ts_set *state, char *spec)
{
	const size_t *stem = net_shape(state, 4, "conv1.weight");
	const size_t *first = net_shape(state, 4, "block1.layer.0.conv1.weight");
	int layers = 0;

	if (!stem || stem[0] != 16 || !first || first[0] % 16 || first[2] != 3 ||
	    !net_shape(state, 4, "block3.layer.0.convShortcut.weight"))
		return false;
	while (layers < 1000 && net_shape(state, 4, "block1.layer.%d.conv2.weight", layers))
		layers++;
	snprintf(spec, NET_SPEC, "wideresnet:depth=%d,widen=%zu,affine=%d", 6 * layers + 4, first[0] / 16,
		 net_shape(state, 1, "bn1.weight") != NULL);
	return true;
}

const struct net_arch net_wideresnet = { "wideresnet",
					 "Wide ResNet for small images; depth 40 and widen 2 are WRN-40-2",
					 { [DEPTH] = { "depth", 40, 10, 1000, true },
					   [WIDEN] = { "widen", 2, 1, 32, true },
					   [AFFINE] = { "affine", 1, 0, 1, true } },
					 build,
					 guess };
