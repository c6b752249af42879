/* SPDX-License-Identifier: MIT
 * Writing streams. Small items are packed into one buffer; a tensor's data is written directly. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ts/ts_file.h"
#include "ts/ts_hash.h"
#include "ts/ts_internal.h"

enum { FLUSH_SIZE = 64 << 10 };

struct ts_writer {
	struct ts_file *file;
	const char *name; /* the file's */
	struct ts_pack p;
	XXH3_state_t *hash;
	struct ts_header layout; /* fields only */
	uint64_t rows;
	size_t next; /* tensor kinds: the next field */
	bool begun, finished;
	bool *watched; /* set when END is written; or NULL */
	char error[ERR_TEXT];
};

static int __attribute__((format(printf, 2, 3))) fail(struct ts_writer *w, const char *fmt, ...)
{
	va_list ap;

	if (w->error[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(w->error, sizeof w->error, fmt, ap);
	va_end(ap);
	return -1;
}

const char *ts_writer_error(const struct ts_writer *w)
{
	return w->error[0] ? w->error : NULL;
}

static struct ts_writer *writer_new(struct ts_file *file_take)
{
	struct ts_writer *w = file_take ? calloc(1, sizeof *w) : NULL;
	if (!w) {
		ts_file_close(file_take);
		return NULL;
	}
	w->file = file_take;
	w->name = ts_file_name(w->file);
	w->hash = XXH3_createState();
	if (!w->hash) {
		ts_writer_close(w);
		return NULL;
	}
	XXH3_64bits_reset(w->hash);
	ts_pack_init(&w->p);
	if (ts_file_error(w->file))
		fail(w, "%s", ts_file_error(w->file));
	return w;
}

struct ts_writer *ts_writer_open(const char *path)
{
	return writer_new(ts_file_open(path));
}

struct ts_writer *ts_writer_open_fn(ssize_t (*fn)(void *, const void *, size_t), void *ctx, const char *name)
{
	return writer_new(ts_file_open_fn(fn, ctx, name));
}

static ssize_t write_bytes(void *ctx, const void *buf, size_t len)
{
	struct ts_bytes *b = ctx;

	if (b->cap - b->n < len) {
		const size_t cap = b->n + len + b->cap / 2;
		unsigned char *p = realloc(b->p, cap);

		if (!p)
			return -1;
		b->p = p;
		b->cap = cap;
	}
	memcpy(b->p + b->n, buf, len);
	b->n += len;
	return (ssize_t)len;
}

struct ts_writer *ts_writer_open_bytes(struct ts_bytes *to, const char *name)
{
	return ts_writer_open_fn(write_bytes, to, name);
}

static int put(struct ts_writer *w, const void *data, size_t len)
{
	if (w->error[0])
		return -1;
	return ts_file_put(w->file, data, len) < 0 ? fail(w, "%s", ts_file_error(w->file)) : 0;
}

/* Sends what is packed; nothing at all if memory ran out while packing. */
static int flush(struct ts_writer *w)
{
	if (w->p.failed)
		return fail(w, "cannot write '%s': out of memory", w->name);
	if (w->p.out.size == 0)
		return w->error[0] ? -1 : 0;
	XXH3_64bits_update(w->hash, w->p.out.data, w->p.out.size);
	if (put(w, w->p.out.data, w->p.out.size) < 0)
		return -1;
	msgpack_sbuffer_clear(&w->p.out);
	return 0;
}

/* A tensor: small data is packed with its head, large data is written directly. */
static int put_tensor(struct ts_writer *w, enum ts_type type, int ndim, const size_t *shape, const void *data,
		      size_t bytes)
{
	ts_pack_tensor_head(&w->p.pk, type, ndim, shape, bytes);
	if (bytes < FLUSH_SIZE) {
		msgpack_pack_bin_body(&w->p.pk, data, bytes);
		return 0;
	}
	if (flush(w) < 0)
		return -1;
	XXH3_64bits_update(w->hash, data, bytes);
	return put(w, data, bytes);
}

int ts_writer_begin(struct ts_writer *w, const struct ts_header *h)
{
	struct err err;

	if (w->error[0])
		return -1;
	ts_header_init(&w->layout, h->kind);
	if (ts_header_add_all(&w->layout, h) < 0)
		return fail(w, "out of memory");
	if (ts_header_check(h, &err) < 0)
		return fail(w, "cannot write '%s': %s", w->name, err.text);
	ts_header_pack(h, &w->p);
	if (w->p.out.size > TS_MAX_HEADER)
		return fail(w, "cannot write '%s': the header has more than %d bytes", w->name, TS_MAX_HEADER);
	w->begun = true;
	return flush(w);
}

static int put_rows(struct ts_writer *w, const struct ts_batch *b, size_t first, size_t n)
{
	msgpack_pack_map(&w->p.pk, b->n_cols);
	for (size_t k = 0; k < b->n_cols; k++) {
		const struct ts_col *c = &b->cols[k];
		size_t shape[TS_MAX_DIMS] = { n };

		ts_pack_str(&w->p.pk, c->name);
		if (c->type == TS_STR) {
			msgpack_pack_array(&w->p.pk, n);
			for (size_t i = first; i < first + n; i++)
				ts_pack_str(&w->p.pk, ts_col_str(c, i));
			continue;
		}
		memcpy(shape + 1, c->shape, (size_t)c->ndim * sizeof *shape);
		if (put_tensor(w, c->type, c->ndim + 1, shape, (const char *)c->data + first * c->row, n * c->row) < 0)
			return -1;
	}
	w->rows += n;
	return flush(w);
}

int ts_writer_write(struct ts_writer *w, const struct ts_batch *b)
{
	size_t step = ts_batch_rows(b, 1 << 20, TS_MAX_BATCH);

	if (w->error[0])
		return -1;
	if (!w->begun || b->n_cols != w->layout.n_fields)
		return fail(w, "cannot write '%s': batch and header differ", w->name);
	for (size_t k = 0; k < b->n_cols; k++) {
		const struct ts_field *f = &w->layout.fields[k];
		if (strcmp(f->name, b->cols[k].name) != 0 || f->type != b->cols[k].type)
			return fail(w, "cannot write '%s': batch and header differ in '%s'", w->name, f->name);
	}
	for (size_t i = 0; i < b->n; i += step)
		if (put_rows(w, b, i, b->n - i < step ? b->n - i : step) < 0)
			return -1;
	return 0;
}

int ts_writer_tensor(struct ts_writer *w, const struct ts_tensor *t)
{
	const struct ts_field *f = w->next < w->layout.n_fields ? &w->layout.fields[w->next] : NULL;
	size_t n = t->ndim ? t->shape[0] : 1, bytes = ts_tensor_bytes(t), row, step, i = 0;
	size_t shape[TS_MAX_DIMS];

	if (w->error[0])
		return -1;
	if (!f || strcmp(f->name, t->name) != 0 || f->type != t->type || f->ndim != t->ndim ||
	    memcmp(f->shape, t->shape, (size_t)t->ndim * sizeof *t->shape) != 0)
		return fail(w, "cannot write '%s': tensor '%s' is not the header's next", w->name, t->name);
	memcpy(shape, t->shape, sizeof shape);
	row = n ? bytes / n : 0;
	if (row > TS_MAX_BATCH)
		return fail(w, "cannot write '%s': one row of tensor '%s' exceeds %d bytes", w->name, t->name,
			    TS_MAX_BATCH);
	step = row ? TS_MAX_BATCH / row : n; /* rows without bytes all go into one record */
	do {
		size_t k = n - i < step ? n - i : step;
		if (t->ndim)
			shape[0] = k;
		msgpack_pack_map(&w->p.pk, 1);
		ts_pack_str(&w->p.pk, t->name);
		if (put_tensor(w, t->type, t->ndim, shape, (const char *)t->data + i * row, k * row) < 0 ||
		    flush(w) < 0)
			return -1;
		w->rows++;
		i += k;
	} while (i < n);
	w->next++;
	return 0;
}

static int pack_end(struct ts_writer *w)
{
	XXH64_canonical_t sum;

	if (flush(w) < 0)
		return -1;
	XXH64_canonicalFromHash(&sum, XXH3_64bits_digest(w->hash));
	msgpack_pack_map(&w->p.pk, 3);
	ts_pack_str(&w->p.pk, "end");
	msgpack_pack_true(&w->p.pk);
	ts_pack_str(&w->p.pk, "rows");
	msgpack_pack_uint64(&w->p.pk, w->rows);
	ts_pack_str(&w->p.pk, "xxh3");
	msgpack_pack_bin(&w->p.pk, sizeof sum);
	msgpack_pack_bin_body(&w->p.pk, &sum, sizeof sum);
	return flush(w);
}

int ts_writer_finish(struct ts_writer *w)
{
	if (w->error[0])
		return -1;
	if (!w->begun || (ts_header_is_set(&w->layout) && w->next != w->layout.n_fields))
		return fail(w, "cannot write '%s': tensors are missing", w->name);
	if (pack_end(w) < 0)
		return -1;
	if (ts_file_finish(w->file) < 0)
		return fail(w, "%s", ts_file_error(w->file));
	w->finished = true;
	if (w->watched)
		*w->watched = true;
	return 0;
}

void ts_writer_watch(struct ts_writer *w, bool *finished)
{
	w->watched = finished;
}

void ts_tell_failure(int fd, const char *program)
{
	struct ts_pack p;

	ts_pack_init(&p);
	msgpack_pack_map(&p.pk, 2);
	ts_pack_str(&p.pk, TS_FAILED);
	ts_pack_str(&p.pk, program);
	ts_pack_str(&p.pk, TS_GROUP);
	msgpack_pack_int64(&p.pk, getpgrp());
	if (!p.failed && write(fd, p.out.data, p.out.size) < 0)
		p.failed = true; /* nothing reads it */
	ts_pack_release(&p);
}

void ts_writer_close(struct ts_writer *w)
{
	if (!w)
		return;
	if (w->hash)
		XXH3_freeState(w->hash);
	ts_pack_release(&w->p);
	ts_header_release(&w->layout);
	ts_file_close(w->file);
	free(w);
}

int ts_set_write(struct ts_writer *w, struct ts_header *h, const struct ts_set *set, struct err *err)
{
	int rc;

	for (size_t i = 0; i < set->n; i++) {
		const struct ts_tensor *t = &set->t[i];

		if (ts_header_field(h, t->name))
			return err_fail(err, "cannot write '%s': tensor '%s' appears twice", w->name, t->name);
		if (ts_header_add(h, t->name, t->type, t->ndim, t->shape) < 0)
			return err_fail(err,
					"cannot write '%s': no memory for tensor '%s', or no stream can have its name "
					"or shape",
					w->name, t->name);
	}
	rc = ts_writer_begin(w, h);
	for (size_t i = 0; i < set->n && rc == 0; i++)
		rc = ts_writer_tensor(w, &set->t[i]);
	if (rc == 0)
		rc = ts_writer_finish(w);
	return rc < 0 ? err_fail(err, "%s", ts_writer_error(w)) : 0;
}

int ts_set_save(const char *path, struct ts_header *h, const struct ts_set *set, struct err *err)
{
	struct ts_writer *w = ts_writer_open(path);
	int rc = w ? ts_set_write(w, h, set, err) : err_memory(err);

	ts_writer_close(w);
	return rc;
}
