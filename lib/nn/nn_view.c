/* SPDX-License-Identifier: MIT
 * Maps as they are read, through batch norms and ReLUs, and gradients on their way back through these. */
#include <math.h>
#include <string.h>

#include "nn/nn_train_internal.h"

void nn_view_read(const struct nn_train *t, const struct nn_view *v, size_t image, float *y)
{
	const size_t C = (size_t)v->c, P = nn_view_pixels(v), stride = t->plane[v->plane].stride;
	const float *x = nn_view_at(t, v, image);

	for (size_t p = 0; p < P; p++, x += stride, y += C) {
		if (v->bn >= 0) {
			const float *restrict a = t->a[v->bn], *restrict b = t->b[v->bn];

			for (size_t c = 0; c < C; c++)
				y[c] = a[c] * x[c] + b[c];
		} else {
			memcpy(y, x, C * sizeof *y);
		}
		for (size_t c = 0; v->relu && c < C; c++)
			y[c] = y[c] > 0 ? y[c] : 0;
	}
}

/* Without a batch norm: g += dy [y > 0]. */
static void give_plain(const struct nn_train *t, const struct nn_view *v, size_t image, const float *dy,
		       size_t dy_stride)
{
	const size_t C = (size_t)v->c, P = nn_view_pixels(v), stride = t->plane[v->plane].stride;
	const float *x = nn_view_at(t, v, image);
	float *g = nn_view_gradient(t, v, image);

	for (size_t p = 0; p < P; p++, x += stride, g += stride, dy += dy_stride)
		for (size_t c = 0; c < C; c++)
			g[c] += !v->relu || x[c] > 0 ? dy[c] : 0;
}

enum { PIXELS = 16 }; /* whose sums are floats, before they are added as doubles */

/* m = dy [y > 0], h += gamma m, sums += (sum m x^, sum m). x^ = (x - mean) scale; a = gamma scale, so gamma = a /
 * scale. */
static void give_norm(const struct nn_train *t, const struct nn_view *v, size_t image, const float *dy,
		      size_t dy_stride, double *sums, float *room)
{
	const struct nn_plane *plane = &t->plane[v->plane];
	const size_t C = (size_t)v->c, P = nn_view_pixels(v), stride = plane->stride;
	const float *restrict a = t->a[v->bn], *restrict b = t->b[v->bn];
	const float *restrict mean = plane->mean + v->at, *restrict scale = plane->scale + v->at;
	const float *x = nn_view_at(t, v, image);
	float *h = plane->h + (x - plane->v), *restrict mx = room, *restrict ms = room + C;

	for (size_t p0 = 0; p0 < P; p0 += PIXELS) {
		memset(room, 0, 2 * C * sizeof *room);
		for (size_t p = p0; p < P && p < p0 + PIXELS; p++, x += stride, h += stride, dy += dy_stride)
			for (size_t c = 0; c < C; c++) {
				const float m = !v->relu || a[c] * x[c] + b[c] > 0 ? dy[c] : 0;

				mx[c] += m * (x[c] - mean[c]);
				ms[c] += m;
				h[c] += m * a[c];
			}
		for (size_t c = 0; c < C; c++) {
			sums[c] += (double)mx[c] * (double)scale[c];
			sums[C + c] += (double)ms[c];
		}
	}
}

void nn_view_give(const struct nn_train *t, const struct nn_view *v, size_t image, const float *dy, size_t dy_stride,
		  double *sums)
{
	float room[2 * 4096];

	if (v->bn < 0)
		give_plain(t, v, image, dy, dy_stride);
	else
		give_norm(t, v, image, dy, dy_stride, sums, room);
}

void nn_view_gather(struct nn_train *t, const struct nn_view *v, size_t groups)
{
	const size_t C = (size_t)v->c;
	const struct net_node *node = v->bn >= 0 ? &t->net->nodes[v->bn] : NULL;

	if (!node || !node->affine)
		return;
	for (int k = 0; k < 2; k++) { /* gamma, beta */
		float *to = nn_train_gradient(t, node->param + k);

		for (size_t c = 0; c < C; c++) {
			double sum = 0;

			for (size_t g = 0; g < groups; g++)
				sum += t->sums[g * 2 * t->most_channels + (size_t)k * C + c];
			to[c] += (float)sum;
		}
	}
}

/* ---- statistics ---- */

/* Sums over group g's images and pixels, of channels lo..hi: of x, or with mean of (x - mean)^2. */
static void add_up(const struct nn_train *t, const struct nn_stage *s, size_t g, const double *mean, double *sum)
{
	const struct nn_plane *p = &t->plane[s->in.plane];
	const size_t C = s->hi - s->lo;
	size_t from, to;

	nn_group(t, g, s->groups, &from, &to);
	memset(sum, 0, C * sizeof *sum);
	for (size_t r = from * p->pixels; r < to * p->pixels; r++) {
		const float *x = p->v + r * p->stride + s->lo;

		for (size_t c = 0; c < C; c++) {
			const double d = (double)x[c] - (mean ? mean[c] : 0);

			sum[c] += mean ? d * d : d;
		}
	}
}

/* mean[c] = sum over groups / count. */
static void average(const struct nn_train *t, const struct nn_stage *s, size_t C, double count, double *to)
{
	for (size_t c = 0; c < C; c++) {
		double sum = 0;

		for (size_t g = 0; g < s->groups; g++)
			sum += t->sums[g * 2 * t->most_channels + c];
		to[c] = sum / count;
	}
}

static void take_statistics(struct nn_train *t, const struct nn_stage *s)
{
	struct nn_plane *p = &t->plane[s->in.plane];
	const size_t C = s->hi - s->lo;
	const double count = (double)(t->n * p->pixels);
	double *mean = t->sums + s->groups * 2 * t->most_channels, *var = mean + t->most_channels;

	for (int pass = 0; pass < 2; pass++) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
		for (size_t g = 0; g < s->groups; g++)
			add_up(t, s, g, pass ? mean : NULL, t->sums + g * 2 * t->most_channels);
		average(t, s, C, count, pass ? var : mean);
	}
	for (size_t c = 0; c < C; c++) {
		p->mean[s->lo + c] = (float)mean[c];
		p->scale[s->lo + c] = (float)(1 / sqrt(var[c] + 1e-5));
	}
}

/* running <- (1 - momentum) running + momentum batch; the variance without bias. */
static void move_running(struct nn_train *t, const struct nn_stage *s)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const struct nn_plane *p = &t->plane[s->in.plane];
	const double count = (double)(t->n * p->pixels), m = t->momentum;
	float *mean = nn_train_value(t, node->param + (node->affine ? 2 : 0));
	float *var = nn_train_value(t, node->param + (node->affine ? 3 : 1));

	for (size_t c = 0; c < (size_t)node->c; c++) {
		const double scale = (double)p->scale[s->in.at + c], v = 1 / (scale * scale) - 1e-5;

		mean[c] = (float)((1 - m) * (double)mean[c] + m * (double)p->mean[s->in.at + c]);
		var[c] = (float)((1 - m) * (double)var[c] + m * (count > 1 ? v * count / (count - 1) : NAN));
	}
}

void nn_stats_forward(struct nn_train *t, const struct nn_stage *s)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const struct nn_plane *p = &t->plane[s->in.plane];
	const float *gamma = node->affine ? nn_train_value(t, node->param) : NULL;
	const float *beta = node->affine ? nn_train_value(t, node->param + 1) : NULL;

	if (s->hi > s->lo)
		take_statistics(t, s);
	for (size_t c = 0; c < (size_t)node->c; c++) {
		const float a = (gamma ? gamma[c] : 1) * p->scale[s->in.at + c];

		t->a[s->node][c] = a;
		t->b[s->node][c] = (beta ? beta[c] : 0) - a * p->mean[s->in.at + c];
	}
	if (t->momentum > 0)
		move_running(t, s);
}

/* h holds sum of gamma m scale, that is scale * dL/dx^, so with H = h: dx = H - mean(H) - (x - mean) scale^2
 * mean(H (x - mean)). */
static void sum_h(const struct nn_train *t, const struct nn_stage *s, size_t g, double *sum)
{
	const struct nn_plane *p = &t->plane[s->in.plane];
	const size_t C = s->hi - s->lo;
	const float *mean = p->mean + s->lo;
	size_t from, to;

	nn_group(t, g, s->groups, &from, &to);
	memset(sum, 0, 2 * C * sizeof *sum);
	for (size_t r = from * p->pixels; r < to * p->pixels; r++) {
		const float *x = p->v + r * p->stride + s->lo, *h = p->h + r * p->stride + s->lo;

		for (size_t c = 0; c < C; c++) {
			sum[c] += (double)h[c];
			sum[C + c] += (double)(h[c] * (x[c] - mean[c]));
		}
	}
}

void nn_stats_backward(struct nn_train *t, const struct nn_stage *s)
{
	struct nn_plane *p = &t->plane[s->in.plane];
	const size_t C = s->hi - s->lo, rows = t->n * p->pixels;
	float *first = (float *)(void *)(t->sums + s->groups * 2 * t->most_channels), *second = first + C;

	if (C == 0)
		return;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->o.threads)
	for (size_t g = 0; g < s->groups; g++)
		sum_h(t, s, g, t->sums + g * 2 * t->most_channels);
	for (size_t c = 0; c < C; c++) {
		double mean = 0, along = 0;
		const double scale = (double)p->scale[s->lo + c];

		for (size_t g = 0; g < s->groups; g++) {
			mean += t->sums[g * 2 * t->most_channels + c];
			along += t->sums[g * 2 * t->most_channels + C + c];
		}
		first[c] = (float)(mean / (double)rows);
		second[c] = (float)(along / (double)rows * scale * scale);
	}
#pragma omp parallel for schedule(static) num_threads(t->o.threads)
	for (size_t r = 0; r < rows; r++) {
		const float *x = p->v + r * p->stride + s->lo, *h = p->h + r * p->stride + s->lo,
			    *mean = p->mean + s->lo;
		float *g = p->g + r * p->stride + s->lo;

		for (size_t c = 0; c < C; c++)
			g[c] += h[c] - first[c] - (x[c] - mean[c]) * second[c];
	}
}
