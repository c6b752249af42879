/* SPDX-License-Identifier: MIT
 * The parts of an import: net_import.c (tensors), net_import_find.c (names, architecture), net_import_mask.c. */
#ifndef NET_IMPORT_INTERNAL_H
#define NET_IMPORT_INTERNAL_H

#include "err/err.h"
#include "net/foreign/net_import.h"
#include "net/foreign/net_names.h"

enum { NAME_LIST = 512 };

struct net_importing {
	struct net_checkpoint *c;
	struct ts_set *state;    /* under the prefix, by our names */
	struct ts_set beside;    /* the rest */
	char outside[NAME_LIST]; /* tensors left out of both, for one line */
	size_t n_outside;
	const struct net_import *how;
	struct ts_rng rng;
	bool *taken;  /* which tensors of state have been used */
	size_t wrong; /* tensors that do not fit */
};

/* Where a network was found, and how much of it. */
struct net_import_choice {
	char prefix[NET_FOREIGN_NAME], spec[NET_SPEC];
	const struct net_dialect *dialect; /* NULL: none yet */
	size_t matched, all;               /* tensors, without the classifier and counters */
	char twin[NET_FOREIGN_NAME];       /* another prefix that matches as much; "" if none */
};

/* Finds the network in the state and builds it; leaves its tensors in the state, by our names, and the rest beside. */
int net_import_find(struct net_importing *im, struct net_import_choice *best, struct err *err) TS_CHECKED;
/* The first convolution if it reads the input, else NULL. */
const struct net_node *net_import_first_conv(const struct net *n);
/* Passes a line to the user; wrong: it counts as a tensor that does not fit. */
void net_import_say(struct net_importing *im, bool wrong, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Does the state's tensor `name`, which exists, have this shape? A single number may have any. Reports if not. */
bool net_import_fits(struct net_importing *im, const char *name, int ndim, const size_t *shape);
/* Moves the state's tensor `name`, which exists, to *to, converted to its type (|u1: anything but 0 and 1 becomes 2).
 * If the shape differs, reports it and returns false. */
bool net_import_move(struct net_importing *im, const char *name, struct ts_tensor *to);
/* Are the shapes the same except for trailing ones, as with a linear layer and a 1x1 convolution, or do they belong to
 * a linear layer of a whole map and a convolution of that size? A single number may have any shape. */
bool net_import_same_shape(const struct ts_tensor *t, int ndim, const size_t *shape);
/* Finds the classifier, whose input has `width` channels, and renames its tensors to those of `head` ("fc"); they may
 * come from im->beside. Sets *classes to its number of classes; 0: there is no classifier. -1 with a line in err:
 * several. */
int net_import_head(struct net_importing *im, const char *head, size_t width, size_t *classes,
		    struct err *err) TS_CHECKED;
/* Moves biases of convolutions that have none in the network into running means. apply false: only marks those for
 * which that is possible. */
int net_import_fold(struct net_importing *im, bool apply, struct err *err) TS_CHECKED;
/* Does the name end like one that the published program's mask layers add? */
bool net_import_of_mask(const char *name);
/* Makes masks of the state's scores, or leaves them out. -1 with a line in err: the kept fraction is missing, or masks
 * within masks. */
int net_import_masks(struct net_importing *im, struct err *err) TS_CHECKED;

#endif
