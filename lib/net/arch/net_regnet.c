/* SPDX-License-Identifier: MIT
 * RegNet (Radosavovic et al., CVPR 2020) with torchvision's names: four stages of bottlenecks with grouped 3x3
 * convolutions. Widths grow linearly, w0 + wa * block, and are rounded to a power of wm times w0, then to multiples of
 * 8 and of the groups' width; blocks of one width form a stage. se=1, RegNetY, weights channels by squeeze and
 * excitation. The feature list is the stem and the stages. */
#include <math.h>
#include <stdio.h>

#include "net/net.h"

enum { DEPTH, W0, WA, WM, GROUP, SE };
enum { MOST_STAGES = NET_MAX_STAGES - 1 };

struct stages {
	int n, blocks[MOST_STAGES], width[MOST_STAGES];
};

/* Rounds to a multiple of `by`, down by less than a tenth. */
static int multiple(int v, int by)
{
	const int c = (int)(v + by / 2.0) / by * by > by ? (int)(v + by / 2.0) / by * by : by;

	return c < 0.9 * v ? c + by : c;
}

static int stages(const double *p, struct stages *s, struct err *err)
{
	int last = 0;

	*s = (struct stages){ 0 };
	for (int i = 0; i < (int)p[DEPTH]; i++) {
		const double power = rint(log((p[W0] + p[WA] * i) / p[W0]) / log(p[WM]));
		const int w = (int)rint(p[W0] * pow(p[WM], power) / 8) * 8;

		if (w != last && s->n == MOST_STAGES)
			return err_fail(err, "regnet of these parameters has more than %d widths", MOST_STAGES);
		if (w > 8192)
			return err_fail(err, "regnet of these parameters is wider than 8192");
		if (w != last)
			s->width[s->n++] = w;
		s->blocks[s->n - 1]++;
		last = w;
	}
	for (int i = 0; i < s->n; i++) {
		const int group = (int)p[GROUP] < s->width[i] ? (int)p[GROUP] : s->width[i];

		s->width[i] = multiple(s->width[i], group);
	}
	return 0;
}

/* prefix.0, prefix.1 */
static int unit(struct net *n, int in, const char *prefix, int c, int kernel, int stride, int groups)
{
	char conv[NET_NAME], bn[NET_NAME];

	net_name(conv, "%s.0", prefix);
	net_name(bn, "%s.1", prefix);
	return net_bn(n, net_conv_groups(n, in, conv, c, kernel, stride, kernel / 2, groups, false), bn, true);
}

static int block(struct net *n, int in, const char *prefix, int c, int stride, int group, bool se)
{
	const int from = n->nodes[in].c;
	char name[NET_NAME], second[NET_NAME];
	int x, beside = in;

	if (stride != 1 || from != c) {
		net_name(name, "%s.proj", prefix);
		beside = unit(n, in, name, c, 1, stride, 1);
	}
	net_name(name, "%s.f.a", prefix);
	x = net_relu(n, unit(n, in, name, c, 1, 1, 1));
	net_name(name, "%s.f.b", prefix);
	x = net_relu(n, unit(n, x, name, c, 3, stride, c / (group < c ? group : c)));
	if (se) {
		net_name(name, "%s.f.se.fc1", prefix);
		net_name(second, "%s.f.se.fc2", prefix);
		x = net_excite(n, x, name, second, (int)rint(0.25 * from), NET_LINEAR_ACT, NET_SIGMOID);
	}
	net_name(name, "%s.f.c", prefix);
	x = unit(n, x, name, c, 1, 1, 1);
	return net_relu(n, net_add(n, x, beside));
}

static int build(struct net *n, const double *p, struct err *err)
{
	struct stages s;
	int x;

	if (stages(p, &s, err) < 0)
		return -1;
	if (n->h < 32 || n->w < 32)
		return err_fail(err, "regnet needs images of at least 32x32 pixels (%dx%d given)", n->h, n->w);
	x = net_stage(n, net_relu(n, unit(n, 0, "stem", 32, 3, 2, 1)));
	for (int i = 0; i < s.n; i++) {
		for (int k = 0; k < s.blocks[i] && !n->failed; k++) {
			char prefix[NET_NAME];

			net_name(prefix, "trunk_output.block%d.block%d-%d", i + 1, i + 1, k);
			x = block(n, x, prefix, s.width[i], k ? 1 : 2, (int)p[GROUP], p[SE] != 0);
		}
		net_stage(n, x);
	}
	n->feature = net_mean(n, x);
	n->head = net_linear(n, n->feature, "fc", n->classes);
	return 0;
}

/* torchvision's and timm's, which are named after their billions of multiplications. */
static const double known[][6] = { { 13, 24, 36.44, 2.49, 8, 0 },     { 22, 24, 24.48, 2.54, 16, 0 },
				   { 16, 56, 35.73, 2.28, 16, 0 },    { 18, 80, 34.01, 2.25, 24, 0 },
				   { 25, 88, 26.31, 2.25, 48, 0 },    { 23, 80, 49.56, 2.88, 120, 0 },
				   { 22, 216, 55.59, 2.1, 128, 0 },   { 23, 320, 69.86, 2.0, 168, 0 },
				   { 13, 24, 36.44, 2.49, 8, 1 },     { 16, 48, 27.89, 2.09, 8, 1 },
				   { 14, 56, 38.84, 2.4, 16, 1 },     { 27, 48, 20.71, 2.65, 24, 1 },
				   { 21, 80, 42.63, 2.66, 24, 1 },    { 17, 192, 76.82, 2.19, 56, 1 },
				   { 18, 200, 106.23, 2.48, 112, 1 }, { 20, 232, 115.89, 2.53, 232, 1 } };

static bool guess(const struct ts_set *state, char *spec)
{
	const bool se = net_shape(state, 4, "trunk_output.block1.block1-0.f.se.fc1.weight") != NULL;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct stages s;
		struct err err;
		bool same = stages(known[i], &s, &err) == 0 && se == (known[i][SE] != 0);

		for (int k = 0; same && k < s.n; k++) {
			const size_t *w = net_shape(state, 4, "trunk_output.block%d.block%d-%d.f.b.0.weight", k + 1,
						    k + 1, s.blocks[k] - 1);

			same = w && w[0] == (size_t)s.width[k] &&
			       w[1] == (size_t)(known[i][GROUP] < s.width[k] ? known[i][GROUP] : s.width[k]) &&
			       !net_shape(state, 4, "trunk_output.block%d.block%d-%d.f.b.0.weight", k + 1, k + 1,
					  s.blocks[k]);
		}
		if (!same)
			continue;
		snprintf(spec, NET_SPEC, "regnet:depth=%g,w0=%g,wa=%g,wm=%g,group=%g,se=%g", known[i][DEPTH],
			 known[i][W0], known[i][WA], known[i][WM], known[i][GROUP], known[i][SE]);
		return true;
	}
	return false;
}

const struct net_arch net_regnet = { "regnet",
				     "RegNetX and, with se=1, RegNetY with torchvision's structure and names",
				     { [DEPTH] = { "depth", 16, 1, 64, true },
				       [W0] = { "w0", 48, 8, 1024, true },
				       [WA] = { "wa", 27.89, 0, 512, false },
				       [WM] = { "wm", 2.09, 1.1, 8, false },
				       [GROUP] = { "group", 8, 1, 1024, true },
				       [SE] = { "se", 1, 0, 1, true } },
				     build,
				     guess };
