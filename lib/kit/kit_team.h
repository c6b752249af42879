/* SPDX-License-Identifier: MIT
 *
 * kit_team: programs that run as several processes (team.h).
 */
#ifndef KIT_TEAM_H
#define KIT_TEAM_H

#include "err/err.h"
#include "team/team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Options about ranks, and their rows in a table of options. */
struct kit_ranks {
	long n; /* 0: as many as a launcher has started; 1: only this process; more: this process starts them */
	const char *gpus; /* --multigpu: one rank for each of these, "0,1"; or NULL */
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

/* To be called before cli.device is used. --multigpu sets the number of ranks, and the device to cuda. -1: the options
 * contradict each other. */
int kit_ranks_check(struct kit_ranks *r, struct err *err) TEAM_CHECKED;
/* If there are several ranks, joins them into a team, *ret. All but the first are quiet from here on, and on the device
 * cuda each uses one GPU, by its index on its machine. To be called while there are no other threads. Unless the number
 * of threads is set, it divides a machine's processors among its ranks, in cli.threads. -1: not all came, or they
 * differ in options, other than those in own[] (ended by NULL), or in instruction sets, which affect last bits. The
 * caller frees *ret, even then. *ret NULL: this process is alone. */
int kit_join(struct team **ret, const struct kit_ranks *r, const char *const *own, const char *instructions,
	     struct err *err) TEAM_CHECKED;
/* Prints err's text; in a team of several ranks, only one of them does. Returns -1. */
int kit_say_failure(struct team *t, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
