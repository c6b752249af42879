/* SPDX-License-Identifier: MIT
 *
 * pickle: reads the data in a Python pickle (protocols 2 to 5) and nothing else: numbers, strings, bytes, lists,
 * tuples, sets, dictionaries, NumPy arrays, and objects as their parts. A pickle is a program; nothing in it is ever
 * called. The caller passes a table of allowed names, with the inert value that each makes here. Every other name is
 * refused by name or, if the table ends in PICKLE_OTHERS, makes an inert object, too (pickle_unknown() lists them).
 * Every opcode that data does not need is refused by number. So a hostile file executes nothing.
 *
 * Memory is bounded: PICKLE_MAX_VALUES values of about 150 bytes, and at worst 30 times the pickle's size.
 */
#ifndef PICKLE_H
#define PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PICKLE_MAX_VALUES = 1 << 20 }; /* in one pickle; CIFAR-100 has 150 thousand */

/* What a callable makes from its arguments, instead of being called. */
enum pickle_makes {
	PICKLE_MAKES_NOTHING, /* a name that is data itself, such as torch.FloatStorage; calling it
					     is refused */
	PICKLE_MAKES_OBJECT,  /* a PICKLE_OBJECT: its name, its arguments, and its state if it has one */
	PICKLE_MAKES_DICT,    /* a dictionary: empty, or from the dictionary or pairs in its arguments */
	PICKLE_MAKES_LIST,    /* a list: empty, or the one in its arguments */
	PICKLE_MAKES_DTYPE,   /* its first argument, which must be a string; i is '>' if that is its state's byte
			       * order */
	PICKLE_MAKES_BYTES,   /* _codecs.encode(text, "latin1"), bytes(), bytearray(...): bytes in protocol 2 */
	PICKLE_MAKES_ARRAY,   /* a NumPy array, filled by its state */
	PICKLE_MAKES_BUFFER,  /* a NumPy array: (bytes, dtype, shape, "C" or "F"), as in protocol 5 */
	PICKLE_MAKES_SCALAR   /* (dtype, bytes): a NumPy number, as PICKLE_INT or PICKLE_FLOAT */
};
struct pickle_name {
	const char *name; /* "module name"; NULL ends a table */
	enum pickle_makes makes;
};
/* Rows of a table for NumPy arrays and bytes. */
#define PICKLE_NUMPY \
	{ "numpy.core.multiarray _reconstruct", PICKLE_MAKES_ARRAY }, \
		{ "numpy._core.multiarray _reconstruct", PICKLE_MAKES_ARRAY }, \
		{ "numpy.core.numeric _frombuffer", PICKLE_MAKES_BUFFER }, \
		{ "numpy._core.numeric _frombuffer", PICKLE_MAKES_BUFFER }, \
		{ "numpy.core.multiarray scalar", PICKLE_MAKES_SCALAR }, \
		{ "numpy._core.multiarray scalar", PICKLE_MAKES_SCALAR }, { "numpy ndarray", PICKLE_MAKES_NOTHING }, \
		{ "numpy dtype", PICKLE_MAKES_DTYPE }, { "__builtin__ bytes", PICKLE_MAKES_BYTES }, \
		{ "builtins bytearray", PICKLE_MAKES_BYTES }, { "__builtin__ bytearray", PICKLE_MAKES_BYTES }, \
	{ \
		"_codecs encode", PICKLE_MAKES_BYTES \
	}
/* The last row of a table: any other name makes an inert object. If it gets items, it is a dictionary or a list of
 * them. */
#define PICKLE_OTHERS \
	{ \
		"*", PICKLE_MAKES_OBJECT \
	}

enum pickle_type {
	PICKLE_NONE,
	PICKLE_INT,
	PICKLE_FLOAT,
	PICKLE_STR,
	PICKLE_LIST,
	PICKLE_DICT,
	PICKLE_ARRAY,
	PICKLE_NAME,
	PICKLE_OBJECT,
	PICKLE_PERSISTENT,
	PICKLE_LONG
};

struct pickle_value {
	enum pickle_type type;
	int64_t i;                  /* PICKLE_INT; booleans are 0 and 1 */
	double f;                   /* PICKLE_FLOAT */
	const char *s;              /* PICKLE_STR (text or bytes), PICKLE_ARRAY's data, PICKLE_LONG (an
					     integer of more than 8 bytes, little-endian); borrowed from
					     the pickle's bytes where possible, not NUL-terminated.
					     PICKLE_NAME, PICKLE_OBJECT: the table's "module name" */
	size_t n;                   /* bytes of s; items */
	struct pickle_value **item; /* PICKLE_LIST (tuples, sets too); PICKLE_DICT: key, value, key,
					     value...; PICKLE_OBJECT: a list of arguments, the state if any;
					     PICKLE_PERSISTENT: the id of something stored elsewhere */
	size_t cap;
	char dtype[8]; /* PICKLE_ARRAY: "u1", "<i8", ... */
	int ndim;
	int64_t shape[4]; /* PICKLE_ARRAY; their product agrees with n */
	bool fortran;     /* PICKLE_ARRAY: the first index varies fastest */
};

struct pickle;

/* Reads len bytes, which must outlive the result; bytes after the pickle's end are ignored. names: the table, which
 * must outlive it, too. NULL with a line in err. */
struct pickle *pickle_read(const void *data, size_t len, const struct pickle_name *names, struct err *err);
void pickle_free(struct pickle *p);
/* Do these bytes look like the beginning of a pickle of protocol 2 to 5? */
bool pickle_starts(const unsigned char *p, size_t n);
/* The pickled value; borrowed. It may contain itself. */
const struct pickle_value *pickle_root(const struct pickle *p);
/* Bytes of the pickle, including its end. */
size_t pickle_size(const struct pickle *p);
/* The i-th persistent id in the pickle; NULL after the last. */
const struct pickle_value *pickle_persistent(const struct pickle *p, size_t i);
/* The value of a key in a dictionary, or NULL. */
const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key);
/* The i-th name, "module name", that only PICKLE_OTHERS matched, each once; NULL after the last. Beyond
 * PICKLE_MAX_UNKNOWN, the rest are called "others". */
enum { PICKLE_MAX_UNKNOWN = 64 };
const char *pickle_unknown(const struct pickle *p, size_t i);
/* Is it this string? */
bool pickle_is(const struct pickle_value *v, const char *s);

#ifdef __cplusplus
}
#endif
#endif
