/* SPDX-License-Identifier: MIT
 *
 * ood_column: one column of scores, a number at a time: of a stream, or of text with one number per line. It need not
 * end; a number is given as soon as it has come.
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
	size_t at, i; /* the column's number; rows of b that have been given */
	uint64_t row; /* rows given so far */
};

/* Opens path; NULL or "-" is standard input. name: of the column, NULL: the only one; of text, its one. All that is
 * read goes to copy too (NULL: it does not). -1: err says why. ood_column_close() either way. */
int ood_column_open(struct ood_column *c, const char *path, const char *name, struct ts_file *copy,
		    struct err *err) TS_CHECKED;
/* The next number. 1; 0: there are no more; -1: err says why. */
int ood_column_next(struct ood_column *c, double *ret, struct err *err) TS_CHECKED;
void ood_column_close(struct ood_column *c);
/* What a column is of; of text nothing is known, and name is "". */
struct ood_origin {
	char name[TS_MAX_NAME + 1];
	struct ts_header header; /* its meta alone */
};
/* All numbers of the column, n of them, into an array that is new, and what it is of into *from, which the caller
 * releases either way. NULL: err says why; no rows are an error too. */
double *ood_column_read(const char *path, const char *name, size_t *n, struct ood_origin *from,
			struct err *err) TS_CHECKED;
/* Checks that the column is of the same name and made alike (ood_identity.h) as the one that *from is of. */
int ood_column_same(const struct ood_column *c, const struct ood_origin *from, struct err *err) TS_CHECKED;
void ood_origin_release(struct ood_origin *from);

#ifdef __cplusplus
}
#endif
#endif
