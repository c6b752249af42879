/* SPDX-License-Identifier: MIT
 * A seam to libtorch that plays a GPU on the CPU, for whole programs: put beside a program as its libunmask-th.so, it
 * answers --device cuda with the seam that PLAYED_SEAM names, on the CPU. Its device has memory of its own: a lane's
 * buffers on the host are copies, made when it is sent, and what is fetched is there only after lane_wait(). Whoever
 * changes what is being sent is aborted. PLAYED_ALONE=1: it cannot add up over ranks. PLAYED_HOST=1:
 * it says that it is the host, so that the optimiser is there. No graphs. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/th/th.h"

enum { LANES = 64 };

static const struct th_api *real;
static struct lane {
	struct th_lane *l;
	unsigned char *input, *sent;
	float *output;
	size_t bytes, row, rows, n_out;
	unsigned char *fetched; /* (n_out) is it on the way? */
	int busy;
} lanes[LANES];

static struct lane *lane_of(const struct th_lane *l)
{
	for (int i = 0; i < LANES; i++)
		if (lanes[i].l == l)
			return &lanes[i];
	abort();
}

static struct th_lane *lane_new(enum th_type type, int ndim, const size_t *shape, size_t n_out)
{
	struct lane *p = lane_of(NULL);

	p->row = type == TH_F32 ? sizeof(float) : 1;
	for (int i = 1; i < ndim; i++)
		p->row *= shape[i];
	p->bytes = p->row * shape[0];
	p->n_out = n_out;
	p->input = calloc(p->bytes + 1, 1);
	p->sent = calloc(p->bytes + 1, 1);
	p->output = calloc(n_out + 1, sizeof(float));
	p->fetched = calloc(n_out + 1, 1);
	return p->l = real->lane_new(type, ndim, shape, n_out);
}

static void lane_free(struct th_lane *l)
{
	struct lane *p = l ? lane_of(l) : NULL;

	if (!p)
		return;
	free(p->input);
	free(p->sent);
	free(p->output);
	free(p->fetched);
	memset(p, 0, sizeof *p);
	real->lane_free(l);
}

static void *lane_input(struct th_lane *l)
{
	return lane_of(l)->input;
}

static float *lane_output(const struct th_lane *l)
{
	return lane_of(l)->output;
}

static int lane_send(struct th_lane *l, size_t rows)
{
	struct lane *p = lane_of(l);

	if (p->busy || rows * p->row > p->bytes)
		abort();
	p->rows = rows;
	p->busy = 1;
	memcpy(p->sent, p->input, rows * p->row);
	memcpy(real->lane_input(l), p->input, rows * p->row);
	return real->lane_send(l, rows);
}

static int lane_fetch(struct th_scope *s, struct th_lane *l, const struct th_tensor *t, size_t at, size_t count)
{
	struct lane *p = lane_of(l);

	memset(p->fetched + at, 1, count);
	for (size_t i = at; i < at + count; i++)
		p->output[i] = NAN;
	return real->lane_fetch(s, l, t, at, count);
}

static int lane_wait(struct th_lane *l)
{
	struct lane *p = lane_of(l);

	if (p->busy && memcmp(p->input, p->sent, p->rows * p->row) != 0)
		abort();
	p->busy = 0;
	for (size_t i = 0; i < p->n_out; i++)
		if (p->fetched[i])
			p->output[i] = real->lane_output(l)[i];
	memset(p->fetched, 0, p->n_out);
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
	static struct th_api api;
	const char *path = getenv("PLAYED_SEAM");
	void *so = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	const struct th_api *(*get)(void);

	if (!so) {
		fprintf(stderr, "played: PLAYED_SEAM: %s\n", path ? dlerror() : "not set");
		return NULL;
	}
	*(void **)&get = dlsym(so, "th_get_api");
	real = get();
	api = *real;
	api.open = open_played;
	if (!getenv("PLAYED_HOST"))
		api.apart = apart;
	api.lane_new = lane_new;
	api.lane_free = lane_free;
	api.lane_input = lane_input;
	api.lane_output = lane_output;
	api.lane_send = lane_send;
	api.lane_fetch = lane_fetch;
	api.lane_wait = lane_wait;
	if (getenv("PLAYED_ALONE"))
		api.ranks_by = alone;
	return &api;
}
