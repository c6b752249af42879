/* SPDX-License-Identifier: MIT
 * Shared by the readers of files: how arrays get into a set. */
#ifndef ARR_INTERNAL_H
#define ARR_INTERNAL_H

#include "arr/arr.h"

/* Makes the set own p, from malloc(), which is freed here on failure. */
int arr_keep_take(struct arr_set *s, void *p, struct err *err) TS_CHECKED;
/* Adds a copy of *a under this name. -1 with err: not a valid field name, or already there. */
int arr_add(struct arr_set *s, const struct arr *a, const char *name, struct err *err) TS_CHECKED;
/* Reads the n bytes of a table. name: for columns without a name. */
int arr_table(struct arr_set *s, const char *name, const unsigned char *p, size_t n, struct err *err) TS_CHECKED;
/* Reads the n bytes of a Parquet file. */
int arr_parquet(struct arr_set *s, const unsigned char *p, size_t n, struct err *err) TS_CHECKED;
/* The names for arrays of each role; NULL ends a list. */
enum { ARR_WORDS = 10 };
extern const char *const arr_words[ARR_ROLES][ARR_WORDS];
/* Does the name contain a word (letters and digits) of the list, which NULL ends? Case is ignored. */
bool arr_has_word(const char *name, const char *const *words);

#endif
