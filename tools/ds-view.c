/* SPDX-License-Identifier: MIT
 * ds-view: the images of a stream on one sheet, a PNG: the first ones, or those with the smallest or the largest
 * scores. Streaming: it holds the images that it shows, and the scores that it joins. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli_table.h"
#include "ds/ds.h"
#include "ds/pixel/ds_sheet.h"
#include "kit/kit.h"
#include "report/report_terminal.h"
#include "ts/ts_file.h"
#include "ts/ts_images.h"
#include "ts/ts_join.h"

enum { MAX_SIDE = 4096 }; /* columns, or rows, of a grid */
#define GRID "20x10"

static const char *grid, *scores_path, *sort_by, *border_by, *caption;
static long scale = 2, top, bottom;
static bool text;

/* The possible lines of captions. */
enum caption { CLASS, SCORE, FILE_NAME, N_CAPTIONS };
static const char *const captions[N_CAPTIONS] = { "class", "value", "name" };
static enum caption lines[DS_SHEET_LINES];

/* --terminal: how to show the sheet there. */
enum { AUTO, KITTY, SIXEL, NONE };
static long terminal = AUTO;
static enum report_terminal shown;

static const struct cli_option options[] = {
	{ "grid", 'g', CLI_STR, "CxR", &grid, 0, 0, "C columns and R rows (default 20x10; on a terminal, what fits)" },
	{ "scale", 's', CLI_INT, "N", &scale, 1, 64, "each pixel becomes N x N (default 2)" },
	{ "scores", 0, CLI_STR, "FILE", &scores_path, 0, 0,
	  "a stream of scores of these images, matched by name, else by position" },
	{ "sort", 0, CLI_STR, "COLUMN", &sort_by, 0, 0, "order by this column of the scores, or of the images" },
	{ "top", 0, CLI_INT, "N", &top, 1, MAX_SIDE *MAX_SIDE, "show the N largest, largest first" },
	{ "bottom", 0, CLI_INT, "N", &bottom, 1, MAX_SIDE *MAX_SIDE, "show the N smallest, smallest first" },
	{ "border", 0, CLI_STR, "COLUMN", &border_by, 0, 0,
	  "draw borders from blue (the smallest value shown) to red (the largest)" },
	{ "caption", 'c', CLI_STR, "LIST", &caption, 0, 0,
	  "lines below each image, separated by commas: class, value (of --sort), name; all" },
	{ "terminal", 0, CLI_CHOICE, "auto|kitty|sixel|none", &terminal, 0, 0,
	  "how a terminal shows the sheet (default auto: it is asked)" },
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
				      CLI_ROWS,
				      NULL };

/* Where a value for an image comes from. */
struct number {
	const char *column; /* NULL: not requested */
	bool joined;        /* from the scores */
	enum ts_type type;
	size_t at; /* the column's index, in the images or in all scores */
};

struct work {
	struct ts_reader *images, *scores; /* scores may be NULL */
	const struct ts_header *h;         /* the images' */
	ptrdiff_t image, label, name;      /* columns; the last two may be -1 */
	const struct ts_batch *b;          /* the current batch */
	struct ts_join join;
	struct number sort, border;
	char **classes; /* names, of the images' stream */
	size_t n_classes;
	struct ds_sheet sheet;
	unsigned char *png; /* for a terminal */
	size_t n_png, cap_png;
	struct err err;
};

/* The default grid: as many images as fit the terminal, if its size in pixels is known. */
static void fit_grid(struct ds_sheet *s)
{
	const size_t edge = s->border ? 2 * DS_SHEET_BORDER : 0;
	const size_t w = (s->w + edge + DS_SHEET_GAP) * s->scale;
	const size_t h = (s->h + edge + DS_SHEET_GAP) * s->scale + s->lines * DS_SHEET_LINE;
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_xpixel == 0 || size.ws_ypixel == 0)
		return;
	s->columns = size.ws_xpixel / w ? size.ws_xpixel / w : 1;
	s->rows = size.ws_ypixel / h ? size.ws_ypixel / h : 1;
	if (!top && !bottom)
		s->most = s->columns * s->rows;
	else if (s->rows * s->columns < s->most)
		s->rows = (s->most + s->columns - 1) / s->columns;
}

static int check_images(struct work *k)
{
	const struct ts_field *image = ts_images_field(k->images);

	if (!image || ts_images_labels(k->images, false) < 0)
		return -1;
	k->h = ts_reader_header(k->images);
	if (ts_images_classes(k->images, &k->classes, &k->n_classes) < 0)
		return -1;
	k->image = ts_header_col(k->h, "image");
	k->label = ts_header_col(k->h, "label");
	k->name = ts_header_col(k->h, "name");
	if (image->shape[0] != 1 && image->shape[0] != 3)
		return ts_reader_fail(k->images, "has images of %zu channels; those of 1 or 3 channels can be shown",
				      image->shape[0]);
	k->sheet.c = image->shape[0];
	k->sheet.h = image->shape[1];
	k->sheet.w = image->shape[2];
	if (shown && !grid && k->sheet.w && k->sheet.h)
		fit_grid(&k->sheet);
	if (!text && ds_sheet_check(&k->sheet, &k->err) < 0)
		return ts_reader_fail(k->images, "%s", k->err.text);
	return 0;
}

/* Finds the column with this name: in the scores if it is there, otherwise in the images. */
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

/* Checks both headers, and reads all scores, because they are needed when the first image comes. */
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

/* The value for row i of the batch, whose scores are row `partner`; *element is its address. */
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
	if (k->scores && ts_join_next(&k->join, k->scores, k->images, cell.name, cell.label, &partner) < 0)
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

/* The name of the image's class; NULL: none. */
static const char *class_of(const struct work *k, const struct ds_cell *c)
{
	return c->label >= 0 && (uint64_t)c->label < k->n_classes ? k->classes[c->label] : NULL;
}

enum { ROW, COLUMN, INPUT, LABEL, NAME, VALUE, N_COLUMNS };

/* The value of --sort as text. */
static const char *value_text(const struct work *k, const struct ds_cell *c, char buf[32])
{
	uint64_t element; /* aligned for every type */

	memcpy(&element, c->value, sizeof element);
	ts_elem_text(k->sort.type, &element, 0, buf);
	buf[strcspn(buf + 1, "\"") + 1] = '\0'; /* JSON writes numbers that are not finite as strings */
	return buf + (*buf == '"');
}

static void put_row(FILE *f, const struct work *k, size_t i, struct cli_column columns[N_COLUMNS])
{
	const struct ds_cell *c = &k->sheet.cells[i];
	char number[N_COLUMNS][32];
	const char *cells[N_COLUMNS] = { number[ROW], number[COLUMN], number[INPUT], number[LABEL], c->name, NULL };
	const char *class = class_of(k, c);

	snprintf(number[ROW], sizeof *number, "%zu", i / k->sheet.columns);
	snprintf(number[COLUMN], sizeof *number, "%zu", i % k->sheet.columns);
	snprintf(number[INPUT], sizeof *number, "%llu", (unsigned long long)c->row);
	snprintf(number[LABEL], sizeof *number, "%lld", (long long)c->label);
	columns[LABEL].width = class ? -1 : 1;
	if (class || k->label < 0)
		cells[LABEL] = class;
	if (sort_by)
		cells[VALUE] = value_text(k, c, number[VALUE]);
	cli_rows_put(f, columns, N_COLUMNS, cells);
}

static int write_captions(struct work *k)
{
	for (size_t i = 0; i < k->sheet.n; i++)
		for (size_t l = 0; l < k->sheet.lines; l++) {
			const struct ds_cell *c = &k->sheet.cells[i];
			const char *class = class_of(k, c), *line = NULL;
			char number[32];

			if (lines[l] == FILE_NAME) {
				line = c->name;
			} else if (lines[l] == SCORE) {
				snprintf(number, sizeof number, "%.4g", c->key);
				line = number;
			} else if (class || k->label >= 0) {
				snprintf(number, sizeof number, "%lld", (long long)c->label);
				line = class ? class : number;
			}
			if (line && ds_sheet_caption(&k->sheet, i, l, line, lines[l] == FILE_NAME, &k->err) < 0)
				return -1;
		}
	return 0;
}

static int draw(struct work *k, struct ts_file *out)
{
	return write_captions(k) < 0 ? -1 : ds_sheet_write(&k->sheet, out, &k->err);
}

/* Works like write(2): collects the PNG until it is complete and can be shown. */
static ssize_t remember(void *data, const void *buf, size_t len)
{
	struct work *k = data;

	if (k->cap_png - k->n_png < len) {
		const size_t cap = 2 * k->cap_png + len;
		unsigned char *grown = realloc(k->png, cap);

		if (!grown)
			return -1;
		k->png = grown;
		k->cap_png = cap;
	}
	memcpy(k->png + k->n_png, buf, len);
	k->n_png += len;
	return (ssize_t)len;
}

static int write_table(struct work *k, struct ts_file *out)
{
	struct cli_column columns[N_COLUMNS] = { { "", "row", 1 },   { "", "column", 1 }, { "", "input", 1 },
						 { "", "label", 1 }, { "", "name", -1 },  { "", "value", 1 } };
	char *table = NULL;
	size_t len;
	FILE *f = open_memstream(&table, &len);
	int rc;

	if (!f)
		cli_oom();
	cli_rows_heading(f, columns, N_COLUMNS);
	for (size_t i = 0; i < k->sheet.n; i++)
		put_row(f, k, i, columns);
	if (fclose(f) != 0 || !table)
		cli_oom();
	rc = ts_file_put(out, table, len);
	free(table);
	return rc;
}

/* Parses the lines of --caption. */
static void parse_caption(struct ds_sheet *s)
{
	char *copy = strdup(strcmp(caption, "all") ? caption :
			    sort_by                ? "class,value,name" :
						     "class,name"),
	     *rest = copy, *word;

	if (!copy)
		cli_oom();
	while ((word = strsep(&rest, ",")) != NULL) {
		int what = 0;

		while (what < N_CAPTIONS && strcmp(captions[what], word) != 0)
			what++;
		if (what == N_CAPTIONS || s->lines == DS_SHEET_LINES)
			cli_usage("--caption: '%s' is not at most three of class, value and name", caption);
		if (what == SCORE && !sort_by)
			cli_usage("--caption value is that of --sort COLUMN, which is not given");
		lines[s->lines++] = (enum caption)what;
	}
	free(copy);
}

/* A terminal gets the picture through its own protocol; anything else gets the PNG. */
static void check_terminal(void)
{
	const bool file = cli.output && strcmp(cli.output, "-") != 0, here = !file && isatty(STDOUT_FILENO);

	if ((terminal == KITTY || terminal == SIXEL) && (text || !here))
		cli_usage("--terminal %s shows a picture on standard output, which %s",
			  terminal == KITTY ? "kitty" : "sixel",
			  text ? "gets a table" :
			  file ? "is not used, because -o is given" :
				 "is not a terminal");
	if (text || !here)
		return;
	shown = terminal == KITTY ? REPORT_KITTY :
		terminal == SIXEL ? REPORT_SIXEL :
		terminal == AUTO  ? report_terminal_ask() :
				    REPORT_NO_PICTURES;
	if (shown == REPORT_NO_PICTURES) {
		cli_error("will not write a PNG to a terminal%s; use -o FILE, a pipe, or --text",
			  terminal == AUTO ? " that shows no pictures" : "");
		exit(cli_finish(1));
	}
}

static void check_options(struct ds_sheet *s, const char *file)
{
	bool from_stdin = !file || strcmp(file, "-") == 0;
	long sides[2];

	if (cli_parse_sizes(grid ? grid : GRID, MAX_SIDE, sides, 2) != 2)
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
			  s->most, grid ? grid : GRID);
	if (caption)
		parse_caption(s);
	check_terminal();
}

/* Prints why the run failed, in the order of the work: inputs first, then what was computed from them, then the output.
 * One failure causes others, so only the first is printed. */
static void report(const struct work *k, const struct ts_file *out)
{
	if (cli_check_reader(k->images) < 0 || (k->scores && cli_check_reader(k->scores) < 0))
		return;
	if (ts_file_error(out)) /* if the sheet cannot be written, this is why */
		cli_error("%s", ts_file_error(out));
	else
		cli_error("%s", k->err.text);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct work k = { 0 };
	struct ts_file *out;

	text = text || cli.json;
	check_options(&k.sheet, first < argc ? argv[first] : NULL);
	k.images = cli_input(first, argc, argv);
	k.scores = scores_path ? cli_open(scores_path) : NULL;
	out = shown ? ts_file_open_fn(remember, &k, "<stdout>") : ts_file_open(cli.output);
	if (!out)
		cli_oom();
	if (!ts_file_error(out) && begin(&k) == 0 && read_images(&k) == 0)
		rc = text ? write_table(&k, out) : draw(&k, out);
	if (rc == 0)
		rc = ts_file_finish(out);
	if (rc == 0 && shown)
		rc = report_terminal_show(stdout, shown, k.png, k.n_png, &k.err);
	free(k.png);
	if (rc < 0)
		report(&k, out);
	ts_file_close(out);
	ts_strs_free(k.classes, k.n_classes);
	ts_join_release(&k.join);
	ds_sheet_release(&k.sheet);
	ts_reader_close(k.images);
	ts_reader_close(k.scores);
	return cli_finish(rc);
}
