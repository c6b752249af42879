/* SPDX-License-Identifier: MIT
 * ts-export: writes a stream as arrays for other programs. Streaming for tables; for all other formats holds the
 * rows. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "arr/arr_write.h"
#include "kit/kit.h"

static long format = -1;
static enum arr_format as;
static const char *select_list;

static const struct cli_option options[] = { { "format", 'f', CLI_CHOICE, "npy|npz|safetensors|csv|tsv", &format, 0, 0,
					       "format to write (default: by the suffix of -o FILE)" },
					     { "select", 0, CLI_STR, "FIELD,...", &select_list, 0, 0,
					       "only these fields, in this order" },
					     { "output", 'o', CLI_STR, "FILE", &cli.output, 0, 0,
					       "write to FILE, whole or not at all (default: standard output)" },
					     { 0 } };

static const struct cli_tool tool = { "ts-export",
				      "[option...] [FILE]",
				      "Write a stream as arrays: .npy, .npz, safetensors, or a table (CSV, TSV).",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      0,
				      NULL };

struct work {
	struct ts_reader *in;
	struct ts_file *out;
	struct ts_header header; /* the fields to write */
	struct ts_batch rows;    /* for tables those of one batch, otherwise all */
	ptrdiff_t *map;
	struct err err;
};

static enum arr_format choose_format(void)
{
	static const char *const names[] = { "npy", "npz", "safetensors", "csv", "tsv" };
	const char *dot = cli.output ? strrchr(cli.output, '.') : NULL;

	if (format >= 0)
		return (enum arr_format)format;
	for (size_t i = 0; dot && i < sizeof names / sizeof *names; i++)
		if (strcasecmp(dot + 1, names[i]) == 0)
			return (enum arr_format)i;
	cli_usage("--format is needed: npy, npz, safetensors, csv or tsv, or a name for -o with such a suffix");
}

static int take(void *data, const struct ts_batch *b)
{
	struct work *k = data;

	if (arr_is_table(as) && ts_batch_resize(&k->rows, 0) < 0)
		cli_oom();
	for (size_t i = 0; i < b->n; i++)
		if (ts_batch_append(&k->rows, b, k->map, i) < 0)
			cli_oom();
	if (!arr_is_table(as))
		return 0;
	return arr_write_rows(k->out, as, &k->rows, &k->err);
}

static int export_rows(struct work *k, const struct ts_header *h)
{
	if (ts_batch_init(&k->rows, &k->header) < 0 || !(k->map = ts_header_map(&k->header, h)))
		cli_oom();
	if (arr_is_table(as) && arr_write_heading(k->out, as, &k->header, &k->err) < 0)
		return -1;
	if (kit_each(k->in, take, k) < 0)
		return -1;
	if (arr_is_table(as))
		return 0;
	return arr_write(k->out, as, &k->rows, NULL, &h->meta, &k->err);
}

static int export_set(struct work *k, const struct ts_header *h)
{
	struct ts_set all = { 0 }, some = { 0 };
	int rc;

	if (arr_is_table(as))
		return err_fail(&k->err, "a %s has no rows for a table; .npz takes its tensors", h->kind);
	if (!(some.t = calloc(k->header.n_fields + 1, sizeof *some.t)))
		cli_oom();
	rc = ts_reader_set(k->in, &all);
	for (size_t i = 0; i < k->header.n_fields && rc == 0; i++)
		some.t[some.n++] = *ts_set_get(&all, k->header.fields[i].name);
	if (rc == 0)
		rc = arr_write(k->out, as, NULL, &some, &h->meta, &k->err);
	free(some.t);
	ts_set_release(&all);
	return rc;
}

static int export(struct work *k)
{
	const struct ts_header *h = ts_reader_header(k->in);
	int rc = 0;

	if (!h)
		return -1;
	ts_header_init(&k->header, h->kind);
	if (select_list && (rc = kit_select(&k->header, h, select_list)) < 0)
		return -1;
	if (!select_list && ts_header_add_all(&k->header, h) < 0)
		cli_oom();
	rc = ts_header_is_set(h) ? export_set(k, h) : export_rows(k, h);
	return rc == 0 ? ts_file_finish(k->out) : -1;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct work k = { .err = { .text = "" } };

	as = choose_format();
	k.in = cli_input(first, argc, argv);
	if ((!cli.output || strcmp(cli.output, "-") == 0) && isatty(STDOUT_FILENO) && !arr_is_table(as))
		rc = cli_error("cannot write arrays to a terminal; use -o FILE, a pipe, or --format tsv");
	else if (!(k.out = ts_file_open(cli.output)))
		cli_oom();
	else if ((rc = export(&k)) < 0 && cli_check_reader(k.in) == 0)
		if (ts_file_error(k.out) || *k.err.text)
			cli_error("%s", ts_file_error(k.out) ? ts_file_error(k.out) : k.err.text);
	ts_file_close(k.out);
	ts_batch_release(&k.rows);
	ts_header_release(&k.header);
	free(k.map);
	ts_reader_close(k.in);
	return cli_finish(rc < 0 ? 1 : 0);
}
