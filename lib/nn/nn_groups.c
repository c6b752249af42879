/* SPDX-License-Identifier: MIT
 * Convolutions in groups. A group of few outputs would leave most of a panel empty, so as many as fill one are bundled
 * into one convolution whose weights between groups are zeros; nn_conv.c runs each bundle.
 *
 * Depthwise convolutions, one channel per group, are not matrix products: each output pixel is a sum of its window's
 * pixels times weights, channel by channel, and the vectors of the processor lie along channels. */
#include <string.h>

#include "nn/nn_internal.h"

/* ---- groups ---- */

/* Groups of a bundle: as many as fill a panel, and as many in the last as in the others. */
static int together(const struct nn_op *op)
{
	const int m = op->out.c / op->groups;
	int n = m >= NN_PANEL ? 1 : NN_PANEL / m;

	while (op->groups % n)
		n--;
	return n;
}

static int bundles_of(const struct nn_op *op)
{
	return op->groups / together(op);
}

/* The operation of bundle b alone. */
static struct nn_op bundle(const struct nn_op *op, int b)
{
	const int n = bundles_of(op), c = op->in.c / n, m = op->out.c / n;
	const size_t from = (size_t)(b * m), first = (size_t)(b * c);
	struct nn_op part = *op;

	part.in.c = c;
	part.in.at += first;
	part.out.c = m;
	part.out.at += from;
	part.add.at += from;
	part.bias = op->bias ? op->bias + from : NULL;
	part.pre.a = op->pre.a ? op->pre.a + first : NULL;
	part.pre.b = op->pre.b ? op->pre.b + first : NULL;
	part.w += (size_t)b * nn_conv_packed(&part);
	return part;
}

void nn_groups(const struct nn_op *op, const struct nn_job *j)
{
	for (int b = 0; b < bundles_of(op); b++) {
		const struct nn_op part = bundle(op, b);

		nn_conv(&part, j);
	}
}

size_t nn_groups_scratch(const struct nn *m, const struct nn_op *op)
{
	const struct nn_op part = bundle(op, 0);

	return nn_conv_scratch(m, &part);
}

size_t nn_groups_packed(const struct nn_op *op)
{
	const struct nn_op part = bundle(op, 0);

	return (size_t)bundles_of(op) * nn_conv_packed(&part);
}

/* From plain (M, C / groups, kh, kw) to w (bundles; panels, K, NN_PANEL), K = kh * kw * the bundle's channels. */
static void pack_bundle(const struct nn_op *op, int b)
{
	const struct nn_op part = bundle(op, b);
	const size_t window = (size_t)(op->kh * op->kw), C = (size_t)(op->in.c / op->groups), M = (size_t)part.out.c;
	const size_t m = (size_t)(op->out.c / op->groups), K = window * (size_t)part.in.c;

	for (size_t o = 0; o < M; o++) {
		const size_t out = (size_t)b * M + o, first = o / m * C;
		const float gain = op->gain ? op->gain[out] : 1;

		for (size_t c = 0; c < C; c++)
			for (size_t k = 0; k < window; k++)
				part.w[(o / NN_PANEL * K + k * (size_t)part.in.c + first + c) * NN_PANEL +
				       o % NN_PANEL] = op->plain[(out * C + c) * window + k] * gain;
	}
}

/* Threads share the bundles as they share the panels of an ordinary convolution. */
void nn_groups_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to)
{
	const size_t panels = nn_round((size_t)op->out.c, NN_PANEL) / NN_PANEL, n = (size_t)bundles_of(op);

	(void)m;
	for (size_t b = from * n / panels; b < to * n / panels; b++)
		pack_bundle(op, (int)b);
}

/* ---- depthwise ---- */

size_t nn_depth_scratch(const struct nn *m, const struct nn_op *op)
{
	(void)m;
	(void)op;
	return 0;
}

size_t nn_depth_packed(const struct nn_op *op)
{
	return (size_t)(op->kh * op->kw * op->in.c);
}

/* From plain (C, 1, kh, kw) to w (kh, kw, C). */
void nn_depth_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to)
{
	const size_t window = (size_t)(op->kh * op->kw), C = (size_t)op->in.c;

	(void)m;
	for (size_t c = from * NN_PANEL; c < to * NN_PANEL && c < C; c++)
		for (size_t k = 0; k < window; k++)
			op->w[k * C + c] = op->plain[c * window + k] * (op->gain ? op->gain[c] : 1);
}

/* n output pixels from (image, y, x) on, whose windows are cut in the same way: columns left..right of them are
 * inside. */
static void depth_pixels(const struct nn_op *op, const struct nn_job *j, size_t image, int y, int x, int n)
{
	const int y0 = y * op->stride - op->pad, x0 = x * op->stride - op->pad;
	const int top = y0 < 0 ? -y0 : 0, left = x0 < 0 ? -x0 : 0;
	const int bottom = y0 + op->kh > op->in.h ? op->in.h - y0 : op->kh;
	const int right = x0 + op->kw > op->in.w ? op->in.w - x0 : op->kw;
	const size_t C = (size_t)op->in.c, W = (size_t)op->in.w;
	const size_t at = image * nn_pixels(&op->out) + (size_t)y * (size_t)op->out.w + (size_t)x;
	const bool any = bottom > top && right > left; /* else the window is all border */
	struct nn_depth d = { .rows = any ? (size_t)(bottom - top) : 0,
			      .cols = any ? (size_t)(right - left) : 0,
			      .row_step = W * op->in.stride,
			      .step = op->in.stride,
			      .next = (size_t)op->stride * op->in.stride,
			      .w_row = (size_t)op->kw * C,
			      .n = (size_t)n,
			      .c = C,
			      .bias = op->bias,
			      .add = op->add.buf < 0 ? NULL : nn_at(j, &op->add) + at * op->add.stride,
			      .add_stride = op->add.stride,
			      .out = nn_at(j, &op->out) + at * op->out.stride,
			      .out_stride = op->out.stride,
			      .relu = op->relu };

	d.in = nn_at(j, &op->in);
	d.w = op->w;
	if (any) {
		d.in += (image * nn_pixels(&op->in) + (size_t)(y0 + top) * W + (size_t)(x0 + left)) * op->in.stride;
		d.w += (size_t)(top * op->kw + left) * C;
	}
	j->m->isa->depth(&d);
	if (op->act)
		j->m->isa->act(d.out, d.out_stride, d.n, C, op->act);
}

/* A row of output pixels: one by one where windows are cut, the others all at once. */
void nn_depth(const struct nn_op *op, const struct nn_job *j)
{
	const size_t H = (size_t)op->out.h;
	const int wide = op->in.w + op->pad - op->kw; /* the last window that is fully inside begins here */
	const int inside = wide < 0 ? 0 : wide / op->stride + 1, W = op->out.w;
	const int first = (op->pad + op->stride - 1) / op->stride < W ? (op->pad + op->stride - 1) / op->stride : W;
	const int last = inside < first ? first : inside < W ? inside : W;
	size_t a, b;

	nn_share(j, j->n * H, &a, &b);
	for (size_t r = a; r < b; r++) {
		const size_t image = r / H;
		const int y = (int)(r % H);

		for (int x = 0; x < first; x++)
			depth_pixels(op, j, image, y, x, 1);
		if (last > first)
			depth_pixels(op, j, image, y, first, last - first);
		for (int x = last; x < W; x++)
			depth_pixels(op, j, image, y, x, 1);
	}
}
