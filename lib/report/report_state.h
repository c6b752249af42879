/* SPDX-License-Identifier: MIT
 *
 * report_state: states as text: what um-ckpt show and diff print.
 */
#ifndef REPORT_STATE_H
#define REPORT_STATE_H

#include <stdio.h>

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "# key<TAB>JSON" for each entry of meta but run state, then a table with a row per tensor: name, type, shape,
 * elements, sum, smallest, largest. -1: out of memory. */
int report_state(FILE *f, const struct ts_meta *meta, const struct ts_set *state);
/* A row for each tensor that differs: name and largest absolute difference, or what else is wrong.
 * Differences up to tolerance are none; other types and shapes always are. Returns how many rows. */
size_t report_state_diff(FILE *f, const struct ts_set *a, const struct ts_set *b, double tolerance);

#ifdef __cplusplus
}
#endif
#endif
