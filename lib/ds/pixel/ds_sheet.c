/* SPDX-License-Identifier: MIT
 * Contact sheets: which images, and the PNG. Written through libpng line by line, because a sheet may be many times the
 * size of the images that it shows. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "ds/ds.h"
#include "ds/pixel/ds_letters.h"
#include "ds/pixel/ds_sheet.h"

static size_t cell_w(const struct ds_sheet *s)
{
	return s->w + (s->border ? 2 * DS_SHEET_BORDER : 0);
}

static size_t cell_h(const struct ds_sheet *s)
{
	return s->h + (s->border ? 2 * DS_SHEET_BORDER : 0);
}

/* Distance from the top of a cell to the top of the one below it, in pixels of the drawn sheet. */
static size_t down(const struct ds_sheet *s)
{
	return (cell_h(s) + DS_SHEET_GAP) * s->scale + s->lines * DS_SHEET_LINE;
}

static size_t sheet_w(const struct ds_sheet *s)
{
	return (s->columns * (cell_w(s) + DS_SHEET_GAP) - DS_SHEET_GAP) * s->scale;
}

static size_t sheet_h(const struct ds_sheet *s)
{
	return s->rows * down(s) - DS_SHEET_GAP * s->scale;
}

static bool fits(size_t a, size_t b, size_t limit)
{
	size_t product;
	return !__builtin_mul_overflow(a, b, &product) && product <= limit;
}

int ds_sheet_check(const struct ds_sheet *s, struct err *err)
{
	if (s->h == 0 || s->w == 0 || s->h > DS_MAX_SIDE || s->w > DS_MAX_SIDE)
		return err_fail(err, "images of %zu x %zu pixels cannot be drawn", s->w, s->h);
	if (!fits(s->columns, (cell_w(s) + DS_SHEET_GAP) * s->scale, DS_MAX_SIDE + s->scale) ||
	    !fits(s->rows, down(s), DS_MAX_SIDE + s->scale) || sheet_w(s) > DS_MAX_SIDE || sheet_h(s) > DS_MAX_SIDE ||
	    sheet_w(s) * sheet_h(s) > DS_MAX_PIXELS)
		return err_fail(err,
				"%zu x %zu images of %zu x %zu pixels, magnified %zu times, are more "
				"than a sheet holds; take a smaller grid or scale",
				s->columns, s->rows, s->w, s->h, s->scale);
	return 0;
}

/* ---- which images ---------------------------------------------------------------------------- */

/* Below 0: a comes first. Rows differ, so no two cells are equal. */
static int compare(const struct ds_cell *a, const struct ds_cell *b, bool largest)
{
	if (a->key != b->key)
		return (a->key < b->key) != largest ? -1 : 1;
	return a->row < b->row ? -1 : 1;
}

static void swap(struct ds_cell *a, struct ds_cell *b)
{
	struct ds_cell c = *a;
	*a = *b;
	*b = c;
}

static void sift_up(struct ds_sheet *s, size_t i)
{
	for (; i && compare(&s->cells[i], &s->cells[(i - 1) / 2], s->largest) > 0; i = (i - 1) / 2)
		swap(&s->cells[i], &s->cells[(i - 1) / 2]);
}

static void sift_down(struct ds_sheet *s)
{
	for (size_t i = 0, k; (k = 2 * i + 1) < s->n; i = k) {
		if (k + 1 < s->n && compare(&s->cells[k + 1], &s->cells[k], s->largest) > 0)
			k++;
		if (compare(&s->cells[i], &s->cells[k], s->largest) > 0)
			return;
		swap(&s->cells[i], &s->cells[k]);
	}
}

static void cell_release(struct ds_cell *c)
{
	free((void *)c->pixels);
	free((void *)c->name);
	for (size_t i = 0; i < DS_SHEET_LINES; i++)
		free(c->caption[i]);
}

/* Makes *to a copy of from that owns what it points to. */
static int copy(const struct ds_sheet *s, struct ds_cell *to, const struct ds_cell *from, struct err *err)
{
	size_t bytes = s->c * s->h * s->w;
	char *name = from->name ? strdup(from->name) : NULL;
	uint8_t *pixels = from->pixels ? malloc(bytes) : NULL;

	if ((from->name && !name) || (from->pixels && !pixels)) {
		free(name);
		free(pixels);
		return err_memory(err);
	}
	if (pixels)
		memcpy(pixels, from->pixels, bytes);
	*to = *from;
	to->name = name;
	to->pixels = pixels;
	return 0;
}

int ds_sheet_offer(struct ds_sheet *s, const struct ds_cell *cell, struct err *err)
{
	struct ds_cell mine;

	if (s->most == 0 || (s->n == s->most && compare(cell, &s->cells[0], s->largest) > 0))
		return 0;
	if (s->n == s->cap && s->n < s->most) {
		size_t cap = s->cap + s->cap / 2 + 16;
		struct ds_cell *bigger = realloc(s->cells, cap * sizeof *bigger);
		if (!bigger)
			return err_memory(err);
		s->cells = bigger;
		s->cap = cap;
	}
	if (copy(s, &mine, cell, err) < 0)
		return -1;
	if (s->n < s->most) {
		s->cells[s->n++] = mine;
		sift_up(s, s->n - 1);
	} else {
		cell_release(&s->cells[0]);
		s->cells[0] = mine;
		sift_down(s);
	}
	return 0;
}

static int least_first(const void *a, const void *b)
{
	return compare(a, b, false);
}

static int largest_first(const void *a, const void *b)
{
	return compare(a, b, true);
}

void ds_sheet_sort(struct ds_sheet *s)
{
	if (s->n)
		qsort(s->cells, s->n, sizeof *s->cells, s->largest ? largest_first : least_first);
}

int ds_sheet_caption(struct ds_sheet *s, size_t i, size_t line, const char *text, bool end, struct err *err)
{
	const size_t room = (cell_w(s) * s->scale + 1) / (DS_LETTER_W + 1);
	size_t n = 0;
	char *to = malloc(strlen(text) + 1);

	if (!to)
		return err_memory(err);
	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80) /* one letter for each character, even of several bytes */
			to[n++] = *text;
	if (n > room && end)
		memmove(to, to + n - room, room);
	to[n < room ? n : room] = '\0';
	free(s->cells[i].caption[line]);
	s->cells[i].caption[line] = to;
	return 0;
}

void ds_sheet_release(struct ds_sheet *s)
{
	for (size_t i = 0; i < s->n; i++)
		cell_release(&s->cells[i]);
	free(s->cells);
	s->cells = NULL;
	s->n = s->cap = 0;
}

/* ---- the picture ----------------------------------------------------------------------------- */

static void colour(double shade, double least, double largest, uint8_t rgb[3])
{
	/* Halves, so that the span of any two doubles is finite. */
	double span = largest / 2 - least / 2;
	double t = span > 0 ? (shade / 2 - least / 2) / span : 0;

	rgb[0] = (uint8_t)(255 * t + .5);
	rgb[1] = 0;
	rgb[2] = (uint8_t)(255 - rgb[0]);
}

struct picture {
	const struct ds_sheet *sheet;
	struct ts_file *out;
	double least, largest; /* shades */
	uint8_t *line;         /* one line of pixels, magnified */
	struct err *err;
};

/* Line y of a cell, 3 bytes per pixel. */
static void cell_line(const struct picture *p, const struct ds_cell *cell, size_t y, uint8_t *to)
{
	const struct ds_sheet *s = p->sheet;
	const size_t edge = s->border ? DS_SHEET_BORDER : 0, plane = s->h * s->w;
	uint8_t frame[3], pixel[3];

	colour(cell->shade, p->least, p->largest, frame);
	for (size_t x = 0; x < cell_w(s); x++) {
		bool inside = y >= edge && y < edge + s->h && x >= edge && x < edge + s->w;
		const uint8_t *at = inside ? cell->pixels + (y - edge) * s->w + x - edge : NULL;
		for (size_t k = 0; k < 3 && inside; k++)
			pixel[k] = at[(s->c == 3 ? k : 0) * plane];
		for (size_t i = 0; i < s->scale; i++, to += 3)
			memcpy(to, inside ? pixel : frame, 3);
	}
}

/* Line y of a caption, 3 bytes per pixel, black. */
static void caption_line(const struct ds_cell *cell, size_t y, uint8_t *to)
{
	const char *text = cell->caption[y / DS_SHEET_LINE];
	const size_t at = y % DS_SHEET_LINE;

	if (!text || at == 0)
		return;
	for (; *text; text++, to += 3 * (DS_LETTER_W + 1))
		for (size_t x = 0; x < DS_LETTER_W; x++)
			if (ds_letter(*text, x, at - 1))
				memset(to + 3 * x, 0, 3);
}

/* Line y of the sheet. A line that repeats the previous one is left unchanged. */
static void sheet_line(const struct picture *p, size_t y)
{
	const struct ds_sheet *s = p->sheet;
	const size_t across = (cell_w(s) + DS_SHEET_GAP) * s->scale * 3, image = cell_h(s) * s->scale;
	const size_t first = y / down(s) * s->columns, at = y % down(s);

	if (at < image && at % s->scale)
		return;
	memset(p->line, 255, sheet_w(s) * 3);
	for (size_t k = 0; k < s->columns && first + k < s->n; k++) {
		if (at < image)
			cell_line(p, &s->cells[first + k], at / s->scale, p->line + k * across);
		else if (at - image < s->lines * DS_SHEET_LINE)
			caption_line(&s->cells[first + k], at - image, p->line + k * across);
	}
}

static void put(png_structp png, png_bytep data, png_size_t n)
{
	struct picture *p = png_get_io_ptr(png);

	if (ts_file_put(p->out, data, n) < 0)
		png_error(png, ts_file_error(p->out));
}

static void flush_nothing(png_structp png)
{
	(void)png;
}

static void fail(png_structp png, png_const_charp what)
{
	struct picture *p = png_get_error_ptr(png);

	err_fail(p->err, "%s", what);
	longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp what)
{
	(void)png;
	(void)what;
}

static int draw(struct picture *p, png_structp png, png_infop info)
{
	const struct ds_sheet *s = p->sheet;

	if (setjmp(png_jmpbuf(png)))
		return -1;
	png_set_write_fn(png, p, put, flush_nothing);
	png_set_IHDR(png, info, (png_uint_32)sheet_w(s), (png_uint_32)sheet_h(s), 8, PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (size_t y = 0; y < sheet_h(s); y++) {
		sheet_line(p, y);
		png_write_row(png, p->line);
	}
	png_write_end(png, info);
	return 0;
}

int ds_sheet_write(const struct ds_sheet *s, struct ts_file *out, struct err *err)
{
	struct picture p = { .sheet = s, .out = out, .err = err };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &p, fail, ignore);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int rc = -1;

	for (size_t i = 0; i < s->n; i++) {
		double v = s->cells[i].shade;
		p.least = i == 0 || v < p.least ? v : p.least;
		p.largest = i == 0 || v > p.largest ? v : p.largest;
	}
	p.line = malloc(sheet_w(s) * 3);
	if (info && p.line)
		rc = draw(&p, png, info);
	else
		err_memory(err);
	png_destroy_write_struct(&png, &info);
	free(p.line);
	return rc;
}
