/* SPDX-License-Identifier: MIT
 * ts: writer to reader over memory, in odd pieces; meta; history; batches; and hostile declarations, which must be
 * refused at once and without allocating memory. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "ts/ts.h"

/* A stream in memory; reads and writes transfer at most `piece` bytes. `zeros` zeros follow its end. */
struct mem {
	unsigned char *p;
	size_t len, cap, pos, piece, zeros;
};

static ssize_t mem_write(void *ctx, const void *buf, size_t len)
{
	struct mem *m = ctx;
	size_t n = len < m->piece ? len : m->piece;

	if (m->len + n > m->cap) {
		m->cap = 2 * (m->len + n);
		if (!(m->p = realloc(m->p, m->cap)))
			exit(99);
	}
	memcpy(m->p + m->len, buf, n);
	m->len += n;
	return (ssize_t)n;
}

static ssize_t mem_read(void *ctx, void *buf, size_t len)
{
	struct mem *m = ctx;
	size_t n = len < m->piece ? len : m->piece;

	if (m->pos == m->len && m->zeros) {
		n = n < m->zeros ? n : m->zeros;
		m->zeros -= n;
		memset(buf, 0, n);
		return (ssize_t)n;
	}
	n = n < m->len - m->pos ? n : m->len - m->pos;
	if (n)
		memcpy(buf, m->p + m->pos, n);
	m->pos += n;
	return (ssize_t)n;
}

static ssize_t broken(void *ctx, void *buf, size_t len)
{
	(void)ctx, (void)buf, (void)len;
	errno = EIO;
	return -1;
}

static void need(bool c)
{
	if (!c) {
		printf("Bail out! a step that a test needs failed\n");
		exit(99);
	}
}

/* ---- every type ---- */

static const enum ts_type types[] = { TS_U8, TS_I8, TS_BOOL, TS_I32, TS_I64, TS_F16, TS_F32, TS_F64 };
enum { TYPES = sizeof types / sizeof *types };

static void header_of_all(struct ts_header *h)
{
	const size_t shape[] = { 2, 3 }, none = 0;
	char name[8];

	ts_header_init(h, "features");
	for (int i = 0; i < TYPES; i++) {
		snprintf(name, sizeof name, "s%d", i);
		need(ts_header_add(h, name, types[i], 0, NULL) == 0);
		snprintf(name, sizeof name, "m%d", i);
		need(ts_header_add(h, name, types[i], 2, shape) == 0);
	}
	need(ts_header_add(h, "text", TS_STR, 0, NULL) == 0);
	need(ts_header_add(h, "void", TS_F32, 1, &none) == 0);
}

/* Integers of every length that MessagePack has, at the ends of each. */
static const int64_t integers[] = {
	0,  127, 128, 255,      256,          65535,     65536,         UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX,
	-1, -32, -33, INT8_MIN, INT8_MIN - 1, INT16_MIN, INT16_MIN - 1, INT32_MIN,  (int64_t)INT32_MIN - 1,  INT64_MIN
};
enum { INTEGERS = sizeof integers / sizeof *integers };

static void add_integers(struct ts_header *h)
{
	char key[16];

	for (int i = 0; i < INTEGERS; i++) {
		snprintf(key, sizeof key, "i%d", i);
		need(ts_meta_set_int(&h->meta, key, integers[i]) == 0);
	}
}

static bool has_integers(const struct ts_header *h)
{
	char key[16];
	int64_t v;

	for (int i = 0; i < INTEGERS; i++) {
		snprintf(key, sizeof key, "i%d", i);
		if (ts_meta_get_int(&h->meta, key, &v) != 1 || v != integers[i])
			return false;
	}
	return true;
}

static void fill(struct ts_batch *b, size_t n, unsigned seed)
{
	char text[32];

	need(ts_batch_resize(b, 0) == 0 && ts_batch_resize(b, n) == 0);
	for (size_t k = 0; k < b->n_cols; k++) {
		struct ts_col *c = &b->cols[k];
		for (size_t i = 0; i < n * c->row; i++)
			((unsigned char *)c->data)[i] = (unsigned char)(seed += 77);
		for (size_t i = 0; c->type == TS_STR && i < n; i++) {
			snprintf(text, sizeof text, "%s%zu", i % 3 ? "\xc3\xa9\n" : "", i);
			need(ts_col_set_str(c, i, i % 5 ? text : "") == 0);
		}
	}
}

static bool same_rows(const struct ts_batch *a, size_t i, const struct ts_batch *b, size_t j)
{
	for (size_t k = 0; k < a->n_cols; k++) {
		const struct ts_col *x = &a->cols[k], *y = &b->cols[k];
		if (x->type == TS_STR ?
			    strcmp(ts_col_str(x, i), ts_col_str(y, j)) != 0 :
			    x->row && memcmp((char *)x->data + i * x->row, (char *)y->data + j * y->row, x->row) != 0)
			return false;
	}
	return true;
}

static void round_trip(size_t piece)
{
	struct mem m = { .piece = piece };
	struct ts_header h;
	struct ts_batch out, in;
	struct ts_writer *w = ts_writer_open_fn(mem_write, &m, "memory");
	struct ts_reader *r = ts_reader_open_fn(mem_read, &m, "memory");
	size_t seen = 0;
	bool same = true;
	int rc;

	header_of_all(&h);
	add_integers(&h);
	need(w && r && ts_batch_init(&out, &h) == 0);
	need(ts_writer_begin(w, &h) == 0);
	for (unsigned i = 0; i < 3; i++) {
		fill(&out, i == 1 ? 1 : 40, i);
		need(ts_writer_write(w, &out) == 0);
	}
	need(ts_batch_resize(&out, 0) == 0);
	ok(ts_writer_write(w, &out) == 0 && ts_writer_finish(w) == 0, "pieces of %zu: written", piece);

	need(ts_reader_header(r) && ts_batch_init(&in, ts_reader_header(r)) == 0);
	ok(ts_reader_header(r)->n_fields == h.n_fields && ts_reader_expect(r, "features"), "fields are back");
	ok(has_integers(ts_reader_header(r)), "integers of the meta map, of every length");
	for (unsigned k = 0; (rc = ts_reader_next(r, &in)) == 1; k++) {
		fill(&out, k == 1 ? 1 : 40, k);
		same = same && in.n == out.n;
		for (size_t i = 0; i < in.n && same; i++)
			same = same_rows(&in, i, &out, i);
		seen += in.n;
	}
	ok(rc == 0 && seen == 81 && ts_reader_rows(r) == 81, "81 rows to END: %s",
	   ts_reader_error(r) ? ts_reader_error(r) : "no error");
	ok(same, "every type, strings, empty strings, empty tensors: equal");
	ok(ts_reader_next(r, &in) == 0, "after END it stays at the end");
	ts_writer_close(w);
	ts_reader_close(r);
	ts_batch_release(&in);
	ts_batch_release(&out);
	ts_header_release(&h);
	free(m.p);
}

/* ---- checkpoints ---- */

static void large_tensor(void)
{
	struct mem m = { .piece = 1 << 20 };
	struct ts_header h;
	struct ts_set set = { 0 }, back = { 0 };
	struct ts_writer *w = ts_writer_open_fn(mem_write, &m, "memory");
	struct ts_reader *r = ts_reader_open_fn(mem_read, &m, "memory");
	const size_t big[] = { 70, 250, 1000 }, empty[] = { 0, 5 };
	struct ts_tensor *t;
	uint32_t x = 1;

	need(w && r && (t = ts_set_add(&set, "big", TS_F32, 3, big)));
	for (size_t i = 0; i < ts_tensor_count(t); i++)
		((uint32_t *)t->data)[i] = x = x * 1664525 + 1013904223;
	need((t = ts_set_add(&set, "scalar", TS_I64, 0, NULL)));
	*(int64_t *)t->data = -5;
	need(ts_set_add(&set, "empty", TS_F64, 2, empty) != NULL);
	ts_header_init(&h, "checkpoint");
	for (size_t i = 0; i < set.n; i++)
		need(ts_header_add(&h, set.t[i].name, set.t[i].type, set.t[i].ndim, set.t[i].shape) == 0);
	need(ts_writer_begin(w, &h) == 0);
	for (size_t i = 0; i < set.n; i++)
		need(ts_writer_tensor(w, &set.t[i]) == 0);
	ok(ts_writer_finish(w) == 0, "a tensor of 70 MB, a scalar and an empty one are written");
	ok(ts_reader_set(r, &back) == 0 && back.n == 3, "and read: %s",
	   ts_reader_error(r) ? ts_reader_error(r) : "no error");
	ok(ts_reader_rows(r) == 4, "the large one in two records");
	t = ts_set_get(&back, "big");
	ok(t && t->ndim == 3 && t->shape[0] == 70 && memcmp(t->data, set.t[0].data, 70000000) == 0,
	   "its bytes are equal");
	t = ts_set_get(&back, "scalar");
	ok(t && t->ndim == 0 && *(int64_t *)t->data == -5, "the scalar too");
	t = ts_set_get(&back, "empty");
	ok(t && t->shape[0] == 0 && t->shape[1] == 5, "the empty one too");
	ts_writer_close(w);
	ts_reader_close(r);
	ts_set_release(&set);
	ts_set_release(&back);
	ts_header_release(&h);
	free(m.p);
}

/* A stream inside a tensor of another one, followed by a small tensor; a number for each of n floats. */
static void nest(struct ts_bytes *to, size_t n)
{
	struct ts_bytes inner = { 0 };
	struct ts_header h, outer;
	struct ts_set set = { 0 }, all = { 0 };
	struct ts_tensor *t;
	struct ts_writer *w = ts_writer_open_bytes(&inner, "inner");
	const size_t one = 1;
	struct err err;

	need((t = ts_set_add(&set, "w", TS_F32, 1, &n)));
	for (size_t i = 0; i < n; i++)
		((float *)t->data)[i] = (float)(i % 1000);
	ts_header_init(&h, "checkpoint");
	need(w && ts_set_write(w, &h, &set, &err) == 0);
	ts_writer_close(w);
	need((t = ts_set_add(&all, "model", TS_U8, 1, &inner.n)));
	memcpy(t->data, inner.p, inner.n);
	need(ts_set_add(&all, "threshold", TS_F32, 1, &one));
	ts_header_init(&outer, "fit");
	w = ts_writer_open_bytes(to, "outer");
	need(w && ts_set_write(w, &outer, &all, &err) == 0);
	ts_writer_close(w);
	ts_header_release(&h);
	ts_header_release(&outer);
	ts_set_release(&set);
	ts_set_release(&all);
	free(inner.p);
}

static void parts(void)
{
	enum { BYTE = 1000000 }; /* in the model, well after its beginning */
	const size_t sizes[] = { 300000, 17600000 };

	for (size_t i = 0; i < 2; i++) {
		struct ts_bytes b = { 0 };
		struct ts_set set = { 0 }, rest = { 0 };
		struct ts_reader *r, *part;

		nest(&b, sizes[i]);
		r = ts_reader_open_bytes(b.p, b.n, "outer");
		ok(r && !ts_reader_part(r, "threshold"), "%zu numbers: what is not the next is no part", sizes[i]);
		part = ts_reader_part(r, "model");
		ok(part && ts_reader_set(part, &set) == 0 && set.n == 1 && ts_tensor_count(&set.t[0]) == sizes[i] &&
			   ((float *)set.t[0].data)[sizes[i] - 1] == (float)((sizes[i] - 1) % 1000),
		   "a stream in a stream is read as it comes");
		ts_reader_close(part);
		ok(ts_reader_set(r, &rest) == 0 && rest.n == 1 && strcmp(rest.t[0].name, "threshold") == 0,
		   "and then what is behind it");
		ts_reader_close(r);
		ts_set_release(&set);
		ts_set_release(&rest);

		r = ts_reader_open_bytes(b.p, b.n, "outer");
		ts_reader_close(r ? ts_reader_part(r, "model") : NULL);
		ok(r && ts_reader_set(r, &rest) < 0 && strstr(ts_reader_error(r), "'model' was not read to its end"),
		   "not before it was read");
		ts_reader_close(r);
		ts_set_release(&rest);

		r = ts_reader_open_bytes(b.p, b.n / 2, "outer");
		part = r ? ts_reader_part(r, "model") : NULL;
		ok(part && ts_reader_set(part, &set) < 0 && strstr(ts_reader_error(r), "cut off inside a record"),
		   "cut off in the middle: the outer one says so");
		ts_reader_close(part);
		ts_reader_close(r);
		ts_set_release(&set);

		b.p[BYTE] ^= 1;
		r = ts_reader_open_bytes(b.p, b.n, "outer");
		part = r ? ts_reader_part(r, "model") : NULL;
		ok(part && ts_reader_set(part, &set) < 0 && strstr(ts_reader_error(part), "checksum"),
		   "a byte is changed: the inner checksum sees it");
		ts_reader_close(part);
		ok(ts_reader_set(r, &rest) < 0 && strstr(ts_reader_error(r), "checksum"), "and so does the outer one");
		ts_reader_close(r);
		ts_set_release(&set);
		ts_set_release(&rest);
		free(b.p);
	}
}

static void writer_refuses(void)
{
	struct mem m = { .piece = 64 };
	struct ts_header h;
	struct ts_tensor t;
	struct ts_batch b;
	struct ts_writer *w = ts_writer_open_fn(mem_write, &m, "memory");
	size_t four = 4, at;

	ts_header_init(&h, "checkpoint");
	need(w && ts_header_add(&h, "a", TS_F32, 1, &four) == 0 && ts_writer_begin(w, &h) == 0 &&
	     ts_tensor_init(&t, "b", TS_F32, 1, &four) == 0);
	ok(ts_writer_tensor(w, &t) < 0 && strstr(ts_writer_error(w), "'b' is not the header's next"),
	   "a tensor that is not announced is not written");
	at = m.len;
	ok(ts_writer_finish(w) < 0 && m.len == at, "a writer that failed writes no END");
	ts_tensor_release(&t);
	ts_writer_close(w);
	w = ts_writer_open_fn(mem_write, &m, "memory");
	need(w && ts_writer_begin(w, &h) == 0);
	ok(ts_writer_finish(w) < 0 && strstr(ts_writer_error(w), "missing"), "nor one whose tensors are missing");
	ts_writer_close(w);
	ts_header_release(&h);

	ts_header_init(&h, "scores");
	need(ts_header_add(&h, "a", TS_F32, 0, NULL) == 0 && ts_batch_init(&b, &h) == 0);
	w = ts_writer_open_fn(mem_write, &m, "memory");
	need(w && ts_batch_resize(&b, 1) == 0);
	ok(ts_writer_write(w, &b) < 0, "no batch before the header");
	ts_writer_close(w);
	ts_batch_release(&b);
	ts_header_release(&h);
	free(m.p);
}

/* ---- meta ---- */

static void meta(void)
{
	struct ts_meta m = { 0 }, other = { 0 };
	struct ts_header h;
	struct ts_tensor t, back = { 0 };
	char *words[] = { (char *)"a", (char *)"", (char *)"c" }, **strs = NULL, *s = NULL, *json;
	size_t shape[] = { 2, 2 }, n = 0;
	int64_t i = 0;
	double d = 0;

	need(ts_meta_set_str(&m, "s", "text") == 0 && ts_meta_set_int(&m, "i", -7) == 0 &&
	     ts_meta_set_double(&m, "d", 2.5) == 0 && ts_meta_set_strs(&m, "l", words, 3) == 0 &&
	     ts_tensor_init(&t, "t", TS_F64, 2, shape) == 0);
	((double *)t.data)[3] = 1e300;
	need(ts_meta_set_tensor(&m, "t", &t) == 0);
	ok(ts_meta_get_str(&m, "s", &s) == 1 && strcmp(s, "text") == 0, "a string");
	ok(ts_meta_get_int(&m, "i", &i) == 1 && i == -7, "an integer");
	ok(ts_meta_get_double(&m, "i", &d) == 1 && d == -7, "read as a double");
	ok(ts_meta_get_double(&m, "d", &d) == 1 && d == 2.5, "a double");
	ok(ts_meta_get_int(&m, "d", &i) == -1, "which is no integer");
	ok(ts_meta_get_strs(&m, "l", &strs, &n) == 1 && n == 3 && !*strs[1] && strcmp(strs[2], "c") == 0, "strings");
	ok(ts_meta_get_tensor(&m, "t", &back) == 1 && back.ndim == 2 && back.shape[1] == 2 &&
		   ((double *)back.data)[3] == 1e300,
	   "a tensor");
	free(s);
	ts_strs_free(strs, n);
	ok(ts_meta_get_str(&m, "none", &s) == 0 && ts_meta_get_int(&m, "none", &i) == 0 &&
		   ts_meta_get_strs(&m, "none", &strs, &n) == 0 && ts_meta_get_double(&m, "none", &d) == 0,
	   "absent keys");
	ok(ts_meta_get_str(&m, "i", &s) == -1 && ts_meta_get_int(&m, "s", &i) == -1 &&
		   ts_meta_get_strs(&m, "t", &strs, &n) == -1 && ts_meta_get_double(&m, "l", &d) == -1,
	   "keys of another type");
	ts_tensor_release(&back);
	ok(ts_meta_get_tensor(&m, "s", &back) == -1, "no tensor");

	/* Numbers that a double cannot hold. */
	need(ts_meta_set_int(&m, "i", INT64_MAX) == 0);
	ok(ts_meta_get_int(&m, "i", &i) == 1 && i == INT64_MAX, "the largest integer");
	ok(ts_meta_get_double(&m, "i", &d) == -1, "is no double");
	need(ts_meta_set_int(&m, "i", INT64_MIN) == 0);
	ok(ts_meta_get_int(&m, "i", &i) == 1 && i == INT64_MIN, "the least integer");
	need(ts_meta_set_int(&m, "i", 9007199254740993) == 0);
	ok(ts_meta_get_int(&m, "i", &i) == 1 && i == 9007199254740993, "2^53 + 1");
	need(ts_meta_set_double(&m, "i", 1e15) == 0);
	ok(ts_meta_get_int(&m, "i", &i) == 1 && i == 1000000000000000, "a whole double is an integer");
	need(ts_meta_set_double(&m, "i", NAN) == 0);
	ok(ts_meta_get_int(&m, "i", &i) == -1, "not-a-number is none");
	need(ts_meta_set_double(&m, "i", 1e19) == 0);
	ok(ts_meta_get_int(&m, "i", &i) == -1, "nor is 1e19");

	n = m.n;
	need(ts_meta_set_str(&m, "s", "new") == 0 && ts_meta_set_str(&other, "s", "newer") == 0 &&
	     ts_meta_set_int(&other, "more", 1) == 0);
	ok(m.n == n && strcmp(m.e[0].key, "s") == 0, "setting replaces, the order stays");
	ok(ts_meta_merge(&m, &other) == 0 && m.n == n + 1 && ts_meta_get_str(&m, "s", &s) == 1 &&
		   strcmp(s, "newer") == 0,
	   "merging replaces and appends");
	free(s);
	ts_meta_del(&m, "i");
	ts_meta_del(&m, "none");
	ok(m.n == n && ts_meta_get_int(&m, "i", &i) == 0 && ts_meta_get_int(&m, "more", &i) == 1, "deleting");
	json = ts_entry_json(&m.e[m.n - 2]);
	ok(json && strcmp(json, "{\"type\": \"<f8\", \"shape\": [2, 2]}") == 0, "a tensor in JSON: %s", json);
	free(json);
	json = ts_str_json("a\"\\\n\x7f\xc3\xa9");
	ok(json && strcmp(json, "\"a\\\"\\\\\\u000a\\u007f\xc3\xa9\"") == 0, "a string in JSON: %s", json);
	free(json);
	ts_header_init(&h, "fit");
	h.meta = m;
	ts_header_release(&h);
	ts_header_init(&h, "fit");
	h.meta = other;
	ts_header_release(&h);
	ts_tensor_release(&t);
}

/* ---- history ---- */

static void history(void)
{
	struct ts_header a, b, c, d;
	char *args[] = { (char *)"--seed", (char *)"1" };
	char id[17];

	ts_header_init(&a, "scores");
	ts_header_init(&b, "scores");
	ts_header_init(&c, "scores");
	ts_header_init(&d, "scores");
	need(ts_header_log(&a, "one", "v1", 2, args, NULL, 0) == 0);
	need(ts_header_chain(&b, &a) == 0 &&
	     ts_header_log(&b, "two", "v1", 0, NULL, (const struct ts_header *[]){ &a, NULL }, 2) == 0);
	ok(b.n_history == 2 && b.history[1].n_prev == 1 && strcmp(b.history[1].prev[0], a.history[0].id) == 0,
	   "a step names the step before it");
	ok(b.history[0].n_args == 2 && strcmp(b.history[0].args[1], "1") == 0, "arguments are kept");
	need(ts_header_chain(&c, &a) == 0 && ts_header_chain(&c, &b) == 0 && ts_header_chain(&c, &a) == 0);
	ok(c.n_history == 2, "common steps come in once");
	need(ts_header_log(&c, "join", "v1", 0, NULL, (const struct ts_header *[]){ &a, &b }, 2) == 0);
	ok(c.history[2].n_prev == 2 && strcmp(c.history[2].prev[1], b.history[1].id) == 0, "two inputs, two ids");
	need(ts_header_log(&d, "one", "v1", 2, args, NULL, 0) == 0);
	ok(strcmp(d.history[0].id, a.history[0].id) == 0, "equal runs have equal ids");
	args[1] = (char *)"2";
	memcpy(id, d.history[0].id, sizeof id);
	need(ts_header_log(&d, "one", "v1", 2, args, NULL, 0) == 0);
	ok(strcmp(d.history[1].id, id) != 0, "other arguments, another id");
	ts_header_release(&a);
	ts_header_release(&b);
	ts_header_release(&c);
	ts_header_release(&d);
}

/* ---- headers, batches, numbers ---- */

static void fields(void)
{
	struct ts_header h;
	size_t huge[] = { SIZE_MAX / 2, 4 }, large[] = { TS_MAX_RECORD }, many[TS_MAX_DIMS];
	char name[TS_MAX_NAME + 2];

	memset(name, 'x', sizeof name);
	name[TS_MAX_NAME + 1] = '\0';
	for (int i = 0; i < TS_MAX_DIMS; i++)
		many[i] = 1;
	ts_header_init(&h, "scores");
	ok(ts_header_add(&h, "end", TS_F32, 0, NULL) < 0 && ts_header_add(&h, "unmask", TS_F32, 0, NULL) < 0,
	   "reserved names");
	ok(ts_header_add(&h, "", TS_F32, 0, NULL) < 0 && ts_header_add(&h, name, TS_F32, 0, NULL) < 0,
	   "no name, and a name of %d bytes", TS_MAX_NAME + 1);
	ok(ts_header_add(&h, name + 1, TS_F32, 0, NULL) == 0, "a name of %d bytes", TS_MAX_NAME);
	ok(ts_header_add(&h, name + 1, TS_F32, 0, NULL) < 0, "a name twice");
	ok(ts_header_add(&h, "a", TS_F32, 2, huge) < 0, "a shape that overflows");
	ok(ts_header_add(&h, "a", TS_F32, 1, large) < 0 && ts_header_add(&h, "a", TS_U8, 1, large) == 0,
	   "a row of more than a record");
	ok(ts_header_add(&h, "b", TS_F32, TS_MAX_DIMS, many) < 0 &&
		   ts_header_add(&h, "b", TS_F32, TS_MAX_DIMS - 1, many) == 0,
	   "too many dimensions");
	ok(ts_header_add(&h, "c", TS_STR, 1, many) < 0, "strings have no shape");
	ts_header_release(&h);
	ts_header_init(&h, "fit");
	ok(ts_header_add(&h, "c", TS_STR, 0, NULL) < 0, "no strings among tensors");
	ts_header_release(&h);
}

/* to has fields v of <f4 (2) and s of strings. */
static void map_columns(const struct ts_header *to)
{
	struct ts_header from;
	const size_t three = 3;
	ptrdiff_t *map;

	ts_header_init(&from, "scores");
	need(ts_header_add(&from, "s", TS_STR, 0, NULL) == 0 && ts_header_add(&from, "v", TS_F32, 1, &three) == 0);
	need((map = ts_header_map(to, &from)) != NULL);
	ok(map[0] == -1 && map[1] == 0, "columns are found by name, type and shape");
	free(map);
	ts_header_release(&from);
}

static void batches(void)
{
	struct ts_header h;
	struct ts_batch a, b;
	const size_t two = 2;
	ptrdiff_t *map;
	float *v;

	ts_header_init(&h, "scores");
	need(ts_header_add(&h, "v", TS_F32, 1, &two) == 0 && ts_header_add(&h, "s", TS_STR, 0, NULL) == 0);
	need(ts_batch_init(&a, &h) == 0 && ts_batch_init(&b, &h) == 0 && ts_batch_resize(&a, 3) == 0);
	v = ts_batch_col(&a, "v")->data;
	for (int i = 0; i < 6; i++)
		v[i] = (float)i;
	need(ts_col_set_str(ts_batch_col(&a, "s"), 2, "two") == 0);
	need(ts_batch_resize(&a, 1000) == 0);
	v = ts_batch_col(&a, "v")->data;
	ok(v[5] == 5 && v[6] == 0 && v[1999] == 0, "growing keeps rows and zeroes new ones");
	ok(strcmp(ts_col_str(ts_batch_col(&a, "s"), 2), "two") == 0 && !*ts_col_str(ts_batch_col(&a, "s"), 999),
	   "strings too");
	need(ts_batch_resize(&a, 3) == 0 && ts_batch_resize(&a, 5) == 0);
	ok(((float *)ts_batch_col(&a, "v")->data)[6] == 0, "rows that come back are zero");
	need((map = ts_header_map(&h, &h)) != NULL);
	ok(ts_batch_append(&b, &a, map, 2) == 0 && ts_batch_append(&b, &a, map, 0) == 0 && b.n == 2 &&
		   same_rows(&b, 0, &a, 2) && same_rows(&b, 1, &a, 0),
	   "appending rows");
	ok(ts_batch_copy(&b, 0, &a, map, 1, 2) == 0 && same_rows(&b, 0, &a, 1) && same_rows(&b, 1, &a, 2),
	   "copying rows");
	map[0] = -1;
	ok(ts_batch_copy(&b, 1, &a, map, 0, 1) == 0 && ((float *)ts_batch_col(&b, "v")->data)[2] == 4 &&
		   !*ts_col_str(ts_batch_col(&b, "s"), 1),
	   "but columns that are not mapped keep what they hold");
	ok(ts_batch_row_bytes(&a) == 8, "bytes of a row");
	ok(ts_batch_rows(&a, 100, 80) == 10 && ts_batch_rows(&a, 5, 80) == 5 && ts_batch_rows(&a, 5, 1) == 1,
	   "rows that a batch should hold");
	ok(ts_batch_col(&a, "none") == NULL, "a column that is not there");
	map_columns(&h);
	free(map);
	ts_batch_release(&a);
	ts_batch_release(&b);
	ts_batch_release(NULL);
	ts_header_release(&h);
}

static void numbers(void)
{
	static const uint16_t half[] = { 0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001,
					 0x0400, 0x3555, 0x7c00, 0xfc00, 0x7e00 };
	static const double want[] = {
		0, -0.0, 1, -2, 65504, 0x1p-24, 0x1p-14, 0.333251953125, INFINITY, -INFINITY, NAN
	};
	static const float f[] = { 0.1f, 1.17549435e-38f, 3.40282347e38f, -0.0f, 1e-45f, 16777217.0f };
	static const double d[] = { 0.1, 5e-324, 1.7976931348623157e308 };
	int64_t big = INT64_MIN;
	char text[32];
	bool good = true;

	for (size_t i = 0; i < sizeof half / sizeof *half; i++) {
		double v = ts_get(TS_F16, half, i);
		good = good && (v == want[i] || (isnan(v) && isnan(want[i]))) && !signbit(v) == !signbit(want[i]);
	}
	ok(good, "half precision, with subnormal numbers and infinities");
	for (size_t i = 0; i < sizeof f / sizeof *f; i++) {
		ts_elem_text(TS_F32, f, i, text);
		good = good && strtof(text, NULL) == f[i];
	}
	for (size_t i = 0; i < 3; i++) {
		ts_elem_text(TS_F64, d, i, text);
		good = good && strtod(text, NULL) == d[i];
	}
	ok(good, "text of numbers reads back the same");
	ts_elem_text(TS_I64, &big, 0, text);
	ok(strcmp(text, "-9223372036854775808") == 0, "the least integer: %s", text);
	ts_elem_text(TS_I32, (int32_t[]){ -2147483647 }, 0, text);
	ok(strcmp(text, "-2147483647") == 0, "an <i4 of ten digits: %s", text);
	for (int i = 0; i < 9; i++)
		good = good && ts_type_parse(ts_type_name((enum ts_type)i)) == i;
	ok(good && ts_type_parse(">f4") == -1 && ts_type_parse("") == -1, "names of types");
}

/* ---- hostile declarations ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMITED = 0 };
#else
enum { LIMITED = 1 };
#endif

/* Reads m to its end or an error; the text of the error is copied to `error`. */
static void read_all(struct mem *m, char *error, size_t size)
{
	struct ts_reader *r = ts_reader_open_fn(mem_read, m, "memory");
	const struct ts_header *h = ts_reader_header(r);
	struct ts_set set = { 0 };
	struct ts_batch b;

	if (h && ts_header_is_set(h)) {
		(void)!ts_reader_set(r, &set);
		ts_set_release(&set);
	} else if (h) {
		need(ts_batch_init(&b, h) == 0);
		while (ts_reader_next(r, &b) == 1)
			;
		ts_batch_release(&b);
	}
	snprintf(error, size, "%s", ts_reader_error(r) ? ts_reader_error(r) : "no error");
	ts_reader_close(r);
}

/* In a child with 96 MiB of memory and 5 seconds, these bytes after a header of `fields`, then `zeros` zeros, must be
 * refused with a text that contains `want`, after reading at most 1 MiB. */
static void refused(const char *what, const char *fields, const char *bytes, size_t len, size_t zeros, const char *want)
{
	struct mem m = { .piece = 4096, .zeros = zeros };
	int fd[2], status;
	char error[1024] = "";
	ssize_t n;
	pid_t pid;

	need(pipe(fd) == 0);
	fflush(stdout);
	pid = fork();
	need(pid >= 0);
	if (pid == 0) {
		struct rlimit as = { 96 << 20, 96 << 20 };
		if (*fields) {
			struct ts_header h;
			struct ts_writer *w = ts_writer_open_fn(mem_write, &m, "memory");
			size_t none = 0, wide = 50000000;
			ts_header_init(&h, strcmp(fields, "set") == 0 ? "fit" : "scores");
			need(ts_header_add(&h, "z", TS_U8, 1, strcmp(fields, "set") == 0 ? (size_t[]){ 5 } : &none) ==
			     0);
			if (strcmp(fields, "wide") == 0)
				need(ts_header_add(&h, "y", TS_F32, 1, &wide) == 0);
			if (strcmp(fields, "text") == 0)
				need(ts_header_add(&h, "s", TS_STR, 0, NULL) == 0);
			need(w && ts_writer_begin(w, &h) == 0);
			ts_writer_close(w);
			ts_header_release(&h);
		}
		for (size_t at = 0; at < len;)
			at += (size_t)mem_write(&m, bytes + at, len - at);
		alarm(5);
		if (LIMITED)
			setrlimit(RLIMIT_AS, &as);
		read_all(&m, error, sizeof error);
		if (zeros && zeros - m.zeros > 1 << 20)
			snprintf(error, sizeof error, "read %zu zeros", zeros - m.zeros);
		(void)!write(fd[1], error, strlen(error));
		free(m.p);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], error, sizeof error - 1);
	error[n > 0 ? n : 0] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	ok(status == 0 && strstr(error, want), "%s: %s", what, n > 0 ? error : "the reader died");
}
#define REFUSED(what, fields, bytes, zeros, want) refused(what, fields, bytes, sizeof(bytes) - 1, zeros, want)

#define TENSOR(shape, data) \
	"\x84\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x05shape" shape "\xc4\x04" \
	"data" data

static void hostile(void)
{
	static char deep[64], objects[65 * 65538 + 3];
	const size_t much = (size_t)1 << 40;
	size_t n = 0;

	REFUSED("array of 4 billion", "row", "\xdd\xff\xff\xff\xff", much, "too many objects");
	REFUSED("map of 4 billion", "row", "\xdf\xff\xff\xff\xff", much, "too many objects");
	REFUSED("bytes of 4 GiB - 1", "row", "\xc6\xff\xff\xff\xff", much, "size limit");
	REFUSED("string of 4 GiB - 1", "row", "\xdb\xff\xff\xff\xff", much, "size limit");
	REFUSED("array of 4 billion as header", "", "\xdd\xff\xff\xff\xff", much, "not an unmask stream");
	REFUSED("bytes of 4 GiB - 1 as header", "", "\xc6\xff\xff\xff\xff", much, "not an unmask stream");
	REFUSED("more than 64 MiB as header", "", "\xc6\x04\x00\x00\x01", much, "not an unmask stream");
	REFUSED("200 MB promised, none delivered", "row", "\xc6\x0c\x00\x00\x00", 0, "cut off inside");
	REFUSED("an extension type", "row", "\xc7\x01\x05x", 0, "not MessagePack data of this format");
	REFUSED("the byte that MessagePack never uses", "row", "\xc1", 0, "not MessagePack data");
	REFUSED("no map", "row", "\x01", 0, "not a MessagePack map");

	memset(deep, 0x91, sizeof deep);
	refused("nesting of 64", "row", deep, sizeof deep, much, "nested too deeply");
	/* 65 arrays of 65535 zeros: the data itself reaches the limit, without any large number. */
	memcpy(objects, "\xdc\x00\x41", n = 3);
	for (int i = 0; i < 65; i++) {
		memcpy(objects + n, "\xdc\xff\xff", 3);
		n += 3 + 65535;
	}
	refused("4 million objects and more", "row", objects, n, 0, "too many objects");
	REFUSED("empty rows by the quarter billion", "text",
		"\x82\xa1z" TENSOR("\x92\xce\x10\x00\x00\x00\x00", "\xc4\x00") "\xa1s\x91\xa1x", 0, "rows");
	REFUSED("a thousand wide rows announced by a narrow column", "wide",
		"\x82\xa1z" TENSOR("\x92\xcd\x03\xe8\x00", "\xc4\x00") "\xa1y\xc0", 0, "column 'y'");
	REFUSED("a shape that overflows", "row",
		"\x81\xa1z" TENSOR("\x92\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x02", "\xc4\x00"), 0,
		"does not match its bytes");
	REFUSED("a slice beyond the tensor", "set",
		"\x81\xa1z" TENSOR("\x91\x06", "\xc4\x06"
					       "abcdef"),
		0, "does not have the type and shape");
	REFUSED("a slice of none", "set", "\x81\xa1z" TENSOR("\x91\x00", "\xc4\x00"), 0, "without rows");
}

static void failures(void)
{
	struct mem m = { .piece = 100 };
	struct ts_reader *r = ts_reader_open_fn(broken, NULL, "disk");
	char error[1024];

	ok(ts_reader_header(r) == NULL && strstr(ts_reader_error(r), "'disk': cannot read: Input/output error"),
	   "a read error: %s", ts_reader_error(r));
	ok(ts_reader_fail(r, "later") == -1 && !strstr(ts_reader_error(r), "later"), "the first error stays");
	ts_reader_close(r);
	read_all(&m, error, sizeof error);
	ok(strstr(error, "empty input"), "nothing at all: %s", error);
	r = ts_reader_open("/no/such/file");
	ok(ts_reader_header(r) == NULL && strstr(ts_reader_error(r), "cannot open '/no/such/file'"), "no such file");
	ts_reader_close(r);
	ts_reader_close(NULL);
	ts_writer_close(NULL);
}

int main(void)
{
	round_trip(1);
	round_trip(7);
	round_trip(4096);
	large_tensor();
	parts();
	writer_refuses();
	meta();
	history();
	fields();
	batches();
	numbers();
	hostile();
	failures();
	return done();
}
