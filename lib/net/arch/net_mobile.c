/* SPDX-License-Identifier: MIT
 * Networks of inverted residuals: MobileNetV2 (Sandler et al., CVPR 2018), MobileNetV3 (Howard et al., ICCV 2019)
 * and EfficientNet (Tan, Le, ICML 2019). A block widens its map by a 1x1 convolution, applies a depthwise one, weights
 * its channels (squeeze and excitation) and narrows it again; where the sizes match, its input is added. All three are
 * rows of blocks and an end.
 *
 * Names are torchvision's, or timm's with timm=1; torchvision's MobileNetV3 divides by sqrt(var + 0.001), timm's, like
 * all others, by sqrt(var + 1e-5). widen and, in EfficientNet, deepen are the papers' multipliers. The feature list is
 * the map after each group of blocks, and the map that is pooled. */
#include <math.h>
#include <stdio.h>

#include "net/net.h"

enum { WIDEN, TIMM, DEEPEN };
enum kind { V2, V3_LARGE, V3_SMALL, EFFICIENT };

/* n blocks to c channels, the first with this stride, each t times as wide inside. */
struct row {
	int group, n, kernel, stride, c;
	double t;
	bool excite;
	enum net_act act; /* NET_LINEAR_ACT: ReLU */
};

static const struct row v2_rows[] = { { 0, 1, 3, 1, 16, 1, false, NET_RELU6 }, { 1, 2, 3, 2, 24, 6, false, NET_RELU6 },
				      { 2, 3, 3, 2, 32, 6, false, NET_RELU6 }, { 3, 4, 3, 2, 64, 6, false, NET_RELU6 },
				      { 4, 3, 3, 1, 96, 6, false, NET_RELU6 }, { 5, 3, 3, 2, 160, 6, false, NET_RELU6 },
				      { 6, 1, 3, 1, 320, 6, false, NET_RELU6 } };
static const struct row large_rows[] = {
	{ 0, 1, 3, 1, 16, 1, false, NET_LINEAR_ACT },  { 1, 1, 3, 2, 24, 4, false, NET_LINEAR_ACT },
	{ 1, 1, 3, 1, 24, 3, false, NET_LINEAR_ACT },  { 2, 3, 5, 2, 40, 3, true, NET_LINEAR_ACT },
	{ 3, 1, 3, 2, 80, 6, false, NET_HARDSWISH },   { 3, 1, 3, 1, 80, 2.5, false, NET_HARDSWISH },
	{ 3, 2, 3, 1, 80, 2.3, false, NET_HARDSWISH }, { 4, 2, 3, 1, 112, 6, true, NET_HARDSWISH },
	{ 5, 3, 5, 2, 160, 6, true, NET_HARDSWISH }
};
static const struct row small_rows[] = {
	{ 0, 1, 3, 2, 16, 1, true, NET_LINEAR_ACT },     { 1, 1, 3, 2, 24, 4.5, false, NET_LINEAR_ACT },
	{ 1, 1, 3, 1, 24, 3.67, false, NET_LINEAR_ACT }, { 2, 1, 5, 2, 40, 4, true, NET_HARDSWISH },
	{ 2, 2, 5, 1, 40, 6, true, NET_HARDSWISH },      { 3, 2, 5, 1, 48, 3, true, NET_HARDSWISH },
	{ 4, 3, 5, 2, 96, 6, true, NET_HARDSWISH }
};
static const struct row efficient_rows[] = {
	{ 0, 1, 3, 1, 16, 1, true, NET_SILU },  { 1, 2, 3, 2, 24, 6, true, NET_SILU },
	{ 2, 2, 5, 2, 40, 6, true, NET_SILU },  { 3, 3, 3, 2, 80, 6, true, NET_SILU },
	{ 4, 3, 5, 1, 112, 6, true, NET_SILU }, { 5, 4, 5, 2, 192, 6, true, NET_SILU },
	{ 6, 1, 3, 1, 320, 6, true, NET_SILU }
};
#define ROWS(rows) rows, sizeof rows / sizeof *rows

static const struct family {
	const char *name;
	const struct row *rows;
	size_t n_rows;
	int stem;
	enum net_act act;  /* of the stem and the end */
	int hidden;        /* in V3 after the pooling, in others before it */
	const char *block; /* torchvision's name within a block */
} families[] = {
	[V2] = { "mobilenet-v2", ROWS(v2_rows), 32, NET_RELU6, 1280, "conv" },
	[V3_LARGE] = { "mobilenet-v3-large", ROWS(large_rows), 16, NET_HARDSWISH, 1280, "block" },
	[V3_SMALL] = { "mobilenet-v3-small", ROWS(small_rows), 16, NET_HARDSWISH, 1024, "block" },
	[EFFICIENT] = { "efficientnet", ROWS(efficient_rows), 32, NET_SILU, 1280, "block" },
};

struct form {
	enum kind kind;
	const struct family *f;
	double widen, deepen, eps;
	bool timm;
};

static struct form form_of(enum kind kind, const double *p)
{
	struct form f = { kind, &families[kind], p[WIDEN], kind == EFFICIENT ? p[DEEPEN] : 1, 1e-5, p[TIMM] != 0 };

	if ((kind == V3_LARGE || kind == V3_SMALL) && !f.timm)
		f.eps = 1e-3;
	if (kind == EFFICIENT && f.widen >= 1.6 && !f.timm) /* torchvision's B5 to B7 */
		f.eps = 1e-3;
	return f;
}

static bool is_v3(const struct form *f)
{
	return f->kind == V3_LARGE || f->kind == V3_SMALL;
}

/* The papers' rounding to multiples of 8, down by less than a tenth. */
static int eights(double v)
{
	const int c = (int)(v + 4) / 8 * 8 > 8 ? (int)(v + 4) / 8 * 8 : 8;

	return c < 0.9 * v ? c + 8 : c;
}

static int wide(const struct form *f, int c)
{
	return eights(c * f->widen);
}

static int repeats(const struct form *f, const struct row *r)
{
	return (int)ceil(r->n * f->deepen);
}

/* A block's position, for its names. */
struct place {
	int group, index, number; /* in its group; among all */
	bool widens;              /* does it have the convolution that widens? */
};

enum part { WIDER, DEPTH, EXCITE, NARROW };

/* The names of a part's two modules: convolution and norm, or the two layers of an excitation. */
static void part_names(const struct form *f, const struct place *at, bool excite, enum part part, char a[NET_NAME],
		       char b[NET_NAME])
{
	const int k = (part > WIDER ? at->widens : 0) + (part > DEPTH) + (part > EXCITE && excite);
	char block[48];

	if (f->timm) {
		static const char *const first[] = { "conv_pw", "conv_dw", "se.conv_reduce", "conv_pwl" };

		net_name(a, "blocks.%d.%d.%s", at->group, at->index,
			 part == NARROW && !at->widens ? "conv_pw" : first[part]);
		net_name(b, part == EXCITE ? "blocks.%d.%d.se.conv_expand" : "blocks.%d.%d.bn%d", at->group, at->index,
			 1 + (part > WIDER ? at->widens : 0) + (part > DEPTH));
		return;
	}
	if (f->kind == EFFICIENT)
		snprintf(block, sizeof block, "features.%d.%d.block.%d", at->group + 1, at->index, k);
	else
		snprintf(block, sizeof block, "features.%d.%s.%d", at->number + 1, f->f->block, k);
	net_name(a, part == EXCITE ? "%s.fc1" : f->kind == V2 && part == NARROW ? "%s" : "%s.0", block);
	net_name(b, part == EXCITE ? "%s.fc2" : "%s.1", block);
	if (f->kind == V2 && part == NARROW)
		net_name(b, "features.%d.conv.%d", at->number + 1, k + 1);
}

/* NET_LINEAR_ACT: ReLU. */
static int activate(struct net *n, int in, enum net_act act)
{
	return act == NET_LINEAR_ACT ? net_relu(n, in) : net_act(n, in, act);
}

static int unit(struct net *n, int in, const struct form *f, const char *conv, const char *bn, int c, int kernel,
		int stride, bool depthwise)
{
	const int x = net_conv_groups(n, in, conv, c, kernel, stride, kernel / 2, depthwise ? c : 1, false);

	return net_bn_eps(n, x, bn, f->eps);
}

static int block(struct net *n, int in, const struct form *f, const struct row *r, struct place at, int stride)
{
	const int from = n->nodes[in].c, c = wide(f, r->c), inner = eights(from * r->t);
	char a[NET_NAME], b[NET_NAME];
	int x = in;

	at.widens = inner != from;
	if (at.widens) {
		part_names(f, &at, r->excite, WIDER, a, b);
		x = activate(n, unit(n, x, f, a, b, inner, 1, 1, false), r->act);
	}
	part_names(f, &at, r->excite, DEPTH, a, b);
	x = activate(n, unit(n, x, f, a, b, inner, r->kernel, stride, true), r->act);
	if (r->excite) {
		part_names(f, &at, r->excite, EXCITE, a, b);
		x = is_v3(f) ? net_excite(n, x, a, b, eights(inner / 4.0), NET_LINEAR_ACT, NET_HARDSIGMOID) :
			       net_excite(n, x, a, b, from / 4, NET_SILU, NET_SIGMOID);
	}
	part_names(f, &at, r->excite, NARROW, a, b);
	x = unit(n, x, f, a, b, c, 1, 1, false);
	return stride == 1 && from == c ? net_add(n, x, in) : x;
}

/* Adds all blocks after x. *number: how many. */
static int blocks(struct net *n, int x, const struct form *f, int *number)
{
	struct place at = { 0 };

	for (size_t i = 0; i < f->f->n_rows; i++) {
		const struct row *r = &f->f->rows[i];

		if (i && r->group != f->f->rows[i - 1].group) {
			net_stage(n, x);
			at.index = 0;
		}
		at.group = r->group;
		for (int k = 0; k < repeats(f, r) && !n->failed; k++, at.index++, at.number++)
			x = block(n, x, f, r, at, k ? 1 : r->stride);
	}
	*number = at.number;
	return net_stage(n, x);
}

/* The last convolution, which torchvision counts among the blocks, as does timm's V3. */
static int last_conv(struct net *n, int x, const struct form *f, int number)
{
	const int group = f->f->rows[f->f->n_rows - 1].group + 1, from = n->nodes[x].c;
	const int c = is_v3(f)                      ? 6 * from :
		      f->kind == V2 && f->widen < 1 ? 1280 :
		      f->kind == V2                 ? eights(1280 * f->widen) :
						      4 * from;
	char a[NET_NAME], b[NET_NAME];

	if (!f->timm) {
		net_name(a, "features.%d.0", f->kind == EFFICIENT ? group + 1 : number + 1);
		net_name(b, "features.%d.1", f->kind == EFFICIENT ? group + 1 : number + 1);
	} else if (is_v3(f)) {
		net_name(a, "blocks.%d.0.conv", group);
		net_name(b, "blocks.%d.0.bn1", group);
	} else {
		net_name(a, "conv_head");
		net_name(b, "bn2");
	}
	return activate(n, unit(n, x, f, a, b, c, 1, 1, false), f->f->act);
}

static int build(struct net *n, enum kind kind, const double *p, struct err *err)
{
	const struct form f = form_of(kind, p);
	int x, number;

	if (n->h < 32 || n->w < 32)
		return err_fail(err, "%s needs images of at least 32x32 pixels (%dx%d given)", f.f->name, n->h, n->w);
	x = unit(n, 0, &f, f.timm ? "conv_stem" : "features.0.0", f.timm ? "bn1" : "features.0.1", wide(&f, f.f->stem),
		 3, 2, false);
	x = blocks(n, activate(n, x, f.f->act), &f, &number);
	n->feature = net_mean(n, net_stage(n, last_conv(n, x, &f, number)));
	if (is_v3(&f)) {
		const int hidden = f.widen > 1 ? eights(f.f->hidden * f.widen) : f.f->hidden;

		x = f.timm ? net_linear_1x1(n, n->feature, "conv_head", hidden, true) :
			     net_linear(n, n->feature, "classifier.0", hidden);
		n->feature = net_act(n, x, NET_HARDSWISH);
	}
	n->head = net_linear(n, n->feature,
			     f.timm    ? "classifier" :
			     is_v3(&f) ? "classifier.3" :
					 "classifier.1",
			     n->classes);
	return 0;
}

/* ---- which one is it? ---- */

/* Are the narrow ends of the blocks, and the layers after them, as wide as this form's? */
static bool same(const struct ts_set *state, const struct form *f)
{
	const size_t *stem = net_shape(state, 4, f->timm ? "conv_stem.weight" : "features.0.0.weight");
	struct place at = { 0 };
	char a[NET_NAME], b[NET_NAME];
	int from = wide(f, f->f->stem);

	if (!stem || stem[0] != (size_t)from)
		return false;
	for (size_t i = 0; i < f->f->n_rows; i++) {
		const struct row *r = &f->f->rows[i];

		at.index = i && r->group == f->f->rows[i - 1].group ? at.index : 0;
		at.group = r->group;
		for (int k = 0; k < repeats(f, r); k++, at.index++, at.number++) {
			const int inner = eights(from * r->t);

			at.widens = inner != from;
			part_names(f, &at, r->excite, NARROW, a, b);
			const size_t *w = net_shape(state, 4, "%s.weight", a);

			from = wide(f, r->c);
			if (!w || w[0] != (size_t)from || w[1] != (size_t)inner)
				return false;
		}
		/* and there is no further block: in the group, if names count per group, or at all */
		const bool last = i + 1 == f->f->n_rows;

		part_names(f, &(struct place){ at.group, at.index, at.number, true }, r->excite, NARROW, a, b);
		if ((last || ((f->timm || f->kind == EFFICIENT) && r[1].group != r->group)) &&
		    net_shape(state, 4, "%s.weight", a))
			return false;
	}
	return true;
}

static bool guess(const struct ts_set *state, enum kind kind, char *spec)
{
	/* B0 to B8, and the widths of timm and torchvision; the first two are tried first. */
	static const double forms[][2] = { { 1, 1 },     { 1, 1.1 },   { 1.1, 1.2 }, { 1.2, 1.4 }, { 1.4, 1.8 },
					   { 1.6, 2.2 }, { 1.8, 2.6 }, { 2, 3.1 },   { 2.2, 3.6 }, { 0.75, 1 },
					   { 0.5, 1 },   { 0.35, 1 },  { 1.4, 1 },   { 1.1, 1 } };

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		for (int timm = 0; timm < 2; timm++) {
			const double p[] = { [WIDEN] = forms[i][0], [TIMM] = timm, [DEEPEN] = forms[i][1] };
			const struct form f = form_of(kind, p);

			if ((kind != EFFICIENT && p[DEEPEN] != 1) || !same(state, &f))
				continue;
			if (kind == EFFICIENT)
				snprintf(spec, NET_SPEC, "%s:widen=%g,timm=%d,deepen=%g", f.f->name, p[WIDEN], timm,
					 p[DEEPEN]);
			else
				snprintf(spec, NET_SPEC, "%s:widen=%g,timm=%d", f.f->name, p[WIDEN], timm);
			return true;
		}
	return false;
}

#define MEMBER(name, kind) \
	static int build_##name(struct net *n, const double *p, struct err *err) \
	{ \
		return build(n, kind, p, err); \
	} \
	static bool guess_##name(const struct ts_set *state, char *spec) \
	{ \
		return guess(state, kind, spec); \
	}
MEMBER(v2, V2)
MEMBER(large, V3_LARGE)
MEMBER(small, V3_SMALL)
MEMBER(efficient, EFFICIENT)

#define PARAMS [WIDEN] = { "widen", 1, 0.1, 4, false }, [TIMM] = { "timm", 0, 0, 1, true }
const struct net_arch net_mobilenet_v2 = {
	"mobilenet-v2", "MobileNetV2 with torchvision's or timm's names", { PARAMS }, build_v2, guess_v2
};
const struct net_arch net_mobilenet_v3_large = { "mobilenet-v3-large",
						 "MobileNetV3 large, with torchvision's or timm's names",
						 { PARAMS },
						 build_large,
						 guess_large };
const struct net_arch net_mobilenet_v3_small = { "mobilenet-v3-small",
						 "MobileNetV3 small, with torchvision's or timm's names",
						 { PARAMS },
						 build_small,
						 guess_small };
const struct net_arch net_efficientnet = {
	"efficientnet",
	"EfficientNet, B0 unless wider and deeper, with torchvision's or timm's names",
	{ PARAMS, [DEEPEN] = { "deepen", 1, 0.1, 4, false } },
	build_efficient,
	guess_efficient
};
