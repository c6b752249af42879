/* SPDX-License-Identifier: MIT
 *
 * um_queue: runs images through libtorch, chunk by chunk, two in flight: while the device computes one, the next is
 * copied to it, and the results of the one before are copied back. Chunks stay in order. On a GPU, if `graph` is set,
 * the network's operations on a chunk of the usual size are recorded once, as a graph, and launched as a whole. On the
 * CPU it works the same way, but without a graph, and nothing runs in parallel.
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
/* Waits for what is in flight. Accepts NULL. */
void um_queue_free(struct um_queue *q);
/* Queues n images, as in um_engine_run(). input is copied; the results are in place after um_queue_wait() for *job or a
 * later one. After an error nothing is in flight. */
int um_queue_add(struct um_queue *q, const void *input, size_t n, float *logits, float *features, float *const *maps,
		 uint64_t *job, struct err *err) TS_CHECKED;
int um_queue_wait(struct um_queue *q, uint64_t job, struct err *err) TS_CHECKED;
/* A line about why there is no graph although there should be; NULL: nothing went wrong. */
const char *um_queue_note(const struct um_queue *q);

#ifdef __cplusplus
}
#endif
#endif
