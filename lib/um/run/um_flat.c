/* SPDX-License-Identifier: MIT
 * The optimiser on flat arrays of a device. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "th/th.h"
#include "um/run/um_flat.h"

enum { PATIENCE = 60 }; /* seconds for which ranks wait for each other */

struct um_flat {
	const struct um_exec_arrays *x;
	bool joined;                 /* the ranks that add up gradients */
	struct th_tensor *w, *g;     /* (n_trained) values, gradients */
	struct th_tensor *decay;     /* (n_trained) weight decay of each */
	struct th_tensor *moves;     /* (n_trained) 0: frozen, 1: not; NULL: none is frozen */
	struct th_tensor *m, *v;     /* (n_trained) as struct um_value's first, second; NULL: the rule has none */
	struct th_tensor *average;   /* (n_values), or NULL */
	struct th_tensor *tail, *gt; /* running statistics, and the end of the gradients' array as long */
	float *room;                 /* (n_values), on the host */
	bool there;                  /* the state is on the device */
};

static int seam(bool good, struct err *err)
{
	return good ? 0 : err_fail(err, "%s", th->last_error());
}

/* ---- to the device, and back ---- */

/* A number of parameter i that goes to an array of the device, or comes from it. */
enum which { DECAY, MOVES, FIRST, SECOND, AVERAGE };

static const float *place(const struct um_value *v, enum which which)
{
	return which == FIRST ? v->first : which == SECOND ? v->second : v->average ? v->average : v->v;
}

/* Fills `room` with these numbers of all parameters. */
static void gather(const struct um_model *m, enum which which, double decay)
{
	float *room = m->flat->room;

	memset(room, 0, m->flat->x->n_values * sizeof *room);
	for (int i = 0; i < m->net->n_params; i++) {
		const struct um_value *v = &m->v[i];
		float *to = room + m->flat->x->offset[i];
		const float *from = which >= FIRST ? place(v, which) : NULL;

		if (!v->v)
			continue;
		if (from)
			memcpy(to, from, v->n * sizeof *to);
		for (size_t k = 0; which < FIRST && k < v->n; k++)
			to[k] = which == MOVES ? v->trained : v->trained && v->decays ? (float)decay : 0;
	}
}

/* Sets an array of the device to these numbers. */
static bool send(const struct um_model *m, struct th_tensor *t, enum which which)
{
	if (!t)
		return true;
	gather(m, which, 0);
	return th->tensor_set(t, m->flat->room) == 0;
}

/* Copies an array of the device to those of m's values that have such a state. */
static bool fetch(const struct um_model *m, const struct th_tensor *t, enum which which)
{
	if (!t)
		return true;
	if (th->tensor_get(t, m->flat->room) < 0)
		return false;
	for (int i = 0; i < m->net->n_params; i++) {
		const struct um_value *v = &m->v[i];
		float *to = which == FIRST ? v->first : which == SECOND ? v->second : v->average;

		if (to)
			memcpy(to, m->flat->room + m->flat->x->offset[i], v->n * sizeof *to);
	}
	return true;
}

int um_flat_fetch(const struct um_model *m, struct err *err)
{
	const struct um_flat *f = m->flat;

	if (!f)
		return 0;
	if (um_exec_fetch(m->exec, err) < 0)
		return -1;
	return seam(!f->there || (fetch(m, f->m, FIRST) && fetch(m, f->v, SECOND) && fetch(m, f->average, AVERAGE)),
		    err);
}

void um_flat_changed(struct um_model *m)
{
	if (!m->flat)
		return;
	m->flat->there = false;
	um_exec_changed(m->exec);
}

/* ---- the step; sgd(), adam(), clip() and average() of um_optim.c in the same order ---- */

static void sgd(struct um_flat *f, struct th_scope *s, const struct um_train_options *o, double lr)
{
	const struct th_tensor *d = f->g;

	(void)th->add_product_(s, f->g, 1, f->decay, f->w); /* g += decay w */
	if (o->momentum != 0) {
		(void)th->affine_(s, f->m, o->momentum, 0); /* v = momentum v + g */
		(void)th->add_(s, f->m, 1, f->g);
		if (o->nesterov)
			(void)th->add_(s, f->g, o->momentum, f->m); /* d = g + momentum v */
		else
			d = f->m;
	}
	(void)th->add_(s, f->w, -lr, d); /* w -= lr d */
}

static void adam(struct um_flat *f, struct th_scope *s, double lr, long step)
{
	const double b1 = 0.9, b2 = 0.999;
	struct th_tensor *root;

	(void)th->add_product_(s, f->g, 1, f->decay, f->w); /* g += decay w */
	(void)th->affine_(s, f->m, b1, 0);                  /* m = b1 m + (1 - b1) g */
	(void)th->add_(s, f->m, 1 - b1, f->g);
	(void)th->affine_(s, f->v, b2, 0); /* v = b2 v + (1 - b2) g^2 */
	(void)th->add_product_(s, f->v, 1 - b2, f->g, f->g);
	root = th->root(s, f->v);
	(void)th->affine_(s, root, 1 / sqrt(1 - pow(b2, (double)step)), 1e-8);
	(void)th->add_quotient_(s, f->w, -lr / (1 - pow(b1, (double)step)), f->m, root);
}

int um_flat_step(struct um_model *m, const struct um_train_options *o, double lr, struct err *err)
{
	struct um_flat *f = m->flat;
	struct th_scope *s;

	if (!f->there && seam(send(m, f->m, FIRST) && send(m, f->v, SECOND) && send(m, f->average, AVERAGE), err) < 0)
		return -1;
	f->there = true;
	m->steps++;
	s = th->scope_begin(false);
	if (f->moves)
		(void)th->times_(s, f->g, f->moves);
	if (o->clip > 0)
		(void)th->clip_(s, f->g, o->clip);
	if (o->optimizer == UM_ADAM)
		adam(f, s, lr, m->steps);
	else
		sgd(f, s, o, lr);
	if (f->average && o->ema > 0) {
		(void)th->affine_(s, f->average, o->ema, 0);
		(void)th->add_(s, f->average, 1 - o->ema, f->x->value);
	}
	return seam(th->scope_end(s) == 0, err);
}

/* ---- ranks ---- */

int um_flat_sum(struct um_model *m, double share, struct err *err)
{
	struct um_flat *f = m->flat;
	struct th_scope *s = th->scope_begin(false);

	(void)th->assign(s, f->gt, f->tail); /* statistics go along with the gradients */
	(void)th->affine_(s, f->gt, share, 0);
	(void)th->ranks_sum(s, f->x->gradient);
	(void)th->assign(s, f->tail, f->gt);
	return seam(th->scope_end(s) == 0, err);
}

/* Meets at a port of rank 0, which the team spreads. */
static int join(struct um_flat *f, struct team *team, struct err *err)
{
	const int rank = team_rank(team), size = team_size(team);
	int port = rank == 0 ? th->ranks_listen(size, PATIENCE) : 0, rc;
	void *data = &port;
	size_t n = sizeof port;

	if (rank == 0 && port < 0)
		return seam(false, err);
	if (team_spread(team, &data, &n, err) < 0)
		return -1;
	memcpy(&port, data, sizeof port);
	if (rank > 0)
		free(data);
	f->joined = true;
	rc = seam(th->ranks_join(team_host(team), port, rank, size, PATIENCE) == 0, err);
	(void)team_any(team, rc < 0); /* rank 0, where they meet, must not leave before all have joined */
	return rc;
}

/* ---- begin and end ---- */

/* Why gradients have to come to the host; NULL: they need not. */
static const char *reason(const struct um_model *m, struct team *team)
{
	if (m->on_host)
		return m->on_host;
	if (m->mask.kind != NET_MASK_NONE)
		return "masks are made there";
	if (team && team_any(team, !th->ranks_by()))
		return "this build of the seam to libtorch has no NCCL to add them up (lib/th/th_seam.mk)";
	return NULL;
}

static struct th_tensor *vector(size_t n, const float *data)
{
	return th->tensor_new(TH_F32, 1, &n, data);
}

static struct th_tensor *part(struct th_tensor *all, size_t from, size_t n)
{
	return th->tensor_view(all, from, 1, &n);
}

static bool make(struct um_model *m, const struct um_train_options *o)
{
	struct um_flat *f = m->flat;
	const size_t n = f->x->n_trained, rest = f->x->n_values - n;
	bool frozen = false;

	for (int i = 0; i < m->net->n_params; i++)
		frozen = frozen || (net_trained(m->net->params[i].role) && !m->v[i].trained);
	f->w = part(f->x->value, 0, n);
	f->g = part(f->x->gradient, 0, n);
	f->tail = part(f->x->value, n, rest);
	f->gt = part(f->x->gradient, n, rest);
	f->m = vector(n, NULL);
	f->v = o->optimizer == UM_ADAM ? vector(n, NULL) : NULL;
	f->average = o->ema > 0 ? vector(f->x->n_values, NULL) : NULL;
	gather(m, DECAY, o->weight_decay);
	f->decay = vector(n, f->room);
	gather(m, MOVES, 0);
	f->moves = frozen ? vector(n, f->room) : NULL;
	return f->w && f->g && f->tail && f->gt && f->m && f->decay && (f->v || o->optimizer != UM_ADAM) &&
	       (f->average || o->ema <= 0) && (f->moves || !frozen);
}

static void say_host(struct um_model *m, const char *why)
{
	snprintf(m->where, sizeof m->where, "gradients come to the host at every step, and the optimiser is there: %s",
		 why);
}

int um_flat_begin(struct um_model *m, const struct um_train_options *o, struct team *team, struct err *err)
{
	const char *why;
	struct um_flat *f;

	if (!um_exec_apart(m->exec))
		return 0;
	why = reason(m, team);
	if (why) {
		say_host(m, why);
		return 0;
	}
	f = m->flat = calloc(1, sizeof *f);
	if (!f)
		return err_memory(err);
	f->x = um_exec_stay(m->exec, true);
	f->room = malloc((f->x->n_values + 1) * sizeof *f->room);
	if (!f->room)
		return err_memory(err);
	if (seam(make(m, o), err) < 0 || (team && join(f, team, err) < 0))
		return -1;
	snprintf(m->where, sizeof m->where, "values, gradients and the optimiser stay on the device%s%s",
		 team ? "; ranks add up gradients with " : "", team ? th->ranks_by() : "");
	return 0;
}

void um_flat_end(struct um_model *m)
{
	struct um_flat *f = m->flat;

	if (!f)
		return;
	th->tensor_free(f->w);
	th->tensor_free(f->g);
	th->tensor_free(f->decay);
	th->tensor_free(f->moves);
	th->tensor_free(f->m);
	th->tensor_free(f->v);
	th->tensor_free(f->average);
	th->tensor_free(f->tail);
	th->tensor_free(f->gt);
	if (f->joined)
		th->ranks_leave();
	free(f->room);
	free(f);
	m->flat = NULL;
}

void um_flat_refuse(struct um_model *m, const char *why)
{
	m->on_host = why;
	if (!m->flat)
		return;
	um_flat_end(m);
	(void)um_exec_stay(m->exec, false);
	say_host(m, why);
}
