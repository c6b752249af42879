/* SPDX-License-Identifier: MIT
 *
 * nn_bf16: products whose factors are rounded to bfloat16, summed in floats, by the tiles of Intel's AMX: 16 rows of 16
 * outputs, 32 numbers of a row at once. Inputs and outputs are floats. nn_check_bf16() (nn.h) tells whether this
 * processor has them; on others these functions do nothing.
 */
#ifndef NN_BF16_H
#define NN_BF16_H

#include <stdint.h>
#include <string.h>

#include "nn/nn_kernel.h"

enum {
	NN_TILE = 16,       /* rows of a tile, and outputs */
	NN_TILE_DEPTH = 32, /* numbers of a row in a tile */
	NN_BF16_GAP = 64    /* bfloat16s that may be read and written past the end of an array */
};

/* to = pre(from), n pixels of c channels, each padded with zeros to to_stride. */
void nn_bf16_take(const float *from, size_t from_stride, size_t n, size_t c, const struct nn_pre *pre, uint16_t *to,
		  size_t to_stride);
/* Copies a row of n_seg pieces of len, `step` apart, padded with zeros to `all`, a multiple of NN_TILE_DEPTH. */
void nn_bf16_gather(const uint16_t *from, size_t step, size_t n_seg, size_t len, uint16_t *to, size_t all);

/* out[i][j] = relu(sum_k a[i][k] w[k][j] + bias[j] + add[i][j]) */
struct nn_bf16_block {
	const uint16_t *a; /* (rows, stride), zeros from `depth` on; rows rounded up to whole tiles */
	size_t stride, rows, depth;
	const float *w; /* (panels of NN_PANEL outputs): nn_bf16_weight() */
	size_t m;
	float *out; /* row i at out + i * out_stride */
	size_t out_stride;
	const float *bias, *add; /* (m) or NULL; row i at add + i * add_stride, or NULL */
	size_t add_stride;
	bool relu;
};
void nn_bf16_block(const struct nn_bf16_block *b);

/* Numbers from row to row of a. */
size_t nn_bf16_stride(size_t depth);
/* Floats of a panel of w. */
size_t nn_bf16_panel(size_t depth);

/* to (m, n_seg * k) += sum over pixels of d (m) times y (n_seg pieces of k); see nn_outer. */
struct nn_bf16_outer {
	const float *d; /* of the first pixel; pixels, rows, images without gaps */
	const uint16_t *y;
	size_t images, rows, cols;
	size_t d_step, y_step, y_row, y_image; /* numbers from pixel to pixel, row to row, image to image */
	size_t m, k, n_seg, y_seg;             /* y_seg: from piece to piece */
	float *to;                             /* room for whole tiles of rows */
	size_t to_stride;                      /* at least nn_bf16_outer_stride(n_seg * k) */
	void *room;                            /* nn_bf16_outer_room() floats */
};
void nn_bf16_outer(const struct nn_bf16_outer *o);
size_t nn_bf16_outer_room(size_t pixels, size_t m);
static inline size_t nn_bf16_outer_stride(size_t depth)
{
	return (depth + NN_TILE - 1) / NN_TILE * NN_TILE + 2 * NN_TILE;
}

/* Rounds to nearest, ties to even; NaN stays NaN. */
static inline uint16_t nn_bf16_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	if (x != x)
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Sets number k of a panel's output i. */
static inline void nn_bf16_weight(float *panel, size_t k, size_t i, float w)
{
	const uint16_t x = nn_bf16_of(w);

	memcpy((char *)panel + ((k / 2 * NN_PANEL + i) * 2 + k % 2) * sizeof x, &x, sizeof x);
}

#endif
