/* SPDX-License-Identifier: MIT
 * ts-gen: makes a stream from text, for tests.
 *
 *	ts-gen KIND FIELD:TYPE[:DIMxDIM...],... <TEXT      one line per row, values separated by blanks
 *	ts-gen KIND FIELDS ROWS SEED                       random rows: normal floats, labels below 10, any bytes,
 *	                                                   names row000000...
 * TYPE is f2, f4, f8, i8, u1 or str. Streams of features get a meta of "arch", "fc.weight" and "fc.bias". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ts/ts.h"
#include "ts/ts_rng.h"

static void die(const char *what)
{
	fprintf(stderr, "ts-gen: %s\n", what);
	exit(99);
}

static void add_field(struct ts_header *h, char *text)
{
	char *name = strsep(&text, ":"), *type = strsep(&text, ":"), *dim;
	size_t shape[TS_MAX_DIMS];
	int ndim = 0;

	while (ndim < TS_MAX_DIMS && (dim = strsep(&text, "x")) != NULL)
		shape[ndim++] = strtoul(dim, NULL, 10);
	if (!type || ts_header_add(h, name,
				   !strcmp(type, "str") ? TS_STR :
				   !strcmp(type, "i8")  ? TS_I64 :
				   !strcmp(type, "u1")  ? TS_U8 :
				   !strcmp(type, "f8")  ? TS_F64 :
				   !strcmp(type, "f2")  ? TS_F16 :
							  TS_F32,
				   ndim, shape))
		die("bad field");
}

static bool is_vector(const struct ts_header *h, const char *name, size_t n)
{
	const struct ts_field *f = ts_header_field(h, name);

	return !f || f->ndim != 1 || f->shape[0] == n;
}

/* A last layer of 2 classes and 3 features, unless the columns have other sizes. */
static void add_meta(const struct ts_header *h, struct ts_meta *m)
{
	struct ts_tensor weight, bias;
	size_t shape[] = { 2, 3 };

	if (ts_meta_set_str(m, "arch", "none"))
		die("out of memory");
	if (ts_header_field(h, "features") && !(is_vector(h, "logits", 2) && is_vector(h, "features", 3)))
		return;
	if (ts_tensor_init(&weight, "fc.weight", TS_F32, 2, shape) || ts_meta_set_tensor(m, "fc.weight", &weight) ||
	    ts_tensor_init(&bias, "fc.bias", TS_F32, 1, shape) || ts_meta_set_tensor(m, "fc.bias", &bias))
		die("out of memory");
	ts_tensor_release(&bias);
	ts_tensor_release(&weight);
}

/* Value k of row i, from the word, or random if it is NULL. */
static void set_value(struct ts_col *c, size_t i, size_t k, const char *word, struct ts_rng *r)
{
	if (c->type == TS_F32)
		((float *)c->data)[k] = word ? strtof(word, NULL) : (float)ts_rng_normal(r);
	else if (c->type == TS_F64)
		((double *)c->data)[k] = word ? strtod(word, NULL) : ts_rng_normal(r);
	else if (c->type == TS_F16)
		((uint16_t *)c->data)[k] = ts_half(word ? strtof(word, NULL) : (float)ts_rng_normal(r));
	else if (c->type == TS_I64)
		((int64_t *)c->data)[k] = word ? strtoll(word, NULL, 10) : (int64_t)ts_rng_below(r, 10);
	else if (c->type == TS_U8)
		((uint8_t *)c->data)[k] = (uint8_t)(word ? strtoul(word, NULL, 10) : ts_rng_below(r, 256));
	else if (ts_col_set_str(c, i, word))
		die("out of memory");
}

static void add_row(struct ts_batch *b, char *line, unsigned long number, struct ts_rng *r)
{
	size_t i = b->n;

	if (ts_batch_resize(b, i + 1))
		die("out of memory");
	for (size_t f = 0; f < b->n_cols; f++) {
		struct ts_col *c = &b->cols[f];
		size_t n = c->type == TS_STR ? 1 : c->row / ts_type_size(c->type);
		for (size_t k = 0; k < n; k++) {
			char *word = line ? strtok_r(NULL, " \t\n", &line) : NULL, name[32];
			snprintf(name, sizeof name, "row%06lu", number);
			if (line && !word)
				die("a line is too short");
			set_value(c, i, i * n + k, !line && c->type == TS_STR ? name : word, r);
		}
	}
}

int main(int argc, char **argv)
{
	static char line[1 << 16];
	struct ts_header h;
	struct ts_batch b;
	struct ts_writer *w = ts_writer_open(NULL);
	bool random = argc == 5;
	unsigned long rows = random ? strtoul(argv[3], NULL, 10) : -1UL;
	struct ts_rng r = ts_rng_new(random ? strtoul(argv[4], NULL, 10) : 0, 0);

	if (!random && argc != 3)
		die("usage: ts-gen KIND FIELDS [ROWS SEED]");
	ts_header_init(&h, argv[1]);
	for (char *field; (field = strsep(&argv[2], ",")) != NULL;)
		add_field(&h, field);
	if (strcmp(h.kind, "features") == 0)
		add_meta(&h, &h.meta);
	if (!w || ts_batch_init(&b, &h) || ts_writer_begin(w, &h))
		die(ts_writer_error(w));
	for (unsigned long i = 0; i < rows && (random || fgets(line, sizeof line, stdin)); i++) {
		add_row(&b, random ? NULL : line, i, &r);
		if (b.n == 1000 && (ts_writer_write(w, &b) || ts_batch_resize(&b, 0)))
			die("cannot write");
	}
	if ((b.n && ts_writer_write(w, &b)) || ts_writer_finish(w))
		die("cannot write");
	ts_writer_close(w);
	ts_batch_release(&b);
	ts_header_release(&h);
	return 0;
}
