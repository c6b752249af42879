/* SPDX-License-Identifier: MIT
 * Shared by the files of lib/team: team_place.c reads the environment, team_join.c connects the ranks, team_flow.c
 * moves bytes, and team.c builds the common operations on that. */
#ifndef TEAM_INTERNAL_H
#define TEAM_INTERNAL_H

#include "team/team.h"

/* The protocol: a frame is this header, then its bytes. */
enum team_kind { TEAM_DATA = 0x7465616d, TEAM_FAIL };
struct team_frame {
	uint32_t kind;
	uint32_t turn; /* of team_exchange(), to check that ranks are at the same one */
	uint64_t bytes;
};

/* The connection to another rank, and the state of its transfers. */
struct team_peer {
	int fd; /* -1: this rank itself */
	struct team_frame in;
	size_t in_head, in_done; /* bytes received of the header `in`, and of the data after it */
	size_t out_done, out_n;  /* bytes sent, including the header; of how many */
	bool settled;            /* it has failed, too, or is gone: it need not be told */
};

struct team {
	int rank, size;
	uint32_t turn;
	struct team_peer *peer;   /* (size) */
	bool failed, told, heard; /* told: another rank reports why; heard: it was that rank's failure */
	struct err why;
	pid_t child[TEAM_MOST]; /* see team_place */
	char host[TEAM_HOST];   /* of rank 0; empty: all are on this machine */
	int silence;            /* for TCP, see team_place; 0: all are on this machine */
	struct team_cost cost;
	float *room; /* for team_sum() */
	size_t cap;
};

/* Data to send to a rank and to receive from it. */
struct team_flow {
	const void *out;
	void *in;
	size_t out_n, in_n;
};

/* Sends and receives flow[rank] of all ranks at once; flow[t->rank] is ignored. A failure's reason is t->why. */
void team_exchange(struct team *t, const struct team_flow *flow);
/* Tells all that this rank has failed, and rank 0 why; waits until they have heard it, or for some seconds. false: rank
 * 0 cannot be told. */
bool team_tell(struct team *t, const char *why);

/* Seconds on a monotonic clock. */
double team_now(void);
/* XXH3-64 of a text. */
uint64_t team_hash(const char *text);

#endif
