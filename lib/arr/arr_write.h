/* SPDX-License-Identifier: MIT
 *
 * arr_write: writes the rows or the tensors of a stream as files of other programs: NumPy's .npy (one array) and .npz,
 * safetensors (which has no text), or a table. Every number keeps its type: doubles stay doubles. In .npz and
 * safetensors the last layer in meta (fc.weight, fc.bias) is written along with features. A table names the numbers of
 * a vector NAME.0, NAME.1, ... and writes as many digits as are needed to read back the same number. Equal streams give
 * equal bytes.
 */
#ifndef ARR_WRITE_H
#define ARR_WRITE_H

#include <stdbool.h>

#include "err/err.h"
#include "ts/ts.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

enum arr_format { ARR_NPY, ARR_NPZ, ARR_SAFETENSORS, ARR_CSV, ARR_TSV };
bool arr_is_table(enum arr_format f);

/* Writes all rows of a batch as arrays (rows, ...), or if that is NULL the tensors of a set, and those of meta. Does
 * not finish f. -1 with a line in err: more than one array for a file that holds one, or text where there can be
 * none. */
int arr_write(struct ts_file *f, enum arr_format format, const struct ts_batch *rows, const struct ts_set *set,
	      const struct ts_meta *meta, struct err *err) TS_CHECKED;
/* Writes the heading of a table; arr_write_rows() then writes its rows, batch by batch. */
int arr_write_heading(struct ts_file *f, enum arr_format format, const struct ts_header *h, struct err *err) TS_CHECKED;
int arr_write_rows(struct ts_file *f, enum arr_format format, const struct ts_batch *b, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
