/* SPDX-License-Identifier: MIT
 *
 * The interface of a method of outlier exposure: what happens before an epoch, in a step, after an
 * epoch, and what a resumed run must know. A method is a file with one of these, and its row in UM_OE_METHODS of
 * um_oe.h.
 */
#ifndef UM_OE_INTERNAL_H
#define UM_OE_INTERNAL_H

#include "err/err.h"
#include "um/um_internal.h"
#include "um/oe/um_oe.h"

struct um_oe {
	const struct um_oe_method *method;
	const struct um_oe_options *o;
	const struct um_train_options *train;
	const struct um_data *data, *aux;
	double weight;
	size_t per_epoch;
	size_t *idx; /* (per_epoch) this epoch's outliers, in order */
	void *state; /* the method's; all zeros before start() */
};

/* Any function but loss may be NULL. Those that return int give 0, or -1 with a line in err. */
struct um_oe_method {
	double weight; /* default */
	size_t state_size;
	int (*start)(struct um_oe *oe, struct um_model *m, struct err *err);
	void (*end)(struct um_oe *oe);
	/* Before an epoch, at p, which may be in the middle of it: fills oe->idx. NULL: um_oe_draw(). */
	int (*before)(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err);
	/* May change the step's images before they are seen. */
	void (*images)(struct um_oe *oe, const struct um_progress *p, struct um_batch *b);
	/* Returns what ID images (in) or outliers add to the term of a step, without its weight, from their logits z
	 * (b->n or b->k rows); adds weight times the gradient to dz, unless that is NULL. */
	double (*loss)(const struct um_oe *oe, const struct um_batch *b, bool in, const float *z, double weight,
		       float *dz);
	/* The whole step, in place of um_step(). 1: um_step() must do it. */
	int (*step)(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct um_batch *b,
		    struct err *err);
	/* After epoch p->epoch. */
	int (*after)(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err);
	int (*save)(const struct um_oe *oe, const struct um_progress *p, struct net_checkpoint *c, struct err *err);
	int (*load)(struct um_oe *oe, const struct um_progress *p, const struct net_checkpoint *c, struct err *err);
};

/* The generator of (seed, epoch, n) for a purpose. */
struct ts_rng um_oe_rng(const struct um_oe *oe, long epoch, uint64_t n, enum um_stream purpose);
/* Draws the outliers of an epoch, and their order. */
int um_oe_draw(struct um_oe *oe, long epoch, struct err *err) TS_CHECKED;
/* Copies n images of d, augmented by (seed, epoch, row number); of larger images a window of the network's size. */
void um_oe_crops(const struct um_oe *oe, const struct um_data *d, long epoch, const size_t *idx, size_t n,
		 uint8_t *image);
/* oe's term, which is doe's too; energy's, which is poem's. */
double um_oe_uniform(const struct um_oe *oe, const struct um_batch *b, bool in, const float *z, double weight,
		     float *dz);
double um_oe_energy(const struct um_oe *oe, const struct um_batch *b, bool in, const float *z, double weight,
		    float *dz);
/* um_oe_put() adds a tensor to c->extra; um_oe_get() finds one there (NULL: missing, with a line in err). */
int um_oe_put(struct net_checkpoint *c, const char *name, enum ts_type type, int ndim, const size_t *shape,
	      const void *data, struct err *err) TS_CHECKED;
const void *um_oe_get(const struct net_checkpoint *c, const char *name, enum ts_type type, size_t count,
		      struct err *err);

#endif
