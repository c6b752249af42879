/* SPDX-License-Identifier: MIT
 * ts-dump: any stream as text. Rows are passed on as they come, a batch at a time, so the exit status
 * alone says whether the stream was whole; --header and --history print after END. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "report/report_rows.h"

static bool tsv, header, history;
static const char *where; /* "COLUMN=VALUE" */
static char *where_name;
static long where_value;
static ptrdiff_t where_at = -1; /* its column; -1: all rows */

static const struct cli_option options[] = {
	{ "tsv", 't', CLI_FLAG, NULL, &tsv, 0, 0, "tab-separated scalar and string columns, with a heading" },
	{ "where", 'w', CLI_STR, "COLUMN=VALUE", &where, 0, 0,
	  "only the rows with this value in this column of integers" },
	{ "header", 0, CLI_FLAG, NULL, &header, 0, 0, "the header and the number of rows, as JSON" },
	{ "history", 0, CLI_FLAG, NULL, &history, 0, 0, "how the stream came to be, one line per step" },
	{ 0 }
};

static const struct cli_tool tool = { "ts-dump",
				      "[option...] [FILE]",
				      "Print a stream as text: a JSON object a row (of a checkpoint: a tensor).",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      0,
				      NULL };

/* Takes --where apart. Names of columns may hold '=', numbers do not. */
static void parse_where(void)
{
	const char *eq = strrchr(where, '=');

	if (!eq || cli_parse_int(eq + 1, -9.3e18, 9.3e18, &where_value))
		cli_usage("--where: '%s' is not COLUMN=VALUE with a whole number", where);
	if (header || history)
		cli_usage("--where chooses rows, and --header and --history print none");
	where_name = strndup(where, (size_t)(eq - where));
	if (!where_name)
		cli_oom();
}

/* Makes where_at the column that --where names. */
static int find_where(struct ts_reader *r, const struct ts_header *h)
{
	const struct ts_field *f = ts_header_field(h, where_name);

	if (!f)
		return ts_reader_fail(r, "has no column '%s'", where_name);
	if (f->ndim || !ts_type_is_integer(f->type))
		return ts_reader_fail(r, "column '%s' is not one integer per row", where_name);
	where_at = f - h->fields;
	return 0;
}

static bool is_wanted(const struct ts_batch *b, size_t i)
{
	const struct ts_col *c = where_at >= 0 ? &b->cols[where_at] : NULL;

	if (!c)
		return true;
	return c->type == TS_I64 ? ((const int64_t *)c->data)[i] == where_value :
				   ts_get(c->type, c->data, i) == (double)where_value;
}

/* Every batch is flushed, so that whoever reads an endless stream as text sees it as it comes. What
 * cannot be written ends it; cli_finish() says why. */
static int dump_batch(void *data, const struct ts_batch *b)
{
	(void)data;
	for (size_t i = 0; i < b->n; i++)
		if (!is_wanted(b, i))
			continue;
		else if (tsv)
			report_row_tsv(stdout, b, i);
		else if (report_row_json(stdout, b, i) < 0)
			cli_oom();
	return fflush(stdout) == 0 ? 0 : -1;
}

static int dump_rows(struct ts_reader *r, const struct ts_header *h)
{
	if (where && find_where(r, h) < 0)
		return -1;
	if (tsv)
		report_names_tsv(stdout, h);
	return fflush(stdout) == 0 ? kit_each(r, dump_batch, NULL) : -1;
}

static int dump_set(struct ts_reader *r)
{
	struct ts_set set = { 0 };
	int rc = ts_reader_set(r, &set);

	if (rc == 0 && tsv)
		puts("name\ttype\tshape\tsum\tmin\tmax");
	for (size_t i = 0; i < set.n && rc == 0; i++)
		if (tsv)
			report_tensor_tsv(stdout, &set.t[i]);
		else if (report_tensor_json(stdout, &set.t[i]) < 0)
			cli_oom();
	ts_set_release(&set);
	return rc;
}

static int nothing(void *data, const struct ts_batch *b)
{
	(void)data;
	(void)b;
	return 0;
}

/* Reads to END without printing. */
static int drain(struct ts_reader *r, const struct ts_header *h)
{
	struct ts_set set = { 0 };
	int rc = ts_header_is_set(h) ? ts_reader_set(r, &set) : kit_each(r, nothing, NULL);

	ts_set_release(&set);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv);
	struct ts_reader *r = cli_input(first, argc, argv);
	const struct ts_header *h;
	int rc = -1;

	if (where)
		parse_where();
	h = ts_reader_header(r);
	if (h && where && ts_header_is_set(h)) {
		ts_reader_fail(r, "a %s has no rows to choose with --where", h->kind);
		h = NULL;
	}
	if (h && (header || history)) {
		rc = drain(r, h);
		if (rc == 0 && header && report_header_json(stdout, h, ts_reader_rows(r)) < 0)
			cli_oom();
		if (rc == 0 && history)
			report_history(stdout, h);
	} else if (h) {
		rc = ts_header_is_set(h) ? dump_set(r) : dump_rows(r, h);
	}
	free(where_name);
	return kit_end(r, NULL, rc);
}
