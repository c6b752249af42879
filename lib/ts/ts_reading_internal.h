/* SPDX-License-Identifier: MIT
 *
 * ts_reading_internal: a reader, and how records are taken off it. ts_reader.c does that, and reads headers and rows;
 * ts_reader_set.c reads tensor kinds.
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
	const unsigned char *buf; /* room, or a whole borrowed stream in memory; buf[start..len) is not consumed yet */
	size_t start, len, cap;
	uint64_t offset; /* of buf[start] in the stream */
	XXH3_state_t *hash;
	struct ts_header header;
	bool have_header, eof, ended;
	uint64_t rows;
	size_t field, have; /* tensor kinds: the current field, and how many of its rows have been read */
	size_t part;        /* bytes of the current record that ts_reader_part()'s reader has not taken yet */
	char error[ERR_TEXT];
	char told[64]; /* the program that failed and has told the user why; empty: none */
};

/* Fails at byte `at` of the stream. Returns -1. */
int ts_reading_fail_at(struct ts_reader *r, uint64_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Fails because the stream ends inside a record. Returns -1. */
int ts_reading_cut_off(struct ts_reader *r);
/* Reads some more bytes into the buffer. 1; 0 at the end; -1. */
int ts_reading_fill(struct ts_reader *r);
/* Drops `size` bytes of the buffer; only END's bytes are not hashed. */
void ts_reading_consume(struct ts_reader *r, size_t size, bool hashed);
/* The next record: 1, then *u borrows from the buffer until ts_reading_done_record(); 0 after END; -1. */
int ts_reading_next_record(struct ts_reader *r, msgpack_unpacked *u, size_t *size);
void ts_reading_done_record(struct ts_reader *r, msgpack_unpacked *u, size_t size);

#endif
