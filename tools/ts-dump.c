/* SPDX-License-Identifier: MIT
 * ts-dump: any stream as text. Rows are printed as they come, a batch at a time, so only the exit status says whether
 * the stream was complete; --header and --history print after END. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_align.h"
#include "err/err_near.h"
#include "kit/kit.h"
#include "report/report_rows.h"

static bool tsv, header, history, class_names, no_heading;
static const char *where, *where_text; /* "COLUMN=VALUE", VALUE */
static char *where_name;
static long where_value;
static ptrdiff_t where_at = -1; /* its column; -1: all rows */

static const struct cli_option options[] = {
	{ "tsv", 't', CLI_FLAG, NULL, &tsv, 0, 0, "tab-separated scalar and string columns, with a heading" },
	{ "where", 'w', CLI_STR, "COLUMN=VALUE", &where, 0, 0,
	  "only rows with this value in COLUMN, an integer or the name of a class" },
	{ "class-names", 'c', CLI_FLAG, NULL, &class_names, 0, 0,
	  "print class names instead of numbers, if the stream has them (default: on a terminal)" },
	{ "no-heading", 0, CLI_FLAG, NULL, &no_heading, 0, 0, "with --tsv: no heading" },
	{ "header", 0, CLI_FLAG, NULL, &header, 0, 0, "the header and the number of rows, as JSON" },
	{ "history", 0, CLI_FLAG, NULL, &history, 0, 0, "the commands that made the stream, one line per step" },
	{ 0 }
};

static const struct cli_tool tool = { "ts-dump",
				      "[option...] [FILE]",
				      "Print a stream as text: a JSON object per row (of a checkpoint: per tensor).",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_ROWS,
				      NULL };

/* Splits the argument of --where. Column names may contain '='; numbers do not, nor do most class names. */
static void parse_where(void)
{
	const char *eq = strrchr(where, '=');

	if (!eq || eq == where || !eq[1])
		cli_usage("--where: '%s' is not COLUMN=VALUE", where);
	if (header || history)
		cli_usage("--where chooses rows, and --header and --history print none");
	where_text = eq + 1;
	where_name = strndup(where, (size_t)(eq - where));
	if (!where_name)
		cli_oom();
}

/* Interprets the value of --where: a number, or the name of a class in a column of classes. */
static void find_value(const struct ts_field *f, const struct report_classes *classes)
{
	const size_t n = report_is_class(f) ? classes->n : 0;
	struct err_near near = err_near(where_text);
	size_t k = 0;

	if (cli_parse_int(where_text, -9.3e18, 9.3e18, &where_value) == 0)
		return;
	for (; k < n && strcmp(classes->name[k], where_text) != 0; k++)
		err_near_try(&near, classes->name[k]);
	if (k == n)
		cli_usage("--where: '%s' is not an integer%s%s", where_text, n ? ", nor a class of the stream" : "",
			  err_near_text(&near, "'"));
	where_value = (long)k;
}

/* Sets where_at to the column that --where names. */
static int find_where(struct ts_reader *r, const struct ts_header *h, const struct report_classes *classes)
{
	const struct ts_field *f = ts_header_field(h, where_name);

	if (!f)
		return ts_reader_fail(r, "has no column '%s'", where_name);
	if (f->ndim || !ts_type_is_integer(f->type))
		return ts_reader_fail(r, "column '%s' is not one integer per row", where_name);
	where_at = f - h->fields;
	find_value(f, classes);
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

/* How rows are printed. */
struct dump {
	const struct ts_header *h;
	struct report_classes classes;
	bool headed;             /* the heading has been printed, or is not wanted */
	struct cli_align *align; /* NULL: not a terminal, so tabs */
};

/* Text on its way to standard output. */
struct text {
	FILE *f;
	char *bytes;
	size_t len;
};

/* Returns the file to print to: standard output, or for a terminal a memory buffer, whose columns are then aligned. */
static FILE *begin_text(const struct dump *d, struct text *t)
{
	*t = (struct text){ .f = stdout };
	if (d->align && !(t->f = open_memstream(&t->bytes, &t->len)))
		cli_oom();
	return t->f;
}

static void end_text(const struct dump *d, struct text *t)
{
	if (!d->align)
		return;
	if (fclose(t->f) != 0 || !t->bytes)
		cli_oom();
	cli_align_put(d->align, stdout, t->bytes);
	free(t->bytes);
}

static void put_rows(struct dump *d, FILE *f, const struct ts_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (!is_wanted(b, i))
			continue;
		if (tsv && !d->headed)
			report_names_tsv(f, d->h);
		d->headed = true;
		if (tsv)
			report_row_tsv(f, b, i, &d->classes);
		else
			report_row_json(f, b, i, &d->classes);
	}
}

/* Every batch is flushed, so that an endless stream can be read as text while it comes. A failed write ends the run;
 * cli_finish() reports why. */
static int dump_batch(void *data, const struct ts_batch *b)
{
	struct dump *d = data;
	struct text t;

	put_rows(d, begin_text(d, &t), b);
	end_text(d, &t);
	return fflush(stdout) == 0 ? 0 : -1;
}

static int dump_rows(struct ts_reader *r, const struct ts_header *h, struct dump *d)
{
	struct report_classes all;
	struct err err;
	int rc = report_classes_init(&all, h, &err) < 0 ? ts_reader_fail(r, "%s", err.text) : 0;

	if (rc == 0 && where)
		rc = find_where(r, h, &all);
	if (class_names)
		d->classes = all;
	if (rc == 0)
		rc = kit_each(r, dump_batch, d);
	report_classes_release(&all);
	return rc;
}

static void put_set(struct dump *d, FILE *f, const struct ts_set *set)
{
	if (tsv && !d->headed)
		fputs("name\ttype\tshape\tsum\tmin\tmax\n", f);
	for (size_t i = 0; i < set->n; i++)
		if (tsv)
			report_tensor_tsv(f, &set->t[i]);
		else
			report_tensor_json(f, &set->t[i]);
}

static int dump_set(struct ts_reader *r, struct dump *d)
{
	struct ts_set set = { 0 };
	int rc = ts_reader_set(r, &set);
	struct text t;

	if (rc == 0) {
		put_set(d, begin_text(d, &t), &set);
		end_text(d, &t);
	}
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
	struct ts_reader *r;
	const struct ts_header *h;
	int rc = -1, first;

	class_names = isatty(STDOUT_FILENO);
	first = cli_parse(&tool, argc, argv);
	if (tsv && cli.json)
		cli_usage("--tsv and --json exclude each other");
	r = cli_input(first, argc, argv);
	if (where)
		parse_where();
	h = ts_reader_header(r);
	if (h && where && ts_header_is_set(h)) {
		ts_reader_fail(r, "a %s has no rows to choose with --where", h->kind);
		h = NULL;
	}
	if (h && (header || history)) {
		rc = drain(r, h);
		if (rc == 0 && header)
			report_header_json(stdout, h, ts_reader_rows(r));
		if (rc == 0 && history)
			report_history(stdout, h);
	} else if (h) {
		struct cli_align align = { 0 };
		struct dump d = { h, .headed = no_heading, .align = tsv && isatty(STDOUT_FILENO) ? &align : NULL };

		rc = ts_header_is_set(h) ? dump_set(r, &d) : dump_rows(r, h, &d);
	}
	free(where_name);
	return kit_end(r, NULL, rc);
}
