/* SPDX-License-Identifier: MIT
 *
 * um_estimate: the loss constraint of Unleashing Mask, which is the loss of a network with some of its weights cut at
 * random (Zhu et al., ICML 2023).
 */
#ifndef UM_ESTIMATE_H
#define UM_ESTIMATE_H

#include "err/err.h"
#include "um/run/um_engine.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_estimate_options {
	const double *keep; /* n_keep fractions of weights that stay; borrowed */
	int n_keep;
	long draws, batch; /* masks per fraction; rows that go through at a time */
	long augment;      /* enum um_augment: drawn anew for each mask, as in training */
	bool train;        /* batch statistics and dropout, instead of evaluation mode */
	bool per_sample;   /* the unmasked network runs too */
	double dropout;
	uint64_t seed;
	struct um_engine_options engine; /* how networks are run */
	struct team *team; /* whose ranks share the masks; NULL: this process runs all. Not with per_sample */
};
struct um_estimated {
	double mean, std, min, max; /* over the draws, of the mean cross-entropy */
	size_t rows;
};

/* n_keep * draws masked copies of c's network, each by net_mask_random(); draw d of one ratio has the same random
 * numbers as draw d of another, however many there are. Memory: the weights of each copy (nn.h), one set of maps, and a
 * batch. Borrows c's network. */
struct um_estimate;
int um_estimate_new(struct um_estimate **ret, const struct net_checkpoint *c, const struct um_estimate_options *o,
		    struct err *err) TS_CHECKED;
void um_estimate_free(struct um_estimate *e);
/* Takes a row. Runs the batch when it is full; *n is then the number of rows that went through, else 0.
 * um_estimate_flush() runs the rows that are waiting. */
int um_estimate_add(struct um_estimate *e, const uint8_t *image, int64_t label, size_t *n, struct err *err) TS_CHECKED;
int um_estimate_flush(struct um_estimate *e, size_t *n, struct err *err) TS_CHECKED;
/* Takes all rows of d, runs them, and fails if their labels are not classes of the network. */
int um_estimate_data(struct um_estimate *e, const struct um_data *d, struct err *err) TS_CHECKED;
/* With per_sample, for row i < *n of the batch that has just been run: the cross-entropy of the network itself, and the
 * mean over the masked copies. */
void um_estimate_row(const struct um_estimate *e, size_t i, double *loss, double *masked);
/* With a team, to be called before the results: combines those of the ranks, which all ran the same rows. */
int um_estimate_together(struct um_estimate *e, struct err *err) TS_CHECKED;
/* The result over all rows so far. */
struct um_estimated um_estimate_result(const struct um_estimate *e, int ratio);

#ifdef __cplusplus
}
#endif
#endif
