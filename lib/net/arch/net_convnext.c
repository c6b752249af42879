/* SPDX-License-Identifier: MIT
 * ConvNeXt (Liu et al., CVPR 2022): a block applies a depthwise 7x7 convolution, normalises each pixel's channels,
 * widens them by four and narrows them again; each channel of the result has a learnt weight. Names are torchvision's,
 * or timm's with timm=1. block1 to block4 are the numbers of blocks of the four stages, each twice as wide as the one
 * before; the feature list is the stages. */
#include <stdio.h>

#include "net/net.h"

enum { WIDTH, BLOCK1, BLOCK4 = BLOCK1 + 3, TIMM };

static const double eps = 1e-6;

/* torchvision numbers the members of a block, timm names them. */
static void member(char name[NET_NAME], const double *p, int stage, int block, int number, const char *word)
{
	if (p[TIMM] != 0)
		net_name(name, "stages.%d.blocks.%d.%s", stage, block, word);
	else
		net_name(name, "features.%d.%d.block.%d", 2 * stage + 1, block, number);
}

static int block(struct net *n, int in, const double *p, int stage, int k)
{
	const int c = n->nodes[in].c;
	char name[NET_NAME];
	int x;

	member(name, p, stage, k, 0, "conv_dw");
	x = net_conv_groups(n, in, name, c, 7, 1, 3, c, true);
	member(name, p, stage, k, 2, "norm");
	x = net_layernorm(n, x, name, eps);
	member(name, p, stage, k, 3, "mlp.fc1");
	x = net_act(n, net_pixels_linear(n, x, name, 4 * c), NET_GELU);
	member(name, p, stage, k, 5, "mlp.fc2");
	x = net_pixels_linear(n, x, name, c);
	net_name(name, p[TIMM] != 0 ? "stages.%d.blocks.%d" : "features.%d.%d", p[TIMM] != 0 ? stage : 2 * stage + 1,
		 k);
	return net_add(n, net_scale(n, x, name, p[TIMM] != 0 ? "gamma" : "layer_scale"), in);
}

/* Between stages: a norm, and half the size. */
static int halve(struct net *n, int in, const double *p, int stage)
{
	char name[NET_NAME];
	int x;

	net_name(name, p[TIMM] != 0 ? "stages.%d.downsample.0" : "features.%d.0", p[TIMM] != 0 ? stage : 2 * stage);
	x = net_layernorm(n, in, name, eps);
	net_name(name, p[TIMM] != 0 ? "stages.%d.downsample.1" : "features.%d.1", p[TIMM] != 0 ? stage : 2 * stage);
	return net_conv_bias(n, x, name, 2 * n->nodes[in].c, 2, 2, 0);
}

static int build(struct net *n, const double *p, struct err *err)
{
	const bool timm = p[TIMM] != 0;
	int x;

	if (n->h < 32 || n->w < 32)
		return err_fail(err, "convnext needs images of at least 32x32 pixels (%dx%d given)", n->h, n->w);
	x = net_conv_bias(n, 0, timm ? "stem.0" : "features.0.0", (int)p[WIDTH], 4, 4, 0);
	x = net_layernorm(n, x, timm ? "stem.1" : "features.0.1", eps);
	for (int stage = 0; stage < 4; stage++) {
		if (stage)
			x = halve(n, x, p, stage);
		for (int k = 0; k < (int)p[BLOCK1 + stage] && !n->failed; k++)
			x = block(n, x, p, stage, k);
		net_stage(n, x);
	}
	n->feature = net_layernorm(n, net_mean(n, x), timm ? "head.norm" : "classifier.0", eps);
	n->head = net_linear(n, n->feature, timm ? "head.fc" : "classifier.2", n->classes);
	return 0;
}

static bool guess(const struct ts_set *state, char *spec)
{
	for (int timm = 0; timm < 2; timm++) {
		const double p[] = { [TIMM] = timm };
		const size_t *stem = net_shape(state, 4, timm ? "stem.0.weight" : "features.0.0.weight");
		int blocks[4] = { 0 };
		bool all = stem != NULL && stem[2] == 4 && stem[0] <= 4096;

		for (int stage = 0; all && stage < 4; stage++) {
			char name[NET_NAME];

			do
				member(name, p, stage, blocks[stage]++, 0, "conv_dw");
			while (blocks[stage] <= 128 && net_shape(state, 4, "%s.weight", name));
			blocks[stage]--;
			member(name, p, stage, 0, 0, "conv_dw");
			all = blocks[stage] > 0 && net_shape(state, 4, "%s.weight", name)[2] == 7;
		}
		if (!all)
			continue;
		snprintf(spec, NET_SPEC, "convnext:width=%zu,block1=%d,block2=%d,block3=%d,block4=%d,timm=%d", stem[0],
			 blocks[0], blocks[1], blocks[2], blocks[3], timm);
		return true;
	}
	return false;
}

const struct net_arch net_convnext = {
	"convnext",
	"ConvNeXt, the tiny one unless wider and deeper, with torchvision's or timm's names",
	{ [WIDTH] = { "width", 96, 1, 4096, true },
	  [BLOCK1] = { "block1", 3, 1, 128, true },
	  [BLOCK1 + 1] = { "block2", 3, 1, 128, true },
	  [BLOCK1 + 2] = { "block3", 9, 1, 128, true },
	  [BLOCK4] = { "block4", 3, 1, 128, true },
	  [TIMM] = { "timm", 0, 0, 1, true } },
	build,
	guess
};
