/* SPDX-License-Identifier: MIT
 * What the readers of files share: arrays on their way into a set. */
#ifndef ARR_INTERNAL_H
#define ARR_INTERNAL_H

#include "arr/arr.h"

/* Makes the set own p, from malloc(), which is freed here if that fails. */
int arr_keep_take(struct arr_set *s, void *p, struct err *err) TS_CHECKED;
/* Adds a copy of *a under this name. -1 with err: no name of a field, or there already. */
int arr_add(struct arr_set *s, const struct arr *a, const char *name, struct err *err) TS_CHECKED;
/* The n bytes of a table. name: what its columns are called that have no name. */
int arr_table(struct arr_set *s, const char *name, const unsigned char *p, size_t n, struct err *err) TS_CHECKED;
/* What arrays of each role are called, NULL behind. */
enum { ARR_WORDS = 10 };
extern const char *const arr_words[ARR_ROLES][ARR_WORDS];
/* Does the name hold a word (letters and digits) of the list, which NULL ends? Case does not count. */
bool arr_has_word(const char *name, const char *const *words);

#endif
