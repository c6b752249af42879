/* SPDX-License-Identifier: MIT
 * 3x3 convolutions of stride 1 whose weights are larger than the maps that they read, by Winograd's tiles
 * (nn_winograd.c): the tiles of all images at once, so that each weight is read once per batch. With T tiles, C
 * channels read, M written, k = 0..35:
 *
 *	forward	V = B' y B (36, T, C)	Y_k = V_k U_k' (T, M)		out = A' Y A
 *	back	E = B' dout B (36, T, M)	Z_k = E_k W_k' (T, C)		dy = A' Z A
 *		D = A dout A' (36, T, M)	dU_k = D_k' V_k (M, C)		dW = G' dU G
 *
 * U are the weights as transformed, W those of the convolution that goes back. Threads share the images, then the 36
 * products and rows of dU, SLICE at a time, which add over all tiles in order, and then the images again. */
#include <string.h>

#include "nn/train/nn_train_internal.h"

enum { SLICE = 32, OUT = NN_WINO_OUT, TAPS = NN_WINO_TAPS };

static size_t tiles_of(const struct nn_view *v)
{
	return (size_t)((v->h + OUT - 1) / OUT) * (size_t)((v->w + OUT - 1) / OUT);
}

bool nn_train_wide(const struct nn_train *t, const struct nn_stage *s)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c, T = t->o.batch * tiles_of(&s->out);

	return !t->base.bf16 && s->stride == 1 && s->kh == 3 && s->kw == 3 && s->pad == 1 && s->in.h >= OUT &&
	       s->in.w >= OUT && C >= 16 && M >= 16 && T * (C + M) <= 4 * C * M;
}

/* The planes of all tiles. Rows are not powers of two apart, as those would compete for few cache lines. */
struct wide {
	size_t tiles, c_stride, m_stride, c_step, m_step;
	float *v, *y, *d, *e, *z; /* y (forward) and e share memory */
};

static struct wide wide_of(const struct nn_train *t, const struct nn_stage *s)
{
	struct wide r = { .tiles = tiles_of(&s->out),
			  .c_stride = nn_round((size_t)s->in.c, NN_PANEL) + NN_PANEL,
			  .m_stride = nn_round((size_t)s->out.c, NN_PANEL) + NN_PANEL };

	r.c_step = t->o.batch * r.tiles * r.c_stride + NN_WINO_GAP;
	r.m_step = t->o.batch * r.tiles * r.m_stride + NN_WINO_GAP;
	r.v = t->partial;
	r.y = r.e = r.v + TAPS * r.c_step;
	r.d = r.e + TAPS * r.m_step;
	r.z = r.d + TAPS * r.m_step;
	return r;
}

size_t nn_train_wide_room(const struct nn_train *t, const struct nn_stage *s)
{
	const struct wide r = wide_of(t, s);

	return TAPS * (t->o.forward ? r.c_step + r.m_step : 2 * (r.c_step + r.m_step));
}

/* Pointers to the rows of a product; dout and dy of an image; dU of a slice. */
size_t nn_train_wide_scratch(const struct nn_train *t, const struct nn_stage *s)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c, pixels = nn_view_pixels(&s->out);
	const size_t rows = nn_round(t->o.batch * tiles_of(&s->out), NN_MAX_VEC) * NN_POINTER;
	const size_t dout = nn_apart(M), image = pixels * (C > dout ? C : dout) + NN_MAX_VEC;
	const size_t slice = TAPS * SLICE * nn_round(C, 2 * NN_MAX_VEC);

	return rows > image ? rows > slice ? rows : slice : image > slice ? image : slice;
}

/* ---- parts of a run ---- */

/* y (n, M) of plane k = x (n, C) times the operation's weights. */
static void multiply(const struct nn_train *t, const struct nn_op *op, size_t k, const float *x, size_t x_stride,
		     float *y, size_t y_stride, float *scratch)
{
	const size_t C = (size_t)op->in.c, M = nn_round((size_t)op->out.c, NN_PANEL);
	const size_t n = t->n * nn_winograd_tiles(op);
	const float **row = (const float **)(void *)scratch;

	for (size_t i = 0; i < nn_round(n, t->base.isa->rows); i++)
		row[i] = x + (i < n ? i : n - 1) * x_stride;
	t->base.isa->block(&(struct nn_block){ .row = row,
					       .n_rows = n,
					       .n_seg = 1,
					       .len = C,
					       .w = op->w + k * M * C,
					       .m = M,
					       .out = y,
					       .out_stride = y_stride });
}

/* Computes V of images from..to. */
static void read_tiles(const struct nn_train *t, const struct nn_stage *s, const struct wide *r, size_t from, size_t to)
{
	const struct nn_job j = { .m = &t->base, .n = to - from, .parts = 1 };
	struct nn_op op = s->op;

	op.in.base = nn_view_at(t, &s->in, from);
	op.pre = nn_view_pre(t, &s->in);
	for (size_t i = 0; i < (to - from) * r->tiles; i++)
		nn_winograd_in(&op, &j, i, r->v + (from * r->tiles + i) * r->c_stride, r->c_step);
}

void nn_train_wide_in(const struct nn_train *t, const struct nn_stage *s, size_t from, size_t to)
{
	const struct wide r = wide_of(t, s);

	read_tiles(t, s, &r, from, to);
}

void nn_train_wide_multiply(const struct nn_train *t, const struct nn_stage *s, size_t k, float *scratch)
{
	const struct wide r = wide_of(t, s);

	multiply(t, &s->op, k, r.v + k * r.c_step, r.c_stride, r.y + k * r.m_step, r.m_stride, scratch);
}

void nn_train_wide_out(const struct nn_train *t, const struct nn_stage *s, size_t from, size_t to)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const struct nn_job j = { .m = &t->base, .n = to - from, .parts = 1 };
	const struct wide r = wide_of(t, s);
	struct nn_op op = s->op;

	op.bias = node->bias ? t->values + t->offset[node->param + 1] : NULL;
	op.out.base = nn_view_at(t, &s->out, from);
	for (size_t i = 0; i < (to - from) * r.tiles; i++)
		nn_winograd_out(&op, &j, i, 0, (size_t)s->out.c, r.y + (from * r.tiles + i) * r.m_stride, r.m_step);
}

void nn_train_wide_back_in(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch)
{
	const size_t P = nn_view_pixels(&s->out), M = (size_t)s->out.c;
	const struct nn_job j = { .m = &t->base, .n = 1, .parts = 1 };
	const struct wide r = wide_of(t, s);
	double *sums = nn_group_sums(t, g);
	size_t from, to;

	memset(sums, 0, 4 * t->most_channels * sizeof *sums);
	nn_group(t, g, s->groups, &from, &to);
	if (!t->o.fixed)
		read_tiles(t, s, &r, from, to);
	for (size_t image = from; image < to; image++) {
		size_t stride;
		const float *dout = nn_view_settle(t, &s->out, (struct nn_rows){ image, 0, P }, scratch, &stride);
		struct nn_op op = s->back[0];

		op.in.base = (float *)dout;
		op.in.stride = stride;
		for (size_t i = 0; i < r.tiles; i++) {
			const size_t at = (image * r.tiles + i) * r.m_stride;

			if (!t->o.fixed)
				nn_train_tile_back(t, s, i, dout, stride, r.d + at, r.m_step);
			if (s->n_back)
				nn_winograd_in(&op, &j, i, r.e + at, r.m_step);
		}
		if (t->net->nodes[s->node].bias && !t->o.fixed)
			nn_train_bias(dout, stride, P, M, sums + 2 * t->most_channels);
	}
}

/* Rows of dW from m on, at most SLICE of them. */
static void slice(struct nn_train *t, const struct nn_stage *s, const struct wide *r, size_t m, float *scratch)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c, n = M - m < SLICE ? M - m : SLICE;
	const size_t row = nn_round(C, 2 * NN_MAX_VEC), plane = SLICE * row;
	float *to = nn_train_gradient(t, t->net->nodes[s->node].param);

	for (size_t k = 0; k < TAPS; k++)
		t->base.isa->outer(&(struct nn_outer){ .d = r->d + k * r->m_step + m,
						       .y = r->v + k * r->c_step,
						       .images = 1,
						       .rows = 1,
						       .cols = t->n * r->tiles,
						       .d_step = r->m_stride,
						       .y_step = r->c_stride,
						       .m = n,
						       .k = C,
						       .to = scratch + k * plane,
						       .to_stride = row,
						       .set = true });
	for (size_t i = 0; i < n; i++) {
		nn_train_tiles_add(t, scratch + i * row, plane, 1, 0, C, to + (m + i) * C * 9);
		nn_train_bias_gather(t, s, m + i);
	}
}

static size_t products(const struct nn_stage *s)
{
	return s->n_back ? TAPS : 0;
}

size_t nn_train_wide_units(const struct nn_train *t, const struct nn_stage *s)
{
	return products(s) + (t->o.fixed ? 0 : ((size_t)s->out.c + SLICE - 1) / SLICE);
}

void nn_train_wide_back_unit(struct nn_train *t, const struct nn_stage *s, size_t unit, float *scratch)
{
	const struct wide r = wide_of(t, s);

	if (unit < products(s))
		multiply(t, &s->back[0], unit, r.e + unit * r.m_step, r.m_stride, r.z + unit * r.c_step, r.c_stride,
			 scratch);
	else
		slice(t, s, &r, (unit - products(s)) * SLICE, scratch);
}

void nn_train_wide_back_out(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch)
{
	const size_t P = nn_view_pixels(&s->in), C = (size_t)s->in.c;
	const struct nn_job j = { .m = &t->base, .n = 1, .parts = 1 };
	const struct wide r = wide_of(t, s);
	struct nn_op op = s->back[0];
	size_t from, to;

	op.out.base = scratch;
	nn_group(t, g, s->groups, &from, &to);
	for (size_t image = from; image < to; image++) {
		for (size_t i = 0; i < r.tiles; i++)
			nn_winograd_out(&op, &j, i, 0, C, r.z + (image * r.tiles + i) * r.c_stride, r.c_step);
		nn_view_give(t, &s->in, &s->fresh[0], (struct nn_rows){ image, 0, P }, scratch, C, nn_group_sums(t, g));
	}
}
