/* SPDX-License-Identifier: MIT
 * The operations that are not convolutions: little arithmetic, one pixel at a time. Maps are (images, pixels,
 * channels), the callers' arrays (images, channels, pixels). */
#include <string.h>

#include "nn/nn_internal.h"

/* Bytes or floats (n, c, h, w) to out (n, h + 2 pad, w + 2 pad, c) = (pixel - mean[c]) * gain[c], with a border of
 * zeros. The border is written each time, as another map has used the place since. */
void nn_pixels_op(const struct nn_op *op, const struct nn_job *j)
{
	const struct nn *m = j->m;
	const size_t C = (size_t)m->c, H = (size_t)m->h, W = (size_t)m->w, pad = (size_t)op->pad;
	const size_t rows = (size_t)op->out.h, width = (size_t)op->out.w;
	size_t a, b;

	nn_share(j, j->n * rows, &a, &b);
	for (size_t r = a; r < b; r++) {
		const uint8_t *bytes = (const uint8_t *)j->input + r / rows * C * H * W;
		const float *floats = (const float *)j->input + r / rows * C * H * W;
		float *to = nn_at(j, &op->out) + r * width * op->out.stride;
		const size_t y = r % rows - pad; /* wraps above the image, and so is too large there */

		memset(to, 0, width * op->out.stride * sizeof *to);
		for (size_t c = 0; c < C && y < H; c++)
			for (size_t x = 0; x < W; x++) {
				const size_t at = (c * H + y) * W + x;

				to[(x + pad) * op->out.stride + c] =
					((m->floats ? floats[at] : (float)bytes[at]) - m->mean[c]) * m->gain[c];
			}
	}
}

/* Floats (n, c, pixels) to out (n, pixels, c). */
void nn_take(const struct nn_op *op, const struct nn_job *j)
{
	const size_t C = (size_t)op->out.c, P = nn_pixels(&op->out);
	size_t a, b;

	nn_share(j, j->n * P, &a, &b);
	for (size_t r = a; r < b; r++) {
		const float *from = (const float *)j->input + r / P * C * P + r % P;
		float *to = nn_at(j, &op->out) + r * op->out.stride;

		for (size_t c = 0; c < C; c++)
			to[c] = from[c * P];
	}
}

/* Clips from..from+n to 0..size: moves *from to the first, and returns how many are left. */
static size_t inside(int *from, int n, int size)
{
	const int end = *from + n < size ? *from + n : size;

	*from = *from < 0 ? 0 : *from;
	return (size_t)(end - *from);
}

/* out(y, x) = scale * sum, or the largest if scale is 0, of the window's pixels that are inside the map. */
void nn_pool(const struct nn_op *op, const struct nn_job *j)
{
	const size_t P = nn_pixels(&op->out), W = (size_t)op->in.w, step = op->in.stride;
	const float *in = nn_at(j, &op->in);
	struct nn_window w = { .row_step = W * step, .step = step, .scale = op->scale };
	size_t a, b;

	nn_share(j, j->n * P, &a, &b);
	for (size_t r = a; r < b; r++) {
		int y = (int)(r % P / (size_t)op->out.w) * op->stride - op->pad;
		int x = (int)(r % P % (size_t)op->out.w) * op->stride - op->pad;

		w.rows = inside(&y, op->kh, op->in.h);
		w.cols = inside(&x, op->kw, op->in.w);
		w.pixel = in + (r / P * nn_pixels(&op->in) + (size_t)y * W + (size_t)x) * step;
		j->m->isa->pool(&w, (size_t)op->in.c, &op->pre, nn_at(j, &op->out) + r * op->out.stride);
	}
}

/* out = act(relu?(a in + b) + add), pixel by pixel: for batch norms, ReLUs, additions and other activations that could
 * not be fused. */
void nn_scale(const struct nn_op *op, const struct nn_job *j)
{
	const size_t C = (size_t)op->in.c;
	size_t a, b;

	nn_share(j, j->n * nn_pixels(&op->in), &a, &b);
	for (size_t r = a; r < b; r++) {
		float *to = nn_at(j, &op->out) + r * op->out.stride;
		const float *add = op->add.buf < 0 ? NULL : nn_at(j, &op->add) + r * op->add.stride;

		j->m->isa->scale(nn_at(j, &op->in) + r * op->in.stride, C, &op->pre, add, to);
		if (op->act)
			j->m->isa->act(to, C, 1, C, op->act);
	}
}

/* out = in times add, which has a number for each of the image's channels. */
void nn_mul(const struct nn_op *op, const struct nn_job *j)
{
	const size_t C = (size_t)op->in.c, P = nn_pixels(&op->in);
	size_t a, b;

	nn_share(j, j->n * P, &a, &b);
	for (size_t r = a; r < b; r++) {
		const struct nn_pre by = { nn_at(j, &op->add) + r / P * op->add.stride, j->m->zeros, false };

		j->m->isa->scale(nn_at(j, &op->in) + r * op->in.stride, C, &by, NULL,
				 nn_at(j, &op->out) + r * op->out.stride);
	}
}

void nn_pad(const struct nn_op *op, const struct nn_job *j)
{
	const size_t C = (size_t)op->in.c, pad = (size_t)op->pad;
	size_t a, b;

	nn_share(j, j->n * nn_pixels(&op->in), &a, &b);
	for (size_t r = a; r < b; r++) {
		float *to = nn_at(j, &op->out) + r * op->out.stride;

		memset(to, 0, pad * sizeof *to);
		j->m->isa->scale(nn_at(j, &op->in) + r * op->in.stride, C, &op->pre, NULL, to + pad);
		memset(to + pad + C, 0, pad * sizeof *to);
	}
}

/* One number of a map as it is read. */
static float value(const struct nn_op *op, const float *pixel, size_t c)
{
	const float x = op->pre.a ? pixel[c] * op->pre.a[c] + op->pre.b[c] : pixel[c];
	return op->pre.relu && x < 0 ? 0 : x;
}

/* Transposes an image from (pixels, channels) to (channels, pixels), a cache line of each channel at a time: channels
 * are P apart, often a power of two, so a line would be gone before its next pixel comes. */
static void turn(const struct nn_op *op, const float *from, float *to)
{
	enum { LINE = 16 };
	const size_t C = (size_t)op->in.c, P = nn_pixels(&op->in), step = op->in.stride;

	for (size_t at = 0; at < P; at += LINE) {
		const size_t n = P - at < LINE ? P - at : LINE;
		for (size_t c = 0; c < C; c++)
			for (size_t p = at; p < at + n; p++)
				to[c * P + p] = value(op, from + p * step, c);
	}
}

void nn_flatten(const struct nn_op *op, const struct nn_job *j)
{
	size_t a, b;

	nn_share(j, j->n, &a, &b);
	for (size_t i = a; i < b; i++)
		turn(op, nn_at(j, &op->in) + i * nn_pixels(&op->in) * op->in.stride,
		     nn_at(j, &op->out) + i * op->out.stride);
}

void nn_give(const struct nn_op *op, const struct nn_job *j)
{
	const size_t count = (size_t)op->in.c * nn_pixels(&op->in);
	float *to = op->node == NN_LOGITS   ? j->logits :
		    op->node == NN_FEATURES ? j->features :
		    j->maps                 ? j->maps[op->node] :
					      NULL;
	size_t a, b;

	nn_share(j, j->n, &a, &b);
	for (size_t i = a; to && i < b; i++)
		turn(op, nn_at(j, &op->in) + i * nn_pixels(&op->in) * op->in.stride, to + (j->first + i) * count);
}
