/* SPDX-License-Identifier: MIT
 *
 * um: training networks; Unleashing Mask. Plain C on arrays of the host; an executor (um_exec.h) runs the network, and
 * a GPU's may keep those arrays (um_flat.h).
 * Functions that return int give 0, or -1 with a line in err.
 */
#ifndef UM_H
#define UM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "net/mask/net_mask.h"
#include "ts/ts.h"
#include "ts/ts_rng.h"
#include "um/run/um_exec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Results of functions that can end in more ways than 0 and UM_FAILED; the header says which. All below 0 leave a line
 * in err. */
enum um_result {
	UM_BAD_OPTIONS = -3, /* the options are wrong, not the input */
	UM_DIVERGED = -2,    /* numbers are no longer finite */
	UM_FAILED = -1,
	UM_STOPPED = 1 /* the caller asked for it */
};

/* Streams of random numbers under one seed, so that draws from one do not shift another. */
enum um_stream {
	UM_RNG_INIT = 1,
	UM_RNG_ORDER,
	UM_RNG_AUGMENT,
	UM_RNG_DROPOUT,
	UM_RNG_MASK,
	UM_RNG_HOLD,
	UM_RNG_RANKFEAT,
	UM_RNG_OUTLIERS,
	UM_RNG_OUTLIER_CROP,
	UM_RNG_POEM,
	UM_RNG_DOE,
	UM_RNG_MIX
};

/* ---- data: images in memory ------------------------------------------------------------------ */

struct um_data {
	size_t n;
	int c, h, w;
	uint8_t *image;   /* (n,c,h,w) */
	int64_t *label;   /* (n) */
	char **classes;   /* their names; NULL if the stream has none */
	size_t n_classes; /* number of names, or largest label + 1 */
	/* All other columns of the stream, as names, if they were to be kept: what they are, and their n rows. */
	struct ts_header columns;
	struct ts_batch beside;
};

/* Reads an images stream to its END and keeps it: c*h*w + 8 bytes per row, at most max_bytes; with `beside` also its
 * other columns (names are not counted). Every row needs a label from 0 to n_classes - 1. Errors are the reader's (-1).
 */
int um_data_read(struct um_data *d, struct ts_reader *r, size_t max_bytes, bool beside) TS_CHECKED;
/* The same for outliers: the column of labels may be missing, and a label may be -1. */
int um_data_read_outliers(struct um_data *d, struct ts_reader *r, size_t max_bytes) TS_CHECKED;
void um_data_release(struct um_data *d);

/* How images are changed at random before training on them: mirrored with probability 1/2; padded by 4 with zeros and
 * cropped; both. Their names as "a|b|c", for the command line, in this order. */
enum um_augment { UM_AS_THEY_ARE, UM_FLIP = 1, UM_CROP = 2, UM_FLIP_AND_CROP = UM_FLIP | UM_CROP };
extern const char um_augment_names[];

/* Copies rows idx[0..n) to image (n,c,h,w), augmented, and label (n). rng is not used without augmentation. */
void um_data_batch(const struct um_data *d, const size_t *idx, size_t n, long augment, struct ts_rng *rng,
		   uint8_t *image, int64_t *label);
/* Copies row i to image (c,h,w), augmented. Rows may be larger: then it takes a random window of h x w, of the padded
 * image if augment crops. */
void um_data_window(const struct um_data *d, size_t i, int h, int w, long augment, struct ts_rng *rng, uint8_t *image);

/* XXH3-64 of the images and labels: is it the same data? */
uint64_t um_data_hash(const struct um_data *d);
/* How many of b's images are also a's, pixel by pixel; 0 also when out of memory. */
size_t um_data_shared(const struct um_data *a, const struct um_data *b);
/* How many labels are wrong on purpose, as the column noisy says that --label-noise adds; 0 if it was not kept. */
size_t um_data_noisy(const struct um_data *d);
/* Moves a seeded choice of round(fraction * n) images, at least one and not all, from d to held, with their other
 * columns; the rest stays in order, without them. */
int um_data_hold(struct um_data *d, struct um_data *held, double fraction, uint64_t seed, struct err *err) TS_CHECKED;
/* Writes the images, their labels and the columns that were kept as a stream to w, and finishes it. *h is an images
 * header without fields; the caller has set its meta and history. -1 with a line in err that names the file. */
int um_data_write(const struct um_data *d, struct ts_header *h, struct ts_writer *w, struct err *err) TS_CHECKED;

/* ---- model: a network in training, with its values -------------------------------------------- */

/* One tensor of a model: a parameter of the network, a layer's scores or mask, a statistic of the
 * masked network. */
struct um_value {
	char name[NET_NAME];
	size_t n;
	float *v;              /* (n); NULL: a count of batches */
	int64_t batches;       /* that count */
	float *gradient;       /* (n), or NULL */
	float *first, *second; /* the optimiser's: SGD's velocity; Adam's moments */
	float *average;        /* moving average, or NULL */
	bool trained, decays;
	bool own, own_gradient; /* v and gradient are not the executor's */
};

struct um_model {
	const struct net *net; /* borrowed */
	struct um_exec *exec;
	struct um_ranks *ranks; /* it is trained with these; NULL: alone */
	struct net_mask mask;   /* kind NET_MASK_NONE: none */
	struct um_value *v;     /* the network's parameters, then what masks add */
	int n;
	int *extra;             /* (net->n_params) the value that goes with each, or -1 */
	float **host;           /* (net->n_params) the mask of each in this pass; NULL: not masked */
	struct ts_rng mask_rng; /* for Bernoulli masks */
	uint64_t seed;          /* of dropout in the next pass */
	long steps;             /* taken by the optimiser */
	struct um_flat *flat;   /* the optimiser is on the executor's device (um_flat.h); NULL: on the host */
	const char *on_host;    /* why it must not be; NULL: it may */
	char where[256];        /* which of the two, in one line; empty: there is only the host */
};

/* Copies the checkpoint's values; borrows its network, and with o->team the team, whose ranks then train the same
 * model, each on its share of every batch (um_ranks.h). From a masked checkpoint it makes the masked network, whose
 * masks follow its scores. */
int um_model_new(struct um_model **ret, const struct net_checkpoint *c, const struct um_exec_options *o,
		 struct err *err) TS_CHECKED;
void um_model_free(struct um_model *m);
/* Copies the values back into c, from which the model was made; averages, if they are kept. */
int um_model_state(const struct um_model *m, struct net_checkpoint *c, struct err *err) TS_CHECKED;

/* A pass of the network as it is used: weights are masked first, with new masks. See um_exec.h. */
int um_model_forward(struct um_model *m, const uint8_t *image, size_t n, enum um_pass_mode mode, bool back,
		     float *logits, float *features, struct err *err) TS_CHECKED;
/* Goes back: sets the gradients of all values, or adds to them. */
int um_model_backward(struct um_model *m, const float *dlogits, bool add, struct err *err) TS_CHECKED;
/* Logits (n,C) and, if not NULL, features (n,D) of n host images, in evaluation mode or, where the result depends on
 * how many run at a time, as in training. Also fails if a logit is not finite. */
int um_embed(struct um_model *m, const uint8_t *image, size_t n, enum um_pass_mode mode, float *logits, float *features,
	     struct err *err) TS_CHECKED;

/* ---- training -------------------------------------------------------------------------------- */

enum um_optimizer { UM_SGD, UM_ADAM };

struct um_train_options {
	long epochs, batch, warmup, lr_adjust, lr_policy; /* lr_policy: enum um_lr_policy */
	long optimizer;                                   /* enum um_optimizer */
	double lr, lr_gamma, lr_drop_epoch, lr_one_drop;
	double momentum, weight_decay, smoothing, dropout;
	double clip;  /* largest norm of the gradient; 0: no limit */
	double ema;   /* decay of the moving average of the weights; 0: none */
	long augment; /* enum um_augment */
	bool nesterov, no_bn_decay;
	bool freeze_weights, freeze_conv, freeze_fc, freeze_scores;
	bool um;            /* Unleashing Mask: the loss is folded at `level` */
	double logit_norm;  /* CE is of z / (|z| + 1e-7) / logit_norm; 0: of z (LogitNorm:
					   * Wei et al., ICML 2022, eq. 4) */
	double level, beta; /* L = |beta * CE - level| + level; beta only with um */
	uint64_t seed;
};

/* The learning-rate policies, one row for each: its part of enum um_lr_policy; its function in um_lr.c, where the
 * formula is; its name on the command line. */
#define UM_LR_POLICIES(first, row) \
	first(COSINE, cosine, "cosine") row(CONSTANT, constant, "constant") row(MULTISTEP, multistep, "multistep") \
		row(SUPERCONVERGE, superconverge, "superconverge") row(PIECEWISE, piecewise, "piecewise") \
			row(LINEAR, linear, "linear") row(ONEDROP, onedrop, "onedrop") \
				row(MULTIPLEDECAY, multipledecay, "multipledecay")
#define UM_LR_POLICY(policy, function, name) UM_LR_##policy,
enum um_lr_policy { UM_LR_POLICIES(UM_LR_POLICY, UM_LR_POLICY) };
#undef UM_LR_POLICY
/* Their names as "a|b|c", for the command line, in this order. */
extern const char um_lr_policies[];
/* Learning rate of epoch e, from 0 on. */
double um_lr(const struct um_train_options *o, long e);

/* Makes a model trainable: decides which values are trained, and adds the optimiser's state. Fails if the options
 * freeze all. On a GPU values, gradients and that state then stay there, where it is possible; m->where says so, or
 * why not. The model's values are then copies, which um_model_state() and um_train_save() bring up to date. */
int um_model_train(struct um_model *m, const struct um_train_options *o, struct err *err) TS_CHECKED;

/* Where training stands. With the model's values and what um_train_save() adds, it is all that a run
 * needs to go on as if it had not been stopped. */
struct um_progress {
	long epoch;            /* in work, from 0 */
	size_t row;            /* images of the epoch that are done */
	size_t right, batches; /* of this epoch so far; batches seen by batch norms */
	double loss, folded;   /* sums over images: of the cross-entropy to the labels, and of the loss that is
			        * minimised */
	double outlier;        /* and of the outliers' part of it, see um_oe.h */
	struct ts_rng augment, dropout, mask;
	double seconds; /* time spent; not part of the state */
};

/* The start of an epoch. Every epoch has its own generators, so it is the same whatever came before. */
struct um_progress um_epoch_start(const struct um_train_options *o, long epoch);

/* Callbacks during training. */
struct um_watch {
	void *data;                                            /* passed to both */
	void (*tick)(void *data, const struct um_progress *p); /* after each batch; or NULL */
	bool (*stop)(void *data);                              /* asked after each batch; or NULL */
};

/* Trains from p to the end of its epoch, over all of d in the order that (seed, epoch) gives; the
 * last batch may be short. oe: outliers beside the images; NULL: none. 0: the epoch is over; UM_STOPPED: stop()
 * returned true, and p says where; UM_FAILED; UM_DIVERGED: the loss is no longer finite. */
struct um_oe;
int um_train_epoch(struct um_model *m, const struct um_data *d, const struct um_train_options *o, struct um_oe *oe,
		   struct um_progress *p, const struct um_watch *w, struct err *err) TS_CHECKED;

/* Saves the optimiser's state in c->extra, as "train/...", and p in its meta; or loads both. Loading fails if something
 * is missing. */
int um_train_save(const struct um_model *m, const struct um_progress *p, struct net_checkpoint *c,
		  struct err *err) TS_CHECKED;
int um_train_load(struct um_model *m, struct um_progress *p, const struct net_checkpoint *c,
		  struct err *err) TS_CHECKED;

/* SNIP (Lee, Ajanthan, Torr, ICLR 2019): how much the loss of these images depends on each weight, |w dL/dw|, in
 * evaluation mode. sensitivity: an array per parameter, NULL for those not wanted. */
int um_snip(struct um_model *m, const struct um_data *d, float *const *sensitivity, struct err *err) TS_CHECKED;

/* What decides a mask that is computed once: the largest weights stay, or random ones, or those on which, by SNIP, the
 * loss of the images in d depends most (o says how to run the network for that). */
enum um_cut_by { UM_CUT_MAGNITUDE, UM_CUT_RANDOM, UM_CUT_SNIP };
/* Gives c, which has no masks, the fixed mask that `mask` describes. */
int um_cut(struct net_checkpoint *c, const struct net_mask *mask, enum um_cut_by by, const struct um_data *d,
	   const struct um_exec_options *o, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
