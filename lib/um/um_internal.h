/* SPDX-License-Identifier: MIT
 * What the files of lib/um know of each other. */
#ifndef UM_INTERNAL_H
#define UM_INTERNAL_H

#include "err/err.h"
#include "um/um.h"

/* Clips the gradients and takes a step on every trained value; moves the averages. */
void um_optim_step(struct um_model *m, const struct um_train_options *o, double lr);

/* Sets what the executor takes for masked weights. -1: out of memory. */
int um_mask_forward(struct um_model *m, struct err *err) TS_CHECKED;
/* From the gradients of masked weights to those of weights and scores. */
void um_mask_backward(struct um_model *m, bool add);

/* ---- a step ---- */

/* A mini-batch: n ID images, then k outliers; and what a step made of it. */
struct um_batch {
	size_t n, k, C;
	uint8_t *image;             /* (n + k, c,h,w) */
	int64_t *label;             /* (n) */
	float *logits, *dlogits;    /* (n + k, C) */
	double ce, folded, outlier; /* to the labels themselves; smoothed and folded; weight * term */
	int passes;                 /* that the batch norms saw */
};

/* A part of a step's loss, of the ID images' logits z (b->n rows) or, in false, of the outliers' (b->k): its value,
 * whose gradient is added to dz. */
typedef double um_part(void *data, struct um_batch *b, bool in, const float *z, float *dz);

/* Forward and back, with gradients set, of a loss that is the sum of its parts: all images in one pass with common
 * batch statistics; or, separate, in two, of which the outliers' moves no running statistics. UM_FAILED; UM_DIVERGED:
 * the loss is not finite. lr: for the message. */
int um_step_gradients(struct um_model *m, struct um_batch *b, bool separate, um_part *part, void *data, double lr,
		      struct err *err) TS_CHECKED;
/* The loss of the ID images: sets b->ce, their cross-entropy to the labels as they are, and b->folded, what is gone
 * down, which it returns. */
double um_step_id(const struct um_train_options *o, struct um_batch *b, const float *z, float *dz);
/* An ordinary step: down fold(CE) or, with oe, fold(CE) + weight * term. */
struct um_oe;
int um_step(struct um_model *m, struct um_batch *b, const struct um_train_options *o, double lr, struct um_oe *oe,
	    struct err *err) TS_CHECKED;

/* ---- outliers, as um_train_epoch() calls them ---- */

/* Outliers that go with the n images of a step. */
size_t um_oe_count(const struct um_oe *oe, size_t n);
int um_oe_before(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err) TS_CHECKED;
/* Puts the step's outliers behind its images. */
void um_oe_fill(struct um_oe *oe, const struct um_progress *p, struct um_batch *b);
int um_oe_step(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct um_batch *b,
	       struct err *err) TS_CHECKED;
int um_oe_after(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err) TS_CHECKED;

/* "what is missing: nothing can be resumed from it", in err; -1. */
int um_missing(const char *what, struct err *err);

#endif
