/* SPDX-License-Identifier: MIT
 *
 * ds_sheet: a contact sheet, a grid of small images as one PNG.
 *
 * Images are offered one after another; the sheet keeps the best `most` of them, those with the
 * least keys, or the largest, in a heap, so a stream of any length needs no more memory than what is
 * shown. Equal keys keep the order of rows. The PNG is composed a line of pixels at a time.
 *
 *	+----------+ +----------+    cell: the image, with a border of 2 around it if there is one
 *	|  image   | |          |    between cells: 1
 *	+----------+ +----------+    all of that times scale, every pixel repeated
 *	 caption      caption        lines of 9, whatever the scale
 *	+----------+                 gaps and unused cells are white
 *	|          |
 *	+----------+
 */
#ifndef DS_SHEET_H
#define DS_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DS_SHEET_BORDER = 2, DS_SHEET_GAP = 1, DS_SHEET_LINE = 9, DS_SHEET_LINES = 3 };

/* One image. In a sheet, name and pixels belong to the sheet; in a cell that is offered, they are borrowed. */
struct ds_cell {
	double key;   /* what selects and sorts the images; not NaN */
	double shade; /* what its border shows; finite */
	uint64_t row; /* its number in its stream, from 0 */
	int64_t label;
	const char *name;              /* or NULL */
	const uint8_t *pixels;         /* (c,h,w); NULL: not kept, for a sheet that is not drawn */
	unsigned char value[8];        /* the key's element as it was in its column */
	char *caption[DS_SHEET_LINES]; /* NULL: an empty line */
};

struct ds_sheet {
	/* Set by the caller before the first call. */
	size_t columns, rows, scale; /* each at least 1 */
	size_t most;                 /* images to keep, at most columns * rows */
	bool largest;                /* keep the largest keys, not the least */
	bool border;
	size_t lines;   /* of captions below each image; at most DS_SHEET_LINES */
	size_t c, h, w; /* of an image; c is 1 (gray) or 3 (RGB) */

	struct ds_cell *cells; /* a heap with the worst first; sorted: best first */
	size_t n, cap;
};

/* Checks that it can be drawn. -1 with err: images or sheet too large or empty. */
int ds_sheet_check(const struct ds_sheet *s, struct err *err) TS_CHECKED;
/* Keeps a copy of the image if it is among the best so far. -1 with err: out of memory. */
int ds_sheet_offer(struct ds_sheet *s, const struct ds_cell *cell, struct err *err) TS_CHECKED;
/* Sorts the cells, best first: cell i lies in row i / columns, column i % columns. Nothing more may be offered
 * afterwards. */
void ds_sheet_sort(struct ds_sheet *s);
/* Sets a line of the caption of cell i of the sorted sheet: as much of the beginning of the text as fits the cell's
 * width, or of its end. -1 with err: out of memory. */
int ds_sheet_caption(struct ds_sheet *s, size_t i, size_t line, const char *text, bool end, struct err *err) TS_CHECKED;
/* Draws the sorted sheet into out, as an RGB PNG; equal sheets give equal bytes. A border's colour is linear in its
 * shade from blue (the least) to red (the largest), and blue if all are equal. -1 with err; the caller finishes the
 * file. */
int ds_sheet_write(const struct ds_sheet *s, struct ts_file *out, struct err *err) TS_CHECKED;
void ds_sheet_release(struct ds_sheet *s);

#ifdef __cplusplus
}
#endif
#endif
