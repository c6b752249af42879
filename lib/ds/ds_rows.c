/* SPDX-License-Identifier: MIT
 * The functions that layouts call: rows, classes and splits of the source that is being listed. */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_internal.h"

const char *ds_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool ds_ends_in(const char *path, const char *end)
{
	const size_t n = strlen(path), m = strlen(end);

	return n > m && strcasecmp(path + n - m, end) == 0;
}

void **ds_state(struct ds_source *s, int layout)
{
	return &s->state[layout];
}

int ds_pass(struct ds_source *s, const char *path, const char *format, ...)
{
	va_list ap;

	if (s->unread.text[0])
		return 0;
	va_start(ap, format);
	vsnprintf(s->unread.text, sizeof s->unread.text, format, ap);
	va_end(ap);
	err_prefix(&s->unread, "'%s' ", path);
	return 0;
}

const char *ds_note(const struct ds_source *s, size_t i)
{
	return i < s->n_notes ? s->notes[i] : NULL;
}

int ds_add_note(struct ds_source *s, struct err *err, const char *format, ...)
{
	char **grown, *text;
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = vasprintf(&text, format, ap);
	va_end(ap);
	if (rc < 0)
		return err_memory(err);
	for (size_t i = 0; i < s->n_notes; i++)
		if (strcmp(s->notes[i], text) == 0) {
			free(text);
			return 0;
		}
	if (!(grown = realloc(s->notes, (s->n_notes + 1) * sizeof *grown))) {
		free(text);
		return err_memory(err);
	}
	s->notes = grown;
	s->notes[s->n_notes++] = text;
	return 0;
}

bool ds_wanted(const struct ds_source *s)
{
	return !s->listing.unwanted;
}

int ds_once(struct ds_source *s, const char *key, const char *path, struct err *err)
{
	char full[DS_NAME], **grown;
	int64_t at;

	snprintf(full, sizeof full, "%zu:%s", s->listing.operand, key);
	if ((at = ds_map_get(&s->once, full)) >= 0)
		return err_fail(err, "'%s' and '%s' are the same part of one set; choose one with --files PATTERN",
				s->once_path[at], path);
	if (!(grown = realloc(s->once_path, (s->once.n + 1) * sizeof *grown)))
		return err_memory(err);
	s->once_path = grown;
	if (!(grown[s->once.n] = strdup(path)))
		return err_memory(err);
	if (ds_map_set(&s->once, full, (int64_t)s->once.n, err) < 0) {
		free(grown[s->once.n]);
		return -1;
	}
	return 0;
}

int ds_name_classes(struct ds_source *s, char **names, size_t n, struct err *err)
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
	return classes ? 0 : err_memory(err);
}

int ds_class_number(struct ds_source *s, const char *id, struct err *err)
{
	int64_t at = ds_map_get(&s->by_id, id);
	struct ds_class *c;

	if (at >= 0)
		return (int)at;
	if (s->n_classes >= INT32_MAX)
		return err_fail(err, "more than %d classes", INT32_MAX);
	if (s->n_classes == s->cap_classes) {
		size_t cap = s->cap_classes ? 2 * s->cap_classes : 64;
		struct ds_class *grown = realloc(s->classes, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		s->classes = grown;
		s->cap_classes = cap;
	}
	c = &s->classes[s->n_classes];
	*c = (struct ds_class){ strdup(id), NULL };
	if (!c->id)
		return err_memory(err);
	if (ds_map_set(&s->by_id, id, (int64_t)s->n_classes, err) < 0) {
		free(c->id);
		return -1;
	}
	return (int)s->n_classes++;
}

void ds_listing_file(struct ds_source *s, const char *path)
{
	s->listing.entry++;
	s->listing.path = path;
	s->listing.have_file = false;
	s->listing.unwanted = s->o.files && fnmatch(s->o.files, path, 0) != 0 &&
			      fnmatch(s->o.files, path + strlen(s->operands[s->listing.operand].prefix), 0) != 0;
}

/* Makes the file that is being listed, with its first row, one of files[]. */
static int add_file(struct ds_source *s, struct err *err)
{
	const struct ds_listing *l = &s->listing;
	char *path;

	if (s->n_files >= UINT32_MAX)
		return err_fail(err, "more than %u files", UINT32_MAX);
	if (s->n_files == s->cap_files) {
		size_t cap = s->cap_files ? 2 * s->cap_files : 256;
		struct ds_file *grown = realloc(s->files, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		s->files = grown;
		s->cap_files = cap;
	}
	if (!(path = strdup(l->path)))
		return err_memory(err);
	s->files[s->n_files++] = (struct ds_file){ path, l->entry, l->operand & 0xffffff, l->layout & 0xff };
	s->listing.have_file = true;
	return 0;
}

int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_id, long label, struct err *err)
{
	struct ds_entry *r;

	if (!ds_wanted(s))
		return 0;
	if (at > UINT32_MAX)
		return err_fail(err, "more than %llu rows", (unsigned long long)UINT32_MAX + 1);
	if (label > INT32_MAX)
		return err_fail(err, "label %ld of row %zu is larger than %d", label, at, INT32_MAX);
	if (s->n >= DS_MAX_ROWS)
		return err_fail(err, "more than %d images in all", DS_MAX_ROWS);
	if (!s->listing.have_file && add_file(s, err) < 0)
		return -1;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		struct ds_entry *grown = realloc(s->rows, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		s->rows = grown;
		s->cap = cap;
	}
	r = &s->rows[s->n];
	*r = (struct ds_entry){ (uint32_t)(s->n_files - 1), (uint32_t)at, (int32_t)label, NULL };
	if (name && !(r->name = strdup(name)))
		return err_memory(err);
	s->n++;
	if (class_id && (r->label = ds_class_number(s, class_id, err)) < 0)
		return -1;
	s->numbered |= !class_id && label >= 0;
	s->named |= class_id != NULL;
	return 0;
}

/* Adds the name of a split to s->splits, " a b c", unless it is already there or does not fit. */
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

	if (!s->o.split && own)
		note_split(s, own, strlen(own));
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

char *const *ds_classes(const struct ds_source *s, size_t *n)
{
	*n = s->n_classes;
	return s->names;
}

const char *ds_row_name(const struct ds_source *s, const struct ds_entry *r, char buf[DS_NAME])
{
	const struct ds_file *f = &s->files[r->file];

	if (r->name)
		return r->name;
	if (!s->layouts[f->layout]->load)
		return f->path;
	snprintf(buf, DS_NAME, "%s/%05u", f->path, (unsigned)r->at);
	return buf;
}
