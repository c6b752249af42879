/* SPDX-License-Identifier: MIT
 * ResNet (He et al., CVPR 2016), in the forms found in checkpoints, which differ little:
 *
 *	resnet          torchvision's: a stem of stride 4; layer2.0.downsample.0; with widen=2 the inner
 *	                widths of Wide ResNet-50-2
 *	resnext         the same, but with grouped 3x3 convolutions (Xie et al., CVPR 2017)
 *	resnet-cifar    for small images: a stem of stride 1; layer2.0.shortcut.0
 *
 * All have the stride of a bottleneck on its 3x3 convolution. The feature list is the input of the first of the four
 * layers, and the four layers. */
#include <stdio.h>

#include "net/net.h"

enum { DEPTH, WIDEN, AFFINE = WIDEN, GROUPS = WIDEN, WIDTH }; /* depth, and the parameters of the form */

static const struct depth {
	int depth, blocks[4];
	bool bottleneck;
} depths[] = {
	{ 18, { 2, 2, 2, 2 }, false },  { 34, { 3, 4, 6, 3 }, false },  { 50, { 3, 4, 6, 3 }, true },
	{ 101, { 3, 4, 23, 3 }, true }, { 152, { 3, 8, 36, 3 }, true },
};
enum { N_DEPTHS = sizeof depths / sizeof *depths };

struct form {
	const char *name, *shortcut;
	bool affine;
	int width, groups; /* inner width of a bottleneck of 64 channels, and its groups */
};

/* prefix.convK, prefix.bnK */
static int unit(struct net *n, int in, const char *prefix, int k, int c, int kernel, int stride, int groups,
		bool affine)
{
	char conv[NET_NAME], bn[NET_NAME];

	net_name(conv, "%s.conv%d", prefix, k);
	net_name(bn, "%s.bn%d", prefix, k);
	return net_bn(n, net_conv_groups(n, in, conv, c, kernel, stride, kernel / 2, groups, false), bn, affine);
}

static int block(struct net *n, int in, const char *prefix, const struct form *f, bool bottleneck, int c, int stride)
{
	const int inner = bottleneck ? c * f->width / 64 * f->groups : c, out = bottleneck ? 4 * c : c;
	char conv[NET_NAME], bn[NET_NAME];
	int x;

	if (bottleneck) {
		x = net_relu(n, unit(n, in, prefix, 1, inner, 1, 1, 1, f->affine));
		x = net_relu(n, unit(n, x, prefix, 2, inner, 3, stride, f->groups, f->affine));
		x = unit(n, x, prefix, 3, out, 1, 1, 1, f->affine);
	} else {
		x = net_relu(n, unit(n, in, prefix, 1, inner, 3, stride, 1, f->affine));
		x = unit(n, x, prefix, 2, out, 3, 1, 1, f->affine);
	}
	if (stride != 1 || n->nodes[in].c != out) {
		net_name(conv, "%s.%s.0", prefix, f->shortcut);
		net_name(bn, "%s.%s.1", prefix, f->shortcut);
		in = net_bn(n, net_conv(n, in, conv, out, 1, stride, 0), bn, f->affine);
	}
	return net_relu(n, net_add(n, x, in));
}

/* The four layers and the head, after the stem. */
static void layers(struct net *n, int x, const struct form *f, const struct depth *d)
{
	net_stage(n, x);
	for (int layer = 0; layer < 4; layer++) {
		for (int i = 0; i < d->blocks[layer] && !n->failed; i++) {
			char prefix[NET_NAME];

			net_name(prefix, "layer%d.%d", layer + 1, i);
			x = block(n, x, prefix, f, d->bottleneck, 64 << layer, layer && i == 0 ? 2 : 1);
		}
		net_stage(n, x);
	}
	n->feature = net_mean(n, x);
	n->head = net_linear(n, n->feature, "fc", n->classes);
}

static const struct depth *find_depth(const char *arch, double depth, struct err *err)
{
	for (int i = 0; i < N_DEPTHS; i++)
		if (depths[i].depth == depth)
			return &depths[i];
	err_fail(err, "the depth of %s is 18, 34, 50, 101 or 152, not %g", arch, depth);
	return NULL;
}

static int large(struct net *n, const struct form *f, const struct depth *d, struct err *err)
{
	int x;

	if (n->h < 32 || n->w < 32) {
		return err_fail(err,
				"%s needs images of at least 32x32 pixels (%dx%d given); for smaller "
				"ones use resnet-cifar",
				f->name, n->h, n->w);
	}
	x = net_conv(n, 0, "conv1", 64, 7, 2, 3);
	x = net_maxpool(n, net_relu(n, net_bn(n, x, "bn1", true)), 3, 2, 1);
	layers(n, x, f, d);
	return 0;
}

static int build_imagenet(struct net *n, const double *p, struct err *err)
{
	const struct form f = { "resnet", "downsample", true, 64 * (int)p[WIDEN], 1 };
	const struct depth *d = find_depth(f.name, p[DEPTH], err);

	if (!d)
		return -1;
	if (p[WIDEN] != 1 && !d->bottleneck)
		return err_fail(err, "resnet of depth %d has no bottlenecks, so widen does not apply", d->depth);
	return large(n, &f, d, err);
}

static int build_resnext(struct net *n, const double *p, struct err *err)
{
	const struct form f = { "resnext", "downsample", true, (int)p[WIDTH], (int)p[GROUPS] };
	const struct depth *d = find_depth(f.name, p[DEPTH], err);

	if (!d)
		return -1;
	if (!d->bottleneck)
		return err_fail(err, "resnext of depth %d has no bottlenecks, which groups are in", d->depth);
	return large(n, &f, d, err);
}

static int build_cifar(struct net *n, const double *p, struct err *err)
{
	const struct form f = { "resnet-cifar", "shortcut", p[AFFINE] != 0, 64, 1 };
	const struct depth *d = find_depth(f.name, p[DEPTH], err);

	if (!d)
		return -1;
	layers(n, net_relu(n, net_bn(n, net_conv(n, 0, "conv1", 64, 3, 1, 1), "bn1", f.affine)), &f, d);
	return 0;
}

/* The depth that has these blocks; 0: none, or the shortcuts or the stem are those of another form. */
static int guess_depth(const struct ts_set *state, const struct form *f, size_t kernel)
{
	const size_t *stem = net_shape(state, 4, "conv1.weight");
	const bool bottleneck = net_shape(state, 4, "layer1.0.conv3.weight") != NULL;
	int have[4] = { 0 };

	if (!stem || stem[0] != 64 || stem[2] != kernel || !net_shape(state, 4, "layer2.0.%s.0.weight", f->shortcut))
		return 0;
	for (int i = 0; i < 4; i++)
		while (have[i] < 100 && net_shape(state, 4, "layer%d.%d.conv2.weight", i + 1, have[i]))
			have[i]++;
	for (int k = 0; k < N_DEPTHS; k++) {
		bool same = depths[k].bottleneck == bottleneck;

		for (int i = 0; i < 4; i++)
			same = same && depths[k].blocks[i] == have[i];
		if (same)
			return depths[k].depth;
	}
	return 0;
}

static bool guess_imagenet(const struct ts_set *state, char *spec)
{
	const struct form f = { .shortcut = "downsample" };
	const int depth = guess_depth(state, &f, 7);
	const size_t *inner = net_shape(state, 4, "layer1.0.conv2.weight");

	/* ResNeXt has the same names; its 3x3 convolutions see only part of their input. */
	if (!depth || !inner || inner[0] % 64 || inner[1] != inner[0])
		return false;
	snprintf(spec, NET_SPEC, "resnet:depth=%d,widen=%zu", depth, inner[0] / 64);
	return true;
}

static bool guess_resnext(const struct ts_set *state, char *spec)
{
	const struct form f = { .shortcut = "downsample" };
	const int depth = guess_depth(state, &f, 7);
	const size_t *inner = net_shape(state, 4, "layer1.0.conv2.weight");

	if (!depth || !inner || inner[1] >= inner[0] || inner[0] % inner[1] || inner[0] > 4096)
		return false;
	snprintf(spec, NET_SPEC, "resnext:depth=%d,groups=%zu,width=%zu", depth, inner[0] / inner[1], inner[1]);
	return true;
}

static bool guess_cifar(const struct ts_set *state, char *spec)
{
	const struct form f = { .shortcut = "shortcut" };
	const int depth = guess_depth(state, &f, 3);

	if (!depth)
		return false;
	snprintf(spec, NET_SPEC, "resnet-cifar:depth=%d,affine=%d", depth, net_shape(state, 1, "bn1.weight") != NULL);
	return true;
}

const struct net_arch net_resnet = {
	"resnet",
	"ResNet with torchvision's structure and names; depth 50 and widen 2 are wide_resnet50_2",
	{ [DEPTH] = { "depth", 50, 18, 152, true }, [WIDEN] = { "widen", 1, 1, 16, true } },
	build_imagenet,
	guess_imagenet
};
const struct net_arch net_resnext = { "resnext",
				      "ResNeXt with torchvision's structure and names: groups of this width",
				      { [DEPTH] = { "depth", 50, 18, 152, true },
					[GROUPS] = { "groups", 32, 1, 128, true },
					[WIDTH] = { "width", 4, 1, 128, true } },
				      build_resnext,
				      guess_resnext };
const struct net_arch net_resnet_cifar = {
	"resnet-cifar",
	"ResNet for small images: a 3x3 stem without stride or pooling",
	{ [DEPTH] = { "depth", 18, 18, 152, true }, [AFFINE] = { "affine", 1, 0, 1, true } },
	build_cifar,
	guess_cifar
};
