/* SPDX-License-Identifier: MIT
 * The operations of training that are not convolutions, one image at a time: forward writes out, back computes dy. */
#include <string.h>

#include "nn/train/nn_train_internal.h"
#include "ts/ts_rng.h"

static void average(const struct nn_stage *s, const float *y, float *out, size_t stride)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->out);
	const float share = 1 / (float)(s->kh * s->kw);

	for (size_t p = 0; p < P; p++, out += stride) {
		memset(out, 0, C * sizeof *out);
		for (int k = 0; k < s->kh * s->kw; k++) {
			const size_t i = p / (size_t)s->out.w * (size_t)s->kh + (size_t)(k / s->kw);
			const size_t j = p % (size_t)s->out.w * (size_t)s->kw + (size_t)(k % s->kw);
			const float *x = y + (i * (size_t)s->in.w + j) * C;

			for (size_t c = 0; c < C; c++)
				out[c] += share * x[c];
		}
	}
}

static void average_back(const struct nn_stage *s, const float *dout, size_t stride, float *dy)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->out);
	const float share = 1 / (float)(s->kh * s->kw);

	memset(dy, 0, nn_view_pixels(&s->in) * C * sizeof *dy);
	for (size_t p = 0; p < P; p++, dout += stride)
		for (int k = 0; k < s->kh * s->kw; k++) {
			const size_t i = p / (size_t)s->out.w * (size_t)s->kh + (size_t)(k / s->kw);
			const size_t j = p % (size_t)s->out.w * (size_t)s->kw + (size_t)(k % s->kw);
			float *x = dy + (i * (size_t)s->in.w + j) * C;

			for (size_t c = 0; c < C; c++)
				x[c] = share * dout[c];
		}
}

/* The pixels of a row or column that a window of k reads for output i, of those that exist. */
struct span {
	size_t first, n;
};

static struct span inside(int i, int k, int stride, int pad, int size)
{
	const int from = i * stride - pad, to = from + k < size ? from + k : size, first = from > 0 ? from : 0;

	return (struct span){ (size_t)first, (size_t)(to - first) };
}

/* The first among equals wins, as in PyTorch; pixels outside never do. */
static void maximum(const struct nn_train *t, const struct nn_stage *s, size_t image, float *out, size_t stride)
{
	const size_t C = (size_t)s->in.c, step = t->plane[s->in.plane].stride, W = (size_t)s->in.w;
	const float *in = nn_view_at(t, &s->in, image);
	uint32_t *won = s->index + image * nn_view_pixels(&s->out) * C;
	const struct nn_pre pre = nn_view_pre(t, &s->in);

	for (int y = 0; y < s->out.h; y++)
		for (int x = 0; x < s->out.w; x++, out += stride, won += C) {
			const struct span down = inside(y, s->kh, s->stride, s->pad, s->in.h);
			const struct span across = inside(x, s->kw, s->stride, s->pad, s->in.w);
			const size_t at = down.first * W + across.first;
			const struct nn_window w = { .pixel = in + at * step,
						     .rows = down.n,
						     .cols = across.n,
						     .row_step = W * step,
						     .step = step };

			t->base.isa->most(&w, (uint32_t)at, (uint32_t)W, C, &pre, out, won);
		}
}

static void maximum_back(const struct nn_stage *s, const float *dout, size_t stride, const uint32_t *won, float *dy)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->out);

	memset(dy, 0, nn_view_pixels(&s->in) * C * sizeof *dy);
	for (size_t p = 0; p < P; p++, dout += stride, won += C)
		for (size_t c = 0; c < C; c++)
			dy[won[c] * C + c] += dout[c];
}

/* (pixels, channels) to (channels * pixels), or its gradient back. */
static void flatten(const struct nn_stage *s, const float *from, float *to, bool back)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->in);

	for (size_t p = 0; p < P; p++)
		for (size_t c = 0; c < C; c++)
			if (back)
				to[p * C + c] = from[c * P + p];
			else
				to[c * P + p] = from[p * C + c];
}

/* Divides the kept of n numbers by their share; the others become 0. */
static void keep(const uint8_t *kept, size_t n, float share, const float *from, float *to)
{
#pragma omp simd
	for (size_t i = 0; i < n; i++) {
		const float x = from[i] / share; /* without a branch, which could not be foreseen */
		to[i] = kept[i] ? x : 0;
	}
}

/* What is dropped from an image depends on the seed, the node and, in training, the image's number in the batch. */
static void drop(const struct nn_train *t, const struct nn_stage *s, size_t image, const float *y, float *out,
		 size_t stride)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->in);
	const struct nn_among *a = &t->among;
	const size_t own = image < a->here ? a->first + image : a->then + image - a->here;
	const size_t number = t->mode == NN_TRAIN ? own : 0;
	struct ts_rng rng = ts_rng_new(t->seed + 0x9e3779b97f4a7c15u * (number + 1), (uint64_t)s->node);
	uint8_t *kept = s->kept + image * P * C;

	ts_rng_kept(&rng, t->o.dropout, kept, P * C);
	for (size_t p = 0; p < P; p++)
		keep(kept + p * C, C, (float)(1 - t->o.dropout), y + p * C, out + p * stride);
}

static void drop_back(const struct nn_train *t, const struct nn_stage *s, size_t image, const float *dout,
		      size_t stride, float *dy)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->in);
	const uint8_t *kept = s->kept + image * P * C;

	for (size_t p = 0; p < P; p++)
		keep(kept + p * C, C, (float)(1 - t->o.dropout), dout + p * stride, dy + p * C);
}

/* (c, h, w) bytes or floats to normalised pixels (h, w, c). */
static void input(const struct nn_train *t, const struct nn_stage *s, size_t image)
{
	const size_t C = (size_t)s->out.c, P = nn_view_pixels(&s->out);
	const uint8_t *bytes = (const uint8_t *)t->image + image * C * P;
	const float *floats = (const float *)t->image + image * C * P;
	float *to = nn_view_at(t, &s->out, image);

	for (size_t c = 0; c < C; c++)
		for (size_t p = 0; p < P; p++) {
			const double x = t->o.floats ? (double)floats[c * P + p] : bytes[c * P + p];

			to[p * C + c] = (float)((x / 255 - t->o.mean[c]) / t->o.std[c]);
		}
}

/* out = in + other, each as it is read, a few pixels at a time, which stay in the first cache. */
static void add(const struct nn_train *t, const struct nn_stage *s, size_t image, float *out, size_t stride)
{
	enum { FLOATS = 2048 };
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->in), most = C < FLOATS ? FLOATS / C : 1;
	const struct nn_pre pre = nn_view_pre(t, &s->other);
	const float *from = nn_view_at(t, &s->other, image);

	for (size_t p = 0; p < P; p += most) {
		const size_t n = P - p < most ? P - p : most;

		nn_view_read(t, &s->in, (struct nn_rows){ image, p, n }, out, stride);
		for (size_t i = 0; i < n; i++, out += stride, from += t->plane[s->other.plane].stride)
			t->base.isa->scale(from, C, &pre, out, out);
	}
}

/* out = in as it is read, with channels of zeros on both sides. */
static void pad(const struct nn_train *t, const struct nn_stage *s, size_t image, float *out, size_t stride)
{
	const struct nn_rows all = { image, 0, nn_view_pixels(&s->in) };
	const size_t C = (size_t)s->in.c, zeros = (size_t)s->pad;

	nn_view_read(t, &s->in, all, out + zeros, stride);
	for (size_t p = 0; p < all.n; p++, out += stride) {
		memset(out, 0, zeros * sizeof *out);
		memset(out + zeros + C, 0, zeros * sizeof *out);
	}
}

void nn_train_op_forward(const struct nn_train *t, const struct nn_stage *s, size_t image, float *y)
{
	const size_t stride = t->plane[s->out.plane].stride, C = (size_t)s->in.c;
	const struct nn_rows all = { image, 0, nn_view_pixels(&s->in) };
	float *out = nn_view_at(t, &s->out, image);

	switch (s->kind) {
	case NN_S_INPUT: input(t, s, image); return;
	case NN_S_ADD: add(t, s, image, out, stride); return;
	case NN_S_PAD: pad(t, s, image, out, stride); return;
	case NN_S_COPY: nn_view_read(t, &s->in, all, out, stride); return;
	case NN_S_MAXIMUM: maximum(t, s, image, out, stride); return;
	default: nn_view_read(t, &s->in, all, y, C);
	}
	switch (s->kind) {
	case NN_S_AVERAGE: average(s, y, out, stride); break;
	case NN_S_FLATTEN: flatten(s, y, out, false); break;
	case NN_S_DROPOUT:
		if (t->mode != NN_EVALUATE)
			drop(t, s, image, y, out, stride);
		else
			nn_view_read(t, &s->in, all, out, stride);
		break;
	default: break;
	}
}

/* Gives dout to what a stage adds, pads or copies: BLOCK pixels at a time, so that an addition reads it once from
 * memory. BLOCK is a multiple of the pixels that nn_give sums as floats. Scratch: dout (BLOCK pixels of out). */
static void hand_on(const struct nn_train *t, const struct nn_stage *s, size_t image, double *sums, float *scratch)
{
	enum { BLOCK = 64 };
	const size_t P = nn_view_pixels(&s->in);
	const size_t skip = s->kind == NN_S_PAD ? (size_t)s->pad : 0; /* the padding needs no gradients */

	for (size_t p = 0; p < P; p += BLOCK) {
		const struct nn_rows r = { image, p, P - p < BLOCK ? P - p : BLOCK };
		size_t stride;
		const float *dout = nn_view_settle(t, &s->out, r, scratch, &stride);

		nn_view_give(t, &s->in, &s->fresh[0], r, dout + skip, stride, sums);
		if (s->kind == NN_S_ADD)
			nn_view_give(t, &s->other, &s->fresh[1], r, dout, stride, sums + 2 * t->most_channels);
	}
}

/* Scratch: dout (out), dy (in). */
void nn_train_op_backward(const struct nn_train *t, const struct nn_stage *s, size_t image, double *sums,
			  float *scratch)
{
	const struct nn_rows all = { image, 0, nn_view_pixels(&s->in) };
	const struct nn_rows written = { image, 0, nn_view_pixels(&s->out) };
	const size_t C = (size_t)s->in.c;
	float *dy = scratch + nn_round(written.n * nn_apart((size_t)s->out.c) + NN_MAX_VEC, NN_MAX_VEC);
	size_t stride;

	if (s->kind == NN_S_ADD || s->kind == NN_S_PAD || s->kind == NN_S_COPY ||
	    (s->kind == NN_S_DROPOUT && t->mode == NN_EVALUATE)) {
		hand_on(t, s, image, sums, scratch);
		return;
	}
	const float *dout = nn_view_settle(t, &s->out, written, scratch, &stride);

	switch (s->kind) {
	case NN_S_AVERAGE: average_back(s, dout, stride, dy); break;
	case NN_S_MAXIMUM: maximum_back(s, dout, stride, s->index + image * written.n * C, dy); break;
	case NN_S_FLATTEN: flatten(s, dout, dy, true); break;
	case NN_S_DROPOUT: drop_back(t, s, image, dout, stride, dy); break;
	default: break;
	}
	nn_view_give(t, &s->in, &s->fresh[0], all, dy, C, sums);
}

size_t nn_train_op_scratch(const struct nn_stage *s)
{
	return nn_view_pixels(&s->in) * (size_t)s->in.c + nn_view_pixels(&s->out) * nn_apart((size_t)s->out.c) +
	       4 * NN_MAX_VEC;
}
