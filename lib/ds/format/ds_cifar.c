/* SPDX-License-Identifier: MIT
 * CIFAR-10 and CIFAR-100 (Krizhevsky 2009) as their site distributes them. Binary: rows of label bytes (1, or coarse
 * and fine) and 3072 planar pixels; only the file's name tells which set it is. Python: pickled dictionaries of an
 * array and lists; their keys tell the set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/format/ds_array.h"
#include "ds/ds_internal.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MAX_LABEL = 99 };

static const struct kind {
	const char *file, *split;
	int label_bytes;    /* binary: bytes before the pixels; 0: a pickle; -1: names of classes */
	const char *coarse; /* names: of which labels, if there are two kinds */
} kinds[] = {
	{ "data_batch_1.bin", "train", 1, NULL },
	{ "data_batch_2.bin", "train", 1, NULL },
	{ "data_batch_3.bin", "train", 1, NULL },
	{ "data_batch_4.bin", "train", 1, NULL },
	{ "data_batch_5.bin", "train", 1, NULL },
	{ "test_batch.bin", "test", 1, NULL },
	{ "train.bin", "train", 2, NULL },
	{ "test.bin", "test", 2, NULL },
	{ "data_batch_1", "train", 0, NULL },
	{ "data_batch_2", "train", 0, NULL },
	{ "data_batch_3", "train", 0, NULL },
	{ "data_batch_4", "train", 0, NULL },
	{ "data_batch_5", "train", 0, NULL },
	{ "test_batch", "test", 0, NULL },
	{ "batches.meta.txt", NULL, -1, NULL },
	{ "fine_label_names.txt", NULL, -1, "fine" },
	{ "coarse_label_names.txt", NULL, -1, "coarse" },
};

/* The set that labels or names belong to. */
static const char *set_name(const struct ds_source *s, bool of100)
{
	return !of100 ? "CIFAR-10" : s->o.coarse ? "CIFAR-100's coarse labels" : "CIFAR-100";
}

/* Records that this part of the set was read. The two forms of a batch are the same: data_batch_1 and data_batch_1.bin
 * hold the same images. */
static int part_once(struct ds_source *s, const struct ds_in *in, bool of100, struct err *err)
{
	char key[512];
	const char *base = ds_base(in->path), *dot = strrchr(base, '.');

	snprintf(key, sizeof key, "%s/%.*s", of100 ? "cifar100" : "cifar10",
		 dot && strcmp(dot, ".bin") == 0 ? (int)(dot - base) : (int)strlen(base), base);
	return ds_once(s, key, in->path, err) < 0 ||
			       ds_labels_mean(s, s->listing.operand, set_name(s, of100), in->path, err) < 0 ?
		       -1 :
		       0;
}

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

/* ---- class names ---- */

struct names {
	struct ds_class *v;
	size_t n;
};

/* Adds a name or fails: a missing name would shift all classes after it. */
static int add_name(struct names *names, const char *s, size_t len, struct err *err)
{
	struct ds_class *grown = realloc(names->v, (names->n + 1) * sizeof *grown);

	if (!grown)
		return err_memory(err);
	names->v = grown;
	grown[names->n] = (struct ds_class){ strndup(s, len), NULL };
	if (!grown[names->n].id)
		return err_memory(err);
	names->n++;
	return 0;
}

/* Gives the set the names; rc < 0: they could not be read. Returns what list() does. */
static int give_names(struct ds_source *s, const char *path, bool of100, struct names *names, int rc, struct err *err)
{
	if (rc == 0 && names->n == 0)
		rc = err_fail(err, "holds no names of classes");
	if (rc == 0)
		return ds_labels_named(s, set_name(s, of100), path, names->v, names->n, err) < 0 ? -1 : 1;
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i].id);
	free(names->v);
	return rc;
}

static int names_from_text(struct ds_source *s, const char *path, bool of100, const struct ds_bytes *b, struct err *err)
{
	char *text = ds_text_copy(b, err), *line;
	struct ds_text t = { text };
	struct names names = { 0 };
	int rc = text ? 0 : -1;

	while (rc == 0 && (line = ds_text_line(&t)) != NULL)
		if (*line)
			rc = add_name(&names, line, strlen(line), err);
	free(text);
	return give_names(s, path, of100, &names, rc, err);
}

static int names_from_list(struct ds_source *s, const char *path, bool of100, const struct pickle_value *list,
			   struct err *err)
{
	struct names names = { 0 };
	int rc = list->type == PICKLE_LIST ? 0 : err_fail(err, "its names of classes are not a list");

	for (size_t i = 0; rc == 0 && i < list->n; i++)
		if (list->item[i]->type == PICKLE_STR)
			rc = add_name(&names, list->item[i]->s, list->item[i]->n, err);
		else
			rc = err_fail(err, "the name of class %zu is not text", i);
	return give_names(s, path, of100, &names, rc, err);
}

/* ---- rows ---- */

/* Bytes of labels per row of a binary file. If its name says nothing (--format cifar), its length does. */
static size_t label_bytes(const struct kind *k, const struct ds_bytes *b)
{
	return k ? (size_t)k->label_bytes : b->n % (PIXELS + 1) ? 2 : 1;
}

static int list_binary(struct ds_source *s, const struct ds_in *in, const struct ds_bytes *b, size_t labels,
		       struct err *err)
{
	size_t row = PIXELS + labels, at = labels == 2 && !s->o.coarse ? 1 : 0;

	if (b->n == 0 || b->n % row)
		return err_fail(err, "%zu bytes are not whole rows of %zu: not a CIFAR file, or cut off", b->n, row);
	if (part_once(s, in, labels == 2, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n / row; i++)
		if (ds_add_row(s, NULL, i, NULL, b->p[i * row + at], err) < 0)
			return -1;
	return 1;
}

/* The split that a pickle names: "training batch 1 of 5". */
static const char *split_of(const struct pickle_value *root)
{
	const struct pickle_value *v = pickle_get(root, "batch_label");

	if (!v || v->type != PICKLE_STR || v->n < 5)
		return NULL;
	return memcmp(v->s, "train", 5) == 0 ? "train" : memcmp(v->s, "test", 4) == 0 ? "test" : NULL;
}

static int add_rows(struct ds_source *s, const struct pickle_value *data, const struct pickle_value *labels,
		    struct err *err)
{
	const size_t n = ds_pickled_labels(labels);
	struct ds_planes m;
	struct ds_array a;

	if (!ds_array_pickled(data, &a) || !ds_planes_of(&a, &m) || m.side != SIDE)
		return err_fail(err, "its 'data' is not an array of bytes, (n, %d)", PIXELS);
	if (n != m.n)
		return err_fail(err, "%zu images, but %zu labels", m.n, n);
	for (size_t i = 0; i < n; i++) {
		int64_t label;

		if (ds_pickled_label(labels, i, &label, err) < 0)
			return -1;
		if (label < 0 || label > MAX_LABEL)
			return err_fail(err, "label %lld of row %zu is not from 0 to %d", (long long)label, i,
					MAX_LABEL);
		if (ds_add_row(s, NULL, i, NULL, (long)label, err) < 0)
			return -1;
	}
	return 1;
}

static int list_pickle(struct ds_source *s, struct ds_in *in, const struct kind *k, const struct pickle_value *root,
		       struct err *err)
{
	const struct pickle_value *fine = pickle_get(root, "fine_labels"), *labels, *names;

	if ((names = pickle_get(root, "label_names")))
		return names_from_list(s, in->path, false, names, err);
	if ((names = pickle_get(root, s->o.coarse ? "coarse_label_names" : "fine_label_names")))
		return names_from_list(s, in->path, true, names, err);
	if (!ds_wanted(s))
		return 0;
	labels = !fine ? pickle_get(root, "labels") : s->o.coarse ? pickle_get(root, "coarse_labels") : fine;
	/* Downsampled ImageNet also has data and labels, but nothing else. */
	if (!k && !fine && !pickle_get(root, "batch_label") && !pickle_get(root, "filenames"))
		return 0;
	if (!ds_in_split(s, in->path, k ? k->split : split_of(root)))
		return 1;
	if (part_once(s, in, fine != NULL, err) < 0)
		return -1;
	return add_rows(s, pickle_get(root, "data"), labels, err);
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const struct kind *k = kind_of(in->path);
	const struct ds_bytes *b;
	struct pickle *p;
	int rc;

	if (k &&
	    ((k->split && !ds_in_split(s, in->path, k->split)) || (k->coarse && s->o.coarse != (k->coarse[0] == 'c'))))
		return 1;
	if (!ds_wanted(s) && k && k->label_bytes >= 0)
		return 0;
	if (!(b = ds_in_content(in, DS_MAX_FILE, err)))
		return -1;
	if (k && k->label_bytes < 0)
		return names_from_text(s, in->path, k->coarse != NULL, b, err);
	if ((k && k->label_bytes > 0) || (!k && !pickle_starts(b->p, b->n)))
		return ds_wanted(s) ? list_binary(s, in, b, label_bytes(k, b), err) : 0;
	if (!(p = pickle_read(b->p, b->n, known, err))) {
		if (k || s->format == &ds_layout_cifar || err->memory)
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

	if (!b)
		return -1;
	if (!m)
		return err_memory(err);
	m->own = ds_in_detach(in);
	if ((k && k->label_bytes > 0) || (!k && !pickle_starts(m->own.p, m->own.n))) {
		labels = label_bytes(k, &m->own);
		*m = (struct ds_planes){ .data = m->own.p + labels,
					 .n = m->own.n / (PIXELS + labels),
					 .side = SIDE,
					 .step = 1,
					 .next = PIXELS + labels,
					 .own = m->own };
		return 0;
	}
	if (!(m->pickle = pickle_read(m->own.p, m->own.n, known, err)))
		return -1;
	if (ds_array_pickled(pickle_get(pickle_root(m->pickle), "data"), &a) && ds_planes_of(&a, m))
		return 0;
	return err_fail(err, "the file changed while it was read");
}

const struct ds_layout ds_layout_cifar = {
	.name = "cifar",
	.what = "CIFAR-10 and CIFAR-100, binary or Python form (--coarse: its coarse labels)",
	.named = named,
	.starts = pickle_starts,
	.annotates = true,
	.list = list,
	.load = load,
	.decode = ds_planes_decode,
	.forget = ds_planes_free,
};
