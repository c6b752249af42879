/* SPDX-License-Identifier: MIT
 * Convolutions and linear layers in training: three products, with y (rows, K) the windows of the input as it is read,
 * K = kh kw C in the order (row of the window, column, channel), and W (M, K):
 *
 *	out = y W' + bias      dW += dout' y      dy = dout W, window by window      dbias += sum of dout's rows
 *
 * out and dy are lib/nn's forward operations: dy is dout's convolution with W turned around. With a stride, dy's pixels
 * fall into stride x stride lattices, each reached by different places of the window, with an operation of its own. 1x1
 * convolutions of stride 1 need no windows: they go back block by block, while a block is in the cache. Those that use
 * Winograd's tiles (nn_winograd.c) also compute dW by tiles: nn_train_tiles.c. Where factors are bfloat16
 * (nn_bf16_conv.c), y in dW is, too. */
#include <string.h>

#include "nn/train/nn_train_internal.h"

/* Pixels of a 1x1 convolution at a time; the same with bfloat16. */
enum { BLOCK = 96, BF16_BLOCK = 256 };

static bool is_bf16(const struct nn_stage *s)
{
	return s->op.kind == NN_BF16;
}

static size_t block_pixels(const struct nn_stage *s)
{
	return is_bf16(s) ? BF16_BLOCK : BLOCK;
}

static size_t border_pixels(const struct nn_stage *s)
{
	return (size_t)(s->in.h + 2 * s->pad) * (size_t)(s->in.w + 2 * s->pad);
}

static size_t depth(const struct nn_stage *s)
{
	return (size_t)(s->kh * s->kw * s->in.c);
}

static size_t partial_stride(const struct nn_stage *s)
{
	return is_bf16(s) ? nn_bf16_outer_stride(depth(s)) : nn_round(depth(s), 2 * NN_MAX_VEC);
}

size_t nn_train_conv_partial(const struct nn_stage *s)
{
	const size_t M = (size_t)s->out.c;

	return nn_train_tiled(s) ? nn_train_tiles_partial(s) :
				   partial_stride(s) * (is_bf16(s) ? nn_round(M, NN_TILE) : M);
}

/* ---- forward ---- */

static void run(struct nn_op *op, const struct nn_train *t, size_t images, float *scratch)
{
	const struct nn_job j = { .m = &t->base, .scratch = scratch, .n = images, .parts = 1 };

	nn_product(op, &j);
}

/* The same going back; `next` are the rows that go back after these, whose inputs are prefetched. */
static void run_back(struct nn_op *op, const struct nn_train *t, const struct nn_stage *s, size_t images,
		     struct nn_rows next, float *scratch)
{
	const struct nn_job j = { .m = &t->base,
				  .scratch = scratch,
				  .n = images,
				  .parts = 1,
				  .ahead = { nn_view_ahead(t, &s->in, next, false),
					     nn_view_ahead(t, &s->out, next, true),
					     nn_view_ahead(t, &s->out, next, false) } };

	nn_product(op, &j);
}

/* Copies n images from `image` on, as they are read, each with its border of zeros: (n, h + 2 pad, w + 2 pad), pixels
 * of C numbers, `step` floats apart. */
static void windows(const struct nn_train *t, const struct nn_stage *s, size_t image, size_t n, float *to, size_t step)
{
	const size_t H = (size_t)s->in.h, W = (size_t)s->in.w, pad = (size_t)s->pad, row = (W + 2 * pad) * step;

	for (size_t i = 0; i < n; i++, to += border_pixels(s) * step) {
		if (pad == 0) {
			nn_view_read(t, &s->in, (struct nn_rows){ image + i, 0, H * W }, to, step);
			continue;
		}
		memset(to, 0, pad * row * sizeof *to);
		memset(to + (pad + H) * row, 0, pad * row * sizeof *to);
		for (size_t y = 0; y < H; y++) {
			float *at = to + (pad + y) * row;

			memset(at, 0, pad * step * sizeof *at);
			nn_view_read(t, &s->in, (struct nn_rows){ image + i, y * W, W }, at + pad * step, step);
			memset(at + (pad + W) * step, 0, pad * step * sizeof *at);
		}
	}
}

/* Floats of the windows that are built before going forward. */
static size_t windows_size(const struct nn_stage *s)
{
	return nn_train_reads_plane(s) ? 0 : nn_round(s->images * border_pixels(s) * (size_t)s->in.c, NN_MAX_VEC);
}

/* Images from..to. Scratch: windows, then the operation's own. */
void nn_train_conv_forward(const struct nn_train *t, const struct nn_stage *s, size_t from, size_t to, float *scratch)
{
	const struct net_node *node = &t->net->nodes[s->node];
	float *rest = scratch + windows_size(s);
	struct nn_op op = s->op;

	op.bias = node->bias ? t->values + t->offset[node->param + 1] : NULL;
	op.in.base = scratch;
	for (size_t i = from; i < to; i += s->images) {
		const size_t n = to - i < s->images ? to - i : s->images;

		if (nn_train_reads_plane(s)) {
			op.in.base = nn_view_at(t, &s->in, i);
			op.pre = nn_view_pre(t, &s->in);
		} else {
			windows(t, s, i, n, scratch, (size_t)s->in.c);
		}
		op.out.base = nn_view_at(t, &s->out, i);
		run(&op, t, n, rest);
	}
}

/* ---- back ---- */

/* Offsets in a worker's scratch, in floats. */
struct share {
	size_t dout, dy, part, outer, rest; /* y, or tiles, at 0; part: dy of one lattice; outer: nn_bf16_outer()'s */
};
struct room {
	float *y, *dout, *dy, *part, *outer, *rest;
};

static struct share share(const struct nn_stage *s)
{
	const bool whole = nn_train_whole(s);
	const size_t C = (size_t)s->in.c, n = whole ? block_pixels(s) : s->images, gap = 2 * NN_MAX_VEC;
	const size_t in = n * (whole ? 1 : nn_view_pixels(&s->in)), out = n * (whole ? 1 : nn_view_pixels(&s->out));
	struct share r;

	r.dout = nn_train_tiled(s) ? nn_train_tiles_room(s) :
				     nn_round(n * (whole ? 1 : border_pixels(s)) * nn_apart(C) + gap, NN_MAX_VEC);
	r.dy = r.dout + nn_round(out * nn_apart((size_t)s->out.c) + gap, NN_MAX_VEC);
	r.part = r.dy + nn_round(in * nn_apart(C) + gap, NN_MAX_VEC);
	r.outer = r.part + (s->stride > 1 ? nn_round(in * nn_apart(C) + gap, NN_MAX_VEC) : 0);
	r.rest = r.outer + (is_bf16(s) ? nn_round(nn_bf16_outer_room(out, (size_t)s->out.c), NN_MAX_VEC) : 0);
	return r;
}

static struct room room_of(const struct nn_stage *s, float *scratch)
{
	const struct share r = share(s);

	return (struct room){ scratch,          scratch + r.dout,  scratch + r.dy,
			      scratch + r.part, scratch + r.outer, scratch + r.rest };
}

/* dW of a 1x1 convolution from n pixels y, `step` floats apart, and their dout, for group g (the first of the group or
 * not). */
static void pixel_weights(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t n, bool first,
			  const float *y, size_t step, const float *dout, size_t stride, struct nn_ahead ahead)
{
	t->base.isa->outer(&(struct nn_outer){ .d = dout,
					       .y = y,
					       .images = 1,
					       .rows = 1,
					       .cols = n,
					       .d_step = stride,
					       .y_step = step,
					       .m = (size_t)s->out.c,
					       .k = (size_t)s->in.c,
					       .to = t->partial + g * nn_train_conv_partial(s),
					       .to_stride = partial_stride(s),
					       .set = first,
					       .ahead = ahead });
}

/* dW of a 1x1 convolution of stride 1, pixels r of group g (the first of the group or not), whose dout has been
 * computed. */
static void whole_weights(const struct nn_train *t, const struct nn_stage *s, size_t g, struct nn_rows r, bool first,
			  struct room room, const float *dout, size_t stride)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c, y_stride = t->plane[s->in.plane].stride;
	const float *x = nn_view_at(t, &s->in, r.image) + r.first * y_stride;
	const bool plain = nn_view_plain(&s->in);

	if (is_bf16(s)) {
		uint16_t *y = (uint16_t *)(void *)room.y;
		const struct nn_pre pre = nn_view_pre(t, &s->in);

		nn_bf16_take(x, y_stride, r.n, C, &pre, y, C);
		nn_bf16_outer(&(struct nn_bf16_outer){ .d = dout,
						       .y = y,
						       .images = 1,
						       .rows = 1,
						       .cols = r.n,
						       .d_step = stride,
						       .y_step = C,
						       .m = M,
						       .k = C,
						       .n_seg = 1,
						       .to = t->partial + g * nn_train_conv_partial(s),
						       .to_stride = partial_stride(s),
						       .room = room.outer });
		return;
	}
	if (!plain)
		nn_view_read(t, &s->in, r, room.y, nn_apart(C));
	pixel_weights(t, s, g, r.n, first, plain ? x : room.y, plain ? y_stride : nn_apart(C), dout, stride,
		      nn_view_ahead(t, &s->in, r, true));
}

/* A 1x1 convolution of stride 1: pixels r of group g. */
static void back_whole(const struct nn_train *t, const struct nn_stage *s, size_t g, struct nn_rows r, bool first,
		       struct room room)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c;
	double *sums = nn_group_sums(t, g);
	size_t stride;
	const float *dout = nn_view_settle(t, &s->out, r, room.dout, &stride);

	if (!t->o.fixed)
		whole_weights(t, s, g, r, first, room, dout, stride);
	if (t->net->nodes[s->node].bias && !t->o.fixed)
		nn_train_bias(dout, stride, r.n, M, sums + 2 * t->most_channels);
	if (s->n_back == 0)
		return;
	struct nn_op op = s->back[0];

	op.in.base = (float *)dout;
	op.in.stride = stride;
	op.in.h = op.out.h = 1;
	op.in.w = op.out.w = (int)r.n;
	op.out.base = room.dy;
	op.out.stride = nn_apart(C);
	run_back(&op, t, s, 1, (struct nn_rows){ r.image, r.first + r.n, r.n }, room.rest);
	nn_view_give(t, &s->in, &s->fresh[0], r, room.dy, op.out.stride, sums);
}

/* Is it a 1x1 convolution that reads every stride-th pixel of every stride-th row? It needs no windows either. */
static bool is_lattice(const struct nn_stage *s)
{
	return s->kh == 1 && s->kw == 1 && s->stride > 1 && s->pad == 0 && !is_bf16(s);
}

/* The pixels that such a convolution reads of n images, as it reads them: (n, h, w of out), nn_apart(C) floats
 * apart. */
static void read_lattice(const struct nn_train *t, const struct nn_stage *s, size_t image, size_t n, float *to)
{
	const size_t C = (size_t)s->in.c, W = (size_t)s->out.w, step = t->plane[s->in.plane].stride * (size_t)s->stride;
	const struct nn_pre pre = nn_view_pre(t, &s->in);

	for (size_t i = 0; i < n; i++) {
		const float *from = nn_view_at(t, &s->in, image + i);

		for (int y = 0; y < s->out.h; y++, from += (size_t)s->in.w * step, to += W * nn_apart(C))
			t->base.isa->read(from, step, W, C, &pre, to, nn_apart(C));
	}
}

/* dW of n images, whose windows (pixels `apart` floats apart) and dout have been computed. Where these have no gaps, a
 * row of the window is one product. */
static void back_weights(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t n, bool first,
			 const float *y, size_t apart, const float *dout, size_t stride)
{
	const size_t C = (size_t)s->in.c, row = (size_t)(s->in.w + 2 * s->pad) * apart, step = (size_t)s->stride;
	const size_t across = apart == C ? 1 : (size_t)s->kw, k = (size_t)s->kw / across * C;
	float *to = t->partial + g * nn_train_conv_partial(s);

	for (size_t i = 0; i < (size_t)s->kh * across; i++, to += k)
		t->base.isa->outer(&(struct nn_outer){ .d = dout,
						       .y = y + i / across * row + i % across * apart,
						       .images = n,
						       .rows = (size_t)s->out.h,
						       .cols = (size_t)s->out.w,
						       .d_step = stride,
						       .d_row = (size_t)s->out.w * stride,
						       .d_image = nn_view_pixels(&s->out) * stride,
						       .y_step = step * apart,
						       .y_row = step * row,
						       .y_image = border_pixels(s) * apart,
						       .m = (size_t)s->out.c,
						       .k = k,
						       .to = to,
						       .to_stride = partial_stride(s),
						       .set = first });
}

/* The same with bfloat16 factors, from image `image` on. */
static void back_weights_bf16(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t image, size_t n,
			      struct room room, const float *dout, size_t stride)
{
	const size_t C = (size_t)s->in.c, step = (size_t)s->stride, H = nn_bf16_height(&s->op);
	const size_t row = nn_bf16_width(&s->op) * C;
	uint16_t *y = (uint16_t *)(void *)room.y;
	struct nn_op op = s->op;

	op.pre = nn_view_pre(t, &s->in);
	for (size_t i = 0; i < n; i++)
		nn_bf16_map(&op, nn_view_at(t, &s->in, image + i), -s->pad, H, y + i * H * row);
	nn_bf16_outer(&(struct nn_bf16_outer){ .d = dout,
					       .y = y,
					       .images = n,
					       .rows = (size_t)s->out.h,
					       .cols = (size_t)s->out.w,
					       .d_step = stride,
					       .y_step = step * C,
					       .y_row = step * row,
					       .y_image = H * row,
					       .m = (size_t)s->out.c,
					       .k = (size_t)s->kw * C,
					       .n_seg = (size_t)s->kh,
					       .y_seg = row,
					       .to = t->partial + g * nn_train_conv_partial(s),
					       .to_stride = partial_stride(s),
					       .room = room.outer });
}

/* Copies part (n images, h, w, C) to its lattice of dy; pixels of both are nn_apart(C) floats apart. */
static void scatter(const struct nn_stage *s, int k, size_t n, const float *part, float *dy)
{
	const struct nn_map *from = &s->back[k].out;
	const int i = s->back_at[k] / s->stride, j = s->back_at[k] % s->stride;
	const size_t C = (size_t)s->in.c, apart = nn_apart(C);

	for (size_t image = 0; image < n; image++, dy += nn_view_pixels(&s->in) * apart)
		for (int y = 0; y < from->h; y++)
			for (int x = 0; x < from->w; x++, part += apart)
				memcpy(dy + (size_t)((i + y * s->stride) * s->in.w + j + x * s->stride) * apart, part,
				       C * sizeof *dy);
}

/* Passes on what n images from `image` on give to such a convolution's input: only to the pixels that it reads. The
 * input has no batch norm, whose sums go over all pixels. */
static void back_lattice(const struct nn_train *t, const struct nn_stage *s, size_t image, size_t n, const float *dout,
			 size_t stride, struct room room, double *sums)
{
	const size_t W = (size_t)s->out.w, apart = nn_apart((size_t)s->in.c), down = (size_t)(s->stride * s->in.w);
	const float *dy = room.part;
	struct nn_op op = s->back[0];

	op.in.base = (float *)dout;
	op.in.stride = stride;
	op.out.stride = apart;
	op.out.base = room.part;
	run(&op, t, n, room.rest);
	for (size_t i = image; i < image + n; i++) {
		nn_view_clear(t, &s->in, &s->fresh[0], (struct nn_rows){ i, 0, nn_view_pixels(&s->in) });
		for (size_t y = 0; y < (size_t)s->out.h; y++, dy += W * apart)
			nn_view_give_every(t, &s->in, (size_t)s->stride, (struct nn_rows){ i, y * down, W }, dy, apart,
					   sums);
	}
}

/* dy of n images from `image` on, pixels nn_apart(C) floats apart. */
static void back_input(const struct nn_train *t, const struct nn_stage *s, size_t image, size_t n, const float *dout,
		       size_t stride, struct room room)
{
	if (s->n_back < s->stride * s->stride) /* no window reaches some pixels */
		memset(room.dy, 0, n * nn_view_pixels(&s->in) * nn_apart((size_t)s->in.c) * sizeof *room.dy);
	for (int k = 0; k < s->n_back; k++) {
		struct nn_op op = s->back[k];

		op.in.base = (float *)dout;
		op.in.stride = stride;
		op.out.stride = nn_apart((size_t)s->in.c);
		op.out.base = s->stride > 1 ? room.part : room.dy;
		if (s->stride == 1) {
			run_back(&op, t, s, n, (struct nn_rows){ image + n, 0, 0 }, room.rest);
			continue;
		}
		run(&op, t, n, room.rest);
		scatter(s, k, n, room.part, room.dy);
	}
}

static void back_images(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t image, size_t n,
			bool first, struct room room)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->out);
	double *sums = nn_group_sums(t, g);
	size_t stride;
	const float *dout = nn_view_settle(t, &s->out, (struct nn_rows){ image, 0, n * P }, room.dout, &stride);

	if (!t->o.fixed && nn_train_tiled(s)) {
		nn_train_tiles_backward(t, s, g, image, n, dout, stride, first, room.y);
	} else if (!t->o.fixed && is_bf16(s)) {
		back_weights_bf16(t, s, g, image, n, room, dout, stride);
	} else if (!t->o.fixed && is_lattice(s)) {
		read_lattice(t, s, image, n, room.y);
		pixel_weights(t, s, g, n * P, first, room.y, nn_apart(C), dout, stride, (struct nn_ahead){ 0 });
	} else if (!t->o.fixed) {
		windows(t, s, image, n, room.y, nn_apart(C));
		back_weights(t, s, g, n, first, room.y, nn_apart(C), dout, stride);
	}
	if (t->net->nodes[s->node].bias && !t->o.fixed)
		nn_train_bias(dout, stride, n * P, (size_t)s->out.c, sums + 2 * t->most_channels);
	if (s->n_back == 0)
		return;
	if (is_lattice(s) && s->in.bn < 0) {
		back_lattice(t, s, image, n, dout, stride, room, sums);
		return;
	}
	back_input(t, s, image, n, dout, stride, room);
	nn_view_give(t, &s->in, &s->fresh[0], (struct nn_rows){ image, 0, n * nn_view_pixels(&s->in) }, room.dy,
		     nn_apart(C), sums);
}

void nn_train_conv_backward(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch)
{
	const size_t P = nn_view_pixels(&s->out);
	const struct room room = room_of(s, scratch);
	size_t from, to;

	memset(nn_group_sums(t, g), 0, 4 * t->most_channels * sizeof(double));
	nn_group(t, g, s->groups, &from, &to);
	if (!t->o.fixed && (from == to || is_bf16(s))) /* else the first block sets it */
		memset(t->partial + g * nn_train_conv_partial(s), 0, nn_train_conv_partial(s) * sizeof(float));
	if (nn_train_whole(s)) {
		const size_t most = block_pixels(s);

		for (size_t r = from * P; r < to * P; r += most)
			back_whole(t, s, g, (struct nn_rows){ 0, r, to * P - r < most ? to * P - r : most },
				   r == from * P, room);
		return;
	}
	for (size_t i = from; i < to; i += s->images)
		back_images(t, s, g, i, to - i < s->images ? to - i : s->images, i == from, room);
}

/* Adds n numbers of all groups, `group` floats apart, to numbers of `to`, `step` floats apart. */
static void gather_groups(const float *from, size_t n, size_t groups, size_t group, float *to, size_t step)
{
	enum { PART = 256 };

	for (size_t at = 0; at < n; at += PART, from += PART) {
		const size_t part = n - at < PART ? n - at : PART;
		float sum[PART] = { 0 };

		for (size_t g = 0; g < groups; g++)
			for (size_t i = 0; i < part; i++)
				sum[i] += from[g * group + i];
		for (size_t i = 0; i < part; i++)
			to[(at + i) * step] += sum[i];
	}
}

/* Row m from (groups, M, places, C) to (M, C, places). */
static void gather_places(const struct nn_train *t, const struct nn_stage *s, size_t m, float *to)
{
	const size_t C = (size_t)s->in.c, places = (size_t)(s->kh * s->kw);
	const float *from = t->partial + m * partial_stride(s);

	for (size_t k = 0; k < places; k++)
		gather_groups(from + k * C, C, s->groups, nn_train_conv_partial(s), to + k, places);
}

void nn_train_conv_gather(struct nn_train *t, const struct nn_stage *s, size_t m)
{
	const struct net_node *node = &t->net->nodes[s->node];
	float *to = nn_train_gradient(t, node->param) + m * depth(s);

	if (nn_train_tiled(s))
		nn_train_tiles_gather(t, s, m, to);
	else
		gather_places(t, s, m, to);
	nn_train_bias_gather(t, s, m);
}

/* The largest scratch that packing, going forward and going back need. */
size_t nn_train_conv_scratch(const struct nn_train *t, const struct nn_stage *s)
{
	const size_t weights = depth(s) * (size_t)s->out.c, wide = s->wide ? nn_train_wide_scratch(t, s) : 0;
	struct nn_op op = s->op;
	size_t rest = 0, most;

	if (s->wide)
		return (wide > weights ? wide : weights) + 4 * NN_MAX_VEC;
	op.pre.relu = !nn_view_plain(&s->in); /* input is changed as it is read */
	most = nn_product_scratch(&t->base, &op) + windows_size(s);
	for (int k = 0; k < s->n_back; k++) {
		const size_t n = nn_product_scratch(&t->base, &s->back[k]);

		rest = n > rest ? n : rest;
	}
	rest += t->o.forward ? 0 : share(s).rest;
	most = most > rest ? most : rest;
	return (most > weights ? most : weights) + 4 * NN_MAX_VEC;
}
