/* SPDX-License-Identifier: MIT
 * ts-import: turns arrays of other programs into a stream of features or of scores. Holds its files in memory. */
#include <stdlib.h>
#include <string.h>

#include "arr/arr_import.h"
#include "kit/kit.h"

enum { BATCH = 1024 };

static struct arr_options o;
static long kind = -1, classes;

static const struct cli_option options[] = {
	{ "kind", 'k', CLI_CHOICE, "features|scores", &kind, 0, 0,
	  "what the stream holds (default: features, if there are features or logits)" },
	{ "features", 0, CLI_STR, "NAME", &o.role[ARR_FEATURES], 0, 0, "the array of features (rows, numbers)" },
	{ "logits", 0, CLI_STR, "NAME", &o.role[ARR_LOGITS], 0, 0, "the array of logits (rows, classes)" },
	{ "label", 0, CLI_STR, "NAME", &o.role[ARR_LABEL], 0, 0, "the array of class numbers, from 0; -1: none" },
	{ "name", 0, CLI_STR, "NAME", &o.role[ARR_NAME], 0, 0, "the array of names" },
	{ "pred", 0, CLI_STR, "NAME", &o.role[ARR_PRED], 0, 0, "the array of predicted classes, beside scores" },
	{ "columns", 0, CLI_STR, "NAME,...", &o.columns, 0, 0,
	  "other arrays to take as columns, or 'all' (default: none of features, all of scores)" },
	{ "head", 0, CLI_STR, "FILE[,FILE]", &o.head, 0, 0,
	  "the model's last layer, weight and bias, for scores that need it and to compute missing logits" },
	{ "classes", 0, CLI_INT, "N", &classes, 1, 1e6,
	  "number of classes, if there are no logits (default: one more than the largest label)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ts-import",
	"[option...] FILE...",
	"Make a stream from arrays (.npy, .npz, safetensors, Parquet) or tables (CSV, TSV).",
	options,
	"A FILE of - is standard input.",
	CLI_OUTPUT,
	NULL
};

static void say(const char *text)
{
	cli_warn("%s", text);
}

static int read_files(struct arr_set *s, char **path, int n)
{
	struct err err;

	for (int i = 0; i < n; i++)
		if (arr_read(s, path[i], &err) < 0)
			return cli_error("%s", err.text);
	return 0;
}

static int write_rows(struct arr_import *im, struct kit_out *out)
{
	const size_t rows = arr_import_rows(im);
	struct err err;

	if (kit_out_begin(out) < 0)
		return -1;
	for (size_t i = 0, n; i < rows; i += n) {
		n = ts_batch_rows(&out->rows, rows - i < BATCH ? rows - i : BATCH, 8 << 20);
		if (arr_import_fill(im, &out->rows, kit_out_add(out, n), i, n, &err) < 0)
			return cli_error("%s", err.text);
		if (kit_out_write(out) < 0)
			return -1;
	}
	arr_import_end(im);
	return kit_out_finish(out);
}

/* What a stream of the other kind has no place for. */
static void check_kind(void)
{
	static const struct {
		const char *name;
		const void *value;
		int of; /* the kind that it is for */
	} only[] = { { "features", &o.role[ARR_FEATURES], 0 },
		     { "logits", &o.role[ARR_LOGITS], 0 },
		     { "head", &o.head, 0 },
		     { "classes", &classes, 0 },
		     { "pred", &o.role[ARR_PRED], 1 } };

	for (size_t i = 0; i < sizeof only / sizeof *only; i++)
		if (kind >= 0 && kind != only[i].of && cli_given(only[i].value))
			cli_usage("--%s is for a stream of %s, and --kind %s is given", only[i].name,
				  only[i].of ? "scores" : "features", kind ? "scores" : "features");
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct arr_import *im = NULL;
	struct arr_set s = { 0 };
	struct kit_out out;
	struct err err;

	if (first == argc)
		cli_usage("no FILE; - is standard input");
	check_kind();
	o.kind = kind < 0 ? NULL : kind == 0 ? "features" : "scores";
	o.classes = (size_t)classes;
	o.say = say;
	kit_out_init(&out, "features", cli_output());
	rc = read_files(&s, argv + first, argc - first);
	if (rc == 0 && (rc = arr_import_new(&im, &out.header, &s, &o, &err)) < 0)
		cli_error("%s", err.text);
	if (rc == 0) {
		cli_history(&out.header, NULL, 0);
		rc = write_rows(im, &out);
	}
	arr_import_free(im);
	arr_set_release(&s);
	return kit_end(NULL, &out, rc);
}
