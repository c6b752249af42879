/* SPDX-License-Identifier: MIT
 * Convolutions and linear layers in training: three products, with y (rows, K) the windows of the input as it is read,
 * K = kh kw C in the order (row of the window, column, channel), and W (M, K):
 *
 *	out = y W' + bias      dW += dout' y      dy = dout W, window by window      dbias += sum of dout's rows
 *
 * out and dy are lib/nn's forward operations: dy is dout's convolution with W turned around. With a stride, dy's pixels
 * fall into stride x stride lattices, each of which is reached by other places of the window and has an operation of
 * its own. 1x1 convolutions of stride 1 need no windows: they go back block by block, while it is in the cache. Those
 * that are Winograd's (nn_winograd.c) have dW by tiles as well: nn_train_tiles.c. Where factors are bfloat16
 * (nn_bf16_conv.c), y of dW is, too. */
#include <string.h>

#include "nn/train/nn_train_internal.h"

/* Pixels of a 1x1 convolution at a time, and of bfloat16; of images that are worked at together. */
enum { BLOCK = 96, BF16_BLOCK = 256, ROWS = 512 };

static bool is_whole(const struct nn_stage *s)
{
	return s->kh == 1 && s->kw == 1 && s->stride == 1 && s->pad == 0;
}

static bool is_bf16(const struct nn_stage *s)
{
	return s->op.kind == NN_BF16;
}

static size_t block_pixels(const struct nn_stage *s)
{
	return is_bf16(s) ? BF16_BLOCK : BLOCK;
}

/* Does the operation read the plane itself? Else it is given a copy as it is to be read, with its border. */
static bool reads_plane(const struct nn_stage *s)
{
	return s->op.kind != NN_CONV || (s->kh == 1 && s->kw == 1 && s->pad == 0);
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

/* ---- planning ---- */

static int own_weights(struct nn_train *t, struct nn_op *op, struct err *err)
{
	op->w = nn_train_own(t, nn_product_packed(op), sizeof(float));
	return op->w ? 0 : err_memory(err);
}

/* Places of the window, along one side of length k, that reach input pixels at, at + stride, ...: how many; *last: the
 * last of them, which reaches output pixel u + *first from input pixel at + stride u. */
static int reach(int k, int stride, int pad, int at, int *last, int *first)
{
	int n = 0;

	*last = *first = 0;
	for (int i = 0; i < k; i++)
		if ((at + pad - i) % stride == 0) {
			*last = i;
			*first = (at + pad - i) / stride;
			n++;
		}
	return n;
}

/* The operation that gives dy at pixels (i, j), (i, j + stride), ... of the input; none if no window reaches them. */
static int plan_back(struct nn_train *t, struct nn_stage *s, int i, int j, struct err *err)
{
	int last, top, left;
	const int kh = reach(s->kh, s->stride, s->pad, i, &last, &top);
	const int kw = reach(s->kw, s->stride, s->pad, j, &last, &left);
	struct nn_op *op = &s->back[s->n_back];

	if (!kh || !kw || i >= s->in.h || j >= s->in.w)
		return 0;
	*op = (struct nn_op){ .kind = is_bf16(s) ? NN_BF16 : NN_CONV,
			      .kh = kh,
			      .kw = kw,
			      .stride = 1,
			      .loose = !is_whole(s),
			      .add = { .buf = -1 } };
	op->in = nn_view_map(&s->out, (size_t)s->out.c);
	op->out = nn_view_map(&s->in, (size_t)s->in.c);
	op->out.h = (s->in.h - i + s->stride - 1) / s->stride;
	op->out.w = (s->in.w - j + s->stride - 1) / s->stride;
	if (top != left)
		return err_fail(err, "node %d: a convolution whose sides differ is not known to training", s->node);
	op->pad = -top;
	if (s->stride == 1)
		op->kind = nn_product_kind(&t->base, op);
	s->back_at[s->n_back++] = i * s->stride + j;
	return own_weights(t, op, err);
}

int nn_train_conv_plan(struct nn_train *t, struct nn_stage *s, struct err *err)
{
	const size_t P = nn_view_pixels(&s->out);
	struct nn_op *op = &s->op;

	if (s->stride * s->stride > NN_MOST_BACK)
		return err_fail(err, "node %d: strides above 4 are not known to training", s->node);
	s->images = P >= ROWS ? 1 : ROWS / P;
	*op = (struct nn_op){ .kh = s->kh, .kw = s->kw, .stride = s->stride, .pad = s->pad, .add = { .buf = -1 } };
	op->in = nn_view_map(&s->in, t->plane[s->in.plane].stride);
	op->out = nn_view_map(&s->out, t->plane[s->out.plane].stride);
	op->kind = nn_product_kind(&t->base, op);
	if (!reads_plane(s)) {
		op->pad = 0;
		op->in.h += 2 * s->pad;
		op->in.w += 2 * s->pad;
		op->in.stride = (size_t)s->in.c;
	}
	if (own_weights(t, op, err) < 0)
		return -1;
	if (t->o.forward || (!t->o.pixels && s->in.plane == t->view[0].plane))
		return 0;
	for (int i = 0; i < s->stride; i++)
		for (int j = 0; j < s->stride; j++)
			if (plan_back(t, s, i, j, err) < 0)
				return -1;
	return 0;
}

/* ---- weights ---- */

/* (C, M, kh, kw) of one operation that goes back, from W (M, C, kh, kw). */
static void turn(const struct nn_stage *s, int k, const float *w, float *to)
{
	const struct nn_op *op = &s->back[k];
	const int M = s->out.c, C = s->in.c;
	int y1, x1, first;

	reach(s->kh, s->stride, s->pad, s->back_at[k] / s->stride, &y1, &first);
	reach(s->kw, s->stride, s->pad, s->back_at[k] % s->stride, &x1, &first);
	for (int c = 0; c < C; c++)
		for (int m = 0; m < M; m++)
			for (int i = 0; i < op->kh; i++)
				for (int j = 0; j < op->kw; j++)
					*to++ = w[((m * C + c) * s->kh + y1 - i * s->stride) * s->kw + x1 -
						  j * s->stride];
}

static void pack(struct nn_op op, const float *plain)
{
	const size_t panels = ((size_t)op.out.c + NN_PANEL - 1) / NN_PANEL;

	op.plain = plain;
	nn_product_panels(&op, 0, panels);
}

void nn_train_conv_pack(struct nn_train *t, const struct nn_stage *s, float *room)
{
	const float *w = nn_train_value(t, t->net->nodes[s->node].param);

	pack(s->op, w);
	for (int k = 0; k < s->n_back; k++) {
		turn(s, k, w, room);
		pack(s->back[k], room);
	}
}

/* ---- forward ---- */

static void run(struct nn_op *op, const struct nn_train *t, size_t images, float *scratch)
{
	const struct nn_job j = { .m = &t->base, .scratch = scratch, .n = images, .parts = 1 };

	nn_product(op, &j);
}

/* n images from `image` on as they are read, each with its border of zeros: (n, h + 2 pad, w + 2 pad, C). */
static void windows(const struct nn_train *t, const struct nn_stage *s, size_t image, size_t n, float *to)
{
	const size_t C = (size_t)s->in.c, H = (size_t)s->in.h, W = (size_t)s->in.w, pad = (size_t)s->pad;
	const size_t row = (W + 2 * pad) * C;

	for (size_t i = 0; i < n; i++, to += border_pixels(s) * C) {
		if (pad == 0) {
			nn_view_read(t, &s->in, (struct nn_rows){ image + i, 0, H * W }, to, C);
			continue;
		}
		memset(to, 0, pad * row * sizeof *to);
		memset(to + (pad + H) * row, 0, pad * row * sizeof *to);
		for (size_t y = 0; y < H; y++) {
			float *at = to + (pad + y) * row;

			memset(at, 0, pad * C * sizeof *at);
			nn_view_read(t, &s->in, (struct nn_rows){ image + i, y * W, W }, at + pad * C, C);
			memset(at + (pad + W) * C, 0, pad * C * sizeof *at);
		}
	}
}

/* Floats of the windows that are made before going forward. */
static size_t windows_size(const struct nn_stage *s)
{
	return reads_plane(s) ? 0 : nn_round(s->images * border_pixels(s) * (size_t)s->in.c, NN_MAX_VEC);
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

		if (reads_plane(s)) {
			op.in.base = nn_view_at(t, &s->in, i);
			op.pre = nn_view_pre(t, &s->in);
		} else {
			windows(t, s, i, n, scratch);
		}
		op.out.base = nn_view_at(t, &s->out, i);
		run(&op, t, n, rest);
	}
}

/* ---- back ---- */

/* Where a worker keeps what, in floats from the start of its scratch. */
struct share {
	size_t dout, dy, part, outer, rest; /* y, or tiles, at 0; part: dy of one lattice; outer: nn_bf16_outer()'s */
};
struct room {
	float *y, *dout, *dy, *part, *outer, *rest;
};

static struct share share(const struct nn_stage *s)
{
	const bool whole = is_whole(s);
	const size_t C = (size_t)s->in.c, n = whole ? block_pixels(s) : s->images, gap = 2 * NN_MAX_VEC;
	const size_t in = n * (whole ? 1 : nn_view_pixels(&s->in)), out = n * (whole ? 1 : nn_view_pixels(&s->out));
	struct share r;

	r.dout = nn_train_tiled(s) ? nn_train_tiles_room(s) :
				     nn_round(n * (whole ? 1 : border_pixels(s)) * C + gap, NN_MAX_VEC);
	r.dy = r.dout + nn_round(out * (size_t)s->out.c + gap, NN_MAX_VEC);
	r.part = r.dy + nn_round(in * C + gap, NN_MAX_VEC);
	r.outer = r.part + (s->stride > 1 ? nn_round(in * C + gap, NN_MAX_VEC) : 0);
	r.rest = r.outer + (is_bf16(s) ? nn_round(nn_bf16_outer_room(out, (size_t)s->out.c), NN_MAX_VEC) : 0);
	return r;
}

static struct room room_of(const struct nn_stage *s, float *scratch)
{
	const struct share r = share(s);

	return (struct room){ scratch,          scratch + r.dout,  scratch + r.dy,
			      scratch + r.part, scratch + r.outer, scratch + r.rest };
}

static void add_bias(const float *dout, size_t stride, size_t n, size_t M, double *sums)
{
	for (size_t i = 0; i < n; i++)
		for (size_t m = 0; m < M; m++)
			sums[m] += (double)dout[i * stride + m];
}

/* dW of a 1x1 convolution of stride 1, pixels r of group g, whose dout is there. */
static void whole_weights(const struct nn_train *t, const struct nn_stage *s, size_t g, struct nn_rows r,
			  struct room room, const float *dout, size_t stride)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c, y_stride = t->plane[s->in.plane].stride;
	const float *x = nn_view_at(t, &s->in, r.image) + r.first * y_stride;
	const bool plain = nn_view_plain(&s->in);
	float *to = t->partial + g * nn_train_conv_partial(s);

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
						       .to = to,
						       .to_stride = partial_stride(s),
						       .room = room.outer });
		return;
	}
	if (!plain)
		nn_view_read(t, &s->in, r, room.y, C);
	t->base.isa->outer(&(struct nn_outer){ .d = dout,
					       .y = plain ? x : room.y,
					       .rows = 1,
					       .cols = r.n,
					       .d_step = stride,
					       .y_step = plain ? y_stride : C,
					       .m = M,
					       .k = C,
					       .to = to,
					       .to_stride = partial_stride(s) });
}

/* A 1x1 convolution of stride 1: pixels r of group g. */
static void back_whole(const struct nn_train *t, const struct nn_stage *s, size_t g, struct nn_rows r, struct room room)
{
	const size_t C = (size_t)s->in.c, M = (size_t)s->out.c;
	double *sums = nn_group_sums(t, g);
	size_t stride;
	const float *dout = nn_view_settle(t, &s->out, r, room.dout, &stride);

	if (!t->o.fixed)
		whole_weights(t, s, g, r, room, dout, stride);
	if (t->net->nodes[s->node].bias && !t->o.fixed)
		add_bias(dout, stride, r.n, M, sums + 2 * t->most_channels);
	if (s->n_back == 0)
		return;
	struct nn_op op = s->back[0];

	op.in.base = (float *)dout;
	op.in.stride = stride;
	op.in.h = op.out.h = 1;
	op.in.w = op.out.w = (int)r.n;
	op.out.base = room.dy;
	run(&op, t, 1, room.rest);
	nn_view_give(t, &s->in, &s->fresh[0], r, room.dy, C, sums);
}

/* dW of n images, whose windows and dout are there. */
static void back_weights(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t n, const float *y,
			 const float *dout, size_t stride)
{
	const size_t C = (size_t)s->in.c, row = (size_t)(s->in.w + 2 * s->pad) * C, step = (size_t)s->stride;
	float *to = t->partial + g * nn_train_conv_partial(s);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < (size_t)s->kh; k++)
			t->base.isa->outer(&(struct nn_outer){ .d = dout + i * nn_view_pixels(&s->out) * stride,
							       .y = y + i * border_pixels(s) * C + k * row,
							       .rows = (size_t)s->out.h,
							       .cols = (size_t)s->out.w,
							       .d_step = stride,
							       .d_row = (size_t)s->out.w * stride,
							       .y_step = step * C,
							       .y_row = step * row,
							       .m = (size_t)s->out.c,
							       .k = (size_t)s->kw * C,
							       .to = to + k * (size_t)s->kw * C,
							       .to_stride = partial_stride(s) });
}

/* The same, of factors that are bfloat16, from image `image` on. */
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

/* part (n images, h, w, C) to its lattice of dy. */
static void scatter(const struct nn_stage *s, int k, size_t n, const float *part, float *dy)
{
	const struct nn_map *from = &s->back[k].out;
	const int i = s->back_at[k] / s->stride, j = s->back_at[k] % s->stride;
	const size_t C = (size_t)s->in.c;

	for (size_t image = 0; image < n; image++, dy += nn_view_pixels(&s->in) * C)
		for (int y = 0; y < from->h; y++)
			for (int x = 0; x < from->w; x++, part += C)
				memcpy(dy + (size_t)((i + y * s->stride) * s->in.w + j + x * s->stride) * C, part,
				       C * sizeof *dy);
}

/* dy of n images. */
static void back_input(const struct nn_train *t, const struct nn_stage *s, size_t n, const float *dout, size_t stride,
		       struct room room)
{
	if (s->stride > 1)
		memset(room.dy, 0, n * nn_view_pixels(&s->in) * (size_t)s->in.c * sizeof *room.dy);
	for (int k = 0; k < s->n_back; k++) {
		struct nn_op op = s->back[k];

		op.in.base = (float *)dout;
		op.in.stride = stride;
		op.out.base = s->stride > 1 ? room.part : room.dy;
		run(&op, t, n, room.rest);
		if (s->stride > 1)
			scatter(s, k, n, room.part, room.dy);
	}
}

static void back_images(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t image, size_t n,
			struct room room)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->out);
	double *sums = nn_group_sums(t, g);
	size_t stride;
	const float *dout = nn_view_settle(t, &s->out, (struct nn_rows){ image, 0, n * P }, room.dout, &stride);

	if (!t->o.fixed && nn_train_tiled(s)) {
		nn_train_tiles_backward(t, s, g, image, n, dout, stride, room.y);
	} else if (!t->o.fixed && is_bf16(s)) {
		back_weights_bf16(t, s, g, image, n, room, dout, stride);
	} else if (!t->o.fixed) {
		windows(t, s, image, n, room.y);
		back_weights(t, s, g, n, room.y, dout, stride);
	}
	if (t->net->nodes[s->node].bias && !t->o.fixed)
		add_bias(dout, stride, n * P, (size_t)s->out.c, sums + 2 * t->most_channels);
	if (s->n_back == 0)
		return;
	back_input(t, s, n, dout, stride, room);
	nn_view_give(t, &s->in, &s->fresh[0], (struct nn_rows){ image, 0, n * nn_view_pixels(&s->in) }, room.dy, C,
		     sums);
}

void nn_train_conv_backward(const struct nn_train *t, const struct nn_stage *s, size_t g, float *scratch)
{
	const size_t P = nn_view_pixels(&s->out);
	const struct room room = room_of(s, scratch);
	size_t from, to;

	if (!t->o.fixed)
		memset(t->partial + g * nn_train_conv_partial(s), 0, nn_train_conv_partial(s) * sizeof(float));
	memset(nn_group_sums(t, g), 0, 4 * t->most_channels * sizeof(double));
	nn_group(t, g, s->groups, &from, &to);
	if (is_whole(s)) {
		const size_t most = block_pixels(s);

		for (size_t r = from * P; r < to * P; r += most)
			back_whole(t, s, g, (struct nn_rows){ 0, r, to * P - r < most ? to * P - r : most }, room);
		return;
	}
	for (size_t i = from; i < to; i += s->images)
		back_images(t, s, g, i, to - i < s->images ? to - i : s->images, room);
}

/* Row m from (groups, M, K) to (M, C, kh, kw). */
static void gather_places(const struct nn_train *t, const struct nn_stage *s, size_t m, float *to)
{
	const size_t C = (size_t)s->in.c, places = (size_t)(s->kh * s->kw), K = depth(s);
	const size_t group = nn_train_conv_partial(s);
	const float *from = t->partial + m * partial_stride(s);

	for (size_t k = 0; k < K; k++) {
		float sum = 0;

		for (size_t g = 0; g < s->groups; g++)
			sum += from[g * group + k];
		to[k % C * places + k / C] += sum;
	}
}

void nn_train_conv_gather(struct nn_train *t, const struct nn_stage *s, size_t m)
{
	const struct net_node *node = &t->net->nodes[s->node];
	float *to = nn_train_gradient(t, node->param) + m * depth(s);

	if (nn_train_tiled(s))
		nn_train_tiles_gather(t, s, m, to);
	else
		gather_places(t, s, m, to);
	if (!node->bias)
		return;
	double sum = 0;

	for (size_t g = 0; g < s->groups; g++)
		sum += nn_group_sums(t, g)[2 * t->most_channels + m];
	nn_train_gradient(t, node->param + 1)[m] += (float)sum;
}

/* The most of what packing, going forward, and going back need. */
size_t nn_train_conv_scratch(const struct nn_train *t, const struct nn_stage *s)
{
	const size_t weights = depth(s) * (size_t)s->out.c;
	struct nn_op op = s->op;
	size_t rest = 0, most;

	op.pre.relu = !nn_view_plain(&s->in); /* something is done to what is read */
	most = nn_product_scratch(&t->base, &op) + windows_size(s);
	for (int k = 0; k < s->n_back; k++) {
		const size_t n = nn_product_scratch(&t->base, &s->back[k]);

		rest = n > rest ? n : rest;
	}
	rest += t->o.forward ? 0 : share(s).rest;
	most = most > rest ? most : rest;
	return (most > weights ? most : weights) + 4 * NN_MAX_VEC;
}
