/* SPDX-License-Identifier: MIT
 * ts-cat: joins streams of one kind into one, whole or in part. Streaming except for --sample, which holds the sample,
 * and --shuffle, which holds everything. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds_prep.h"
#include "kit/kit.h"
#include "ood/ood_identity.h"
#include "ts/ts_images.h"
#include "ts/ts_sample.h"

static long head = -1, sample = -1;
static bool shuffle;
static const char *shard_text, *select_list;

static const struct cli_option options[] = {
	{ "select", 0, CLI_STR, "FIELD,...", &select_list, 0, 0, "only these fields, in this order" },
	{ "shard", 0, CLI_STR, "I/N", &shard_text, 0, 0, "rows I, I+N, I+2N, ... (I from 0 to N-1)" },
	{ "head", 'n', CLI_INT, "N", &head, 0, 9e15, "only the first N rows" },
	{ "sample", 0, CLI_INT, "N", &sample, 0, 9e15, "N random rows, in their order" },
	{ "shuffle", 0, CLI_FLAG, NULL, &shuffle, 0, 0, "all rows in random order" },
	{ 0 }
};

static const struct cli_tool tool = { "ts-cat",
				      "[option...] [FILE...]",
				      "Concatenate streams of one kind, or take a part of them.",
				      options,
				      "Order of operations: concatenate, select, shard, head, sample, shuffle.\n"
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_SEED,
				      NULL };

struct work {
	struct kit_out out;
	struct kit_shard shard;
	struct ts_sample kept;      /* with --sample and --shuffle */
	uint64_t seen, after_shard; /* rows of all streams */
	ptrdiff_t *map;             /* where the columns of the current stream are */
};

/* Checks that the rows come from the same network, as far as both streams say. The result has the first stream's meta,
 * which would otherwise be wrong for the others. Labels and names come from no network. */
static int check_made(const struct ts_header *have, struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_header(r);
	static const char *const keys[] = { "model", "fc.weight", "fc.bias" };
	struct err err = { 0 };
	bool numbers = false;

	for (size_t i = 0; i < have->n_fields; i++) {
		const char *name = have->fields[i].name;
		numbers |=
			(have->fields[i].type != TS_STR && have->fields[i].type != TS_I64) || strcmp(name, "pred") == 0;
		if (ood_identity_check(&have->meta, "the first stream", &h->meta, "this one", name, &err) < 0)
			return ts_reader_fail(r, "%s", err.text);
	}
	for (size_t k = 0; numbers && k < sizeof keys / sizeof *keys; k++)
		if (!ts_meta_agree(&have->meta, &h->meta, keys[k]))
			return ts_reader_fail(r, "is of another model than the first stream");
	if (numbers && !ood_same_precision(&have->meta, &h->meta))
		return ts_reader_fail(r, "was not computed in the same precision as the first stream (um-embed "
					 "--precision)");
	return 0;
}

/* Is key one of the entries that say how the column was made: "odin.temperature" of "odin:eps=0.1"? "layer0.fit" tells
 * only of steps, "layer0:eps=0.1". */
static bool tells(const char *key, const char *column)
{
	const size_t len = strcspn(column, ":");

	return strncmp(key, column, len) == 0 && key[len] == '.' && (column[len] || strcmp(key + len, ".fit") != 0);
}

/* Checks that columns of um-embed were made with the same options, as far as both streams say. */
static int check_options(const struct ts_header *have, struct ts_reader *r)
{
	const struct ts_meta *its = &ts_reader_header(r)->meta;

	for (size_t i = 0; i < have->n_fields; i++)
		for (size_t k = 0; k < have->meta.n; k++) {
			const char *key = have->meta.e[k].key, *column = have->fields[i].name;
			if (tells(key, column) && !ts_meta_agree(&have->meta, its, key))
				return ts_reader_fail(r,
						      "column '%s' was made otherwise than the first stream's "
						      "(meta '%s')",
						      column, key);
		}
	return 0;
}

/* Checks that the images of both are distorted and attacked in the same way, or not at all. Otherwise the first
 * stream's meta would call distorted images clean. Images that were only prepared otherwise, which may be meant, get a
 * warning. */
static int check_clean(const struct ts_header *have, struct ts_reader *r)
{
	const struct ts_meta *its = &ts_reader_header(r)->meta;
	const struct ts_field *image = strcmp(have->kind, "images") == 0 ? ts_header_field(have, "image") : NULL;
	struct err words;

	if (!ts_meta_same(&have->meta, its, "fgsm.eps"))
		return ts_reader_fail(r,
				      "was not attacked as the first stream was (meta 'fgsm.eps', by um-embed --fgsm)");
	if (image && ds_prep_differs(its, (int)image->shape[1], (int)image->shape[2], &have->meta, &words))
		cli_warn("'%s': its images were prepared otherwise than those of the first stream, whose meta "
			 "'" TS_IMAGES_PREPARE "' is said of all",
			 ts_reader_name(r));
	if (ts_meta_same(&have->meta, its, TS_IMAGES_DISTORTED))
		return 0;
	return ts_reader_fail(r, "was not distorted as the first stream was (meta '" TS_IMAGES_DISTORTED
				 "', by ds-pack --distort)");
}

/* Checks that a number of a class means the same class in both. Labels without names of classes are not those with
 * them; a model may have lost its names. */
static int check_classes(const struct ts_header *have, struct ts_reader *r)
{
	const struct ts_meta *its = &ts_reader_header(r)->meta;

	for (size_t i = 0; i < have->n_fields; i++) {
		const char *name = have->fields[i].name;
		const bool of_model = strcmp(name, "pred") == 0;

		if (ts_usual_type(name) == TS_I64 &&
		    !(of_model ? ts_meta_agree : ts_meta_same)(&have->meta, its, "classes"))
			return ts_reader_fail(r,
					      "has other classes than the first stream, so %ss would be mixed up; "
					      "--select fields without %s",
					      name, name);
	}
	return 0;
}

/* Checks that every field of `have` is in the header of r, with the same type and shape. */
static int check_fields(const struct ts_header *have, struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_header(r);
	ptrdiff_t *map;

	if (strcmp(have->kind, h->kind) != 0)
		return ts_reader_fail(r, "holds %s, but the first stream holds %s", h->kind, have->kind);
	if (!select_list && have->n_fields != h->n_fields)
		return ts_reader_fail(r, "has other fields than the first stream; --select the common ones");
	if (!(map = ts_header_map(have, h)))
		cli_oom();
	for (size_t i = 0; i < have->n_fields; i++)
		if (map[i] < 0) {
			free(map);
			return ts_reader_fail(r, "field '%s' is missing or of another shape than in the first stream",
					      have->fields[i].name);
		}
	free(map);
	if (check_classes(have, r) < 0)
		return -1;
	return check_clean(have, r) < 0 || check_options(have, r) < 0 ? -1 : check_made(have, r);
}

static int take_row(struct work *k, const struct ts_batch *b, size_t i)
{
	int rc;

	if (!kit_in_shard(&k->shard, k->seen++) || (head >= 0 && k->after_shard >= (uint64_t)head))
		return 0;
	k->after_shard++;
	rc = sample >= 0 || shuffle ? ts_sample_row(&k->kept, b, k->map, i) :
				      ts_batch_append(&k->out.rows, b, k->map, i);
	if (rc < 0)
		cli_oom();
	return kit_out_some(&k->out, 1024);
}

/* Writes all rows of a batch at once, so that a pipe need not wait. */
static int take(void *data, const struct ts_batch *b)
{
	struct work *k = data;

	for (size_t i = 0; i < b->n; i++)
		if (take_row(k, b, i) < 0)
			return -1;
	return kit_out_write(&k->out);
}

static int write_kept(struct work *k)
{
	size_t *order = ts_sample_order(&k->kept, shuffle);
	ptrdiff_t *map = ts_header_map(&k->out.header, &k->out.header);
	int rc = 0;

	if (!order || !map)
		cli_oom();
	for (size_t i = 0; i < k->kept.rows.n && rc == 0; i++) {
		if (ts_batch_append(&k->out.rows, &k->kept.rows, map, order[i]) < 0)
			cli_oom();
		rc = kit_out_some(&k->out, 1024);
	}
	free(order);
	free(map);
	return rc;
}

static int begin(struct work *k, struct ts_reader **r, size_t n)
{
	struct ts_header *to = &k->out.header;
	const struct ts_header **h = calloc(n + 1, sizeof *h);
	int rc = 0;

	if (!h)
		cli_oom();
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = (h[i] = ts_reader_header(r[i])) ? 0 : -1;
	if (rc == 0) {
		ts_header_init(to, h[0]->kind);
		if (ts_header_is_set(to) && (n > 1 || head >= 0 || sample >= 0 || shuffle || shard_text))
			rc = cli_error("a %s has no rows to concatenate or choose from; only --select works", to->kind);
	}
	if (rc == 0 && select_list)
		rc = kit_select(to, h[0], select_list);
	else if (rc == 0 && ts_header_add_all(to, h[0]) < 0)
		cli_oom();
	if (rc == 0 && ts_meta_merge(&to->meta, &h[0]->meta) < 0)
		cli_oom();
	for (size_t i = 1; i < n && rc == 0; i++)
		rc = check_fields(to, r[i]);
	if (rc == 0) {
		cli_history(to, h, n);
		if (ts_sample_init(&k->kept, to, sample >= 0 ? (uint64_t)sample : UINT64_MAX, (uint64_t)cli.seed) < 0)
			cli_oom();
		rc = kit_out_begin(&k->out);
	}
	free(h);
	return rc;
}

static int cat_rows(struct work *k, struct ts_reader **r, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		k->map = ts_header_map(&k->out.header, ts_reader_header(r[i]));
		if (!k->map)
			cli_oom();
		rc = kit_each(r[i], take, k);
		free(k->map);
	}
	return rc == 0 ? write_kept(k) : rc;
}

static int cat_set(struct work *k, struct ts_reader *r)
{
	struct ts_set set = { 0 };
	int rc = ts_reader_set(r, &set);

	for (size_t i = 0; i < k->out.header.n_fields && rc == 0; i++)
		rc = ts_writer_tensor(k->out.w, ts_set_get(&set, k->out.header.fields[i].name));
	ts_set_release(&set);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	size_t n = first < argc ? (size_t)(argc - first) : 1;
	struct ts_reader **r = calloc(n, sizeof *r);
	struct work k = { .shard = kit_shard(shard_text) };

	if (!r)
		cli_oom();
	for (size_t i = 0; i < n; i++)
		r[i] = cli_open(first < argc ? argv[first + (int)i] : NULL);
	kit_out_init(&k.out, "", cli_output());
	rc = begin(&k, r, n);
	if (rc == 0)
		rc = ts_header_is_set(&k.out.header) ? cat_set(&k, r[0]) : cat_rows(&k, r, n);
	if (rc == 0)
		rc = kit_out_finish(&k.out);
	for (size_t i = 0; i < n; i++) {
		cli_check_reader(r[i]);
		ts_reader_close(r[i]);
	}
	free(r);
	ts_sample_release(&k.kept);
	return kit_end(NULL, &k.out, rc);
}
