/* SPDX-License-Identifier: MIT
 * DOE (Wang et al. 2023): outlier exposure at weights that are moved where it is hardest, so that the
 * network sees outliers which the data does not hold. The moved weights and the running direction are
 * made on the host: it is memory-bound arithmetic, small beside three passes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/oe/um_oe_internal.h"

struct doe {
	struct um_model *proxy;
	struct um_train_options step; /* the proxy's */
	int n;                        /* weights of more than one dimension */
	struct um_weight {
		int i; /* value of the model */
		size_t count;
		float *w, *d; /* as it was; the running direction D */
	} * v;
	char *bytes;  /* room for the largest value */
	bool started; /* D holds something */
};

static int start(struct um_oe *oe, const struct net_checkpoint *c, struct um_model *m, struct err *err)
{
	struct doe *doe = oe->state;
	size_t most = 1;

	doe->step = *oe->train;
	doe->step.ema = doe->step.clip = 0;
	doe->step.freeze_weights = doe->step.freeze_conv = doe->step.freeze_fc = false;
	if (!oe->o->doe_published) {
		doe->step.optimizer = UM_SGD;
		doe->step.momentum = doe->step.weight_decay = 0;
		doe->step.clip = 1;
	}
	if (um_model_new(&doe->proxy, c, err) < 0 || um_model_train(doe->proxy, &doe->step, err) < 0)
		return -1;
	doe->v = calloc((size_t)m->net->n_params, sizeof *doe->v);
	for (int i = 0; doe->v && i < m->net->n_params; i++) {
		const struct net_param *p = &m->net->params[i];
		const size_t n = um_value_count(m, i);
		struct um_weight *w = &doe->v[doe->n];

		most = n > most ? n : most;
		if (p->role != NET_WEIGHT || p->ndim < 2)
			continue;
		*w = (struct um_weight){ i, n, malloc(n * sizeof *w->w), calloc(n, sizeof *w->d) };
		doe->n++;
		if (!w->w || !w->d)
			goto nomem;
	}
	doe->bytes = malloc(most * sizeof(int64_t));
	if (doe->v && doe->bytes)
		return 0;
nomem:
	return err_memory(err);
}

static void end(struct um_oe *oe)
{
	struct doe *doe = oe->state;

	um_model_free(doe->proxy);
	for (int k = 0; k < doe->n; k++) {
		free(doe->v[k].w);
		free(doe->v[k].d);
	}
	free(doe->v);
	free(doe->bytes);
}

static int seam(int rc, struct err *err)
{
	if (rc < 0)
		err_fail(err, "%s", th->last_error());
	return rc;
}

/* Moves the proxy from where the model is one step along the gradient of
 * r = (d/ds term(s z) at s = 1)^2: up, or down as published. */
static int move_proxy(struct um_oe *oe, struct um_model *m, const struct um_batch *b, struct err *err)
{
	const float one = 1;
	struct doe *doe = oe->state;
	struct um_model *proxy = doe->proxy;
	struct th_scope *s;
	struct th_tensor *out = NULL, *scale, *slope, *r;
	int rc = 0;

	for (int i = 0; i < m->n && rc == 0; i++)
		rc = th->tensor_get(m->v[i].t, doe->bytes) < 0 ? -1 : th->tensor_set(proxy->v[i].t, doe->bytes);
	if (seam(rc, err) < 0)
		return -1;
	proxy->mask_rng = m->mask_rng; /* the same masks */
	s = th->scope_begin(true);
	um_step_forward(s, proxy, b, oe->o->separate_bn, &out);
	scale = th->leaf(s, th->from_host(s, TH_F32, 0, NULL, &one));
	slope = th->vjp(s, um_oe_uniform(s, th->mul(s, out, scale)), th->from_host(s, TH_F32, 0, NULL, &one), scale, 2);
	r = th->mul(s, slope, slope);
	return um_step_down(s, proxy, &doe->step, 1, oe->o->doe_published ? r : th->affine(s, r, -1, 0), err);
}

static double norm(const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * (double)v[i];
	return sqrt(sum);
}

/* The running direction D, from the model's weights, which it keeps, to the proxy's. */
static int point(struct um_oe *oe, struct um_model *m, struct err *err)
{
	struct doe *doe = oe->state;
	const double old = doe->started ? 0.6 : 0, fresh = doe->started ? 0.4 : 1;
	float *to = (float *)doe->bytes;

	for (int k = 0; k < doe->n; k++) {
		struct um_weight *v = &doe->v[k];
		double f;

		if (seam(th->tensor_get(m->v[v->i].t, v->w), err) < 0 ||
		    seam(th->tensor_get(doe->proxy->v[v->i].t, to), err) < 0)
			return -1;
		for (size_t i = 0; i < v->count; i++)
			to[i] -= v->w[i];
		f = fresh * norm(v->w, v->count) / (norm(to, v->count) + 1e-20);
		for (size_t i = 0; i < v->count; i++)
			v->d[i] = (float)(old * (double)v->d[i] + f * (double)to[i]);
	}
	doe->started = true;
	return 0;
}

/* weights += step * D; frozen ones go back to just what they were when step is below 0. */
static int shift(struct um_oe *oe, struct um_model *m, double step, struct err *err)
{
	struct doe *doe = oe->state;
	float *w = (float *)doe->bytes;

	for (int k = 0; k < doe->n; k++) {
		const struct um_weight *v = &doe->v[k];
		const bool back = step < 0 && !m->v[v->i].trained;

		if (seam(th->tensor_get(m->v[v->i].t, w), err) < 0)
			return -1;
		for (size_t i = 0; i < v->count; i++)
			w[i] = back ? v->w[i] : (float)((double)w[i] + step * (double)v->d[i]);
		if (seam(th->tensor_set(m->v[v->i].t, w), err) < 0)
			return -1;
	}
	return 0;
}

/* Forward and a step, on the weighted term or on the ID loss. */
static int half_step(struct um_oe *oe, struct um_model *m, const struct um_train_options *o, double lr,
		     struct um_batch *b, bool outliers, struct err *err)
{
	struct th_scope *s = th->scope_begin(true);
	struct th_tensor *out = NULL, *ce, *down;
	struct th_tensor *z = um_step_forward(s, m, b, oe->o->separate_bn, &out);
	float v[2] = { 0 };
	int rc;

	if (outliers) {
		down = th->affine(s, um_oe_uniform(s, out), oe->weight, 0);
	} else {
		down = um_step_loss(s, z, b, o, &ce);
		th->to_host(s, z, b->logits, b->n * (size_t)m->net->classes);
		th->to_host(s, ce, v + 1, 1);
	}
	th->to_host(s, down, v, 1);
	rc = um_step_down(s, m, o, lr, down, err);
	if (outliers) {
		b->outlier = (double)v[0];
	} else {
		b->folded = (double)v[0];
		b->ce = (double)v[1];
	}
	return rc;
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
	if (rc < 0 || point(oe, m, err) < 0 || shift(oe, m, gamma, err) < 0)
		return rc < 0 ? rc : -1;
	o.ema = 0; /* moved weights are nothing to remember */
	rc = half_step(oe, m, &o, lr, b, true, err);
	if (rc < 0 || shift(oe, m, -gamma, err) < 0)
		return rc < 0 ? rc : -1;
	o.ema = oe->train->ema;
	rc = half_step(oe, m, &o, lr, b, false, err);
	b->passes = 2;
	return rc;
}

/* ---- resuming: D and, as published, the state of the proxy's optimiser ---- */

/* Visits what must be kept: save it to c, or take it from there. */
static int visit(struct um_oe *oe, struct net_checkpoint *to, const struct net_checkpoint *from, struct err *err)
{
	struct doe *doe = oe->state;
	const struct net_param *params = doe->proxy->net->params;
	char name[NET_NAME + 32];

	for (int k = 0; k < doe->n; k++) {
		const struct um_weight *v = &doe->v[k];
		const void *d;

		snprintf(name, sizeof name, "train/oe/direction/%.90s", params[v->i].name);
		if (to && um_oe_put(to, name, TS_F32, params[v->i].ndim, params[v->i].shape, v->d, err) < 0)
			return -1;
		if (from && !(d = um_oe_take(from, name, TS_F32, v->count, err)))
			return -1;
		if (from)
			memcpy(v->d, d, v->count * sizeof *v->d);
	}
	for (int i = 0; i < doe->proxy->n && oe->o->doe_published; i++)
		for (int k = 0; k < 2; k++) {
			struct um_value *v = &doe->proxy->v[i];
			struct th_tensor *t = k ? v->second : v->first;
			const size_t n = t ? um_value_count(doe->proxy, i) : 0;
			const void *d;

			snprintf(name, sizeof name, "train/oe/%s/%.90s", k ? "second" : "first", v->name);
			if (!t)
				continue;
			if (to && (seam(th->tensor_get(t, doe->bytes), err) < 0 ||
				   um_oe_put(to, name, TS_F32, 1, &n, doe->bytes, err) < 0))
				return -1;
			if (from &&
			    (!(d = um_oe_take(from, name, TS_F32, n, err)) || seam(th->tensor_set(t, d), err) < 0))
				return -1;
		}
	return 0;
}

static int save(const struct um_oe *oe, const struct um_progress *p, struct net_checkpoint *c, struct err *err)
{
	const struct doe *doe = oe->state;

	(void)p;
	if (!doe->started)
		return 0;
	if (ts_meta_set_int(&c->header.meta, "train/oe/steps", doe->proxy->steps) < 0)
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
	doe->proxy->steps = steps;
	doe->started = true;
	return visit(oe, NULL, c, err);
}

const struct um_oe_method um_oe_method_doe = { .weight = 1,
					       .state_size = sizeof(struct doe),
					       .start = start,
					       .end = end,
					       .loss = um_oe_uniform_loss,
					       .step = step,
					       .save = save,
					       .load = load };
