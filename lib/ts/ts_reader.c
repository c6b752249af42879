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
#include <unistd.h>

#include "ts/ts_foreign.h"
#include "ts/ts_hash.h"
#include "ts/ts_internal.h"
#include "ts/ts_room.h"

enum { READ_SIZE = 256 << 10, LARGE = 64 << 10 };

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
	char error[ERR_TEXT];
	char told[64]; /* the program that failed and has said why; empty: none */
};

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

/* The same, at byte `at` of the stream. */
static int __attribute__((format(printf, 3, 4))) fail_at(struct ts_reader *r, uint64_t at, const char *fmt, ...)
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

/* All of it is in the buffer from the beginning. */
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

/* Is the record the last word of a program that failed? Then r fails. What that program said is seen by whom it was
 * for: the pipe that both are in, and not whoever reads a copy of it later, or elsewhere. */
static bool is_failure(struct ts_reader *r, const msgpack_object *o)
{
	const msgpack_object *who = ts_obj_get(o, TS_FAILED), *group = ts_obj_get(o, TS_GROUP);
	char name[33];

	if (o->via.map.size != 2 || !who || who->type != MSGPACK_OBJECT_STR || !who->via.str.size || !group ||
	    group->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return false; /* columns of these names are no strings and numbers */
	snprintf(name, sizeof name, "%.*s", (int)(who->via.str.size < 32 ? who->via.str.size : 32), who->via.str.ptr);
	ts_reader_fail(r, "%s failed, and said why", name);
	if (group->via.u64 == (uint64_t)getpgrp())
		memcpy(r->told, name, sizeof name);
	return true;
}

/* Reads some more bytes behind those that are there. 1, 0 at the end, -1. */
static int fill(struct ts_reader *r)
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
			return fail_at(r, r->offset, "out of memory");
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

/* Fails at byte `at` of what does not begin as a stream, and says what it is if that is known. */
static int no_stream(struct ts_reader *r, size_t at)
{
	const enum ts_foreign f = ts_foreign_of(r->buf + r->start, r->len - r->start);
	const char *name = ts_foreign_name(f), *remedy = ts_foreign_remedy(f);

	return fail_at(r, at, "not an unmask stream%s%s%s%s", name ? ", but " : "", name ? name : "",
		       remedy ? "; " : "", remedy ? remedy : "");
}

static int cut_off(struct ts_reader *r)
{
	return fail_at(r, r->offset + (r->len - r->start),
		       "stream is cut off inside a record; the program that wrote it did not finish");
}

/* Brings one whole record into the buffer: r->buf + r->start, *size bytes. 1, 0: the stream stops
 * at a record's boundary, -1. */
static int record(struct ts_reader *r, size_t limit, size_t *size)
{
	struct ts_scan scan;

	ts_scan_init(&scan, limit);
	for (;;) {
		int rc = r->len > r->start ? ts_scan_step(&scan, r->buf + r->start, r->len - r->start) : 0;
		if (rc < 0)
			return r->have_header ? fail_at(r, r->offset + scan.pos, "%s", scan.error) :
						no_stream(r, scan.pos);
		if (rc == 1)
			break;
		rc = fill(r);
		if (rc < 0)
			return -1;
		if (rc == 0 && r->len == r->start)
			return 0;
		if (rc == 0)
			return cut_off(r);
	}
	*size = scan.pos;
	return 1;
}

static void consume(struct ts_reader *r, size_t size, bool hashed)
{
	if (hashed)
		XXH3_64bits_update(r->hash, r->buf + r->start, size);
	r->start += size;
	r->offset += size;
}

/* Unpacks the record at the buffer's front. */
static int unpack(struct ts_reader *r, size_t size, msgpack_unpacked *u)
{
	size_t off = 0;
	int rc;

	msgpack_unpacked_init(u);
	rc = msgpack_unpack_next(u, (const char *)r->buf + r->start, size, &off);
	if (rc != MSGPACK_UNPACK_SUCCESS || off != size || u->data.type != MSGPACK_OBJECT_MAP) {
		msgpack_unpacked_destroy(u);
		return r->have_header ? fail_at(r, r->offset, "record is not a MessagePack map") : no_stream(r, 0);
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
		fail_at(r, 0, "empty input where a stream was expected");
	if (rc < 1 || unpack(r, size, &u) < 0)
		return NULL;
	if (!ts_obj_get(&u.data, "unmask")) {
		if (!is_failure(r, &u.data))
			no_stream(r, 0);
	} else if (ts_header_parse(&r->header, &u.data, &why) < 0) {
		fail_at(r, r->offset, "%s", why.text);
	} else {
		r->have_header = true;
	}
	msgpack_unpacked_destroy(&u);
	consume(r, size, true);
	return r->have_header ? &r->header : NULL;
}

/* Which program makes the one kind of the other, for those steps that are easily left out; or "". */
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

const struct ts_header *ts_reader_expect(struct ts_reader *r, const char *kind)
{
	const struct ts_header *h = ts_reader_header(r);

	if (h && strcmp(h->kind, kind) != 0) {
		ts_reader_fail(r, "holds %s where %s are expected%s", h->kind,
			       strcmp(kind, "checkpoint") == 0 ? "a checkpoint's tensors" : kind,
			       step_missing(h->kind, kind));
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
		return fail_at(r, r->offset, "END record without rows or checksum");
	if (said->type != MSGPACK_OBJECT_BOOLEAN || !said->via.boolean || o->via.map.size != 3)
		return fail_at(r, r->offset, "END record that does not say \"end\": true");
	if (rows->via.u64 != r->rows)
		return fail_at(r, r->offset, "END says %llu rows, the stream held %llu",
			       (unsigned long long)rows->via.u64, (unsigned long long)r->rows);
	XXH64_canonicalFromHash(&want, XXH3_64bits_digest(r->hash));
	if (sum->type != MSGPACK_OBJECT_NIL && (sum->type != MSGPACK_OBJECT_BIN || sum->via.bin.size != sizeof want ||
						memcmp(sum->via.bin.ptr, &want, sizeof want) != 0))
		return fail_at(r, r->offset, "checksum does not match: the data was changed on its way");
	return 0;
}

/* Takes the END record, of `size` bytes, and checks that nothing follows. */
static int end(struct ts_reader *r, msgpack_unpacked *u, size_t size)
{
	int rc = check_end(r, &u->data);

	msgpack_unpacked_destroy(u);
	if (rc < 0)
		return -1;
	consume(r, size, false);
	if (r->len == r->start && fill(r) < 0)
		return -1;
	if (r->len > r->start)
		return fail_at(r, r->offset, "data after the END record");
	r->ended = true;
	return 0;
}

/* The next record: 1, then *u borrows from the buffer until done_record(); 0 after END; -1. */
static int next_record(struct ts_reader *r, msgpack_unpacked *u, size_t *size)
{
	int rc;

	if (!ts_reader_header(r))
		return -1;
	if (r->ended)
		return 0;
	rc = record(r, TS_MAX_RECORD, size);
	if (rc == 0)
		return fail_at(r, r->offset,
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

static void done_record(struct ts_reader *r, msgpack_unpacked *u, size_t size)
{
	msgpack_unpacked_destroy(u);
	consume(r, size, true);
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
	rc = next_record(r, &u, &size);
	if (rc < 1)
		return rc;
	if (ts_rows_unpack(b, &u.data.via.map, &why) < 0)
		rc = fail_at(r, r->offset, "%s", why.text);
	else
		r->rows += b->n;
	done_record(r, &u, size);
	return rc;
}

/* ---- tensor kinds ---- */

/* Adds the slice v to t, whose first `have` rows are there; memory grows as bytes arrive. */
static int take_slice(struct ts_tensor *t, const struct ts_view *v, size_t *have)
{
	size_t was = ts_tensor_bytes(t);
	char *data = was ? realloc(t->data, was + v->bytes + 1) : ts_room(v->bytes + 1);

	if (!data)
		return -1;
	if (!was)
		free(t->data);
	if (v->bytes)
		memcpy(data + was, v->data, v->bytes);
	t->data = data;
	*have += t->ndim ? v->shape[0] : 1;
	if (t->ndim)
		t->shape[0] = *have;
	return 0;
}

/* Does slice v fit behind the `have` rows of field f? */
static bool slice_fits(const struct ts_field *f, const struct ts_view *v, size_t have)
{
	if (v->type != f->type || v->ndim != f->ndim)
		return false;
	if (f->ndim == 0)
		return have == 0;
	return v->shape[0] <= f->shape[0] - have &&
	       memcmp(v->shape + 1, f->shape + 1, (size_t)(f->ndim - 1) * sizeof *f->shape) == 0;
}

/* One record of a tensor kind. *field is the field in work, *have its rows that are there. */
static int take_tensor(struct ts_reader *r, struct ts_set *set, const msgpack_object *o, size_t *field, size_t *have)
{
	const struct ts_header *h = &r->header;
	const struct ts_field *f = *field < h->n_fields ? &h->fields[*field] : NULL;
	size_t shape[TS_MAX_DIMS] = { 0 };
	struct ts_view v;
	struct err why;

	if (!f || o->via.map.size != 1 || !ts_obj_is(&o->via.map.ptr[0].key, f->name))
		return fail_at(r, r->offset, "record is not the tensor that the header announces next%s%s",
			       f ? ": " : "", f ? f->name : "");
	if (ts_obj_tensor(&o->via.map.ptr[0].val, &v, &why) < 0)
		return fail_at(r, r->offset, "tensor '%s' %s", f->name, why.text);
	if (!slice_fits(f, &v, *have))
		return fail_at(r, r->offset,
			       "tensor '%s' does not have the type and shape that the "
			       "header gives it",
			       f->name);
	memcpy(shape, v.shape, sizeof shape);
	if (*have == 0) {
		size_t none[TS_MAX_DIMS];
		memcpy(none, f->shape, sizeof none);
		none[0] = 0;
		if (!ts_set_add(set, f->name, f->type, f->ndim, none))
			return fail_at(r, r->offset, "out of memory");
		if (f->ndim == 0) { /* a scalar: room is there */
			memcpy(set->t[set->n - 1].data, v.data, v.bytes);
			++*field;
			return 0;
		}
	}
	if (take_slice(&set->t[set->n - 1], &v, have) < 0)
		return fail_at(r, r->offset, "out of memory");
	if (*have == f->shape[0]) {
		++*field;
		*have = 0;
	} else if (shape[0] == 0) {
		return fail_at(r, r->offset, "tensor '%s' in a slice without rows", f->name);
	}
	return 0;
}

/* Does the record at the buffer's front hold the whole of field f, and does it begin as our writer begins it? Then
 * where its data begins. 0: no, or not so many bytes are there yet. */
static size_t head_of_whole(const struct ts_reader *r, const struct ts_field *f, size_t bytes)
{
	struct ts_pack p;
	size_t n;

	ts_pack_init(&p);
	msgpack_pack_map(&p.pk, 1);
	ts_pack_str(&p.pk, f->name);
	ts_pack_tensor_head(&p.pk, f->type, f->ndim, f->shape, bytes);
	n = p.out.size;
	if (p.failed || r->len - r->start < n || memcmp(r->buf + r->start, p.out.data, n) != 0)
		n = 0;
	ts_pack_release(&p);
	return n;
}

/* Takes `bytes` bytes off the stream, some at a time, so that the hash finds them in a cache. */
static int take_bytes(struct ts_reader *r, unsigned char *to, size_t bytes)
{
	for (size_t n = 0, more; n < bytes; n += more) {
		const size_t there = r->len - r->start, most = bytes - n < READ_SIZE ? bytes - n : READ_SIZE;
		ssize_t some;

		if (there) {
			more = there < most ? there : most;
			memcpy(to + n, r->buf + r->start, more);
			consume(r, more, true);
			continue;
		}
		some = r->read ? r->read(r->ctx, to + n, most) : 0;
		if (some < 0)
			return ts_reader_fail(r, "cannot read: %s", strerror(errno));
		if (some == 0)
			return cut_off(r);
		more = (size_t)some;
		XXH3_64bits_update(r->hash, to + n, more);
		r->offset += more;
	}
	return 0;
}

/* Bytes of the tensor that f announces; 0 if they are too many to count. */
static size_t announced(const struct ts_field *f)
{
	size_t bytes = ts_type_size(f->type);

	for (int i = 0; i < f->ndim; i++)
		if (ts_mul(bytes, f->shape[i], &bytes) < 0)
			return 0;
	return bytes;
}

/* A large tensor in one record, as checkpoints have them, goes to its place as it is read, and not by way of the
 * buffer. 1: taken; 0: it is none such, or an end, or an error that others will find; -1. */
static int take_straight(struct ts_reader *r, struct ts_set *set, size_t field)
{
	const struct ts_field *f = field < r->header.n_fields ? &r->header.fields[field] : NULL;
	size_t none[TS_MAX_DIMS] = { 0 }, bytes, head;
	struct ts_tensor *t;
	void *data;

	if (!f || f->ndim == 0 || (bytes = announced(f)) < LARGE || bytes > TS_MAX_BATCH)
		return 0;
	while (r->len - r->start < LARGE / 2 && !r->eof)
		if (fill(r) < 0)
			return -1;
	if (!(head = head_of_whole(r, f, bytes)))
		return 0;
	memcpy(none + 1, f->shape + 1, sizeof none - sizeof *none);
	t = ts_set_add(set, f->name, f->type, f->ndim, none);
	if (!t || !(data = ts_room(bytes)))
		return fail_at(r, r->offset, "out of memory");
	free(t->data);
	t->data = data;
	t->shape[0] = f->shape[0];
	consume(r, head, true);
	r->rows++;
	return take_bytes(r, data, bytes) < 0 ? -1 : 1;
}

int ts_reader_set(struct ts_reader *r, struct ts_set *set)
{
	size_t field = 0, have = 0, size;
	msgpack_unpacked u;
	int rc = 0;

	if (!ts_reader_header(r))
		return -1;
	for (;;) {
		if (have == 0 && (rc = take_straight(r, set, field)) < 0)
			return -1;
		if (rc == 1) {
			field++;
			continue;
		}
		if ((rc = next_record(r, &u, &size)) != 1)
			break;
		rc = take_tensor(r, set, &u.data, &field, &have);
		r->rows++;
		done_record(r, &u, size);
		if (rc < 0)
			return -1;
	}
	if (rc == 0 && field < r->header.n_fields)
		return fail_at(r, r->offset, "tensor '%s' is missing or cut off", r->header.fields[field].name);
	return rc;
}
