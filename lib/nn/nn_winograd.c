/* SPDX-License-Identifier: MIT
 * 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) (Lavin, Gray, CVPR 2016, section 4): 16 outputs of a 6x6 tile
 * take 36 products instead of 144, at the price of transformations of inputs, weights and outputs. They cost some
 * precision: errors of about 1e-6 of the outputs' size instead of 1e-7.
 *
 * With g a 3x3 filter, d a 6x6 tile of the input, summed over C input channels:
 *
 *	U = G g G'  (36, M, C)     V = B' d B  (36, tiles, C)     Y_k = V_k U_k'  (tiles, M), k = 0..35
 *	out = A' Y A               4x4 outputs for each tile and each of M outputs
 *
 * So a convolution becomes 36 matrix products, each computed by the block kernel. */
#include <string.h>

#include "nn/nn_internal.h"

enum {
	SIDE = NN_WINO_SIDE,
	TAPS = NN_WINO_TAPS,
	OUT = NN_WINO_OUT,
	TILE_BYTES = 400 << 10, /* of tiles at a time: fits the second-level cache */
	GAP = NN_WINO_GAP,
	CHANNELS = 16 /* channels whose weights are transformed at a time */
};

/* It pays where the transformations cost little compared with the products, there are enough tiles for the kernel's
 * rows, and four times the weights still fit a cache. */
bool nn_winograd_pays(const struct nn_op *op)
{
	const struct nn_map *in = &op->in, *out = &op->out;

	if (op->kh != 3 || op->kw != 3 || op->stride != 1 || op->pad != 1)
		return false;
	return in->c >= 16 && out->c >= 8 && in->h > OUT && in->w > OUT && in->c * out->c <= 256 * 256;
}

static size_t in_stride(const struct nn_op *op)
{
	return nn_round((size_t)op->in.c, NN_MAX_VEC);
}

static size_t out_stride(const struct nn_op *op)
{
	return nn_round((size_t)op->out.c, NN_PANEL);
}

size_t nn_winograd_at_once(const struct nn_op *op, size_t R)
{
	const size_t n = TILE_BYTES / sizeof(float) / (TAPS * (in_stride(op) + out_stride(op))) / R * R;

	return n < 2 * R ? 2 * R : n > 64 ? 64 / R * R : n;
}

size_t nn_winograd_scratch(const struct nn *m, const struct nn_op *op)
{
	const size_t n = nn_winograd_at_once(op, m->isa->rows);

	return TAPS * (n * (in_stride(op) + out_stride(op)) + 2 * GAP) + n * NN_POINTER + NN_MAX_VEC;
}

size_t nn_winograd_packed(const struct nn_op *op)
{
	return TAPS * out_stride(op) * (size_t)op->in.c;
}

/* Channels c..c+n of the panel that begins with output p. Goes through a small buffer: the planes lie a power of two
 * apart, for which a cache has few ways. */
static void transform(const struct nn *m, const struct nn_op *op, size_t p, size_t c, size_t n)
{
	const size_t M = (size_t)op->out.c, C = (size_t)op->in.c, plane = out_stride(op) * C;
	float room[TAPS][CHANNELS * NN_PANEL];

	for (size_t k = 0; k < n; k++) {
		const float *filter[NN_PANEL];

		for (size_t i = 0; i < NN_PANEL; i++)
			filter[i] = p + i < M ? op->plain + ((p + i) * C + c + k) * 9 : NULL;
		m->isa->wino_weights(filter, op->gain ? op->gain + p : NULL, room[0] + k * NN_PANEL,
				     CHANNELS * NN_PANEL);
	}
	for (size_t t = 0; t < TAPS; t++)
		memcpy(op->w + t * plane + p * C + c * NN_PANEL, room[t], n * NN_PANEL * sizeof(float));
}

/* op->w: (36, panels, C, NN_PANEL), a panel being NN_PANEL outputs side by side. */
void nn_winograd_panels(const struct nn *m, const struct nn_op *op, size_t from, size_t to)
{
	const size_t C = (size_t)op->in.c;

	for (size_t p = from * NN_PANEL; p < to * NN_PANEL; p += NN_PANEL)
		for (size_t c = 0; c < C; c += CHANNELS)
			transform(m, op, p, c, C - c < CHANNELS ? C - c : CHANNELS);
}

size_t nn_winograd_tiles(const struct nn_op *op)
{
	return (size_t)((op->out.w + OUT - 1) / OUT) * (size_t)((op->out.h + OUT - 1) / OUT);
}

void nn_winograd_locate(const struct nn_op *op, size_t t, size_t *image, int *y, int *x)
{
	const size_t across = (size_t)(op->out.w + OUT - 1) / OUT, down = (size_t)(op->out.h + OUT - 1) / OUT;

	*image = t / (across * down);
	*y = (int)(t / across % down) * OUT;
	*x = (int)(t % across) * OUT;
}

/* What lies outside the map is zero. */
void nn_winograd_in(const struct nn_op *op, const struct nn_job *j, size_t t, float *to, size_t step)
{
	const float *pixel[TAPS] = { NULL };
	size_t image;
	int y0, x0;

	nn_winograd_locate(op, t, &image, &y0, &x0);
	const float *map = nn_at(j, &op->in) + image * nn_pixels(&op->in) * op->in.stride;
	const int top = y0 > 0 ? 0 : 1, left = x0 > 0 ? 0 : 1, below = op->in.h + 1 - y0, behind = op->in.w + 1 - x0;

	for (int y = top; y < SIDE && y < below; y++) {
		const float *row = map + (size_t)(y0 - 1 + y) * (size_t)op->in.w * op->in.stride;

		for (int x = left; x < SIDE && x < behind; x++)
			pixel[y * SIDE + x] = row + (size_t)(x0 - 1 + x) * op->in.stride;
	}
	j->m->isa->wino_in(pixel, (size_t)op->in.c, &op->pre, to, step);
}

void nn_winograd_out(const struct nn_op *op, const struct nn_job *j, size_t t, size_t m0, size_t m1, const float *from,
		     size_t step)
{
	const float *add[OUT * OUT] = { NULL };
	float *out[OUT * OUT] = { NULL };
	size_t image;
	int y0, x0;

	nn_winograd_locate(op, t, &image, &y0, &x0);
	for (int y = 0; y < OUT && y0 + y < op->out.h; y++) {
		size_t at = image * nn_pixels(&op->out) + (size_t)(y0 + y) * (size_t)op->out.w + (size_t)x0;

		for (int x = 0; x < OUT && x0 + x < op->out.w; x++, at++) {
			out[y * OUT + x] = nn_at(j, &op->out) + at * op->out.stride + m0;
			if (op->add.buf >= 0)
				add[y * OUT + x] = nn_at(j, &op->add) + at * op->add.stride + m0;
		}
	}
	j->m->isa->wino_out(from + m0, step, m1 - m0, op->bias ? op->bias + m0 : NULL, op->relu,
			    op->add.buf < 0 ? NULL : add, out);
}

struct nn_ahead nn_winograd_ahead(struct nn_ahead a, size_t t, size_t n, size_t k)
{
	if (k % 2 || k / 2 >= OUT * OUT || a.n == 0)
		return (struct nn_ahead){ 0 };
	a.first += (t * OUT * OUT + k / 2 * n) * a.stride;
	return a;
}

/* Tiles t..t+n, outputs m0..m1; m0 begins a panel. Scratch: pointers (at_once), x = V (36, at_once, in), y = Y (36,
 * at_once, out). */
static void run_tiles(const struct nn_op *op, const struct nn_job *j, size_t t, size_t n, size_t m0, size_t m1)
{
	const size_t R = j->m->isa->rows, C = (size_t)op->in.c, at_once = nn_winograd_at_once(op, R);
	const size_t in = in_stride(op), out = out_stride(op);
	const size_t in_step = at_once * in + GAP, out_step = at_once * out + GAP;
	const float **row = (const float **)(void *)j->scratch;
	float *x = (float *)(void *)(row + at_once), *y = x + TAPS * in_step;

	const struct nn_ahead next = { nn_at(j, &op->in), op->in.stride, C }; /* the pixels after these */
	struct nn_block b = { .row = row, .n_rows = n, .n_seg = 1, .len = C, .m = nn_round(m1 - m0, NN_PANEL) };

	b.out_stride = out;
	for (size_t i = 0; i < n; i++)
		nn_winograd_in(op, j, t + i, x + i * in, in_step);
	for (size_t k = 0; k < TAPS; k++) {
		for (size_t i = 0; i < nn_round(n, R); i++)
			row[i] = x + k * in_step + (i < n ? i : n - 1) * in;
		b.w = op->w + (k * out + m0) * C;
		b.out = y + k * out_step + m0;
		b.ahead[0] = nn_winograd_ahead(next, t + n, n, k);
		for (int i = 0; i < NN_AHEAD && j->ahead[0].n > 0; i++)
			b.ahead[i] = nn_winograd_ahead(j->ahead[i], t, n, k);
		j->m->isa->block(&b);
	}
	for (size_t i = 0; i < n; i++)
		nn_winograd_out(op, j, t + i, m0, m1, y + i * out, out_step);
}

/* Threads share the tiles or, if that gives each fewer than the kernel's rows, the outputs, and then each transforms
 * all tiles. */
void nn_winograd(const struct nn_op *op, const struct nn_job *j)
{
	const size_t at_once = nn_winograd_at_once(op, j->m->isa->rows), M = (size_t)op->out.c,
		     tiles = j->n * nn_winograd_tiles(op);
	size_t a = 0, b = tiles, p = 0, q = (M + NN_PANEL - 1) / NN_PANEL;

	if (tiles < j->m->isa->rows * j->parts && q >= j->parts)
		nn_share(j, q, &p, &q);
	else
		nn_share(j, tiles, &a, &b);
	for (size_t t = a; t < b; t += at_once)
		run_tiles(op, j, t, b - t < at_once ? b - t : at_once, p * NN_PANEL,
			  q * NN_PANEL < M ? q * NN_PANEL : M);
}
