/* SPDX-License-Identifier: MIT
 * A seam to libtorch that plays a GPU on the CPU, for whole programs: put beside a program as its libunmask-th.so, it
 * answers --device cuda with the seam that PLAYED_SEAM names, on the CPU. Its device has memory of its own: a lane's
 * buffers on the host are copies, made when it is sent, and what is fetched is there only after lane_wait(). Whoever
 * changes what is being sent is aborted. PLAYED_ALONE=1: it cannot add up over ranks. PLAYED_HOST=1:
 * it says that it is the host, so that the optimiser is there. No graphs. */
#include <dlfcn.h>
#include <stdio.h>

const struct th_api *th; /* of um_lanes.h; the program has its own */
#include "../unit/um_lanes.h"

static void check(void)
{
	if (lanes.early)
		abort();
}

static int checked_send(struct th_lane *l, size_t rows)
{
	const int rc = lane_send(l, rows);

	check();
	return rc;
}

static int checked_wait(struct th_lane *l)
{
	if (lane_wait(l) < 0)
		return -1;
	check();
	return real->lane_wait(l);
}

static int open_played(const char *device, int threads)
{
	(void)device;
	return real->open("cpu", threads);
}

static bool apart(void)
{
	return true;
}

static const char *alone(void)
{
	return NULL;
}

const struct th_api *th_get_api(void)
{
	const char *path = getenv("PLAYED_SEAM");
	void *so = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	const struct th_api *(*get)(void);

	if (!so) {
		fprintf(stderr, "played: PLAYED_SEAM: %s\n", path ? dlerror() : "not set");
		return NULL;
	}
	*(void **)&get = dlsym(so, "th_get_api");
	real = get();
	lanes_play(false);
	lanes.api.last_error = real->last_error;
	lanes.api.open = open_played;
	lanes.api.lane_send = checked_send;
	lanes.api.lane_wait = checked_wait;
	if (!getenv("PLAYED_HOST"))
		lanes.api.apart = apart;
	if (getenv("PLAYED_ALONE"))
		lanes.api.ranks_by = alone;
	return &lanes.api;
}
