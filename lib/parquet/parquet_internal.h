/* SPDX-License-Identifier: MIT
 *
 * parquet_internal: shared by the files of lib/parquet: Thrift's compact form, chunks of columns, pages, compression.
 */
#ifndef PARQUET_INTERNAL_H
#define PARQUET_INTERNAL_H

#include "parquet/parquet.h"

/* ---- Thrift's compact form (parquet_thrift.c) ---- */

/* Bytes that are read front to back. Invalid data sets `bad`, and everything after it reads as zeros. */
struct thrift {
	const unsigned char *p, *end;
	bool bad;
};
enum {
	THRIFT_STOP,
	THRIFT_TRUE,
	THRIFT_FALSE,
	THRIFT_I8,
	THRIFT_I16,
	THRIFT_I32,
	THRIFT_I64,
	THRIFT_DOUBLE,
	THRIFT_BINARY,
	THRIFT_LIST,
	THRIFT_SET,
	THRIFT_MAP,
	THRIFT_STRUCT
};
struct thrift_field {
	int id, type;
};
/* The next field of a struct; f is all zero before the first; false: there are no more. */
bool thrift_next(struct thrift *t, struct thrift_field *f);
/* The value of the current field; sets `bad` if it has another type. */
int64_t thrift_int(struct thrift *t, const struct thrift_field *f);
bool thrift_bool(struct thrift *t, const struct thrift_field *f);
const unsigned char *thrift_binary(struct thrift *t, const struct thrift_field *f, size_t *n); /* borrowed */
/* The number of elements, which follow one by one; their type becomes f->type. */
size_t thrift_list(struct thrift *t, struct thrift_field *f);
/* Enters a struct; sets `bad` if the field is not one. */
void thrift_struct(struct thrift *t, const struct thrift_field *f);
void thrift_skip(struct thrift *t, const struct thrift_field *f);
uint64_t thrift_varint(struct thrift *t);

/* ---- chunks and pages ---- */

enum {
	PARQUET_PLAIN_CODEC,
	PARQUET_SNAPPY,
	PARQUET_GZIP,
	PARQUET_LZO,
	PARQUET_BROTLI,
	PARQUET_LZ4,
	PARQUET_ZSTD,
	PARQUET_LZ4_RAW
};

struct parquet_chunk { /* of one column in one group of rows */
	int codec;
	bool elsewhere;                          /* in another file */
	int64_t values, bytes, data, dictionary; /* number of values, compressed bytes; where pages begin (0: none) */
};

struct parquet_group { /* of rows */
	int64_t rows;
	struct parquet_chunk *chunks; /* (columns) */
};

struct parquet_meta {
	char *key, *value;
};

struct parquet {
	struct parquet_from from;
	int64_t rows;
	struct parquet_column *columns;
	struct parquet_group *groups;
	struct parquet_meta *metas;
	size_t n_columns, n_groups, n_metas;
};
enum { PARQUET_MAGIC = 4, PARQUET_TAIL = 8 }; /* bytes before and behind all others */

/* The rows of numbers that have been decoded. */
struct parquet_lists {
	uint64_t rows, width, in_row; /* width: of the first row; in_row: numbers of the last row */
	bool unfit;                   /* rows differ in width, or there is a null */
};
/* A new row begins, or the last one has ended. -1 with err: the one before it is not as wide as the first. */
int parquet_row_ends(struct parquet_lists *l, struct err *err);

/* Decodes a column's pages and appends the rows to v. lists not NULL: appends numbers to v->bytes, counts them in v->n,
 * and rows in *lists. -1 with err: damaged, v->unread, or lists->unfit. */
int parquet_pages(const struct parquet_column *c, const struct parquet_chunk *k, const unsigned char *p, size_t n,
		  size_t limit, struct parquet_values *v, struct parquet_lists *lists, struct err *err);
/* Makes room for `more` bytes after v->used. -1 with err: more than limit, out of memory. */
int parquet_room(struct parquet_values *v, size_t more, size_t limit, struct err *err);

/* Bytes of a number; of PARQUET_BYTES those of its length, which stands before it. */
static inline size_t parquet_size(const struct parquet_column *c)
{
	return c->meaning == PARQUET_HALF ? 2 : c->type == PARQUET_INT64 || c->type == PARQUET_DOUBLE ? 8 : 4;
}

/* ---- runs (parquet_runs.c) ---- */

/* Runs of numbers of `width` bits: varint n; if even, n / 2 times the number that follows in whole bytes, otherwise n /
 * 2 times eight packed numbers, low bits first. */
struct parquet_runs {
	struct thrift t;
	unsigned width;
	uint64_t left;           /* numbers left in this run */
	bool packed;             /* the run is packed numbers, */
	const unsigned char *at; /* which begin here, */
	uint64_t bit;            /* and continue at this bit; */
	uint32_t value;          /* otherwise all are this value */
};
/* The next number; false: there are no more. */
bool parquet_run_next(struct parquet_runs *r, uint32_t *v);

static inline uint32_t parquet_u32(const unsigned char *p) /* little-endian */
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- compression (parquet_codec.c) ---- */

/* -1 with err: unsupported, or its library is missing. */
int parquet_codec_check(int codec, struct err *err);
/* Decompresses n bytes to exactly `want`. -1 with err. */
int parquet_unpack(int codec, const unsigned char *p, size_t n, unsigned char *to, size_t want, struct err *err);

#endif
