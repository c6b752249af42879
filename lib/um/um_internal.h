/* SPDX-License-Identifier: MIT
 * What the files of lib/um know of each other. */
#ifndef UM_INTERNAL_H
#define UM_INTERNAL_H

#include "um/um.h"

/* Clips the gradients and takes a step on every trained value; moves the averages. -1: see
 * th->last_error(). */
int um_optim_step(struct um_model *m, const struct um_train_options *o, double lr) TS_CHECKED;

/* Runs the nodes behind `from`, whose output the caller has put into m->out[from], up to `to`, and
 * returns that one's output. keep, if not NULL: (n_nodes) the nodes whose outputs, in m->out until
 * the next run, are not released; all others are when they have been read for the last time, and the
 * caller's m->out[from] too. */
struct th_tensor *um_run(struct th_scope *s, struct um_model *m, int from, int to, const bool *keep,
			 bool train);

/* Index of the largest; among equals the first. */
size_t um_argmax(const float *v, size_t n);

#endif
