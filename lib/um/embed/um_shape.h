/* SPDX-License-Identifier: MIT
 *
 * um_shape: ReAct and ASH of the features before the last layer, forward to logits and back to the features, for input
 * steps that go through them as in the published program:
 *
 *	react   min(z, threshold)
 *	ash-p   the k = D - round(D percentile / 100) largest features, zeros for the others
 *	ash-b   (sum of all) / k for the kept
 *	ash-s   the kept times e^(sum of all / sum of the kept), the exponent at most 80
 *
 * Back, the choice of the kept is constant and the sums are not, as in PyTorch's gradient.
 */
#ifndef UM_SHAPE_H
#define UM_SHAPE_H

#include "err/err.h"
#include "net/net.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_shape {
	int kind;                     /* of um_shape_find(); the caller's, as are these two */
	double threshold, percentile; /* of react; of the others */
	struct ts_tensor weight, bias;
	size_t C, D;
};

/* The kind with this name, or -1. */
int um_shape_find(const char *name);
const char *um_shape_name(const struct um_shape *s);
/* Does it prune, by the percentile? */
bool um_shape_prunes(const struct um_shape *s);
/* Copies the last layer. -1: the network has none, the percentile keeps no feature, or out of memory. */
int um_shape_open(struct um_shape *s, const struct net_checkpoint *c, struct err *err) TS_CHECKED;
void um_shape_release(struct um_shape *s);
/* Logits l (n,C) of features z (n,D). -1: out of memory. */
int um_shape_logits(const struct um_shape *s, const float *z, size_t n, float *l) TS_CHECKED;
/* dz (n,D) from dl (n,C). -1: out of memory. */
int um_shape_back(const struct um_shape *s, const float *z, const float *dl, size_t n, float *dz) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
