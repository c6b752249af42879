/* SPDX-License-Identifier: MIT
 * 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) (Lavin, Gray, CVPR 2016, section 4): 16 outputs of a
 * 6x6 tile take 36 products where the plain way takes 144, for transformations of inputs, weights and
 * outputs. They cost some digits: errors of about 1e-6 of the outputs' size instead of 1e-7.
 *
 * With g a 3x3 filter, d a 6x6 tile of the input, summed over C input channels:
 *
 *	U = G g G'  (36, M, C)     V = B' d B  (36, tiles, C)     Y_k = V_k U_k'  (tiles, M), k = 0..35
 *	out = A' Y A               4x4 outputs for each tile and each of M outputs
 *
 * So a convolution becomes 36 matrix products, of which each is the block kernel's. */
#include <string.h>

#include "nn/nn_internal.h"

enum {
	SIDE = NN_WINO_SIDE,
	TAPS = NN_WINO_TAPS,
	OUT = NN_WINO_OUT,
	TILE_BYTES = 400 << 10, /* of tiles in work: the second cache */
	GAP = NN_WINO_GAP
};

/* It pays where the transformations cost little beside the products, where there are enough tiles for the kernel's
 * rows, and where four times the weights still fit a cache. */
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

static const double G[SIDE][3] = { { 1 / 4., 0, 0 },
				   { -1 / 6., -1 / 6., -1 / 6. },
				   { -1 / 6., 1 / 6., -1 / 6. },
				   { 1 / 24., 1 / 12., 1 / 6. },
				   { 1 / 24., -1 / 12., 1 / 6. },
				   { 0, 0, 1 } };

/* u = G g G' of NN_PANEL 3x3 filters side by side. */
static void transform(double g[9][NN_PANEL], double u[TAPS][NN_PANEL])
{
	double t[SIDE][3][NN_PANEL];

	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < 3; j++)
			for (int l = 0; l < NN_PANEL; l++)
				t[i][j][l] = G[i][0] * g[j][l] + G[i][1] * g[3 + j][l] + G[i][2] * g[6 + j][l];
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++)
			for (int l = 0; l < NN_PANEL; l++)
				u[i * SIDE + j][l] = t[i][0][l] * G[j][0] + t[i][1][l] * G[j][1] + t[i][2][l] * G[j][2];
}

void nn_winograd_filter(float u[TAPS][NN_PANEL], float g[9][NN_PANEL])
{
	float t[3][SIDE][NN_PANEL] = { 0 };

	memset(g, 0, 9 * sizeof g[0]);
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < SIDE; j++)
			for (int k = 0; k < SIDE; k++)
				for (int l = 0; l < NN_PANEL; l++)
					t[i][j][l] += (float)G[k][i] * u[k * SIDE + j][l];
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			for (int k = 0; k < SIDE; k++)
				for (int l = 0; l < NN_PANEL; l++)
					g[i * 3 + j][l] += t[i][k][l] * (float)G[k][j];
}

size_t nn_winograd_packed(const struct nn_op *op)
{
	return TAPS * out_stride(op) * (size_t)op->in.c;
}

/* op->w: (36, panels, C, NN_PANEL), a panel being NN_PANEL outputs side by side. */
void nn_winograd_panels(const struct nn_op *op, size_t from, size_t to)
{
	const size_t M = (size_t)op->out.c, C = (size_t)op->in.c, plane = out_stride(op) * C;

	for (size_t p = from * NN_PANEL; p < to * NN_PANEL; p += NN_PANEL)
		for (size_t c = 0; c < C; c++) {
			const size_t n = M - p < NN_PANEL ? M - p : NN_PANEL;
			double g[9][NN_PANEL] = { 0 }, u[TAPS][NN_PANEL];

			for (size_t i = 0; i < n; i++)
				for (size_t k = 0; k < 9; k++)
					g[k][i] = (double)op->plain[((p + i) * C + c) * 9 + k] *
						  (op->gain ? (double)op->gain[p + i] : 1);
			transform(g, u);
			for (size_t k = 0; k < TAPS; k++)
				for (size_t i = 0; i < NN_PANEL; i++)
					op->w[k * plane + p * C + c * NN_PANEL + i] = (float)u[k][i];
		}
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
	const float *pixel[TAPS];
	size_t image;
	int y0, x0;

	nn_winograd_locate(op, t, &image, &y0, &x0);
	const float *from = nn_at(j, &op->in) + image * nn_pixels(&op->in) * op->in.stride;
	for (int i = 0; i < TAPS; i++) {
		const int y = y0 - 1 + i / SIDE, x = x0 - 1 + i % SIDE;
		const bool inside = y >= 0 && y < op->in.h && x >= 0 && x < op->in.w;

		pixel[i] = inside ? from + ((size_t)y * (size_t)op->in.w + (size_t)x) * op->in.stride : NULL;
	}
	j->m->isa->wino_in(pixel, (size_t)op->in.c, &op->pre, to, step);
}

/* out = A' Y A for outputs m0..m1 of tile t, with bias, addition and ReLU; Y's 36 rows are `step` apart. */
static void tile_out(const struct nn_op *op, const struct nn_job *j, size_t t, size_t m0, size_t m1, const float *from,
		     size_t step)
{
	const float *add[OUT * OUT] = { NULL };
	float *out[OUT * OUT] = { NULL };
	size_t image;
	int y0, x0;

	nn_winograd_locate(op, t, &image, &y0, &x0);
	for (int i = 0; i < OUT * OUT; i++) {
		const int y = y0 + i / OUT, x = x0 + i % OUT;
		const size_t at = image * nn_pixels(&op->out) + (size_t)y * (size_t)op->out.w + (size_t)x;

		if (y >= op->out.h || x >= op->out.w)
			continue;
		out[i] = nn_at(j, &op->out) + at * op->out.stride + m0;
		if (op->add.buf >= 0)
			add[i] = nn_at(j, &op->add) + at * op->add.stride + m0;
	}
	j->m->isa->wino_out(from + m0, step, m1 - m0, op->bias ? op->bias + m0 : NULL, op->relu,
			    op->add.buf < 0 ? NULL : add, out);
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

	for (size_t i = 0; i < n; i++)
		nn_winograd_in(op, j, t + i, x + i * in, in_step);
	for (size_t k = 0; k < TAPS; k++) {
		for (size_t i = 0; i < nn_round(n, R); i++)
			row[i] = x + k * in_step + (i < n ? i : n - 1) * in;
		j->m->isa->block(&(struct nn_block){ .row = row,
						     .n_rows = n,
						     .n_seg = 1,
						     .len = C,
						     .w = op->w + (k * out + m0) * C,
						     .m = nn_round(m1 - m0, NN_PANEL),
						     .out = y + k * out_step + m0,
						     .out_stride = out });
	}
	for (size_t i = 0; i < n; i++)
		tile_out(op, j, t + i, m0, m1, y + i * out, out_step);
}

/* Threads share the tiles; where these are fewer than the kernel's rows for each, they share the outputs, and
 * each transforms all tiles. */
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
