/* SPDX-License-Identifier: MIT
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as their site hands them out. Binary: rows of label
 * bytes (1, or coarse and fine) and 3072 planar pixels. Python: pickled dictionaries of an array
 * and a list of labels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "pickle/pickle.h"

enum { PIXELS = 3072 };

static const struct kind {
	const char *file, *split;
	int label_bytes;                  /* binary: bytes before the pixels; 0: a pickle; -1: names */
	const char *key;                  /* pickle: of labels; names: of the list, NULL a text file */
} kinds[] = {
	{ "data_batch_1.bin", "train", 1, NULL }, { "data_batch_2.bin", "train", 1, NULL },
	{ "data_batch_3.bin", "train", 1, NULL }, { "data_batch_4.bin", "train", 1, NULL },
	{ "data_batch_5.bin", "train", 1, NULL }, { "test_batch.bin", "test", 1, NULL },
	{ "train.bin", "train", 2, NULL },        { "test.bin", "test", 2, NULL },
	{ "data_batch_1", "train", 0, "labels" }, { "data_batch_2", "train", 0, "labels" },
	{ "data_batch_3", "train", 0, "labels" }, { "data_batch_4", "train", 0, "labels" },
	{ "data_batch_5", "train", 0, "labels" }, { "test_batch", "test", 0, "labels" },
	{ "train", "train", 0, "fine_labels" },   { "test", "test", 0, "fine_labels" },
	{ "batches.meta.txt", NULL, -1, NULL },   { "fine_label_names.txt", NULL, -1, NULL },
	{ "batches.meta", NULL, -1, "label_names" }, { "meta", NULL, -1, "fine_label_names" },
};

static const struct kind *kind_of(const char *path)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].file, ds_base(path)) == 0)
			return &kinds[i];
	return NULL;
}

static bool takes(const char *path)
{
	return kind_of(path) != NULL;
}

/* A CIFAR pickle holds lists, text and NumPy arrays. */
_Static_assert((int)PICKLE_ERR <= (int)DS_ERR, "an error of the pickle reader fits");
static const struct pickle_name known[] = { PICKLE_NUMPY, { 0 } };

/* ---- class names ---- */

static int names_from_text(struct ds_source *s, const struct ds_bytes *b, char *err)
{
	char **names = NULL, *text = strndup((const char *)b->p, b->n), *rest = text, *line;
	size_t n = 0;

	while (text && (line = strsep(&rest, "\n")) != NULL) {
		char **grown = realloc(names, (n + 1) * sizeof *names);

		if (!grown)
			break;
		names = grown;
		line[strcspn(line, "\r")] = '\0';
		if (*line && (names[n] = strdup(line)))
			n++;
	}
	free(text);
	if (n)
		return ds_name_classes(s, names, n);
	snprintf(err, DS_ERR, "holds no names of classes");
	free(names);
	return -1;
}

static int names_from_pickle(struct ds_source *s, const struct ds_bytes *b, const char *key,
			     char *err)
{
	struct pickle *k = pickle_read(b->p, b->n, known, err);
	const struct pickle_value *list = k ? pickle_get(pickle_root(k), key) : NULL;
	char **names = NULL;
	size_t n = 0;

	if (list && list->type == PICKLE_LIST && (names = calloc(list->n + 1, sizeof *names)))
		while (n < list->n && list->item[n]->type == PICKLE_STR &&
		       (names[n] = strndup(list->item[n]->s, list->item[n]->n)))
			n++;
	if (k && !n)
		snprintf(err, DS_ERR, "holds no list '%s'", key);
	pickle_free(k);
	if (!n) {
		free(names);
		return -1;
	}
	return ds_name_classes(s, names, n);
}

/* ---- rows ---- */

static int add_row(struct ds_source *s, const char *path, size_t at, int label)
{
	char name[4096];

	snprintf(name, sizeof name, "%.4000s/%05zu", path, at);
	return ds_add_row(s, name, at, NULL, label);
}

static int list_binary(struct ds_source *s, const char *path, const struct ds_bytes *b, int labels,
		       char *err)
{
	size_t row = PIXELS + (size_t)labels;

	if (b->n == 0 || b->n % row) {
		snprintf(err, DS_ERR, "%zu bytes are not whole rows of %zu: not a CIFAR file, or cut off",
			 b->n, row);
		return -1;
	}
	for (size_t i = 0; i < b->n / row; i++)
		if (add_row(s, path, i, b->p[i * row + (size_t)labels - 1]) < 0)
			return -1;
	return 0;
}

/* The pickle's array of pixels if it is (n, 3072) bytes, else NULL. */
static const struct pickle_value *pixels_of(const struct pickle_value *root)
{
	const struct pickle_value *a = pickle_get(root, "data");

	return a && a->type == PICKLE_ARRAY && a->ndim == 2 && a->shape[1] == PIXELS &&
	       (strcmp(a->dtype, "u1") == 0 || strcmp(a->dtype, "|u1") == 0) ? a : NULL;
}

static int list_pickle(struct ds_source *s, const char *path, const struct ds_bytes *b,
		       const char *key, char *err)
{
	struct pickle *k = pickle_read(b->p, b->n, known, err);
	const struct pickle_value *root = k ? pickle_root(k) : NULL;
	const struct pickle_value *data = pixels_of(root), *labels = pickle_get(root, key);
	int rc = -1;

	if (k)
		snprintf(err, DS_ERR, "no CIFAR rows in it");
	if (data && labels && labels->type == PICKLE_LIST && labels->n == (size_t)data->shape[0]) {
		rc = 0;
		for (size_t i = 0; i < labels->n && rc == 0; i++)
			rc = labels->item[i]->type == PICKLE_INT && labels->item[i]->i >= 0 &&
			     labels->item[i]->i < 100 ?
			     add_row(s, path, i, (int)labels->item[i]->i) : -1;
	}
	pickle_free(k);
	return rc;
}

static int list(struct ds_source *s, const char *path, char *err)
{
	const struct kind *k = kind_of(path);
	const struct ds_bytes *b;

	if (k->split && !ds_in_split(s, "", k->split))
		return 0;
	b = ds_content(s, err);
	if (!b)
		return -1;
	/* CIFAR-100's names (train, test, meta) are anybody's: only a pickle is meant. */
	if (k->key && !strchr(ds_base(path), '_') && !strchr(ds_base(path), '.') &&
	    (b->n == 0 || b->p[0] != 0x80))
		return 0;
	if (k->label_bytes < 0)
		return k->key ? names_from_pickle(s, b, k->key, err) : names_from_text(s, b, err);
	return k->label_bytes ? list_binary(s, path, b, k->label_bytes, err) :
		list_pickle(s, path, b, k->key, err);
}

/* Planes to pixels; neighbours lie `step` bytes apart. */
static int from_planes(const unsigned char *planes, size_t step, struct ds_pixels *p, char *err)
{
	if (ds_pixels_resize(p, 32, 32) < 0) {
		snprintf(err, DS_ERR, "out of memory");
		return -1;
	}
	for (size_t i = 0; i < 1024; i++)
		for (size_t c = 0; c < 3; c++)
			p->rgb[3 * i + c] = planes[(1024 * c + i) * step];
	return 0;
}

static int decode(const struct ds_bytes *b, const char *path, size_t at, void **memo,
		  struct ds_pixels *p, char *err)
{
	const size_t labels = (size_t)kind_of(path)->label_bytes, row = PIXELS + labels;
	const struct pickle_value *data;

	if (labels && at < b->n / row)
		return from_planes(b->p + at * row + labels, 1, p, err);
	if (!labels && !*memo && !(*memo = pickle_read(b->p, b->n, known, err)))
		return -1;
	data = labels ? NULL : pixels_of(pickle_root(*memo));
	if (!data || at >= (size_t)data->shape[0]) {
		snprintf(err, DS_ERR, "the file changed while it was read");
		return -1;
	}
	if (data->fortran)
		return from_planes((const unsigned char *)data->s + at, (size_t)data->shape[0], p, err);
	return from_planes((const unsigned char *)data->s + at * PIXELS, 1, p, err);
}

static void forget(void *memo)
{
	pickle_free(memo);
}

const struct ds_layout ds_layout_cifar = { "cifar", takes, list, decode, forget };
