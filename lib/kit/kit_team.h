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

/* If `wanted` and a launcher started several processes, they become a team, *ret, whose ranks but the first are quiet
 * from here on. The processors of a machine are divided among its ranks, in cli.threads, if nobody said how many
 * threads there are to be. -1: torch is how networks are to be run, which ranks do not; not all came; options, but
 * those of own[] (NULL ends it), or instructions, which decide over last bits, are not the same for all. *ret is the
 * caller's to free, then too. *ret NULL: this process is alone. */
int kit_join(struct team **ret, bool wanted, bool torch, const char *const *own, const char *instructions,
	     struct err *err) TEAM_CHECKED;
/* Says err's text; if the team has several ranks, one of them does. -1. */
int kit_say_failure(struct team *t, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
