/* SPDX-License-Identifier: MIT
 * Several processes that are one program: how they begin and end. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "kit/kit_team.h"

/* A process: its machine, and which processors it may use. */
struct seat {
	char host[64];
	cpu_set_t set;
};

/* Each processor is divided among those that may use it, so that ranks which are not bound to some do not all take
 * all. */
static long threads_here(struct team *team)
{
	struct seat mine = { 0 }, *all = calloc((size_t)team_size(team), sizeof *all);
	double threads = 0;

	if (gethostname(mine.host, sizeof mine.host - 1) < 0 || sched_getaffinity(0, sizeof mine.set, &mine.set) < 0)
		CPU_ZERO(&mine.set); /* all ranks must come to gather */
	if (!all)
		return 1;
	team_gather(team, &mine, sizeof mine, all);
	for (size_t c = 0; c < CPU_SETSIZE; c++) {
		int users = 0;

		for (int r = 0; r < team_size(team); r++)
			users += strcmp(all[r].host, mine.host) == 0 && CPU_ISSET(c, &all[r].set);
		threads += CPU_ISSET(c, &mine.set) ? 1.0 / users : 0;
	}
	free(all);
	return threads < 2 ? 1 : (long)(threads + 1e-6);
}

/* Did nobody say how many? cli.threads is then the processors that this process may use. */
static bool threads_are_open(void)
{
	cpu_set_t set;

	return !getenv("OMP_NUM_THREADS") && sched_getaffinity(0, sizeof set, &set) == 0 &&
	       cli.threads == CPU_COUNT(&set);
}

static int check_options(struct team *team, const char *const *own, const char *instructions, struct err *err)
{
	char *settings = cli_settings(own), *text = NULL;
	int rc =
		asprintf(&text, "%s\n%sinstructions: %s\n", cli.tool, settings, instructions) < 0 ? err_memory(err) : 0;

	if (rc == 0) {
		rc = team_same(team, "options", text, err);
		free(text);
	}
	free(settings);
	return rc;
}

int kit_join(struct team **ret, bool wanted, bool torch, const char *const *own, const char *instructions,
	     struct err *err)
{
	struct team_place place;
	int rc = wanted ? team_find(&place, err) : 0;

	*ret = NULL;
	if (rc != 1)
		return rc;
	if (torch)
		return err_fail(err,
				"a launcher started %d processes, and several run unmask's own kernels on CPUs, not "
				"--engine torch or --device; --no-ranks runs each apart",
				place.size);
	if (team_join(ret, &place, err) < 0)
		return -1;
	cli.quiet = cli.quiet || place.rank > 0;
	if (check_options(*ret, own, instructions, err) < 0)
		return -1;
	if (team_any(*ret, threads_are_open()))
		cli.threads = threads_here(*ret);
	return team_check(*ret, err);
}

int kit_say_failure(struct team *t, struct err *err)
{
	return team_fail(t, err) ? cli_error("%s", err->text) : -1;
}
