/* SPDX-License-Identifier: MIT
 * Downsampled ImageNet (8, 16, 32 or 64 pixels): train_data_batch_1 to 10 and val_data, pickles or
 * .npz files of data (n, 3*side*side) and labels from 1 on. map_clsloc.txt has the classes' names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/format/ds_archive.h"
#include "ds/format/ds_array.h"
#include "ds/ds_internal.h"

static const char set[] = "downsampled ImageNet"; /* the set that the labels belong to */
static const struct pickle_name known[] = { PICKLE_NUMPY, { 0 } };

static bool named(const char *path)
{
	const char *base = ds_base(path);

	return strncmp(base, "train_data_batch_", 17) == 0 || strncmp(base, "val_data", 8) == 0 ||
	       strcmp(base, "map_clsloc.txt") == 0;
}

static bool starts(const unsigned char *p, size_t n)
{
	return ds_is_npz(p, n) || pickle_starts(p, n);
}

static const char *split_of(const char *path)
{
	const char *base = ds_base(path);

	return strncmp(base, "train", 5) == 0 ? "train" : strncmp(base, "val", 3) == 0 ? "val" : NULL;
}

/* ---- both forms ---- */

struct part {                        /* part of a file */
	struct ds_planes m;          /* images; n 0: none */
	struct ds_bytes label_bytes; /* .npz: the labels' member */
	struct ds_array label_array;
	const struct pickle_value *label_list;
	bool labelled; /* there are labels, of any shape */
	size_t n_labels;
};

static void part_release(struct part *p)
{
	pickle_free(p->m.pickle);
	ds_bytes_release(&p->m.own);
	ds_bytes_release(&p->label_bytes);
}

static int label_at(const struct part *p, size_t i, int64_t *ret, struct err *err)
{
	return p->label_list ? ds_pickled_label(p->label_list, i, ret, err) :
			       ds_array_label(&p->label_array, i, ret, err);
}

/* 1; 0: it holds no such images; -1. */
static int read_npz(const struct ds_bytes *b, struct part *p, struct err *err)
{
	struct ds_archive *z = ds_archive_open_zip(b->p, b->n, "npz", err);
	struct ds_array a;
	enum ds_kind kind;
	const char *name;
	int rc = z ? 1 : -1, found = 0;

	while (rc == 1 && (rc = ds_archive_next(z, &name, &kind, err)) == 1) {
		if (strcmp(name, "data.npy") == 0) {
			if ((rc = ds_archive_read_all(z, &p->m.own, DS_MAX_FILE, err)) == 0 &&
			    (rc = ds_array_npy(p->m.own.p, p->m.own.n, &a, err)) == 0)
				found = ds_planes_of(&a, &p->m);
			rc = rc < 0 ? -1 : 1;
		} else if (strcmp(name, "labels.npy") == 0) {
			if ((rc = ds_archive_read_all(z, &p->label_bytes, DS_MAX_FILE, err)) == 0 &&
			    (rc = ds_array_npy(p->label_bytes.p, p->label_bytes.n, &p->label_array, err)) == 0)
				p->n_labels = ds_array_labels(&p->label_array);
			p->labelled = true;
			rc = rc < 0 ? -1 : 1;
		}
	}
	ds_archive_close(z);
	return rc < 0 ? -1 : found;
}

static int read_pickle(const struct ds_bytes *b, struct part *p, struct err *err)
{
	const struct pickle_value *root;
	struct ds_array a;

	if (!(p->m.pickle = pickle_read(b->p, b->n, known, err)))
		return -1;
	root = pickle_root(p->m.pickle);
	p->label_list = pickle_get(root, "labels");
	p->labelled = p->label_list && p->label_list->type != PICKLE_NONE;
	p->n_labels = ds_pickled_labels(p->label_list);
	return ds_array_pickled(pickle_get(root, "data"), &a) && ds_planes_of(&a, &p->m);
}

/* Fills *p from the file; the pickle in it borrows from b. 1, 0, -1. */
static int read_part(const struct ds_bytes *b, struct part *p, struct err *err)
{
	*p = (struct part){ 0 };
	return ds_is_npz(b->p, b->n) ? read_npz(b, p, err) : read_pickle(b, p, err);
}

/* ---- listing ---- */

/* "n02119789 1 kit_fox": is it line n of the list? */
static bool is_class(const char *line, size_t n)
{
	size_t id = strcspn(line, " ");
	char number[32];
	int len = snprintf(number, sizeof number, " %zu ", n);

	return ds_is_wnid(line, id) && strncmp(line + id, number, (size_t)len) == 0 && line[id + (size_t)len];
}

/* The *n lines of the list, each checked by is_class(). -1 with err; *lines is set in any case. */
static int read_lines(char *text, char ***lines, size_t *n, struct err *err)
{
	struct ds_text t = { text };
	char *line;

	for (*n = 0; (line = ds_text_line(&t)) != NULL; ++*n) {
		char **grown = realloc(*lines, (*n + 1) * sizeof **lines);

		if (!grown)
			return err_memory(err);
		*lines = grown;
		if (!is_class(line, *n + 1))
			return err_fail(err, "line %zu is not a WordNet id, %zu and a name", *n + 1, *n + 1);
		if (!(grown[*n] = strdup(line)))
			return err_memory(err);
	}
	return *n ? 0 : err_fail(err, "holds no classes");
}

/* The classes in their order: "n02119789 1 kit_fox" becomes the id n02119789 and the name kit_fox. */
static int name_classes(struct ds_source *s, const char *path, const struct ds_bytes *b, struct err *err)
{
	char *text = ds_text_copy(b, err), **lines = NULL;
	struct ds_class *classes;
	size_t n = 0;
	bool memory;
	int rc = text ? read_lines(text, &lines, &n, err) : -1;

	free(text);
	classes = calloc(n + 1, sizeof *classes);
	memory = classes != NULL;
	for (size_t i = 0; i < n; i++) {
		if (classes && rc == 0) {
			classes[i] = (struct ds_class){ strndup(lines[i], 9), strdup(strchr(lines[i] + 10, ' ') + 1) };
			memory &= classes[i].id && classes[i].name;
		}
		free(lines[i]);
	}
	free(lines);
	if (rc == 0 && memory)
		return ds_labels_named(s, set, path, classes, n, err) < 0 ? -1 : 1;
	for (size_t i = 0; classes && i < n; i++) {
		free(classes[i].id);
		free(classes[i].name);
	}
	free(classes);
	return rc < 0 ? -1 : err_memory(err);
}

/* Records that this part was read. train_data_batch_1 and train_data_batch_1.npz are the same images. */
static int part_once(struct ds_source *s, const struct ds_in *in, const struct part *p, struct err *err)
{
	const char *base = ds_base(in->path), *dot = strrchr(base, '.');
	char key[512];

	snprintf(key, sizeof key, "imagenet%zu/%.*s", p->m.side,
		 dot && strcmp(dot, ".npz") == 0 ? (int)(dot - base) : (int)strlen(base), base);
	if (ds_once(s, key, in->path, err) < 0)
		return -1;
	return p->n_labels ? ds_labels_mean(s, s->listing.operand, set, in->path, err) : 0;
}

/* Label 1 is class 0; rows of a file without labels have none, -1. */
static int add_rows(struct ds_source *s, const struct part *p, struct err *err)
{
	if (p->labelled && p->n_labels != p->m.n)
		return err_fail(
			err, "%zu images, but %zu labels%s", p->m.n, p->n_labels,
			p->n_labels ? "" : " in a list, an array (n) or (n, 1): write them so, or leave 'labels' out");
	for (size_t i = 0; i < p->m.n; i++) {
		int64_t label = 0;

		if (p->n_labels && label_at(p, i, &label, err) < 0)
			return -1;
		if (p->n_labels && (label < 1 || label > INT32_MAX))
			return err_fail(err, "label %lld of row %zu is not from 1 to %d", (long long)label, i,
					INT32_MAX);
		if (ds_add_row(s, NULL, i, NULL, (long)label - 1, err) < 0)
			return -1;
	}
	return 1;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const struct ds_bytes *b;
	struct part p;
	int rc;

	if (!ds_wanted(s) && strcmp(ds_base(in->path), "map_clsloc.txt") != 0)
		return 0;
	if (!ds_in_split(s, in->path, split_of(in->path)) && strcmp(ds_base(in->path), "map_clsloc.txt") != 0)
		return named(in->path); /* with another name it may have another layout */
	if (!(b = ds_in_content(in, DS_MAX_FILE, err)))
		return -1;
	if (strcmp(ds_base(in->path), "map_clsloc.txt") == 0)
		return name_classes(s, in->path, b, err);
	rc = read_part(b, &p, err);
	if (rc == 1)
		rc = part_once(s, in, &p, err) < 0 ? -1 : add_rows(s, &p, err);
	else if (rc < 0 && !named(in->path) && !s->format && !err->memory)
		rc = ds_pass(s, in->path, "is not read: %s", err->text);
	else if (rc == 0 && named(in->path))
		rc = err_fail(err, "no rows of downsampled ImageNet in it");
	part_release(&p);
	return rc;
}

/* ---- reading ---- */

static int load(struct ds_in *in, void **memo, struct err *err)
{
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_FILE, err);
	struct ds_planes *m = *memo = calloc(1, sizeof *m);
	struct part p;
	int rc;

	if (!b)
		return -1;
	if (!m)
		return err_memory(err);
	rc = read_part(b, &p, err);
	if (rc == 0)
		err_fail(err, "the file changed while it was read");
	*m = p.m;
	p.m = (struct ds_planes){ 0 };
	part_release(&p);
	if (rc < 1)
		return -1;
	if (m->pickle) /* the pickle borrows from the file's bytes */
		m->own = ds_in_detach(in);
	else
		ds_bytes_release(in->gz ? &in->unpacked : &in->raw);
	return 0;
}

const struct ds_layout ds_layout_imagenet = {
	.name = "imagenet",
	.what = "downsampled ImageNet: train_data_batch_1 to 10, val_data; pickles or .npz",
	.named = named,
	.starts = starts,
	.annotates = true,
	.list = list,
	.load = load,
	.decode = ds_planes_decode,
	.forget = ds_planes_free,
};
