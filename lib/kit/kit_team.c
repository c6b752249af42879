/* SPDX-License-Identifier: MIT
 * Several processes that run as one program: how they start and end. */
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

/* Divides each processor among the ranks that may use it, so that unbound ranks do not all use all processors. */
static long threads_here(struct team *team)
{
	struct seat mine = { 0 }, *all = calloc((size_t)team_size(team), sizeof *all);
	double threads = 0;

	if (gethostname(mine.host, sizeof mine.host - 1) < 0 || sched_getaffinity(0, sizeof mine.set, &mine.set) < 0)
		CPU_ZERO(&mine.set); /* all ranks must take part in the gather */
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

/* Is the number of threads unset? Then cli.threads is the number of processors that this process may use. */
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

/* The rank's GPU from "0,1", as libtorch names it. -1: the list has no such entry. */
static int gpu_of(const char *gpus, int rank, char *name, size_t size)
{
	const char *at = gpus;
	long number;
	char *end;

	for (int i = 0; i < rank && at; i++)
		at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
	if (!at || *at < '0' || *at > '9')
		return -1;
	number = strtol(at, &end, 10);
	snprintf(name, size, "cuda:%ld", number);
	return (*end == '\0' || *end == ',') && number < TEAM_MOST ? 0 : -1;
}

int kit_ranks_check(struct kit_ranks *r, struct err *err)
{
	char name[32];
	long n = 1;

	if (!r->gpus)
		return 0;
	if (r->n > 0)
		return err_fail(err, "--multigpu starts a rank for each GPU; leave out --ranks %ld", r->n);
	if (strcmp(cli.device, "cpu") != 0 && strcmp(cli.device, "cuda") != 0)
		return err_fail(err, "--multigpu and --device %s both name GPUs", cli.device);
	for (const char *p = r->gpus; *p; p++)
		n += *p == ',';
	for (int i = 0; i < n; i++)
		if (n > TEAM_MOST || gpu_of(r->gpus, i, name, sizeof name) < 0)
			return err_fail(err, "--multigpu: '%s' is not a list of numbers of GPUs, such as 0,1", r->gpus);
	r->n = n;
	cli.device = "cuda";
	return 0;
}

/* Replaces "cuda" by this rank's GPU. */
static void take_gpu(const struct kit_ranks *r, const struct team_place *p)
{
	static char name[32]; /* cli.device is borrowed, and lasts as long as the process */

	if (strcmp(cli.device, "cuda") != 0)
		return;
	if (!r->gpus || gpu_of(r->gpus, p->rank, name, sizeof name) < 0)
		snprintf(name, sizeof name, "cuda:%d", p->local);
	cli.device = name;
}

int kit_join(struct team **ret, const struct kit_ranks *r, const char *const *own, const char *instructions,
	     struct err *err)
{
	struct team_place place = { .size = 1 };
	int rc = 0;

	*ret = NULL;
	if (r->n == 0)
		rc = team_find(&place, err);
	else if (r->n > 1)
		rc = team_start(&place, (int)r->n, err) < 0 ? -1 : 1;
	if (rc == 0 && r->gpus)
		take_gpu(r, &place);
	if (rc != 1)
		return rc;
	if (team_join(ret, &place, err) < 0)
		return -1;
	cli.quiet = cli.quiet || place.rank > 0;
	if (check_options(*ret, own, instructions, err) < 0)
		return -1;
	take_gpu(r, &place);
	if (team_any(*ret, threads_are_open()))
		cli.threads = threads_here(*ret);
	return team_check(*ret, err);
}

int kit_say_failure(struct team *t, struct err *err)
{
	return team_fail(t, err) ? cli_error("%s", err->text) : -1;
}
