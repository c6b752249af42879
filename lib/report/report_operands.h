/* SPDX-License-Identifier: MIT
 *
 * report_operands: OOD sets as they are given on a command line, [near:|far:][NAME=]FILE.
 */
#ifndef REPORT_OPERANDS_H
#define REPORT_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli_table.h"
#include "err/err.h"
#include "ood/eval/ood_eval.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The groups that sets are averaged over; their names are the labels of those rows. */
enum { REPORT_NEAR, REPORT_FAR, REPORT_ALL };
extern const char *const report_groups[OOD_MAX_GROUPS];
bool report_is_average(const char *set); /* whether it is one of these names */
/* Is it an OOD set: no average, and not all of them pooled? */
bool report_is_set(const char *name);
/* Does a table in this format have averages over n sets? To people, those over the only set would show its numbers
 * again. Programs look for them. */
bool report_has_averages(size_t n, enum cli_format format);

struct report_operand {
	char *name;
	const char *path; /* borrowed from the command line */
	unsigned groups;  /* a bit for each of the above */
	size_t n;         /* rows, filled in later */
	uint64_t hash;    /* of the scores (ood_scores_hash()), filled in later */
};

/* Parses n operands into a new array. A file without NAME is named after its base name without extension. id_path: that
 * of the ID set, because standard input can be read only once. -1: there are none, or out of memory; a name appears
 * twice, is that of another row, or contains control characters. */
int report_operands_new(struct report_operand **ret, int n, char **args, const char *id_path, struct err *err)
	__attribute__((warn_unused_result));
/* Whether one of the n sets has the very scores of the ID set, or two have the same, which falsifies averages. words
 * then says which. */
bool report_operands_alike(const struct report_operand *in, size_t n, uint64_t id, struct err *words);
void report_operands_free(struct report_operand *in, int n);

#ifdef __cplusplus
}
#endif
#endif
