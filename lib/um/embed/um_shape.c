/* SPDX-License-Identifier: MIT
 * Features reshaped before the last layer, forward and back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/net_graph.h"
#include "ood/score/ood_reshape.h"
#include "um/embed/um_shape.h"

static const char *const names[] = { "react", "ash-p", "ash-b", "ash-s" };
enum { REACT, ASH_P, ASH_B, ASH_S, KINDS };

int um_shape_find(const char *name)
{
	for (int i = 0; i < KINDS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *um_shape_name(const struct um_shape *s)
{
	return names[s->kind];
}

bool um_shape_prunes(const struct um_shape *s)
{
	return s->kind != REACT;
}

int um_shape_open(struct um_shape *s, const struct net_checkpoint *c, struct err *err)
{
	s->C = (size_t)c->net->classes;
	s->D = (size_t)c->net->nodes[c->net->feature].c;
	if (!net_has_last_layer(c->net))
		return err_fail(err, "architecture %s has no last layer of its own, whose input could be reshaped",
				c->net->spec);
	if (um_shape_prunes(s) && nearbyint((double)s->D * s->percentile / 100) >= (double)s->D)
		return err_fail(err, "--odin percentile=%g keeps none of the %zu features; choose a smaller one",
				s->percentile, s->D);
	return net_last_layer(c, &s->weight, &s->bias) < 0 ? err_memory(err) : 0;
}

void um_shape_release(struct um_shape *s)
{
	ts_tensor_release(&s->weight);
	ts_tensor_release(&s->bias);
}

/* What ASH does to one row: the kept features become scale * z + value. */
struct pruned {
	struct ood_kept of;
	double scale, value;
};

static struct pruned prune(const struct um_shape *s, const float *z, float *room)
{
	struct pruned p = { ood_prune(z, s->D, s->percentile, room), 1, 0 };

	if (s->kind == ASH_B) {
		p.scale = 0;
		p.value = p.of.all / (double)p.of.k;
	}
	if (s->kind == ASH_S)
		p.scale = ood_kept_scale(p.of);
	return p;
}

/* The shaped row y (D) of z; room: D floats. */
static void shape(const struct um_shape *s, const float *z, double *y, float *room)
{
	if (s->kind == REACT) {
		for (size_t d = 0; d < s->D; d++)
			y[d] = fmin(z[d], s->threshold);
		return;
	}
	const struct pruned p = prune(s, z, room);
	ood_prune_to(p.of, z, s->D, p.scale, p.value, y);
}

int um_shape_logits(const struct um_shape *s, const float *z, size_t n, float *l)
{
	const float *weight = s->weight.data, *bias = s->bias.data;
	double *y = malloc(s->D * sizeof *y);
	float *room = malloc(s->D * sizeof *room);

	for (size_t i = 0; y && room && i < n; i++) {
		shape(s, z + i * s->D, y, room);
		for (size_t c = 0; c < s->C; c++) {
			double sum = bias[c];
			for (size_t d = 0; d < s->D; d++)
				sum += y[d] * weight[c * s->D + d];
			l[i * s->C + c] = (float)sum;
		}
	}
	const bool done = y && room;
	free(y);
	free(room);
	return done ? 0 : -1;
}

/* dz (D) of z from g (D), the gradient of the shaped row; kept: (D) room. ASH-S: y = kept z e^r, r = a / b, a the sum
 * of all and b of the kept, so dz = kept e^r g + (sum of g y) (1 - kept r) / b, without the sum where r is bounded. */
static void unshape(const struct um_shape *s, const float *z, const double *g, double *kept, float *room, float *dz)
{
	double sum = 0;

	if (s->kind == REACT) {
		for (size_t d = 0; d < s->D; d++)
			dz[d] = z[d] <= s->threshold ? (float)g[d] : 0;
		return;
	}
	const struct pruned p = prune(s, z, room);
	const double b = p.of.sum, r = b != 0 ? p.of.all / b : INFINITY;
	ood_prune_to(p.of, z, s->D, 0, 1, kept);
	for (size_t d = 0; d < s->D; d++)
		sum += kept[d] * g[d] * (s->kind == ASH_B ? 1 : p.scale * z[d]);
	for (size_t d = 0; d < s->D; d++) {
		double v = kept[d] * p.scale * g[d];
		if (s->kind == ASH_B)
			v = sum / (double)p.of.k;
		if (s->kind == ASH_S && r < OOD_MOST_SCALE)
			v += sum * (1 - kept[d] * r) / b;
		dz[d] = (float)v;
	}
}

int um_shape_back(const struct um_shape *s, const float *z, const float *dl, size_t n, float *dz)
{
	const float *weight = s->weight.data;
	double *g = malloc(2 * s->D * sizeof *g);
	float *room = malloc(s->D * sizeof *room);

	for (size_t i = 0; g && room && i < n; i++) {
		memset(g, 0, s->D * sizeof *g);
		for (size_t c = 0; c < s->C; c++)
			for (size_t d = 0; d < s->D; d++)
				g[d] += (double)dl[i * s->C + c] * weight[c * s->D + d];
		unshape(s, z + i * s->D, g, g + s->D, room, dz + i * s->D);
	}
	const bool done = g && room;
	free(g);
	free(room);
	return done ? 0 : -1;
}
