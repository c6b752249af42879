/* SPDX-License-Identifier: MIT
 * Training data: an images stream in memory, and batches from it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "ts/ts_images.h"
#include "um/um.h"

enum { PAD = 4 };

/* A stream that is being read: where its columns are, and how many rows fit. */
struct reading {
	struct ts_reader *r;
	size_t image;
	ptrdiff_t label;   /* -1: none */
	ptrdiff_t *beside; /* where the columns that are kept beside are; NULL: none are */
	size_t max_bytes;
	size_t cap; /* rows that there is room for */
};

/* Makes room for n rows. */
static int grow(struct um_data *d, struct reading *in, size_t row, size_t n)
{
	uint8_t *pixels = realloc(d->image, n * row);
	int64_t *labels = pixels ? realloc(d->label, n * sizeof *labels) : NULL;

	if (pixels)
		d->image = pixels;
	if (!labels)
		return -1;
	d->label = labels;
	in->cap = n;
	return 0;
}

/* Appends the rows of b. */
static int take(struct um_data *d, struct reading *in, const struct ts_batch *b)
{
	const struct ts_col *image = &b->cols[in->image], *label = in->label < 0 ? NULL : &b->cols[in->label];
	size_t want = d->n + b->n;

	if (want > in->max_bytes / (image->row + sizeof *d->label + ts_batch_row_bytes(&d->beside)))
		return ts_reader_fail(in->r,
				      "more than %zu MiB of images; raise --max-memory or take a part "
				      "with ts-cat --sample",
				      in->max_bytes >> 20);
	if (want > in->cap && grow(d, in, image->row, in->cap + in->cap / 2 > want ? in->cap + in->cap / 2 : want) < 0)
		return ts_reader_fail(in->r, "out of memory");
	if (in->beside &&
	    (ts_batch_resize(&d->beside, want) < 0 || ts_batch_copy(&d->beside, d->n, b, in->beside, 0, b->n) < 0))
		return ts_reader_fail(in->r, "out of memory");
	memcpy(d->image + d->n * image->row, image->data, b->n * image->row);
	if (label)
		memcpy(d->label + d->n, label->data, b->n * sizeof *d->label);
	for (size_t i = 0; !label && i < b->n; i++)
		d->label[d->n + i] = -1;
	d->n = want;
	return 0;
}

static int check_labels(struct um_data *d, struct ts_reader *r, int64_t least)
{
	int64_t max = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->label[i] < least || d->label[i] > 1 << 20 ||
		    (d->classes && d->label[i] >= (int64_t)d->n_classes))
			return ts_reader_fail(r, "row %zu: label %lld is out of range%s", i, (long long)d->label[i],
					      d->label[i] == -1 ? " (-1 means no label, which is needed here)" : "");
		if (d->label[i] > max)
			max = d->label[i];
	}
	if (!d->classes)
		d->n_classes = (size_t)max + 1;
	return 0;
}

/* Begins to keep the columns that are neither images nor labels. */
static int keep_beside(struct um_data *d, struct reading *in, const struct ts_header *h)
{
	ts_header_init(&d->columns, "images");
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *f = &h->fields[i];

		if (strcmp(f->name, "image") != 0 && strcmp(f->name, "label") != 0 &&
		    ts_header_add(&d->columns, f->name, f->type, f->ndim, f->shape) < 0)
			return -1;
	}
	if (ts_batch_init(&d->beside, &d->columns) < 0)
		return -1;
	in->beside = ts_header_map(&d->columns, h);
	return in->beside ? 0 : -1;
}

/* least: the smallest label allowed; if below 0, the column may be missing. */
static int read_images(struct um_data *d, struct ts_reader *r, size_t max_bytes, int64_t least, bool beside)
{
	const struct ts_field *image = ts_images_field(r);
	const struct ts_header *h = ts_reader_header(r);
	struct reading in = { .r = r, .max_bytes = max_bytes };
	struct ts_batch b;
	int rc;

	*d = (struct um_data){ 0 };
	if (!image || ts_images_labels(r, least >= 0) < 0)
		return -1;
	if (image->shape[0] > 4)
		return ts_reader_fail(r, "has images of %zu channels; networks take at most 4", image->shape[0]);
	if (ts_images_classes(r, &d->classes, &d->n_classes) < 0)
		return -1;
	d->c = (int)image->shape[0];
	d->h = (int)image->shape[1];
	d->w = (int)image->shape[2];
	in.image = (size_t)ts_header_col(h, "image");
	in.label = ts_header_col(h, "label");
	if (ts_batch_init(&b, h) < 0 || (beside && keep_beside(d, &in, h) < 0)) {
		ts_batch_release(&b);
		return ts_reader_fail(r, "out of memory");
	}
	while ((rc = ts_reader_next(r, &b)) == 1)
		if (take(d, &in, &b) < 0)
			break;
	ts_batch_release(&b);
	free(in.beside);
	if (rc != 0 || ts_images_some(r) < 0)
		return -1;
	return check_labels(d, r, least);
}

int um_data_read(struct um_data *d, struct ts_reader *r, size_t max_bytes, bool beside)
{
	return read_images(d, r, max_bytes, 0, beside);
}

int um_data_read_outliers(struct um_data *d, struct ts_reader *r, size_t max_bytes)
{
	return read_images(d, r, max_bytes, -1, false);
}

static void release_beside(struct um_data *d)
{
	ts_batch_release(&d->beside);
	ts_header_release(&d->columns);
}

void um_data_release(struct um_data *d)
{
	free(d->image);
	free(d->label);
	ts_strs_free(d->classes, d->n_classes);
	release_beside(d);
	*d = (struct um_data){ 0 };
}

/* Bytes of an image. */
static size_t image_bytes(const struct um_data *d)
{
	return (size_t)d->c * (size_t)d->h * (size_t)d->w;
}

uint64_t um_data_hash(const struct um_data *d)
{
	return XXH3_64bits_withSeed(d->label, d->n * sizeof *d->label, XXH3_64bits(d->image, d->n * image_bytes(d)));
}

static uint64_t image_hash(const struct um_data *d, size_t i)
{
	return XXH3_64bits(d->image + i * image_bytes(d), image_bytes(d));
}

static int compare_hashes(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

size_t um_data_shared(const struct um_data *a, const struct um_data *b)
{
	uint64_t *known = malloc(a->n * sizeof *known), hash;
	size_t shared = 0;

	for (size_t i = 0; known && i < a->n; i++)
		known[i] = image_hash(a, i);
	if (known)
		qsort(known, a->n, sizeof *known, compare_hashes);
	for (size_t i = 0; known && i < b->n; i++) {
		hash = image_hash(b, i);
		shared += bsearch(&hash, known, a->n, sizeof *known, compare_hashes) != NULL;
	}
	free(known);
	return shared;
}

size_t um_data_noisy(const struct um_data *d)
{
	const struct ts_col *c = ts_batch_col(&d->beside, "noisy");
	size_t n = 0;

	for (size_t i = 0; c && c->type != TS_STR && c->ndim == 0 && i < d->n; i++)
		n += ts_get(c->type, c->data, i) != 0;
	return n;
}

/* Makes held n images of d's kind, with the same columns beside. */
static int hold_room(const struct um_data *d, struct um_data *held, size_t n)
{
	held->n = n;
	held->image = malloc(n * image_bytes(d));
	held->label = malloc(n * sizeof *held->label);
	ts_header_init(&held->columns, "images");
	if (!held->image || !held->label || ts_header_add_all(&held->columns, &d->columns) < 0)
		return -1;
	return ts_batch_init(&held->beside, &held->columns) < 0 || ts_batch_resize(&held->beside, n) < 0 ? -1 : 0;
}

/* Copies image i of `from` to place `at` of `to`, which may be the same and i then behind it. */
static void put(struct um_data *to, size_t at, const struct um_data *from, size_t i)
{
	const size_t row = image_bytes(from);

	memmove(to->image + at * row, from->image + i * row, row);
	to->label[at] = from->label[i];
}

/* Moves the images idx (held->n, rising). -1: out of memory. */
static int hold(struct um_data *d, struct um_data *held, const size_t *idx)
{
	ptrdiff_t *columns = ts_header_map(&held->columns, &d->columns);
	size_t out = 0, stay = 0;
	int rc = columns ? 0 : -1;

	for (size_t i = 0; i < d->n && rc == 0; i++)
		if (out < held->n && idx[out] == i) {
			rc = ts_batch_copy(&held->beside, out, &d->beside, columns, i, 1);
			put(held, out++, d, i);
		} else {
			put(d, stay++, d, i);
		}
	d->n = stay;
	free(columns);
	return rc;
}

int um_data_hold(struct um_data *d, struct um_data *held, double fraction, uint64_t seed, struct err *err)
{
	const size_t n = (size_t)fmax(1, round(fraction * (double)d->n));
	struct ts_rng rng = ts_rng_new(seed, UM_RNG_HOLD);
	size_t *idx = malloc(n * sizeof *idx);
	int rc = -1;

	*held = (struct um_data){ .c = d->c, .h = d->h, .w = d->w, .n_classes = d->n_classes };
	if (n >= d->n)
		err_fail(err, "%zu images are too few to hold %g of them out", d->n, fraction);
	else if (!idx || hold_room(d, held, n) < 0)
		err_memory(err);
	else {
		ts_rng_sample(&rng, idx, n, d->n);
		rc = hold(d, held, idx) < 0 ? err_memory(err) : 0;
	}
	release_beside(d);
	free(idx);
	return rc;
}

/* Rows i to i + n; beside: where the columns of b are beside the images (ts_header_map()). */
static int fill(struct ts_batch *b, const struct um_data *d, const ptrdiff_t *beside, size_t i, size_t n)
{
	const size_t row = image_bytes(d);

	if (ts_batch_resize(b, 0) < 0 || ts_batch_resize(b, n) < 0)
		return -1;
	memcpy(b->cols[0].data, d->image + i * row, n * row);
	memcpy(b->cols[1].data, d->label + i, n * sizeof *d->label);
	return ts_batch_copy(b, 0, &d->beside, beside, i, n);
}

/* Writes all images; 0, or -1: out of memory. A failure of w is w's. */
static int write_rows(const struct um_data *d, const struct ts_header *h, struct ts_writer *w)
{
	ptrdiff_t *beside = ts_header_map(h, &d->columns);
	struct ts_batch b = { .n = 0 };
	int rc = !beside || ts_batch_init(&b, h) < 0 || ts_batch_resize(&b, 1) < 0 ? -1 : 0;

	for (size_t i = 0, n; rc == 0 && i < d->n; i += n) {
		n = ts_batch_rows(&b, d->n - i < 256 ? d->n - i : 256, 8 << 20);
		if ((rc = fill(&b, d, beside, i, n)) == 0 && ts_writer_write(w, &b) < 0)
			break;
	}
	ts_batch_release(&b);
	free(beside);
	return rc;
}

int um_data_write(const struct um_data *d, struct ts_header *h, struct ts_writer *w, struct err *err)
{
	const size_t shape[] = { (size_t)d->c, (size_t)d->h, (size_t)d->w };

	if (ts_header_add(h, "image", TS_U8, 3, shape) < 0 || ts_header_add(h, "label", TS_I64, 0, NULL) < 0 ||
	    ts_header_add_all(h, &d->columns) < 0)
		return err_memory(err);
	if (ts_writer_begin(w, h) == 0 && write_rows(d, h, w) < 0)
		return err_memory(err);
	return ts_writer_finish(w) < 0 ? err_fail(err, "%s", ts_writer_error(w)) : 0;
}

const char um_augment_names[] = "none|flip|crop|both";

/* Copies the window (c,h,w) of an image at (dy, dx), with zeros outside the image, mirrored or not. */
static void cut(const struct um_data *d, const uint8_t *from, uint8_t *to, int h, int w, int dy, int dx, bool mirror)
{
	for (int c = 0; c < d->c; c++)
		for (int y = 0; y < h; y++) {
			const uint8_t *src = from + (c * d->h + y + dy) * (ptrdiff_t)d->w;
			uint8_t *dst = to + (c * h + y) * (ptrdiff_t)w;

			if (y + dy < 0 || y + dy >= d->h) {
				memset(dst, 0, (size_t)w);
				continue;
			}
			for (int x = 0; x < w; x++) {
				int at = (mirror ? w - 1 - x : x) + dx;
				dst[x] = at >= 0 && at < d->w ? src[at] : 0;
			}
		}
}

/* Where a window begins along a side that is `over` longer than it, and padded. */
static int place(struct ts_rng *rng, int over, int pad)
{
	return over + 2 * pad > 0 ? (int)ts_rng_below(rng, (uint64_t)(over + 2 * pad + 1)) - pad : 0;
}

void um_data_window(const struct um_data *d, size_t i, int h, int w, long augment, struct ts_rng *rng, uint8_t *image)
{
	const uint8_t *from = d->image + i * image_bytes(d);
	const int pad = augment & UM_CROP ? PAD : 0;
	const int dy = place(rng, d->h - h, pad), dx = place(rng, d->w - w, pad);

	cut(d, from, image, h, w, dy, dx, augment & UM_FLIP && ts_rng_below(rng, 2));
}

void um_data_batch(const struct um_data *d, const size_t *idx, size_t n, long augment, struct ts_rng *rng,
		   uint8_t *image, int64_t *label)
{
	const size_t row = image_bytes(d);

	for (size_t i = 0; i < n; i++) {
		label[i] = d->label[idx[i]];
		if (augment == UM_AS_THEY_ARE)
			memcpy(image + i * row, d->image + idx[i] * row, row);
		else
			um_data_window(d, idx[i], d->h, d->w, augment, rng, image + i * row);
	}
}
