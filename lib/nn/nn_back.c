/* SPDX-License-Identifier: MIT
 * The operations of training, forward and back. A convolution's products, with col (R, K) the windows of R output
 * pixels, K = kh * kw * C in the order (place, channel), and W (K, M):
 *
 *	out = col W + bias      dW += col' dout      dcol = dout W'      dbias += sum of dout's rows
 *
 * For 1x1 convolutions of stride 1 col is the map itself, as its readers see it. */
#include <cblas.h>
#include <omp.h>
#include <string.h>

#include "nn/nn_train_internal.h"
#include "ts/ts_rng.h"

enum { CHUNK = 64 << 10 }; /* floats of windows at a time: a quarter of a second cache */

/* ---- convolutions ---- */

static bool is_whole(const struct nn_stage *s)
{
	return s->kh == 1 && s->kw == 1 && s->stride == 1 && s->pad == 0;
}

static size_t depth(const struct nn_stage *s)
{
	return (size_t)(s->kh * s->kw * s->in.c);
}

/* Output pixels whose windows are made at a time. */
static size_t chunk_rows(const struct nn_stage *s)
{
	const size_t P = nn_view_pixels(&s->out), n = CHUNK / depth(s);

	return is_whole(s) || n > P ? P : n < 16 ? 16 : n;
}

/* The windows of output pixels row..row+n of y (h, w, C), or back: dy += what the windows hold. */
static void windows(const struct nn_stage *s, float *y, size_t row, size_t n, float *col, bool back)
{
	const size_t C = (size_t)s->in.c;

	for (size_t r = row; r < row + n; r++)
		for (int k = 0; k < s->kh * s->kw; k++, col += C) {
			const int i = (int)(r / (size_t)s->out.w) * s->stride - s->pad + k / s->kw;
			const int j = (int)(r % (size_t)s->out.w) * s->stride - s->pad + k % s->kw;
			const bool inside = i >= 0 && i < s->in.h && j >= 0 && j < s->in.w;
			float *at = y + ((size_t)(inside ? i : 0) * (size_t)s->in.w + (size_t)(inside ? j : 0)) * C;

			if (!inside && !back)
				memset(col, 0, C * sizeof *col);
			else if (inside && !back)
				memcpy(col, at, C * sizeof *col);
			else
				for (size_t c = 0; inside && c < C; c++)
					at[c] += col[c];
		}
}

/* W (K, M) from the parameter (M, C, kh, kw). */
static void pack(struct nn_train *t, const struct nn_stage *s)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const size_t M = (size_t)s->out.c, C = (size_t)s->in.c, places = (size_t)(s->kh * s->kw);
	const float *w = nn_train_value(t, node->param);

	for (size_t m = 0; m < M; m++)
		for (size_t c = 0; c < C; c++)
			for (size_t k = 0; k < places; k++)
				t->weight[(k * C + c) * M + m] = w[(m * C + c) * places + k];
}

static void conv_image(const struct nn_train *t, const struct nn_stage *s, size_t image, const float *bias,
		       float *scratch)
{
	const size_t M = (size_t)s->out.c, K = depth(s), P = nn_view_pixels(&s->out),
		     stride = t->plane[s->out.plane].stride;
	const size_t most = chunk_rows(s), inputs = nn_view_pixels(&s->in) * (size_t)s->in.c;
	float *y = scratch, *col = scratch + inputs, *out = nn_view_at(t, &s->out, image);

	nn_view_read(t, &s->in, image, y);
	for (size_t row = 0; row < P; row += most) {
		const size_t n = P - row < most ? P - row : most;

		if (!is_whole(s))
			windows(s, y, row, n, col, false);
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)M, (int)K, 1, is_whole(s) ? y : col,
			    (int)K, t->weight, (int)M, 0, out + row * stride, (int)stride);
	}
	for (size_t p = 0; bias && p < P; p++)
		for (size_t m = 0; m < M; m++)
			out[p * stride + m] += bias[m];
}

static void conv_forward(struct nn_train *t, const struct nn_stage *s)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const float *bias = node->bias ? nn_train_value(t, node->param + 1) : NULL;

	pack(t, s);
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
	for (size_t i = 0; i < t->n; i++)
		conv_image(t, s, i, bias, t->scratch[omp_get_thread_num()]);
}

/* One image back: dW (K, M) and the sums of the input's batch norm are added to. */
static void conv_back_image(const struct nn_train *t, const struct nn_stage *s, size_t image, float *dw, double *sums,
			    bool on, float *scratch)
{
	const size_t M = (size_t)s->out.c, K = depth(s), P = nn_view_pixels(&s->out),
		     stride = t->plane[s->out.plane].stride;
	const size_t most = chunk_rows(s), C = (size_t)s->in.c, inputs = nn_view_pixels(&s->in) * C;
	float *y = scratch, *dy = y + inputs, *col = dy + inputs, *dcol = is_whole(s) ? dy : col + most * K;
	const float *dout = nn_view_gradient(t, &s->out, image);

	nn_view_read(t, &s->in, image, y);
	if (!is_whole(s))
		memset(dy, 0, inputs * sizeof *dy);
	for (size_t row = 0; row < P; row += most) {
		const size_t n = P - row < most ? P - row : most;

		if (!is_whole(s))
			windows(s, y, row, n, col, false);
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)K, (int)M, (int)n, 1, is_whole(s) ? y : col,
			    (int)K, dout + row * stride, (int)stride, 1, dw, (int)M);
		if (!on)
			continue;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)K, (int)M, 1, dout + row * stride,
			    (int)stride, t->weight, (int)M, 0, dcol, (int)K);
		if (!is_whole(s))
			windows(s, dy, row, n, dcol, true);
	}
	if (on)
		nn_view_give(t, &s->in, image, dy, C, sums);
}

/* The groups' dW added up, as the parameter lies; and dbias. */
static void conv_gather(struct nn_train *t, const struct nn_stage *s)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const size_t M = (size_t)s->out.c, C = (size_t)s->in.c, places = (size_t)(s->kh * s->kw), K = depth(s);
	float *to = nn_train_gradient(t, node->param);

#pragma omp parallel for num_threads(t->o.threads)
	for (size_t m = 0; m < M; m++)
		for (size_t k = 0; k < K; k++) {
			float sum = 0;

			for (size_t g = 0; g < s->groups; g++)
				sum += t->partial[g * K * M + k * M + m];
			to[(m * C + k % C) * places + k / C] = sum;
		}
	if (!node->bias)
		return;
	to = nn_train_gradient(t, node->param + 1);
	for (size_t m = 0; m < M; m++) {
		double sum = 0;

		for (size_t i = 0; i < t->n; i++)
			for (size_t p = 0; p < nn_view_pixels(&s->out); p++)
				sum += (double)nn_view_gradient(t, &s->out, i)[p * t->plane[s->out.plane].stride + m];
		to[m] = (float)sum;
	}
}

static void conv_backward(struct nn_train *t, const struct nn_stage *s)
{
	const size_t K = depth(s), M = (size_t)s->out.c;
	const bool on = t->plane[s->in.plane].g != NULL; /* pixels have no gradient, unless it is asked for */

	pack(t, s);
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
	for (size_t g = 0; g < s->groups; g++) {
		float *dw = t->partial + g * K * M;
		double *sums = t->sums + g * 2 * t->most_channels;
		size_t from, to;

		memset(dw, 0, K * M * sizeof *dw);
		memset(sums, 0, 2 * (size_t)s->in.c * sizeof *sums);
		nn_group(t, g, s->groups, &from, &to);
		for (size_t i = from; i < to; i++)
			conv_back_image(t, s, i, dw, sums, on, t->scratch[omp_get_thread_num()]);
	}
	conv_gather(t, s);
	nn_view_gather(t, &s->in, s->groups);
}

/* ---- operations of one image after the other: forward writes out, back gives dy ---- */

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

/* The first of equal ones wins, as PyTorch has it; what is outside never does. */
static void maximum(const struct nn_stage *s, const float *y, float *out, size_t stride, uint32_t *won)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->out);

	for (size_t p = 0; p < P; p++, out += stride, won += C) {
		bool first = true;

		for (int k = 0; k < s->kh * s->kw; k++) {
			const int i = (int)(p / (size_t)s->out.w) * s->stride - s->pad + k / s->kw;
			const int j = (int)(p % (size_t)s->out.w) * s->stride - s->pad + k % s->kw;

			if (i < 0 || i >= s->in.h || j < 0 || j >= s->in.w)
				continue;
			const uint32_t at = (uint32_t)(i * s->in.w + j);

			for (size_t c = 0; c < C; c++)
				if (first || y[at * C + c] > out[c]) {
					out[c] = y[at * C + c];
					won[c] = at;
				}
			first = false;
		}
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

/* What is dropped of an image depends on the seed, the node and the image's number. */
static void drop(const struct nn_train *t, const struct nn_stage *s, size_t image, const float *y, float *out,
		 size_t stride)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->in);
	struct ts_rng rng = ts_rng_new(t->seed + 0x9e3779b97f4a7c15u * (image + 1), (uint64_t)s->node);
	uint8_t *kept = s->kept + image * P * C;

	for (size_t p = 0; p < P; p++)
		for (size_t c = 0; c < C; c++) {
			kept[p * C + c] = ts_rng_double(&rng) >= t->o.dropout;
			out[p * stride + c] = kept[p * C + c] ? y[p * C + c] / (float)(1 - t->o.dropout) : 0;
		}
}

static void drop_back(const struct nn_train *t, const struct nn_stage *s, size_t image, const float *dout,
		      size_t stride, float *dy)
{
	const size_t C = (size_t)s->in.c, P = nn_view_pixels(&s->in);
	const uint8_t *kept = s->kept + image * P * C;

	for (size_t p = 0; p < P; p++)
		for (size_t c = 0; c < C; c++)
			dy[p * C + c] = kept[p * C + c] ? dout[p * stride + c] / (float)(1 - t->o.dropout) : 0;
}

static void copy(float *to, size_t to_stride, const float *from, size_t from_stride, size_t C, size_t P, bool add)
{
	for (size_t p = 0; p < P; p++)
		for (size_t c = 0; c < C; c++)
			to[p * to_stride + c] = from[p * from_stride + c] + (add ? to[p * to_stride + c] : 0);
}

static void image_forward(const struct nn_train *t, const struct nn_stage *s, size_t i, float *y)
{
	const size_t stride = t->plane[s->out.plane].stride, C = (size_t)s->in.c, P = nn_view_pixels(&s->in);
	float *out = nn_view_at(t, &s->out, i);

	nn_view_read(t, &s->in, i, y);
	switch (s->kind) {
	case NN_S_AVERAGE: average(s, y, out, stride); break;
	case NN_S_MAXIMUM: maximum(s, y, out, stride, s->index + i * nn_view_pixels(&s->out) * C); break;
	case NN_S_FLATTEN: flatten(s, y, out, false); break;
	case NN_S_DROPOUT: drop(t, s, i, y, out, stride); break;
	case NN_S_COPY: copy(out, stride, y, C, C, P, false); break;
	case NN_S_ADD:
		copy(out, stride, y, C, C, P, false);
		nn_view_read(t, &s->other, i, y);
		copy(out, stride, y, C, C, P, true);
		break;
	case NN_S_INPUT:
	case NN_S_CONV:
	case NN_S_STATS: break;
	}
}

static void image_backward(const struct nn_train *t, const struct nn_stage *s, size_t i, float *dy, double *sums)
{
	const size_t stride = t->plane[s->out.plane].stride, C = (size_t)s->in.c, P = nn_view_pixels(&s->in);
	const float *dout = nn_view_gradient(t, &s->out, i);

	switch (s->kind) {
	case NN_S_AVERAGE: average_back(s, dout, stride, dy); break;
	case NN_S_MAXIMUM: maximum_back(s, dout, stride, s->index + i * nn_view_pixels(&s->out) * C, dy); break;
	case NN_S_FLATTEN: flatten(s, dout, dy, true); break;
	case NN_S_DROPOUT: drop_back(t, s, i, dout, stride, dy); break;
	case NN_S_ADD:
	case NN_S_COPY: copy(dy, C, dout, stride, C, P, false); break;
	case NN_S_INPUT:
	case NN_S_CONV:
	case NN_S_STATS: break;
	}
	nn_view_give(t, &s->in, i, dy, C, sums);
}

static void input(struct nn_train *t, const struct nn_stage *s, const uint8_t *image)
{
	const size_t C = (size_t)s->out.c, P = nn_view_pixels(&s->out);

#pragma omp parallel for num_threads(t->o.threads)
	for (size_t i = 0; i < t->n; i++)
		for (size_t c = 0; c < C; c++)
			for (size_t p = 0; p < P; p++)
				nn_view_at(t, &s->out, i)[p * C + c] =
					(float)(((double)image[(i * C + c) * P + p] / 255 - t->o.mean[c]) /
						t->o.std[c]);
}

void nn_stage_forward(struct nn_train *t, const struct nn_stage *s, const uint8_t *image)
{
	switch (s->kind) {
	case NN_S_INPUT: input(t, s, image); return;
	case NN_S_CONV: conv_forward(t, s); return;
	case NN_S_STATS: nn_stats_forward(t, s); return;
	default: break;
	}
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
	for (size_t i = 0; i < t->n; i++)
		image_forward(t, s, i, t->scratch[omp_get_thread_num()]);
}

/* The sums of a batch norm that a stage has read through. */
static void give_other(struct nn_train *t, const struct nn_stage *s)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
	for (size_t g = 0; g < s->groups; g++) {
		double *sums = t->sums + g * 2 * t->most_channels;
		size_t from, to;

		memset(sums, 0, 2 * (size_t)s->other.c * sizeof *sums);
		nn_group(t, g, s->groups, &from, &to);
		for (size_t i = from; i < to; i++)
			nn_view_give(t, &s->other, i, nn_view_gradient(t, &s->out, i), t->plane[s->out.plane].stride,
				     sums);
	}
	nn_view_gather(t, &s->other, s->groups);
}

void nn_stage_backward(struct nn_train *t, const struct nn_stage *s)
{
	switch (s->kind) {
	case NN_S_INPUT: return;
	case NN_S_CONV: conv_backward(t, s); return;
	case NN_S_STATS: nn_stats_backward(t, s); return;
	default: break;
	}
	if (!t->plane[s->in.plane].g)
		return;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
	for (size_t g = 0; g < s->groups; g++) {
		double *sums = t->sums + g * 2 * t->most_channels;
		size_t from, to;

		memset(sums, 0, 2 * (size_t)s->in.c * sizeof *sums);
		nn_group(t, g, s->groups, &from, &to);
		for (size_t i = from; i < to; i++)
			image_backward(t, s, i, t->scratch[omp_get_thread_num()], sums);
	}
	nn_view_gather(t, &s->in, s->groups);
	if (s->kind == NN_S_ADD)
		give_other(t, s);
}

size_t nn_stage_scratch(const struct nn_train *t, const struct nn_stage *s)
{
	const size_t in = nn_view_pixels(&s->in) * (size_t)s->in.c;

	(void)t;
	return s->kind == NN_S_CONV ? 2 * in + (is_whole(s) ? 0 : 2 * chunk_rows(s) * depth(s)) : in;
}
