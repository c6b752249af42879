/* SPDX-License-Identifier: MIT
 *
 * um_ranks: a model that several processes train together (team.h). All have the same values and make the same
 * augmented batch. Each runs its share of the images forward, and all get all logits. So each computes the loss of the
 * whole batch as a single process would, whatever the method. Each runs its share of the gradient back, and the results
 * are added up. So the ranks' values stay the same, to the byte.
 *
 * With sync_bn a batch norm's statistics are those of the whole batch, and a step is that of a single process, to
 * rounding. Without, they are a rank's own, as in the published program's replicas, and after each step the running
 * statistics are the mean of the ranks', weighted by their shares.
 */
#ifndef UM_RANKS_H
#define UM_RANKS_H

#include "err/err.h"
#include "um/um_internal.h"

struct um_ranks {
	struct team *team;
	const struct net *net;
	bool sync_bn;
	double share;   /* this rank's share of the images in the last pass that moved running statistics */
	uint8_t *image; /* this rank's images of a pass, side by side */
	float *z;       /* their logits, or the gradients of these */
	size_t cap;     /* images that fit */
	float *sum;     /* buffer for sums over the ranks */
};

/* Borrows both. */
int um_ranks_new(struct um_ranks **ret, const struct um_model *m, struct team *team, bool sync_bn,
		 struct err *err) TS_CHECKED;
void um_ranks_free(struct um_ranks *r);

/* Forward with the ID images of b, its outliers, or both, and back, as in um_model_forward() and um_model_backward().
 * Logits and their gradients are those of all images. */
int um_ranks_forward(struct um_model *m, const struct um_batch *b, bool in, bool out, enum um_pass_mode mode,
		     struct err *err) TS_CHECKED;
int um_ranks_backward(struct um_model *m, const struct um_batch *b, bool in, bool out, bool add,
		      struct err *err) TS_CHECKED;
/* Adds up the gradients of trained values, once a step, and averages running statistics. */
int um_ranks_gradients(struct um_model *m, struct err *err) TS_CHECKED;

/* um_ranks_share() gives this rank's share of n rows; um_ranks_rows() completes logits and features (NULL: none), of
 * which each rank has its share. */
void um_ranks_share(const struct um_ranks *r, size_t n, size_t *from, size_t *to);
int um_ranks_rows(struct um_ranks *r, size_t n, float *logits, float *features, struct err *err) TS_CHECKED;

#endif
