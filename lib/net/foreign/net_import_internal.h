/* SPDX-License-Identifier: MIT
 * The halves of an import: net_import.c (names, architecture, tensors), net_import_mask.c. */
#ifndef NET_IMPORT_INTERNAL_H
#define NET_IMPORT_INTERNAL_H

#include "err/err.h"
#include "net/foreign/net_import.h"

struct net_importing {
	struct net_checkpoint *c;
	struct ts_set *state;
	const struct net_import *how;
	struct ts_rng rng;
	bool *taken;  /* which tensors of state have found their place */
	size_t wrong; /* tensors that do not fit */
};

/* A line for the user; wrong: it counts as one that does not fit. */
void net_import_say(struct net_importing *im, bool wrong, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Has the state's tensor `name`, which is there, this shape? One number may have any. Says so if not. */
bool net_import_fits(struct net_importing *im, const char *name, int ndim, const size_t *shape);
/* Moves the state's tensor `name`, which is there, to *to, converted to its type (|u1: what is neither 0 nor
 * 1 becomes 2). Says so and returns false if the shape is another. */
bool net_import_take(struct net_importing *im, const char *name, struct ts_tensor *to);
/* Does the name end as those that the published program's mask layers add? */
bool net_import_of_mask(const char *name);
/* Makes masks of the state's scores, or leaves them out. -1 with a line in err: the kept fraction is needed,
 * masks within masks. */
int net_import_masks(struct net_importing *im, struct err *err) TS_CHECKED;

#endif
