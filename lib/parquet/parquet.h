/* SPDX-License-Identifier: MIT
 *
 * parquet: reads columns of Parquet files, as far as sets of images have them: numbers and byte strings that are not
 * repeated, INT32, INT64 and BYTE_ARRAY, plain or with a dictionary, in pages of version 1 or 2, not compressed or by
 * snappy or zstd. What else a file has is passed over, and what a column that is asked for has else is refused by name.
 *
 *	p = parquet_open(&from, &err);
 *	for (i = 0; i < parquet_columns(p); i++) ... parquet_column(p, i)->path ...
 *	parquet_read(p, i, limit, &v, &err);
 *
 * Format: https://github.com/apache/parquet-format. Any bytes may come: sizes are checked before they are used.
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

/* Where the bytes are: read() puts n of them, from `at` on, to `to`; -1 with err. It is asked for none beyond size. */
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

struct parquet_column {
	char *path;             /* its names from the root on, "image.bytes" */
	int type;               /* enum parquet_type */
	int optional, repeated; /* how many of its names are */
};

struct parquet;
/* NULL with err: no Parquet file, damaged, encrypted, no memory. from is copied. */
struct parquet *parquet_open(const struct parquet_from *from, struct err *err);
void parquet_close(struct parquet *p);
/* Does it begin like one? 4 bytes are enough. */
bool parquet_is(const void *head, size_t n);
uint64_t parquet_rows(const struct parquet *p);
size_t parquet_columns(const struct parquet *p);
const struct parquet_column *parquet_column(const struct parquet *p, size_t i);
/* The number of the column with this path, or -1. */
long parquet_find(const struct parquet *p, const char *path);
/* What the file's metadata says under this key, or NULL. Borrowed. */
const char *parquet_meta(const struct parquet *p, const char *key);

/* All values of a column, one for each row. */
struct parquet_values {
	uint64_t n;
	int64_t *number;      /* (n) of numbers; of bytes where each begins in `bytes`; -1 of bytes: null */
	uint32_t *length;     /* (n) of bytes; of numbers 1, or 0: null */
	unsigned char *bytes; /* of the whole column */
	size_t used, cap;
};
/* Bytes of a column, unpacked, are at most `limit`. -1 with err, which names the column; *v is released then. */
int parquet_read(const struct parquet *p, size_t column, size_t limit, struct parquet_values *v, struct err *err);
void parquet_values_release(struct parquet_values *v);

#ifdef __cplusplus
}
#endif
#endif
