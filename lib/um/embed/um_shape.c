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
		return err_fail(err, "percentile %g keeps none of the network's %zu features; choose a smaller one",
				s->percentile, s->D);
	return net_last_layer(c, &s->weight, &s->bias) < 0 ? err_memory(err) : 0;
}

void um_shape_release(struct um_shape *s)
{
	ts_tensor_release(&s->weight);
	ts_tensor_release(&s->bias);
}

/* What ASH does to one row: keeps some features, and multiplies them by `by`, or makes them `by` (b). */
struct pruned {
	struct ood_kept of;
	double by;
};

static struct pruned prune(const struct um_shape *s, const float *z, float *room)
{
	struct pruned p = { ood_prune(z, s->D, s->percentile, room), 1 };

	if (s->kind == ASH_B)
		p.by = p.of.k > 0 ? p.of.all / (double)p.of.k : 0;
	if (s->kind == ASH_S)
		p.by = exp(p.of.all / p.of.sum);
	return p;
}

/* Is this number among the kept, of which *ties at the border are still to come? */
static bool is_kept(const struct pruned *p, float z, size_t *ties)
{
	if (z != p->of.border)
		return z > p->of.border;
	*ties -= *ties > 0;
	return true;
}

/* kept (D): 1 or 0. */
static void mark(const struct um_shape *s, const struct pruned *p, const float *z, double *kept)
{
	size_t ties = p->of.ties;

	for (size_t d = 0; d < s->D; d++) {
		const bool any = z[d] != p->of.border || ties > 0;
		kept[d] = any && is_kept(p, z[d], &ties);
	}
}

/* The shaped row y (D) of z; room: D floats, kept: (D). */
static void shape(const struct um_shape *s, const float *z, double *y, double *kept, float *room)
{
	if (s->kind == REACT) {
		for (size_t d = 0; d < s->D; d++)
			y[d] = fmin(z[d], s->threshold);
		return;
	}
	const struct pruned p = prune(s, z, room);
	mark(s, &p, z, kept);
	for (size_t d = 0; d < s->D; d++)
		y[d] = kept[d] * p.by * (s->kind == ASH_B ? 1 : z[d]);
}

int um_shape_logits(const struct um_shape *s, const float *z, size_t n, float *l)
{
	const float *weight = s->weight.data, *bias = s->bias.data;
	double *y = malloc(2 * s->D * sizeof *y);
	float *room = malloc(s->D * sizeof *room);

	for (size_t i = 0; y && room && i < n; i++) {
		shape(s, z + i * s->D, y, y + s->D, room);
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

/* dz (D) of z from g (D), the gradient of the shaped row. ASH-S: y = kept z e^r, r = a / b, a the sum of all and b of
 * the kept, so dz = kept e^r g + (sum of g y) (1 - kept r) / b. */
static void unshape(const struct um_shape *s, const float *z, const double *g, double *kept, float *room, float *dz)
{
	double sum = 0;

	if (s->kind == REACT) {
		for (size_t d = 0; d < s->D; d++)
			dz[d] = z[d] <= s->threshold ? (float)g[d] : 0;
		return;
	}
	const struct pruned p = prune(s, z, room);
	mark(s, &p, z, kept);
	for (size_t d = 0; d < s->D; d++)
		sum += kept[d] * g[d] * (s->kind == ASH_B ? 1 : p.by * z[d]);
	for (size_t d = 0; d < s->D; d++)
		dz[d] = s->kind == ASH_P ?
				(float)(kept[d] * g[d]) :
			s->kind == ASH_B ?
				(float)(sum / (double)p.of.k) :
				(float)(kept[d] * p.by * g[d] + sum * (1 - kept[d] * p.of.all / p.of.sum) / p.of.sum);
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
