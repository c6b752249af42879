/* SPDX-License-Identifier: MIT
 * Thumbnails. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds.h"
#include "report/report_html.h"
#include "report/report_thumbs.h"
#include "ts/ts_images.h"
#include "ts/ts_join.h"

/* ---- selection ------------------------------------------------------------------------------- */

struct reading {
	struct report_thumbs *t;
	struct ts_reader *scores, *images;
	char *const *methods;
	struct ts_join join;
	const struct ts_col **score, *pred; /* (n); of join.kept */
	ptrdiff_t image, label, name;
};

static int begin(struct reading *k, size_t most)
{
	const struct ts_field *image = ts_images_field(k->images);
	struct report_thumbs *t = k->t;
	struct err err;

	if (!image || ts_images_labels(k->images, false) < 0)
		return -1;
	const struct ts_header *h = ts_reader_header(k->images);

	k->image = ts_header_col(h, "image");
	k->label = ts_header_col(h, "label");
	k->name = ts_header_col(h, "name");
	if (image->shape[0] != 1 && image->shape[0] != 3)
		return ts_reader_fail(k->images, "has images of %zu channels; those of 1 or 3 can be shown",
				      image->shape[0]);
	for (size_t m = 0; m < 2 * t->n; m++) /* one behind the other */
		t->least[m] = (struct ds_sheet){ .most = most,
						 .largest = m >= t->n,
						 .c = image->shape[0],
						 .h = image->shape[1],
						 .w = image->shape[2] };
	return report_classes_init(&t->is, h, &err) < 0 ? ts_reader_fail(k->images, "%s", err.text) : 0;
}

/* Reads the scores and, if there is one, pred: all rows, because they are needed when the first image comes. */
static int read_scores(struct reading *k)
{
	const struct ts_header *h = ts_reader_expect(k->scores, "scores");
	const size_t n = k->t->n;
	const char **columns = calloc(n + 1, sizeof *columns);
	struct err err;
	int rc = columns && h ? 0 : -1;

	k->t->has_pred = h && ts_header_field(h, "pred");
	for (size_t m = 0; m < n && rc == 0; m++)
		columns[m] = k->methods[m];
	if (rc == 0)
		columns[n] = "pred";
	if (rc == 0 && report_classes_init(&k->t->said, h, &err) < 0)
		rc = ts_reader_fail(k->scores, "%s", err.text);
	if (rc == 0)
		rc = ts_join_read(&k->join, k->scores, columns, n + k->t->has_pred, k->name >= 0);
	for (size_t m = 0; m < n && rc == 0; m++)
		k->score[m] = ts_batch_col(&k->join.kept, k->methods[m]);
	k->pred = rc == 0 && k->t->has_pred ? ts_batch_col(&k->join.kept, "pred") : NULL;
	free(columns);
	return rc < 0 ? ts_reader_fail(k->scores, "out of memory") : 0; /* does nothing if it already has a reason */
}

static int offer(struct reading *k, const struct ts_batch *b, size_t i)
{
	const struct ts_col *image = &b->cols[k->image];
	struct ds_cell cell = { .row = ts_reader_rows(k->images) - b->n + i, .label = -1 };
	struct err err;
	size_t partner;

	cell.name = k->name >= 0 ? ts_col_str(&b->cols[k->name], i) : NULL;
	cell.pixels = (const uint8_t *)image->data + i * image->row;
	if (k->label >= 0)
		cell.label = ((const int64_t *)b->cols[k->label].data)[i];
	if (ts_join_next(&k->join, k->scores, k->images, cell.name, cell.label, &partner) < 0)
		return -1;
	if (k->pred)
		memcpy(cell.value, (const int64_t *)k->pred->data + partner, sizeof(int64_t));
	for (size_t m = 0; m < k->t->n; m++) {
		cell.key = ts_get(k->score[m]->type, k->score[m]->data, partner);
		if (ds_sheet_offer(&k->t->least[m], &cell, &err) < 0 ||
		    ds_sheet_offer(&k->t->largest[m], &cell, &err) < 0)
			return ts_reader_fail(k->images, "%s", err.text);
	}
	return 0;
}

static int read_images(struct reading *k)
{
	struct ts_batch b;
	int rc;

	if (ts_batch_init(&b, ts_reader_header(k->images)) < 0)
		return ts_reader_fail(k->images, "out of memory");
	while ((rc = ts_reader_next(k->images, &b)) == 1)
		for (size_t i = 0; i < b.n && rc == 1; i++)
			if (offer(k, &b, i) < 0)
				rc = -1;
	ts_batch_release(&b);
	if (rc == 0)
		rc = ts_join_finish(&k->join, k->scores, k->images);
	for (size_t m = 0; m < 2 * k->t->n; m++)
		ds_sheet_sort(&k->t->least[m]);
	return rc;
}

int report_thumbs_read(struct report_thumbs *t, const char *scores, const char *images, char *const *methods, size_t n,
		       size_t most, struct err *err)
{
	struct reading k = { .t = t, .methods = methods };
	int rc = 0;

	*t = (struct report_thumbs){ .n = n, .least = calloc(2 * n, sizeof *t->least) };
	t->largest = t->least + n;
	k.score = calloc(n, sizeof *k.score);
	k.scores = ts_reader_open(scores);
	k.images = ts_reader_open(images);
	if (!t->least || !k.score || !k.scores || !k.images)
		rc = err_memory(err);
	else if (begin(&k, most) < 0 || read_scores(&k) < 0 || read_images(&k) < 0)
		rc = err_fail(err, "%s", ts_reader_error(ts_reader_error(k.scores) ? k.scores : k.images));
	ts_join_release(&k.join);
	ts_reader_close(k.scores);
	ts_reader_close(k.images);
	free(k.score);
	return rc;
}

void report_thumbs_release(struct report_thumbs *t)
{
	for (size_t m = 0; t->least && m < 2 * t->n; m++)
		ds_sheet_release(&t->least[m]);
	free(t->least);
	report_classes_release(&t->said);
	report_classes_release(&t->is);
	*t = (struct report_thumbs){ 0 };
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* The pixels of a cell, shrunk to at most the size of a thumbnail. */
static int shrink(const struct ds_sheet *s, const struct ds_cell *cell, struct ds_pixels *to, struct err *err)
{
	const size_t longer = s->h > s->w ? s->h : s->w;
	struct ds_pixels whole = { 0 };
	int rc = ds_pixels_from_planes(&whole, cell->pixels, s->c, s->h, s->w, err);

	if (rc < 0 || longer <= REPORT_THUMB) {
		*to = whole;
		return rc;
	}
	const size_t h = s->h * REPORT_THUMB / longer, w = s->w * REPORT_THUMB / longer;

	rc = ds_resize(&whole, to, h ? (int)h : 1, w ? (int)w : 1, DS_BOX, err);
	ds_pixels_release(&whole);
	return rc;
}

/* Encodes a PNG in new memory. NULL: out of memory. */
static unsigned char *to_png(const struct ds_pixels *p, size_t *n)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
			    .width = (png_uint_32)p->w,
			    .height = (png_uint_32)p->h,
			    .format = PNG_FORMAT_RGB };
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	unsigned char *data = malloc(size);

	if (data && !png_image_write_to_memory(&image, data, &size, 0, p->rgb, 0, NULL)) {
		free(data);
		data = NULL;
	}
	png_image_free(&image);
	*n = size;
	return data;
}

/* "cat", "7", or NULL if unknown. */
static const char *class_name(const struct report_classes *c, int64_t k, char number[24])
{
	if (k < 0)
		return NULL;
	snprintf(number, 24, "%lld", (long long)k);
	return (uint64_t)k < c->n ? c->name[k] : number;
}

static void put_words(FILE *f, const struct report_thumbs *t, const struct ds_cell *c)
{
	char number[2][24];
	int64_t pred = -1;

	if (t->has_pred)
		memcpy(&pred, c->value, sizeof pred);
	const char *said = class_name(&t->said, pred, number[0]), *is = class_name(&t->is, c->label, number[1]);

	if (said) {
		report_html_text(f, "taken for ");
		report_html_text(f, said);
		report_html_text(f, ", ");
	}
	if (is && (!said || strcmp(is, said) != 0)) {
		report_html_text(f, "is ");
		report_html_text(f, is);
		report_html_text(f, ", ");
	}
	fprintf(f, "score %.4g", c->key);
}

static void put_figure(FILE *f, const struct report_thumbs *t, const struct ds_cell *c, const unsigned char *png,
		       size_t n)
{
	const char *slash = c->name ? strrchr(c->name, '/') : NULL;

	fputs("<figure><img alt=\"", f);
	put_words(f, t, c);
	fputs("\" src=\"data:image/png;base64,", f);
	report_html_base64(f, png, n);
	fputs("\"><figcaption title=\"", f);
	report_html_text(f, c->name ? c->name : "");
	fputs("\">", f);
	if (c->name)
		report_html_text(f, slash ? slash + 1 : c->name);
	else
		fprintf(f, "row %llu", (unsigned long long)c->row);
	fputs("<br>", f);
	put_words(f, t, c);
	fputs("</figcaption></figure>\n", f);
}

int report_thumbs_put(FILE *f, const struct report_thumbs *t, size_t method, bool largest, size_t *room, size_t *left,
		      struct err *err)
{
	const struct ds_sheet *s = largest ? &t->largest[method] : &t->least[method];
	struct ds_pixels p = { 0 };
	int rc = 0;

	fputs("<div class=\"thumbs\">\n", f);
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		size_t n = 0;
		unsigned char *png = shrink(s, &s->cells[i], &p, err) < 0 ? NULL : to_png(&p, &n);
		const size_t bytes = n / 3 * 4 + 700; /* words and markup, the words twice */

		if (!png)
			rc = err_memory(err);
		else if (bytes > *room)
			++*left;
		else
			put_figure(f, t, &s->cells[i], png, n);
		*room -= bytes <= *room ? bytes : 0;
		free(png);
		ds_pixels_release(&p);
		p = (struct ds_pixels){ 0 };
	}
	fputs("</div>\n", f);
	return rc;
}
