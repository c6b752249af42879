/* SPDX-License-Identifier: MIT
 * A training step's passes as graphs. */
#include <stdio.h>
#include <string.h>

#include "um/run/um_exec_record.h"

enum { WARM = 2 };

void um_record_free(struct um_record *r)
{
	th->tensor_free(r->in);
	th->tensor_free(r->z);
	th->tensor_free(r->dz);
	th->graph_free(r->back);
	th->graph_free(r->forward);
	r->in = r->z = r->dz = NULL;
	r->back = r->forward = NULL;
}

static void not_recorded(struct um_record *r)
{
	r->off = true;
	snprintf(r->note, sizeof r->note,
		 "no CUDA graph of the training step could be recorded, so each operation is launched by itself: %s",
		 th->last_error());
}

/* Ends the recording of g, which must end in any case, after its scope did with rc. */
static bool end(struct um_record *r, struct th_graph *g, int rc)
{
	if (rc < 0)
		not_recorded(r);
	if (th->graph_end(g) < 0 && rc == 0) {
		not_recorded(r);
		rc = -1;
	}
	if (rc < 0)
		um_record_free(r);
	return rc == 0;
}

/* Gives up before a recording has begun. */
static bool failed(struct um_record *r)
{
	not_recorded(r);
	um_record_free(r);
	return false;
}

bool um_record_forward(struct um_record *r, const size_t shape[4], um_record_pass *pass, void *data)
{
	struct th_scope *s;

	if (r->off || shape[0] < r->n)
		return false;
	if (shape[0] > r->n) {
		um_record_free(r);
		r->n = shape[0];
		r->seen = 0;
	}
	if (r->forward)
		return true;
	if (r->seen++ < WARM)
		return false;
	r->in = th->tensor_new(TH_U8, 4, shape, NULL);
	r->forward = r->in ? th->graph_begin(NULL) : NULL;
	if (!r->forward)
		return failed(r);
	s = th->scope_begin(true);
	/* keeps what the way back needs, too */
	r->z = th->tensor_keep(s, pass(s, data, r->in));
	return end(r, r->forward, th->scope_end(s));
}

bool um_record_back(struct um_record *r, size_t C)
{
	const size_t shape[2] = { r->n, C };
	struct th_scope *s;

	if (r->back)
		return true;
	r->dz = th->tensor_new(TH_F32, 2, shape, NULL);
	r->back = r->dz ? th->graph_begin(r->forward) : NULL;
	if (!r->back)
		return failed(r);
	s = th->scope_begin(true);
	(void)th->backward(s, 1, &r->z, &r->dz);
	return end(r, r->back, th->scope_end(s));
}
