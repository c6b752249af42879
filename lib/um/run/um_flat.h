/* SPDX-License-Identifier: MIT
 *
 * um_flat: the optimiser's step on a device with memory of its own. Values, their gradients and the optimiser's state
 * lie there, in one array each, and a step is a handful of operations on whole arrays, by the formulas of um_optim.c;
 * nothing is copied to the host, and nothing waits. The values of struct um_model are then copies, for checkpoints:
 * um_flat_fetch() brings them up to date, and um_flat_changed() says that they were changed.
 *
 * Ranks add up their gradients there, too, with NCCL: one sum a step, of one array (th.h, ranks). The team (team.h) is
 * how they meet and how they end; a rank that is gone in the middle of a sum is noticed after a minute.
 *
 * Gradients are needed on the host, and the step is made there as on a CPU, where masks are made from scores or weights
 * (um-prune), where weights are moved in the course of a step (DOE), and where ranks have no NCCL. Nothing else reads
 * gradients: losses need logits only, and SNIP and um-estimate take no steps.
 */
#ifndef UM_FLAT_H
#define UM_FLAT_H

#include "err/err.h"
#include "um/um.h"

/* The end of um_model_train(): if the executor has such a device, sets m->flat, unless gradients are needed on the
 * host; m->where says which. team: the ranks, which all come to the same result, or NULL. */
int um_flat_begin(struct um_model *m, const struct um_train_options *o, struct team *team, struct err *err) TS_CHECKED;
/* Frees m->flat, if there is one. */
void um_flat_end(struct um_model *m);
/* Before the first step: m, and copies of it, are to step on the host. why: for m->where; stays the caller's. */
void um_flat_refuse(struct um_model *m, const char *why);
/* m->flat's step; see um_optim_step(). */
int um_flat_step(struct um_model *m, const struct um_train_options *o, double lr, struct err *err) TS_CHECKED;
/* Adds up gradients over the ranks, and averages running statistics by their shares. */
int um_flat_sum(struct um_model *m, double share, struct err *err) TS_CHECKED;
/* Copies values, state and averages from the device, if they are there and m is one that steps there. */
int um_flat_fetch(const struct um_model *m, struct err *err) TS_CHECKED;
/* They were changed on the host. */
void um_flat_changed(struct um_model *m);

#endif
