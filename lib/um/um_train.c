/* SPDX-License-Identifier: MIT
 * Training: epochs, with the loss as it is or folded by Unleashing Mask. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "um/um.h"
#include "um/um_internal.h"

double um_cross_entropy(const float *logits, size_t n_classes, int64_t label)
{
	double max = logits[0], sum = 0;

	for (size_t c = 1; c < n_classes; c++)
		max = fmax(max, (double)logits[c]);
	for (size_t c = 0; c < n_classes; c++)
		sum += exp((double)logits[c] - max);
	return max + log(sum) - (double)logits[label];
}

/* Buffers of one batch. */
struct batch {
	uint8_t *image;
	int64_t *label;
	float *logits;
};

static int batch_init(struct batch *b, const struct um_data *d, size_t n, size_t n_classes)
{
	b->image = malloc(n * (size_t)d->c * (size_t)d->h * (size_t)d->w);
	b->label = malloc(n * sizeof *b->label);
	b->logits = malloc(n * n_classes * sizeof *b->logits);
	return b->image && b->label && b->logits ? 0 : -1;
}

static void batch_release(struct batch *b)
{
	free(b->image);
	free(b->label);
	free(b->logits);
}

struct th_tensor *um_fold(struct th_scope *s, const struct th_tensor *ce, double level, double beta)
{
	return th->affine(s, th->abs(s, th->affine(s, ce, beta, -level)), 1, level);
}

/* Forward, loss, backward, step on the n rows in b. *ce: mean cross-entropy, *folded: what was
 * descended. -2: it is not finite. */
static int step(struct um_model *m, const struct um_data *d, const struct um_train_options *o,
		double lr, const struct batch *b, size_t n, double *ce, double *folded, char *err)
{
	const size_t shape[4] = { n, (size_t)d->c, (size_t)d->h, (size_t)d->w };
	struct th_scope *s = th->scope_begin(true);
	struct th_tensor *x = th->from_host(s, TH_U8, 4, shape, b->image);
	struct th_tensor *y = th->from_host(s, TH_I64, 1, shape, b->label);
	struct th_tensor *z = um_forward(s, m, x, true, NULL);
	struct th_tensor *loss = th->cross_entropy(s, z, y, o->smoothing);
	struct th_tensor *down = o->um ? um_fold(s, loss, o->level, o->beta) : loss;
	float v[2] = { 0 };

	th->to_host(s, z, b->logits, n * (size_t)m->net->classes);
	th->to_host(s, loss, v, 1);
	th->to_host(s, down, v + 1, 1);
	th->backward(s, down);
	if (th->scope_end(s) < 0) {
		snprintf(err, UM_ERR, "%s", th->last_error());
		return -1;
	}
	if (!isfinite(v[1])) {
		snprintf(err, UM_ERR, "the loss is not finite any more: training diverged; try a smaller "
			 "--lr (it is %g)", lr);
		return -2;
	}
	if (um_optim_step(m, o, lr) < 0) {
		snprintf(err, UM_ERR, "%s", th->last_error());
		return -1;
	}
	*ce = (double)v[0];
	*folded = (double)v[1];
	return 0;
}

/* The batch norms in use count the batches that they have seen. */
static int count_batches(struct um_model *m, int64_t more, char *err)
{
	for (int i = 0; i < m->net->n_params; i++) {
		int64_t n;

		if (m->net->params[i].role != NET_BATCHES)
			continue;
		if (th->tensor_get(m->use[i], &n) < 0 ||
		    (n += more, th->tensor_set(m->use[i], &n)) < 0) {
			snprintf(err, UM_ERR, "%s", th->last_error());
			return -1;
		}
	}
	return 0;
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

	return (struct um_progress){ .epoch = epoch, .augment = ts_rng_new(seed, UM_RNG_AUGMENT),
		.dropout = ts_rng_new(seed, UM_RNG_DROPOUT), .mask = ts_rng_new(seed, UM_RNG_MASK) };
}

/* One batch from row p->row on, and what it adds to p. */
static int train_batch(struct um_model *m, const struct um_data *d, const struct um_train_options *o,
		       const size_t *idx, struct batch *b, struct um_progress *p, char *err)
{
	const size_t C = (size_t)m->net->classes, left = d->n - p->row;
	const size_t n = left < (size_t)o->batch ? left : (size_t)o->batch;
	double ce, folded;
	int rc;

	um_data_batch(d, idx + p->row, n, o->augment ? &p->augment : NULL, b->image, b->label);
	th->seed(ts_rng_u64(&p->dropout));
	m->mask_rng = p->mask;
	rc = step(m, d, o, um_lr(o, p->epoch), b, n, &ce, &folded, err);
	p->mask = m->mask_rng;
	if (rc < 0)
		return rc;
	for (size_t k = 0; k < n; k++)
		p->right += um_argmax(b->logits + k * C, C) == (size_t)b->label[k];
	p->loss += ce * (double)n;
	p->folded += folded * (double)n;
	p->row += n;
	p->batches++;
	return 0;
}

int um_train_epoch(struct um_model *m, const struct um_data *d, const struct um_train_options *o,
		   struct um_progress *p, const struct um_watch *w, char *err)
{
	struct ts_rng order = ts_rng_new(o->seed ^ (uint64_t)p->epoch << 32, UM_RNG_ORDER);
	size_t *idx = malloc(d->n * sizeof *idx);
	const double start = now() - p->seconds;
	struct batch b;
	int rc = 0;

	if (batch_init(&b, d, (size_t)o->batch, (size_t)m->net->classes) < 0 || !idx) {
		snprintf(err, UM_ERR, "out of memory");
		rc = -1;
	} else {
		ts_rng_permutation(&order, idx, d->n);
	}
	while (rc == 0 && p->row < d->n) {
		rc = train_batch(m, d, o, idx, &b, p, err);
		p->seconds = now() - start;
		if (rc == 0 && w->tick)
			w->tick(p);
		if (rc == 0 && w->stop && w->stop())
			rc = 1;
	}
	if (rc == 0)
		rc = count_batches(m, (int64_t)p->batches, err);
	batch_release(&b);
	free(idx);
	return rc;
}
