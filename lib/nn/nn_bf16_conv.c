/* SPDX-License-Identifier: MIT
 * Convolutions as products of bfloat16: rows are unfolded, a block at a time, which is half the work that floats would
 * be, and lets tiles be loaded directly. Windows are unfolded from rows of the map that are rounded first, with zeros
 * outside the map.
 *
 *	out (rows, M) = relu?(a (rows, K) w' (K, M) + bias (M) + add (rows, M))
 *	rows = images * output pixels, K = kh * kw * C in the order (row of the window, column, channel) */
#include <string.h>

#include "nn/nn_internal.h"

/* Rows at a time: half of the 2 MiB of second-level cache that all processors with AMX have. */
enum { BLOCK_BYTES = 1 << 20, MOST_ROWS = 512 };

static size_t depth(const struct nn_op *op)
{
	return (size_t)(op->in.c * op->kh * op->kw);
}

static bool is_pixel(const struct nn_op *op)
{
	return op->kh == 1 && op->kw == 1 && op->pad == 0 && !op->loose;
}

size_t nn_bf16_width(const struct nn_op *op)
{
	return (size_t)((op->out.w - 1) * op->stride + op->kw);
}

size_t nn_bf16_height(const struct nn_op *op)
{
	return (size_t)((op->out.h - 1) * op->stride + op->kh);
}

/* A multiple of two tiles. */
static size_t block_rows(const struct nn_op *op)
{
	const size_t R = 2 * NN_TILE, rows = BLOCK_BYTES / sizeof(uint16_t) / nn_bf16_stride(depth(op)) / R * R;

	return rows < R ? R : rows > MOST_ROWS ? MOST_ROWS : rows;
}

/* Numbers of the rounded rows of the map that a block may need: every line of output pixels needs `stride` of them,
 * and every image the rest of a window. */
static size_t map_room(const struct nn_op *op)
{
	const size_t rows = block_rows(op), lines = rows / (size_t)op->out.w + 2,
		     images = rows / nn_pixels(&op->out) + 2;

	if (is_pixel(op))
		return 0;
	return (lines * (size_t)op->stride + images * (size_t)op->kh) * nn_bf16_width(op) * (size_t)op->in.c +
	       NN_BF16_GAP;
}

size_t nn_bf16_scratch(const struct nn_op *op)
{
	return (block_rows(op) * nn_bf16_stride(depth(op)) + NN_BF16_GAP + map_room(op)) / 2 + NN_MAX_VEC;
}

size_t nn_bf16_packed(const struct nn_op *op)
{
	return ((size_t)op->out.c + NN_PANEL - 1) / NN_PANEL * nn_bf16_panel(depth(op));
}

void nn_bf16_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to)
{
	const size_t M = (size_t)op->out.c, C = (size_t)op->in.c, window = (size_t)(op->kh * op->kw), K = depth(op);

	(void)m;
	for (size_t p = from; p < to; p++)
		for (size_t i = 0; i < NN_PANEL && p * NN_PANEL + i < M; i++) {
			const float *w = op->plain + (p * NN_PANEL + i) * K;
			const float gain = op->gain ? op->gain[p * NN_PANEL + i] : 1;

			for (size_t c = 0; c < C; c++) /* in the order of `plain`: channel, place in the window */
				for (size_t k = 0; k < window; k++)
					nn_bf16_weight(op->w + p * nn_bf16_panel(K), k * C + c, i, *w++ * gain);
		}
}

void nn_bf16_map(const struct nn_op *op, const float *image, int y, size_t rows, uint16_t *to)
{
	const size_t C = (size_t)op->in.c;
	const int W = (int)nn_bf16_width(op), left = op->pad > 0 ? op->pad : 0;
	const int end = op->in.w + op->pad < W ? op->in.w + op->pad : W;

	for (size_t i = 0; i < rows; i++, y++, to += (size_t)W * C) {
		if (y < 0 || y >= op->in.h || end <= left) {
			memset(to, 0, (size_t)W * C * sizeof *to);
			continue;
		}
		memset(to, 0, (size_t)left * C * sizeof *to);
		nn_bf16_take(image + ((size_t)(y * op->in.w + left - op->pad)) * op->in.stride, op->in.stride,
			     (size_t)(end - left), C, &op->pre, to + (size_t)left * C, C);
		memset(to + (size_t)end * C, 0, (size_t)(W - end) * C * sizeof *to);
	}
}

/* Adjacent output pixels of one image. */
struct run {
	size_t image;
	int y, x, n;
};

/* The first of n pixels from `row` on that share a line. */
static struct run run_at(const struct nn_op *op, size_t row, size_t n)
{
	const size_t P = nn_pixels(&op->out), at = row % P;
	struct run r = { row / P, (int)at / op->out.w, (int)at % op->out.w, 0 };

	r.n = (size_t)(op->out.w - r.x) < n ? op->out.w - r.x : (int)n;
	return r;
}

/* Rows of windows of one pixel. */
static void take_pixels(const struct nn_op *op, const float *in, size_t row, size_t n, uint16_t *a)
{
	const size_t C = (size_t)op->in.c, stride = nn_bf16_stride(C), step = (size_t)op->stride * op->in.stride;

	if (op->stride == 1) {
		nn_bf16_take(in + row * step, step, n, C, &op->pre, a, stride);
		return;
	}
	for (size_t i = 0; i < n;) {
		const struct run r = run_at(op, row + i, n - i);
		const size_t at = (r.image * (size_t)op->in.h + (size_t)(r.y * op->stride)) * (size_t)op->in.w +
				  (size_t)(r.x * op->stride);

		nn_bf16_take(in + at * op->in.stride, step, (size_t)r.n, C, &op->pre, a + i * stride, stride);
		i += (size_t)r.n;
	}
}

/* Rows of windows; `map` holds the rounded rows of the image that they reach. */
static void take_windows(const struct nn_op *op, const float *in, size_t row, size_t n, uint16_t *a, uint16_t *map)
{
	const size_t C = (size_t)op->in.c, line = nn_bf16_width(op) * C, step = (size_t)op->stride * C;
	const size_t stride = nn_bf16_stride(depth(op)), all = nn_round(depth(op), NN_TILE_DEPTH);
	const size_t image_size = nn_pixels(&op->in) * op->in.stride;
	size_t image = SIZE_MAX;
	int top = 0;

	for (size_t i = 0; i < n;) {
		const struct run r = run_at(op, row + i, n - i);

		if (r.image != image) {
			const size_t left = (size_t)((op->out.h - r.y) * op->out.w - r.x);
			const struct run last = run_at(op, row + i + (n - i < left ? n - i : left) - 1, 1);

			image = r.image;
			top = r.y;
			nn_bf16_map(op, in + image * image_size, top * op->stride - op->pad,
				    (size_t)((last.y - top) * op->stride + op->kh), map);
		}
		for (int x = 0; x < r.n; x++, i++)
			nn_bf16_gather(map + (size_t)((r.y - top) * op->stride) * line + (size_t)(r.x + x) * step, line,
				       (size_t)op->kh, (size_t)op->kw * C, a + i * stride, all);
	}
}

/* Threads share the rows or, if that gives each only a few tiles, the outputs. */
void nn_bf16_conv(const struct nn_op *op, const struct nn_job *j)
{
	const size_t rows = j->n * nn_pixels(&op->out), M = (size_t)op->out.c, K = depth(op), most = block_rows(op);
	const size_t tiles = (rows + NN_TILE - 1) / NN_TILE, panels = (M + NN_PANEL - 1) / NN_PANEL;
	uint16_t *a = (uint16_t *)(void *)j->scratch, *map = a + most * nn_bf16_stride(K) + NN_BF16_GAP;
	size_t from = 0, to = tiles, p = 0, q = panels;

	if (tiles < 4 * j->parts && panels > 1)
		nn_share(j, panels, &p, &q);
	else
		nn_share(j, tiles, &from, &to);
	const size_t first = p * NN_PANEL, m = (q * NN_PANEL < M ? q * NN_PANEL : M) - first;

	to = to * NN_TILE < rows ? to * NN_TILE : rows;
	for (size_t row = from * NN_TILE; row < to && q > p; row += most) {
		const size_t n = to - row < most ? to - row : most;

		if (is_pixel(op))
			take_pixels(op, nn_at(j, &op->in), row, n, a);
		else
			take_windows(op, nn_at(j, &op->in), row, n, a, map);
		nn_bf16_block(&(struct nn_bf16_block){
			.a = a,
			.stride = nn_bf16_stride(K),
			.rows = n,
			.depth = K,
			.w = op->w + p * nn_bf16_panel(K),
			.m = m,
			.out = nn_at(j, &op->out) + row * op->out.stride + first,
			.out_stride = op->out.stride,
			.bias = op->bias ? op->bias + first : NULL,
			.add = op->add.buf < 0 ? NULL : nn_at(j, &op->add) + row * op->add.stride + first,
			.add_stride = op->add.stride,
			.relu = op->relu });
	}
}
