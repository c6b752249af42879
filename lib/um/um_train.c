/* SPDX-License-Identifier: MIT
 * Training: SGD epochs, with the loss as it is or folded by Unleashing Mask. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "um/um.h"

double um_cross_entropy(const float *logits, size_t n_classes, int64_t label)
{
	double max = logits[0], sum = 0;

	for (size_t c = 1; c < n_classes; c++)
		max = fmax(max, (double)logits[c]);
	for (size_t c = 0; c < n_classes; c++)
		sum += exp((double)logits[c] - max);
	return max + log(sum) - (double)logits[label];
}

static size_t argmax(const float *v, size_t n)
{
	size_t best = 0;
	for (size_t i = 1; i < n; i++)
		if (v[i] > v[best])
			best = i;
	return best;
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

/* The loss that is descended (Zhu et al., ICML 2023): |beta * CE - level| + level. CE is the mean
 * over the mini-batch, so the fold turns the batch around, not each sample: below the level the
 * gradient's sign is reversed, and the model forgets until the level is reached again. */
static struct th_tensor *fold(struct th_scope *s, const struct um_train_options *o,
			      struct th_tensor *ce)
{
	if (!o->um)
		return ce;
	return th->affine(s, th->abs(s, th->affine(s, ce, o->beta, -o->level)), 1, o->level);
}

/* Forward, loss, backward, step on the n rows in b. *ce: mean cross-entropy, *folded: what was
 * descended. */
static int step(struct um_model *m, const struct um_data *d, const struct um_train_options *o,
		double lr, const struct batch *b, size_t n, double *ce, double *folded, char *err)
{
	const size_t shape[4] = { n, (size_t)d->c, (size_t)d->h, (size_t)d->w };
	const struct th_sgd rule = { lr, o->momentum, o->weight_decay, o->nesterov };
	struct th_scope *s = th->scope_begin(true);
	struct th_tensor *x = th->from_host(s, TH_U8, 4, shape, b->image);
	struct th_tensor *y = th->from_host(s, TH_I64, 1, shape, b->label);
	struct th_tensor *z = um_forward(s, m, x, true, NULL);
	struct th_tensor *loss = th->cross_entropy(s, z, y, o->smoothing);
	struct th_tensor *down = fold(s, o, loss);
	float v[2];

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
		return -1;
	}
	if (th->sgd(&rule, (size_t)m->net->n_params, m->param, m->velocity) < 0) {
		snprintf(err, UM_ERR, "%s", th->last_error());
		return -1;
	}
	*ce = (double)v[0];
	*folded = (double)v[1];
	return 0;
}

/* Batch norm layers count the batches that they have seen. */
static int count_batches(struct um_model *m, int64_t more, char *err)
{
	for (int i = 0; i < m->net->n_params; i++) {
		int64_t n;

		if (m->net->params[i].role != NET_BATCHES)
			continue;
		if (th->tensor_get(m->param[i], &n) < 0 ||
		    (n += more, th->tensor_set(m->param[i], &n)) < 0) {
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

int um_train_epoch(struct um_model *m, const struct um_data *d, const struct um_train_options *o,
		   long epoch, void (*tick)(size_t done, double loss), struct um_epoch *ret,
		   char *err)
{
	/* Every epoch has generators of its own, so an epoch is the same whatever came before. */
	struct ts_rng order = ts_rng_new(o->seed ^ (uint64_t)epoch << 32, UM_RNG_ORDER);
	struct ts_rng augment = ts_rng_new(o->seed ^ (uint64_t)epoch << 32, UM_RNG_AUGMENT);
	struct ts_rng dropout = ts_rng_new(o->seed ^ (uint64_t)epoch << 32, UM_RNG_DROPOUT);
	const size_t C = (size_t)m->net->classes, size = (size_t)o->batch;
	size_t *idx = malloc(d->n * sizeof *idx), right = 0, batches = 0;
	double start = now(), ce, folded;
	struct batch b;
	int rc = -1;

	*ret = (struct um_epoch){ .lr = um_lr(o, epoch) };
	snprintf(err, UM_ERR, "out of memory");
	if (batch_init(&b, d, size, C) < 0 || !idx)
		goto out;
	ts_rng_permutation(&order, idx, d->n);
	for (size_t i = 0; i < d->n; i += size) {
		const size_t n = d->n - i < size ? d->n - i : size;

		um_data_batch(d, idx + i, n, o->augment ? &augment : NULL, b.image, b.label);
		th->seed(ts_rng_u64(&dropout));
		if (step(m, d, o, ret->lr, &b, n, &ce, &folded, err) < 0)
			goto out;
		for (size_t k = 0; k < n; k++)
			right += argmax(b.logits + k * C, C) == (size_t)b.label[k];
		ret->loss += ce * (double)n;
		ret->folded += folded * (double)n;
		batches++;
		if (tick)
			tick(i + n, ret->loss / (double)(i + n));
	}
	ret->loss /= (double)d->n;
	ret->folded /= (double)d->n;
	ret->accuracy = (double)right / (double)d->n;
	ret->seconds = now() - start;
	rc = count_batches(m, (int64_t)batches, err);
out:
	batch_release(&b);
	free(idx);
	return rc;
}

int um_evaluate(struct um_model *m, const struct um_data *d, double *loss, double *accuracy,
		char *err)
{
	const size_t C = (size_t)m->net->classes;
	const size_t row = (size_t)d->c * (size_t)d->h * (size_t)d->w, part = 256;
	float *logits = malloc(part * C * sizeof *logits);
	size_t right = 0;
	double sum = 0;
	int rc = -1;

	snprintf(err, UM_ERR, "out of memory");
	for (size_t i = 0; logits && i < d->n; i += part) {
		const size_t n = d->n - i < part ? d->n - i : part;

		rc = um_embed(m, d->image + i * row, n, 16, logits, NULL, err);
		if (rc < 0)
			break;
		for (size_t k = 0; k < n; k++) {
			sum += um_cross_entropy(logits + k * C, C, d->label[i + k]);
			right += argmax(logits + k * C, C) == (size_t)d->label[i + k];
		}
	}
	free(logits);
	*loss = sum / (double)d->n;
	*accuracy = (double)right / (double)d->n;
	return rc;
}
