/* SPDX-License-Identifier: MIT
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as their site hands them out. Binary: rows of label
 * bytes (1, or coarse and fine) and 3072 planar pixels. Python: pickled dictionaries of an array
 * and a list of labels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ds/ds_pickle.h"

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

/* ---- class names ---- */

static int names_from_text(struct ds_source *s, const struct ds_bytes *b)
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
	return ds_name_classes(s, names, n);
}

static int names_from_pickle(struct ds_source *s, const struct ds_bytes *b, const char *key,
			     char *err)
{
	struct ds_pickle *k = ds_pickle_read(b->p, b->n, err);
	const struct ds_value *list = k ? ds_value_get(ds_pickle_root(k), key) : NULL;
	char **names = NULL;
	size_t n = 0;

	if (list && list->type == DS_LIST && (names = calloc(list->n + 1, sizeof *names)))
		while (n < list->n && list->item[n]->type == DS_STR &&
		       (names[n] = strndup(list->item[n]->s, list->item[n]->n)))
			n++;
	if (k && !n)
		snprintf(err, DS_ERR, "holds no list '%s'", key);
	ds_pickle_free(k);
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
		snprintf(err, DS_ERR, "'%s': %zu bytes are not whole rows of %zu: not a CIFAR file, or cut "
			 "off", path, b->n, row);
		return -1;
	}
	for (size_t i = 0; i < b->n / row; i++)
		if (add_row(s, path, i, b->p[i * row + (size_t)labels - 1]) < 0)
			return -1;
	return 0;
}

/* The pickle's array of pixels if it is (n, 3072) bytes, else NULL. */
static const struct ds_value *pixels_of(const struct ds_value *root)
{
	const struct ds_value *a = ds_value_get(root, "data");

	return a && a->type == DS_ARRAY && a->ndim == 2 && a->shape[1] == PIXELS &&
	       (strcmp(a->dtype, "u1") == 0 || strcmp(a->dtype, "|u1") == 0) ? a : NULL;
}

static int list_pickle(struct ds_source *s, const char *path, const struct ds_bytes *b,
		       const char *key, char *err)
{
	struct ds_pickle *k = ds_pickle_read(b->p, b->n, err);
	const struct ds_value *root = k ? ds_pickle_root(k) : NULL;
	const struct ds_value *data = pixels_of(root), *labels = ds_value_get(root, key);
	char why[DS_ERR];
	int rc = -1;

	snprintf(why, sizeof why, "%.900s", k ? "no CIFAR rows in it" : err);
	if (data && labels && labels->type == DS_LIST && labels->n == (size_t)data->shape[0]) {
		rc = 0;
		for (size_t i = 0; i < labels->n && rc == 0; i++)
			rc = labels->item[i]->type == DS_INT && labels->item[i]->i >= 0 &&
			     labels->item[i]->i < 100 ?
			     add_row(s, path, i, (int)labels->item[i]->i) : -1;
	}
	if (rc < 0)
		snprintf(err, DS_ERR, "'%.90s': %.900s", path, why);
	ds_pickle_free(k);
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
	if (k->label_bytes < 0)
		return k->key ? names_from_pickle(s, b, k->key, err) : names_from_text(s, b);
	return k->label_bytes ? list_binary(s, path, b, k->label_bytes, err) :
		list_pickle(s, path, b, k->key, err);
}

static int from_planes(const unsigned char *planes, struct ds_pixels *p, char *err)
{
	if (ds_pixels_resize(p, 32, 32) < 0) {
		snprintf(err, DS_ERR, "out of memory");
		return -1;
	}
	for (int i = 0; i < 1024; i++)
		for (int c = 0; c < 3; c++)
			p->rgb[3 * i + c] = planes[1024 * c + i];
	return 0;
}

/* Where a pickle's pixels begin in its bytes, which a parse tells; 0 if they are not there. */
static size_t find_pixels(const struct ds_bytes *b, size_t at, char *err)
{
	struct ds_pickle *k = ds_pickle_read(b->p, b->n, err);
	const struct ds_value *data = k ? pixels_of(ds_pickle_root(k)) : NULL;
	size_t where = 0;

	if (data && at < (size_t)data->shape[0])
		where = (size_t)((const unsigned char *)data->s - b->p);
	else if (k)
		snprintf(err, DS_ERR, "no CIFAR rows in it");
	ds_pickle_free(k);
	return where;
}

static int decode(const struct ds_bytes *b, const char *path, size_t at, size_t *memo,
		  struct ds_pixels *p, char *err)
{
	const size_t labels = (size_t)kind_of(path)->label_bytes, row = PIXELS + labels;

	if (labels)
		return from_planes(b->p + at * row + labels, p, err);
	if (*memo == 0 && (*memo = find_pixels(b, at, err)) == 0)
		return -1;
	return from_planes(b->p + *memo + at * PIXELS, p, err);
}

const struct ds_layout ds_layout_cifar = { "cifar", takes, list, decode };
