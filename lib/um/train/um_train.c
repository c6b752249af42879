/* SPDX-License-Identifier: MIT
 * Training epochs, with the plain loss or that folded by Unleashing Mask. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "num/num_softmax.h"
#include "um/um.h"
#include "um/um_internal.h"

/* Room for n images and k outliers. */
static int batch_init(struct um_batch *b, const struct um_data *d, size_t n, size_t k, size_t n_classes)
{
	*b = (struct um_batch){ .C = n_classes };
	b->image = malloc((n + k) * (size_t)d->c * (size_t)d->h * (size_t)d->w);
	b->label = malloc(n * sizeof *b->label);
	b->logits = malloc((n + k) * n_classes * sizeof *b->logits);
	b->dlogits = malloc((n + k) * n_classes * sizeof *b->dlogits);
	return b->image && b->label && b->logits && b->dlogits ? 0 : -1;
}

static void batch_release(struct um_batch *b)
{
	free(b->image);
	free(b->label);
	free(b->logits);
	free(b->dlogits);
}

/* Counts the batches that the batch norms in use have seen: in a masked network, its own. */
static void count_batches(struct um_model *m, int64_t more)
{
	for (int i = 0; i < m->net->n_params; i++)
		if (m->net->params[i].role == NET_BATCHES)
			m->v[m->extra[i] < 0 ? i : m->extra[i]].batches += more;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct um_progress um_epoch_start(const struct um_train_options *o, long epoch)
{
	const uint64_t seed = o->seed ^ (uint64_t)epoch << 32;

	return (struct um_progress){ .epoch = epoch,
				     .augment = ts_rng_new(seed, UM_RNG_AUGMENT),
				     .dropout = ts_rng_new(seed, UM_RNG_DROPOUT),
				     .mask = ts_rng_new(seed, UM_RNG_MASK) };
}

/* Trains on one batch from row p->row on, and adds it to p. */
static int train_batch(struct um_model *m, const struct um_data *d, const struct um_train_options *o, struct um_oe *oe,
		       const size_t *idx, struct um_batch *b, struct um_progress *p, struct err *err)
{
	const size_t C = (size_t)m->net->classes, left = d->n - p->row;
	int rc;

	b->n = left < (size_t)o->batch ? left : (size_t)o->batch;
	um_data_batch(d, idx + p->row, b->n, o->augment, &p->augment, b->image, b->label);
	if (oe)
		um_oe_fill(oe, p, b);
	m->seed = ts_rng_u64(&p->dropout);
	m->mask_rng = p->mask;
	rc = oe ? um_oe_step(oe, m, p, b, err) : um_step(m, b, o, um_lr(o, p->epoch), NULL, err);
	p->mask = m->mask_rng;
	if (rc < 0)
		return rc;
	for (size_t k = 0; k < b->n; k++)
		p->right += num_argmax(b->logits + k * C, C) == (size_t)b->label[k];
	p->loss += b->ce * (double)b->n;
	p->folded += b->folded * (double)b->n;
	p->outlier += b->outlier * (double)b->n;
	p->row += b->n;
	p->batches += (size_t)b->passes;
	return 0;
}

int um_train_epoch(struct um_model *m, const struct um_data *d, const struct um_train_options *o, struct um_oe *oe,
		   struct um_progress *p, const struct um_watch *w, struct err *err)
{
	struct ts_rng order = ts_rng_new(o->seed ^ (uint64_t)p->epoch << 32, UM_RNG_ORDER);
	const size_t batch = (size_t)o->batch < d->n ? (size_t)o->batch : d->n;
	size_t *idx = malloc(d->n * sizeof *idx);
	const double start = now() - p->seconds;
	struct um_batch b;
	int rc = 0;

	m->mask_rng = p->mask;
	if (batch_init(&b, d, batch, oe ? um_oe_count(oe, batch) : 0, (size_t)m->net->classes) < 0 || !idx) {
		err_memory(err);
		rc = -1;
	} else {
		ts_rng_permutation(&order, idx, d->n);
		rc = oe ? um_oe_before(oe, m, p, err) : 0;
	}
	while (rc == 0 && p->row < d->n) {
		rc = train_batch(m, d, o, oe, idx, &b, p, err);
		p->seconds = now() - start;
		if (rc == 0 && w->tick)
			w->tick(w->data, p);
		if (rc == 0 && w->stop && w->stop(w->data))
			rc = UM_STOPPED;
	}
	m->mask_rng = p->mask;
	if (rc == 0 && oe)
		rc = um_oe_after(oe, m, p, err);
	if (rc == 0)
		count_batches(m, (int64_t)p->batches);
	p->seconds = now() - start;
	batch_release(&b);
	free(idx);
	return rc;
}
