/* SPDX-License-Identifier: MIT
 * Filling chunks: an archive is read front to back, by one worker at a time; files that hold many rows are loaded;
 * files in a folder are opened by the worker that decodes them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_reading_internal.h"

static int __attribute__((format(printf, 3, 4))) fail(struct item *it, enum ds_step rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	it->rc = rc;
	free(it->why);
	if (vasprintf(&it->why, fmt, ap) < 0)
		it->why = NULL;
	va_end(ap);
	return -1;
}

int ds_fail_row(struct ds_reading *k, struct item *it, enum ds_step rc, const struct err *why)
{
	const struct ds_source *s = k->s;
	const struct ds_file *f = &s->files[it->row->file];
	const struct ds_operand *o = &s->operands[f->operand];
	char buf[DS_NAME];

	if (why->memory)
		rc = DS_BROKEN; /* the file may be good */
	/* A picture that is a source by itself is named only once. */
	if (o->plain && !s->layouts[f->layout]->load)
		return fail(it, rc, "'%s': %s", o->path, why->text);
	return fail(it, rc, "'%s': '%s': %s", o->path, ds_row_name(s, it->row, buf), why->text);
}

static const char *path_inside(const struct ds_source *s, const struct ds_file *f)
{
	return f->path + strlen(s->operands[f->operand].prefix);
}

bool ds_real_path(const struct ds_source *s, const struct ds_file *f, char path[8192])
{
	const struct ds_operand *o = &s->operands[f->operand];

	if (!o->plain && !o->folder)
		return false;
	if (o->plain)
		snprintf(path, 8192, "%s", o->at);
	else
		snprintf(path, 8192, "%s/%s", o->path, path_inside(s, f));
	return true;
}

/* Advances k->files to the row's file in its archive; starts over if that file is behind the current position. */
static int go_to(struct ds_reading *k, struct item *it, const struct ds_file *f)
{
	struct ds_source *s = k->s;
	struct err err;
	int rc = 1;

	if (k->operand != f->operand || k->entry > f->entry) {
		ds_files_close(k->files);
		k->operand = f->operand;
		k->entry = 0;
		if (!(k->files = ds_files_open(s->operands[f->operand].at, s->operands[f->operand].path, &err))) {
			k->operand = SIZE_MAX;
			return fail(it, DS_BROKEN, "%s", err.text);
		}
	}
	if (k->entry == f->entry)
		return 0;
	while (k->entry < f->entry && (rc = ds_files_next(k->files, &k->entry_name, &err)) == 1)
		k->entry++;
	if (rc < 0)
		return fail(it, DS_BROKEN, "%s", err.text);
	if (rc == 0 || strcmp(k->entry_name, path_inside(s, f)) != 0)
		return fail(it, DS_BROKEN, "'%s' changed while it was read", s->operands[f->operand].path);
	return 0;
}

void ds_shared_forget(struct shared *h)
{
	if (h->memo && h->layout->forget)
		h->layout->forget(h->memo);
	h->memo = NULL;
	h->file = SIZE_MAX;
}

/* Makes the row's file the shared one, as soon as no chunk is decoded from the previous one. */
static int load(struct ds_reading *k, struct item *it, size_t file, const struct ds_layout *l)
{
	const struct ds_file *f = &k->s->files[file];
	char real[8192];
	struct err err;

	if (k->shared.file == file)
		return 0;
	pthread_mutex_lock(&k->lock);
	while (k->shared.users)
		pthread_cond_wait(&k->change, &k->lock);
	pthread_mutex_unlock(&k->lock);
	ds_shared_forget(&k->shared);
	if (ds_real_path(k->s, f, real)) {
		ds_in_begin(&k->in, NULL, f->path, real);
	} else {
		if (go_to(k, it, f) < 0)
			return -1;
		ds_in_begin(&k->in, k->files, f->path, NULL);
	}
	k->shared.layout = l;
	if (l->load(&k->in, &k->shared.memo, &err) < 0)
		return ds_fail_row(k, it, DS_BROKEN, &err);
	k->shared.file = file;
	return 0;
}

/* Reads what is needed to decode the row, unless the worker that decodes it will. -1: the source is broken. */
static int feed_row(struct ds_reading *k, struct chunk *c, struct item *it)
{
	const struct ds_file *f = &k->s->files[it->row->file];
	const struct ds_layout *l = k->s->layouts[f->layout];
	char buf[DS_NAME];
	struct err err;

	if (l->load) {
		if (load(k, it, it->row->file, l) < 0)
			return -1;
		c->shared = true;
		if (l->fetch && l->fetch(k->shared.memo, ds_row_name(k->s, it->row, buf), &it->at, &it->n, &err) < 0)
			ds_fail_row(k, it, DS_DAMAGED, &err);
		return 0;
	}
	if (k->s->operands[f->operand].folder || k->s->operands[f->operand].plain)
		return 0;
	if (go_to(k, it, f) < 0)
		return -1;
	it->from = c->bytes.n;
	if (ds_files_read(k->files, &c->bytes, c->bytes.n + DS_MAX_IMAGE, &err) < 0)
		return ds_fail_row(k, it, DS_BROKEN, &err);
	it->n = c->bytes.n - it->from;
	if (it->n >= DS_MAX_IMAGE) {
		err_fail(&err, "larger than an image's file may be");
		ds_fail_row(k, it, DS_DAMAGED, &err);
	}
	return 0;
}

void ds_feed(struct ds_reading *k, struct chunk *c, size_t most)
{
	const struct ds_source *s = k->s;

	c->n = c->next = c->bytes.n = c->pixels.n = 0;
	c->shared = c->done = false;
	while (c->n < most && k->next < s->n && c->bytes.n < CHUNK_BYTES) {
		const struct ds_entry *row = &s->rows[k->next];
		struct item *it = &c->item[c->n];

		if (c->n && c->item[0].row->file != row->file &&
		    (c->shared || s->layouts[s->files[row->file].layout]->load))
			break;
		*it = (struct item){ .row = row, .rc = DS_ROW };
		c->n++;
		k->next++;
		if (feed_row(k, c, it) < 0) {
			k->next = s->n; /* the source is broken: nothing follows */
			break;
		}
	}
}
