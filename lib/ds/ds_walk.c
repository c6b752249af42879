/* SPDX-License-Identifier: MIT
 * A walk by readdir(): when a failing disk breaks off the listing of a folder, fts(3) takes it for the folder's end. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ds/ds_walk.h"

struct entry {
	char *name;
	enum ds_kind kind;
	dev_t dev;
	ino_t ino;
};

struct level { /* a folder that is walked */
	struct entry *entry;
	size_t n, cap, at;
	size_t len; /* of its path */
	dev_t dev;
	ino_t ino;
};

struct ds_walk {
	char *path; /* of the current entry */
	size_t cap;
	struct level *level;
	size_t n_levels, cap_levels;
	bool enter; /* the current entry is a folder, to be walked next */
};

/* Compares whole paths by bytes: a folder's name is followed by a slash ("cat-2/x" < "cat/x"). */
static int by_path(const void *a, const void *b)
{
	const struct entry *e = a, *f = b;
	const unsigned char *x = (const unsigned char *)e->name, *y = (const unsigned char *)f->name;
	int cx, cy;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	cx = *x ? *x : e->kind == DS_FOLDER ? '/' : 0;
	cy = *y ? *y : f->kind == DS_FOLDER ? '/' : 0;
	return cx - cy;
}

/* Sets the path to its first `len` bytes, a slash and the name. */
static int set_path(struct ds_walk *w, size_t len, const char *name, struct err *err)
{
	const size_t want = len + 1 + strlen(name) + 1;

	if (want > w->cap) {
		char *grown = realloc(w->path, 2 * want);
		if (!grown)
			return err_memory(err);
		w->path = grown;
		w->cap = 2 * want;
	}
	snprintf(w->path + len, w->cap - len, "%s%s", len && w->path[len - 1] == '/' ? "" : "/", name);
	return 0;
}

static enum ds_kind kind_of(mode_t mode)
{
	return S_ISREG(mode) ? DS_FILE : S_ISDIR(mode) ? DS_FOLDER : DS_SPECIAL;
}

static int add(struct ds_walk *w, struct level *l, const char *name, struct err *err)
{
	struct entry *grown, e = { NULL, DS_LINK, 0, 0 };
	struct stat st;

	if (set_path(w, l->len, name, err) < 0)
		return -1;
	if (stat(w->path, &st) == 0) {
		e.kind = kind_of(st.st_mode);
		e.dev = st.st_dev;
		e.ino = st.st_ino;
	} else if (lstat(w->path, &st) < 0 && errno != ENOENT)
		return err_fail(err, "cannot read '%s': %s", w->path, strerror(errno));
	if (l->n == l->cap) {
		const size_t cap = l->cap ? 2 * l->cap : 64;
		if (!(grown = realloc(l->entry, cap * sizeof *grown)))
			return err_memory(err);
		l->entry = grown;
		l->cap = cap;
	}
	if (!(e.name = strdup(name)))
		return err_memory(err);
	l->entry[l->n++] = e;
	return 0;
}

/* Lists the folder at w->path into l. An entry that cannot be read is an error, after all others are listed. */
static int list(struct ds_walk *w, struct level *l, struct err *err)
{
	DIR *d = opendir(w->path);
	const struct dirent *e;
	struct err first = { 0 };
	size_t bad = 0;
	int rc = 0, why;

	if (!d)
		return err_fail(err, "cannot read '%s': %s", w->path, strerror(errno));
	while (rc == 0) {
		errno = 0;
		if (!(e = readdir(d)))
			break;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || add(w, l, e->d_name, err) == 0)
			continue;
		if (err->memory)
			rc = -1;
		else if (bad++ == 0)
			first = *err;
	}
	why = errno;
	if (rc == 0 && why) {
		w->path[l->len] = '\0';
		rc = err_fail(err, "cannot list '%s' completely: %s", w->path, strerror(why));
	} else if (rc == 0 && bad) {
		*err = first;
		if (bad > 1)
			err_append(err, ", and %zu more there", bad - 1);
		rc = -1;
	}
	closedir(d);
	if (l->n)
		qsort(l->entry, l->n, sizeof *l->entry, by_path);
	return rc;
}

/* Enters the folder at w->path. */
static int enter(struct ds_walk *w, dev_t dev, ino_t ino, struct err *err)
{
	for (size_t i = 0; i < w->n_levels; i++)
		if (w->level[i].dev == dev && w->level[i].ino == ino)
			return err_fail(err, "cannot read '%s': folder that contains itself", w->path);
	if (w->n_levels == w->cap_levels) {
		const size_t cap = w->cap_levels ? 2 * w->cap_levels : 16;
		struct level *grown = realloc(w->level, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		w->level = grown;
		w->cap_levels = cap;
	}
	w->level[w->n_levels++] = (struct level){ .len = strlen(w->path), .dev = dev, .ino = ino };
	return list(w, &w->level[w->n_levels - 1], err);
}

static void leave(struct ds_walk *w)
{
	struct level *l = &w->level[--w->n_levels];

	for (size_t i = 0; i < l->n; i++)
		free(l->entry[i].name);
	free(l->entry);
}

struct ds_walk *ds_walk_open(const char *path, struct err *err)
{
	struct ds_walk *w = calloc(1, sizeof *w);
	struct stat st;

	if (!w || !(w->path = strdup(path))) {
		err_memory(err);
		ds_walk_close(w);
		return NULL;
	}
	w->cap = strlen(path) + 1;
	if (stat(path, &st) == 0 && enter(w, st.st_dev, st.st_ino, err) == 0)
		return w;
	if (!w->n_levels)
		err_fail(err, "cannot read '%s': %s", path, strerror(errno));
	ds_walk_close(w);
	return NULL;
}

void ds_walk_close(struct ds_walk *w)
{
	if (!w)
		return;
	while (w->n_levels)
		leave(w);
	free(w->level);
	free(w->path);
	free(w);
}

int ds_walk_next(struct ds_walk *w, const char **path, enum ds_kind *kind, struct err *err)
{
	const struct entry *e;
	struct level *l;

	if (w->enter) {
		l = &w->level[w->n_levels - 1];
		e = &l->entry[l->at - 1];

		w->enter = false;
		if (enter(w, e->dev, e->ino, err) < 0)
			return -1;
	}
	while (w->n_levels && w->level[w->n_levels - 1].at == w->level[w->n_levels - 1].n)
		leave(w);
	if (!w->n_levels)
		return 0;
	l = &w->level[w->n_levels - 1];
	if (set_path(w, l->len, l->entry[l->at].name, err) < 0)
		return -1;
	*kind = l->entry[l->at++].kind;
	*path = w->path;
	w->enter = *kind == DS_FOLDER;
	return 1;
}
