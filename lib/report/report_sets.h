/* SPDX-License-Identifier: MIT
 *
 * report_sets: OOD sets as they are named on a command line, [near:|far:][NAME=]FILE.
 */
#ifndef REPORT_SETS_H
#define REPORT_SETS_H

#include <stddef.h>

#include "ood/eval/ood_eval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The groups that sets are averaged over, and what their rows are called. */
enum { REPORT_NEAR, REPORT_FAR, REPORT_ALL };
extern const char *const report_groups[OOD_MAX_GROUPS];

struct report_set {
	char *name;                       /* freed by the caller */
	const char *path;
	unsigned groups;                  /* a bit for each of the above */
	size_t n;                         /* rows, filled in later */
};

/* Takes n operands apart; a new array. A file without NAME is called as its base name without extension.
 * id_path: that of the ID set, for standard input can be read once. Usage error (exit 2): none, names that
 * are there twice, are those of other rows, or hold control characters. */
struct report_set *report_sets(int n, char **args, const char *id_path);

#ifdef __cplusplus
}
#endif
#endif
