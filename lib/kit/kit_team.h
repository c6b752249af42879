/* SPDX-License-Identifier: MIT
 *
 * kit_team: programs that several processes run as one (team.h).
 */
#ifndef KIT_TEAM_H
#define KIT_TEAM_H

#include "err/err.h"
#include "team/team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What options say of ranks, and the rows of a table of options that say it. */
struct kit_ranks {
	long n;           /* 0: as many as a launcher has started; 1: this process alone; more: they are started here */
	const char *gpus; /* --multigpu: one for each of these, "0,1"; or NULL */
};
#define KIT_RANKS_ROWS(n, gpus) \
	{ "ranks", \
	  0, \
	  CLI_INT, \
	  "N", \
	  n, \
	  0, \
	  TEAM_MOST, \
	  "start N processes on this machine that share the work (default 0: those that a launcher started; " \
	  "1: run alone)" }, \
	{ \
		"multigpu", 0, CLI_STR, "I,...", gpus, 0, 0, "start a process for each of these GPUs, such as 0,1" \
	}

/* Before cli.device is looked at: -1: the options do not go together. --multigpu sets the number of ranks, and the
 * device to cuda. */
int kit_ranks_check(struct kit_ranks *r, struct err *err) TEAM_CHECKED;
/* If there are several ranks, they become a team, *ret, all of which but the first are quiet from here on, and those on
 * the device cuda have one of its GPUs each, by their number on their machine. To be called while there are no other
 * threads. The processors of a machine are divided among its ranks, in cli.threads, if nobody said how many threads
 * there are to be. -1: not all came; options, but those of own[] (NULL ends it), or instructions, which decide over
 * last bits, are not the same for all. *ret is the caller's to free, then too. *ret NULL: this process is alone. */
int kit_join(struct team **ret, const struct kit_ranks *r, const char *const *own, const char *instructions,
	     struct err *err) TEAM_CHECKED;
/* Says err's text; if the team has several ranks, one of them does. -1. */
int kit_say_failure(struct team *t, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
