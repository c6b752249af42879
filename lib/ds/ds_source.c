/* SPDX-License-Identifier: MIT
 * Sources: the list of files and rows, made by offering every file to the layouts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_internal.h"

/* A file's own name first (images are most of all files), then its first bytes, in this order. */
const struct ds_layout *const ds_layouts[DS_LAYOUTS] = {
	&ds_layout_images, &ds_layout_tiny, &ds_layout_webdataset, &ds_layout_lmdb, &ds_layout_svhn,
	&ds_layout_cifar, &ds_layout_imagenet, &ds_layout_idx,
};

bool ds_formats(size_t i, const char **name, const char **what)
{
	if (i >= DS_LAYOUTS)
		return false;
	*name = ds_layouts[i]->name;
	*what = ds_layouts[i]->what;
	return true;
}

/* ---- what layouts call ---- */

const char *ds_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

void **ds_state(struct ds_source *s, const struct ds_layout *layout)
{
	for (size_t i = 0;; i++)
		if (ds_layouts[i] == layout)
			return &s->state[i];
}

int ds_pass(struct ds_source *s, const char *path, const char *why)
{
	if (!s->unread[0])
		snprintf(s->unread, sizeof s->unread, "'%.400s' %.500s", path, why);
	return 0;
}

int ds_name_classes(struct ds_source *s, char **names, size_t n)
{
	struct ds_class *classes = calloc(n + 1, sizeof *classes);

	for (size_t i = 0; i < s->n_classes; i++) {
		free(s->classes[i].id);
		free(s->classes[i].name);
	}
	free(s->classes);
	ds_map_release(&s->by_id);
	for (size_t i = 0; i < n; i++)
		if (classes)
			classes[i].id = names[i];
		else
			free(names[i]);
	free(names);
	s->classes = classes;
	s->n_classes = s->cap_classes = classes ? n : 0;
	return classes ? 0 : -1;
}

int ds_class_number(struct ds_source *s, const char *id)
{
	int64_t at = ds_map_get(&s->by_id, id);

	if (at >= 0)
		return (int)at;
	if (s->n_classes >= INT32_MAX)
		return -1;
	if (s->n_classes == s->cap_classes) {
		size_t cap = s->cap_classes ? 2 * s->cap_classes : 64;
		struct ds_class *grown = realloc(s->classes, cap * sizeof *grown);
		if (!grown)
			return -1;
		s->classes = grown;
		s->cap_classes = cap;
	}
	s->classes[s->n_classes] = (struct ds_class){ strdup(id), NULL };
	if (!s->classes[s->n_classes].id || ds_map_set(&s->by_id, id, (int64_t)s->n_classes) < 0)
		return -1;
	return (int)s->n_classes++;
}

int ds_add_file(struct ds_source *s, const char *path, size_t layout)
{
	if (s->n_files >= UINT32_MAX)
		return -1;
	if (s->n_files == s->cap_files) {
		size_t cap = s->cap_files ? 2 * s->cap_files : 256;
		struct ds_file *grown = realloc(s->files, cap * sizeof *grown);
		if (!grown)
			return -1;
		s->files = grown;
		s->cap_files = cap;
	}
	s->files[s->n_files] = (struct ds_file){ strdup(path), s->entry, s->operand & 0xffffff,
						 layout & 0xff };
	return s->files[s->n_files].path ? (s->n_files++, 0) : -1;
}

int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_id, long label)
{
	struct ds_entry *r;

	if (at > UINT32_MAX || label > INT32_MAX || s->n >= DS_MAX_ROWS)
		return -1;
	if (!s->have_file && ds_add_file(s, s->path, s->layout) < 0)
		return -1;
	s->have_file = true;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		struct ds_entry *grown = realloc(s->rows, cap * sizeof *grown);
		if (!grown)
			return -1;
		s->rows = grown;
		s->cap = cap;
	}
	r = &s->rows[s->n];
	*r = (struct ds_entry){ (uint32_t)(s->n_files - 1), (uint32_t)at, (int32_t)label, NULL };
	if (name && !(r->name = strdup(name)))
		return -1;
	s->n++;
	if (class_id && (r->label = ds_class_number(s, class_id)) < 0)
		return -1;
	s->numbered |= !class_id && label >= 0;
	s->named |= class_id != NULL;
	return 0;
}

/* Remembers the name of a split, once, as long as there is room. */
static void note_split(struct ds_source *s, const char *name, size_t len)
{
	size_t used = strlen(s->splits);
	const char *p = s->splits, *end;

	for (; *p; p = end) {
		end = p + 1 + strcspn(p + 1, " ");
		if ((size_t)(end - p) == len + 1 && memcmp(p + 1, name, len) == 0)
			return;
	}
	if (used + len + 2 <= sizeof s->splits)
		snprintf(s->splits + used, sizeof s->splits - used, " %.*s", (int)len, name);
}

bool ds_in_split(struct ds_source *s, const char *path, const char *own)
{
	size_t len;

	if (!s->o.split || (own && strcmp(own, s->o.split) == 0))
		return true;
	if (own)
		note_split(s, own, strlen(own));
	len = strlen(s->o.split);
	for (const char *p = path, *slash; (slash = strchr(p, '/')) != NULL; p = slash + 1) {
		if ((size_t)(slash - p) == len && memcmp(p, s->o.split, len) == 0)
			return true;
		/* The last folder is the class, unless it is the only one. */
		if (p == path || strchr(slash + 1, '/'))
			note_split(s, p, (size_t)(slash - p));
	}
	return false;
}

/* ---- listing ---- */

static bool is_junk(const char *path)
{
	return ds_base(path)[0] == '.' || strstr(path, "__MACOSX/");
}

/* Does the layout want the file? 1, 0, -1. Its name may say so, else its first bytes. A plain file
 * that --format names a layout for is its own, whatever it looks like. */
static int wants(struct ds_source *s, const struct ds_layout *l, struct ds_in *in, bool plain, char *err)
{
	const unsigned char *head;
	size_t n;

	if (s->format && s->format != l && s->format->with != l)
		return 0;
	if ((l->named && l->named(in->path)) || (plain && s->format == l))
		return 1;
	if (!l->starts || is_junk(in->path))
		return 0;
	if (ds_in_head(in, &head, &n, err) < 0)
		return -1;
	return n && l->starts(head, n);
}

static int offer(struct ds_source *s, struct ds_in *in, bool plain, char *err)
{
	for (s->layout = 0; s->layout < DS_LAYOUTS; s->layout++) {
		const struct ds_layout *l = ds_layouts[s->layout];
		int rc = wants(s, l, in, plain, err);

		if (rc == 1)
			rc = l->list(s, in, err);
		if (rc)
			return rc;
	}
	s->ignored++;
	if (in->known && in->raw.n >= 8 && memcmp(in->raw.p, "PAR1", 4) == 0)
		ds_pass(s, in->path, "is a Parquet file, which is not read; unpack its images");
	return 0;
}

/* A link that leads nowhere, or one in an archive, matters only where an image is meant, and those
 * have been told by their names. */
static bool unreadable_link(const struct ds_in *in)
{
	return !in->known && in->raw.n == 0;
}

static int list_operand(struct ds_source *s, char *err)
{
	struct ds_operand *o = &s->operands[s->operand];
	struct ds_files *f = ds_files_open(o->path, err);
	char why[DS_ERR], path[4096];
	struct ds_in in = { 0 };
	const char *name;
	int rc = f ? 1 : -1;

	o->plain = f && ds_files_is_plain(f);
	o->folder = f && ds_files_is_folder(f);
	for (s->entry = 0; f && (rc = ds_files_next(f, &name, err)) == 1;) {
		s->entry++;
		snprintf(path, sizeof path, "%s%.4000s", o->prefix, name);
		s->path = path;
		s->have_file = false;
		ds_in_begin(&in, f, path, ds_files_path(f));
		snprintf(why, sizeof why, "out of memory");
		rc = offer(s, &in, o->plain, why);
		if (rc < 0 && unreadable_link(&in) && !ds_layout_images.named(path)) {
			s->ignored++;
			continue;
		}
		if (rc < 0 && s->n >= DS_MAX_ROWS)
			snprintf(why, sizeof why, "more than %d images in all", DS_MAX_ROWS);
		if (rc < 0) {
			snprintf(err, DS_ERR, "'%.200s': '%.400s': %.300s", o->path, path, why);
			break;
		}
	}
	ds_in_release(&in);
	ds_files_close(f);
	return rc;
}

static int say_nothing_there(const struct ds_source *s, char *err)
{
	const char *path = s->o.list ? s->o.list : s->operands[0].path;

	if (s->unread[0])
		snprintf(err, DS_ERR, "'%.300s' holds no images that are read; %.650s", path, s->unread);
	else if (s->o.split)
		snprintf(err, DS_ERR, "'%.400s' has no images in a folder '%.80s'; its folders are:%.400s",
			 path, s->o.split, s->splits[0] ? s->splits : " none");
	else if (s->o.format)
		snprintf(err, DS_ERR, "'%.600s' holds no images of format '%s'", path, s->o.format);
	else if (s->n_operands == 1 && s->operands[0].plain)
		snprintf(err, DS_ERR, "'%.600s' is neither a folder nor a whole archive, nor a file of a "
			 "format that is read (--list-formats)", path);
	else
		snprintf(err, DS_ERR, "'%.600s' holds no images of a format that is read (--list-formats)",
			 path);
	return -1;
}

static int list(struct ds_source *s, char *err)
{
	if (s->o.list && ds_list_read(s, err) < 0)
		return -1;
	for (s->operand = 0; s->operand < s->n_operands && !s->o.list; s->operand++)
		if (list_operand(s, err) < 0)
			return -1;
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (ds_layouts[i]->finish && ds_layouts[i]->finish(s, err) < 0)
			return -1;
	return s->n ? 0 : say_nothing_there(s, err);
}

/* With several operands a row's name begins with its operand's, up to the first dot. */
static int add_operand(struct ds_source *s, const char *path, bool single)
{
	struct ds_operand *o = &s->operands[s->n_operands];
	size_t len = strlen(path);
	char base[256];

	while (len > 1 && path[len - 1] == '/')
		len--;
	o->path = strndup(path, len);
	if (!o->path)
		return -1;
	s->n_operands++;
	snprintf(base, sizeof base - 1, "%.250s", ds_base(o->path));
	base[1 + strcspn(base + (base[0] != '\0'), ".")] = '\0';
	o->prefix = single ? strdup("") : malloc(strlen(base) + 2);
	if (o->prefix && !single)
		snprintf(o->prefix, strlen(base) + 2, "%s/", base);
	return o->prefix ? 0 : -1;
}

struct ds_source *ds_open(char *const *paths, size_t n, const struct ds_options *o, char *err)
{
	struct ds_source *s = calloc(1, sizeof *s);

	snprintf(err, DS_ERR, "out of memory");
	if (!s)
		return NULL;
	s->o = *o;
	for (size_t i = 0; i < DS_LAYOUTS && o->format; i++)
		if (strcmp(o->format, ds_layouts[i]->name) == 0)
			s->format = ds_layouts[i];
	if (o->format && !s->format) {
		snprintf(err, DS_ERR, "there is no format '%.400s' (--list-formats)", o->format);
		goto fail;
	}
	if (n > DS_MAX_OPERANDS) {
		snprintf(err, DS_ERR, "%zu sources, where %d are the most", n, DS_MAX_OPERANDS);
		goto fail;
	}
	if (!(s->operands = calloc(n + 2, sizeof *s->operands)))
		goto fail;
	for (size_t i = 0; i < n; i++)
		if (add_operand(s, paths[i], n == 1) < 0)
			goto fail;
	if (o->list && add_operand(s, o->root ? o->root : ".", true) < 0)
		goto fail;
	if (list(s, err) == 0 && ds_number_classes(s, err) == 0 && ds_choose(s, err) == 0)
		return s;
fail:
	ds_close(s);
	return NULL;
}

void ds_close(struct ds_source *s)
{
	if (!s)
		return;
	ds_reading_free(s);
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (s->state[i])
			ds_layouts[i]->drop(s->state[i]);
	for (size_t i = 0; i < s->n; i++)
		free(s->rows[i].name);
	for (size_t i = 0; i < s->n_files; i++)
		free(s->files[i].path);
	for (size_t i = 0; i < s->n_classes; i++) {
		free(s->classes[i].id);
		free(s->classes[i].name);
	}
	for (size_t i = 0; i < s->n_operands; i++) {
		free(s->operands[i].path);
		free(s->operands[i].prefix);
	}
	ds_map_release(&s->by_id);
	free(s->names);
	free(s->classes);
	free(s->rows);
	free(s->files);
	free(s->operands);
	free(s);
}

char *const *ds_classes(const struct ds_source *s, size_t *n)
{
	*n = s->n_classes;
	return s->names;
}

size_t ds_ignored(const struct ds_source *s)
{
	return s->ignored;
}

const char *ds_unread(const struct ds_source *s)
{
	return s->unread[0] ? s->unread : NULL;
}

size_t ds_rows(const struct ds_source *s)
{
	return s->n;
}

const char *ds_row_name(const struct ds_source *s, const struct ds_entry *r, char buf[DS_NAME])
{
	const struct ds_file *f = &s->files[r->file];

	if (r->name)
		return r->name;
	if (!ds_layouts[f->layout]->load)
		return f->path;
	snprintf(buf, DS_NAME, "%.4000s/%05u", f->path, (unsigned)r->at);
	return buf;
}
