/* SPDX-License-Identifier: MIT
 *
 * ts_reading_internal: a reader, and how its records are taken off it. ts_reader.c does that, and reads headers and
 * rows; ts_reader_set.c reads tensor kinds.
 */
#ifndef TS_READING_INTERNAL_H
#define TS_READING_INTERNAL_H

#include <xxhash.h>

#include "ts/ts_internal.h"

enum { READ_SIZE = 256 << 10 };

struct ts_reader {
	ssize_t (*read)(void *ctx, void *buf, size_t len);
	void *ctx;
	int fd; /* ours to close, or -1 */
	char *name;
	unsigned char *room;      /* what was read, cap bytes */
	const unsigned char *buf; /* room, or a whole stream in memory, borrowed: not consumed yet is buf[start..len) */
	size_t start, len, cap;
	uint64_t offset; /* of buf[start] in the stream */
	XXH3_state_t *hash;
	struct ts_header header;
	bool have_header, eof, ended;
	uint64_t rows;
	size_t field, have; /* tensor kinds: the field in work, and its rows that are there */
	size_t part;        /* bytes of the record in work that ts_reader_part()'s reader has not taken */
	char error[ERR_TEXT];
	char told[64]; /* the program that failed and has said why; empty: none */
};

/* Fails, at byte `at` of the stream. -1. */
int ts_reading_fail_at(struct ts_reader *r, uint64_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Fails: it ends inside a record. -1. */
int ts_reading_cut_off(struct ts_reader *r);
/* Reads some more bytes behind those that are there. 1, 0 at the end, -1. */
int ts_reading_fill(struct ts_reader *r);
/* `size` bytes of the buffer are done with; END's alone are not hashed. */
void ts_reading_consume(struct ts_reader *r, size_t size, bool hashed);
/* The next record: 1, then *u borrows from the buffer until ts_reading_done_record(); 0 after END; -1. */
int ts_reading_next_record(struct ts_reader *r, msgpack_unpacked *u, size_t *size);
void ts_reading_done_record(struct ts_reader *r, msgpack_unpacked *u, size_t size);

#endif
