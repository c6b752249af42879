/* SPDX-License-Identifier: MIT
 * Writing streams. Small things are packed into one buffer; a tensor's data goes out as it lies. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "ts/ts_internal.h"

enum { MAX_TEMPORARIES = 16, FLUSH_SIZE = 64 << 10 };

struct ts_writer {
	ssize_t (*write)(void *ctx, const void *buf, size_t len);
	void *ctx;
	int fd;                           /* a file's, or STDOUT_FILENO */
	char *name, *temporary;           /* temporary: NULL when it goes to a pipe */
	int slot;                         /* in temporaries[], or -1 */
	msgpack_sbuffer out;
	msgpack_packer pk;
	XXH3_state_t *hash;
	struct ts_header layout;          /* fields only */
	uint64_t rows;
	size_t next;                      /* tensor kinds: the field that comes next */
	bool begun, finished;
	char error[1024];
};

/* Names for the signal handler. A slot is set after its text is whole and cleared before it is
 * freed. */
static char *volatile temporaries[MAX_TEMPORARIES];

void ts_remove_temporaries(void)
{
	for (int i = 0; i < MAX_TEMPORARIES; i++)
		if (temporaries[i])
			unlink(temporaries[i]);
}

static int __attribute__((format(printf, 2, 3)))
fail(struct ts_writer *w, const char *fmt, ...)
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

static ssize_t write_fd(void *ctx, const void *buf, size_t len)
{
	const struct ts_writer *w = ctx;
	ssize_t n;
	do
		n = write(w->fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static struct ts_writer *writer_new(const char *name)
{
	struct ts_writer *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->slot = -1;
	w->fd = -1;
	w->name = strdup(name);
	w->hash = XXH3_createState();
	if (!w->name || !w->hash) {
		ts_writer_close(w);
		return NULL;
	}
	XXH3_64bits_reset(w->hash);
	msgpack_sbuffer_init(&w->out);
	msgpack_packer_init(&w->pk, &w->out, msgpack_sbuffer_write);
	return w;
}

static int open_temporary(struct ts_writer *w)
{
	mode_t mask = umask(0);
	size_t len = strlen(w->name) + 8;

	umask(mask);
	w->temporary = malloc(len);
	if (!w->temporary)
		return fail(w, "out of memory");
	snprintf(w->temporary, len, "%s.XXXXXX", w->name);
	w->fd = mkostemp(w->temporary, O_CLOEXEC);
	if (w->fd < 0) {
		fail(w, "cannot create '%s': %s", w->name, strerror(errno));
		free(w->temporary);
		w->temporary = NULL;
		return -1;
	}
	for (int i = 0; i < MAX_TEMPORARIES && w->slot < 0; i++)
		if (!temporaries[i]) {
			temporaries[i] = w->temporary;
			w->slot = i;
		}
	if (fchmod(w->fd, 0666 & ~mask) < 0)
		return fail(w, "cannot create '%s': %s", w->name, strerror(errno));
	return 0;
}

struct ts_writer *ts_writer_open(const char *path)
{
	bool is_stdout = !path || strcmp(path, "-") == 0;
	struct ts_writer *w = writer_new(is_stdout ? "<stdout>" : path);
	struct stat st;

	if (!w)
		return NULL;
	w->write = write_fd;
	w->ctx = w;
	if (is_stdout)
		w->fd = STDOUT_FILENO;
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		/* A device or a pipe has no temporary: it is written as it is. */
		w->fd = open(path, O_WRONLY | O_CLOEXEC);
		if (w->fd < 0)
			fail(w, "cannot open '%s': %s", path, strerror(errno));
	} else {
		(void)open_temporary(w);
	}
	return w;
}

struct ts_writer *ts_writer_open_fn(ssize_t (*fn)(void *, const void *, size_t), void *ctx,
				    const char *name)
{
	struct ts_writer *w = writer_new(name);
	if (!w)
		return NULL;
	w->write = fn;
	w->ctx = ctx;
	return w;
}

static int put(struct ts_writer *w, const void *data, size_t len)
{
	const char *p = data;

	if (w->error[0])
		return -1;
	while (len) {
		ssize_t n = w->write(w->ctx, p, len);
		if (n <= 0)
			return fail(w, "cannot write '%s': %s", w->name,
				    n ? strerror(errno) : "nothing was taken");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Sends what is packed. */
static int flush(struct ts_writer *w)
{
	if (w->out.size == 0)
		return w->error[0] ? -1 : 0;
	XXH3_64bits_update(w->hash, w->out.data, w->out.size);
	if (put(w, w->out.data, w->out.size) < 0)
		return -1;
	msgpack_sbuffer_clear(&w->out);
	return 0;
}

/* A tensor: small data is packed with its head, large data goes out directly. */
static int put_tensor(struct ts_writer *w, enum ts_type type, int ndim, const size_t *shape,
		      const void *data, size_t bytes)
{
	ts_pack_tensor_head(&w->pk, type, ndim, shape, bytes);
	if (bytes < FLUSH_SIZE) {
		msgpack_pack_bin_body(&w->pk, data, bytes);
		return 0;
	}
	if (flush(w) < 0)
		return -1;
	XXH3_64bits_update(w->hash, data, bytes);
	return put(w, data, bytes);
}

int ts_writer_begin(struct ts_writer *w, const struct ts_header *h)
{
	if (w->error[0])
		return -1;
	ts_header_init(&w->layout, h->kind);
	for (size_t i = 0; i < h->n_fields; i++)
		if (ts_header_add(&w->layout, h->fields[i].name, h->fields[i].type,
				  h->fields[i].ndim, h->fields[i].shape) < 0)
			return fail(w, "out of memory");
	if (ts_header_pack(h, &w->out) < 0)
		return fail(w, "out of memory");
	if (w->out.size > TS_MAX_HEADER)
		return fail(w, "cannot write '%s': the header has more than %d bytes", w->name,
			    TS_MAX_HEADER);
	w->begun = true;
	return flush(w);
}

static int put_rows(struct ts_writer *w, const struct ts_batch *b, size_t first, size_t n)
{
	msgpack_pack_map(&w->pk, b->n_cols);
	for (size_t k = 0; k < b->n_cols; k++) {
		const struct ts_col *c = &b->cols[k];
		size_t shape[TS_MAX_DIMS] = { n };

		ts_pack_str(&w->pk, c->name);
		if (c->type == TS_STR) {
			msgpack_pack_array(&w->pk, n);
			for (size_t i = first; i < first + n; i++)
				ts_pack_str(&w->pk, ts_col_str(c, i));
			continue;
		}
		memcpy(shape + 1, c->shape, (size_t)c->ndim * sizeof *shape);
		if (put_tensor(w, c->type, c->ndim + 1, shape,
			       (const char *)c->data + first * c->row, n * c->row) < 0)
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
			return fail(w, "cannot write '%s': batch and header differ in '%s'", w->name,
				    f->name);
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
		return fail(w, "cannot write '%s': tensor '%s' is not the header's next", w->name,
			    t->name);
	memcpy(shape, t->shape, sizeof shape);
	row = n ? bytes / n : 0;
	if (row > TS_MAX_BATCH)
		return fail(w, "cannot write '%s': one row of tensor '%s' exceeds %d bytes", w->name,
			    t->name, TS_MAX_BATCH);
	step = row ? TS_MAX_BATCH / row : 1;
	do {
		size_t k = n - i < step ? n - i : step;
		if (t->ndim)
			shape[0] = k;
		msgpack_pack_map(&w->pk, 1);
		ts_pack_str(&w->pk, t->name);
		if (put_tensor(w, t->type, t->ndim, shape, (const char *)t->data + i * row,
			       k * row) < 0 || flush(w) < 0)
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
	msgpack_pack_map(&w->pk, 3);
	ts_pack_str(&w->pk, "end");
	msgpack_pack_true(&w->pk);
	ts_pack_str(&w->pk, "rows");
	msgpack_pack_uint64(&w->pk, w->rows);
	ts_pack_str(&w->pk, "xxh3");
	msgpack_pack_bin(&w->pk, sizeof sum);
	msgpack_pack_bin_body(&w->pk, &sum, sizeof sum);
	return flush(w);
}

/* The directory entry must reach the disk too, or a power cut forgets the rename. */
static void sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)!fsync(fd);
		close(fd);
	}
	free(copy);
}

int ts_writer_finish(struct ts_writer *w)
{
	if (w->error[0])
		return -1;
	if (!w->begun || (ts_header_is_set(&w->layout) && w->next != w->layout.n_fields))
		return fail(w, "cannot write '%s': tensors are missing", w->name);
	if (pack_end(w) < 0)
		return -1;
	if (w->temporary) {
		int rc = fsync(w->fd);
		int rc2 = close(w->fd);
		w->fd = -1;
		if (rc < 0 || rc2 < 0 || rename(w->temporary, w->name) < 0)
			return fail(w, "cannot write '%s': %s", w->name, strerror(errno));
		if (w->slot >= 0)
			temporaries[w->slot] = NULL;
		w->slot = -1;
		free(w->temporary);
		w->temporary = NULL;
		sync_folder(w->name);
	}
	w->finished = true;
	return 0;
}

void ts_writer_close(struct ts_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0 && w->fd != STDOUT_FILENO)
		close(w->fd);
	if (w->temporary)
		unlink(w->temporary);
	if (w->slot >= 0)
		temporaries[w->slot] = NULL;
	if (w->hash)
		XXH3_freeState(w->hash);
	msgpack_sbuffer_destroy(&w->out);
	ts_header_release(&w->layout);
	free(w->temporary);
	free(w->name);
	free(w);
}

int ts_set_save(const char *path, struct ts_header *h, const struct ts_set *set, char *err,
		size_t len)
{
	struct ts_writer *w = ts_writer_open(path);
	int rc = -1;

	if (!w) {
		snprintf(err, len, "out of memory");
		return -1;
	}
	for (size_t i = 0; i < set->n; i++)
		if (ts_header_add(h, set->t[i].name, set->t[i].type, set->t[i].ndim,
				  set->t[i].shape) < 0) {
			snprintf(err, len, "cannot write '%s': tensor '%s' is there twice", path,
				 set->t[i].name);
			goto out;
		}
	rc = ts_writer_begin(w, h);
	for (size_t i = 0; i < set->n && rc == 0; i++)
		rc = ts_writer_tensor(w, &set->t[i]);
	if (rc == 0)
		rc = ts_writer_finish(w);
	if (rc < 0)
		snprintf(err, len, "%s", ts_writer_error(w));
out:
	ts_writer_close(w);
	return rc;
}
