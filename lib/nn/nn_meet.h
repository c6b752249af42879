/* SPDX-License-Identifier: MIT
 *
 * nn_meet: where the threads of a parallel region wait for each other.
 */
#ifndef NN_MEET_H
#define NN_MEET_H

/* Zeroed before the region; only nn_meet() touches it, with atomic operations. */
struct nn_meeting {
	unsigned arrived, round;
	int asleep;
};

/* Returns when `parts` threads have called it; all then see what each wrote before. */
void nn_meet(struct nn_meeting *m, unsigned parts);

#endif
