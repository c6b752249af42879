/* SPDX-License-Identifier: MIT
 * DOE (Wang et al. 2023): outlier exposure at weights moved to where it is hardest, so that the network sees outliers
 * that are not in the data. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/loss/um_loss.h"
#include "um/oe/um_oe_internal.h"
#include "um/run/um_flat.h"

struct doe {
	struct um_model
		proxy; /* the model with an optimiser of its own; it has the model's values only while it moves */
	struct um_train_options step; /* the proxy's */
	float **kept;                 /* (model's n) the model's values meanwhile; NULL: counts */
	int n;                        /* weights of more than one dimension */
	struct um_weight {
		int i; /* value of the model */
		size_t count;
		float *d; /* the running direction D */
	} * v;
	bool started; /* D has been set */
};

/* The proxy's optimiser: plain steps up, or, as published, that of the network. */
static void proxy_step(struct um_oe *oe)
{
	struct doe *doe = oe->state;

	doe->step = *oe->train;
	doe->step.ema = doe->step.clip = 0;
	doe->step.freeze_weights = doe->step.freeze_conv = doe->step.freeze_fc = false;
	if (!oe->o->doe_published) {
		doe->step.optimizer = UM_SGD;
		doe->step.momentum = doe->step.weight_decay = 0;
		doe->step.clip = 1;
	}
}

static int make_proxy(struct doe *doe, const struct um_model *m, struct err *err)
{
	doe->proxy = *m;
	doe->proxy.steps = 0;
	doe->proxy.v = calloc((size_t)m->n, sizeof *doe->proxy.v);
	doe->kept = calloc((size_t)m->n, sizeof *doe->kept);
	if (!doe->proxy.v || !doe->kept)
		return err_memory(err);
	for (int i = 0; i < m->n; i++) {
		doe->proxy.v[i] = m->v[i];
		doe->proxy.v[i].first = doe->proxy.v[i].second = doe->proxy.v[i].average = NULL;
		if (m->v[i].v && !(doe->kept[i] = malloc((m->v[i].n + 1) * sizeof(float))))
			return err_memory(err);
	}
	return um_model_train(&doe->proxy, &doe->step, err);
}

static int start(struct um_oe *oe, struct um_model *m, struct err *err)
{
	struct doe *doe = oe->state;

	um_flat_refuse(m, "DOE moves weights there in the course of a step");
	proxy_step(oe);
	if (make_proxy(doe, m, err) < 0)
		return -1;
	doe->v = calloc((size_t)m->net->n_params, sizeof *doe->v);
	for (int i = 0; doe->v && i < m->net->n_params; i++) {
		const struct net_param *p = &m->net->params[i];
		struct um_weight *w = &doe->v[doe->n];

		if (p->role != NET_WEIGHT || p->ndim < 2)
			continue;
		*w = (struct um_weight){ i, m->v[i].n, calloc(m->v[i].n, sizeof *w->d) };
		doe->n++;
		if (!w->d)
			return err_memory(err);
	}
	return doe->v ? 0 : err_memory(err);
}

static void end(struct um_oe *oe)
{
	struct doe *doe = oe->state;

	for (int i = 0; i < doe->proxy.n; i++) {
		if (doe->proxy.v) {
			free(doe->proxy.v[i].first);
			free(doe->proxy.v[i].second);
		}
		free(doe->kept ? doe->kept[i] : NULL);
	}
	for (int k = 0; k < doe->n; k++)
		free(doe->v[k].d);
	free(doe->proxy.v);
	free(doe->kept);
	free(doe->v);
}

/* The proxy climbs r, so its loss is -r; as published, it goes down. */
static double slope_part(void *data, struct um_batch *b, bool in, const float *z, float *dz)
{
	const double sign = ((const struct um_oe *)data)->o->doe_published ? 1 : -1;

	return in ? 0 : sign * um_loss_scale_slope(z, b->k, b->C, sign, dz);
}

/* Copies all values to doe->kept, or back. */
static void keep(struct doe *doe, struct um_model *m, bool back)
{
	for (int i = 0; i < m->n; i++)
		if (doe->kept[i])
			memcpy(back ? m->v[i].v : doe->kept[i], back ? doe->kept[i] : m->v[i].v,
			       m->v[i].n * sizeof(float));
}

/* Moves the proxy one step from the model's weights along the gradient of r = (d/ds term(s z) at s = 1)^2. The model's
 * values are then in doe->kept, the proxy's in their place. */
static int move_proxy(struct um_oe *oe, struct um_model *m, struct um_batch *b, struct err *err)
{
	struct doe *doe = oe->state;
	int rc;

	keep(doe, m, false);
	doe->proxy.mask_rng = m->mask_rng; /* the same masks */
	doe->proxy.seed = m->seed;
	rc = um_step_gradients(&doe->proxy, b, oe->o->separate_bn, slope_part, oe, 1, err);
	if (rc == 0)
		rc = um_optim_step(&doe->proxy, &doe->step, 1, err);
	return rc;
}

static double norm(const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	return sqrt(sum);
}

/* The running direction D, from the model's weights to the proxy's; the model gets its values back. */
static void point(struct doe *doe, struct um_model *m)
{
	const double old = doe->started ? 0.6 : 0, fresh = doe->started ? 0.4 : 1;

	for (int k = 0; k < doe->n; k++) {
		struct um_weight *v = &doe->v[k];
		const float *from = doe->kept[v->i];
		float *to = m->v[v->i].v;
		double f;

		for (size_t i = 0; i < v->count; i++)
			to[i] -= from[i];
		f = fresh * norm(from, v->count) / (norm(to, v->count) + 1e-20);
		for (size_t i = 0; i < v->count; i++)
			v->d[i] = (float)(old * (double)v->d[i] + f * (double)to[i]);
	}
	keep(doe, m, true);
	doe->started = true;
}

/* weights += step * D; with step below 0, frozen ones return to exactly what they were. */
static void shift(struct doe *doe, struct um_model *m, double step)
{
	for (int k = 0; k < doe->n; k++) {
		const struct um_weight *v = &doe->v[k];
		const bool back = step < 0 && !m->v[v->i].trained;
		float *w = m->v[v->i].v;

		for (size_t i = 0; i < v->count; i++)
			w[i] = back ? doe->kept[v->i][i] : (float)((double)w[i] + step * (double)v->d[i]);
	}
}

/* Half of a step: the weighted term, or the ID loss. */
struct half {
	const struct um_oe *oe;
	const struct um_train_options *o;
	bool outliers;
};

static double half_part(void *data, struct um_batch *b, bool in, const float *z, float *dz)
{
	const struct half *h = data;

	if (h->outliers == in)
		return 0;
	if (in)
		return um_step_id(h->o, b, z, dz);
	b->outlier = h->oe->weight * um_oe_uniform(h->oe, b, false, z, h->oe->weight, dz);
	return b->outlier;
}

static int half_step(struct um_oe *oe, struct um_model *m, const struct um_train_options *o, double lr,
		     struct um_batch *b, bool outliers, struct err *err)
{
	struct half h = { oe, o, outliers };
	const int rc = um_step_gradients(m, b, oe->o->separate_bn, half_part, &h, lr, err);

	return rc == 0 ? um_optim_step(m, o, lr, err) : rc;
}

static int step(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct um_batch *b, struct err *err)
{
	static const double gammas[] = { 1e-1, 1e-2, 1e-3, 1e-4 };
	struct ts_rng rng = um_oe_rng(oe, p->epoch, p->row, UM_RNG_DOE);
	const double gamma = gammas[ts_rng_below(&rng, 4)], lr = um_lr(oe->train, p->epoch);
	struct um_train_options o = *oe->train;
	int rc;

	o.clip = o.clip > 0 ? o.clip : 1;
	if (p->epoch < oe->o->doe_warmup)
		return um_step(m, b, &o, lr, oe, err);
	rc = move_proxy(oe, m, b, err);
	if (rc < 0)
		return rc;
	point(oe->state, m);
	shift(oe->state, m, gamma);
	o.ema = 0; /* moved weights do not belong in the average */
	rc = half_step(oe, m, &o, lr, b, true, err);
	if (rc < 0)
		return rc;
	shift(oe->state, m, -gamma);
	o.ema = oe->train->ema;
	rc = half_step(oe, m, &o, lr, b, false, err);
	b->passes = 2;
	return rc;
}

/* ---- resuming: D and, in the published variant, the state of the proxy's optimiser ---- */

/* Visits what must be kept: saves it to `to`, or takes it from `from`. */
static int visit(struct um_oe *oe, struct net_checkpoint *to, const struct net_checkpoint *from, struct err *err)
{
	struct doe *doe = oe->state;
	const struct net_param *params = doe->proxy.net->params;
	char name[NET_NAME + 32];

	for (int k = 0; k < doe->n; k++) {
		const struct um_weight *v = &doe->v[k];
		const void *d;

		snprintf(name, sizeof name, "train/oe/direction/%s", params[v->i].name);
		if (to && um_oe_put(to, name, TS_F32, params[v->i].ndim, params[v->i].shape, v->d, err) < 0)
			return -1;
		if (from && !(d = um_oe_get(from, name, TS_F32, v->count, err)))
			return -1;
		if (from)
			memcpy(v->d, d, v->count * sizeof *v->d);
	}
	for (int i = 0; i < doe->proxy.n && oe->o->doe_published; i++)
		for (int k = 0; k < 2; k++) {
			struct um_value *v = &doe->proxy.v[i];
			float *t = k ? v->second : v->first;
			const size_t n = v->n;
			const void *d;

			snprintf(name, sizeof name, "train/oe/%s/%s", k ? "second" : "first", v->name);
			if (!t)
				continue;
			if (to && um_oe_put(to, name, TS_F32, 1, &n, t, err) < 0)
				return -1;
			if (from && !(d = um_oe_get(from, name, TS_F32, n, err)))
				return -1;
			if (from)
				memcpy(t, d, n * sizeof *t);
		}
	return 0;
}

static int save(const struct um_oe *oe, const struct um_progress *p, struct net_checkpoint *c, struct err *err)
{
	const struct doe *doe = oe->state;

	(void)p;
	if (!doe->started)
		return 0;
	if (ts_meta_set_int(&c->header.meta, "train/oe/steps", doe->proxy.steps) < 0)
		return err_memory(err);
	return visit((struct um_oe *)oe, c, NULL, err);
}

static int load(struct um_oe *oe, const struct um_progress *p, const struct net_checkpoint *c, struct err *err)
{
	struct doe *doe = oe->state;
	int64_t steps;

	if (p->epoch < oe->o->doe_warmup || (p->epoch == oe->o->doe_warmup && p->row == 0))
		return 0;
	if (ts_meta_get_int(&c->header.meta, "train/oe/steps", &steps) != 1)
		return um_missing("train/oe/steps", err);
	doe->proxy.steps = steps;
	doe->started = true;
	return visit(oe, NULL, c, err);
}

const struct um_oe_method um_oe_method_doe = { .weight = 1,
					       .state_size = sizeof(struct doe),
					       .start = start,
					       .end = end,
					       .loss = um_oe_uniform,
					       .step = step,
					       .save = save,
					       .load = load };
