/* SPDX-License-Identifier: MIT
 * ds-synth: labelled images, and sets that are out of their distribution, from a seed. Streaming. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "ds/synth/ds_synth.h"

enum { BATCH = 256, TRAIN_ROWS = 5000, TEST_ROWS = 2000, OOD_ROWS = 1000 };

static const char *set_name;
enum split { TEST, TRAIN }; /* in the order of --split's words */
static long split, rows = -1;
static double atypical = 0.1;
static bool list;

static const struct cli_option options[] = {
	{ "set", 's', CLI_STR, "NAME", &set_name, 0, 0, "the set; --list names them" },
	{ "split", 0, CLI_CHOICE, "test|train", &split, 0, 0, "independent halves of a set (default test)" },
	{ "n", 'n', CLI_INT, "N", &rows, 0, 1e9, "rows (default: id 5000 or 2000, others 1000)" },
	{ "atypical", 0, CLI_DOUBLE, "F", &atypical, 0, 1,
	  "share of atypical samples in id and id-inverted (default 0.1)" },
	{ "list", 0, CLI_FLAG, NULL, &list, 0, 0, "list the sets and exit" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ds-synth",
	"--set NAME [option...]",
	"Make images from a seed: a labelled set of ten classes, or a set out of its distribution.",
	options,
	"A smaller N gives the first N of the same rows.",
	CLI_OUTPUT | CLI_SEED,
	NULL
};

/* What is written, and the columns of its batch. */
struct work {
	struct ds_synth set;
	struct ts_header header;
	struct ts_batch batch;
	struct ts_col *image, *label, *name;
	struct ts_col *odd; /* which rows are atypical; NULL: the set has no such column */
};

static void make_header(struct ts_header *h, const struct ds_synth *s)
{
	static const size_t shape[] = { 3, DS_SYNTH_SIZE, DS_SYNTH_SIZE };

	ts_header_init(h, "images");
	if (ts_header_add(h, "image", TS_U8, 3, shape) || ts_header_add(h, "label", TS_I64, 0, NULL) ||
	    (s->set == DS_SYNTH_ID && ts_header_add(h, "atypical", TS_U8, 0, NULL)) ||
	    ts_header_add(h, "name", TS_STR, 0, NULL) || ts_meta_set_str(&h->meta, "source", "ds-synth") ||
	    ts_meta_set_strs(&h->meta, "classes", (char *const *)ds_synth_classes, DS_SYNTH_CLASSES))
		cli_oom();
	cli_history(h, NULL, 0);
}

static void begin(struct work *k)
{
	make_header(&k->header, &k->set);
	if (ts_batch_init(&k->batch, &k->header) < 0)
		cli_oom();
	k->image = ts_batch_col(&k->batch, "image");
	k->label = ts_batch_col(&k->batch, "label");
	k->odd = ts_batch_col(&k->batch, "atypical");
	k->name = ts_batch_col(&k->batch, "name");
}

static void fill(struct work *k, uint64_t first, size_t n)
{
	struct ds_synth_row row;

	if (ts_batch_resize(&k->batch, 0) < 0 || ts_batch_resize(&k->batch, n) < 0)
		cli_oom();
	for (size_t i = 0; i < n; i++) {
		ds_synth_row(&k->set, first + i, &row);
		memcpy((uint8_t *)k->image->data + i * DS_SYNTH_BYTES, row.image, DS_SYNTH_BYTES);
		((int64_t *)k->label->data)[i] = row.label;
		if (k->odd)
			((uint8_t *)k->odd->data)[i] = row.atypical;
		if (ts_col_set_str(k->name, i, row.name) < 0)
			cli_oom();
	}
}

static int write_set(struct work *k)
{
	struct ts_writer *w = cli_output();
	int rc;

	begin(k);
	rc = ts_writer_begin(w, &k->header);
	for (long i = 0; i < rows && rc == 0; i += BATCH) {
		fill(k, (uint64_t)i, (size_t)(rows - i < BATCH ? rows - i : BATCH));
		rc = ts_writer_write(w, &k->batch);
	}
	if (rc == 0)
		rc = ts_writer_finish(w);
	cli_check_writer(w);
	ts_batch_release(&k->batch);
	ts_header_release(&k->header);
	ts_writer_close(w);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), set;
	struct work k = { 0 };

	if (first < argc)
		cli_usage("'%s': this program reads no file", argv[first]);
	if (list) {
		for (int i = 0; i < DS_SYNTH_SETS; i++)
			printf("%-14s %s\n", ds_synth_name(i), ds_synth_help(i));
		return cli_finish(0);
	}
	if (!set_name)
		cli_usage("--set NAME is missing; --list names the sets");
	if ((set = ds_synth_find(set_name)) < 0)
		cli_usage("there is no set '%s'; --list names the sets", set_name);
	k.set = (struct ds_synth){
		.set = (enum ds_synth_set)set, .train = split == TRAIN, .seed = (uint64_t)cli.seed, .atypical = atypical
	};
	if (rows < 0)
		rows = set != DS_SYNTH_ID ? OOD_ROWS : k.set.train ? TRAIN_ROWS : TEST_ROWS;
	return cli_finish(write_set(&k));
}
