/* SPDX-License-Identifier: MIT
 *
 * arr_write: rows of a stream, or the tensors of one, as files of other programs: NumPy's .npy (one array) and .npz,
 * safetensors (which has no text), or a table. Every number keeps its type: doubles stay doubles. The last layer in
 * meta (fc.weight, fc.bias) goes along with features in .npz and safetensors. A table names the numbers of a vector
 * NAME.0, NAME.1, ... and writes as many digits as read back to the same number. Equal streams give equal bytes.
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

/* All rows of a batch as arrays (rows, ...), or (NULL) the tensors of a set, and those of meta. f is not finished. -1
 * with a line in err: more than one array where one file holds one, text where there can be none. */
int arr_write(struct ts_file *f, enum arr_format format, const struct ts_batch *rows, const struct ts_set *set,
	      const struct ts_meta *meta, struct err *err) TS_CHECKED;
/* The names of a table, and then its rows, batch by batch. */
int arr_write_heading(struct ts_file *f, enum arr_format format, const struct ts_header *h, struct err *err) TS_CHECKED;
int arr_write_rows(struct ts_file *f, enum arr_format format, const struct ts_batch *b, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
