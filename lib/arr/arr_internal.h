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
/* How many of the columns c, c+1, ... (below n_c) are one array, as arr.h says; name_of: a column's name. -1 with err:
 * its columns are followed by others of it, whose numbers do not go on. */
long arr_group(const char *(*name_of)(const void *table, size_t c), const void *table, size_t c, size_t n_c,
	       struct err *err) TS_CHECKED;
/* The length of the array's name, which is that of a column without its number. */
size_t arr_group_base(const char *name);
enum { ARR_MANY = 8 }; /* columns that are one array under any name */
/* What is odd about numeric a (n,C) if it is to be logits, after "'NAME' ": they are probabilities, or logarithms of
 * these, of which scores would be wrong and look right. NULL: nothing. Looks at the first rows. */
const char *arr_logits_odd(const struct arr *a);
/* The names for arrays of each role; NULL ends a list. */
enum { ARR_WORDS = 10 };
extern const char *const arr_words[ARR_ROLES][ARR_WORDS];
/* Does the name contain a word (letters and digits) of the list, which NULL ends? Case is ignored. */
bool arr_has_word(const char *name, const char *const *words);
/* Does the name say that the array has this role? What a model says is no label, nor the name of a row: y_pred, which
 * has words of both, are predictions. */
bool arr_may_be_called(const char *name, enum arr_role role);
/* Is the name's last word one of these? NULL ends them, and case is ignored, as above. */
bool arr_ends_with_word(const char *name, const char *const *words);
/* Is it a word of this role and nothing else? What is called so is that: with ARR_NAME it names rows, also where all of
 * it is numbers: a table's are its text, as 0012 is not 12, and others are no scores. */
bool arr_is_called(const char *name, enum arr_role role);

#endif
