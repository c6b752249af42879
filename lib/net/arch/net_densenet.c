/* SPDX-License-Identifier: MIT
 * DenseNet (Huang et al., CVPR 2017) for small images, as in its CIFAR experiments and in the
 * published Unleashing Mask program: three dense blocks, compression between them. Parameter names
 * are those of the program's state_dict: conv1, block1.layer.0.bn1, trans1.conv1, bn1, fc; so is the feature list:
 * stem, both transitions, the map that is pooled. */
#include <stdio.h>
#include <stdlib.h>

#include "net/net.h"

enum { DEPTH, GROWTH, REDUCTION, BOTTLENECK, AFFINE };

/* The unit of the network: bn, relu, conv, dropout. */
static int unit(struct net *n, int in, const char *prefix, int k, int c, int kernel, bool affine)
{
	char bn[NET_NAME], conv[NET_NAME];

	net_name(bn, "%s.bn%d", prefix, k);
	net_name(conv, "%s.conv%d", prefix, k);
	in = net_relu(n, net_bn(n, in, bn, affine));
	return net_dropout(n, net_conv(n, in, conv, c, kernel, 1, kernel / 2));
}

/* n_layers layers; each reads the outputs of all before it and adds `growth` channels. */
static int dense_block(struct net *n, int in, int block, int n_layers, const double *p)
{
	int growth = (int)p[GROWTH];
	bool affine = p[AFFINE] != 0;

	for (int i = 0; i < n_layers && !n->failed; i++) {
		char prefix[NET_NAME];
		int x = in;

		net_name(prefix, "block%d.layer.%d", block, i);
		if (p[BOTTLENECK] != 0) {
			x = unit(n, x, prefix, 1, 4 * growth, 1, affine);
			x = unit(n, x, prefix, 2, growth, 3, affine);
		} else {
			x = unit(n, x, prefix, 1, growth, 3, affine);
		}
		in = net_concat(n, in, x);
	}
	return in;
}

/* DEPTH counts the layers with weights: conv1, two transitions, fc, and in each of three blocks per_block layers of one
 * convolution or, with a bottleneck, two: DEPTH = 4 + 3 per_block, or 4 + 6 per_block. A block turns c channels into c
 * + per_block growth; a transition keeps REDUCTION of those, and half the height and width. */
static int build(struct net *n, const double *p, struct err *err)
{
	int per_block = ((int)p[DEPTH] - 4) / 3, x;
	bool affine = p[AFFINE] != 0;

	if (p[BOTTLENECK] != 0)
		per_block /= 2;
	if (n->h < 8 || n->w < 8 || per_block < 1)
		return err_fail(err,
				"densenet needs images of at least 8x8 pixels and depth for one layer per block "
				"(%dx%d, depth %g given)",
				n->h, n->w, p[DEPTH]);
	x = net_stage(n, net_conv(n, 0, "conv1", 2 * (int)p[GROWTH], 3, 1, 1));
	for (int block = 1; block <= 3 && !n->failed; block++) {
		char prefix[NET_NAME];

		x = dense_block(n, x, block, per_block, p);
		if (block == 3 || n->failed)
			break;
		net_name(prefix, "trans%d", block);
		x = unit(n, x, prefix, 1, (int)(n->nodes[x].c * p[REDUCTION]), 1, affine);
		x = net_stage(n, net_avgpool(n, x, 2));
	}
	x = net_stage(n, net_relu(n, net_bn(n, x, "bn1", affine)));
	n->feature = net_mean(n, x);
	n->head = net_linear(n, n->feature, "fc", n->classes);
	return 0;
}

/* The shortest number that gives both transitions their widths. */
static double guess_reduction(const size_t *a, const size_t *b)
{
	double r = 0;

	for (int digits = 1; digits <= 9; digits++) {
		char text[32];

		snprintf(text, sizeof text, "%.*g", digits, (double)a[0] / (double)a[1]);
		r = strtod(text, NULL);
		if ((size_t)((double)a[1] * r) == a[0] && (size_t)((double)b[1] * r) == b[0])
			break;
	}
	return r;
}

static bool guess(const struct ts_set *state, char *spec)
{
	const bool bottleneck = net_shape(state, 4, "block1.layer.0.conv2.weight") != NULL;
	const size_t *last = net_shape(state, 4, "block1.layer.0.conv%d.weight", bottleneck ? 2 : 1);
	const size_t *trans1 = net_shape(state, 4, "trans1.conv1.weight");
	const size_t *trans2 = net_shape(state, 4, "trans2.conv1.weight");
	int layers = 0;

	if (!last || !trans1 || !trans2 || !trans1[1] || !trans2[1])
		return false;
	while (layers < 1000 && net_shape(state, 4, "block1.layer.%d.conv1.weight", layers))
		layers++;
	snprintf(spec, NET_SPEC, "densenet:depth=%d,growth=%zu,reduction=%.9g,bottleneck=%d,affine=%d",
		 layers * 3 * (bottleneck ? 2 : 1) + 4, last[0], guess_reduction(trans1, trans2), bottleneck,
		 net_shape(state, 1, "bn1.weight") != NULL);
	return true;
}

const struct net_arch net_densenet = {
	"densenet",
	"DenseNet for small images; depth 100 and growth 12 are the paper's 'DenseNet-101'",
	{ [DEPTH] = { "depth", 100, 7, 1000, true },
	  [GROWTH] = { "growth", 12, 1, 128, true },
	  [REDUCTION] = { "reduction", 0.5, 0.05, 1, false },
	  [BOTTLENECK] = { "bottleneck", 1, 0, 1, true },
	  [AFFINE] = { "affine", 0, 0, 1, true } },
	build,
	guess
};
