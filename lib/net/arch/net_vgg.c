/* SPDX-License-Identifier: MIT
 * VGG (Simonyan, Zisserman, ICLR 2015) with torchvision's names: convolutions with biases, followed by batch norms
 * (bn=1) or not, and three dense layers. The first two are 4096 wide, or `dense`, and the second gives the features.
 * The dense layers read a 7x7 map, to which the last map is averaged; so images are 224x224, or two or three times
 * that. The feature list is the map after each of the five poolings. */
#include <stdio.h>

#include "net/net.h"

enum { DEPTH, BN, DENSE };

/* Convolutions before each pooling. */
static const struct form {
	int depth, convs[5];
} forms[] = {
	{ 11, { 1, 1, 2, 2, 2 } }, { 13, { 2, 2, 2, 2, 2 } }, { 16, { 2, 2, 3, 3, 3 } }, { 19, { 2, 2, 4, 4, 4 } }
};
enum { N_FORMS = sizeof forms / sizeof *forms };

static int dense(struct net *n, int in, const char *name, const double *p)
{
	return net_relu(n, net_linear(n, in, name, (int)p[DENSE]));
}

static int build(struct net *n, const double *p, struct err *err)
{
	const struct form *f = NULL;
	int x = 0, member = 0;

	for (int i = 0; i < N_FORMS; i++)
		f = forms[i].depth == p[DEPTH] ? &forms[i] : f;
	if (!f)
		return err_fail(err, "the depth of vgg is 11, 13, 16 or 19, not %g", p[DEPTH]);
	if (n->h % 224 || n->w != n->h)
		return err_fail(
			err,
			"vgg needs images of 224x224 pixels, or a multiple of that (%dx%d given); other networks "
			"can be exported to ONNX (man unmask-onnx)",
			n->h, n->w);
	for (int group = 0; group < 5; group++) {
		for (int i = 0; i < f->convs[group]; i++) {
			char name[NET_NAME];

			net_name(name, "features.%d", member++);
			x = net_conv_bias(n, x, name, group < 3 ? 64 << group : 512, 3, 1, 1);
			if (p[BN] != 0) {
				net_name(name, "features.%d", member++);
				x = net_bn(n, x, name, true);
			}
			x = net_relu(n, x);
			member++;
		}
		x = net_stage(n, net_maxpool(n, x, 2, 2, 0));
		member++;
	}
	if (n->nodes[x].h > 7)
		x = net_avgpool(n, x, n->nodes[x].h / 7);
	x = net_dropout(n, dense(n, net_flatten(n, x), "classifier.0", p));
	n->feature = net_dropout(n, dense(n, x, "classifier.3", p));
	n->head = net_linear(n, n->feature, "classifier.6", n->classes);
	return 0;
}

/* Does the state have convolutions (and norms, if bn) exactly where this form has them? */
static bool has(const struct ts_set *state, const struct form *f, bool bn)
{
	int member = 0;

	for (int group = 0; group < 5; group++, member++)
		for (int i = 0; i < f->convs[group]; i++, member += bn ? 3 : 2) {
			const size_t *w = net_shape(state, 4, "features.%d.weight", member);

			if (!w || w[0] != (size_t)(group < 3 ? 64 << group : 512) || w[2] != 3 ||
			    bn != (net_shape(state, 1, "features.%d.running_mean", member + 1) != NULL))
				return false;
		}
	return !net_shape(state, 4, "features.%d.weight", member);
}

static bool guess(const struct ts_set *state, char *spec)
{
	const size_t *dense = net_shape(state, 2, "classifier.3.weight");

	if (!dense)
		dense = net_shape(state, 4, "classifier.3.weight"); /* timm's shape */
	for (int i = 0; i < N_FORMS && dense; i++)
		for (int bn = 0; bn < 2; bn++)
			if (has(state, &forms[i], bn)) {
				snprintf(spec, NET_SPEC, "vgg:depth=%d,bn=%d,dense=%zu", forms[i].depth, bn, dense[0]);
				return true;
			}
	return false;
}

const struct net_arch net_vgg = { "vgg",
				  "VGG with torchvision's structure and names, with or without batch norm",
				  { [DEPTH] = { "depth", 16, 11, 19, true },
				    [BN] = { "bn", 1, 0, 1, true },
				    [DENSE] = { "dense", 4096, 1, 65536, true } },
				  build,
				  guess };
