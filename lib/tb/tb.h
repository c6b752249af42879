/* SPDX-License-Identifier: MIT
 *
 * tb: TensorBoard's event files.
 *
 *   file   = record*
 *   record = length (u64) masked-crc(length) (u32) data masked-crc(data) (u32)	little-endian
 *   data   = protocol buffer Event: wall_time = 1 (double), step = 2 (int64), file_version = 3 (string),
 *            summary = 5 { value = 1 { tag = 1 (string), simple_value = 2 (float), histo = 5 } },
 *            session_log = 7 { status = 1 (enum; 1: START) }
 *   histo  = min = 1, max = 2, num = 3, sum = 4, sum_squares = 5 (double), bucket_limit = 6,
 *            bucket = 7 (packed doubles)
 *   masked-crc(x) = rotate_right(CRC-32C(x), 15) + 0xa282ead8
 *
 * The first record says "brain.Event:2"; in a resumed run's file two session starts follow. Logs, unlike the streams
 * between programs, may contain the time.
 *
 * Errors are sticky: after the first, nothing more is written, and every call returns -1. The file may then end inside
 * a record; readers take it for a file that is still being written.
 */
#ifndef TB_H
#define TB_H

#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TB_MAX_TAG = 1024 }; /* bytes of a tag */

struct tb_writer;

/* Opens a new file in dir, events.out.tfevents.NNNNNNNNNN.unmask. Its number is one above the highest there, so files
 * sort in the order of creation, even if some were deleted, and none is overwritten. first_step >= 0 (a resumed run):
 * tells TensorBoard, which drops data of earlier files for this step and later ones; its fast loader ignores this, but
 * drops them from a curve when the curve continues. NULL with a line in err that names dir: it does not exist, cannot
 * be read or written, its name is too long, or out of memory. */
struct tb_writer *tb_open(const char *dir, int64_t first_step, struct err *err);
/* Adds a number to the curve `tag` (UTF-8), stored as a float; NaN and infinities are written unchanged. A tag longer
 * than TB_MAX_TAG is an error. */
int tb_scalar(struct tb_writer *w, const char *tag, int64_t step, double value);
/* Adds the distribution of n values in 30 buckets of equal width between the smallest and the largest, or one bucket if
 * these are equal. Values that are not finite are left out and not counted. If n = 0 or nothing is finite: one empty
 * bucket, num = min = max = 0. */
int tb_histogram(struct tb_writer *w, const char *tag, int64_t step, const float *v, size_t n);
/* Passes the buffer to the kernel. */
int tb_flush(struct tb_writer *w);
/* Flushes and frees. -1: something has failed; this frees the error's text, so to print it, flush first. Accepts NULL
 * (0). */
int tb_close(struct tb_writer *w);
/* The first failure, a line that names the file; NULL if there is none. */
const char *tb_error(const struct tb_writer *w);

/* CRC-32C (Castagnoli) of len bytes. */
uint32_t tb_crc32c(const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
