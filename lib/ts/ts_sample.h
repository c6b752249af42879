/* SPDX-License-Identifier: MIT
 *
 * ts_sample: rows chosen at random from a stream of unknown length, each set of `most` rows with the same probability
 * (a reservoir: Vitter, "Random sampling with a reservoir", 1985, algorithm R). Holds the sample and 8 bytes per row in
 * memory. Equal seeds and rows give equal samples.
 */
#ifndef TS_SAMPLE_H
#define TS_SAMPLE_H

#include "ts/ts.h"
#include "ts/ts_rng.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ts_sample {
	struct ts_batch rows; /* the kept rows, in any order */
	uint64_t most;        /* how many; UINT64_MAX: all */
	uint64_t offered;
	uint64_t *number; /* number of each kept row among those offered */
	size_t cap;
	struct ts_rng rng;
};

/* For rows of this header. -1: out of memory, as in the functions below. */
int ts_sample_init(struct ts_sample *s, const struct ts_header *h, uint64_t most, uint64_t seed) TS_CHECKED;
void ts_sample_release(struct ts_sample *s);
/* Offers row i of b; map: where its columns are (ts_header_map()). */
int ts_sample_row(struct ts_sample *s, const struct ts_batch *b, const ptrdiff_t *map, size_t i) TS_CHECKED;
/* The indices into s->rows of all kept rows, in the order in which they were offered or, with shuffle, in random order.
 * New memory that the caller frees. */
size_t *ts_sample_order(struct ts_sample *s, bool shuffle) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
