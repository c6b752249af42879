/* SPDX-License-Identifier: MIT
 *
 * report_rows: a stream as text: its header and history, and its rows and tensors, one per line: JSON, or cells
 * separated by tabs.
 */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include <stdbool.h>
#include <stdio.h>

#include "report/report_classes.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything but the data: kind, number of rows, fields, meta, as one object. */
void report_header_json(FILE *f, const struct ts_header *h, uint64_t rows);
/* A step of the history as an object, without a newline. */
void report_step_json(FILE *f, const struct ts_step *s);
/* One line per step: its id and those of the steps before it, program and version, arguments; with --json an object. */
void report_history(FILE *f, const struct ts_header *h);
/* Row i of b: an object of all columns, arrays as nested lists, with these class names. */
void report_row_json(FILE *f, const struct ts_batch *b, size_t i, const struct report_classes *classes);
/* The names of the columns that have one number or one string per row; report_row_tsv() writes row i of them. */
void report_names_tsv(FILE *f, const struct ts_header *h);
void report_row_tsv(FILE *f, const struct ts_batch *b, size_t i, const struct report_classes *classes);

/* Sum, smallest and largest element, in double; NaN: no elements. */
struct report_range {
	double sum, least, most;
	int digits; /* digits with which smallest and largest read back to the same bits */
};
struct report_range report_range(const struct ts_tensor *t);
/* Name, type, shape and range. */
void report_tensor_json(FILE *f, const struct ts_tensor *t);
void report_tensor_tsv(FILE *f, const struct ts_tensor *t);

#ifdef __cplusplus
}
#endif
#endif
