/* SPDX-License-Identifier: MIT
 * The operations that transformers have and convolutional networks lack. A map's pixels are its tokens: in (images, T,
 * 3 C) has queries, keys and values of each, C = heads * D. For each image and head
 *
 *	S (T, T) = Q (T, D) K' (D, T)    P = softmax(S / sqrt(D)), row by row    out (T, D) = P V (T, D)
 *
 * Both products are nn_kernel's: K' and V are packed as weights are. */
#include <math.h>
#include <string.h>

#include "nn/nn_internal.h"

enum { ROWS = 48 }; /* queries at a time, a multiple of the rows of every tile */

static size_t tokens_of(const struct nn_op *op)
{
	return nn_pixels(&op->in);
}

static size_t head_of(const struct nn_op *op)
{
	return (size_t)(op->out.c / op->groups);
}

/* Floats between rows of S. */
static size_t wide(const struct nn_op *op)
{
	return nn_round(tokens_of(op), NN_PANEL) + NN_MAX_VEC;
}

/* K', V, S and a table of pointers to rows. */
size_t nn_attend_scratch(const struct nn_op *op)
{
	const size_t T = tokens_of(op), D = head_of(op);

	return nn_round(T, NN_PANEL) * D + nn_round(D, NN_PANEL) * T + ROWS * (wide(op) + NN_POINTER) + 2 * NN_MAX_VEC;
}

/* w[p][k][i] = from[(p * NN_PANEL + i) * out + k * depth], of m outputs, followed by zeros. */
static void pack(const float *from, size_t out, size_t depth, size_t m, size_t K, float *w)
{
	for (size_t p = 0; p * NN_PANEL < m; p++)
		for (size_t k = 0; k < K; k++)
			for (size_t i = 0; i < NN_PANEL; i++, w++)
				*w = p * NN_PANEL + i < m ? from[(p * NN_PANEL + i) * out + k * depth] : 0;
}

/* out (n, m) = rows (n, K) w: n at most ROWS, `step` floats apart. */
static void multiply(const struct nn_job *j, const float *rows, size_t step, size_t n, size_t K, const float *w,
		     size_t m, float *out, size_t stride, const float **table)
{
	for (size_t i = 0; i < ROWS; i++)
		table[i] = rows + (i < n ? i : n - 1) * step;
	j->m->isa->block(&(struct nn_block){
		.row = table, .n_rows = n, .n_seg = 1, .len = K, .w = w, .m = m, .out = out, .out_stride = stride });
}

static void attend(const struct nn_op *op, const struct nn_job *j, size_t image, size_t head)
{
	const size_t T = tokens_of(op), D = head_of(op), C = (size_t)op->out.c, step = op->in.stride, S = wide(op);
	const float *q = nn_at(j, &op->in) + image * T * step + head * D;
	const float **table = (const float **)(void *)j->scratch;
	float *keys = j->scratch + ROWS * NN_POINTER, *values = keys + nn_round(T, NN_PANEL) * D;
	float *scores = values + nn_round(D, NN_PANEL) * T;
	float *out = nn_at(j, &op->out) + image * T * op->out.stride + head * D;

	pack(q + C, step, 1, T, D, keys);
	pack(q + 2 * C, 1, step, D, T, values);
	for (size_t i = 0; i < T; i += ROWS) {
		const size_t n = T - i < ROWS ? T - i : ROWS;

		multiply(j, q + i * step, step, n, D, keys, T, scores, S, table);
		for (size_t r = 0; r < n; r++)
			j->m->isa->softmax(scores + r * S, T, 1 / sqrtf((float)D));
		multiply(j, scores, S, n, T, values, D, out + i * op->out.stride, op->out.stride, table);
	}
}

void nn_attend(const struct nn_op *op, const struct nn_job *j)
{
	const size_t H = (size_t)op->groups;
	size_t a, b;

	nn_share(j, j->n * H, &a, &b);
	for (size_t i = a; i < b; i++)
		attend(op, j, i / H, i % H);
}

/* out (T, C): bias, then pre(in) + w of the pixel's place. */
void nn_tokens(const struct nn_op *op, const struct nn_job *j)
{
	const size_t T = nn_pixels(&op->out), C = (size_t)op->out.c;
	size_t a, b;

	nn_share(j, j->n * T, &a, &b);
	for (size_t r = a; r < b; r++) {
		const size_t at = r % T;
		float *to = nn_at(j, &op->out) + r * op->out.stride;

		if (at == 0)
			memcpy(to, op->bias, C * sizeof *to);
		else
			j->m->isa->scale(nn_at(j, &op->in) + (r / T * (T - 1) + at - 1) * op->in.stride, C, &op->pre,
					 op->w + at * C, to);
	}
}

void nn_first(const struct nn_op *op, const struct nn_job *j)
{
	size_t a, b;

	nn_share(j, j->n, &a, &b);
	for (size_t i = a; i < b; i++)
		j->m->isa->scale(nn_at(j, &op->in) + i * nn_pixels(&op->in) * op->in.stride, (size_t)op->in.c, &op->pre,
				 NULL, nn_at(j, &op->out) + i * op->out.stride);
}

/* Each pixel's channels by themselves. */
void nn_norm(const struct nn_op *op, const struct nn_job *j)
{
	size_t a, b;

	nn_share(j, j->n * nn_pixels(&op->in), &a, &b);
	for (size_t r = a; r < b; r++)
		j->m->isa->norm(nn_at(j, &op->in) + r * op->in.stride, (size_t)op->in.c, &op->pre, op->w, op->bias,
				op->scale, nn_at(j, &op->out) + r * op->out.stride);
}
