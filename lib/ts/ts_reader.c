/* SPDX-License-Identifier: MIT
 * Reading streams: bytes come in, the scanner finds a record's end, msgpack-c takes the record
 * apart. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ts/ts_foreign.h"
#include "ts/ts_hash.h"
#include "ts/ts_reading_internal.h"

static ssize_t read_fd(void *ctx, void *buf, size_t len)
{
	const struct ts_reader *r = ctx;
	ssize_t n;
	do
		n = read(r->fd >= 0 ? r->fd : STDIN_FILENO, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

int ts_reader_fail(struct ts_reader *r, const char *fmt, ...)
{
	char text[ERR_TEXT / 2];
	va_list ap;

	if (r->error[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(r->error, sizeof r->error, "'%s': %s", r->name, text);
	return -1;
}

int ts_reading_fail_at(struct ts_reader *r, uint64_t at, const char *fmt, ...)
{
	char text[ERR_TEXT / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return ts_reader_fail(r, "byte %llu: %s", (unsigned long long)at, text);
}

static struct ts_reader *reader_new(const char *name)
{
	struct ts_reader *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->fd = -1;
	r->name = strdup(name);
	r->hash = XXH3_createState();
	if (!r->name || !r->hash) {
		ts_reader_close(r);
		return NULL;
	}
	XXH3_64bits_reset(r->hash);
	return r;
}

struct ts_reader *ts_reader_open(const char *path)
{
	bool is_stdin = !path || strcmp(path, "-") == 0;
	struct ts_reader *r = reader_new(is_stdin ? "<stdin>" : path);

	if (!r)
		return NULL;
	r->read = read_fd;
	r->ctx = r;
	if (!is_stdin) {
		r->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (r->fd < 0)
			snprintf(r->error, sizeof r->error, "cannot open '%s': %s", path, strerror(errno));
	}
	return r;
}

struct ts_reader *ts_reader_open_fn(ssize_t (*fn)(void *, void *, size_t), void *ctx, const char *name)
{
	struct ts_reader *r = reader_new(name);
	if (!r)
		return NULL;
	r->read = fn;
	r->ctx = ctx;
	return r;
}

/* The buffer holds all of it from the beginning. */
struct ts_reader *ts_reader_open_bytes(const void *bytes, size_t n, const char *name)
{
	struct ts_reader *r = reader_new(name);

	if (r) {
		r->buf = bytes;
		r->len = n;
	}
	return r;
}

void ts_reader_close(struct ts_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	if (r->hash)
		XXH3_freeState(r->hash);
	ts_header_release(&r->header);
	free(r->room);
	free(r->name);
	free(r);
}

bool ts_reader_ready(const struct ts_reader *r)
{
	struct pollfd p = { .fd = r->fd >= 0 ? r->fd : STDIN_FILENO, .events = POLLIN };

	return r->error[0] || r->len > r->start || r->read != read_fd || poll(&p, 1, 0) != 0;
}

uint64_t ts_reader_rows(const struct ts_reader *r)
{
	return r->rows;
}

double ts_reader_expected(const struct ts_reader *r)
{
	struct stat st;

	if (r->read != read_fd || r->offset == 0 || fstat(r->fd >= 0 ? r->fd : STDIN_FILENO, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	return (double)r->rows * ((double)st.st_size / (double)r->offset);
}

const char *ts_reader_name(const struct ts_reader *r)
{
	return r->name;
}

const char *ts_reader_error(const struct ts_reader *r)
{
	return r->error[0] ? r->error : NULL;
}

const char *ts_reader_told(const struct ts_reader *r)
{
	return r->told[0] ? r->told : NULL;
}

/* Is the record the last word of a program that failed? Then r fails. Only the user it was meant for has seen that
 * program's message, so this counts only within the same pipe, not for a copy that is read later or elsewhere. */
static bool is_failure(struct ts_reader *r, const msgpack_object *o)
{
	const msgpack_object *who = ts_obj_get(o, TS_FAILED), *group = ts_obj_get(o, TS_GROUP);
	char name[33];

	if (o->via.map.size != 2 || !who || who->type != MSGPACK_OBJECT_STR || !who->via.str.size || !group ||
	    group->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return false; /* columns of these names would not be a string and a number */
	snprintf(name, sizeof name, "%.*s", (int)(who->via.str.size < 32 ? who->via.str.size : 32), who->via.str.ptr);
	ts_reader_fail(r, "%s failed, and said why", name);
	if (group->via.u64 == (uint64_t)getpgrp())
		memcpy(r->told, name, sizeof name);
	return true;
}

int ts_reading_fill(struct ts_reader *r)
{
	ssize_t n;

	if (!r->read) {
		r->eof = true;
		return 0;
	}
	if (r->start && r->cap - r->len < READ_SIZE) {
		memmove(r->room, r->room + r->start, r->len - r->start);
		r->len -= r->start;
		r->start = 0;
	}
	if (r->cap - r->len < READ_SIZE) {
		size_t cap = r->cap + (r->cap / 2 > READ_SIZE ? r->cap / 2 : READ_SIZE);
		unsigned char *room = realloc(r->room, cap);
		if (!room)
			return ts_reading_fail_at(r, r->offset, "out of memory");
		r->buf = r->room = room;
		r->cap = cap;
	}
	n = r->read(r->ctx, r->room + r->len, r->cap - r->len);
	if (n < 0)
		return ts_reader_fail(r, "cannot read: %s%s", strerror(errno),
				      errno == EISDIR ? "; ds-pack makes a stream of the images in a folder" : "");
	r->len += (size_t)n;
	r->eof = n == 0;
	return n > 0;
}

/* Fails at byte `at` because the data does not begin as a stream does; says what the file is, if known. */
static int no_stream(struct ts_reader *r, size_t at)
{
	const enum ts_foreign f = ts_foreign_of(r->buf + r->start, r->len - r->start);
	const char *name = ts_foreign_name(f), *remedy = ts_foreign_remedy(f);

	return ts_reading_fail_at(r, at, "not an unmask stream%s%s%s%s", name ? ", but " : "", name ? name : "",
				  remedy ? "; " : "", remedy ? remedy : "");
}

int ts_reading_cut_off(struct ts_reader *r)
{
	return ts_reading_fail_at(r, r->offset + (r->len - r->start),
				  "stream is cut off inside a record; the program that wrote it did not finish");
}

/* Brings one whole record into the buffer: r->buf + r->start, *size bytes. 1; 0: the stream stops at a record boundary;
 * -1. */
static int record(struct ts_reader *r, size_t limit, size_t *size)
{
	struct ts_scan scan;

	ts_scan_init(&scan, limit);
	for (;;) {
		int rc = r->len > r->start ? ts_scan_step(&scan, r->buf + r->start, r->len - r->start) : 0;
		if (rc < 0)
			return r->have_header ? ts_reading_fail_at(r, r->offset + scan.pos, "%s", scan.error) :
						no_stream(r, scan.pos);
		if (rc == 1)
			break;
		rc = ts_reading_fill(r);
		if (rc < 0)
			return -1;
		if (rc == 0 && r->len == r->start)
			return 0;
		if (rc == 0)
			return ts_reading_cut_off(r);
	}
	*size = scan.pos;
	return 1;
}

void ts_reading_consume(struct ts_reader *r, size_t size, bool hashed)
{
	if (hashed)
		XXH3_64bits_update(r->hash, r->buf + r->start, size);
	r->start += size;
	r->offset += size;
}

/* Unpacks the record at the front of the buffer. */
static int unpack(struct ts_reader *r, size_t size, msgpack_unpacked *u)
{
	size_t off = 0;
	int rc;

	msgpack_unpacked_init(u);
	rc = msgpack_unpack_next(u, (const char *)r->buf + r->start, size, &off);
	if (rc != MSGPACK_UNPACK_SUCCESS || off != size || u->data.type != MSGPACK_OBJECT_MAP) {
		msgpack_unpacked_destroy(u);
		return r->have_header ? ts_reading_fail_at(r, r->offset, "record is not a MessagePack map") :
					no_stream(r, 0);
	}
	return 0;
}

const struct ts_header *ts_reader_header(struct ts_reader *r)
{
	msgpack_unpacked u;
	struct err why;
	size_t size;
	int rc;

	if (r->error[0])
		return NULL;
	if (r->have_header)
		return &r->header;
	rc = record(r, TS_MAX_HEADER, &size);
	if (rc == 0)
		ts_reading_fail_at(r, 0, "empty input where a stream was expected");
	if (rc < 1 || unpack(r, size, &u) < 0)
		return NULL;
	if (!ts_obj_get(&u.data, "unmask")) {
		if (!is_failure(r, &u.data))
			no_stream(r, 0);
	} else if (ts_header_parse(&r->header, &u.data, &why) < 0) {
		ts_reading_fail_at(r, r->offset, "%s", why.text);
	} else {
		r->have_header = true;
	}
	msgpack_unpacked_destroy(&u);
	ts_reading_consume(r, size, true);
	return r->have_header ? &r->header : NULL;
}

/* Which program turns one kind into the other, for steps that are easily forgotten; or "". */
static const char *step_missing(const char *from, const char *to)
{
	static const char *const steps[][3] = {
		{ "images", "features", "; um-embed -m MODEL makes features of images" },
		{ "images", "scores", "; um-embed -m MODEL makes features of images, and ood-score scores of these" },
		{ "images", "fit", "; um-embed -m MODEL makes features of images, and ood-fit a fit of these" },
		{ "features", "scores", "; ood-score makes scores of features" },
		{ "features", "fit", "; ood-fit makes a fit of features" },
		{ "scores", "fit", "; ood-threshold makes thresholds of scores" },
	};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (strcmp(steps[i][0], from) == 0 && strcmp(steps[i][1], to) == 0)
			return steps[i][2];
	return "";
}

/* "a fit", "images". */
static const char *article(const char *kind)
{
	return strcmp(kind, "fit") == 0 || strcmp(kind, "checkpoint") == 0 ? "a " : "";
}

const struct ts_header *ts_reader_expect(struct ts_reader *r, const char *kind)
{
	const struct ts_header *h = ts_reader_header(r);

	if (h && strcmp(h->kind, kind) != 0) {
		ts_reader_fail(r, "holds %s%s where %s%s %s expected%s", article(h->kind), h->kind, article(kind), kind,
			       *article(kind) ? "is" : "are", step_missing(h->kind, kind));
		return NULL;
	}
	return h;
}

/* END: count and checksum must be right. */
static int check_end(struct ts_reader *r, const msgpack_object *o)
{
	const msgpack_object *said = ts_obj_get(o, "end"), *rows = ts_obj_get(o, "rows"), *sum = ts_obj_get(o, "xxh3");
	XXH64_canonical_t want;

	if (!rows || rows->type != MSGPACK_OBJECT_POSITIVE_INTEGER || !sum)
		return ts_reading_fail_at(r, r->offset, "END record without rows or checksum");
	if (said->type != MSGPACK_OBJECT_BOOLEAN || !said->via.boolean || o->via.map.size != 3)
		return ts_reading_fail_at(r, r->offset, "END record that does not say \"end\": true");
	if (rows->via.u64 != r->rows)
		return ts_reading_fail_at(r, r->offset, "END says %llu rows, the stream held %llu",
					  (unsigned long long)rows->via.u64, (unsigned long long)r->rows);
	XXH64_canonicalFromHash(&want, XXH3_64bits_digest(r->hash));
	if (sum->type != MSGPACK_OBJECT_NIL && (sum->type != MSGPACK_OBJECT_BIN || sum->via.bin.size != sizeof want ||
						memcmp(sum->via.bin.ptr, &want, sizeof want) != 0))
		return ts_reading_fail_at(r, r->offset, "checksum does not match: the data was changed on its way");
	return 0;
}

/* Takes the END record, of `size` bytes, and checks that nothing follows. */
static int end(struct ts_reader *r, msgpack_unpacked *u, size_t size)
{
	int rc = check_end(r, &u->data);

	msgpack_unpacked_destroy(u);
	if (rc < 0)
		return -1;
	ts_reading_consume(r, size, false);
	if (r->len == r->start && ts_reading_fill(r) < 0)
		return -1;
	if (r->len > r->start)
		return ts_reading_fail_at(r, r->offset, "data after the END record");
	r->ended = true;
	return 0;
}

int ts_reading_next_record(struct ts_reader *r, msgpack_unpacked *u, size_t *size)
{
	int rc;

	if (!ts_reader_header(r))
		return -1;
	if (r->ended)
		return 0;
	rc = record(r, TS_MAX_RECORD, size);
	if (rc == 0)
		return ts_reading_fail_at(r, r->offset,
					  "stream stops without an END record; the program that "
					  "wrote it did not finish");
	if (rc < 0 || unpack(r, *size, u) < 0)
		return -1;
	if (u->data.via.map.size && ts_obj_is(&u->data.via.map.ptr[0].key, "end"))
		return end(r, u, *size);
	if (is_failure(r, &u->data)) {
		msgpack_unpacked_destroy(u);
		return -1;
	}
	return 1;
}

void ts_reading_done_record(struct ts_reader *r, msgpack_unpacked *u, size_t size)
{
	msgpack_unpacked_destroy(u);
	ts_reading_consume(r, size, true);
}

/* ---- row kinds ---- */

int ts_reader_next(struct ts_reader *r, struct ts_batch *b)
{
	msgpack_unpacked u;
	struct err why;
	size_t size;
	int rc;

	if (ts_batch_resize(b, 0) < 0)
		return ts_reader_fail(r, "out of memory");
	rc = ts_reading_next_record(r, &u, &size);
	if (rc < 1)
		return rc;
	if (ts_rows_unpack(b, &u.data.via.map, &why) < 0)
		rc = ts_reading_fail_at(r, r->offset, "%s", why.text);
	else
		r->rows += b->n;
	ts_reading_done_record(r, &u, size);
	return rc;
}
