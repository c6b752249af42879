/* SPDX-License-Identifier: MIT
 * Sources: the list of files and rows, made by offering every file to the layouts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_internal.h"

/* ---- listing ---- */

static bool is_junk(const char *path)
{
	return ds_base(path)[0] == '.' || strstr(path, "__MACOSX/");
}

/* Does the layout want the file? 1, 0, -1. Its name may say so, else its first bytes. A plain file
 * that --format names a layout for is its own, whatever it looks like. */
static int wants(struct ds_source *s, const struct ds_layout *l, struct ds_in *in, bool plain, struct err *err)
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

static int offer(struct ds_source *s, struct ds_in *in, bool plain, struct err *err)
{
	for (s->layout = 0; s->layout < DS_LAYOUTS; s->layout++) {
		const struct ds_layout *l = s->layouts[s->layout];
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

static int list_operand(struct ds_source *s, struct err *err)
{
	struct ds_operand *o = &s->operands[s->operand];
	struct ds_files *f = ds_files_open(o->path, err);
	char path[4096];
	struct err why;
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
		err_memory(&why);
		rc = offer(s, &in, o->plain, &why);
		if (rc < 0 && unreadable_link(&in) && !ds_layout_images.named(path)) {
			s->ignored++;
			continue;
		}
		if (rc < 0 && s->n >= DS_MAX_ROWS)
			err_fail(&why, "more than %d images in all", DS_MAX_ROWS);
		if (rc < 0) {
			err_fail(err, "'%s': '%s': %s", o->path, path, why.text);
			break;
		}
	}
	ds_in_release(&in);
	ds_files_close(f);
	return rc;
}

static int say_nothing_there(const struct ds_source *s, struct err *err)
{
	const char *path = s->o.list ? s->o.list : s->operands[0].path;

	if (s->unread.text[0])
		err_fail(err, "'%s' holds no images that are read; %s", path, s->unread.text);
	else if (s->o.split)
		err_fail(err, "'%s' has no images in a folder '%s'; its folders are:%s",
			 path, s->o.split, s->splits[0] ? s->splits : " none");
	else if (s->o.format)
		err_fail(err, "'%s' holds no images of format '%s'", path, s->o.format);
	else if (s->n_operands == 1 && s->operands[0].plain)
		err_fail(err, "'%s' is neither a folder nor a whole archive, nor a file of a "
			 "format that is read (--list-formats)", path);
	else
		err_fail(err, "'%s' holds no images of a format that is read (--list-formats)", path);
	return -1;
}

static int list(struct ds_source *s, struct err *err)
{
	if (s->o.list && ds_list_read(s, err) < 0)
		return -1;
	for (s->operand = 0; s->operand < s->n_operands && !s->o.list; s->operand++)
		if (list_operand(s, err) < 0)
			return -1;
	for (size_t i = 0; i < DS_LAYOUTS; i++)
		if (s->layouts[i]->finish && s->layouts[i]->finish(s, err) < 0)
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

struct ds_source *ds_open(char *const *paths, size_t n, const struct ds_options *o, struct err *err)
{
	struct ds_source *s = calloc(1, sizeof *s);

	err_memory(err);
	if (!s)
		return NULL;
	s->o = *o;
	s->layouts = ds_layouts;
	for (size_t i = 0; i < DS_LAYOUTS && o->format; i++)
		if (strcmp(o->format, s->layouts[i]->name) == 0)
			s->format = s->layouts[i];
	if (o->format && !s->format) {
		err_fail(err, "there is no format '%s' (--list-formats)", o->format);
		goto fail;
	}
	if (n > DS_MAX_OPERANDS) {
		err_fail(err, "%zu sources, where %d are the most", n, DS_MAX_OPERANDS);
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
			s->layouts[i]->drop(s->state[i]);
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

size_t ds_ignored(const struct ds_source *s)
{
	return s->ignored;
}

const char *ds_unread(const struct ds_source *s)
{
	return s->unread.text[0] ? s->unread.text : NULL;
}

size_t ds_rows(const struct ds_source *s)
{
	return s->n;
}
