/* SPDX-License-Identifier: MIT
 * Shared by all methods of outlier exposure: which outliers an epoch takes, in which order, how they are cropped, and
 * what is stored in a checkpoint. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/oe/um_oe_internal.h"

#define WORD(kind, file, name) "|" name
const char um_oe_names[] = "none" UM_OE_METHODS(WORD);
#define DECLARE(kind, file, name) extern const struct um_oe_method um_oe_method_##file;
UM_OE_METHODS(DECLARE)
#define ROW(kind, file, name) { name, &um_oe_method_##file },
static const struct {
	const char *name;
	const struct um_oe_method *method;
} methods[] = { { "none", NULL }, UM_OE_METHODS(ROW) };

const char *um_oe_name(long method)
{
	return methods[method].name;
}

size_t um_oe_outliers(const struct um_oe_options *o, size_t n)
{
	const size_t k = (size_t)lround(o->ratio * (double)n);
	return k ? k : 1;
}

size_t um_oe_count(const struct um_oe *oe, size_t n)
{
	return um_oe_outliers(oe->o, n);
}

size_t um_oe_per_epoch(const struct um_oe *oe)
{
	const size_t n = oe->data->n, batch = (size_t)oe->train->batch;
	return n / batch * um_oe_count(oe, batch) + (n % batch ? um_oe_count(oe, n % batch) : 0);
}

double um_oe_weight(const struct um_oe *oe)
{
	return oe->weight;
}

int um_oe_new(struct um_oe **ret, struct um_model *m, const struct um_data *d, const struct um_data *aux,
	      const struct um_oe_options *o, const struct um_train_options *train, struct err *err)
{
	struct um_oe *oe = calloc(1, sizeof *oe);
	int rc = 0;

	if (!oe)
		return err_memory(err);
	oe->method = methods[o->method].method;
	oe->o = o;
	oe->train = train;
	oe->data = d;
	oe->aux = aux;
	oe->weight = isnan(o->weight) ? oe->method->weight : o->weight;
	oe->per_epoch = um_oe_per_epoch(oe);
	if (aux->n < oe->per_epoch) {
		err_fail(err,
			 "%zu outliers are too few: an epoch of %zu images takes %zu, each once "
			 "(--aux-ratio %g); give more, or a smaller ratio",
			 aux->n, d->n, oe->per_epoch, o->ratio);
		um_oe_free(oe);
		return -1;
	}
	oe->idx = malloc(oe->per_epoch * sizeof *oe->idx);
	oe->state = calloc(1, oe->method->state_size + 1);
	if (!oe->idx || !oe->state)
		rc = err_memory(err);
	else if (oe->method->start)
		rc = oe->method->start(oe, m, err);
	if (rc == 0)
		*ret = oe;
	else
		um_oe_free(oe);
	return rc;
}

void um_oe_free(struct um_oe *oe)
{
	if (!oe)
		return;
	if (oe->state && oe->method->end)
		oe->method->end(oe);
	free(oe->state);
	free(oe->idx);
	free(oe);
}

/* ---- outliers of an epoch and a step ---- */

int um_oe_before(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err)
{
	return oe->method->before ? oe->method->before(oe, m, p, err) : um_oe_draw(oe, p->epoch, err);
}

void um_oe_fill(struct um_oe *oe, const struct um_progress *p, struct um_batch *b)
{
	const struct um_data *d = oe->data; /* crops have the size of its images */
	const size_t batch = (size_t)oe->train->batch;
	const size_t from = p->row / batch * um_oe_count(oe, batch);

	b->k = um_oe_count(oe, b->n);
	um_oe_crops(oe, oe->aux, p->epoch, oe->idx + from, b->k,
		    b->image + b->n * (size_t)d->c * (size_t)d->h * (size_t)d->w);
	if (oe->method->images)
		oe->method->images(oe, p, b);
}

int um_oe_step(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct um_batch *b, struct err *err)
{
	const int rc = oe->method->step ? oe->method->step(oe, m, p, b, err) : 1;
	return rc != 1 ? rc : um_step(m, b, oe->train, um_lr(oe->train, p->epoch), oe, err);
}

int um_oe_after(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err)
{
	return oe->method->after ? oe->method->after(oe, m, p, err) : 0;
}

/* ---- resuming ---- */

int um_oe_save(const struct um_oe *oe, const struct um_progress *p, struct net_checkpoint *c, struct err *err)
{
	if (ts_meta_set_double(&c->header.meta, "train/outlier", p->outlier) < 0)
		return err_memory(err);
	return oe->method->save ? oe->method->save(oe, p, c, err) : 0;
}

int um_oe_load(struct um_oe *oe, struct um_progress *p, const struct net_checkpoint *c, struct err *err)
{
	if (ts_meta_get_double(&c->header.meta, "train/outlier", &p->outlier) != 1)
		return um_missing("train/outlier", err);
	return oe->method->load ? oe->method->load(oe, p, c, err) : 0;
}
