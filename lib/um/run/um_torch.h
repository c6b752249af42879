/* SPDX-License-Identifier: MIT
 *
 * um_torch: a network on a device of libtorch: its values are there, its nodes run through the seam. um_engine runs it
 * for numbers, um_exec for training. Functions that return int give 0, or -1 with a line in err.
 */
#ifndef UM_TORCH_H
#define UM_TORCH_H

#include "err/err.h"
#include "net/net.h"
#include "th/th.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_torch {
	const struct net *net;       /* borrowed */
	struct th_tensor **use;      /* (net->n_params) the values; owned */
	struct th_tensor **out;      /* of the nodes, while it runs */
	struct th_tensor *affine[2]; /* pixels to normalised input: scale and shift, on the device (c) */
	bool bf16;                   /* um_torch_bf16() */
	bool cast;                   /* in training, likewise, from values that stay floats */
	double dropout;              /* probability in training */
	double bn_momentum;          /* of running statistics in training; 0.1 */
};

/* Loads libtorch and opens the device with this many threads. */
int um_torch_open(const char *device, long threads, struct err *err) TS_CHECKED;

/* Creates the network of c with its normalisation. values: uploads those of c; otherwise the caller fills `use`. */
int um_torch_new(struct um_torch **ret, const struct net_checkpoint *c, bool values, struct err *err) TS_CHECKED;
void um_torch_free(struct um_torch *m);
/* From the normalised input up to the features, computes in bfloat16, but batch norms' values stay floats. Features and
 * logits are computed in floats. For evaluation. */
int um_torch_bf16(struct um_torch *m, struct err *err) TS_CHECKED;

/* Runs the nodes after `from`, whose output the caller has put into m->out[from], up to `to`, and returns the output of
 * `to`. keep, if not NULL: (n_nodes) the nodes whose outputs stay in m->out until the next run. All others are released
 * after their last use, including the caller's m->out[from]. train: batch statistics, dropout. NULL after an error
 * (sticky in s). */
struct th_tensor *um_torch_run(struct th_scope *s, struct um_torch *m, int from, int to, const bool *keep, bool train);

#ifdef __cplusplus
}
#endif
#endif
