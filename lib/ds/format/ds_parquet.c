/* SPDX-License-Identifier: MIT
 * Sets of images as Parquet, as HuggingFace serves them: a column of structs of `bytes`, an encoded picture, and
 * `path`; a column of numbers, the labels. The file's metadata says as JSON which columns those are, and what the
 * classes are called: {"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names":
 * [...]}}}}. A set is several files, train-00000-of-00042.parquet. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds_internal.h"
#include "parquet/parquet.h"

/* ---- the current file ---- */

struct file {
	int fd; /* of a file on the disk; otherwise */
	const struct ds_bytes *b;
	struct parquet *p;
};

static int read_fd(void *ctx, uint64_t at, void *to, size_t n, struct err *err)
{
	const struct file *f = ctx;

	for (size_t done = 0; done < n;) {
		const ssize_t got = pread(f->fd, (char *)to + done, n - done, (off_t)(at + done));

		if (got < 0 && errno != EINTR)
			return err_fail(err, "cannot be read: %s", strerror(errno));
		if (got == 0)
			return err_fail(err, "became shorter while it was read");
		done += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int read_memory(void *ctx, uint64_t at, void *to, size_t n, struct err *err)
{
	const struct file *f = ctx;

	(void)err;
	memcpy(to, f->b->p + at, n);
	return 0;
}

static void close_file(struct file *f)
{
	parquet_close(f->p);
	if (f->fd >= 0)
		close(f->fd);
}

/* f must not move until it is closed, also on failure. */
static int open_file(struct file *f, struct ds_in *in, struct err *err)
{
	struct parquet_from from = { .read = read_memory, .ctx = f };
	unsigned char magic[2];
	struct stat st;

	*f = (struct file){ .fd = -1 };
	if (in->real) {
		if ((f->fd = open(in->real, O_RDONLY | O_CLOEXEC)) < 0 || fstat(f->fd, &st) < 0)
			return err_fail(err, "cannot be opened: %s", strerror(errno));
		from.read = read_fd;
		from.size = (uint64_t)st.st_size;
	}
	if (f->fd < 0 || (pread(f->fd, magic, sizeof magic, 0) == sizeof magic && ds_is_gzip(magic, sizeof magic))) {
		from.read = read_memory;
		if (!(f->b = ds_in_content(in, DS_MAX_FILE, err)))
			return -1;
		from.size = f->b->n;
	}
	if (!(f->p = parquet_open(&from, err)))
		return -1;
	/* Each row has an image of at least one byte. */
	if (parquet_rows(f->p) > from.size || parquet_rows(f->p) > DS_MAX_ROWS)
		return err_fail(err, "damaged Parquet file: it says that it has %llu rows",
				(unsigned long long)parquet_rows(f->p));
	return 0;
}

/* ---- which columns ---- */

/* Which columns of a file are images and labels. */
struct layout {
	json_t *root;
	const json_t *names; /* of classes, an array; or NULL */
	const char *label_name;
	long image, label; /* columns; -1: none */
	size_t n_images, n_labels;
};

static bool is_kind(const json_t *feature, const char *kind)
{
	const char *type = json_string_value(json_object_get(feature, "_type"));

	return type && strcmp(type, kind) == 0;
}

static bool is_number(const struct parquet *p, long column)
{
	const struct parquet_column *c = column < 0 ? NULL : parquet_column(p, (size_t)column);

	return c && !c->repeated && (c->type == PARQUET_INT32 || c->type == PARQUET_INT64);
}

static bool is_picture(const struct parquet *p, long column)
{
	const struct parquet_column *c = column < 0 ? NULL : parquet_column(p, (size_t)column);

	return c && !c->repeated && c->type == PARQUET_BYTES;
}

static long find_bytes(const struct parquet *p, const char *feature)
{
	char path[512];

	snprintf(path, sizeof path, "%s.bytes", feature);
	return parquet_find(p, path);
}

/* Of several labels --coarse takes the one that is called coarse, otherwise the first that is not. */
static void look_at_feature(struct layout *l, const struct parquet *p, bool coarse, const char *name,
			    const json_t *feature)
{
	const long image = is_kind(feature, "Image") ? find_bytes(p, name) : -1;
	const long label = is_kind(feature, "ClassLabel") ? parquet_find(p, name) : -1;

	if (is_picture(p, image) && l->n_images++ == 0)
		l->image = image;
	if (!is_number(p, label))
		return;
	l->n_labels++;
	if (l->label >= 0 && (strstr(name, "coarse") != NULL) != coarse)
		return;
	if (l->label < 0 || (strstr(l->label_name, "coarse") != NULL) != coarse) {
		l->label = label;
		l->label_name = name;
		l->names = json_object_get(feature, "names");
	}
}

/* Without metadata: the first struct with bytes, and a column of numbers called like labels. */
static void look_at_columns(struct layout *l, const struct parquet *p)
{
	for (size_t i = 0; i < parquet_columns(p) && l->image < 0; i++) {
		const char *path = parquet_column(p, i)->path;
		const size_t n = strlen(path);

		if (n > 6 && strcmp(path + n - 6, ".bytes") == 0 && is_picture(p, (long)i))
			l->image = (long)i;
	}
	if (l->label < 0 && is_number(p, parquet_find(p, "label"))) {
		l->label = parquet_find(p, "label");
		l->label_name = "label";
	}
}

static void find_columns(struct layout *l, const struct parquet *p, bool coarse)
{
	const char *text = parquet_meta(p, "huggingface"), *name;
	json_t *feature, *features;

	*l = (struct layout){ .image = -1, .label = -1 };
	l->root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	features = json_object_get(json_object_get(l->root, "info"), "features");
	json_object_foreach(features, name, feature) look_at_feature(l, p, coarse, name, feature);
	look_at_columns(l, p);
}

/* ---- listing ---- */

/* Names the set that the labels belong to. */
static void set_name(const struct layout *l, char set[300])
{
	snprintf(set, 300, "Parquet's column '%.200s'", l->label_name);
}

static int give_names(struct ds_source *s, const struct ds_in *in, const struct layout *l, struct err *err)
{
	const size_t n = json_array_size(l->names);
	struct ds_class *classes;
	char set[300];

	set_name(l, set);
	if (n == 0)
		return 0;
	if (!(classes = calloc(n, sizeof *classes)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(l->names, i));

		if (name && (classes[i].id = strdup(name)))
			continue;
		for (size_t k = 0; k < i; k++)
			free(classes[k].id);
		free(classes);
		return name ? err_memory(err) : err_fail(err, "class %zu of '%s' has no name", i, l->label_name);
	}
	return ds_labels_named(s, set, in->path, classes, n, err);
}

static int add_rows(struct ds_source *s, const struct ds_in *in, const struct layout *l, size_t rows,
		    const struct parquet_values *labels, struct err *err)
{
	const size_t n = json_array_size(l->names);
	char set[300];

	for (size_t i = 0; i < rows; i++) {
		const int64_t label = labels && labels->length[i] ? labels->number[i] : -1;

		if (label > INT32_MAX || (n && label >= 0 && (size_t)label >= n))
			return err_fail(err, "label %lld of row %zu is not one of its %zu classes", (long long)label, i,
					n);
		if (ds_add_row(s, NULL, i, NULL, label < 0 ? -1 : (long)label, err) < 0)
			return -1;
	}
	if (!labels || !ds_wanted(s))
		return 0;
	set_name(l, set);
	return ds_labels_mean(s, s->listing.operand, set, in->path, err) < 0 || give_names(s, in, l, err) < 0 ? -1 : 0;
}

/* Does a column have a name of labels, "label", "fine_labels", "target.list.element"? */
static bool is_called_label(const struct parquet_column *c)
{
	static const char *const names[] = { "target", "targets", "class", "classes", "category", "cls", "y" };
	char name[64];

	snprintf(name, sizeof name, "%.*s", (int)(c->first < sizeof name ? c->first : sizeof name - 1), c->path);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return strcasestr(name, "label") != NULL;
}

/* Notes what may be labels but is not read, where no column is. */
static int note_unread(struct ds_source *s, const struct parquet *p, const struct layout *l, struct err *err)
{
	for (size_t i = 0; i < parquet_columns(p) && l->label < 0; i++)
		if (is_called_label(parquet_column(p, i)))
			return ds_add_note(
				s, err,
				"Parquet's column '%s' is not taken for labels, so its images have no class: "
				"labels are whole numbers, in 'label' or where the metadata says so",
				parquet_column(p, i)->path);
	return 0;
}

static int note_others(struct ds_source *s, const struct parquet *p, const struct layout *l, struct err *err)
{
	if (note_unread(s, p, l, err) < 0)
		return -1;
	if (l->n_images > 1 && ds_add_note(s, err, "of %zu columns of images '%s' is taken", l->n_images,
					   parquet_column(p, (size_t)l->image)->path) < 0)
		return -1;
	if (l->n_labels > 1 &&
	    ds_add_note(s, err, "of %zu columns of labels '%s' is taken", l->n_labels, l->label_name) < 0)
		return -1;
	return 0;
}

/* train-00000-of-00042.parquet and train.parquet belong to train; 0000.parquet lies in the folder of its split. */
static const char *split_of(const char *path, char split[64])
{
	const char *base = ds_base(path), *dash = base;

	while ((dash = strchr(dash, '-')) && strspn(dash + 1, "0123456789") != 5)
		dash++;
	snprintf(split, 64, "%.*s", (int)(dash ? (size_t)(dash - base) : strcspn(base, ".")), base);
	return isdigit((unsigned char)split[0]) || !split[0] ? NULL : split;
}

/* ---- the parts of a set ---- */

/* train-00000-of-00042.parquet is one of 42. */
struct parts {
	char *path;  /* of the first part */
	size_t stem; /* bytes of it that all parts share */
	unsigned long of, have;
	struct parts *next;
};

/* Is path that of a part? */
static bool find_part(const char *path, size_t *stem, unsigned long *of)
{
	char n[6];

	for (const char *dash = ds_base(path); (dash = strchr(dash, '-')); dash++)
		if (sscanf(dash, "-%*5[0-9]-of-%5[0-9]", n) == 1) {
			*stem = (size_t)(dash - path);
			*of = strtoul(n, NULL, 10);
			return true;
		}
	return false;
}

static int count_part(struct ds_source *s, const char *path, struct err *err)
{
	struct parts **at = (struct parts **)ds_state(s, DS_LAYOUT_parquet), *p;
	unsigned long of;
	size_t stem;

	if (!find_part(path, &stem, &of))
		return 0;
	while ((p = *at) && (p->of != of || p->stem != stem || strncmp(p->path, path, stem) != 0))
		at = &p->next;
	if (!p && (!(p = *at = calloc(1, sizeof *p)) || !(p->path = strdup(path))))
		return err_memory(err);
	p->stem = stem;
	p->of = of;
	p->have++;
	return 0;
}

/* Adds a note if only some parts of a set were fetched: they can be read, but are not the set that they seem to be. */
static int finish(struct ds_source *s, struct err *err)
{
	for (const struct parts *p = *ds_state(s, DS_LAYOUT_parquet); p; p = p->next)
		if (p->have < p->of && ds_add_note(s, err, "of '%.*s' only %lu of %lu files are read", (int)p->stem,
						   p->path, p->have, p->of) < 0)
			return -1;
	return 0;
}

static void drop(void *state)
{
	for (struct parts *p = state, *next; p; p = next) {
		next = p->next;
		free(p->path);
		free(p);
	}
}

/* ---- a file ---- */

static int read_column(const struct parquet *p, size_t i, struct parquet_values *v, struct err *err)
{
	const int rc = parquet_read(p, i, DS_MAX_FILE, v, err);

	return rc == 1 ? err_prefix(err, "column '%s': ", parquet_column(p, i)->path) : rc;
}

static int list_columns(struct ds_source *s, struct ds_in *in, const struct parquet *p, const struct layout *l,
			struct err *err)
{
	struct parquet_values labels = { 0 };
	int rc;

	if (l->image < 0)
		return ds_pass(s, in->path, "is a Parquet file without a column of images, structs of bytes and path");
	if (l->label >= 0 && read_column(p, (size_t)l->label, &labels, err) < 0)
		return -1;
	rc = add_rows(s, in, l, (size_t)parquet_rows(p), l->label >= 0 ? &labels : NULL, err);
	parquet_values_release(&labels);
	return rc < 0 || note_others(s, p, l, err) < 0 || count_part(s, in->path, err) < 0 ? -1 : 1;
}

static bool starts(const unsigned char *head, size_t n)
{
	return parquet_is(head, n);
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	struct layout l = { 0 };
	char split[64];
	struct file f;
	int rc;

	if (!ds_in_split(s, in->path, split_of(in->path, split)))
		return 1;
	rc = open_file(&f, in, err);
	if (rc == 0) {
		find_columns(&l, f.p, s->o.coarse);
		rc = list_columns(s, in, f.p, &l, err);
	}
	json_decref(l.root);
	close_file(&f);
	return rc;
}

/* ---- reading ---- */

static int load(struct ds_in *in, void **memo, struct err *err)
{
	struct parquet_values *v = *memo = calloc(1, sizeof *v);
	struct layout l = { 0 };
	struct file f;
	int rc;

	if (!v)
		return err_memory(err);
	rc = open_file(&f, in, err);
	if (rc == 0) {
		find_columns(&l, f.p, false);
		rc = l.image < 0 ? err_fail(err, "the file changed while it was read") :
				   read_column(f.p, (size_t)l.image, v, err);
	}
	json_decref(l.root);
	close_file(&f);
	return rc;
}

/* A row's name ends with its number. */
static int fetch(void *memo, const char *name, const void **p, size_t *n, struct err *err)
{
	const struct parquet_values *v = memo;
	const unsigned long at = strtoul(ds_base(name), NULL, 10);

	if (at >= v->n)
		return err_fail(err, "the file changed while it was read");
	if (v->number[at] < 0)
		return err_fail(err, "has no bytes: the row is null, or has a path alone");
	*p = v->bytes + v->number[at];
	*n = v->length[at];
	return 0;
}

static void forget(void *memo)
{
	parquet_values_release(memo);
	free(memo);
}

const struct ds_layout ds_layout_parquet = {
	.name = "parquet",
	.what = "HuggingFace's Parquet files of images and labels",
	.starts = starts,
	.list = list,
	.finish = finish,
	.load = load,
	.fetch = fetch,
	.forget = forget,
	.drop = drop,
};
