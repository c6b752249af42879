/* SPDX-License-Identifier: MIT
 * What the files of lib/um know of each other. */
#ifndef UM_INTERNAL_H
#define UM_INTERNAL_H

#include "um/um.h"

/* Clips the gradients and takes a step on every trained value; moves the averages. -1: see
 * th->last_error(). */
int um_optim_step(struct um_model *m, const struct um_train_options *o, double lr) TS_CHECKED;

#endif
