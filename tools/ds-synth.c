/* SPDX-License-Identifier: MIT
 * ds-synth: labelled images, and sets that are out of their distribution, from a seed. Streaming. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_table.h"
#include "ds/ds_noise.h"
#include "ds/ds_prep.h"
#include "ds/synth/ds_synth.h"
#include "err/err_near.h"
#include "kit/kit.h"

enum { BATCH = 256, TRAIN_ROWS = 5000, TEST_ROWS = 2000, OOD_ROWS = 1000 };

static const char *set_name, *noise_of;
enum split { TEST, TRAIN }; /* in the order of the words of --split */
static long split, rows = -1;
static double atypical = 0.1;
static bool list, plain;

static const struct cli_option options[] = {
	{ "set", 's', CLI_STR, "NAME", &set_name, 0, 0, "the set; --list names them" },
	{ "split", 0, CLI_CHOICE, "test|train", &split, 0, 0,
	  "which of two independent halves of the set (default test)" },
	{ "n", 'n', CLI_INT, "N", &rows, 0, 1e9, "number of images (default: id 5000 or 2000, others 1000)" },
	{ "atypical", 0, CLI_DOUBLE, "F", &atypical, 0, 1,
	  "share of atypical samples in id and id-inverted (default 0.1)" },
	{ "label-noise", 0, CLI_STR, "SHARE|FILE", &noise_of, 0, 0,
	  "make this share of id's labels wrong, or follow the matrix in FILE; the true labels are kept beside them" },
	{ "plain", 0, CLI_FLAG, NULL, &plain, 0, 0, "single objects on a plain background: easy to learn" },
	{ "list", 0, CLI_FLAG, NULL, &list, 0, 0, "list the sets and exit" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ds-synth",
	"--set NAME [option...]",
	"Draw synthetic images from a seed: a labelled set of ten classes, or an OOD set.",
	options,
	"A smaller N gives the first N of the same rows.",
	CLI_OUTPUT | CLI_SEED | CLI_ROWS,
	NULL
};

/* Columns; ATYPICAL is the index of the name in a set without atypical images; the last only with --label-noise,
 * followed by noisy. */
enum { IMAGE, LABEL, ATYPICAL, NAME, TRUE_LABEL };

static void make_header(struct ts_header *h, const struct ds_synth *s)
{
	static const size_t shape[] = { 3, DS_SYNTH_SIZE, DS_SYNTH_SIZE };

	if (ts_header_add(h, "image", TS_U8, 3, shape) < 0 || ts_header_add(h, "label", TS_I64, 0, NULL) < 0 ||
	    (s->set == DS_SYNTH_ID && ts_header_add(h, "atypical", TS_U8, 0, NULL) < 0) ||
	    ts_header_add(h, "name", TS_STR, 0, NULL) < 0 || (noise_of && ds_noise_header(h) < 0) ||
	    ts_meta_set_str(&h->meta, "source", "ds-synth") < 0 || ds_prep_put(&h->meta, &(struct ds_shape){ 0 }) < 0 ||
	    ts_meta_set_strs(&h->meta, "classes", (char *const *)ds_synth_classes, DS_SYNTH_CLASSES) < 0)
		cli_oom();
	cli_history(h, NULL, 0);
}

/* Rows first, first + 1, ... of the set, n in all. */
static void fill(struct ts_batch *b, const struct ds_synth *set, const struct ds_noise *noise, uint64_t first, size_t n)
{
	const bool odd = set->set == DS_SYNTH_ID; /* make_header() adds that column */
	struct ts_col *name = &b->cols[odd ? NAME : ATYPICAL];
	struct ds_synth_row row;

	for (size_t i = 0; i < n; i++) {
		ds_synth_row(set, first + i, &row);
		memcpy((uint8_t *)b->cols[IMAGE].data + i * DS_SYNTH_BYTES, row.image, DS_SYNTH_BYTES);
		((int64_t *)b->cols[LABEL].data)[i] =
			noise ? ds_noise_put(noise, row.name, row.label, &b->cols[TRUE_LABEL], i) : row.label;
		if (odd)
			((uint8_t *)b->cols[ATYPICAL].data)[i] = row.atypical;
		if (ts_col_set_str(name, i, row.name) < 0)
			cli_oom();
	}
}

static int write_set(const struct ds_synth *set, const struct ds_noise *noise)
{
	struct kit_out out;
	int rc;

	kit_out_init(&out, "images", cli_output());
	make_header(&out.header, set);
	rc = kit_out_begin(&out);
	for (long i = 0; i < rows && rc == 0; i += BATCH) {
		const size_t n = (size_t)(rows - i < BATCH ? rows - i : BATCH);

		kit_out_add(&out, n);
		fill(&out.rows, set, noise, (uint64_t)i, n);
		rc = kit_out_write(&out);
	}
	if (rc == 0)
		rc = kit_out_finish(&out);
	return kit_end(NULL, &out, rc);
}

static void unknown_set(const char *name)
{
	struct err_near near = err_near(name);
	struct err names = { .text = "" };

	for (int i = 0; i < DS_SYNTH_SETS; i++) {
		err_near_try(&near, ds_synth_name(i));
		err_append(&names, " %s", ds_synth_name(i));
	}
	cli_usage("unknown set '%s'%s%s the sets are:%s", name, err_near_text(&near, "'"), near.best ? "" : ";",
		  names.text);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), set;
	struct ds_synth s;
	struct ds_noise *noise = NULL;
	struct err err = { 0 };
	int status;

	if (first < argc)
		cli_usage("'%s': this program reads no file", argv[first]);
	if (list) {
		for (int i = 0; i < DS_SYNTH_SETS; i++)
			cli_list_put(ds_synth_name(i), ds_synth_help(i));
		return cli_finish(0);
	}
	if (cli.json)
		cli_usage("--json goes with --list");
	if (!set_name)
		cli_usage("--set NAME is missing; --list names the sets");
	if ((set = ds_synth_find(set_name)) < 0)
		unknown_set(set_name);
	s = (struct ds_synth){ .set = (enum ds_synth_set)set,
			       .train = split == TRAIN,
			       .seed = (uint64_t)cli.seed,
			       .atypical = atypical,
			       .plain = plain };
	if (rows < 0)
		rows = set != DS_SYNTH_ID ? OOD_ROWS : s.train ? TRAIN_ROWS : TEST_ROWS;
	if (noise_of && s.set != DS_SYNTH_ID)
		cli_usage("--label-noise: '%s' has no labels; only id has", set_name);
	if (noise_of && ds_noise_new(&noise, noise_of, DS_SYNTH_CLASSES, s.seed, &err) < 0)
		return cli_finish(cli_error("%s", err.text));
	status = write_set(&s, noise);
	ds_noise_free(noise);
	return status;
}
