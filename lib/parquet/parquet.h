/* SPDX-License-Identifier: MIT
 *
 * parquet: reads columns of Parquet files, as far as sets of images and tables of numbers need it: INT32, INT64,
 * BYTE_ARRAY, and of numbers also FLOAT, DOUBLE, half floats and lists, plain or with a dictionary, in pages of version
 * 1 or 2, uncompressed or compressed by snappy, zstd or gzip. Columns of anything else cannot be read, and those beside
 * them can.
 *
 *	p = parquet_open(&from, &err);
 *	for (i = 0; i < parquet_columns(p); i++) ... parquet_column(p, i)->path ...
 *	parquet_read(p, i, limit, &v, &err);
 *
 * Format: https://github.com/apache/parquet-format. The input is not trusted: sizes are checked before they are used.
 */
#ifndef PARQUET_H
#define PARQUET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The source of the bytes: read() copies n of them, starting at `at`, to `to`; -1 with err. It is never asked for bytes
 * beyond size. */
struct parquet_from {
	int (*read)(void *ctx, uint64_t at, void *to, size_t n, struct err *err);
	void *ctx;
	uint64_t size;
};

enum parquet_type {
	PARQUET_BOOLEAN,
	PARQUET_INT32,
	PARQUET_INT64,
	PARQUET_INT96,
	PARQUET_FLOAT,
	PARQUET_DOUBLE,
	PARQUET_BYTES,
	PARQUET_FIXED
};

/* What a column's numbers or bytes stand for. */
enum parquet_meaning {
	PARQUET_ITSELF,
	PARQUET_TEXT,
	PARQUET_UNSIGNED,
	PARQUET_DECIMAL,
	PARQUET_TIME,
	PARQUET_HALF /* a half float; only of PARQUET_FIXED of two bytes */
};

struct parquet_column {
	char *path;             /* names from the root on, "image.bytes" */
	int type;               /* enum parquet_type */
	int optional, repeated; /* how many of these names are */
	int meaning;            /* enum parquet_meaning */
	size_t first;           /* bytes of the first of these names */
	int depth;              /* how many names there are; a list's are "features.list.element" */
};

struct parquet;
/* NULL with err: not a Parquet file, damaged, encrypted, out of memory. from is copied. */
struct parquet *parquet_open(const struct parquet_from *from, struct err *err);
void parquet_close(struct parquet *p);
/* Does it begin like a Parquet file? 4 bytes are enough. */
bool parquet_is(const void *head, size_t n);
uint64_t parquet_rows(const struct parquet *p);
size_t parquet_columns(const struct parquet *p);
const struct parquet_column *parquet_column(const struct parquet *p, size_t i);
/* The number of the column with this path, or -1. */
long parquet_find(const struct parquet *p, const char *path);
/* The value of this key in the file's metadata, or NULL. Borrowed. */
const char *parquet_meta(const struct parquet *p, const char *key);

/* All values of a column, one for each row. */
struct parquet_values {
	uint64_t n;
	int64_t *number;      /* (n) numbers; or for bytes their offset in `bytes`; -1 for null bytes */
	uint32_t *length;     /* (n) lengths of bytes; for numbers 1, or 0 for null */
	unsigned char *bytes; /* of the whole column */
	size_t used, cap;
	bool unread; /* the column needs what is not read */
};
/* A column's bytes, decompressed, are limited to `limit`. 0. 1: the column is of a type, encoding or compression that
 * is not read; err says which. -1 with err, which names the column: damaged, more than the limit, out of memory. Unless
 * 0, *v is released. */
int parquet_read(const struct parquet *p, size_t column, size_t limit, struct parquet_values *v, struct err *err);
void parquet_values_release(struct parquet_values *v);

/* All numbers of a column of INT32, INT64, FLOAT, DOUBLE or half floats, in little-endian order. */
struct parquet_numbers {
	uint64_t width;      /* numbers in a row; 1 if the column is no list */
	size_t size;         /* bytes of a number */
	unsigned char *data; /* (rows, width); the caller frees it */
	size_t bytes;
};
/* The same. 1 also for numbers that are not as many in each row, or nulls; err says in which row. */
int parquet_read_numbers(const struct parquet *p, size_t column, size_t limit, struct parquet_numbers *ret,
			 struct err *err);

#ifdef __cplusplus
}
#endif
#endif
