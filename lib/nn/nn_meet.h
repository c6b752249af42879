/* SPDX-License-Identifier: MIT
 *
 * nn_meet: where the threads of a parallel region wait for each other.
 */
#ifndef NN_MEET_H
#define NN_MEET_H

#include <stdatomic.h>

/* Zeroed before the region. */
struct nn_meeting {
	_Atomic unsigned arrived, round;
	_Atomic int asleep;
};

/* Returns when `parts` threads have called it; what each wrote before is then seen by all. */
void nn_meet(struct nn_meeting *m, unsigned parts);

#endif
