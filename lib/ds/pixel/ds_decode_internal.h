/* SPDX-License-Identifier: MIT
 * ds_decode_internal: decoders for one kind of picture each, in files of their own. Like ds_decode(), they decode a
 * file in memory to RGB; -1 with err. */
#ifndef DS_DECODE_INTERNAL_H
#define DS_DECODE_INTERNAL_H

#include "ds/ds.h"
#include "err/err.h"

/* -1 with err: no pixels, or too many. */
int ds_check_size(unsigned long h, unsigned long w, struct err *err);

bool ds_is_webp(const unsigned char *p, size_t n);
int ds_decode_webp(const void *data, size_t len, struct ds_pixels *p, struct err *err);
bool ds_is_gif(const unsigned char *p, size_t n);
int ds_decode_gif(const void *data, size_t len, struct ds_pixels *p, struct err *err);
bool ds_is_bmp(const unsigned char *p, size_t n);
int ds_decode_bmp(const void *data, size_t len, struct ds_pixels *p, struct err *err);
/* Encodes the picture as a JPEG file of this quality, 1 to 100; free() it. -1 with err: out of memory, or sides that
 * JPEG does not allow. */
int ds_encode_jpeg(const struct ds_pixels *p, int quality, unsigned char **file, size_t *len, struct err *err);
/* The name of an unsupported format of pictures ("a TIFF image"), by the file's first bytes; or NULL. */
const char *ds_other_image(const unsigned char *p, size_t n);

#endif
