/* SPDX-License-Identifier: MIT
 * What is trained, with what state beside it, and how that state travels in a checkpoint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/um.h"
#include "um/um_internal.h"

/* The parameter of the network that value i belongs to: itself, or the weight of its scores. */
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
	return net_is_statistic(m->net, p) && m->net->params[p].role != NET_BATCHES && m->use[p] == m->v[i].t;
}

size_t um_value_count(const struct um_model *m, int i)
{
	const struct net_param *p = &m->net->params[owner(m, i)];
	size_t n = 1;

	for (int d = 0; d < p->ndim; d++)
		n *= p->shape[d];
	return n;
}

static struct th_tensor *like(const struct um_model *m, int i, const float *data)
{
	const struct net_param *p = &m->net->params[owner(m, i)];
	return th->tensor_new(TH_F32, p->ndim, p->shape, data);
}

static int start_average(struct um_model *m, int i, struct err *err)
{
	float *now = malloc(um_value_count(m, i) * sizeof *now);
	int rc = 0;

	if (!now)
		return err_memory(err);
	if (th->tensor_get(m->v[i].t, now) < 0 || !(m->v[i].average = like(m, i, now)))
		rc = err_fail(err, "%s", th->last_error());
	free(now);
	return rc;
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
		    (!(v->first = like(m, i, NULL)) || (o->optimizer == UM_ADAM && !(v->second = like(m, i, NULL))) ||
		     th->tensor_track(v->t) < 0))
			return err_fail(err, "%s", th->last_error());
		if (o->ema > 0 && is_averaged(m, i) && start_average(m, i, err) < 0)
			return -1;
	}
	if (trained == 0)
		return err_fail(err, "nothing is left to train: the options freeze all of the network");
	return 0;
}

/* One step of the optimiser on the trained values that decay, or on those that do not. */
static int step_group(struct um_model *m, const struct um_train_options *o, double lr, bool decays, struct err *err)
{
	const double decay = decays ? o->weight_decay : 0;
	const struct th_sgd sgd = { lr, o->momentum, decay, o->nesterov };
	const struct th_adam adam = { lr, 0.9, 0.999, 1e-8, decay, m->steps };
	struct th_tensor **p = calloc((size_t)m->n, sizeof *p);
	struct th_tensor **first = calloc((size_t)m->n, sizeof *first);
	struct th_tensor **second = calloc((size_t)m->n, sizeof *second);
	size_t n = 0;
	int rc = p && first && second ? 0 : err_memory(err);

	for (int i = 0; rc == 0 && i < m->n; i++)
		if (m->v[i].trained && m->v[i].decays == decays) {
			p[n] = m->v[i].t;
			first[n] = m->v[i].first;
			second[n++] = m->v[i].second;
		}
	if (rc == 0 &&
	    (o->optimizer == UM_ADAM ? th->adam(&adam, n, p, first, second) : th->sgd(&sgd, n, p, first)) < 0)
		rc = err_fail(err, "%s", th->last_error());
	free(p);
	free(first);
	free(second);
	return rc;
}

static int clip(struct um_model *m, double max, struct err *err)
{
	struct th_tensor **p = calloc((size_t)m->n, sizeof *p);
	size_t n = 0;
	int rc = p ? 0 : err_memory(err);

	for (int i = 0; p && i < m->n; i++)
		if (m->v[i].trained)
			p[n++] = m->v[i].t;
	if (rc == 0 && th->clip_norm(n, p, max) < 0)
		rc = err_fail(err, "%s", th->last_error());
	free(p);
	return rc;
}

int um_optim_step(struct um_model *m, const struct um_train_options *o, double lr, struct err *err)
{
	if (o->clip > 0 && clip(m, o->clip, err) < 0)
		return -1;
	m->steps++;
	if (step_group(m, o, lr, true, err) < 0 || step_group(m, o, lr, false, err) < 0)
		return -1;
	for (int i = 0; i < m->n && o->ema > 0; i++)
		if (m->v[i].average && th->average(1, &m->v[i].average, &m->v[i].t, o->ema) < 0)
			return err_fail(err, "%s", th->last_error());
	return 0;
}

/* ---- resuming ---- */

/* The three tensors that a value may have beside it in a checkpoint. With an average the checkpoint's
 * own tensor is that, and what it is an average of stands here. */
static const char *const kinds[] = { "first", "second", "raw" };

static struct th_tensor *beside(const struct um_value *v, int kind)
{
	return kind == 0 ? v->first : kind == 1 ? v->second : v->average ? v->t : NULL;
}

static const char *key(char *buf, const struct um_value *v, int kind)
{
	snprintf(buf, NET_NAME + 16, "train/%s/%.90s", kinds[kind], v->name);
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
			if (th->tensor_get(beside(v, k), t->data) < 0)
				return err_fail(err, "%s", th->last_error());
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
			if (th->tensor_set(beside(value, k), t->data) < 0)
				return err_fail(err, "%s", th->last_error());
		}
	}
	return 0;
}
