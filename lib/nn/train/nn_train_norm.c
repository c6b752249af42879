/* SPDX-License-Identifier: MIT
 * Statistics of batches, and the batch norms that use them. */
#include <math.h>
#include <string.h>

#include "nn/train/nn_train_internal.h"

void nn_norm_measure(const struct nn_train *t, const struct nn_stage *s, size_t g, size_t from, size_t to)
{
	const struct nn_plane *p = &t->plane[s->out.plane];
	double *mean = nn_group_sums(t, g);
	size_t first, end;

	nn_group(t, g, NN_GROUPS, &first, &end);
	if (from == first)
		memset(mean, 0, 2 * t->most_channels * sizeof *mean);
	t->base.isa->moments(nn_view_at(t, &s->out, from), p->stride, (to - from) * p->pixels, (size_t)s->out.c,
			     (from - first) * p->pixels, mean, mean + t->most_channels);
}

/* Chan, Golub, LeVeque 1979, group by group. */
void nn_norm_merge(struct nn_train *t, const struct nn_stage *s)
{
	struct nn_plane *p = &t->plane[s->out.plane];
	double *mean = p->mean + s->out.at, *m2 = p->var + s->out.at, all;
	const size_t C = (size_t)s->out.c;

	for (size_t c = 0; c < C; c++) {
		double count = 0;

		mean[c] = m2[c] = 0;
		for (size_t g = 0; g < NN_GROUPS; g++) {
			const double *sums = nn_group_sums(t, g);
			size_t from, to;

			nn_group(t, g, NN_GROUPS, &from, &to);
			if (to == from)
				continue;
			const double more = (double)((to - from) * p->pixels), far = sums[c] - mean[c];

			m2[c] += sums[t->most_channels + c] + far * far * count * more / (count + more);
			mean[c] += far * more / (count + more);
			count += more;
		}
	}
	all = nn_peers_moments(t, mean, m2, C, (double)(t->n * p->pixels));
	for (size_t c = 0; c < C; c++)
		m2[c] /= all; /* the variance from here on */
}

/* running <- (1 - momentum) running + momentum batch; with the unbiased variance. */
static void move_running(struct nn_train *t, const struct nn_stage *s, float *mean, float *var)
{
	const struct nn_plane *p = &t->plane[s->in.plane];
	const double count = (double)(nn_peers_images(t) * p->pixels), m = t->momentum;

	for (size_t c = 0; c < (size_t)s->in.c; c++) {
		mean[c] = (float)((1 - m) * (double)mean[c] + m * p->mean[s->in.at + c]);
		if (count > 1) /* one value has no variance: the running one stays */
			var[c] = (float)((1 - m) * (double)var[c] + m * p->var[s->in.at + c] * count / (count - 1));
	}
}

void nn_norm_forward(struct nn_train *t, const struct nn_stage *s)
{
	const struct net_node *node = &t->net->nodes[s->node];
	const struct nn_plane *p = &t->plane[s->in.plane];
	const struct nn_norm *n = &t->norm[s->node];
	const float *gamma = node->affine ? nn_train_value(t, node->param) : NULL;
	const float *beta = node->affine ? nn_train_value(t, node->param + 1) : NULL;
	float *running = nn_train_value(t, node->param + (node->affine ? 2 : 0));
	float *variance = nn_train_value(t, node->param + (node->affine ? 3 : 1));

	for (size_t c = 0; c < (size_t)s->in.c; c++) {
		const bool batch = t->mode == NN_TRAIN;
		const double mean = batch ? p->mean[s->in.at + c] : (double)running[c];
		const double var = batch ? p->var[s->in.at + c] : (double)variance[c];
		const double scale = 1 / sqrt(var + 1e-5), a = (gamma ? (double)gamma[c] : 1) * scale;

		n->mean[c] = (float)mean;
		n->scale[c] = (float)scale;
		n->a[c] = (float)a;
		n->b[c] = (float)((beta ? (double)beta[c] : 0) - a * mean);
	}
	if (t->mode == NN_TRAIN && t->momentum > 0)
		move_running(t, s, running, variance);
}
