/* SPDX-License-Identifier: MIT
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as their site hands them out. Binary: rows of label bytes
 * (1, or coarse and fine) and 3072 planar pixels, which only their file's name tells. Python: pickled
 * dictionaries of an array and lists, which their keys tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/format/ds_array.h"
#include "ds/ds_internal.h"

enum { PIXELS = 3072 };

static const struct kind {
	const char *file, *split;
	int label_bytes;                  /* binary: bytes before the pixels; 0: a pickle; -1: names */
	const char *coarse;               /* names of the coarse labels are another file's, or key's */
} kinds[] = {
	{ "data_batch_1.bin", "train", 1, NULL }, { "data_batch_2.bin", "train", 1, NULL },
	{ "data_batch_3.bin", "train", 1, NULL }, { "data_batch_4.bin", "train", 1, NULL },
	{ "data_batch_5.bin", "train", 1, NULL }, { "test_batch.bin", "test", 1, NULL },
	{ "train.bin", "train", 2, NULL },        { "test.bin", "test", 2, NULL },
	{ "data_batch_1", "train", 0, NULL },     { "data_batch_2", "train", 0, NULL },
	{ "data_batch_3", "train", 0, NULL },     { "data_batch_4", "train", 0, NULL },
	{ "data_batch_5", "train", 0, NULL },     { "test_batch", "test", 0, NULL },
	{ "batches.meta.txt", NULL, -1, NULL },   { "fine_label_names.txt", NULL, -1, "fine" },
	{ "coarse_label_names.txt", NULL, -1, "coarse" },
};

/* A CIFAR pickle holds lists, text and NumPy arrays. */
static const struct pickle_name known[] = { PICKLE_NUMPY, { 0 } };

static const struct kind *kind_of(const char *path)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].file, ds_base(path)) == 0)
			return &kinds[i];
	return NULL;
}

static bool named(const char *path)
{
	return kind_of(path) != NULL;
}

static bool starts(const unsigned char *head, size_t n)
{
	return n > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

/* ---- class names ---- */

static int names_from_text(struct ds_source *s, const struct ds_bytes *b, struct err *err)
{
	char **names = NULL, *text = ds_text_copy(b), *line;
	struct ds_text t = { text };
	size_t n = 0;

	while (text && (line = ds_text_line(&t)) != NULL) {
		char **grown = realloc(names, (n + 1) * sizeof *names);

		if (!grown)
			break;
		names = grown;
		if (*line && (names[n] = strdup(line)))
			n++;
	}
	free(text);
	if (n)
		return ds_name_classes(s, names, n) < 0 ? -1 : 1;
	err_fail(err, "holds no names of classes");
	free(names);
	return -1;
}

static int names_from_list(struct ds_source *s, const struct pickle_value *list, struct err *err)
{
	char **names = list->type == PICKLE_LIST ? calloc(list->n + 1, sizeof *names) : NULL;
	size_t n = 0;

	while (names && n < list->n && list->item[n]->type == PICKLE_STR &&
	       (names[n] = strndup(list->item[n]->s, list->item[n]->n)))
		n++;
	if (n)
		return ds_name_classes(s, names, n) < 0 ? -1 : 1;
	err_fail(err, "holds no names of classes");
	free(names);
	return -1;
}

/* ---- rows ---- */

/* A file of another name (--format cifar) is told by its length. */
static size_t label_bytes(const struct kind *k, const struct ds_bytes *b)
{
	return k ? (size_t)k->label_bytes : b->n % (PIXELS + 1) ? 2 : 1;
}

static int list_binary(struct ds_source *s, const struct ds_bytes *b, size_t labels, struct err *err)
{
	size_t row = PIXELS + labels, at = labels == 2 && !s->o.coarse ? 1 : 0;

	if (b->n == 0 || b->n % row) {
		return err_fail(err, "%zu bytes are not whole rows of %zu: not a CIFAR file, or cut off",
			 b->n, row);
	}
	for (size_t i = 0; i < b->n / row; i++)
		if (ds_add_row(s, NULL, i, NULL, b->p[i * row + at]) < 0)
			return -1;
	return 1;
}

/* The split that a pickle says it is of: "training batch 1 of 5". */
static const char *split_of(const struct pickle_value *root)
{
	const struct pickle_value *v = pickle_get(root, "batch_label");

	if (!v || v->type != PICKLE_STR || v->n < 5)
		return NULL;
	return memcmp(v->s, "train", 5) == 0 ? "train" : memcmp(v->s, "test", 4) == 0 ? "test" : NULL;
}

static int list_pickle(struct ds_source *s, struct ds_in *in, const struct kind *k,
		       const struct pickle_value *root, struct err *err)
{
	const struct pickle_value *fine = pickle_get(root, "fine_labels"), *labels, *names;
	struct ds_planes m;
	struct ds_array a;

	names = pickle_get(root, "label_names");
	if (!names)
		names = pickle_get(root, s->o.coarse ? "coarse_label_names" : "fine_label_names");
	if (names)
		return names_from_list(s, names, err);
	labels = !fine ? pickle_get(root, "labels") : s->o.coarse ? pickle_get(root, "coarse_labels") : fine;
	/* Downsampled ImageNet has images and labels, too, and nothing else. */
	if (!k && !fine && !pickle_get(root, "batch_label") && !pickle_get(root, "filenames"))
		return 0;
	if (!ds_in_split(s, in->path, k ? k->split : split_of(root)))
		return 1;
	err_fail(err, "no CIFAR rows in it");
	if (!ds_array_pickled(pickle_get(root, "data"), &a) || !ds_planes_of(&a, &m) || m.side != 32 ||
	    ds_pickled_labels(labels) != m.n)
		return -1;
	for (size_t i = 0; i < m.n; i++) {
		long label = ds_pickled_label(labels, i);

		if (label < 0 || label > 99 || ds_add_row(s, NULL, i, NULL, label) < 0)
			return -1;
	}
	return 1;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const struct kind *k = kind_of(in->path);
	const struct ds_bytes *b;
	struct pickle *p;
	int rc;

	if (k && ((k->split && !ds_in_split(s, in->path, k->split)) ||
		  (k->coarse && s->o.coarse != (k->coarse[0] == 'c'))))
		return 1;
	if (!(b = ds_in_content(in, DS_MAX_FILE, err)))
		return -1;
	if (k && k->label_bytes < 0)
		return names_from_text(s, b, err);
	if ((k && k->label_bytes > 0) || (!k && !starts(b->p, b->n)))
		return list_binary(s, b, label_bytes(k, b), err);
	if (!(p = pickle_read(b->p, b->n, known, err))) {
		if (k || s->format == &ds_layout_cifar)
			return -1;
		return ds_pass(s, in->path, "is a pickle that is not read: %s", err->text);
	}
	rc = list_pickle(s, in, k, pickle_root(p), err);
	pickle_free(p);
	return rc;
}

/* ---- reading ---- */

static int load(struct ds_in *in, void **memo, struct err *err)
{
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_FILE, err);
	const struct kind *k = kind_of(in->path);
	struct ds_planes *m = *memo = calloc(1, sizeof *m);
	struct ds_array a;
	size_t labels;

	if (!b || !m)
		return -1;
	/* The bytes are taken over: in reads another file next. */
	m->own = *b;
	*(in->gz ? &in->unpacked : &in->raw) = (struct ds_bytes){ 0 };
	if ((k && k->label_bytes > 0) || (!k && !starts(m->own.p, m->own.n))) {
		labels = label_bytes(k, &m->own);
		*m = (struct ds_planes){ m->own.p + labels, m->own.n / (PIXELS + labels), 32, 1,
					 PIXELS + labels, m->own, NULL };
		return 0;
	}
	if (!(m->pickle = pickle_read(m->own.p, m->own.n, known, err)))
		return -1;
	if (ds_array_pickled(pickle_get(pickle_root(m->pickle), "data"), &a) && ds_planes_of(&a, m))
		return 0;
	return err_fail(err, "the file changed while it was read");
}

const struct ds_layout ds_layout_cifar = {
	.name = "cifar", .what = "CIFAR-10 and CIFAR-100, binary or Python form (--coarse: its coarse labels)",
	.named = named, .starts = starts, .list = list, .load = load, .decode = ds_planes_decode,
	.forget = ds_planes_free,
};
