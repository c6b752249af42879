/* SPDX-License-Identifier: MIT
 * What the files of lib/um know of each other. */
#ifndef UM_INTERNAL_H
#define UM_INTERNAL_H

#include "err/err.h"
#include "um/um.h"

/* Clips the gradients and takes a step on every trained value; moves the averages. */
int um_optim_step(struct um_model *m, const struct um_train_options *o, double lr, struct err *err) TS_CHECKED;

/* Numbers in value i. */
size_t um_value_count(const struct um_model *m, int i);

/* Runs the nodes behind `from`, whose output the caller has put into m->out[from], up to `to`, and
 * returns that one's output. keep, if not NULL: (n_nodes) the nodes whose outputs, in m->out until
 * the next run, are not released; all others are when they have been read for the last time, and the
 * caller's m->out[from] too. */
struct th_tensor *um_run(struct th_scope *s, struct um_model *m, int from, int to, const bool *keep, bool train);

/* ---- a step ---- */

/* A mini-batch on the host: n ID images, then k outliers; and what a step made of it. */
struct um_batch {
	size_t n, k;
	uint8_t *image;             /* (n + k, c,h,w) */
	int64_t *label;             /* (n) */
	float *logits;              /* (n,C) of the ID images */
	double ce, folded, outlier; /* cross-entropy; after the fold; weight * term */
	int passes;                 /* that the batch norms saw */
};

/* Logits (n,C) of the ID images and, if there are outliers, (k,C) *out of these, in training mode: in one
 * pass with common batch statistics; or, separate, in two, of which the outliers' moves no running
 * statistics. */
struct th_tensor *um_step_forward(struct th_scope *s, struct um_model *m, const struct um_batch *b, bool separate,
				  struct th_tensor **out);
/* The loss of the ID images, folded if so; *ce before the fold. */
struct th_tensor *um_step_loss(struct th_scope *s, const struct th_tensor *z, const struct um_batch *b,
			       const struct um_train_options *o, struct th_tensor **ce);
/* Goes down `loss`, ends s: backward, optimiser. UM_FAILED; UM_DIVERGED: it is not finite. */
int um_step_down(struct th_scope *s, struct um_model *m, const struct um_train_options *o, double lr,
		 const struct th_tensor *loss, struct err *err) TS_CHECKED;
/* An ordinary step: all of the above on fold(CE) or, with oe, fold(CE) + weight * term. */
struct um_oe;
int um_step(struct um_model *m, struct um_batch *b, const struct um_train_options *o, double lr, struct um_oe *oe,
	    struct err *err) TS_CHECKED;

/* ---- outliers, as um_train_epoch() calls them; oe may be NULL ---- */

/* Outliers that go with the n images of a step. */
size_t um_oe_of(const struct um_oe *oe, size_t n);
int um_oe_before(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err) TS_CHECKED;
/* Puts the step's outliers behind its images. */
void um_oe_fill(struct um_oe *oe, const struct um_progress *p, struct um_batch *b);
int um_oe_step(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct um_batch *b,
	       struct err *err) TS_CHECKED;
int um_oe_after(struct um_oe *oe, struct um_model *m, const struct um_progress *p, struct err *err) TS_CHECKED;

/* "what is missing: nothing can be resumed from it", in err; -1. */
int um_missing(const char *what, struct err *err);

#endif
