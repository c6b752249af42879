/* SPDX-License-Identifier: MIT
 * The loss under random masks: many masked copies of one network see the same rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_softmax.h"
#include "um/train/um_estimate.h"
#include "um/um_internal.h"

/* A full copy of the checkpoint. In evaluation mode an engine has taken its values; in training mode the executor gets
 * them when it is this member's turn. */
struct member {
	struct net_checkpoint c;
	struct um_engine *e;
};

struct um_estimate {
	struct um_estimate_options o;
	const struct net *net;
	struct um_exec *exec;   /* with o.train */
	struct member *m;       /* masks() masked members, then the network itself */
	struct ts_rng *augment; /* of each */
	double *sum;            /* of each: the sum of its losses over all rows */
	size_t total;           /* rows in the sums */
	uint64_t hash;          /* with a team: hash of these rows */
	struct um_data room;    /* rows waiting for a full batch */
	uint8_t *image;         /* the batch, augmented */
	int64_t *label;
	size_t *idx;
	float *logits;
	double *loss, *masked; /* of the rows of the last batch */
};

static int masks(const struct um_estimate *e)
{
	return e->o.n_keep * (int)e->o.draws;
}

/* Does this rank run mask i? */
static bool is_mine(const struct um_estimate *e, int i)
{
	return i % team_size(e->o.team) == team_rank(e->o.team);
}

/* Makes *m from c, masked by this draw unless keep is NAN. Every ratio has the same draws, and a draw does not depend
 * on how many there are. */
static int open_member(const struct um_estimate *e, const struct net_checkpoint *c, double keep, uint64_t draw,
		       struct member *m, struct err *err)
{
	struct ts_rng rng = ts_rng_new(e->o.seed ^ draw << 32, UM_RNG_MASK);

	if (net_copy(&m->c, c, err) < 0)
		return -1;
	if (!isnan(keep) && net_mask_random(m->c.net, &m->c.state, keep, &rng, err) < 0)
		return -1;
	return e->o.train ? 0 : um_engine_new(&m->e, &m->c, &e->o.engine, err);
}

static int allocate(struct um_estimate *e, const struct net *n)
{
	const size_t B = (size_t)e->o.batch, row = (size_t)n->c * (size_t)n->h * (size_t)n->w;
	const size_t M = (size_t)masks(e) + 1;

	e->room = (struct um_data){ .c = n->c, .h = n->h, .w = n->w };
	e->room.image = malloc(B * row);
	e->room.label = malloc(B * sizeof *e->room.label);
	e->image = malloc(B * row);
	e->label = malloc(B * sizeof *e->label);
	e->idx = malloc(B * sizeof *e->idx);
	e->logits = malloc(B * (size_t)n->classes * sizeof *e->logits);
	e->loss = malloc(B * sizeof *e->loss);
	e->masked = malloc(B * sizeof *e->masked);
	e->m = calloc(M, sizeof *e->m);
	e->augment = calloc(M, sizeof *e->augment);
	e->sum = calloc(M, sizeof *e->sum);
	if (!e->room.image || !e->room.label || !e->image || !e->label || !e->idx || !e->logits || !e->loss ||
	    !e->masked || !e->m || !e->augment || !e->sum)
		return -1;
	for (size_t i = 0; i < B; i++)
		e->idx[i] = i;
	return 0;
}

static int open_executor(struct um_estimate *e, const struct net_checkpoint *c, struct err *err)
{
	const struct um_exec_options how = { .torch = e->o.engine.torch,
					     .device = e->o.engine.device,
					     .threads = e->o.engine.threads,
					     .batch = (size_t)e->o.batch,
					     .dropout = e->o.dropout,
					     .forward = true };

	return um_exec_new(&e->exec, c, &how, err);
}

int um_estimate_new(struct um_estimate **ret, const struct net_checkpoint *c, const struct um_estimate_options *o,
		    struct err *err)
{
	struct um_estimate *e = calloc(1, sizeof *e);

	if (e) {
		e->o = *o;
		e->o.engine.take = true;
		e->net = c->net;
	}
	if (!e || allocate(e, c->net) < 0) {
		err_memory(err);
		um_estimate_free(e);
		return -1;
	}
	if (o->train && open_executor(e, c, err) < 0) {
		um_estimate_free(e);
		return -1;
	}
	for (int i = 0; i <= masks(e); i++) {
		const bool own = i == masks(e);
		const uint64_t draw = own ? 0 : (uint64_t)(i % o->draws);

		e->augment[i] = ts_rng_new(o->seed ^ draw << 32, UM_RNG_AUGMENT);
		if (own && !o->per_sample)
			break;
		if (!is_mine(e, i))
			continue;
		if (open_member(e, c, own ? NAN : o->keep[i / o->draws], draw, &e->m[i], err) < 0) {
			um_estimate_free(e);
			return -1;
		}
		if (!e->o.engine.beside)
			e->o.engine.beside = e->m[i].e; /* they run one after another */
	}
	*ret = e;
	return 0;
}

void um_estimate_free(struct um_estimate *e)
{
	if (!e)
		return;
	for (int i = 0; e->m && i <= masks(e); i++) {
		um_engine_free(e->m[i].e);
		net_checkpoint_release(&e->m[i].c);
	}
	um_exec_free(e->exec);
	um_data_release(&e->room);
	free(e->m);
	free(e->augment);
	free(e->sum);
	free(e->image);
	free(e->label);
	free(e->idx);
	free(e->logits);
	free(e->loss);
	free(e->masked);
	free(e);
}

/* Computes one member's logits in training mode. */
static int run_training(struct um_estimate *e, int i, struct err *err)
{
	const uint64_t seed = e->o.seed ^ (uint64_t)i << 32 ^ (uint64_t)e->total;

	um_exec_set(e->exec, &e->m[i].c.state);
	return um_exec_forward(e->exec, e->image, e->room.n, UM_TRAINING_STILL, seed, false, e->logits, NULL, err);
}

/* Adds one model's cross-entropies on the waiting rows to its sum and, times share, to loss[]. */
static int run_model(struct um_estimate *e, int i, double share, double *loss, struct err *err)
{
	const size_t C = (size_t)e->net->classes, n = e->room.n;
	int rc;

	um_data_batch(&e->room, e->idx, n, e->o.augment, &e->augment[i], e->image, e->label);
	if (e->o.train) {
		rc = run_training(e, i, err);
	} else {
		rc = um_engine_run(e->m[i].e, e->image, n, e->logits, NULL, NULL, err);
	}
	if (rc < 0)
		return -1;
	for (size_t r = 0; r < n; r++) {
		const double ce = num_cross_entropy(e->logits + r * C, C, e->label[r]);
		e->sum[i] += ce;
		loss[r] += share * ce;
	}
	return 0;
}

int um_estimate_flush(struct um_estimate *e, size_t *n, struct err *err)
{
	int rc = 0;

	*n = e->room.n;
	if (e->o.team)
		e->hash = um_data_hash(&e->room) ^ (e->hash << 1 | e->hash >> 63);
	for (size_t r = 0; r < *n; r++)
		e->loss[r] = e->masked[r] = 0;
	for (int i = 0; *n && i < masks(e) && rc == 0; i++)
		rc = is_mine(e, i) ? run_model(e, i, 1 / (double)masks(e), e->masked, err) : 0;
	if (*n && rc == 0 && e->o.per_sample)
		rc = run_model(e, masks(e), 1, e->loss, err);
	e->total += *n;
	e->room.n = 0;
	return rc;
}

int um_estimate_add(struct um_estimate *e, const uint8_t *image, int64_t label, size_t *n, struct err *err)
{
	const size_t row = (size_t)e->room.c * (size_t)e->room.h * (size_t)e->room.w;
	const size_t at = e->room.n++;

	memcpy(e->room.image + at * row, image, row);
	e->room.label[at] = label;
	*n = 0;
	return e->room.n == (size_t)e->o.batch ? um_estimate_flush(e, n, err) : 0;
}

int um_estimate_data(struct um_estimate *e, const struct um_data *d, struct err *err)
{
	const size_t row = (size_t)d->c * (size_t)d->h * (size_t)d->w;
	size_t n;

	if (net_check_classes(e->net, d->n_classes, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (um_estimate_add(e, d->image + i * row, d->label[i], &n, err) < 0)
			return -1;
	return um_estimate_flush(e, &n, err);
}

void um_estimate_row(const struct um_estimate *e, size_t i, double *loss, double *masked)
{
	*loss = e->loss[i];
	*masked = e->masked[i];
}

int um_estimate_together(struct um_estimate *e, struct err *err)
{
	const size_t M = (size_t)masks(e);
	double *all;
	char text[100];

	if (!e->o.team)
		return 0;
	snprintf(text, sizeof text, "%zu rows, checksum %016llx", e->total, (unsigned long long)e->hash);
	if (team_same(e->o.team, "images", text, err) < 0)
		return -1;
	all = malloc((size_t)team_size(e->o.team) * M * sizeof *all);
	if (!all)
		return err_memory(err);
	team_gather(e->o.team, e->sum, M * sizeof *all, all);
	for (size_t i = 0; i < M; i++)
		e->sum[i] = all[i % (size_t)team_size(e->o.team) * M + i];
	free(all);
	return team_check(e->o.team, err);
}

struct um_estimated um_estimate_result(const struct um_estimate *e, int ratio)
{
	const double *sum = e->sum + (long)ratio * e->o.draws, n = (double)e->total;
	struct um_estimated r = { .min = INFINITY, .max = -INFINITY, .rows = e->total };
	double square = 0;

	for (long d = 0; d < e->o.draws; d++) {
		r.mean += sum[d] / n / (double)e->o.draws;
		r.min = fmin(r.min, sum[d] / n);
		r.max = fmax(r.max, sum[d] / n);
	}
	for (long d = 0; d < e->o.draws; d++)
		square += pow(sum[d] / n - r.mean, 2);
	r.std = e->o.draws > 1 ? sqrt(square / (double)(e->o.draws - 1)) : 0;
	return r;
}
