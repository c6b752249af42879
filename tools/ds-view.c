/* SPDX-License-Identifier: MIT
 * ds-view: the images of a stream on one sheet, a PNG: the first ones, or those with the smallest or
 * the largest scores. Streaming: it holds the images that it shows, and the scores that it joins. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ds/ds.h"
#include "ds/pixel/ds_sheet.h"
#include "kit/kit.h"
#include "ts/ts_file.h"
#include "ts/ts_images.h"
#include "ts/ts_join.h"

enum { MAX_SIDE = 4096 }; /* columns, or rows, of a grid */

static const char *grid = "20x10", *scores_path, *sort_by, *border_by;
static long scale = 2, top, bottom;
static bool text;

static const struct cli_option options[] = {
	{ "grid", 'g', CLI_STR, "CxR", &grid, 0, 0, "C columns and R rows (default 20x10)" },
	{ "scale", 's', CLI_INT, "N", &scale, 1, 64, "each pixel becomes N x N (default 2)" },
	{ "scores", 0, CLI_STR, "FILE", &scores_path, 0, 0,
	  "a stream of scores of these images, matched by name, else by position" },
	{ "sort", 0, CLI_STR, "COLUMN", &sort_by, 0, 0, "order by this column of the scores, or of the images" },
	{ "top", 0, CLI_INT, "N", &top, 1, MAX_SIDE *MAX_SIDE, "show the N largest, largest first" },
	{ "bottom", 0, CLI_INT, "N", &bottom, 1, MAX_SIDE *MAX_SIDE, "show the N smallest, smallest first" },
	{ "border", 0, CLI_STR, "COLUMN", &border_by, 0, 0,
	  "draw borders from blue (the smallest value shown) to red (the largest)" },
	{ "text", 't', CLI_FLAG, NULL, &text, 0, 0, "write a table of the cells (TSV) instead of a PNG" },
	{ "output", 'o', CLI_STR, "FILE", &cli.output, 0, 0,
	  "write to FILE, whole or not at all (default: standard output)" },
	{ 0 }
};

static const struct cli_tool tool = { "ds-view",
				      "[option...] [FILE]",
				      "Draw the images of a stream on one sheet, a PNG.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      0,
				      NULL };

/* Where a value of an image comes from. */
struct number {
	const char *column; /* NULL: not asked for */
	bool joined;        /* from the scores */
	enum ts_type type;
	size_t at; /* the column's number, in the images or in all scores */
};

struct work {
	struct ts_reader *images, *scores; /* scores may be NULL */
	const struct ts_header *h;         /* the images' */
	ptrdiff_t image, label, name;      /* columns; the last two may be -1 */
	const struct ts_batch *b;          /* in work */
	struct ts_join join;
	struct number sort, border;
	struct ds_sheet sheet;
	struct err err;
};

static int check_images(struct work *k)
{
	const struct ts_field *image = ts_images_field(k->images), *name;

	if (!image || ts_images_labels(k->images, false) < 0)
		return -1;
	k->h = ts_reader_header(k->images);
	k->image = ts_header_col(k->h, "image");
	k->label = ts_header_col(k->h, "label");
	k->name = ts_header_col(k->h, "name");
	name = ts_header_field(k->h, "name");
	if (name && name->type != TS_STR)
		return ts_reader_fail(k->images, "has a field 'name' that is not strings");
	if (image->shape[0] != 1 && image->shape[0] != 3)
		return ts_reader_fail(k->images, "has images of %zu channels; those of 1 or 3 channels can be shown",
				      image->shape[0]);
	k->sheet.c = image->shape[0];
	k->sheet.h = image->shape[1];
	k->sheet.w = image->shape[2];
	if (!text && ds_sheet_check(&k->sheet, &k->err) < 0)
		return ts_reader_fail(k->images, "%s", k->err.text);
	return 0;
}

/* Finds the column of this name: in the scores if they have it, else in the images. */
static int locate(struct work *k, struct number *s, const char *column)
{
	const struct ts_header *scores = k->scores ? ts_reader_header(k->scores) : NULL;
	const struct ts_field *f = scores ? ts_header_field(scores, column) : NULL;

	s->column = column;
	s->joined = f != NULL;
	if (!f)
		f = ts_header_field(k->h, column);
	if (!f)
		return ts_reader_fail(k->images, "has no column '%s', %s", column,
				      scores ? "nor have its scores" : "and no --scores is given");
	if (f->type == TS_STR || f->ndim)
		return ts_reader_fail(s->joined ? k->scores : k->images, "column '%s' is not one number per row",
				      column);
	s->type = f->type;
	s->at = (size_t)(f - (s->joined ? scores : k->h)->fields);
	return 0;
}

/* Checks both headers, and reads all scores, because they must be there when the first image comes. */
static int begin(struct work *k)
{
	struct number *const sources[] = { &k->sort, &k->border };
	const char *columns[2];
	size_t n = 0;

	if (check_images(k) < 0 || (k->scores && !ts_reader_expect(k->scores, "scores")) ||
	    (sort_by && locate(k, &k->sort, sort_by) < 0) || (border_by && locate(k, &k->border, border_by) < 0))
		return -1;
	for (int i = 0; i < 2; i++)
		if (sources[i]->joined)
			columns[n++] = sources[i]->column;
	if (k->scores && ts_join_read(&k->join, k->scores, columns, n, k->name >= 0) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (sources[i]->joined)
			sources[i]->at = (size_t)(ts_batch_col(&k->join.kept, sources[i]->column) - k->join.kept.cols);
	return 0;
}

/* The value of row i of the batch, whose scores are row `partner`; *element is where it lies. */
static int value(struct work *k, const struct number *s, size_t i, size_t partner, double *ret, const void **element)
{
	const struct ts_col *c = s->joined ? &k->join.kept.cols[s->at] : &k->b->cols[s->at];
	const size_t at = s->joined ? partner : i;
	const uint64_t row = s->joined ? partner : ts_reader_rows(k->images) - k->b->n + i;

	*element = (const char *)c->data + at * c->row;
	*ret = ts_get(c->type, c->data, at);
	if (isnan(*ret) || (s == &k->border && !isfinite(*ret)))
		return ts_reader_fail(s->joined ? k->scores : k->images, "row %llu: '%s' is %s",
				      (unsigned long long)row, s->column,
				      isnan(*ret) ? "not a number" : "infinite, which no colour of a border shows");
	return 0;
}

static int offer(struct work *k, size_t i)
{
	struct ds_cell cell = { .row = ts_reader_rows(k->images) - k->b->n + i, .label = -1 };
	const struct ts_col *image = &k->b->cols[k->image];
	const void *element;
	size_t partner = 0;

	if (k->label >= 0)
		cell.label = ((const int64_t *)k->b->cols[k->label].data)[i];
	cell.name = k->name >= 0 ? ts_col_str(&k->b->cols[k->name], i) : NULL;
	cell.pixels = text ? NULL : (const uint8_t *)image->data + i * image->row;
	if (k->scores && ts_join_next(&k->join, k->scores, k->images, cell.name, &partner) < 0)
		return -1;
	if (sort_by && value(k, &k->sort, i, partner, &cell.key, &element) < 0)
		return -1;
	if (sort_by)
		memcpy(cell.value, element, ts_type_size(k->sort.type));
	if (border_by && value(k, &k->border, i, partner, &cell.shade, &element) < 0)
		return -1;
	return ds_sheet_offer(&k->sheet, &cell, &k->err);
}

static int take(void *data, const struct ts_batch *b)
{
	struct work *k = data;

	k->b = b;
	for (size_t i = 0; i < b->n; i++)
		if (offer(k, i) < 0)
			return -1;
	return 0;
}

static int read_images(struct work *k)
{
	if (kit_each(k->images, take, k) < 0 || (k->scores && ts_join_finish(&k->join, k->scores, k->images) < 0) ||
	    ts_images_some(k->images) < 0)
		return -1;
	ds_sheet_sort(&k->sheet);
	return 0;
}

static void put_row(FILE *f, const struct work *k, size_t i, char *const *classes, size_t n)
{
	const struct ds_cell *c = &k->sheet.cells[i];
	char number[32] = "-";
	uint64_t element; /* aligned for every type */

	fprintf(f, "%zu\t%zu\t%llu\t", i / k->sheet.columns, i % k->sheet.columns, (unsigned long long)c->row);
	if (c->label >= 0 && (uint64_t)c->label < n)
		cli_put_cell(f, classes[c->label]);
	else if (k->label >= 0)
		fprintf(f, "%lld", (long long)c->label);
	else
		putc('-', f);
	putc('\t', f);
	cli_put_cell(f, c->name ? c->name : "-");
	memcpy(&element, c->value, sizeof element);
	if (sort_by)
		ts_elem_text(k->sort.type, &element, 0, number);
	putc('\t', f);
	for (const char *p = number; *p; p++)
		if (*p != '"') /* JSON's for what is not finite */
			putc(*p, f);
	putc('\n', f);
}

static int write_table(struct work *k, struct ts_file *out)
{
	char **classes = NULL, *table = NULL;
	size_t n = 0, len;
	FILE *f;
	int rc;

	if (ts_meta_get_strs(&k->h->meta, "classes", &classes, &n) < 0)
		return ts_reader_fail(k->images, "meta 'classes' is not a list of names");
	f = open_memstream(&table, &len);
	if (!f)
		cli_oom();
	fputs("row\tcolumn\tinput\tlabel\tname\tvalue\n", f);
	for (size_t i = 0; i < k->sheet.n; i++)
		put_row(f, k, i, classes, n);
	if (fclose(f) != 0 || !table)
		cli_oom();
	rc = ts_file_put(out, table, len);
	free(table);
	ts_strs_free(classes, n);
	return rc;
}

static void check_options(struct ds_sheet *s, const char *file)
{
	bool from_stdin = !file || strcmp(file, "-") == 0;
	long sides[2];

	if (cli_parse_sizes(grid, MAX_SIDE, sides, 2) != 2)
		cli_usage("--grid: '%s' is not CxR with two whole numbers from 1 to %d", grid, MAX_SIDE);
	s->columns = (size_t)sides[0];
	s->rows = (size_t)sides[1];
	if (top && bottom)
		cli_usage("--top and --bottom exclude each other");
	if ((top || bottom) && !sort_by)
		cli_usage("--%s needs --sort COLUMN", top ? "top" : "bottom");
	if (scores_path && !sort_by && !border_by)
		cli_usage("--scores needs --sort or --border: else the scores would not be used");
	if (scores_path && strcmp(scores_path, "-") == 0 && from_stdin)
		cli_usage("standard input can be read once only: either the images or --scores");
	s->scale = (size_t)scale;
	s->border = border_by != NULL;
	s->largest = top != 0;
	s->most = top || bottom ? (size_t)(top + bottom) : s->columns * s->rows;
	if (s->most > s->columns * s->rows)
		cli_usage("--%s %zu is more than the grid of %s holds; give a larger --grid", top ? "top" : "bottom",
			  s->most, grid);
}

/* Prints why the run failed, in the order of its work: an input comes before what was made of it, and that before the
 * output. One failure makes others, so only the first is printed. */
static void report(const struct work *k, const struct ts_file *out)
{
	if (cli_check_reader(k->images) < 0 || (k->scores && cli_check_reader(k->scores) < 0))
		return;
	if (ts_file_error(out)) /* a sheet that cannot be written fails for this reason */
		cli_error("%s", ts_file_error(out));
	else
		cli_error("%s", k->err.text);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct work k = { 0 };
	struct ts_file *out;

	check_options(&k.sheet, first < argc ? argv[first] : NULL);
	if (!text && (!cli.output || strcmp(cli.output, "-") == 0) && isatty(STDOUT_FILENO))
		return cli_finish(cli_error("will not write a PNG to a terminal; use -o FILE, a pipe, or --text"));
	k.images = cli_input(first, argc, argv);
	k.scores = scores_path ? cli_open(scores_path) : NULL;
	out = ts_file_open(cli.output);
	if (!out)
		cli_oom();
	if (!ts_file_error(out) && begin(&k) == 0 && read_images(&k) == 0)
		rc = text ? write_table(&k, out) : ds_sheet_write(&k.sheet, out, &k.err);
	if (rc == 0)
		rc = ts_file_finish(out);
	if (rc < 0)
		report(&k, out);
	ts_file_close(out);
	ts_join_release(&k.join);
	ds_sheet_release(&k.sheet);
	ts_reader_close(k.images);
	ts_reader_close(k.scores);
	return cli_finish(rc);
}
