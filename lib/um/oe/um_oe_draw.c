/* SPDX-License-Identifier: MIT
 * Which outliers an epoch takes, in which order and how they are cropped; their numbers in a checkpoint. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/oe/um_oe_internal.h"

struct ts_rng um_oe_rng(const struct um_oe *oe, long epoch, uint64_t n, enum um_stream purpose)
{
	struct ts_rng r = ts_rng_new(oe->train->seed ^ (uint64_t)epoch << 32, purpose);

	r.state += n * 0xda942042e4dd58b5u; /* far from the sequence's own step */
	ts_rng_u64(&r);
	return ts_rng_new(ts_rng_u64(&r), purpose);
}

int um_oe_draw(struct um_oe *oe, long epoch, struct err *err)
{
	const size_t n = oe->per_epoch;
	struct ts_rng choice = um_oe_rng(oe, oe->o->fixed ? 0 : epoch, 0, UM_RNG_OUTLIERS);
	struct ts_rng order = um_oe_rng(oe, epoch, 1, UM_RNG_OUTLIERS);
	size_t *which = malloc(n * sizeof *which);

	if (!which)
		return err_memory(err);
	ts_rng_sample(&choice, which, n, oe->aux->n);
	ts_rng_permutation(&order, oe->idx, n);
	for (size_t i = 0; i < n; i++)
		oe->idx[i] = which[oe->idx[i]];
	free(which);
	return 0;
}

void um_oe_crops(const struct um_oe *oe, const struct um_data *d, long epoch, const size_t *idx, size_t n,
		 uint8_t *image)
{
	const int h = oe->data->h, w = oe->data->w; /* the network's size; outliers may be larger */
	const size_t row = (size_t)d->c * (size_t)h * (size_t)w;

	for (size_t i = 0; i < n; i++) {
		struct ts_rng crop = um_oe_rng(oe, oe->o->fixed ? 0 : epoch, idx[i], UM_RNG_OUTLIER_CROP);

		um_data_window(d, idx[i], h, w, oe->train->augment, &crop, image + i * row);
	}
}

int um_oe_put(struct net_checkpoint *c, const char *name, enum ts_type type, int ndim, const size_t *shape,
	      const void *data, struct err *err)
{
	struct ts_tensor *t = ts_set_add(&c->extra, name, type, ndim, shape);

	if (!t)
		return err_memory(err);
	memcpy(t->data, data, ts_tensor_bytes(t));
	return 0;
}

const void *um_oe_get(const struct net_checkpoint *c, const char *name, enum ts_type type, size_t count,
		      struct err *err)
{
	const struct ts_tensor *t = ts_set_get(&c->extra, name);

	if (t && t->type == type && ts_tensor_count(t) == count)
		return t->data;
	um_missing(name, err);
	return NULL;
}
