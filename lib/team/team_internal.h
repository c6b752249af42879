/* SPDX-License-Identifier: MIT
 * What the files of lib/team know of each other: team_place.c reads the environment, team_join.c connects the ranks,
 * team_flow.c moves bytes, team.c makes of that what ranks do together. */
#ifndef TEAM_INTERNAL_H
#define TEAM_INTERNAL_H

#include "team/team.h"

/* What goes over a connection: a frame is this, then its bytes. */
enum team_kind { TEAM_DATA = 0x7465616d, TEAM_FAIL };
struct team_frame {
	uint32_t kind;
	uint32_t turn; /* of team_exchange(), to see that ranks are at the same one */
	uint64_t bytes;
};

/* The connection to another rank, and what is in work on it. */
struct team_peer {
	int fd; /* -1: this rank itself */
	struct team_frame in;
	size_t in_head, in_done; /* bytes that came of the frame `in`, and of what follows it */
	size_t out_done, out_n;  /* bytes that went, the frame among them; of how many */
	bool settled;            /* it has failed too, or is gone: there is nothing to tell it */
};

struct team {
	int rank, size;
	uint32_t turn;
	struct team_peer *peer;   /* (size) */
	bool failed, told, heard; /* told: another rank says why; heard: it was that one's failure */
	struct err why;
	pid_t child[TEAM_MOST]; /* see team_place */
	int silence;            /* of TCP, see team_place; 0: all are on this machine */
	struct team_cost cost;
	float *room; /* of team_sum() */
	size_t cap;
};

/* What goes to a rank and what comes from it. */
struct team_flow {
	const void *out;
	void *in;
	size_t out_n, in_n;
};

/* Sends and receives flow[rank] of all ranks at once; flow[t->rank] is not looked at. The failure is t->why. */
void team_exchange(struct team *t, const struct team_flow *flow);
/* Tells all that this rank has failed, and rank 0 why; and stays until they have heard it, or for some seconds. false:
 * rank 0 cannot be told. */
bool team_tell(struct team *t, const char *why);

/* Seconds of a clock that only goes forward. */
double team_now(void);
/* XXH3-64 of a text. */
uint64_t team_hash(const char *text);

#endif
