/* SPDX-License-Identifier: MIT
 *
 * ds_pickle: reads the data in a Python pickle (protocols 2 to 4) and nothing but data: numbers,
 * strings, bytes, lists, tuples, dictionaries and NumPy arrays. A pickle is a program; every opcode
 * that would call anything else is refused by name, so a hostile file executes nothing. Memory is
 * bounded: DS_MAX_VALUES of about 150 bytes, and 20 times the file's size at the very worst.
 */
#ifndef DS_PICKLE_H
#define DS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DS_MAX_VALUES = 1 << 20 };         /* in one pickle; CIFAR-100 has 150 thousand */

enum ds_value_type { DS_NONE, DS_INT, DS_FLOAT, DS_STR, DS_LIST, DS_DICT, DS_ARRAY, DS_CALLABLE };

struct ds_value {
	enum ds_value_type type;
	int64_t i;                        /* DS_INT; booleans are 0 and 1 */
	double f;                         /* DS_FLOAT */
	const char *s;                    /* DS_STR (text or bytes), DS_ARRAY's data, DS_CALLABLE's
					     "module name"; not ended by a NUL but for the last; borrowed
					     from the pickle's bytes where possible */
	size_t n;                         /* bytes of s; DS_LIST: items; DS_DICT: keys and values */
	struct ds_value **item;           /* DS_LIST (tuples too); DS_DICT: key, value, key, value... */
	size_t cap;
	char dtype[8];                    /* DS_ARRAY: "u1", "<i8", ... */
	int ndim;
	int64_t shape[4];                 /* DS_ARRAY; their product fits n */
	bool fortran;                     /* DS_ARRAY: the first index runs fastest */
};

struct ds_pickle;

/* Reads len bytes, which must outlive the result. NULL with a line in err (size DS_ERR). */
struct ds_pickle *ds_pickle_read(const void *data, size_t len, char *err);
void ds_pickle_free(struct ds_pickle *p);
/* What was pickled; borrowed. */
const struct ds_value *ds_pickle_root(const struct ds_pickle *p);
/* The value of a key in a dictionary, or NULL. */
const struct ds_value *ds_value_get(const struct ds_value *dict, const char *key);

#ifdef __cplusplus
}
#endif
#endif
