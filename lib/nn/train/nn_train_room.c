/* SPDX-License-Identifier: MIT
 * Memory of training: maps, gradients, values, scratch of threads. */
#include <stdlib.h>
#include <string.h>

#include "nn/train/nn_train_internal.h"

static void largest(size_t *most, size_t n)
{
	*most = n > *most ? n : *most;
}

/* The number of groups for sums over images going back: a power of two, which threads share best. Clearing, filling and
 * adding up the sums of a large layer takes longer the more groups there are. At least four groups remain, for as many
 * threads, as long as they take at most 64 MiB. */
static size_t groups(size_t sum)
{
	const size_t few = 4, much = (size_t)4 << 20, most = (size_t)16 << 20;
	size_t n = NN_GROUPS;

	while ((n > few && n * sum > much) || (n > 1 && n * sum > most))
		n /= 2;
	return n;
}

static int stage_room(struct nn_train *t, struct nn_stage *s, struct err *err)
{
	const bool conv = s->kind == NN_S_CONV;
	const size_t out = t->o.batch * nn_view_pixels(&s->out) * (size_t)s->out.c;
	size_t sum = 0;

	if (conv && nn_train_conv_plan(t, s, err) < 0)
		return -1;
	if (conv && !s->wide && !t->o.forward && !t->o.fixed)
		sum = nn_train_conv_partial(s);
	s->groups = groups(sum);
	largest(&t->most_partial, s->wide ? nn_train_wide_room(t, s) : sum * s->groups);
	largest(&t->most_channels, (size_t)s->in.c);
	largest(&t->most_channels, (size_t)s->other.c);
	largest(&t->most_channels, (size_t)s->out.c);
	largest(&t->most_scratch, conv ? nn_train_conv_scratch(t, s) : nn_train_op_scratch(s));
	if ((s->kind == NN_S_MAXIMUM && !(s->index = nn_train_own(t, out, sizeof *s->index))) ||
	    (s->kind == NN_S_DROPOUT && !(s->kept = nn_train_own(t, out, 1))))
		return err_memory(err);
	return 0;
}

static size_t plane_size(const struct nn_train *t, int i)
{
	return t->o.batch * t->plane[i].pixels * t->plane[i].stride;
}

static int plane_room(struct nn_train *t, int i, struct err *err)
{
	struct nn_plane *p = &t->plane[i];

	if (!p->normal)
		return 0;
	p->mean = nn_train_own(t, p->stride, sizeof(double));
	p->var = nn_train_own(t, p->stride, sizeof(double));
	p->along = nn_train_own(t, p->stride, sizeof(double));
	p->sum = nn_train_own(t, p->stride, sizeof(double));
	p->slope = nn_train_own(t, p->stride, sizeof(float));
	p->shift = nn_train_own(t, p->stride, sizeof(float));
	return p->mean && p->var && p->along && p->sum && p->slope && p->shift ? 0 : err_memory(err);
}

/* A buffer that several arrays use one after the other. */
struct turn {
	size_t size;
	int until; /* the last use of the last array */
	float *at;
};

/* When plane i's map lives, or, going back, its gradient: from its last reader to its first writer. */
static void lives(const struct nn_train *t, int i, bool back, int *from, int *to)
{
	const struct nn_plane *p = &t->plane[i];

	*from = back ? t->n_stages - p->reader : p->writer;
	*to = back ? t->n_stages - p->writer : p->reader > p->writer ? p->reader : p->writer;
}

static bool has_gradient(const struct nn_train *t, int i)
{
	return t->plane[i].reader >= 0 && (t->o.pixels || i != t->view[0].plane);
}

/* Assigns a turn to each plane; `turn` has room for one per plane. Returns the number of turns. */
static int take_turns(const struct nn_train *t, bool back, struct turn *turn, int *mine)
{
	int n = 0;

	for (int now = 0; now <= t->n_stages; now++)
		for (int i = 0; i < t->n_planes; i++) {
			int best = n, from, to;

			lives(t, i, back, &from, &to);
			if (from != now || (back && !has_gradient(t, i)))
				continue;
			for (int k = 0; k < n; k++)
				if (turn[k].until < now && (best == n || turn[k].size > turn[best].size))
					best = k;
			n += best == n;
			mine[i] = best;
			largest(&turn[best].size, plane_size(t, i));
			turn[best].until = to;
		}
	return n;
}

static int turns_room(struct nn_train *t, bool back, struct err *err)
{
	struct turn *turn = calloc((size_t)t->n_planes, sizeof *turn);
	int *mine = calloc((size_t)t->n_planes, sizeof *mine);
	int rc = turn && mine ? 0 : err_memory(err), n = rc == 0 ? take_turns(t, back, turn, mine) : 0;

	for (int k = 0; k < n && rc == 0; k++)
		if (!(turn[k].at = nn_train_own(t, turn[k].size, sizeof(float))))
			rc = err_memory(err);
	for (int i = 0; i < t->n_planes && rc == 0; i++)
		if (!back)
			t->plane[i].v = turn[mine[i]].at;
		else if (has_gradient(t, i))
			t->plane[i].g = turn[mine[i]].at;
	free(turn);
	free(mine);
	return rc;
}

/* Allocates maps, which all last until the way back is over (if there is one), and their gradients. */
static int maps_room(struct nn_train *t, struct err *err)
{
	if (t->o.forward)
		return turns_room(t, false, err);
	for (int i = 0; i < t->n_planes; i++)
		if (!(t->plane[i].v = nn_train_own(t, plane_size(t, i), sizeof(float))))
			return err_memory(err);
	return turns_room(t, true, err);
}

static int value_room(struct nn_train *t, struct err *err)
{
	const struct net *n = t->net;
	size_t all = 0;

	if (!(t->offset = nn_train_own(t, (size_t)n->n_params, sizeof *t->offset)))
		return err_memory(err);
	for (int trained = 1; trained >= 0; trained--) {
		for (int i = 0; i < n->n_params; i++) {
			size_t count = n->params[i].role != NET_BATCHES;

			if (net_trained(n->params[i].role) != trained)
				continue;
			for (int d = 0; d < n->params[i].ndim; d++)
				count *= n->params[i].shape[d];
			t->offset[i] = all;
			all += count;
		}
		if (trained)
			t->n_gradients = all;
	}
	t->values = nn_train_own(t, all, sizeof(float));
	t->gradients = nn_train_own(t, t->n_gradients, sizeof(float));
	return t->values && t->gradients ? 0 : err_memory(err);
}

static int worker_room(struct nn_train *t, struct err *err)
{
	t->partial = nn_train_own(t, t->most_partial, sizeof(float));
	t->sums = nn_train_own(t, NN_GROUPS * 4 * t->most_channels, sizeof(double));
	t->counter = nn_train_own(t, NN_PARTS(t), sizeof *t->counter);
	t->base.zeros = nn_train_own(t, t->most_channels, sizeof(float));
	t->outside = nn_train_own(t, t->most_channels, sizeof(float));
	t->mine = nn_train_own(t, 2 * t->most_channels + 1, sizeof(double));
	t->everyones = nn_train_own(t, (size_t)t->o.peers.n * (2 * t->most_channels + 1) + 1, sizeof(double));
	t->scratch = nn_train_own(t, (size_t)t->o.threads, sizeof *t->scratch);
	for (int i = 0; t->scratch && i < t->o.threads; i++)
		if (!(t->scratch[i] = nn_train_own(t, t->most_scratch, sizeof(float))))
			return err_memory(err);
	return t->partial && t->sums && t->counter && t->base.zeros && t->outside && t->mine && t->everyones &&
			       t->scratch ?
		       0 :
		       err_memory(err);
}

int nn_train_room(struct nn_train *t, struct err *err)
{
	for (int i = 0; i < t->n_stages; i++)
		if (stage_room(t, &t->stage[i], err) < 0)
			return -1;
	largest(&t->most_channels, (size_t)t->view[t->net->feature].c);
	for (int i = 0; i < t->n_planes; i++)
		if (plane_room(t, i, err) < 0)
			return -1;
	return maps_room(t, err) < 0 || worker_room(t, err) < 0 ? -1 : value_room(t, err);
}
