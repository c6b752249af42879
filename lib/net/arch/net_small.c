/* SPDX-License-Identifier: MIT
 * The small networks of the lottery-ticket papers (Frankle, Carbin, ICLR 2019; Zhou et al., NeurIPS 2019;
 * Ramanujan et al., CVPR 2020), for quick experiments: pairs of 3x3 convolutions with pooling between
 * them, then dense layers, which those programs write as 1x1 convolutions; no biases, no norms.
 * Parameter names are those of Sequentials: convs.0, convs.2, convs.5, linear.0, linear.2, linear.4. The dense layers
 * read the whole last map, so their number of weights depends on the image's size. The feature list is the map after
 * each pooling; fc has none. With width, layers are int(width * n) wide, as in the published program's Conv4Wide.
 * bias=1 gives the dense layers biases, as in its Conv2; bias=2 gives all layers biases, PyTorch's default. */
#include <stdio.h>
#include <stdlib.h>

#include "net/net.h"

enum { BIAS, WIDTH };
enum { NO_BIAS, DENSE_BIAS, ALL_BIAS };

static int scaled(int n, const double *p)
{
	return (int)(n * p[WIDTH]) > 0 ? (int)(n * p[WIDTH]) : 1;
}

/* Dense layers of these widths, then the head. */
static void dense(struct net *n, int x, int first, int second, bool bias)
{
	x = net_relu(n, net_linear_1x1(n, net_flatten(n, x), "linear.0", first, bias));
	n->feature = net_relu(n, net_linear_1x1(n, x, "linear.2", second, bias));
	n->head = net_linear_1x1(n, n->feature, "linear.4", n->classes, bias);
}

/* A pair has five members in its Sequential: convolution, ReLU, convolution, ReLU, pooling. */
static int build_convs(struct net *n, int pairs, const double *p, struct err *err)
{
	int x = 0;

	if (n->h >> pairs < 1 || n->w >> pairs < 1)
		return err_fail(err, "conv%d needs images of at least %dx%d pixels (%dx%d given)", 2 * pairs,
				1 << pairs, 1 << pairs, n->h, n->w);
	for (int i = 0; i < pairs; i++) {
		for (int k = 0; k < 2; k++) {
			char name[NET_NAME];

			net_name(name, "convs.%d", 5 * i + 2 * k);
			x = (p[BIAS] == ALL_BIAS ? net_conv_bias : net_conv)(n, x, name, scaled(64 << i, p), 3, 1, 1);
			x = net_relu(n, x);
		}
		x = net_stage(n, net_maxpool(n, x, 2, 2, 0));
	}
	dense(n, x, scaled(256, p), scaled(256, p), p[BIAS] != NO_BIAS);
	return 0;
}

static int build_conv2(struct net *n, const double *p, struct err *err)
{
	return build_convs(n, 1, p, err);
}

static int build_conv4(struct net *n, const double *p, struct err *err)
{
	return build_convs(n, 2, p, err);
}

static int build_conv6(struct net *n, const double *p, struct err *err)
{
	return build_convs(n, 3, p, err);
}

static int build_conv8(struct net *n, const double *p, struct err *err)
{
	return build_convs(n, 4, p, err);
}

static int build_fc(struct net *n, const double *p, struct err *err)
{
	(void)err;
	dense(n, 0, 300, 100, p[BIAS] != NO_BIAS);
	return 0;
}

/* The shortest number that gives this width times 64. */
static double guess_width(size_t wide)
{
	double w = 0;

	for (int digits = 1; digits <= 9; digits++) {
		char text[32];

		snprintf(text, sizeof text, "%.*g", digits, (double)wide / 64);
		w = strtod(text, NULL);
		if ((size_t)(w * 64) == wide)
			break;
	}
	return w;
}

static bool guess(const struct ts_set *state, int convs, char *spec)
{
	const size_t *stem = net_shape(state, 4, "convs.0.weight");
	const bool dense = net_shape(state, 1, "linear.0.bias") != NULL,
		   all = net_shape(state, 1, "convs.0.bias") != NULL;
	int have = 0;

	while (have < 100 && net_shape(state, 4, "convs.%d.weight", have / 2 * 5 + have % 2 * 2))
		have++;
	if (have != convs || !(net_shape(state, 4, "linear.0.weight") || net_shape(state, 2, "linear.0.weight")) ||
	    !(net_shape(state, 4, "linear.4.weight") || net_shape(state, 2, "linear.4.weight")))
		return false;
	if (convs)
		snprintf(spec, NET_SPEC, "conv%d:bias=%d,width=%.9g", convs, all ? ALL_BIAS : dense,
			 guess_width(stem[0]));
	else
		snprintf(spec, NET_SPEC, "fc:bias=%d", dense);
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

static bool guess_conv8(const struct ts_set *state, char *spec)
{
	return guess(state, 8, spec);
}

static bool guess_fc(const struct ts_set *state, char *spec)
{
	return guess(state, 0, spec);
}

#define PARAMS \
	{ \
		[BIAS] = { "bias", NO_BIAS, NO_BIAS, ALL_BIAS, true }, [WIDTH] = { "width", 1, 0.01, 32, false } \
	}
const struct net_arch net_conv2 = { "conv2", "two convolutions of 64, dense layers of 256", PARAMS, build_conv2,
				    guess_conv2 };
const struct net_arch net_conv4 = { "conv4", "as conv2, then two convolutions of 128", PARAMS, build_conv4,
				    guess_conv4 };
const struct net_arch net_conv6 = { "conv6", "as conv4, then two convolutions of 256", PARAMS, build_conv6,
				    guess_conv6 };
const struct net_arch net_conv8 = { "conv8", "as conv6, then two convolutions of 512", PARAMS, build_conv8,
				    guess_conv8 };
const struct net_arch net_fc = { "fc",
				 "dense layers of 300 and 100, no convolution",
				 { [BIAS] = { "bias", NO_BIAS, NO_BIAS, DENSE_BIAS, true } },
				 build_fc,
				 guess_fc };
