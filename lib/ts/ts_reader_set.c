/* SPDX-License-Identifier: MIT
 * Reading tensor kinds. Records from other writers are taken apart one by one; a large tensor that begins the way our
 * writer begins it is read straight into place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts_hash.h"
#include "ts/ts_reading_internal.h"
#include "ts/ts_room.h"

enum { LARGE = 64 << 10 }; /* bytes of a tensor from which that is worth it */

/* Adds slice v to t, which already has `have` rows; memory grows as bytes arrive. */
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

/* One record of a tensor kind. */
static int take_tensor(struct ts_reader *r, struct ts_set *set, const msgpack_object *o)
{
	const struct ts_header *h = &r->header;
	const struct ts_field *f = r->field < h->n_fields ? &h->fields[r->field] : NULL;
	size_t shape[TS_MAX_DIMS] = { 0 };
	struct ts_view v;
	struct err why;

	if (!f || o->via.map.size != 1 || !ts_obj_is(&o->via.map.ptr[0].key, f->name))
		return ts_reading_fail_at(r, r->offset, "record is not the tensor that the header announces next%s%s",
					  f ? ": " : "", f ? f->name : "");
	if (ts_obj_tensor(&o->via.map.ptr[0].val, &v, &why) < 0)
		return ts_reading_fail_at(r, r->offset, "tensor '%s' %s", f->name, why.text);
	if (!slice_fits(f, &v, r->have))
		return ts_reading_fail_at(r, r->offset,
					  "tensor '%s' does not have the type and shape that the "
					  "header gives it",
					  f->name);
	memcpy(shape, v.shape, sizeof shape);
	if (r->have == 0) {
		size_t none[TS_MAX_DIMS];
		memcpy(none, f->shape, sizeof none);
		none[0] = 0;
		if (!ts_set_add(set, f->name, f->type, f->ndim, none))
			return ts_reading_fail_at(r, r->offset, "out of memory");
		if (f->ndim == 0) { /* a scalar already has its memory */
			memcpy(set->t[set->n - 1].data, v.data, v.bytes);
			r->field++;
			return 0;
		}
	}
	if (take_slice(&set->t[set->n - 1], &v, &r->have) < 0)
		return ts_reading_fail_at(r, r->offset, "out of memory");
	if (r->have == f->shape[0]) {
		r->field++;
		r->have = 0;
	} else if (shape[0] == 0) {
		return ts_reading_fail_at(r, r->offset, "tensor '%s' in a slice without rows", f->name);
	}
	return 0;
}

/* If the record at the front of the buffer holds this many rows of field f, in `bytes` bytes, and begins the way our
 * writer begins it, returns where its data begins; otherwise 0. */
static size_t head_of(const struct ts_reader *r, const struct ts_field *f, size_t rows, size_t bytes)
{
	size_t shape[TS_MAX_DIMS], n;
	struct ts_pack p;

	memcpy(shape, f->shape, sizeof shape);
	shape[0] = rows;
	ts_pack_init(&p);
	msgpack_pack_map(&p.pk, 1);
	ts_pack_str(&p.pk, f->name);
	ts_pack_tensor_head(&p.pk, f->type, f->ndim, shape, bytes);
	n = p.out.size;
	if (p.failed || r->len - r->start < n || memcmp(r->buf + r->start, p.out.data, n) != 0)
		n = 0;
	ts_pack_release(&p);
	return n;
}

/* Takes the head of such a record, with at least LARGE bytes of data to come, off the stream. 1; 0: there is none;
 * -1. */
static int take_head(struct ts_reader *r, const struct ts_field *f, size_t rows, size_t bytes)
{
	size_t head;

	while (r->len - r->start < LARGE / 2 && !r->eof)
		if (ts_reading_fill(r) < 0)
			return -1;
	if (!(head = head_of(r, f, rows, bytes)))
		return 0;
	ts_reading_consume(r, head, true);
	r->rows++;
	return 1;
}

/* Takes 1 to `most` bytes of data off the stream, few enough that they are still in a cache when they are hashed.
 * Returns how many; -1. */
static ssize_t take_some(struct ts_reader *r, void *to, size_t most)
{
	size_t n = r->len - r->start;
	ssize_t rc;

	most = most < READ_SIZE ? most : READ_SIZE;
	if (n) {
		n = n < most ? n : most;
		memcpy(to, r->buf + r->start, n);
		ts_reading_consume(r, n, true);
		return (ssize_t)n;
	}
	rc = r->read ? r->read(r->ctx, to, most) : 0;
	if (rc < 0)
		return ts_reader_fail(r, "cannot read: %s", strerror(errno));
	if (rc == 0)
		return ts_reading_cut_off(r);
	XXH3_64bits_update(r->hash, to, (size_t)rc);
	r->offset += (size_t)rc;
	return rc;
}

static const struct ts_field *next_field(const struct ts_reader *r)
{
	return r->field < r->header.n_fields ? &r->header.fields[r->field] : NULL;
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

/* Reads a large tensor in one record, as checkpoints have them, straight into place instead of through the buffer. 1:
 * done; 0: the next record is not one of these; -1. */
static int take_straight(struct ts_reader *r, struct ts_set *set, const struct ts_set_watch *w)
{
	const struct ts_field *f = next_field(r);
	size_t none[TS_MAX_DIMS] = { 0 }, bytes;
	struct ts_tensor *t;
	char *data;
	int rc;

	if (!f || r->have || f->ndim == 0 || (bytes = announced(f)) < LARGE || bytes > TS_MAX_BATCH)
		return 0;
	if ((rc = take_head(r, f, f->shape[0], bytes)) != 1)
		return rc;
	memcpy(none + 1, f->shape + 1, sizeof none - sizeof *none);
	t = ts_set_add(set, f->name, f->type, f->ndim, none);
	if (!t || !(data = ts_room(bytes)))
		return ts_reading_fail_at(r, r->offset, "out of memory");
	free(t->data);
	t->data = data;
	t->shape[0] = f->shape[0];
	if (w)
		w->begins(w->ctx, data, bytes);
	for (size_t n = 0; n < bytes; n += (size_t)rc)
		if ((rc = (int)take_some(r, data + n, bytes - n)) < 0)
			return -1;
	r->field++;
	return 1;
}

/* The next bytes of the current tensor, for a reader of its own. */
static ssize_t read_part(void *ctx, void *buf, size_t len)
{
	struct ts_reader *r = ctx;
	const struct ts_field *f = &r->header.fields[r->field];
	ssize_t n;

	errno = EIO;
	if (r->part == 0) {
		const size_t left = f->shape[0] - r->have, rows = left < TS_MAX_BATCH ? left : TS_MAX_BATCH;

		if (left == 0)
			return 0;
		if (take_head(r, f, rows, rows) != 1)
			return ts_reading_fail_at(r, r->offset, "record is not the rest of the tensor '%s'", f->name);
		r->have += rows;
		r->part = rows;
	}
	if ((n = take_some(r, buf, len < r->part ? len : r->part)) > 0)
		r->part -= (size_t)n;
	return n;
}

struct ts_reader *ts_reader_part(struct ts_reader *r, const char *name)
{
	const struct ts_header *h = ts_reader_header(r);
	const struct ts_field *f = h ? next_field(r) : NULL;
	struct ts_reader *part;

	if (!f || r->have || strcmp(f->name, name) != 0 || f->type != TS_U8 || f->ndim != 1 || f->shape[0] < LARGE)
		return NULL;
	r->part = f->shape[0] < TS_MAX_BATCH ? f->shape[0] : TS_MAX_BATCH;
	if (take_head(r, f, r->part, r->part) != 1) {
		r->part = 0;
		return NULL;
	}
	r->have = r->part;
	part = ts_reader_open_fn(read_part, r, name);
	if (!part)
		ts_reading_fail_at(r, r->offset, "out of memory");
	return part;
}

/* If the reader from ts_reader_part() has read its tensor to the end, moves past that tensor. */
static void end_part(struct ts_reader *r)
{
	const struct ts_field *f = next_field(r);

	if (f && r->have && r->part == 0 && r->have == f->shape[0]) {
		r->field++;
		r->have = 0;
	}
}

int ts_reader_set(struct ts_reader *r, struct ts_set *set)
{
	return ts_reader_set_watched(r, set, NULL);
}

int ts_reader_set_watched(struct ts_reader *r, struct ts_set *set, const struct ts_set_watch *w)
{
	msgpack_unpacked u;
	size_t size, told = 0;
	int rc;

	if (!ts_reader_header(r))
		return -1;
	end_part(r);
	if (r->have)
		return ts_reading_fail_at(r, r->offset, "tensor '%s' was not read to its end", next_field(r)->name);
	for (;;) {
		if (w && told < set->n && !r->have)
			w->ends(w->ctx, &set->t[told++]);
		if ((rc = take_straight(r, set, w)) == 1)
			continue;
		if (rc < 0 || (rc = ts_reading_next_record(r, &u, &size)) != 1)
			break;
		rc = take_tensor(r, set, &u.data);
		r->rows++;
		ts_reading_done_record(r, &u, size);
		if (rc < 0)
			return -1;
	}
	if (rc == 0 && r->field < r->header.n_fields)
		return ts_reading_fail_at(r, r->offset, "tensor '%s' is missing or cut off",
					  r->header.fields[r->field].name);
	return rc;
}
