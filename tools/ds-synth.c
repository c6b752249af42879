/* SPDX-License-Identifier: MIT
 * ds-synth: labelled images, and sets that are out of their distribution, from a seed. Streaming.
 * */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "ds/synth/ds_synth.h"

enum { BATCH = 256, TRAIN_ROWS = 5000, TEST_ROWS = 2000, OOD_ROWS = 1000 };

static const char *set_name;
static long split, rows = -1;
static double atypical = 0.1;
static bool list;

static const struct cli_option options[] = {
	{ "set", 's', CLI_STR, "NAME", &set_name, 0, 0, "the set; --list names them" },
	{ "split", 0, CLI_CHOICE, "test|train", &split, 0, 0,
	  "independent halves of a set (default test)" },
	{ "n", 'n', CLI_INT, "N", &rows, 0, 1e9, "rows (default: id 5000 or 2000, others 1000)" },
	{ "atypical", 0, CLI_DOUBLE, "F", &atypical, 0, 1,
	  "share of atypical samples in id and id-inverted (default 0.1)" },
	{ "list", 0, CLI_FLAG, NULL, &list, 0, 0, "list the sets and exit" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ds-synth", "--set NAME [option...]",
	"Make images from a seed: a labelled set of ten classes, or a set out of its distribution.",
	options, "Smaller N gives a prefix of the same rows.", CLI_OUTPUT | CLI_SEED, NULL
};

static void make_header(struct ts_header *h, const struct ds_synth *s)
{
	static const size_t shape[] = { 3, DS_SYNTH_SIZE, DS_SYNTH_SIZE };

	ts_header_init(h, "images");
	if (ts_header_add(h, "image", TS_U8, 3, shape) ||
	    ts_header_add(h, "label", TS_I64, 0, NULL) ||
	    (s->set == DS_SYNTH_ID && ts_header_add(h, "atypical", TS_U8, 0, NULL)) ||
	    ts_header_add(h, "name", TS_STR, 0, NULL) ||
	    ts_meta_set_str(&h->meta, "source", "ds-synth") ||
	    ts_meta_set_strs(&h->meta, "classes", (char *const *)ds_synth_classes,
			     DS_SYNTH_CLASSES))
		cli_oom();
	cli_history(h, NULL, 0);
}

static void fill(struct ts_batch *b, const struct ds_synth *s, uint64_t first, size_t n)
{
	struct ds_synth_row row;

	if (ts_batch_resize(b, 0) || ts_batch_resize(b, n))
		cli_oom();
	struct ts_col *image = ts_batch_col(b, "image"), *label = ts_batch_col(b, "label");
	struct ts_col *odd = ts_batch_col(b, "atypical"), *name = ts_batch_col(b, "name");
	for (size_t i = 0; i < n; i++) {
		ds_synth_row(s, first + i, &row);
		memcpy((uint8_t *)image->data + i * DS_SYNTH_BYTES, row.image, DS_SYNTH_BYTES);
		((int64_t *)label->data)[i] = row.label;
		if (odd)
			((uint8_t *)odd->data)[i] = row.atypical;
		if (ts_col_set_str(name, i, row.name))
			cli_oom();
	}
}

static int write_set(const struct ds_synth *s)
{
	struct ts_header header;
	struct ts_batch batch;
	struct ts_writer *w = cli_output();

	make_header(&header, s);
	if (ts_batch_init(&batch, &header))
		cli_oom();
	int rc = ts_writer_begin(w, &header);
	for (long i = 0; i < rows && rc == 0; i += BATCH) {
		fill(&batch, s, (uint64_t)i, (size_t)(rows - i < BATCH ? rows - i : BATCH));
		rc = ts_writer_write(w, &batch);
	}
	if (rc == 0)
		rc = ts_writer_finish(w);
	cli_check_writer(w);
	ts_batch_release(&batch);
	ts_header_release(&header);
	ts_writer_close(w);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv);

	if (first < argc)
		cli_usage("'%s': reads no file", argv[first]);
	if (list) {
		for (int i = 0; i < DS_SYNTH_SETS; i++)
			printf("%-14s %s\n", ds_synth_name(i), ds_synth_help(i));
		return cli_finish(0);
	}
	if (!set_name)
		cli_usage("--set NAME is missing; --list names the sets");
	int set = ds_synth_find(set_name);
	if (set < 0)
		cli_usage("there is no set '%s'; --list names the sets", set_name);
	struct ds_synth s = { .set = set, .train = split == 1, .seed = (uint64_t)cli.seed,
			      .atypical = atypical };
	if (rows < 0)
		rows = set != DS_SYNTH_ID ? OOD_ROWS : s.train ? TRAIN_ROWS : TEST_ROWS;
	return cli_finish(write_set(&s) ? 1 : 0);
}
