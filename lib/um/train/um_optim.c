/* SPDX-License-Identifier: MIT
 * Which values are trained, with what state, and how that state is stored in a checkpoint. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/run/um_flat.h"
#include "um/train/um_ranks.h"
#include "um/um_internal.h"

/* The parameter of the network that value i belongs to: itself, or, for scores, their weight. */
static int owner(const struct um_model *m, int i)
{
	if (i < m->net->n_params)
		return i;
	for (int k = 0; k < m->net->n_params; k++)
		if (m->extra[k] == i)
			return k;
	return -1;
}

static bool is_trained(const struct um_model *m, const struct um_train_options *o, int i)
{
	const struct net_param *p = &m->net->params[owner(m, i)];

	if (!net_trained(p->role))
		return false;
	if (i >= m->net->n_params)
		return !o->freeze_scores && m->mask.kind != NET_MASK_FIXED;
	return !o->freeze_weights && !(p->node == m->net->head ? o->freeze_fc : o->freeze_conv);
}

/* The moving average follows what training moves: trained values and the statistics in use. */
static bool is_averaged(const struct um_model *m, int i)
{
	const int p = owner(m, i);

	if (m->v[i].trained)
		return true;
	return net_is_statistic(m->net, p) && m->net->params[p].role != NET_BATCHES && !m->v[i].own;
}

static float *zeros(size_t n)
{
	return calloc(n + 1, sizeof(float));
}

static int start_average(struct um_value *v, struct err *err)
{
	if (!(v->average = zeros(v->n)))
		return err_memory(err);
	memcpy(v->average, v->v, v->n * sizeof *v->v);
	return 0;
}

int um_model_train(struct um_model *m, const struct um_train_options *o, struct err *err)
{
	int trained = 0;

	for (int i = 0; i < m->n; i++) {
		const struct net_param *p = &m->net->params[owner(m, i)];
		struct um_value *v = &m->v[i];

		v->trained = is_trained(m, o, i);
		v->decays = !(o->no_bn_decay && (p->role == NET_GAMMA || p->role == NET_BETA));
		trained += v->trained;
		if (v->trained &&
		    (!(v->first = zeros(v->n)) || (o->optimizer == UM_ADAM && !(v->second = zeros(v->n)))))
			return err_memory(err);
		if (o->ema > 0 && is_averaged(m, i) && start_average(v, err) < 0)
			return -1;
	}
	if (trained == 0)
		return err_fail(err, "nothing is left to train: the options freeze all of the network");
	return um_flat_begin(m, o, m->ranks ? m->ranks->team : NULL, err);
}

/* torch.optim.SGD's rule: d = g + decay p; with momentum v <- momentum v + d, d = v (Nesterov: d + momentum v); p <-
 * p - lr d. */
static void sgd(struct um_value *p, const struct um_train_options *o, double lr, double decay)
{
	const float momentum = (float)o->momentum, weight = (float)decay, rate = (float)lr;
	float *restrict w = p->v, *restrict v = p->first;
	const float *restrict g = p->gradient;

	for (size_t k = 0; k < p->n; k++) {
		float d = g[k] + weight * w[k];

		if (momentum != 0) {
			v[k] = momentum * v[k] + d;
			d = o->nesterov ? d + momentum * v[k] : v[k];
		}
		w[k] -= rate * d;
	}
}

/* torch.optim.Adam's rule (Kingma, Ba, ICLR 2015), step counted from 1: g <- g + decay p, m <- b1 m + (1 - b1) g, v <-
 * b2 v + (1 - b2) g^2, p <- p - lr m / (1 - b1^step) / (sqrt(v / (1 - b2^step)) + eps). */
static void adam(struct um_value *p, double lr, double decay, long step)
{
	const double b1 = 0.9, b2 = 0.999;
	const float rate = (float)(lr / (1 - pow(b1, (double)step))), root = (float)sqrt(1 - pow(b2, (double)step));
	const float weight = (float)decay, c1 = (float)(1 - b1), c2 = (float)(1 - b2);
	float *restrict w = p->v, *restrict m = p->first, *restrict v = p->second;

	for (size_t k = 0; k < p->n; k++) {
		const float g = p->gradient[k] + weight * w[k];

		m[k] = (float)b1 * m[k] + c1 * g;
		v[k] = (float)b2 * v[k] + c2 * g * g;
		w[k] -= rate * m[k] / (sqrtf(v[k]) / root + 1e-8f);
	}
}

/* Scales all gradients so that their common 2-norm is at most max (torch.nn.utils.clip_grad_norm_). */
static void clip(struct um_model *m, double max)
{
	double sum = 0, scale;

	for (int i = 0; i < m->n; i++)
		for (size_t k = 0; m->v[i].trained && k < m->v[i].n; k++)
			sum += (double)m->v[i].gradient[k] * (double)m->v[i].gradient[k];
	scale = max / (sqrt(sum) + 1e-6);
	for (int i = 0; scale < 1 && i < m->n; i++)
		for (size_t k = 0; m->v[i].trained && k < m->v[i].n; k++)
			m->v[i].gradient[k] *= (float)scale;
}

static void average(struct um_value *v, double decay)
{
	const float keep = (float)decay, more = (float)(1 - decay);

	for (size_t k = 0; k < v->n; k++)
		v->average[k] = keep * v->average[k] + more * v->v[k];
}

int um_optim_step(struct um_model *m, const struct um_train_options *o, double lr, struct err *err)
{
	if (m->flat)
		return um_flat_step(m, o, lr, err);
	if (o->clip > 0)
		clip(m, o->clip);
	m->steps++;
	for (int i = 0; i < m->n; i++) {
		struct um_value *v = &m->v[i];
		const double decay = v->decays ? o->weight_decay : 0;

		if (v->trained && o->optimizer == UM_ADAM)
			adam(v, lr, decay, m->steps);
		else if (v->trained)
			sgd(v, o, lr, decay);
		if (o->ema > 0 && v->average)
			average(v, o->ema);
	}
	return 0;
}

/* ---- resuming ---- */

/* The three tensors that a checkpoint may hold beside a value. With an average, the checkpoint's own tensor is the
 * average, and "raw" is the value itself. */
static const char *const kinds[] = { "first", "second", "raw" };

static float *beside(const struct um_value *v, int kind)
{
	return kind == 0 ? v->first : kind == 1 ? v->second : v->average ? v->v : NULL;
}

static const char *key(char *buf, const struct um_value *v, int kind)
{
	snprintf(buf, NET_NAME + 16, "train/%s/%s", kinds[kind], v->name);
	return buf;
}

int um_train_save(const struct um_model *m, const struct um_progress *p, struct net_checkpoint *c, struct err *err)
{
	const struct {
		const char *key;
		uint64_t v;
	} ints[] = { { "train/epoch", (uint64_t)p->epoch }, { "train/row", p->row },
		     { "train/right", p->right },           { "train/batches", p->batches },
		     { "train/augment", p->augment.state }, { "train/dropout", p->dropout.state },
		     { "train/mask", p->mask.state },       { "train/steps", (uint64_t)m->steps } };
	struct ts_meta *meta = &c->header.meta;
	char name[NET_NAME + 16];

	if (um_flat_fetch(m, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
		if (ts_meta_set_int(meta, ints[i].key, (int64_t)ints[i].v) < 0)
			return err_memory(err);
	if (ts_meta_set_double(meta, "train/loss", p->loss) < 0 ||
	    ts_meta_set_double(meta, "train/folded", p->folded) < 0)
		return err_memory(err);
	for (int i = 0; i < m->n; i++)
		for (int k = 0; k < 3; k++) {
			const struct net_param *q = &m->net->params[owner(m, i)];
			const struct um_value *v = &m->v[i];
			struct ts_tensor *t;

			if (!beside(v, k))
				continue;
			t = ts_set_add(&c->extra, key(name, v, k), TS_F32, q->ndim, q->shape);
			if (!t)
				return err_memory(err);
			memcpy(t->data, beside(v, k), v->n * sizeof *v->v);
		}
	return 0;
}

int um_missing(const char *what, struct err *err)
{
	return err_fail(err, "'%s' is missing: nothing can be resumed from it", what);
}

int um_train_load(struct um_model *m, struct um_progress *p, const struct net_checkpoint *c, struct err *err)
{
	const struct ts_meta *meta = &c->header.meta;
	char name[NET_NAME + 16];
	int64_t v[8];
	static const char *const ints[] = { "train/epoch",   "train/row",     "train/right", "train/batches",
					    "train/augment", "train/dropout", "train/mask",  "train/steps" };

	for (int i = 0; i < 8; i++)
		if (ts_meta_get_int(meta, ints[i], &v[i]) != 1)
			return um_missing(ints[i], err);
	*p = (struct um_progress){ .epoch = v[0],
				   .row = (size_t)v[1],
				   .right = (size_t)v[2],
				   .batches = (size_t)v[3],
				   .augment = { (uint64_t)v[4] },
				   .dropout = { (uint64_t)v[5] },
				   .mask = { (uint64_t)v[6] } };
	m->steps = v[7];
	if (ts_meta_get_double(meta, "train/loss", &p->loss) != 1)
		return um_missing("train/loss", err);
	if (ts_meta_get_double(meta, "train/folded", &p->folded) != 1)
		return um_missing("train/folded", err);
	for (int i = 0; i < m->n; i++) {
		const struct um_value *value = &m->v[i];
		const size_t want = (size_t)owner(m, i);

		for (int k = 0; k < 3; k++) {
			const struct ts_tensor *t;

			if (!beside(value, k))
				continue;
			t = ts_set_get(&c->extra, key(name, value, k));
			if (!t || t->type != TS_F32 || ts_tensor_count(t) != ts_tensor_count(&c->state.t[want]))
				return um_missing(name, err);
			memcpy(beside(value, k), t->data, value->n * sizeof *value->v);
		}
	}
	um_flat_changed(m);
	return 0;
}
