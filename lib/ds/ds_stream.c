/* SPDX-License-Identifier: MIT
 * Rows of a data set as rows of an images stream. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ds/ds_prep.h"
#include "ds/ds_stream.h"
#include "ds/pixel/ds_distort.h"
#include "ts/ts_images.h"

enum { IMAGE, LABEL, NAME, TRUE_LABEL }; /* columns; the last only with noise, followed by noisy */

/* The base name of path, without trailing slashes. */
static int set_source(struct ts_meta *m, const char *path)
{
	size_t len = strlen(path);
	char *copy = strdup(path), *slash;
	int rc;

	if (!copy)
		return -1;
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	rc = ts_meta_set_str(m, "source", slash && slash[1] ? slash + 1 : copy);
	free(copy);
	return rc;
}

int ds_stream_begin(struct ts_header *h, const struct ds_shape *prepared, int height, int width, const char *source)
{
	const size_t shape[3] = { prepared->gray ? 1 : 3, (size_t)height, (size_t)width };

	if (ts_header_add(h, "image", TS_U8, 3, shape) < 0 || ts_header_add(h, "label", TS_I64, 0, NULL) < 0 ||
	    ts_header_add(h, "name", TS_STR, 0, NULL) < 0 || set_source(&h->meta, source) < 0)
		return -1;
	return ds_prep_put(&h->meta, prepared);
}

static int set_distorted(struct ts_meta *m, const struct ds_distort *d)
{
	char words[DS_DISTORT];

	if (!d)
		return 0;
	ds_distort_words(d, words);
	return ts_meta_set_str(m, TS_IMAGES_DISTORTED, words);
}

int ds_stream_header(struct ts_header *h, const struct ds_source *s, const char *path, const struct ds_row *first,
		     bool noise)
{
	size_t n;
	char *const *classes = ds_classes(s, &n);

	if (ds_stream_begin(h, &s->o.shape, first->h, first->w, path) < 0 ||
	    set_distorted(&h->meta, s->o.distort) < 0 || (n && ts_meta_set_strs(&h->meta, "classes", classes, n) < 0))
		return -1;
	return noise ? ds_noise_header(h) : 0;
}

int ds_stream_fits(const struct ts_header *header, const struct ds_row *row, struct err *err)
{
	const size_t *shape = header->fields[IMAGE].shape, h = shape[1], w = shape[2];

	if ((size_t)row->h == h && (size_t)row->w == w)
		return 0;
	return err_fail(
		err,
		"'%s' is %dx%d (height x width) where the first image is %zux%zu; add --size N (and --resize short "
		"--crop N to keep proportions), or --for MODEL",
		row->name, row->h, row->w, h, w);
}

int ds_stream_put(struct ts_batch *b, size_t i, const struct ds_row *row, const struct ds_noise *noise)
{
	struct ts_col *cols = b->cols;
	int64_t label = row->label;

	if (ts_col_set_str(&cols[NAME], i, row->name) < 0)
		return -1;
	memcpy((uint8_t *)cols[IMAGE].data + i * cols[IMAGE].row, row->image, cols[IMAGE].row);
	if (noise)
		label = ds_noise_put(noise, row->name, row->label, &cols[TRUE_LABEL], i);
	((int64_t *)cols[LABEL].data)[i] = label;
	return label != row->label;
}
