/* SPDX-License-Identifier: MIT
 * Any bytes as a stream, in odd chunks. What is taken whole is written again, and must read
 * back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

struct memory {
	const unsigned char *in;
	unsigned char *out;
	size_t n, at, cap;
};

static ssize_t get(void *ctx, void *buf, size_t len)
{
	struct memory *m = ctx;
	size_t n = m->n - m->at, odd = 1 + m->at % 61;

	n = n < len ? n : len;
	n = n < odd ? n : odd;
	memcpy(buf, m->in + m->at, n);
	m->at += n;
	return (ssize_t)n;
}

static ssize_t put(void *ctx, const void *buf, size_t len)
{
	struct memory *m = ctx;

	if (m->n + len > m->cap) {
		m->cap = 2 * (m->n + len);
		m->out = realloc(m->out, m->cap);
	}
	memcpy(m->out + m->n, buf, len);
	m->n += len;
	return (ssize_t)len;
}

/* Reads all of it, copying to w if that is not NULL. 0 if the stream was whole. */
static int copy(struct ts_reader *r, struct ts_writer *w)
{
	const struct ts_header *h = ts_reader_header(r);
	struct ts_set set = { 0 };
	struct ts_batch b;
	int rc;

	if (!h || (w && ts_writer_begin(w, h) < 0))
		return -1;
	for (size_t i = 0; i < h->meta.n; i++)
		free(ts_entry_json(&h->meta.e[i]));
	if (ts_header_is_set(h)) {
		rc = ts_reader_set(r, &set);
		for (size_t i = 0; w && rc == 0 && i < set.n; i++)
			rc = ts_writer_tensor(w, &set.t[i]);
		ts_set_release(&set);
	} else {
		if (ts_batch_init(&b, h) < 0)
			return -1;
		while ((rc = ts_reader_next(r, &b)) == 1)
			if (w && ts_writer_write(w, &b) < 0)
				break;
		ts_batch_release(&b);
	}
	return rc == 0 && w ? ts_writer_finish(w) : rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
	struct memory in = { .in = data, .n = len }, again = { 0 };
	struct ts_reader *r = ts_reader_open_fn(get, &in, "fuzz");
	struct ts_writer *w = ts_writer_open_fn(put, &again, "fuzz");

	if (copy(r, w) == 0) {
		struct ts_reader *r2;

		again.in = again.out;
		again.at = 0;
		r2 = ts_reader_open_fn(get, &again, "again");
		if (copy(r2, NULL) != 0 || ts_reader_rows(r2) != ts_reader_rows(r)) {
			fprintf(stderr, "what was written does not read back: %s\n", ts_reader_error(r2));
			abort();
		}
		ts_reader_close(r2);
	}
	ts_reader_close(r);
	ts_writer_close(w);
	free(again.out);
	return 0;
}
