/* SPDX-License-Identifier: MIT
 *
 * net_import: makes a checkpoint of the state of a foreign file: guesses the architecture from names and
 * shapes, renames what other programs call otherwise, and compares every tensor with the network.
 *
 * Names: "module." and "_orig_mod." (data parallel and compiled models) go from the front of every name,
 * "model.", "net.", "backbone." and the like if all names have it. A tensor that the network does not have
 * under its name is looked for under its aliases (net_import.c's table): linear. for fc., downsample. for
 * shortcut., norm.1. for norm1., ...
 *
 * Masks of the published program: "conv1.scores" beside conv1.weight. All of them 0 or 1 (FixedSubnetConv):
 * a fixed mask. Else scores (SubnetConv), whose kept fraction the file does not have. The published program
 * has one set of batch norm statistics, those of the masked network; both networks get them.
 */
#ifndef NET_IMPORT_H
#define NET_IMPORT_H

#include "err/err.h"
#include "net/mask/net_mask.h"

#ifdef __cplusplus
extern "C" {
#endif

struct net_import {
	/* what is asked for */
	const char *arch; /* spec; NULL: guess */
	int c, h, w;      /* the input; 0: channels as the first convolution has, 32x32, or
					   * 224x224 if that convolution is 7x7 */
	bool partial;     /* missing tensors have fresh values, others are left out */
	bool no_masks;    /* scores are left out */
	double keep;      /* of scores; below 0: not said */
	bool model_scope;
	uint64_t seed; /* of fresh values */
	/* Called with a line for each tensor that does not fit, and for what else is worth saying. */
	void (*say)(bool wrong, const char *line);
};

/* Takes tensors from *state (which is consumed, also in failure) and fills c->net, state, extra, mask, all
 * of a zeroed *c. -1 with a line in err. The caller releases *c also then. */
int net_import(struct net_checkpoint *c, struct ts_set *state, const struct net_import *how,
	       struct err *err) TS_CHECKED;
/* Takes the prefixes off every name. -1: out of memory, or two names become one. */
int net_import_prefixes(struct ts_set *state, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
