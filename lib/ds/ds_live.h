/* SPDX-License-Identifier: MIT
 *
 * ds_live: pictures that come one at a time, each prepared as soon as it arrives. Unlike ds_open(), which lists a
 * source first, this knows nothing of the pictures to come, so they have no classes, and the shape must give all of
 * them the same size, ds_prep_size().
 */
#ifndef DS_LIVE_H
#define DS_LIVE_H

#include "ds/ds.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_live;
/* lenient: see ds_decoder_lenient(). NULL with err: out of memory. */
struct ds_live *ds_live_new(const struct ds_shape *shape, bool lenient, struct err *err);
void ds_live_free(struct ds_live *l);
/* Reads the picture in the file at path, which becomes its name. The row's contents are borrowed until the next call.
 * -1 with err, which names the file: not a picture, damaged, missing. */
int ds_live_file(struct ds_live *l, const char *path, struct ds_row *row, struct err *err);
/* The same for pixels (h,w,3), with this name. -1 with err: out of memory, too narrow. */
int ds_live_frame(struct ds_live *l, const uint8_t *rgb, int h, int w, const char *name, struct ds_row *row,
		  struct err *err);

#ifdef __cplusplus
}
#endif
#endif
