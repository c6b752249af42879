/* SPDX-License-Identifier: MIT
 *
 * nn_kernel: the arithmetic, compiled once for each instruction set (nn_kernel.inc). GCC's vector extensions express it
 * for all of them. Only the shape of a tile differs, `rows` rows of panels of NN_PANEL outputs, which should fill the
 * registers: 6 rows of one panel for AVX2 (12 of 16 registers), 8 rows of up to three for AVX-512 (24 of 32).
 */
#ifndef NN_KERNEL_H
#define NN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "net/net.h"

enum {
	NN_PANEL = 16, /* outputs in a tile; weights are packed as (k, NN_PANEL) */
	/* How much of w a tile goes through at once: NN_DEPTH numbers of a panel are 24 KiB, which leaves room for rows
	 * in a first-level cache of 32 (three panels at once, with AVX-512, come from the second). Beyond that, smaller
	 * parts are faster. */
	NN_DEPTH = 384,
	NN_DEPTH_PART = 256,
	NN_AHEAD = 3,
	NN_MAX_VEC = 16,                            /* floats in the longest vector: as many may be read past the end of
						     * a row */
	NN_POINTER = sizeof(void *) / sizeof(float) /* floats in the size of a pointer */
};

/* What happens to numbers as they are read: relu(a x + b), a and b per channel. */
struct nn_pre {
	const float *a, *b; /* NULL: 1 and 0 */
	bool relu;
};

/* Rows that are read next: n numbers of each, prefetched into the second-level cache while others are multiplied. n 0:
 * none. */
struct nn_ahead {
	const float *first; /* row i at first + i * stride */
	size_t stride, n;
};

/* out[i][j] = relu(sum_k row[i][k] w[k][j] + bias[j] + add[i][j]). A row is n_seg pieces of len. */
struct nn_block {
	const float *const *row; /* (tiles, n_seg, rows): pointers, none of them NULL */
	size_t n_rows;           /* rows of the last tile beyond n_rows are not written */
	size_t n_seg, len;
	const float *w; /* (panels, n_seg * len, NN_PANEL) */
	size_t m;       /* outputs of a row */
	float *out;     /* row i at out + i * out_stride */
	size_t out_stride;
	const float *bias, *add; /* (m) or NULL; row i at add + i * add_stride, or NULL */
	size_t add_stride;
	bool relu;
	struct nn_ahead ahead[NN_AHEAD]; /* as many rows as these */
};

/* The part of a window that is inside the map: a rectangle of at least one pixel. */
struct nn_window {
	const float *pixel;                /* the first */
	size_t rows, cols, row_step, step; /* floats from row to row, from pixel to pixel */
	float scale;                       /* factor of the sum; 0: the maximum instead */
};

/* A depthwise convolution of n pixels of a row, with the same part of each window inside the map: rows x cols. */
struct nn_depth {
	const float *in;                   /* the first pixel inside the first window */
	size_t rows, cols, row_step, step; /* floats from row to row, from pixel to pixel */
	size_t next;                       /* floats from a window to the next one's */
	const float *w;                    /* that pixel's weights (c); those of the next pixel follow after c floats */
	size_t w_row;                      /* floats to the next row's */
	size_t n, c;
	const float *bias, *add; /* (c) or NULL; pixel i at add + i * add_stride, or NULL */
	float *out;
	size_t add_stride, out_stride;
	bool relu;
};

/* For training: to (m,k) += sum over pixels of d (m) times y (k) (set: to = the sum), the pixels being `images` times
 * `rows` rows of `cols`. */
struct nn_outer {
	const float *d, *y; /* of the first pixel */
	size_t images, rows, cols;
	size_t d_step, d_row, d_image, y_step, y_row, y_image; /* floats from pixel to pixel, row to row, ... */
	size_t m, k;
	float *to;
	size_t to_stride;
	bool set;
	struct nn_ahead ahead; /* a row for each pixel of a row, as long as y */
};

/* Takes the gradient dy of what is read, y = relu(a x + b), to that of x: with m = dy [y > 0], g += a m (set: g = a m),
 * along += sum m (x - mean), sum += sum m. a NULL: 1, and no sums. */
struct nn_give {
	const float *x, *dy;
	float *g;
	size_t n, c;              /* pixels, channels */
	size_t stride, dy_stride; /* of x and g; of dy */
	const float *a, *b, *mean;
	bool relu, set;
	double *along, *sum; /* (c) */
};

struct nn_isa {
	const char *name;
	size_t rows;
	void (*block)(const struct nn_block *b);
	/* to[i] = pre(row[i]), c numbers of n rows. */
	void (*pack)(const float *const *row, size_t n, size_t c, const struct nn_pre *pre, float *to,
		     size_t to_stride);
	/* to = pre(from) + add: one pixel of c channels; add may be NULL. */
	void (*scale)(const float *from, size_t c, const struct nn_pre *pre, const float *add, float *to);
	void (*pool)(const struct nn_window *w, size_t c, const struct nn_pre *pre, float *to);
	/* wino_in: a tile of (6,6) pixels, NULL where outside, c channels, to its 36 transformed pixels, `step` apart.
	 * wino_out: back from 36 to (4,4), NULL where outside; m outputs. */
	void (*wino_in)(const float *const *pixel, size_t c, const struct nn_pre *pre, float *to, size_t step);
	void (*wino_out)(const float *from, size_t step, size_t m, const float *bias, bool relu,
			 const float *const *add, float *const *out);
	/* to = pre(from): n pixels of c channels. */
	void (*read)(const float *from, size_t from_stride, size_t n, size_t c, const struct nn_pre *pre, float *to,
		     size_t to_stride);
	void (*outer)(const struct nn_outer *o);
	void (*give)(const struct nn_give *v);
	/* to = g + shift - slope x: n pixels of c channels. */
	void (*settle)(const float *g, const float *x, size_t stride, size_t n, size_t c, const float *slope,
		       const float *shift, float *to, size_t to_stride);
	/* Adds n more pixels to the means and the sums of squared deviations of `before` pixels (Chan, Golub, LeVeque
	 * 1979). */
	void (*moments)(const float *x, size_t stride, size_t n, size_t c, size_t before, double *mean, double *m2);
	/* A d A' of (4,4) gradients d, NULL where outside, c channels: 36, each `step` apart. */
	void (*wino_back)(const float *const *pixel, size_t c, float *to, size_t step);
	/* G g G' of NN_PANEL filters g (3,3), NULL: zeros, times gain[], NULL: 1; 36 rows of NN_PANEL, `step` apart.
	 * In doubles. */
	void (*wino_weights)(const float *const *filter, const float *gain, float *to, size_t step);
	/* to (9, NN_PANEL) = G' u G, u the sum of `groups` arrays, `group` floats apart, of 36 rows of NN_PANEL, `step`
	 * apart. */
	void (*wino_filter)(const float *from, size_t step, size_t groups, size_t group, float *to);
	/* For training: to = the maximum of the window's pre(pixels), the first among equals, or the last NaN; won: which
	 * pixel that is. The window's first pixel is number `at`, that below it number at + down. */
	void (*most)(const struct nn_window *w, uint32_t at, uint32_t down, size_t c, const struct nn_pre *pre,
		     float *to, uint32_t *won);
	void (*depth)(const struct nn_depth *d);
	/* v = act(v): n pixels of c channels. */
	void (*act)(float *v, size_t stride, size_t n, size_t c, enum net_act act);
	/* to = (x - mean) / sqrt(var + eps) * gamma + beta, mean and var those of the c numbers x = pre(from). */
	void (*norm)(const float *from, size_t c, const struct nn_pre *pre, const float *gamma, const float *beta,
		     float eps, float *to);
	/* v = softmax(scale v): n numbers. */
	void (*softmax)(float *v, size_t n, float scale);
};

/* The instruction set of this name; for NULL that of UNMASK_ISA, or the best of this processor. NULL: the processor has
 * none of that name. */
const struct nn_isa *nn_isa(const char *name);

#endif
