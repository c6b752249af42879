/* SPDX-License-Identifier: MIT
 *
 * um_ranks: a model that several processes train together (team.h). All have the same values, and all make the same
 * batch, augmented; each takes its share of the images forward, all get all logits, and so each computes the loss of
 * the whole batch as a process alone would, whatever the method; each takes its share of the gradient back, and what
 * comes of it is added up. So the ranks' values stay the same, to the byte.
 *
 * With sync_bn a batch norm's statistics are those of the whole batch, and a step is that of a process alone, to
 * rounding. Without, they are a rank's own, as in the published program's replicas, and its running statistics the mean
 * of the ranks', weighed by their shares, after each step.
 */
#ifndef UM_RANKS_H
#define UM_RANKS_H

#include "err/err.h"
#include "um/um_internal.h"

struct um_ranks {
	struct team *team;
	const struct net *net;
	bool sync_bn;
	double share;   /* of the last pass that moved running statistics: this rank's, of the images */
	uint8_t *image; /* this rank's images of a pass, side by side */
	float *z;       /* and their logits, or their gradients */
	size_t cap;     /* images that there is room for */
	float *sum;     /* what is added up */
};

/* Borrows both. */
int um_ranks_new(struct um_ranks **ret, const struct um_model *m, struct team *team, bool sync_bn,
		 struct err *err) TS_CHECKED;
void um_ranks_free(struct um_ranks *r);

/* Forward of the ID images of b, or its outliers, or both, and back, as um_model_forward() and um_model_backward() have
 * it: logits and their gradients are those of all images. */
int um_ranks_forward(struct um_model *m, const struct um_batch *b, bool in, bool out, enum um_pass_mode mode,
		     struct err *err) TS_CHECKED;
int um_ranks_backward(struct um_model *m, const struct um_batch *b, bool in, bool out, bool add,
		      struct err *err) TS_CHECKED;
/* Adds up the gradients of trained values, once a step, and brings running statistics together. */
int um_ranks_gradients(struct um_model *m, struct err *err) TS_CHECKED;

/* This rank's share of n rows; and all rows of logits and features (NULL: none), of which each rank has its share. */
void um_ranks_share(const struct um_ranks *r, size_t n, size_t *from, size_t *to);
int um_ranks_rows(struct um_ranks *r, size_t n, float *logits, float *features, struct err *err) TS_CHECKED;

#endif
