/* SPDX-License-Identifier: MIT
 *
 * report_state: states as text: what um-ckpt show and diff print.
 */
#ifndef REPORT_STATE_H
#define REPORT_STATE_H

#include <stdio.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is in the file at path (NULL, "-": standard input), of ours or of another program (net_foreign.h, with key):
 * "# key<TAB>JSON" for its format and each entry of its meta but run state, then a table with a row per tensor: name,
 * type, shape, elements, sum, smallest, largest. With --json an object of all but the tensors, then one per tensor. */
int report_state(FILE *f, const char *path, const char *key, struct err *err) __attribute__((warn_unused_result));
/* A row for each tensor that differs between two files, with --json an object: name and largest absolute difference,
 * or what else is wrong. Differences up to tolerance are none; other types and shapes always are. *rows: how many. */
int report_state_diff(FILE *f, const char *a, const char *b, const char *key, double tolerance, size_t *rows,
		      struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
