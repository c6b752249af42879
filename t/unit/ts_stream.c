/* SPDX-License-Identifier: MIT
 * Streams from memory to memory: what is written is read, in whatever chunks it arrives; limits
 * hold before memory is spent. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "ts/ts.h"

struct memory {
	unsigned char *p;
	size_t n, cap, at, chunk;
};

static ssize_t put(void *ctx, const void *buf, size_t len)
{
	struct memory *m = ctx;

	if (m->n + len > m->cap) {
		m->cap = (m->n + len) * 2;
		m->p = realloc(m->p, m->cap);
	}
	memcpy(m->p + m->n, buf, len);
	m->n += len;
	return (ssize_t)len;
}

static ssize_t get(void *ctx, void *buf, size_t len)
{
	struct memory *m = ctx;
	size_t n = m->n - m->at;

	n = n < len ? n : len;
	n = n < m->chunk ? n : m->chunk;
	memcpy(buf, m->p + m->at, n);
	m->at += n;
	return (ssize_t)n;
}

static struct ts_reader *open_at(struct memory *m, size_t chunk)
{
	m->at = 0;
	m->chunk = chunk;
	return ts_reader_open_fn(get, m, "memory");
}

/* A stream of 5 rows with every type. */
static const enum ts_type types[] = { TS_U8, TS_I8, TS_BOOL, TS_I32, TS_I64, TS_F16, TS_F32, TS_F64 };

static void fill(struct ts_batch *b)
{
	for (size_t k = 0; k < b->n_cols; k++) {
		struct ts_col *c = &b->cols[k];
		for (size_t i = 0; c->type != TS_STR && i < b->n * c->row; i++)
			((unsigned char *)c->data)[i] =
				(unsigned char)(c->type == TS_BOOL ? i & 1 : 7 * i + k);
		for (size_t i = 0; c->type == TS_STR && i < b->n; i++)
			if (ts_col_set_str(c, i, i == 1 ? "" : i == 2 ? "zwölf\n" : "name") < 0)
				abort();
	}
}

static int write_rows(struct memory *m, struct ts_batch *b)
{
	const size_t shape[2] = { 2, 3 };
	struct ts_header h;
	struct ts_writer *w = ts_writer_open_fn(put, m, "memory");
	char name[8];
	int rc;

	ts_header_init(&h, "scores");
	for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
		snprintf(name, sizeof name, "c%zu", k);
		if (ts_header_add(&h, name, types[k], k % 3 ? 2 : 0, shape) < 0)
			abort();
	}
	if (ts_header_add(&h, "name", TS_STR, 0, NULL) < 0 || ts_batch_init(b, &h) < 0 ||
	    ts_batch_resize(b, 5) < 0 || ts_meta_set_str(&h.meta, "key", "value") < 0)
		abort();
	fill(b);
	rc = ts_writer_begin(w, &h) | ts_writer_write(w, b) | ts_writer_write(w, b) | ts_writer_finish(w);
	ts_writer_close(w);
	ts_header_release(&h);
	return rc;
}

static bool equal(const struct ts_batch *a, const struct ts_batch *b)
{
	bool same = a->n == b->n && a->n_cols == b->n_cols;

	for (size_t k = 0; same && k < a->n_cols; k++) {
		const struct ts_col *x = &a->cols[k], *y = &b->cols[k];
		if (x->type != TS_STR)
			same = memcmp(x->data, y->data, a->n * x->row) == 0;
		for (size_t i = 0; same && x->type == TS_STR && i < a->n; i++)
			same = strcmp(ts_col_str(x, i), ts_col_str(y, i)) == 0;
	}
	return same;
}

static void rows(void)
{
	static const size_t chunks[] = { 1, 7, 4096, 1 << 20 };
	struct memory m = { 0 };
	struct ts_batch want, b;

	ok(write_rows(&m, &want) == 0, "rows of every type are written");
	for (size_t i = 0; i < 4; i++) {
		struct ts_reader *r = open_at(&m, chunks[i]);
		const struct ts_header *h = ts_reader_expect(r, "scores");
		bool good = h && ts_batch_init(&b, h) == 0;

		good = good && ts_reader_next(r, &b) == 1 && equal(&b, &want);
		good = good && ts_reader_next(r, &b) == 1 && equal(&b, &want);
		ok(good && ts_reader_next(r, &b) == 0 && ts_reader_next(r, &b) == 0 &&
		   ts_reader_rows(r) == 10, "and read back in chunks of %zu", chunks[i]);
		ts_batch_release(&b);
		ts_reader_close(r);
	}
	/* Any byte changed is noticed: a limit, a shape or the checksum. */
	size_t missed = 0;
	for (size_t i = 0; i < m.n; i++) {
		struct ts_reader *r;
		const struct ts_header *h;
		int rc = -1;

		m.p[i] ^= 0x10;
		r = open_at(&m, 4096);
		h = ts_reader_header(r);
		if (h && !ts_header_is_set(h) && ts_batch_init(&b, h) == 0) {
			while ((rc = ts_reader_next(r, &b)) == 1)
				;
			ts_batch_release(&b);
		}
		missed += rc == 0;
		ts_reader_close(r);
		m.p[i] ^= 0x10;
	}
	ok(missed == 0, "a bit changed anywhere is noticed (%zu bytes)", m.n);
	ts_batch_release(&want);
	free(m.p);
}

static void tensors(void)
{
	const size_t shape[2] = { 1100, 17000 };     /* 71 MiB: more than a record holds */
	struct memory m = { 0 };
	struct ts_set set = { 0 }, back = { 0 };
	struct ts_header h;
	struct ts_writer *w = ts_writer_open_fn(put, &m, "memory");
	struct ts_reader *r;
	float *v;

	ts_header_init(&h, "checkpoint");
	v = ts_set_add(&set, "big", TS_F32, 2, shape)->data;
	for (size_t i = 0; i < 1100 * 17000; i++)
		v[i] = (float)i;
	*(int64_t *)ts_set_add(&set, "scalar", TS_I64, 0, NULL)->data = -42;
	if (ts_header_add(&h, "big", TS_F32, 2, shape) < 0 || ts_header_add(&h, "scalar", TS_I64, 0, NULL) < 0)
		abort();
	ok((ts_writer_begin(w, &h) | ts_writer_tensor(w, &set.t[0]) | ts_writer_tensor(w, &set.t[1]) |
	    ts_writer_finish(w)) == 0, "a tensor larger than a record is written");
	r = open_at(&m, 1 << 20);
	ok(ts_reader_set(r, &back) == 0 && back.n == 2 && ts_reader_rows(r) == 3, "in slices");
	ok(back.n == 2 && memcmp(back.t[0].data, v, ts_tensor_bytes(&set.t[0])) == 0 &&
	   *(int64_t *)back.t[1].data == -42, "and read back whole");
	ts_reader_close(r);
	ts_set_release(&back);
	ts_writer_close(w);
	w = ts_writer_open_fn(put, &m, "memory");
	ok(ts_writer_begin(w, &h) == 0 && ts_writer_finish(w) < 0 && strstr(ts_writer_error(w), "missing"),
	   "a checkpoint without its tensors cannot be finished");
	ts_writer_close(w);
	ts_set_release(&set);
	ts_header_release(&h);
	free(m.p);
}

static void meta(void)
{
	struct ts_meta m = { 0 };
	struct ts_tensor t, u;
	const size_t shape[1] = { 3 };
	char *names[] = { (char *)(uintptr_t)"a", (char *)(uintptr_t)"b" }, *s = NULL, **list = NULL;
	double d = 0;
	int64_t i = 0;
	size_t n = 0;

	if (ts_tensor_init(&t, "x", TS_F64, 1, shape) < 0)
		abort();
	((double *)t.data)[2] = 2.5;
	ok((ts_meta_set_str(&m, "s", "x") | ts_meta_set_int(&m, "i", -7) | ts_meta_set_double(&m, "d", 0.5) |
	    ts_meta_set_strs(&m, "l", names, 2) | ts_meta_set_tensor(&m, "t", &t) |
	    ts_meta_set_str(&m, "s", "y")) == 0 && m.n == 5, "five kinds of values, one replaced");
	ok(ts_meta_get_str(&m, "s", &s) == 1 && strcmp(s, "y") == 0, "a string");
	ok(ts_meta_get_int(&m, "i", &i) == 1 && i == -7 && ts_meta_get_double(&m, "i", &d) == 1 && d == -7,
	   "an integer, which is a double too");
	ok(ts_meta_get_double(&m, "d", &d) == 1 && d == 0.5 && ts_meta_get_int(&m, "d", &i) == -1,
	   "a double, which is no integer");
	ok(ts_meta_get_strs(&m, "l", &list, &n) == 1 && n == 2 && strcmp(list[1], "b") == 0, "a list");
	ok(ts_meta_get_tensor(&m, "t", &u) == 1 && u.type == TS_F64 && ((double *)u.data)[2] == 2.5,
	   "a tensor");
	ts_tensor_release(&u);
	free(s);
	ok(ts_meta_get_str(&m, "no", &s) == 0 && ts_meta_get_str(&m, "i", &s) == -1 &&
	   ts_meta_get_tensor(&m, "s", &u) == -1, "absent, and of another type");
	ts_meta_del(&m, "s");
	ts_meta_del(&m, "i");
	ts_meta_del(&m, "d");
	ts_meta_del(&m, "l");
	ts_meta_del(&m, "t");
	ok(m.n == 0, "deleted");
	free(m.e);
	ts_strs_free(list, n);
	ts_tensor_release(&t);
}

static void numbers(void)
{
	const uint16_t half[] = { 0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x0000, 0x03ff };
	const int64_t big[] = { INT64_MIN };
	char text[32];

	ok(ts_get(TS_F16, half, 0) == 1 && ts_get(TS_F16, half, 1) == -2 && ts_get(TS_F16, half, 2) == 0x1p-24 &&
	   ts_get(TS_F16, half, 3) == 65504 && isinf(ts_get(TS_F16, half, 4)) && ts_get(TS_F16, half, 5) == 0 &&
	   ts_get(TS_F16, half, 6) == 1023 * 0x1p-24, "half precision, subnormals too");
	ts_elem_text(TS_I64, big, 0, text);
	ok(strcmp(text, "-9223372036854775808") == 0, "integers keep all digits");
}

/* Reads the bytes under a limit of memory; true if that fails with the text. */
static bool refused(const char *bytes, size_t len, size_t pad, const char *because)
{
	struct memory m = { .chunk = 4096 };
	struct ts_reader *r;
	bool good;

	put(&m, bytes, len);
	for (size_t i = 0; i < pad; i++)
		put(&m, bytes + len - 1, 1);
	r = ts_reader_open_fn(get, &m, "hostile");
	good = !ts_reader_header(r) && strstr(ts_reader_error(r), because);
	if (!good)
		printf("# %s\n", ts_reader_error(r) ? ts_reader_error(r) : "taken");
	ts_reader_close(r);
	free(m.p);
	return good;
}

static void hostile(void)
{
	struct rlimit limit = { 512u << 20, 512u << 20 };
	pid_t pid;
	int status = 1;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
#if !defined(__SANITIZE_ADDRESS__)
		setrlimit(RLIMIT_AS, &limit);
#else
		(void)limit;
#endif
		/* {"unmask": [4 billion elements follow, {"unmask": <4 GiB of bytes>, 12 levels,
		 * ... */
		_exit(!(refused("\x81\xa6unmask\xdd\xff\xff\xff\xff", 12, 0, "stream") &&
			refused("\x81\xa6unmask\xc6\xff\xff\xff\xff", 12, 0, "stream") &&
			refused("\xdf\xff\xff\xff\xff", 5, 0, "stream") &&
			refused("\x81\xa6unmask\x91", 9, 100000, "stream") &&
			refused("\x81\xa6unmask\xdd\x00\x20\x00\x00\xc0", 13, 1000, "stream") &&
			refused("\xc1", 1, 0, "stream") && refused("\xd4\x01\x02", 3, 0, "stream")));
	}
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
	   "promises of gigabytes, depth, extensions: refused within 512 MiB");
}

int main(void)
{
	rows();
	tensors();
	meta();
	numbers();
	hostile();
	return done();
}
