/* SPDX-License-Identifier: MIT
 *
 * team: the processes of one training, its ranks, 0 to size - 1, which a launcher started side by side (mpirun, srun,
 * torchrun), and what they do together.
 *
 *	struct team_place place;
 *	struct team *t = NULL;
 *
 *	rc = team_find(&place, &err);			// 1: one of several, by the launcher's variables
 *	if (rc == 1)
 *		rc = team_join(&t, &place, &err);	// waits for all the others
 *	...
 *	team_sum(t, gradient, n);			// every rank calls the same functions in the same order
 *	if (team_check(t, &err) < 0)
 *		...
 *	team_free(t);
 *
 * They are connected by sockets, each with each: abstract ones of Unix where all are on one machine, TCP elsewhere.
 * Nothing but sockets is used, of no launcher's library. Whoever can reach a TCP port is trusted, as with MPI and
 * torchrun: ranks on several machines belong on a network of their own.
 *
 * Like streams, a team is sticky: after the first failure calls do nothing, and hand out what is finite, until
 * team_check() or team_free() asks. What one rank fails for, it tells rank 0, and all end; see team_fail(). A team of
 * NULL is a process alone: rank 0 of 1, whose calls give back what they are given.
 *
 * Sums are made in the order of the ranks, in double: the same bytes in all ranks, and in every run of so many.
 */
#ifndef TEAM_H
#define TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEAM_CHECKED __attribute__((warn_unused_result))

/* ---- where a process stands ---- */

enum { TEAM_HOST = 256, TEAM_MOST = 1024 };

struct team_place {
	int rank, size;         /* size <= TEAM_MOST */
	int local;              /* its number among the ranks of its machine */
	char host[TEAM_HOST];   /* of rank 0; empty: all are on this machine */
	long port;              /* of rank 0, with a host */
	pid_t child[TEAM_MOST]; /* rank 0's, by rank, that team_start() has made; 0: none */
	uint64_t job;           /* the same for all ranks of a run, another for those of others */
	int seconds;            /* that the ranks wait for each other at the beginning */
	int silence;            /* after so many seconds without a sign of life a machine is gone; 0: 60 */
};

/* What the launcher says in the environment: the first that is there of RANK and WORLD_SIZE (torchrun, or by hand),
 * OMPI_COMM_WORLD_* (Open MPI), PMI_* (MPICH), SLURM_PROCID and SLURM_STEP_NUM_TASKS (srun). MASTER_ADDR and
 * MASTER_PORT name rank 0's machine; on one machine they need not be set, and srun's list of nodes has it. 1: one of
 * several; 0: alone; -1: variables that make no sense, or it cannot be told where rank 0 is. */
int team_find(struct team_place *p, struct err *err) TEAM_CHECKED;
/* Makes this process, which must have no other threads, rank 0 of `size` on this machine, and forks the others, each of
 * which comes back from here with its own *p. team_free() waits for their ends, unless the team has failed; if rank 0
 * ends before them, they get a SIGTERM. */
int team_start(struct team_place *p, int size, struct err *err) TEAM_CHECKED;

/* ---- the team ---- */

struct team;

/* Meets the others. -1: not all came in time, or some are of another run. */
int team_join(struct team **ret, const struct team_place *p, struct err *err) TEAM_CHECKED;
void team_free(struct team *t);
int team_rank(const struct team *t);
int team_size(const struct team *t);

/* Rank's share of n things: from..to, shares in the order of the ranks. */
void team_share(const struct team *t, size_t n, size_t *from, size_t *to);
/* The largest share. */
size_t team_share_most(const struct team *t, size_t n);

/* ---- what all do together ---- */

/* v[0..n) of all ranks, added up. */
void team_sum(struct team *t, float *v, size_t n);
/* mine, `bytes` of each rank, to all (size, bytes), by rank. */
void team_gather(struct team *t, const void *mine, size_t bytes, void *all);
/* v has n rows, of which each rank has set its share: all get all. */
void team_rows(struct team *t, void *v, size_t n, size_t row);
/* Is it true for any? */
bool team_any(struct team *t, bool mine);
/* *data of rank 0, malloc'ed, becomes that of all others, in new memory. -1: out of memory, or the team has failed. */
int team_spread(struct team *t, void **data, size_t *n, struct err *err) TEAM_CHECKED;
/* Is the text the same for all? -1: names the first rank for which it is not, and the first line that differs. what:
 * "options", for the message. The same result for all. */
int team_same(struct team *t, const char *what, const char *text, struct err *err) TEAM_CHECKED;
/* Has all gone well so far? -1: err says what failed; see team_fail(). */
int team_check(const struct team *t, struct err *err) TEAM_CHECKED;

/* What all this has cost this rank so far: bytes that it sent, and seconds, those in which it waited among them. */
struct team_cost {
	uint64_t bytes;
	double seconds;
};
struct team_cost team_cost(const struct team *t);

/* ---- the end of one that failed ---- */

/* Ends the team after an error, of this rank's or team_check()'s: tells the others. Is this the rank that says err's
 * text, which may have been made another's? Of all ranks one says it. Then team_free(). */
bool team_fail(struct team *t, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
