/* SPDX-License-Identifier: MIT
 *
 * ood_column: reads one column of scores, a number at a time, from a stream or from text with one number per line. The
 * input need not end: each number is returned as soon as it arrives.
 */
#ifndef OOD_COLUMN_H
#define OOD_COLUMN_H

#include "ood/eval/ood_input.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_column {
	struct ood_input *in;
	struct ts_batch b;
	size_t at, i; /* the column's number; rows of b returned so far */
	uint64_t row; /* rows returned so far */
	bool floats;  /* its numbers are <f4 or <f2 */
	bool round;   /* for the caller to set: return numbers rounded to floats, because others are that they meet */
};

/* Opens path; NULL or "-" is standard input. name: the column's, or NULL for the only one; text has just one.
 * Everything read is also written to copy, unless it is NULL. -1: err says why. Call ood_column_close() either way. */
int ood_column_open(struct ood_column *c, const char *path, const char *name, struct ts_file *copy,
		    struct err *err) TS_CHECKED;
/* The next number. 1; 0: there are no more; -1: err says why. */
int ood_column_next(struct ood_column *c, double *ret, struct err *err) TS_CHECKED;
void ood_column_close(struct ood_column *c);
/* Where a column comes from. For text nothing is known, and name is "". */
struct ood_origin {
	char name[TS_MAX_NAME + 1];
	bool floats;             /* as in struct ood_column */
	struct ts_header header; /* its meta alone */
};
/* Returns all n numbers of the column in a new array and puts its origin into *from, which the caller releases either
 * way. NULL: err says why; having no rows is an error, too. */
double *ood_column_read(const char *path, const char *name, size_t *n, struct ood_origin *from,
			struct err *err) TS_CHECKED;
/* Checks that the column has the same name as the one that *from describes and was made the same way (ood_identity.h).
 * */
int ood_column_same(const struct ood_column *c, const struct ood_origin *from, struct err *err) TS_CHECKED;
void ood_origin_release(struct ood_origin *from);

#ifdef __cplusplus
}
#endif
#endif
