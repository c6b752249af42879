/* SPDX-License-Identifier: MIT
 *
 * net_recorded: what net_export() says of a network beside its tensors, in the metadata of a file of safetensors:
 *
 *	unmask.arch, unmask.input                    "resnet18", "3x224x224"
 *	unmask.mean, unmask.std                      "0.5,0.5,0.5"
 *	unmask.prepare, unmask.classes               words; names, one per line
 *	unmask.mask, unmask.keep, unmask.mask_scope, unmask.mask_seed
 *
 * An import takes these where the caller says nothing else.
 */
#ifndef NET_RECORDED_H
#define NET_RECORDED_H

#include "err/err.h"
#include "net/foreign/net_import.h"

#ifdef __cplusplus
extern "C" {
#endif

enum net_record {
	NET_R_ARCH,
	NET_R_INPUT,
	NET_R_MEAN,
	NET_R_STD,
	NET_R_PREPARE,
	NET_R_CLASSES,
	NET_R_MASK,
	NET_R_KEEP,
	NET_R_SCOPE,
	NET_R_SEED,
	NET_RECORDS
};

struct net_recorded {
	char *v[NET_RECORDS]; /* NULL: not known */
};

/* What is to be written of c; of its masks only if they are written. -1: out of memory. Released even then. */
int net_record(struct net_recorded *r, const struct net_checkpoint *c, bool masks) TS_CHECKED;
/* Key, value, key, value, ..., NULL, as net_safetensors_write() takes them; borrowed. */
void net_recorded_pairs(const struct net_recorded *r, const char *pairs[2 * NET_RECORDS + 3]);
/* What a file's metadata says. -1: out of memory. Released even then. */
int net_recorded_read(struct net_recorded *r, const struct ts_meta *m) TS_CHECKED;
/* Fills in what the request leaves open: architecture, size, and what scores of masks mean; borrowed. Returns whether
 * the request says anything else, with a line in doubt. */
bool net_recorded_fill(const struct net_recorded *r, struct net_import *how, struct err *doubt);
/* Gives an imported network its normalisation, preparation, and names of classes, if it has none. -1 with a line in
 * err. */
int net_recorded_take(const struct net_recorded *r, struct net_checkpoint *c, struct err *err) TS_CHECKED;
void net_recorded_release(struct net_recorded *r);

#ifdef __cplusplus
}
#endif
#endif
