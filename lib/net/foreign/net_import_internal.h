/* SPDX-License-Identifier: MIT
 * The halves of an import: net_import.c (names, architecture, tensors), net_import_mask.c. */
#ifndef NET_IMPORT_INTERNAL_H
#define NET_IMPORT_INTERNAL_H

#include "err/err.h"
#include "net/foreign/net_import.h"

enum { NAME_LIST = 512 };

struct net_importing {
	struct net_checkpoint *c;
	struct ts_set *state;    /* under the prefix, by our names */
	struct ts_set beside;    /* the rest */
	char outside[NAME_LIST]; /* what was left out of both, for one line */
	size_t n_outside;
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
bool net_import_move(struct net_importing *im, const char *name, struct ts_tensor *to);
/* Are the shapes one but for ones behind, as a linear layer's and a 1x1 convolution's, or a linear layer's of a whole
 * map and a convolution's as large as that? One number may have any. */
bool net_import_same_shape(const struct ts_tensor *t, int ndim, const size_t *shape);
/* Finds the classifier, whose input has `width` channels, and gives its tensors the names below `head` ("fc"); they
 * may come from im->beside. Its number of classes to *classes; 0: there is none. -1 with a line in err: several. */
int net_import_head(struct net_importing *im, const char *head, size_t width, size_t *classes,
		    struct err *err) TS_CHECKED;
/* Takes biases of convolutions that have none here into running means. apply false: only marks those for which that
 * can be. */
int net_import_fold(struct net_importing *im, bool apply, struct err *err) TS_CHECKED;
/* Does the name end as those that the published program's mask layers add? */
bool net_import_of_mask(const char *name);
/* Makes masks of the state's scores, or leaves them out. -1 with a line in err: the kept fraction is needed,
 * masks within masks. */
int net_import_masks(struct net_importing *im, struct err *err) TS_CHECKED;

#endif
