/* SPDX-License-Identifier: MIT
 *
 * net_import: makes a checkpoint of the state of a foreign file: finds the network in it, renames what other
 * programs call otherwise, and compares every tensor with the network's.
 *
 * Under which prefix the network lies, and in which dialect its names are (net_names.h), is found by trying: the
 * largest set of tensors that fits an architecture wins. The classifier is fc.weight or what the architecture calls
 * it, or else the one linear layer of the right width that no other layer stands beside: head.fc, classifier.1, also
 * outside of the prefix. What is left is
 *
 *	beside the network     (another module's: criterion, projector, a second head) left out and said
 *	within the network     (a name below one of its modules, or a convolution beside them) of another
 *	                       network: an error
 *	a convolution's bias   taken into the running mean of the batch norm that it reaches, which is the same
 *	counters               n_averaged, total_ops: left out
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
	const char *arch;           /* spec; NULL: guess */
	const char *prefix;         /* where the network lies, "model." or "model"; NULL: found */
	const char *const *renames; /* FROM=TO..., before all else */
	size_t n_renames;
	char *const *names; /* of its classes; NULL: not known */
	size_t classes;     /* how many those are, also for a file without classifier, with partial; 0: not known */
	const char *left;   /* what the file has and cannot be read, by net_import_file(); or NULL */
	int c, h, w;        /* the input; 0: channels as the first convolution has, 32x32, or
					   * 224x224 if that convolution has a stride */
	bool partial;       /* missing tensors have fresh values, others are left out */
	bool no_masks;      /* scores are left out */
	enum net_mask_rule { NET_RULE_TOP, NET_RULE_SAMPLE, NET_RULE_QUANTILE } rule; /* what scores mean */
	double keep;                                                                  /* of scores; below 0: not said */
	enum net_mask_scope scope;
	uint64_t seed; /* of fresh values */
	/* Called with a line for each tensor that does not fit, and for what else is worth saying. */
	void (*say)(bool wrong, const char *line);
};

/* Takes the tensors of *state_take, also in failure, and fills c->net, state, extra, mask, all
 * of a zeroed *c. -1 with a line in err. The caller releases *c also then. */
int net_import(struct net_checkpoint *c, struct ts_set *state_take, const struct net_import *how,
	       struct err *err) TS_CHECKED;
/* The same of the file at path, read with key (net_foreign.h), with the names of its classes. Says what of it is left
 * out, and that names are not known. */
int net_import_file(struct net_checkpoint *c, const char *path, const char *key, const struct net_import *how,
		    struct err *err) TS_CHECKED;
/* Takes wrappers off every name, and model., net. and the like if all have it: for comparisons. -1: out of memory, or
 * two names become one. */
int net_import_prefixes(struct ts_set *state, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
