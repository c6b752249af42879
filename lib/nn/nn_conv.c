/* SPDX-License-Identifier: MIT
 * Convolutions as rows times a matrix. A row is an output pixel's window: a pointer for each of its pixels or, where
 * rows of the window have no gaps, for each of those. Input is copied only if it has to be changed as it is read.
 *
 *	out (rows, M) = relu?(row (rows, K) w' (K, M) + bias (M) + add (rows, M))
 *	rows = images * output pixels, K = kh * kw * C in the order (place in the window, channel) */
#include <string.h>

#include "nn/nn_internal.h"

/* Rows at a time: half of a second-level cache, and not too many pointers. */
enum { BLOCK_BYTES = 160 << 10, MOST_ROWS = 156 };
/* Weights of a filter that are packed at a time: those of all filters of a panel, and turned, fit the first-level
 * cache. */
enum { WEIGHTS = 144 };

/* The pieces of a row: how many, and the floats of each. */
static void segments(const struct nn_op *op, size_t *n_seg, size_t *len)
{
	const size_t c = (size_t)op->in.c;

	if (op->pad == 0 && !op->loose && op->in.stride == c) {
		*n_seg = (size_t)op->kh;
		*len = (size_t)op->kw * c;
	} else {
		*n_seg = (size_t)op->kh * (size_t)op->kw;
		*len = c;
	}
}

static bool has_pre(const struct nn_op *op)
{
	return op->pre.a || op->pre.relu;
}

/* Rows of a block, a multiple of the tile's. */
static size_t block_rows(const struct nn *m, const struct nn_op *op)
{
	size_t n_seg, len, rows;

	segments(op, &n_seg, &len);
	rows = BLOCK_BYTES / sizeof(float) / (n_seg * len < NN_DEPTH ? n_seg * len : NN_DEPTH);
	rows = rows / m->isa->rows * m->isa->rows;
	return rows < m->isa->rows ? m->isa->rows : rows > MOST_ROWS ? MOST_ROWS / m->isa->rows * m->isa->rows : rows;
}

static size_t packed_stride(const struct nn_op *op)
{
	return nn_apart(nn_round((size_t)op->in.c, NN_MAX_VEC));
}

/* Two tables of pointers and the packed rows. */
size_t nn_conv_scratch(const struct nn *m, const struct nn_op *op)
{
	const size_t rows = block_rows(m, op);
	size_t n_seg, len;

	segments(op, &n_seg, &len);
	return rows * n_seg * NN_POINTER + (has_pre(op) ? rows * (packed_stride(op) + NN_POINTER) : 0) + NN_MAX_VEC;
}

static size_t panels_of(const struct nn_op *op)
{
	return ((size_t)op->out.c + NN_PANEL - 1) / NN_PANEL;
}

static size_t depth(const struct nn_op *op)
{
	return (size_t)(op->in.c * op->kh * op->kw);
}

size_t nn_conv_packed(const struct nn_op *op)
{
	return panels_of(op) * NN_PANEL * depth(op);
}

/* A square of four outputs' weights, turned: to[j][i] = from[i][j] gain[i]. GCC does not find these eight shuffles by
 * itself, and a scalar at a time takes twice as long as reading the memory. */
typedef float four __attribute__((vector_size(16), aligned(4)));

static inline void turn(const float *from, size_t K, const float *gain, four to[4])
{
	four r[4], a, b, c, d;

	for (size_t i = 0; i < 4; i++)
		r[i] = *(const four *)(from + i * K) * gain[i];
	a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
	b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
	c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
	d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
	to[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
	to[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
	to[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
	to[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

/* Where weight k of a filter, in the order (channel, place in the window), goes in a panel. */
static size_t goes_to(const struct nn_op *op, size_t k)
{
	const size_t window = (size_t)(op->kh * op->kw);

	return (k % window * (size_t)op->in.c + k / window) * NN_PANEL;
}

/* Weights k..k+n of all filters of panel p. They are turned in a small room and stored one place of the window after
 * the other: rows of different places lie a power of two apart, for which a cache has few ways. */
static void pack_part(const struct nn_op *op, size_t p, size_t k, size_t n, const float *gain)
{
	const size_t M = (size_t)op->out.c, K = depth(op), window = (size_t)(op->kh * op->kw);
	const size_t some = M - p * NN_PANEL < NN_PANEL ? M - p * NN_PANEL : NN_PANEL;
	const float *from = op->plain + p * NN_PANEL * K + k;
	float *to = op->w + p * NN_PANEL * K, room[WEIGHTS][NN_PANEL];
	size_t j = 0;
	four square[4];

	for (; j + 4 <= n && some == NN_PANEL; j += 4)
		for (size_t i = 0; i < NN_PANEL; i += 4) {
			turn(from + i * K + j, K, gain + i, square);
			for (size_t l = 0; l < 4; l++)
				*(four *)(room[j + l] + i) = square[l];
		}
	for (; j < n; j++)
		for (size_t i = 0; i < NN_PANEL; i++)
			room[j][i] = i < some ? from[i * K + j] * gain[i] : 0;
	for (size_t t = 0; t < window && t < n; t++)
		for (j = t; j < n; j += window)
			memcpy(to + goes_to(op, k + j), room[j], sizeof room[j]);
}

/* From plain (M, C, kh, kw) to w (panels, K, NN_PANEL), so that one load gets a panel's weights for one k. */
void nn_conv_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to)
{
	const size_t M = (size_t)op->out.c, K = depth(op);
	float gain[NN_PANEL];

	(void)m;
	for (size_t p = from; p < to; p++) {
		for (size_t i = 0; i < NN_PANEL; i++)
			gain[i] = op->gain && p * NN_PANEL + i < M ? op->gain[p * NN_PANEL + i] : 1;
		for (size_t k = 0; k < K; k += WEIGHTS)
			pack_part(op, p, k, K - k < WEIGHTS ? K - k : WEIGHTS, gain);
	}
}

/* An output pixel. */
struct place {
	const float *image; /* of the input */
	int y, x;
};

static struct place place_of(const struct nn_op *op, const struct nn_job *j, size_t row)
{
	const size_t per_image = nn_pixels(&op->out), at = row % per_image;

	return (struct place){ nn_at(j, &op->in) + row / per_image * nn_pixels(&op->in) * op->in.stride,
			       (int)(at / (size_t)op->out.w), (int)(at % (size_t)op->out.w) };
}

static void next_place(const struct nn_op *op, struct place *p)
{
	if (++p->x < op->out.w)
		return;
	p->x = 0;
	if (++p->y < op->out.h)
		return;
	p->y = 0;
	p->image += nn_pixels(&op->in) * op->in.stride;
}

/* Sets the pointers to the pieces of an output pixel; they are isa->rows apart in the table. */
static void point(const struct nn_op *op, const struct nn_job *j, const struct place *p, const float **to, size_t n_seg)
{
	const int x0 = p->x * op->stride - op->pad, y0 = p->y * op->stride - op->pad;
	const int across = n_seg == (size_t)op->kh ? 1 : op->kw;
	const size_t step = op->in.stride, down = (size_t)op->in.w * step, rows = j->m->isa->rows;
	const bool inside = y0 >= 0 && x0 >= 0 && y0 + op->kh <= op->in.h && x0 + across <= op->in.w;

	if (inside) {
		const float *from = p->image + (size_t)y0 * down + (size_t)x0 * step;

		for (int dy = 0; dy < op->kh; dy++, from += down)
			for (int dx = 0; dx < across; dx++, to += rows)
				*to = from + (size_t)dx * step;
		return;
	}
	for (int dy = 0; dy < op->kh; dy++)
		for (int dx = 0; dx < across; dx++, to += rows) {
			const int y = y0 + dy, x = x0 + dx;
			const bool has = y >= 0 && y < op->in.h && x >= 0 && x < op->in.w;

			*to = has ? p->image + (size_t)y * down + (size_t)x * step : j->m->zeros;
		}
}

/* Are the rows simply the pixels? */
static bool is_pixels(const struct nn_op *op)
{
	return op->kh == 1 && op->kw == 1 && op->stride == 1 && op->pad == 0 && !op->loose;
}

/* Sets the pointers of n rows from output pixel `row` on, repeating the last one up to a whole tile. */
static void point_all(const struct nn_op *op, const struct nn_job *j, size_t row, size_t n, const float **table,
		      size_t n_seg)
{
	const size_t R = j->m->isa->rows, all = nn_round(n, R);
	struct place p;

	if (is_pixels(op)) {
		const float *in = nn_at(j, &op->in);

		for (size_t i = 0; i < all; i++)
			table[i] = in + (row + (i < n ? i : n - 1)) * op->in.stride;
		return;
	}
	p = place_of(op, j, row);
	for (size_t i = 0; i < all; i++) {
		point(op, j, &p, table + i / R * R * n_seg + i % R, n_seg);
		if (i + 1 < n)
			next_place(op, &p);
	}
}

/* Output pixels row..row+b.n_rows. Scratch: the table of pointers (rows, n_seg); if the input is changed as it is read,
 * also the packed rows (rows, packed_stride) and pointers to them (rows). */
static void run_block(const struct nn_op *op, const struct nn_job *j, struct nn_block b, size_t row)
{
	const struct nn_isa *isa = j->m->isa;
	const size_t all = nn_round(b.n_rows, isa->rows);
	const float **table = (const float **)(void *)j->scratch;

	point_all(op, j, row, b.n_rows, table, b.n_seg);
	if (has_pre(op)) { /* of one segment: see nn_plan.c */
		const float **packed = table + all;
		float *to = (float *)(void *)(packed + all);
		const size_t stride = packed_stride(op);

		isa->pack(table, b.n_rows, (size_t)op->in.c, &op->pre, to, stride);
		for (size_t i = 0; i < all; i++)
			packed[i] = to + (i < b.n_rows ? i : b.n_rows - 1) * stride;
		table = packed;
	}
	b.row = table;
	for (int k = 0; k < NN_AHEAD && j->ahead[k].n > 0; k++) {
		b.ahead[k] = j->ahead[k];
		b.ahead[k].first += row * b.ahead[k].stride;
	}
	if (b.ahead[0].n == 0 && is_pixels(op))
		b.ahead[0] =
			(struct nn_ahead){ nn_at(j, &op->in) + (row + b.n_rows) * op->in.stride, op->in.stride, b.len };
	isa->block(&b);
	if (op->act) /* while the block is in the caches */
		isa->act(b.out, b.out_stride, b.n_rows, b.m, op->act);
}

/* Threads share the rows or, if that gives each fewer than 8 tiles, the outputs. */
void nn_conv(const struct nn_op *op, const struct nn_job *j)
{
	const size_t R = j->m->isa->rows, rows = j->n * nn_pixels(&op->out), M = (size_t)op->out.c;
	const size_t tiles = (rows + R - 1) / R, panels = (M + NN_PANEL - 1) / NN_PANEL;
	const size_t most = block_rows(j->m, op);
	size_t a = 0, b = tiles, p = 0, q = panels, n_seg, len;

	segments(op, &n_seg, &len);
	if (tiles < 8 * j->parts && panels > 1)
		nn_share(j, panels, &p, &q);
	else
		nn_share(j, tiles, &a, &b);
	const size_t m = (q * NN_PANEL < M ? q * NN_PANEL : M), from = p * NN_PANEL;
	const size_t blocks = ((b - a) * R + most - 1) / most, at_once = blocks ? (b - a + blocks - 1) / blocks * R : R;
	b = b * R < rows ? b * R : rows;
	for (size_t row = a * R; row < b && m > from; row += at_once) /* blocks of equal size */
		run_block(op, j,
			  (struct nn_block){ .n_rows = b - row < at_once ? b - row : at_once,
					     .n_seg = n_seg,
					     .len = len,
					     .w = op->w + from * n_seg * len,
					     .m = m - from,
					     .out = nn_at(j, &op->out) + row * op->out.stride + from,
					     .out_stride = op->out.stride,
					     .bias = op->bias ? op->bias + from : NULL,
					     .add = op->add.buf < 0 ? NULL :
								      nn_at(j, &op->add) + row * op->add.stride + from,
					     .add_stride = op->add.stride,
					     .relu = op->relu },
			  row);
}
