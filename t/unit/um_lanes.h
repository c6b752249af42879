/* SPDX-License-Identifier: MIT
 * Lanes of a GPU as late as they may be: the real ones, and between them and the caller memory in which results are NaN
 * until they have been waited for. What is used too early is noted. A test includes this once; its seam is lanes_play(). */
#ifndef UM_LANES_H
#define UM_LANES_H
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "th/th.h"

enum { LANES = 16 };
static const struct th_api *real; /* the seam that does the work; set first */
static struct {
	struct th_api api;
	struct lane {
		struct th_lane *l;
		unsigned char *input, *sent; /* the host's; what was sent of it */
		float *output;               /* the host's: NaN until waited for */
		bool *fetched;               /* (n_out) on the way */
		size_t bytes, row, n_out, rows;
		bool busy; /* sent and not yet waited for */
	} lane[LANES];
	int in_work, most; /* lanes that are busy; that were at once */
	bool early;        /* the caller broke a rule */
	bool recording;    /* a graph, in which no lane may take part */
	bool forgets;      /* what was sent is not there any more once it has been waited for */
	int fail_wait;     /* the wait that fails, counted down */
} lanes;

static struct lane *lane_of(const struct th_lane *l)
{
	for (int i = 0; i < LANES; i++)
		if (lanes.lane[i].l == l)
			return &lanes.lane[i];
	return NULL;
}

static struct th_lane *lane_new(enum th_type type, int ndim, const size_t *shape, size_t n_out)
{
	struct lane *p = lane_of(NULL);

	p->row = type == TH_F32 ? sizeof(float) : 1;
	for (int i = 1; i < ndim; i++)
		p->row *= shape[i];
	p->bytes = p->row * shape[0];
	p->l = real->lane_new(type, ndim, shape, n_out);
	p->input = calloc(p->bytes, 1);
	p->sent = calloc(p->bytes, 1);
	p->output = calloc(n_out, sizeof(float));
	p->fetched = calloc(n_out, sizeof(bool));
	p->n_out = n_out;
	for (size_t i = 0; i < n_out; i++)
		p->output[i] = NAN;
	return p->l;
}

static void lane_free(struct th_lane *l)
{
	struct lane *p = l ? lane_of(l) : NULL;

	if (!p)
		return;
	lanes.in_work -= p->busy;
	free(p->input);
	free(p->sent);
	free(p->output);
	free(p->fetched);
	*p = (struct lane){ 0 };
	real->lane_free(l);
}

static void *lane_input(struct th_lane *l)
{
	lanes.early |= lane_of(l)->busy && lanes.forgets;
	return lane_of(l)->input;
}

static float *lane_output(const struct th_lane *l)
{
	return lane_of(l)->output;
}

static int lane_send(struct th_lane *l, size_t rows)
{
	struct lane *p = lane_of(l);

	lanes.early |= p->busy || lanes.recording || rows * p->row > p->bytes;
	if (lanes.forgets)
		memset(real->lane_input(l), 0xa5, p->bytes);
	memcpy(real->lane_input(l), p->input, rows * p->row);
	memcpy(p->sent, p->input, rows * p->row);
	p->rows = rows;
	p->busy = true;
	lanes.in_work++;
	lanes.most = lanes.in_work > lanes.most ? lanes.in_work : lanes.most;
	return real->lane_send(l, rows);
}

static int lane_fetch(struct th_scope *s, struct th_lane *l, const struct th_tensor *t, size_t at, size_t count)
{
	struct lane *p = lane_of(l);

	lanes.early |= lanes.recording || (lanes.forgets && !p->busy);
	for (size_t i = at; i < at + count; i++) {
		p->fetched[i] = true;
		p->output[i] = NAN;
	}
	return real->lane_fetch(s, l, t, at, count);
}

static int lane_wait(struct th_lane *l)
{
	struct lane *p = lane_of(l);

	if (lanes.fail_wait && --lanes.fail_wait == 0)
		return -1;
	lanes.early |= p->busy && memcmp(p->input, p->sent, p->rows * p->row) != 0;
	if (p->busy && lanes.forgets)
		memset(p->input, 0x5a, p->bytes);
	for (size_t i = 0; i < p->n_out; i++)
		if (p->fetched[i]) {
			p->fetched[i] = false;
			p->output[i] = real->lane_output(l)[i];
		}
	lanes.in_work -= p->busy;
	p->busy = false;
	return 0;
}

static struct th_tensor *from_host(struct th_scope *s, enum th_type type, int ndim, const size_t *shape,
				   const void *data)
{
	lanes.early |= lanes.recording;
	return real->from_host(s, type, ndim, shape, data);
}

static const char *last_error(void)
{
	return "played";
}

/* Makes lanes.api the real seam but for the lanes, and puts it in place. */
static void lanes_play(bool forgets)
{
	memset(&lanes, 0, sizeof lanes);
	lanes.forgets = forgets;
	lanes.api = *real;
	lanes.api.lane_new = lane_new;
	lanes.api.lane_free = lane_free;
	lanes.api.lane_input = lane_input;
	lanes.api.lane_output = lane_output;
	lanes.api.lane_send = lane_send;
	lanes.api.lane_fetch = lane_fetch;
	lanes.api.lane_wait = lane_wait;
	lanes.api.from_host = from_host;
	lanes.api.last_error = last_error;
	th = &lanes.api;
}

#endif
