/* SPDX-License-Identifier: MIT
 * fuzz_ts: any bytes as a stream, in odd pieces. The contents are written again and must read back equal. A checksum
 * would stop nearly every changed input at its END, so the contents before a wrong END are also written again. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ts/ts.h"
#include "ts/ts_utf8.h"
#include "file.h"

struct mem {
	unsigned char *p;
	size_t len, cap, pos, piece;
};

static ssize_t mem_read(void *ctx, void *buf, size_t len)
{
	struct mem *m = ctx;
	size_t n = len < m->piece ? len : m->piece;

	n = n < m->len - m->pos ? n : m->len - m->pos;
	if (n)
		memcpy(buf, m->p + m->pos, n);
	m->pos += n;
	m->piece = m->piece % 61 + 1;
	return (ssize_t)n;
}

static ssize_t mem_write(void *ctx, const void *buf, size_t len)
{
	struct mem *m = ctx;

	if (m->len + len > m->cap) {
		m->cap = 2 * (m->len + len);
		if (!(m->p = realloc(m->p, m->cap)))
			abort();
	}
	memcpy(m->p + m->len, buf, len);
	m->len += len;
	return (ssize_t)len;
}

/* Every text that can be produced from a header. */
static void touch_header(const struct ts_header *h)
{
	for (size_t i = 0; i < h->meta.n; i++) {
		struct ts_tensor t = { 0 };
		char *text = ts_entry_json(&h->meta.e[i]), *s = NULL, **strs = NULL;
		const char *key = h->meta.e[i].key;
		size_t n = 0;
		int64_t number;
		double d;

		free(text);
		if (ts_meta_get_str(&h->meta, key, &s) == 1)
			free(s);
		if (ts_meta_get_strs(&h->meta, key, &strs, &n) == 1)
			ts_strs_free(strs, n);
		if (ts_meta_get_tensor(&h->meta, key, &t) == 1)
			ts_tensor_release(&t);
		if (ts_meta_get_int(&h->meta, key, &number) == 1)
			hold(ts_meta_get_double(&h->meta, key, &d) != 1 || d == (double)number);
	}
}

/* Reads m into all[], batches joined, or set. True: read to END. */
static bool read_all(struct mem *m, struct ts_header *h, struct ts_batch *all, struct ts_set *set)
{
	struct ts_reader *r = ts_reader_open_fn(mem_read, m, "fuzz");
	const struct ts_header *got = r ? ts_reader_header(r) : NULL;
	ptrdiff_t *map = NULL;
	struct ts_batch b;
	int rc = -1;

	if (got) {
		touch_header(got);
		ts_header_init(h, got->kind);
		hold(ts_header_add_all(h, got) == 0);
		hold(ts_meta_merge(&h->meta, &got->meta) == 0 && ts_header_chain(h, got) == 0);
		hold(ts_batch_init(all, h) == 0 && (map = ts_header_map(h, got)) != NULL);
	}
	if (got && ts_header_is_set(got)) {
		rc = ts_reader_set(r, set);
	} else if (got) {
		hold(ts_batch_init(&b, got) == 0);
		while ((rc = ts_reader_next(r, &b)) == 1)
			for (size_t i = 0; i < b.n && all->n < 2000; i++)
				hold(ts_batch_append(all, &b, map, i) == 0);
		ts_batch_release(&b);
	}
	free(map);
	hold((rc == 0) == (r && !ts_reader_error(r)));
	ts_reader_close(r);
	return rc == 0;
}

static void write_all(struct mem *m, const struct ts_header *h, const struct ts_batch *all, const struct ts_set *set)
{
	struct ts_writer *w = ts_writer_open_fn(mem_write, m, "fuzz");

	hold(w && ts_writer_begin(w, h) == 0);
	if (!ts_header_is_set(h))
		hold(ts_writer_write(w, all) == 0);
	for (size_t i = 0; i < set->n; i++)
		hold(ts_writer_tensor(w, &set->t[i]) == 0);
	hold(ts_writer_finish(w) == 0);
	ts_writer_close(w);
}

/* Is text b what is written for a? Invalid UTF-8 is written as its replacement, see ts_utf8.h. */
static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || a[ts_utf8_span(a)] != '\0';
}

static void compare(const struct ts_header *h, const struct ts_batch *a, const struct ts_batch *b,
		    const struct ts_set *s, const struct ts_set *t, const struct ts_header *g)
{
	hold(same_text(h->kind, g->kind) && h->n_fields == g->n_fields && h->meta.n == g->meta.n &&
	     h->n_history == g->n_history);
	for (size_t i = 0; i < h->meta.n; i++)
		hold(same_text(h->meta.e[i].key, g->meta.e[i].key));
	hold(a->n == b->n && s->n == t->n);
	for (size_t k = 0; k < a->n_cols; k++) {
		const struct ts_col *x = &a->cols[k], *y = &b->cols[k];
		hold(same_text(x->name, y->name) && x->type == y->type && x->row == y->row);
		for (size_t i = 0; i < a->n; i++)
			hold(x->type == TS_STR ? same_text(ts_col_str(x, i), ts_col_str(y, i)) :
						 !x->row || memcmp((char *)x->data + i * x->row,
								   (char *)y->data + i * y->row, x->row) == 0);
	}
	for (size_t i = 0; i < s->n; i++)
		hold(same_text(s->t[i].name, t->t[i].name) && ts_tensor_bytes(&s->t[i]) == ts_tensor_bytes(&t->t[i]) &&
		     memcmp(s->t[i].data, t->t[i].data, ts_tensor_bytes(&s->t[i])) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct mem in = { .p = (unsigned char *)data, .len = size, .piece = size % 61 + 1 };
	struct mem again = { .piece = 7 };
	struct ts_header h = { 0 }, g = { 0 };
	struct ts_batch a = { 0 }, b = { 0 };
	struct ts_set s = { 0 }, t = { 0 };
	bool whole = read_all(&in, &h, &a, &s);

	if (whole || (h.n_fields && !ts_header_is_set(&h))) {
		write_all(&again, &h, &a, &s);
		hold(read_all(&again, &g, &b, &t));
		compare(&h, &a, &b, &s, &t, &g);
	}
	ts_header_release(&h);
	ts_header_release(&g);
	ts_batch_release(&a);
	ts_batch_release(&b);
	ts_set_release(&s);
	ts_set_release(&t);
	free(again.p);
	return 0;
}
