/* SPDX-License-Identifier: MIT
 *
 * net_import: makes a checkpoint of the state of a foreign file: finds the network in it, renames tensors to our names,
 * and compares each with the network's.
 *
 * The prefix of the network and the dialect of its names (net_names.h) are found by trying: the largest set of tensors
 * that fits an architecture wins. The classifier is fc.weight or the architecture's name for it; otherwise the one
 * linear layer of the right width with no other layer beside it: head.fc, classifier.1, also outside the prefix. The
 * rest is
 *
 *	beside the network     (another module's: criterion, projector, a second head) left out and reported
 *	within the network     (a name below one of its modules, or a convolution beside them) of another
 *	                       network: an error
 *	a convolution's bias   moved into the running mean of the batch norm that it reaches, which is equivalent
 *	counters               n_averaged, total_ops: left out
 *
 * Masks of the published program: "conv1.scores" beside conv1.weight. All of them 0 or 1 (FixedSubnetConv):
 * a fixed mask. Otherwise scores (SubnetConv); the file does not tell the kept fraction. The published program has one
 * set of batch norm statistics, those of the masked network; both networks get them.
 */
#ifndef NET_IMPORT_H
#define NET_IMPORT_H

#include "err/err.h"
#include "net/mask/net_mask.h"

#ifdef __cplusplus
extern "C" {
#endif

struct net_import {
	/* the request */
	const char *arch;           /* spec; NULL: guess */
	const char *prefix;         /* prefix of the network, "model." or "model"; NULL: find it */
	const char *const *renames; /* FROM=TO..., applied first */
	size_t n_renames;
	char *const *names; /* of its classes; NULL: not known */
	size_t classes;     /* how many; also, with partial, for a file without classifier; 0: not known */
	const char *left;   /* tensors that cannot be read, set by net_import_file(); or NULL */
	int c, h, w;        /* the input; 0: channels of the first convolution, 32x32, or 224x224 if that convolution
			     * has a stride */
	bool partial;       /* missing tensors get fresh values, surplus ones are left out */
	bool no_masks;      /* scores are left out */
	enum net_mask_rule { NET_RULE_TOP, NET_RULE_SAMPLE, NET_RULE_QUANTILE } rule; /* what scores mean */
	double keep;                                                                  /* kept fraction of scores; below
										       * 0: not given */
	enum net_mask_scope scope;
	uint64_t seed; /* of fresh values */
	/* Called with a line for each tensor that does not fit, and for other remarks. */
	void (*say)(bool wrong, const char *line);
};

/* Takes the tensors of *state_take, even on failure, and fills c->net, state, extra and mask of a zeroed *c. -1 with a
 * line in err. The caller releases *c even then. */
int net_import(struct net_checkpoint *c, struct ts_set *state_take, const struct net_import *how,
	       struct err *err) TS_CHECKED;
/* The same for the file at path, read with key (net_foreign.h), with the names of its classes. Reports what is left
 * out, and if names are not known. */
int net_import_file(struct net_checkpoint *c, const char *path, const char *key, const struct net_import *how,
		    struct err *err) TS_CHECKED;
/* For comparisons: removes wrappers from every name, and model., net. and the like if all names have it. -1: out of
 * memory, or two names become one. */
int net_import_prefixes(struct ts_set *state, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
