/* SPDX-License-Identifier: MIT
 *
 * report_state: states as text: the output of um-ckpt show and diff.
 */
#ifndef REPORT_STATE_H
#define REPORT_STATE_H

#include <stdio.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the contents of the file at path (NULL, "-": standard input), ours or another program's (net_foreign.h, with
 * key): "# key<TAB>JSON" for its format and each entry of its meta except run state, then a table with a row per
 * tensor: name, type, shape, elements, sum, smallest, largest. With --json an object of everything but the tensors,
 * then one per tensor. */
int report_state(FILE *f, const char *path, const char *key, struct err *err) __attribute__((warn_unused_result));
/* Writes a row, with --json an object, for each tensor that differs between two files: name and largest absolute
 * difference, or what else differs. Differences up to tolerance are ignored; different types and shapes never are.
 * *rows: how many. Warns if both are checkpoints and their architectures, inputs or classes differ. */
int report_state_diff(FILE *f, const char *a, const char *b, const char *key, double tolerance, size_t *rows,
		      struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
