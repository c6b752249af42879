/* SPDX-License-Identifier: MIT
 *
 * ds_stream: rows of a data set as rows of an images stream. Its columns are image, label and name, and with label
 * noise also true-label and noisy.
 */
#ifndef DS_STREAM_H
#define DS_STREAM_H

#include "ds/ds.h"
#include "ds/ds_noise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The header of a stream of s, which was opened as `path`: the first image sets the size of all; meta says how they
 * were prepared. -1: out of memory. */
int ds_stream_header(struct ts_header *h, const struct ds_source *s, const char *path, const struct ds_row *first,
		     bool noise) TS_CHECKED;
/* The same for pictures that come one at a time: prepared this way they have h x w pixels, and no classes. */
int ds_stream_begin(struct ts_header *h, const struct ds_shape *shape, int height, int width,
		    const char *source) TS_CHECKED;
/* Checks that this row's image has the common size. -1 with err. */
int ds_stream_fits(const struct ts_header *h, const struct ds_row *row, struct err *err) TS_CHECKED;
/* Writes the row to row i of b. noise: changes the label; NULL: nothing does. -1: out of memory; 1: the label was made
 * wrong. */
int ds_stream_put(struct ts_batch *b, size_t i, const struct ds_row *row, const struct ds_noise *noise) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
