/* SPDX-License-Identifier: MIT
 *
 * um_exec_record: a training step's passes, recorded on a GPU. Going forward and going back are a graph each, so that
 * a step launches two things instead of a thousand; between the two the logits are on the host, where the loss is.
 * Only batches of the largest size so far are recorded, after two of them have run without, as libraries choose and
 * load their kernels then. If recording fails, passes go on without, and the note says why.
 */
#ifndef UM_EXEC_RECORD_H
#define UM_EXEC_RECORD_H

#include "err/err.h"
#include "th/th.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_record {
	struct th_graph *forward, *back; /* NULL: not recorded yet */
	struct th_tensor *in;            /* (n,c,h,w) bytes: images go in here */
	struct th_tensor *z, *dz;        /* (n,C): logits come out, their gradients go in */
	size_t n;                        /* images of the largest batch so far */
	int seen;                        /* batches of n that ran without */
	bool off;                        /* recording has failed */
	char note[512];
};

/* The operations of the forward pass: images |u1 (n,c,h,w) to logits (n,C). */
typedef struct th_tensor *um_record_pass(struct th_scope *s, void *data, const struct th_tensor *image);

/* Is the forward pass of a batch of this shape recorded? Records it if it is time to. */
bool um_record_forward(struct um_record *r, const size_t shape[4], um_record_pass *pass, void *data);
/* Likewise, the way back from C logits per image. False: it could not be recorded, and the forward pass has to be run
 * again without. */
bool um_record_back(struct um_record *r, size_t C);
void um_record_free(struct um_record *r);

#ifdef __cplusplus
}
#endif
#endif
