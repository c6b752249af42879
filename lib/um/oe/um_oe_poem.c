/* SPDX-License-Identifier: MIT
 * POEM (Ming et al. 2022): the outliers of an epoch are those that a sampled linear boundary between
 * ID images and outliers, in feature space, comes closest to. With features h (d) and labels y = confidence of
 * outliers, -confidence of ID images, the model is
 *
 *	beta ~ N(0, sigma I),	y = beta . h + N(0, noise)
 *
 * whose posterior is a Gaussian again (num_blr.h). After each epoch a beta is drawn from it (Thompson sampling): the
 * boundary beta . h = 0 of the next epoch, from which a candidate is |beta . h| / |beta| away. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_blr.h"
#include "um/oe/um_oe_internal.h"

enum { CHUNK = 256 }; /* images held at a time */

struct poem {
	struct num_blr blr;
	double *beta;            /* (d) in force */
	int64_t *slot;           /* (slots, per_epoch): outliers of epoch e in slot e % slots */
	uint8_t *image;          /* (CHUNK, c,h,w) */
	float *logits, *feature; /* (CHUNK, C), (CHUNK, d) */
	bool loaded;             /* this epoch's outliers are in their slot already */
};

static size_t slots(const struct um_oe *oe)
{
	return (size_t)oe->o->slots;
}

static int64_t *slot_of(const struct um_oe *oe, long epoch)
{
	const struct poem *poem = oe->state;
	return poem->slot + (size_t)epoch % slots(oe) * oe->per_epoch;
}

static double scale(const struct um_oe *oe)
{
	return oe->o->poem_published ? oe->o->sigma : 1;
}

/* Draws beta for the first epoch, around a small random mean, as published. */
static void first_beta(struct um_oe *oe)
{
	struct ts_rng rng = um_oe_rng(oe, 0, 0, UM_RNG_POEM);
	struct poem *poem = oe->state;

	for (size_t i = 0; i < poem->blr.d; i++)
		poem->blr.mean[i] = 0.01 * ts_rng_normal(&rng);
	/* The published program's covariance is sigma I here, too: its factor sigma applies to posteriors only. */
	num_blr_sample(&poem->blr, 1, &rng, poem->beta);
}

static int start(struct um_oe *oe, struct um_model *m, struct err *err)
{
	const struct net *n = m->net;
	const size_t d = (size_t)n->nodes[n->feature].c;
	struct poem *poem = oe->state;

	poem->beta = malloc(d * sizeof *poem->beta);
	poem->slot = calloc(slots(oe) * oe->per_epoch, sizeof *poem->slot);
	poem->image = malloc(CHUNK * (size_t)n->c * (size_t)n->h * (size_t)n->w);
	poem->logits = malloc(CHUNK * (size_t)n->classes * sizeof *poem->logits);
	poem->feature = malloc(CHUNK * d * sizeof *poem->feature);
	if (!poem->beta || !poem->slot || !poem->image || !poem->logits || !poem->feature)
		return err_memory(err);
	if (num_blr_init(&poem->blr, d, oe->o->sigma, oe->o->noise, err) < 0)
		return -1;
	if (num_blr_solve(&poem->blr) < 0)
		return err_fail(err, "poem: --poem-sigma %g leaves no boundary to draw from", oe->o->sigma);
	first_beta(oe);
	return 0;
}

static void end(struct um_oe *oe)
{
	struct poem *poem = oe->state;

	num_blr_release(&poem->blr);
	free(poem->beta);
	free(poem->slot);
	free(poem->image);
	free(poem->logits);
	free(poem->feature);
}

/* Computes features, in evaluation mode, of n <= CHUNK images of d, cropped as in this epoch. */
static int features(struct um_oe *oe, struct um_model *m, const struct um_data *d, long epoch, const size_t *idx,
		    size_t n, struct err *err)
{
	struct poem *poem = oe->state;

	um_oe_crops(oe, d, epoch, idx, n, poem->image);
	return um_embed(m, poem->image, n, UM_EVALUATION, poem->logits, poem->feature, err);
}

/* ---- before an epoch: mining ---- */

struct candidate {
	double distance;
	size_t idx;
};

static int nearer(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return (x->idx > y->idx) - (x->idx < y->idx);
}

/* |beta . h| of n candidates. */
static int measure(struct um_oe *oe, struct um_model *m, long epoch, struct candidate *c, size_t n, struct err *err)
{
	const struct poem *poem = oe->state;
	const size_t d = poem->blr.d;
	size_t idx[CHUNK];

	for (size_t from = 0; from < n; from += CHUNK) {
		const size_t rows = n - from < CHUNK ? n - from : CHUNK;

		for (size_t i = 0; i < rows; i++)
			idx[i] = c[from + i].idx;
		if (features(oe, m, oe->aux, epoch, idx, rows, err) < 0)
			return -1;
		for (size_t i = 0; i < rows; i++) {
			double f = 0;

			for (size_t k = 0; k < d; k++)
				f += poem->beta[k] * (double)poem->feature[i * d + k];
			c[from + i].distance = fabs(f);
		}
	}
	return 0;
}

/* Takes the per_epoch outliers nearest to the boundary, of `pool` chosen at random; in random order. */
static int mine(struct um_oe *oe, struct um_model *m, long epoch, struct err *err)
{
	struct ts_rng choice = um_oe_rng(oe, epoch, 0, UM_RNG_OUTLIERS);
	struct ts_rng order = um_oe_rng(oe, epoch, 1, UM_RNG_OUTLIERS);
	size_t pool = oe->o->pool ? (size_t)oe->o->pool : 8 * oe->per_epoch;
	size_t *which;
	struct candidate *c;
	int rc;

	pool = pool < oe->per_epoch ? oe->per_epoch : pool > oe->aux->n ? oe->aux->n : pool;
	which = malloc(pool * sizeof *which);
	c = malloc(pool * sizeof *c);
	rc = which && c ? 0 : err_memory(err);
	if (rc == 0) {
		ts_rng_sample(&choice, which, pool, oe->aux->n);
		for (size_t i = 0; i < pool; i++)
			c[i].idx = which[i];
		rc = measure(oe, m, epoch, c, pool, err);
	}
	if (rc == 0) {
		qsort(c, pool, sizeof *c, nearer);
		ts_rng_permutation(&order, which, oe->per_epoch);
		for (size_t i = 0; i < oe->per_epoch; i++)
			slot_of(oe, epoch)[i] = (int64_t)c[which[i]].idx;
	}
	free(which);
	free(c);
	return rc;
}

static int before(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err)
{
	struct poem *poem = oe->state;

	if (!poem->loaded && mine(oe, m, p->epoch, err) < 0)
		return -1;
	poem->loaded = false;
	for (size_t i = 0; i < oe->per_epoch; i++)
		oe->idx[i] = (size_t)slot_of(oe, p->epoch)[i];
	return 0;
}

/* ---- after an epoch: the posterior ---- */

/* Adds n images of d, all of them (which NULL) or those in `which`, cropped as in an epoch. */
static int add(struct um_oe *oe, struct um_model *m, const struct um_data *d, long epoch, const int64_t *which,
	       size_t n, double y, double times, struct err *err)
{
	struct poem *poem = oe->state;
	size_t idx[CHUNK];

	for (size_t from = 0; from < n; from += CHUNK) {
		const size_t rows = n - from < CHUNK ? n - from : CHUNK;

		for (size_t i = 0; i < rows; i++)
			idx[i] = which ? (size_t)which[from + i] : from + i;
		if (features(oe, m, d, epoch, idx, rows, err) < 0)
			return -1;
		num_blr_add(&poem->blr, poem->feature, rows, y, times);
	}
	return 0;
}

/* The posterior of beta: ID images against the outliers of the last `filled` epochs, each as its epoch cropped it. ID
 * images count once for each of those epochs, so that both sides keep their weights while the slots fill. */
static int after(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err)
{
	struct ts_rng rng = um_oe_rng(oe, p->epoch + 1, 0, UM_RNG_POEM);
	struct ts_rng once = um_oe_rng(oe, 0, 1, UM_RNG_POEM);
	const long filled = p->epoch + 1 < oe->o->slots ? p->epoch + 1 : oe->o->slots;
	const double target = oe->o->confidence;
	const double noise = oe->o->poem_published ? sqrt(oe->o->noise) * ts_rng_normal(&once) : 0;
	struct poem *poem = oe->state;

	num_blr_clear(&poem->blr);
	if (add(oe, m, oe->data, 0, NULL, oe->data->n, noise - target, (double)filled, err) < 0)
		return -1;
	for (long e = p->epoch + 1 - filled; e <= p->epoch; e++)
		if (add(oe, m, oe->aux, e, slot_of(oe, e), oe->per_epoch, noise + target, 1, err) < 0)
			return -1;
	if (num_blr_solve(&poem->blr) < 0) {
		return err_fail(err, "poem: the features are too large: their sums overflow, so there is no posterior");
	}
	num_blr_sample(&poem->blr, scale(oe), &rng, poem->beta);
	return 0;
}

/* ---- resuming: beta, and the outliers of the last epochs ---- */

static int save(const struct um_oe *oe, const struct um_progress *p, struct net_checkpoint *c, struct err *err)
{
	const struct poem *poem = oe->state;
	const size_t shape[2] = { slots(oe), oe->per_epoch };

	(void)p;
	return um_oe_put(c, "train/oe/beta", TS_F64, 1, &poem->blr.d, poem->beta, err) < 0 ||
			       um_oe_put(c, "train/oe/outliers", TS_I64, 2, shape, poem->slot, err) < 0 ?
		       -1 :
		       0;
}

static int load(struct um_oe *oe, const struct um_progress *p, const struct net_checkpoint *c, struct err *err)
{
	struct poem *poem = oe->state;
	const size_t n = slots(oe) * oe->per_epoch;
	const void *beta = um_oe_get(c, "train/oe/beta", TS_F64, poem->blr.d, err);
	const void *slot = beta ? um_oe_get(c, "train/oe/outliers", TS_I64, n, err) : NULL;

	if (!slot)
		return -1;
	memcpy(poem->beta, beta, poem->blr.d * sizeof *poem->beta);
	memcpy(poem->slot, slot, n * sizeof *poem->slot);
	for (size_t i = 0; i < n; i++)
		if (poem->slot[i] < 0 || (size_t)poem->slot[i] >= oe->aux->n)
			return err_fail(err, "'train/oe/outliers' names outliers that are not there");
	poem->loaded = p->row > 0;
	return 0;
}

const struct um_oe_method um_oe_method_poem = { .weight = 0.1,
						.state_size = sizeof(struct poem),
						.start = start,
						.end = end,
						.before = before,
						.loss = um_oe_energy,
						.after = after,
						.save = save,
						.load = load };
