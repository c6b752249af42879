/* SPDX-License-Identifier: MIT
 * Reads maps through batch norms and ReLUs, and passes gradients back through these. */
#include <string.h>

#include "nn/train/nn_train_internal.h"

/* Floats from the start of the plane to the first of these rows. */
static size_t offset(const struct nn_train *t, const struct nn_view *v, struct nn_rows r)
{
	const struct nn_plane *p = &t->plane[v->plane];

	return (r.image * p->pixels + r.first) * p->stride + v->at;
}

struct nn_ahead nn_view_ahead(const struct nn_train *t, const struct nn_view *v, struct nn_rows r, bool gradient)
{
	const struct nn_plane *p = &t->plane[v->plane];
	const float *of = gradient ? p->g : p->v;

	return of ? (struct nn_ahead){ of + offset(t, v, r), p->stride, (size_t)v->c } : (struct nn_ahead){ 0 };
}

struct nn_pre nn_view_pre(const struct nn_train *t, const struct nn_view *v)
{
	if (v->bn < 0)
		return (struct nn_pre){ .relu = v->relu };
	return (struct nn_pre){ t->norm[v->bn].a, t->norm[v->bn].b, v->relu };
}

void nn_view_read(const struct nn_train *t, const struct nn_view *v, struct nn_rows r, float *to, size_t to_stride)
{
	const struct nn_plane *p = &t->plane[v->plane];
	const struct nn_pre pre = nn_view_pre(t, v);

	t->base.isa->read(p->v + offset(t, v, r), p->stride, r.n, (size_t)v->c, &pre, to, to_stride);
}

void nn_view_clear(const struct nn_train *t, const struct nn_view *v, const struct nn_fresh *fresh, struct nn_rows r)
{
	const struct nn_plane *p = &t->plane[v->plane];
	float *g = p->g + (r.image * p->pixels + r.first) * p->stride + fresh->lo;

	if (fresh->hi > fresh->lo)
		for (size_t i = 0; i < r.n; i++, g += p->stride)
			memset(g, 0, (fresh->hi - fresh->lo) * sizeof *g);
}

/* Every step-th pixel, r.n of them. set: their gradients are the first. */
static void give(const struct nn_train *t, const struct nn_view *v, bool set, size_t step, struct nn_rows r,
		 const float *dy, size_t dy_stride, double *sums)
{
	const struct nn_plane *p = &t->plane[v->plane];
	const struct nn_norm *n = v->bn < 0 ? NULL : &t->norm[v->bn];
	const size_t at = offset(t, v, r);

	t->base.isa->give(&(struct nn_give){ .x = p->v + at,
					     .dy = dy,
					     .g = p->g + at,
					     .n = r.n,
					     .c = (size_t)v->c,
					     .stride = p->stride * step,
					     .dy_stride = dy_stride,
					     .a = n ? n->a : NULL,
					     .b = n ? n->b : NULL,
					     .mean = n ? n->mean : NULL,
					     .relu = v->relu,
					     .set = set,
					     .along = sums,
					     .sum = sums + t->most_channels });
}

void nn_view_give(const struct nn_train *t, const struct nn_view *v, const struct nn_fresh *fresh, struct nn_rows r,
		  const float *dy, size_t dy_stride, double *sums)
{
	if (!fresh->all)
		nn_view_clear(t, v, fresh, r);
	give(t, v, fresh->all, 1, r, dy, dy_stride, sums);
}

void nn_view_give_every(const struct nn_train *t, const struct nn_view *v, size_t step, struct nn_rows r,
			const float *dy, size_t dy_stride, double *sums)
{
	give(t, v, false, step, r, dy, dy_stride, sums);
}

void nn_view_gather(struct nn_train *t, const struct nn_view *v, size_t groups, const double *sums)
{
	const struct net_node *node = v->bn >= 0 ? &t->net->nodes[v->bn] : NULL;
	struct nn_plane *p = &t->plane[v->plane];
	float *gamma = node && node->affine ? nn_train_gradient(t, node->param) : NULL;
	float *beta = node && node->affine ? nn_train_gradient(t, node->param + 1) : NULL;

	for (size_t c = 0; node && c < (size_t)v->c; c++) {
		const double a = (double)t->norm[v->bn].a[c];
		double along = 0, sum = 0;

		for (size_t g = 0; g < groups; g++) {
			along += sums[g * 4 * t->most_channels + c];
			sum += sums[g * 4 * t->most_channels + t->most_channels + c];
		}
		if (gamma) {
			gamma[c] += (float)(along * (double)t->norm[v->bn].scale[c]);
			beta[c] += (float)sum;
		}
		p->along[v->at + c] += a * along;
		p->sum[v->at + c] += a * sum;
	}
}

/* dx = G - mean(G) - (x - mean) mean(G (x - mean)) / sigma^2 = G + shift - slope x. */
void nn_view_prepare(struct nn_train *t, const struct nn_view *v)
{
	struct nn_plane *p = &t->plane[v->plane];
	const double rows = (double)(nn_peers_images(t) * p->pixels);

	if (!p->normal)
		return;
	const double *along = nn_peers_sums(t, p->along + v->at, p->sum + v->at, (size_t)v->c), *sum = along + v->c;

	for (size_t i = 0, c = v->at; i < (size_t)v->c; i++, c++) {
		const double slope = along[i] / rows / (p->var[c] + 1e-5);

		p->slope[c] = (float)slope;
		p->shift[c] = (float)(slope * p->mean[c] - sum[i] / rows);
	}
}

const float *nn_view_settle(const struct nn_train *t, const struct nn_view *v, struct nn_rows r, float *room,
			    size_t *stride)
{
	const struct nn_plane *p = &t->plane[v->plane];
	const size_t at = offset(t, v, r);

	*stride = p->stride;
	if (!p->normal || t->mode != NN_TRAIN) /* running statistics do not depend on x */
		return p->g + at;
	*stride = nn_apart((size_t)v->c);
	t->base.isa->settle(p->g + at, p->v + at, p->stride, r.n, (size_t)v->c, p->slope + v->at, p->shift + v->at,
			    room, *stride);
	return room;
}
