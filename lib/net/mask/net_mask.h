/* SPDX-License-Identifier: MIT
 *
 * net_mask: masked networks. A mask of ones and zeros multiplies the weight of every convolution and linear layer;
 * biases and batch norms have none. A masked checkpoint holds two networks at once:
 *
 *	conv1.weight, bn1.running_mean, ...     the full network, as in any checkpoint
 *	conv1.scores  <f4, the weight's shape   learnt masks: one score per weight
 *	conv1.mask    |u1, the weight's shape   a fixed mask, 0 or 1
 *	masked.bn1.running_mean, ...            the masked network's own batch norm statistics
 *
 * and its header's meta describes the mask: "mask" (one of net_mask_kinds), "keep" (the fraction of weights that stays;
 * the published program calls it prune rate), "mask_scope", "dense_first", "dense_last", "mask_seed".
 *
 * Everything here is plain C on host arrays, so that a mask is the same on every device, and equal values are cut in a
 * fixed order.
 */
#ifndef NET_MASK_H
#define NET_MASK_H

#include "err/err.h"
#include "net/net.h"

#ifdef __cplusplus
extern "C" {
#endif

enum net_mask_kind {
	NET_MASK_NONE,
	NET_MASK_SCORES,    /* keeps the weights of largest |score| (Ramanujan et al., CVPR
					   * 2020: edge-popup; SubnetConv of the published program) */
	NET_MASK_WEIGHTS,   /* keeps the largest |weight|, as the weights are now */
	NET_MASK_BERNOULLI, /* each weight stays with probability 1/(1 + exp(-score)) (Zhou et
					   * al., NeurIPS 2019: supermasks; SampleSubnetConv) */
	NET_MASK_FIXED      /* as stored */
};
extern const char *const net_mask_kinds[]; /* names in the order of the enum */

enum net_mask_scope { NET_SCOPE_LAYER, NET_SCOPE_MODEL };
#define NET_MASK_SCOPES "layer|model"       /* for the command line */
extern const char *const net_mask_scopes[]; /* the same names, in the order of the enum */

struct net_mask {
	enum net_mask_kind kind;
	double keep;                  /* fraction that stays, 0 to 1 */
	enum net_mask_scope scope;    /* cuts the smallest of each layer, or of the whole network */
	bool dense_first, dense_last; /* first convolution, classifier: no mask */
	uint64_t seed;                /* of the Bernoulli draw for evaluation */
};

/* How many of n weights a kept fraction cuts: int((1 - keep) * n), truncated, as published. */
size_t net_cut(double keep, size_t n);
/* Does parameter i have a mask? */
bool net_is_masked(const struct net *n, const struct net_mask *m, int i);
/* Name of the tensor that goes with parameter i: "conv1.scores" and "conv1.mask" for conv1.weight,
 * "masked.bn1.running_mean" for bn1.running_mean. buf has NET_NAME bytes. */
enum net_extra { NET_SCORES, NET_FIXED, NET_STATISTIC };
void net_extra_name(const struct net *n, int i, enum net_extra what, char *buf);
/* Is parameter i a running mean, variance or count, of which a masked network has its own? */
bool net_is_statistic(const struct net *n, int i);

/* Sets mask[i], of as many floats as v[i], to 1 where the weight stays and 0 where it is cut, for each
 * of the n->n_params entries of v that is not NULL. NET_MASK_SCORES, NET_MASK_WEIGHTS: cuts the net_cut() values of
 * smallest |v|, per layer or over all; among equals the first. NET_MASK_BERNOULLI: draws with rng. -1: out of
 * memory. */
int net_mask_make(const struct net *n, const struct net_mask *m, const float *const *v, struct ts_rng *rng,
		  float *const *mask) TS_CHECKED;

/* Adds masks of this kind to a checkpoint without masks, and the masked network's statistics, copied from the full
 * network's. Fresh scores are uniform +-1/sqrt(fan_in) (Kaiming, a = sqrt 5), those of NET_MASK_BERNOULLI all log(keep
 * / (1 - keep)); a fixed mask is all ones. -1 with a line in err. */
int net_mask_add(struct net_checkpoint *c, const struct net_mask *m, struct ts_rng *rng, struct err *err) TS_CHECKED;
/* Turns a masked checkpoint into an ordinary one: of the masked network (weights times masks, its statistics) or of the
 * full one. *sparsity, if not NULL: the share of all convolution and linear weights that is now 0. For a checkpoint
 * without masks, only computes *sparsity. -1 with a line in err. */
int net_bake(struct net_checkpoint *c, bool masked, double *sparsity, struct err *err) TS_CHECKED;

/* net_mask_read(), for net_load(): takes the mask's description from the header, and checks that c->extra has what it
 * needs and, apart from "train/" tensors, nothing else. For net_save(): the other way round. */
int net_mask_read(struct net_checkpoint *c, const struct ts_meta *m, struct err *err) TS_CHECKED;
int net_mask_write(const struct net_checkpoint *c, struct ts_meta *m) TS_CHECKED;

/* Sets net_cut() weights of every convolution and linear layer of state to 0, chosen at random:
 * as a layer with learnt masks does before its scores have been trained. */
int net_mask_random(const struct net *n, struct ts_set *state, double keep, struct ts_rng *rng,
		    struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
