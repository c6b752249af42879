/* SPDX-License-Identifier: MIT
 * ts-cat: streams of one kind become one, whole or in part. Streaming but for --sample, which keeps
 * the sample, and --shuffle, which keeps everything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "ts/ts_rng.h"

static long head = -1, sample = -1;
static bool shuffle;
static const char *shard_text, *select_list;

static const struct cli_option options[] = {
	{ "select", 0, CLI_STR, "FIELD,...", &select_list, 0, 0, "only these fields, in this order" },
	{ "shard", 0, CLI_STR, "I/N", &shard_text, 0, 0, "rows I, I+N, I+2N, ... (I from 0 to N-1)" },
	{ "head", 'n', CLI_INT, "N", &head, 0, 9e15, "only the first N rows" },
	{ "sample", 0, CLI_INT, "N", &sample, 0, 9e15, "N rows chosen at random, order kept" },
	{ "shuffle", 0, CLI_FLAG, NULL, &shuffle, 0, 0, "all rows in random order" },
	{ 0 }
};

static const struct cli_tool tool = { "ts-cat",
				      "[option...] [FILE...]",
				      "Concatenate streams of one kind, or take a part of them.",
				      options,
				      "Order of work: concatenate, select, shard, head, sample, shuffle.\n"
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_SEED,
				      NULL };

struct work {
	struct ts_writer *w;
	struct ts_header header; /* of the output */
	struct ts_batch out;     /* rows to be written */
	struct ts_batch kept;    /* rows that are retained */
	uint64_t *index;         /* of a kept row in the concatenation */
	size_t index_cap;
	uint64_t seen, after_shard;
	struct ts_rng rng;
	struct kit_shard shard;
};

static int add_selected(struct ts_header *to, const struct ts_header *from)
{
	size_t n;
	char **names = kit_words(select_list, &n);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct ts_field *f = ts_header_field(from, names[i]);

		if (!f)
			rc = cli_error("there is no field '%s' to select; ts-dump --header lists them", names[i]);
		else if (ts_header_add(to, f->name, f->type, f->ndim, f->shape) < 0)
			rc = cli_error("field '%s' is selected twice", names[i]);
	}
	ts_strs_free(names, n);
	return rc;
}

static int make_header(struct ts_header *to, const struct ts_header *from)
{
	ts_header_init(to, from->kind);
	if (select_list)
		return add_selected(to, from);
	for (size_t i = 0; i < from->n_fields; i++)
		if (ts_header_add(to, from->fields[i].name, from->fields[i].type, from->fields[i].ndim,
				  from->fields[i].shape) < 0)
			cli_oom();
	return 0;
}

/* Do labels of both mean the same? */
static bool same_classes(const struct ts_header *a, const struct ts_header *b)
{
	const struct ts_entry *ea = NULL, *eb = NULL;

	for (size_t i = 0; i < a->meta.n; i++)
		if (strcmp(a->meta.e[i].key, "classes") == 0)
			ea = &a->meta.e[i];
	for (size_t i = 0; i < b->meta.n; i++)
		if (strcmp(b->meta.e[i].key, "classes") == 0)
			eb = &b->meta.e[i];
	return (!ea && !eb) || (ea && eb && ea->len == eb->len && memcmp(ea->bytes, eb->bytes, ea->len) == 0);
}

/* Is every field of `have` in h, alike? */
static int check_fields(const struct ts_header *have, const struct ts_header *h, struct ts_reader *r)
{
	if (strcmp(have->kind, h->kind) != 0)
		return ts_reader_fail(r, "holds %s, the first stream %s", h->kind, have->kind);
	if (!select_list && have->n_fields != h->n_fields)
		return ts_reader_fail(r, "has other fields than the first stream; --select the common ones");
	for (size_t i = 0; i < have->n_fields; i++) {
		const struct ts_field *a = &have->fields[i], *b = ts_header_field(h, a->name);
		if (!b || a->type != b->type || a->ndim != b->ndim ||
		    memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) != 0)
			return ts_reader_fail(r,
					      "field '%s' is missing or of another shape than in the "
					      "first stream",
					      a->name);
	}
	if (ts_header_field(have, "label") && !same_classes(have, h))
		return ts_reader_fail(r, "has other classes than the first stream, so labels would be "
					 "mixed up; --select fields without label");
	return 0;
}

static int flush(struct work *k, bool all)
{
	size_t rows = ts_batch_rows(&k->out, 1024, 8 << 20);

	if (k->out.n == 0 || (!all && k->out.n < rows))
		return 0;
	if (ts_writer_write(k->w, &k->out) < 0)
		return -1;
	return ts_batch_resize(&k->out, 0);
}

/* Retains row i of b, in a reservoir of `sample` rows (Vitter's algorithm R) if there is a
 * sample. */
static int retain(struct work *k, const struct ts_batch *b, size_t i)
{
	size_t slot = k->kept.n;

	if (sample >= 0 && k->after_shard > (uint64_t)sample) {
		uint64_t j = ts_rng_below(&k->rng, k->after_shard);
		if (j >= (uint64_t)sample)
			return 0;
		slot = j;
	}
	if (slot == k->kept.n) {
		if (ts_batch_append(&k->kept, b, i) < 0)
			return -1;
		if (slot == k->index_cap) {
			k->index_cap = slot ? 2 * slot : 1024;
			k->index = realloc(k->index, k->index_cap * sizeof *k->index);
			if (!k->index)
				cli_oom();
		}
	} else {
		for (size_t c = 0; c < k->kept.n_cols; c++) {
			struct ts_col *to = &k->kept.cols[c];
			const struct ts_col *from = ts_batch_col(b, to->name);
			if (to->type == TS_STR) {
				if (ts_col_set_str(to, slot, ts_col_str(from, i)) < 0)
					return -1;
			} else {
				memcpy((char *)to->data + slot * to->row, (const char *)from->data + i * from->row,
				       to->row);
			}
		}
	}
	k->index[slot] = k->seen - 1;
	return 0;
}

static int take_row(struct work *k, const struct ts_batch *b, size_t i)
{
	if (!kit_in_shard(&k->shard, k->seen++) || (head >= 0 && k->after_shard >= (uint64_t)head))
		return 0;
	k->after_shard++;
	if ((sample >= 0 || shuffle ? retain(k, b, i) : ts_batch_append(&k->out, b, i)) < 0)
		cli_oom();
	return flush(k, false);
}

/* All that a batch gives is written at once: a pipe waits for no more. */
static int take(void *data, const struct ts_batch *b)
{
	struct work *k = data;

	for (size_t i = 0; i < b->n; i++)
		if (take_row(k, b, i) < 0)
			return -1;
	return flush(k, true);
}

static const uint64_t *sort_by;
static int by_index(const void *a, const void *b)
{
	uint64_t x = sort_by[*(const size_t *)a], y = sort_by[*(const size_t *)b];
	return x < y ? -1 : x > y;
}

static int write_kept(struct work *k)
{
	size_t n = k->kept.n, *order = malloc((n + 1) * sizeof *order);
	int rc = 0;

	if (!order)
		cli_oom();
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	sort_by = k->index;
	qsort(order, n, sizeof *order, by_index);
	for (size_t i = n; shuffle && i > 1; i--) {
		size_t j = ts_rng_below(&k->rng, i), t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (ts_batch_append(&k->out, &k->kept, order[i]) < 0)
			cli_oom();
		rc = flush(k, false);
	}
	free(order);
	return rc;
}

static int begin(struct work *k, struct ts_reader **r, size_t n)
{
	const struct ts_header **h = calloc(n + 1, sizeof *h);
	int rc = -1;

	if (!h)
		cli_oom();
	for (size_t i = 0; i < n; i++)
		if (!(h[i] = ts_reader_header(r[i])))
			goto out;
	if (ts_header_is_set(h[0]) && (n > 1 || head >= 0 || sample >= 0 || shuffle || shard_text)) {
		cli_error("a %s has no rows to concatenate or choose from; only --select works", h[0]->kind);
		goto out;
	}
	if (make_header(&k->header, h[0]) < 0 || ts_meta_merge(&k->header.meta, &h[0]->meta) < 0)
		goto out;
	for (size_t i = 1; i < n; i++)
		if (check_fields(&k->header, h[i], r[i]) < 0)
			goto out;
	cli_history(&k->header, h, n);
	if (ts_batch_init(&k->out, &k->header) < 0 || ts_batch_init(&k->kept, &k->header) < 0)
		cli_oom();
	rc = ts_writer_begin(k->w, &k->header);
out:
	free(h);
	return rc;
}

static int cat_rows(struct work *k, struct ts_reader **r, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = kit_each(r[i], take, k);
	if (rc == 0)
		rc = write_kept(k);
	return rc == 0 ? flush(k, true) : rc;
}

static int cat_set(struct work *k, struct ts_reader *r)
{
	struct ts_set set = { 0 };
	int rc = ts_reader_set(r, &set);

	for (size_t i = 0; i < k->header.n_fields && rc == 0; i++)
		rc = ts_writer_tensor(k->w, ts_set_get(&set, k->header.fields[i].name));
	ts_set_release(&set);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	size_t n = first < argc ? (size_t)(argc - first) : 1;
	struct ts_reader **r = calloc(n, sizeof *r);
	struct work k = { 0 };

	if (!r)
		cli_oom();
	k.shard = kit_shard(shard_text);
	k.rng = ts_rng_new((uint64_t)cli.seed, 0);
	for (size_t i = 0; i < n; i++)
		r[i] = cli_open(first < argc ? argv[first + (int)i] : NULL);
	k.w = cli_output();
	rc = begin(&k, r, n);
	if (rc == 0)
		rc = ts_header_is_set(&k.header) ? cat_set(&k, r[0]) : cat_rows(&k, r, n);
	if (rc == 0)
		rc = ts_writer_finish(k.w);
	for (size_t i = 0; i < n; i++) {
		cli_check_reader(r[i]);
		ts_reader_close(r[i]);
	}
	ts_batch_release(&k.out);
	ts_batch_release(&k.kept);
	ts_header_release(&k.header);
	free(k.index);
	free(r);
	return kit_end(NULL, k.w, rc);
}
