/* SPDX-License-Identifier: MIT
 *
 * um: training and running networks through the seam; Unleashing Mask. Call um_open() first. Functions
 * that return int give 0, or -1 with a line in err (UM_ERR bytes).
 */
#ifndef UM_H
#define UM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/net.h"
#include "th/th.h"
#include "ts/ts.h"
#include "ts/ts_rng.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { UM_ERR = NET_ERR };

/* Streams of random numbers under one seed, so that what one draws does not move another. */
enum um_stream { UM_RNG_INIT = 1, UM_RNG_ORDER, UM_RNG_AUGMENT, UM_RNG_DROPOUT, UM_RNG_MASK };

/* Loads libtorch and opens the device with this many threads. */
int um_open(const char *device, long threads, char *err) TS_CHECKED;

/* ---- data: images in memory ------------------------------------------------------------------ */

struct um_data {
	size_t n;
	int c, h, w;
	uint8_t *image;                   /* (n,c,h,w) */
	int64_t *label;                   /* (n) */
	char **classes;                   /* names, NULL if the stream has none */
	size_t n_classes;                 /* with names: as many; else largest label + 1 */
};

/* Reads an images stream to its END and retains it: c*h*w + 8 bytes a row, at most max_bytes. Every
 * row needs a label from 0 to n_classes - 1. Errors are the reader's (-1). */
int um_data_read(struct um_data *d, struct ts_reader *r, size_t max_bytes) TS_CHECKED;
void um_data_release(struct um_data *d);

/* Copies rows idx[0..n) to image (n,c,h,w) and label (n). With rng, each image is augmented as the
 * published program does: padded by 4 with zeros and cropped at random, mirrored with probability
 * 1/2. */
void um_data_batch(const struct um_data *d, const size_t *idx, size_t n, struct ts_rng *rng,
		   uint8_t *image, int64_t *label);

/* ---- model: a network with its values on the device ------------------------------------------ */

struct um_model {
	const struct net *net;            /* borrowed */
	struct th_tensor **param;         /* net->n_params */
	struct th_tensor **velocity;      /* of trained ones after um_model_train(), else NULL */
	struct th_tensor **out;           /* of the nodes, during um_forward() */
	float scale[4], shift[4];         /* pixels 0..255 to normalised input */
	double dropout;                   /* probability in training */
};

/* Uploads the checkpoint's values; borrows its network. */
int um_model_new(struct um_model **ret, const struct net_checkpoint *c, char *err) TS_CHECKED;
void um_model_free(struct um_model *m);
/* Makes the trained parameters trainable. */
int um_model_train(struct um_model *m, char *err) TS_CHECKED;
/* Copies the values back into state, which has the order of net->params. */
int um_model_state(const struct um_model *m, struct ts_set *state, char *err) TS_CHECKED;

/* Logits (N,C) of pixels (N,c,h,w), |u1 tensor of scope s, which is consumed; *features (N,D) too
 * if it is not NULL. train: batch statistics, dropout. NULL after an error (sticky in s). */
struct th_tensor *um_forward(struct th_scope *s, struct um_model *m, struct th_tensor *pixels,
			     bool train, struct th_tensor **features);
/* Logits (n,C) and, if not NULL, features (n,D) of n host images, in chunks of `chunk` images. */
int um_embed(struct um_model *m, const uint8_t *image, size_t n, size_t chunk, float *logits,
	     float *features, char *err) TS_CHECKED;

/* ---- training -------------------------------------------------------------------------------- */

struct um_train_options {
	long epochs, batch, warmup, lr_adjust, lr_policy;  /* lr_policy: index into um_lr_policies */
	double lr, lr_gamma, lr_drop_epoch, lr_one_drop;
	double momentum, weight_decay, smoothing, dropout;
	bool nesterov, augment;
	bool um;                          /* Unleashing Mask: the loss is folded at `level` */
	double level, beta;               /* L = |beta * CE - level| + level; beta only with um */
	uint64_t seed;
};

/* Names of the learning-rate policies as "a|b|c", for the command line. */
extern const char um_lr_policies[];
/* Learning rate of epoch e (from 0), set before it. */
double um_lr(const struct um_train_options *o, long e);

struct um_epoch {
	double lr;
	double loss;                      /* mean over samples of the loss before the fold */
	double folded;                    /* and of what was descended */
	double accuracy;                  /* of the training batches as they were seen */
	double seconds;
};

/* One epoch of SGD over all of d in the order that (seed, epoch) gives; the last batch may be
 * short. tick is called after each batch with the rows done and the loss so far. */
int um_train_epoch(struct um_model *m, const struct um_data *d, const struct um_train_options *o,
		   long epoch, void (*tick)(size_t done, double loss), struct um_epoch *ret,
		   char *err) TS_CHECKED;

/* Mean cross-entropy and accuracy of the model in evaluation mode. */
int um_evaluate(struct um_model *m, const struct um_data *d, double *loss, double *accuracy,
		char *err) TS_CHECKED;
/* Cross-entropy of logits (C) for a label, in double, without overflow. */
double um_cross_entropy(const float *logits, size_t n_classes, int64_t label);

/* ---- masks and the loss constraint ----------------------------------------------------------- */

/* Weights that a kept fraction `keep` cuts of a layer of n: int((1 - keep) * n), truncated. */
size_t um_cut(double keep, size_t n);
/* Sets um_cut() weights of every convolution and linear layer of state to 0, chosen at random;
 * biases stay. What a layer of learnt masks does before its scores have learnt anything. */
int um_mask_random(const struct net *n, struct ts_set *state, double keep, struct ts_rng *rng,
		   char *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
