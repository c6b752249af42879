/* SPDX-License-Identifier: MIT
 * dW of 3x3 convolutions of stride 1 by Winograd's tiles (nn_winograd.c), 36 products instead of 144 for the 16 places
 * of a window. With y what is read, C channels, and dout (M) the output's gradient, over all tiles of 6x6 and 4x4
 * pixels:
 *
 *	dW = G' (sum of (B' y B) (A dout A')) G		the sums: (36, M, C) */
#include "nn/train/nn_train_internal.h"

static size_t row_size(const struct nn_stage *s)
{
	return nn_round((size_t)s->in.c, 2 * NN_MAX_VEC);
}

static size_t plane_size(const struct nn_stage *s)
{
	return row_size(s) * (size_t)s->out.c;
}

size_t nn_train_tiles_partial(const struct nn_stage *s)
{
	return plane_size(s) * NN_WINO_TAPS;
}

/* V and A dout A' of the current tiles: (36, tiles, stride) each, planes `step` apart. */
struct tiles {
	size_t at_once, y_stride, y_step, d_stride, d_step;
};

static struct tiles tiles_of(const struct nn_stage *s)
{
	/* It does not depend on the kernel's rows: all instruction sets add in the same order. */
	struct tiles r = { .at_once = nn_winograd_at_once(&s->op, 8) };

	r.y_stride = nn_round((size_t)s->in.c, NN_MAX_VEC);
	r.d_stride = nn_round((size_t)s->out.c, NN_MAX_VEC);
	r.y_step = r.at_once * r.y_stride + NN_WINO_GAP;
	r.d_step = r.at_once * r.d_stride + NN_WINO_GAP;
	return r;
}

size_t nn_train_tiles_room(const struct nn_stage *s)
{
	const struct tiles of = tiles_of(s);

	return NN_WINO_TAPS * (of.y_step + of.d_step) + 2 * NN_MAX_VEC;
}

void nn_train_tile_back(const struct nn_train *t, const struct nn_stage *s, size_t i, const float *dout, size_t stride,
			float *to, size_t step)
{
	const float *pixel[NN_WINO_OUT * NN_WINO_OUT] = { NULL };
	size_t image;
	int y0, x0;

	nn_winograd_locate(&s->op, i, &image, &y0, &x0);
	dout += image * nn_view_pixels(&s->out) * stride;
	for (int y = 0; y < NN_WINO_OUT && y0 + y < s->out.h; y++)
		for (int x = 0; x < NN_WINO_OUT && x0 + x < s->out.w; x++)
			pixel[y * NN_WINO_OUT + x] = dout + (size_t)((y0 + y) * s->out.w + x0 + x) * stride;
	t->base.isa->wino_back(pixel, (size_t)s->out.c, to, step);
}

void nn_train_tiles_backward(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t image, size_t n,
			     const float *dout, size_t stride, bool first, float *y)
{
	const struct tiles of = tiles_of(s);
	const size_t all = n * nn_winograd_tiles(&s->op), plane = plane_size(s);
	const struct nn_job j = { .m = &t->base, .n = n, .parts = 1 };
	float *to = t->partial + g * nn_train_tiles_partial(s), *d = y + NN_WINO_TAPS * of.y_step;
	const struct nn_ahead gradient = nn_view_ahead(t, &s->in, (struct nn_rows){ image, 0, 0 }, true);
	struct nn_op op = s->op;

	op.in.base = nn_view_at(t, &s->in, image);
	op.pre = nn_view_pre(t, &s->in);
	for (size_t at = 0; at < all; at += of.at_once) {
		const size_t tiles = all - at < of.at_once ? all - at : of.at_once;

		for (size_t i = 0; i < tiles; i++) {
			nn_winograd_in(&op, &j, at + i, y + i * of.y_stride, of.y_step);
			nn_train_tile_back(t, s, at + i, dout, stride, d + i * of.d_stride, of.d_step);
		}
		for (size_t k = 0; k < NN_WINO_TAPS; k++)
			t->base.isa->outer(&(struct nn_outer){ .d = d + k * of.d_step,
							       .y = y + k * of.y_step,
							       .images = 1,
							       .rows = 1,
							       .cols = tiles,
							       .d_step = of.d_stride,
							       .y_step = of.y_stride,
							       .m = (size_t)s->out.c,
							       .k = (size_t)s->in.c,
							       .to = to + k * plane,
							       .to_stride = row_size(s),
							       .set = first && at == 0,
							       .ahead = nn_winograd_ahead(gradient, at, tiles, k) });
	}
}

void nn_train_tiles_gather(const struct nn_train *t, const struct nn_stage *s, size_t m, float *to)
{
	nn_train_tiles_add(t, t->partial + m * row_size(s), plane_size(s), s->groups, nn_train_tiles_partial(s),
			   (size_t)s->in.c, to);
}

/* NN_PANEL channels at a time. */
void nn_train_tiles_add(const struct nn_train *t, const float *from, size_t plane, size_t groups, size_t group,
			size_t C, float *to)
{
	for (size_t c = 0; c < C; c += NN_PANEL) {
		float d[9][NN_PANEL];

		t->base.isa->wino_filter(from + c, plane, groups, group, d[0]);
		for (size_t l = 0; l < NN_PANEL && c + l < C; l++)
			for (size_t k = 0; k < 9; k++)
				to[(c + l) * 9 + k] += d[k][l];
	}
}
