/* SPDX-License-Identifier: MIT
 *
 * ood_set: a scores stream, read whole into one array a method: 4 bytes a row and method.
 */
#ifndef OOD_SET_H
#define OOD_SET_H

#include <stddef.h>
#include <stdint.h>

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ood_set {
	size_t n;                         /* rows */
	float **scores;                   /* n_methods arrays of n, sorted ascending */
	size_t n_methods;
	uint64_t labelled, right;         /* rows with a label; those whose pred is equal to it */
};

/* Names of the score columns of a header (<f4, one a row), in its order; an array that the caller
 * frees with ts_strs_free(). -1: out of memory. */
int ood_set_methods(const struct ts_header *h, char ***ret, size_t *n) TS_CHECKED;
/* Fails, in r, if its stream has scores that are not among methods[0..n-1], the ID set's. */
int ood_set_no_more(struct ts_reader *r, char *const *methods, size_t n) TS_CHECKED;
/* Reads r to END into *set, the columns called methods[0..n-1]. -1: r has failed and says why: no
 * such column, NaN, no rows. What it leaves in *set is released either way. */
int ood_set_read(struct ood_set *set, struct ts_reader *r, char *const *methods,
		 size_t n) TS_CHECKED;
void ood_set_release(struct ood_set *set);

#ifdef __cplusplus
}
#endif
#endif
