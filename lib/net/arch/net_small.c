/* SPDX-License-Identifier: MIT
 * The small networks of the lottery-ticket papers (Frankle, Carbin, ICLR 2019; Zhou et al., NeurIPS 2019;
 * Ramanujan et al., CVPR 2020), for quick experiments: pairs of 3x3 convolutions with pooling between
 * them, then dense layers, which those programs write as 1x1 convolutions; no biases, no norms.
 * Parameter names are those of Sequentials: convs.0, convs.2, convs.5, linear.0, linear.2, linear.4. The
 * dense layers take the last map as it is, so their number of weights follows the image's size. The
 * feature list is the map behind each pooling; fc has none. */
#include <stdio.h>

#include "net/net.h"

/* Dense layers of these widths, then the head. */
static void dense(struct net *n, int x, int first, int second)
{
	x = net_relu(n, net_linear_1x1(n, net_flatten(n, x), "linear.0", first));
	n->feature = net_relu(n, net_linear_1x1(n, x, "linear.2", second));
	n->head = net_linear_1x1(n, n->feature, "linear.4", n->classes);
}

/* A pair has five members in its Sequential: convolution, ReLU, convolution, ReLU, pooling. */
static int build_convs(struct net *n, int pairs, struct err *err)
{
	int x = 0;

	if (n->h >> pairs < 1 || n->w >> pairs < 1)
		return err_fail(err, "conv%d needs images of at least %dx%d pixels (%dx%d given)", 2 * pairs,
				1 << pairs, 1 << pairs, n->h, n->w);
	for (int i = 0; i < pairs; i++) {
		for (int k = 0; k < 2; k++) {
			char name[NET_NAME];

			snprintf(name, sizeof name, "convs.%d", 5 * i + 2 * k);
			x = net_relu(n, net_conv(n, x, name, 64 << i, 3, 1, 1));
		}
		x = net_stage(n, net_maxpool(n, x, 2, 2, 0));
	}
	dense(n, x, 256, 256);
	return 0;
}

static int build_conv2(struct net *n, const double *p, struct err *err)
{
	(void)p;
	return build_convs(n, 1, err);
}

static int build_conv4(struct net *n, const double *p, struct err *err)
{
	(void)p;
	return build_convs(n, 2, err);
}

static int build_conv6(struct net *n, const double *p, struct err *err)
{
	(void)p;
	return build_convs(n, 3, err);
}

static int build_fc(struct net *n, const double *p, struct err *err)
{
	(void)p, (void)err;
	dense(n, 0, 300, 100);
	return 0;
}

static bool guess(const struct ts_set *state, int convs, char *spec)
{
	int have = 0;

	while (have < 100 && net_shape(state, 4, "convs.%d.weight", have / 2 * 5 + have % 2 * 2))
		have++;
	if (have != convs || !net_shape(state, 4, "linear.0.weight") || !net_shape(state, 4, "linear.4.weight"))
		return false;
	snprintf(spec, NET_SPEC, convs ? "conv%d" : "fc", convs);
	return true;
}

static bool guess_conv2(const struct ts_set *state, char *spec)
{
	return guess(state, 2, spec);
}

static bool guess_conv4(const struct ts_set *state, char *spec)
{
	return guess(state, 4, spec);
}

static bool guess_conv6(const struct ts_set *state, char *spec)
{
	return guess(state, 6, spec);
}

static bool guess_fc(const struct ts_set *state, char *spec)
{
	return guess(state, 0, spec);
}

const struct net_arch net_conv2 = {
	"conv2", "two convolutions of 64, dense layers of 256", { { 0 } }, build_conv2, guess_conv2
};
const struct net_arch net_conv4 = {
	"conv4", "as conv2, then two convolutions of 128", { { 0 } }, build_conv4, guess_conv4
};
const struct net_arch net_conv6 = {
	"conv6", "as conv4, then two convolutions of 256", { { 0 } }, build_conv6, guess_conv6
};
const struct net_arch net_fc = { "fc", "dense layers of 300 and 100, no convolution", { { 0 } }, build_fc, guess_fc };
