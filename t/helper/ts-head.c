/* SPDX-License-Identifier: MIT
 * ts-head <FEATURES: adds a random last layer to a stream of features, and replaces the logits by those it produces,
 * for benchmarks and tests. */
#include <stdio.h>
#include <stdlib.h>

#include "ts/ts.h"
#include "ts/ts_rng.h"

static void die(const char *what)
{
	fprintf(stderr, "ts-head: %s\n", what);
	exit(99);
}

static void fill(struct ts_tensor *t, const char *name, int ndim, size_t a, size_t b)
{
	struct ts_rng r = ts_rng_new(1, (uint64_t)ndim);

	if (ts_tensor_init(t, name, TS_F32, ndim, (const size_t[]){ a, b }))
		die("out of memory");
	for (size_t i = 0; i < ts_tensor_count(t); i++)
		((float *)t->data)[i] = (float)ts_rng_normal(&r);
}

int main(void)
{
	struct ts_reader *r = ts_reader_open(NULL);
	struct ts_writer *out = ts_writer_open(NULL);
	const struct ts_header *in = ts_reader_expect(r, "features");
	struct ts_tensor w, b;
	struct ts_header h;
	struct ts_batch rows;

	if (!in || ts_batch_init(&rows, in))
		die("no features");
	size_t C = ts_header_field(in, "logits")->shape[0], D = ts_header_field(in, "features")->shape[0];
	fill(&w, "fc.weight", 2, C, D);
	fill(&b, "fc.bias", 1, C, 0);
	ts_header_init(&h, "features");
	for (size_t i = 0; i < in->n_fields; i++)
		if (ts_header_add(&h, in->fields[i].name, in->fields[i].type, in->fields[i].ndim, in->fields[i].shape))
			die("out of memory");
	if (ts_meta_set_tensor(&h.meta, "fc.weight", &w) || ts_meta_set_tensor(&h.meta, "fc.bias", &b) ||
	    ts_writer_begin(out, &h))
		die("cannot begin");
	const float *weight = w.data, *bias = b.data;
	while (ts_reader_next(r, &rows) == 1) {
		float *l = ts_batch_col(&rows, "logits")->data, *z = ts_batch_col(&rows, "features")->data;
		for (size_t i = 0; i < rows.n * C; i++) {
			double sum = bias[i % C];
			for (size_t d = 0; d < D; d++)
				sum += (double)weight[i % C * D + d] * z[i / C * D + d];
			l[i] = (float)sum;
		}
		if (ts_writer_write(out, &rows))
			die("cannot write");
	}
	if (ts_reader_error(r) || ts_writer_finish(out))
		die("cannot finish");
	ts_header_release(&h);
	ts_batch_release(&rows);
	ts_tensor_release(&w);
	ts_tensor_release(&b);
	ts_reader_close(r);
	ts_writer_close(out);
	return 0;
}
