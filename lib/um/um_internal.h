/* SPDX-License-Identifier: MIT
 * Shared by the files of lib/um. */
#ifndef UM_INTERNAL_H
#define UM_INTERNAL_H

#include "err/err.h"
#include "um/um.h"

/* Clips the gradients and takes a step on every trained value; moves the averages. Fails only on a device. */
int um_optim_step(struct um_model *m, const struct um_train_options *o, double lr, struct err *err) TS_CHECKED;

/* Sets the weights that the executor uses, masked. -1: out of memory. */
int um_mask_forward(struct um_model *m, struct err *err) TS_CHECKED;
/* Turns the gradients of masked weights into those of weights and scores. */
void um_mask_backward(struct um_model *m, bool add);

/* ---- a step ---- */

/* A mini-batch: n ID images, then k outliers; and the results of a step. */
struct um_batch {
	size_t n, k, C;
	uint8_t *image;             /* (n + k, c,h,w) */
	int64_t *label;             /* (n) */
	float *logits, *dlogits;    /* (n + k, C) */
	double ce, folded, outlier; /* cross-entropy to the labels; the same smoothed and folded; weight * term */
	int passes;                 /* passes seen by batch norms */
};

/* A part of a step's loss, of the ID images' logits z (b->n rows) or, with `in` false, of the outliers' (b->k). Returns
 * its value and adds its gradient to dz. */
typedef double um_part(void *data, struct um_batch *b, bool in, const float *z, float *dz);

/* Runs forward and back and sets the gradients of a loss that is the sum of its parts: all images in one pass with
 * common batch statistics or, with `separate`, in two passes, where the outliers' does not move running statistics.
 * UM_FAILED; UM_DIVERGED: the loss is not finite. lr: for the message. */
int um_step_gradients(struct um_model *m, struct um_batch *b, bool separate, um_part *part, void *data, double lr,
		      struct err *err) TS_CHECKED;
/* The loss of the ID images: sets b->ce, their cross-entropy to the labels, and b->folded, the loss that is minimised,
 * which it returns. */
double um_step_id(const struct um_train_options *o, struct um_batch *b, const float *z, float *dz);
/* An ordinary step down fold(CE) or, with oe, fold(CE) + weight * term. */
struct um_oe;
int um_step(struct um_model *m, struct um_batch *b, const struct um_train_options *o, double lr, struct um_oe *oe,
	    struct err *err) TS_CHECKED;

/* ---- outliers, as um_train_epoch() calls them ---- */

/* Returns how many outliers go with the n images of a step. */
size_t um_oe_count(const struct um_oe *oe, size_t n);
int um_oe_before(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err) TS_CHECKED;
/* Puts the step's outliers after its images. */
void um_oe_fill(struct um_oe *oe, const struct um_progress *p, struct um_batch *b);
int um_oe_step(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct um_batch *b,
	       struct err *err) TS_CHECKED;
int um_oe_after(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err) TS_CHECKED;

/* Sets err to "what is missing: nothing can be resumed from it" and returns -1. */
int um_missing(const char *what, struct err *err);

#endif
