/* SPDX-License-Identifier: MIT
 *
 * team: the processes of one training, ranks 0 to size - 1, started side by side by a launcher (mpirun, srun,
 * torchrun), and their common operations.
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
 * Every two are connected by a socket: an abstract Unix socket if all are on one machine, else TCP. Nothing but sockets
 * is used, and no launcher's library. Whoever can reach a TCP port is trusted, as with MPI and torchrun: ranks on
 * several machines belong on a private network.
 *
 * Like streams, a team is sticky: after the first failure calls do nothing, and return finite numbers, until
 * team_check() or team_free(). A rank that fails tells rank 0 why, and all end; see team_fail(). A NULL team is a
 * single process: rank 0 of 1, whose calls return their own input.
 *
 * Sums are made in the order of the ranks, in double: so all ranks, and all runs with that many ranks, get the same
 * bytes.
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

/* ---- a process's place ---- */

enum { TEAM_HOST = 256, TEAM_MOST = 1024 };

struct team_place {
	int rank, size;         /* size <= TEAM_MOST */
	int local;              /* its index among the ranks of its machine */
	char host[TEAM_HOST];   /* of rank 0; empty: all are on this machine */
	long port;              /* of rank 0, with a host */
	pid_t child[TEAM_MOST]; /* rank 0's children from team_start(), by rank; 0: none */
	uint64_t job;           /* the same for all ranks of a run, and different for other runs */
	int seconds;            /* how long ranks wait for each other at the start */
	int silence;            /* after so many seconds without a sign of life a machine counts as gone; 0: 60 */
};

/* Reads the launcher's environment variables: the first set of RANK and WORLD_SIZE (torchrun, or by hand),
 * OMPI_COMM_WORLD_* (Open MPI), PMI_* (MPICH), SLURM_PROCID and SLURM_STEP_NUM_TASKS (srun). MASTER_ADDR and
 * MASTER_PORT name rank 0's machine; they are not needed on one machine, or with srun's list of nodes. 1: one of
 * several; 0: alone; -1: the variables make no sense, or do not tell where rank 0 is. */
int team_find(struct team_place *p, struct err *err) TEAM_CHECKED;
/* Makes this process, which must have no other threads, rank 0 of `size` on this machine, and forks the others, each of
 * which returns from here with its own *p. team_free() waits for them to end, unless the team has failed; if rank 0
 * ends before them, they get a SIGTERM. */
int team_start(struct team_place *p, int size, struct err *err) TEAM_CHECKED;

/* ---- the team ---- */

struct team;

/* Meets the others. -1: not all came in time, or some belong to another run. */
int team_join(struct team **ret, const struct team_place *p, struct err *err) TEAM_CHECKED;
void team_free(struct team *t);
int team_rank(const struct team *t);
int team_size(const struct team *t);
/* Rank 0's machine; "localhost" if all ranks are on it. */
const char *team_host(const struct team *t);

/* This rank's share of n things: from..to; shares are in the order of the ranks. */
void team_share(const struct team *t, size_t n, size_t *from, size_t *to);
/* The largest share. */
size_t team_share_most(const struct team *t, size_t n);

/* ---- operations of all ranks together ---- */

/* Adds up v[0..n) of all ranks. */
void team_sum(struct team *t, float *v, size_t n);
/* Collects `mine`, `bytes` bytes, of every rank into all (size, bytes), by rank. */
void team_gather(struct team *t, const void *mine, size_t bytes, void *all);
/* v has n rows, of which each rank has set its share: afterwards all have all rows. */
void team_rows(struct team *t, void *v, size_t n, size_t row);
/* Is `mine` true for any rank? */
bool team_any(struct team *t, bool mine);
/* Copies rank 0's *data, malloc'ed, to all others, in new memory. -1: out of memory, or the team has failed. */
int team_spread(struct team *t, void **data, size_t *n, struct err *err) TEAM_CHECKED;
/* Checks that the text is the same for all. -1: names the first rank that differs, and the first line that does. what:
 * "options", for the message. The same result for all. */
int team_same(struct team *t, const char *what, const char *text, struct err *err) TEAM_CHECKED;
/* Checks that nothing has failed so far. -1: err says what did; see team_fail(). */
int team_check(const struct team *t, struct err *err) TEAM_CHECKED;

/* This rank's cost of communication so far: bytes sent, and seconds, including waiting. */
struct team_cost {
	uint64_t bytes;
	double seconds;
};
struct team_cost team_cost(const struct team *t);

/* ---- the end of a failed team ---- */

/* Ends the team after an error, of this rank or from team_check(), and tells the others. Exactly one rank should print
 * err's text, which may become that of another rank: returns whether it is this one. Then call team_free(). */
bool team_fail(struct team *t, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
