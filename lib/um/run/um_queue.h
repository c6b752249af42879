/* SPDX-License-Identifier: MIT
 *
 * um_queue: images through libtorch, chunk by chunk, two in work: while the device computes one, the next is
 * copied to it, and what came of the one before is copied back. The chunks' order is kept. On a GPU,
 * if so asked, the network's operations on a chunk of the usual size are recorded once, as a graph, and launched as
 * a whole. On the CPU all of it is the same but for the graph, and nothing runs beside anything.
 */
#ifndef UM_QUEUE_H
#define UM_QUEUE_H

#include "err/err.h"
#include "um/run/um_engine.h"
#include "um/run/um_torch.h"

#ifdef __cplusplus
extern "C" {
#endif

struct um_queue;

/* o: `chunk`, `from`, `keep`, `floats`, `precision` and `graph` matter; it and m are borrowed. */
int um_queue_new(struct um_queue **ret, struct um_torch *m, const struct um_engine_options *o,
		 struct err *err) TS_CHECKED;
/* Waits for what is in work. Accepts NULL. */
void um_queue_free(struct um_queue *q);
/* Queues n images, as um_engine_run() has them. input is copied; the results are in place after
 * um_queue_wait() for *job or a later one. After an error nothing is in work. */
int um_queue_add(struct um_queue *q, const void *input, size_t n, float *logits, float *features, float *const *maps,
		 uint64_t *job, struct err *err) TS_CHECKED;
int um_queue_wait(struct um_queue *q, uint64_t job, struct err *err) TS_CHECKED;
/* Why there is no graph although there should be, a line; NULL: nothing went wrong. */
const char *um_queue_note(const struct um_queue *q);

#ifdef __cplusplus
}
#endif
#endif
