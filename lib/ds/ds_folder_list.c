/* SPDX-License-Identifier: MIT
 * The folders that hold images, split into path components, and what else they contain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_folders_internal.h"

static const char *const split_words[DS_N_SPLITS] = { "train", "training", "trainval",   "test", "testing",
						      "val",   "valid",    "validation", "dev" };
int ds_dir_what(const char *name)
{
	for (int i = 0; i < DS_N_SPLITS; i++)
		if (strcasecmp(name, split_words[i]) == 0)
			return 1 << i;
	return strcasecmp(name, "images") == 0 ? DS_DIR_IMAGES : DS_DIR_OTHER;
}

struct ds_folders *ds_folders_of(struct ds_source *s, struct err *err)
{
	if (!s->folders && !(s->folders = calloc(1, sizeof *s->folders)))
		err_memory(err);
	return s->folders;
}

int ds_folder_seen(struct ds_source *s, const char *path, bool link, struct err *err)
{
	struct ds_folders *f = ds_folders_of(s, err);

	if (!f)
		return -1;
	if (f->n_seen == f->cap_seen) {
		const size_t cap = f->cap_seen ? 2 * f->cap_seen : 64;
		struct ds_seen *grown = realloc(f->seen, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		f->seen = grown;
		f->cap_seen = cap;
	}
	f->seen[f->n_seen] = (struct ds_seen){ s->listing.operand, strdup(path), link };
	return f->seen[f->n_seen].path ? (f->n_seen++, 0) : err_memory(err);
}

void ds_folders_free(struct ds_folders *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->dir[i].text);
	for (size_t i = 0; i < f->n_seen; i++)
		free(f->seen[i].path);
	free(f->dir);
	free(f->seen);
	ds_map_release(&f->children);
	ds_map_release(&f->parents);
	ds_map_release(&f->holds);
	free(f);
}

/* ---- the folders ---- */

const char *ds_dir_part(const struct ds_dir *d, size_t i)
{
	return d->text + d->part[i];
}

/* Fills *d from a path of len bytes. */
static int cut(struct ds_dir *d, uint32_t operand, const char *path, size_t len, struct err *err)
{
	const size_t arrays = (len + 2) & ~(size_t)1; /* behind the text */
	size_t most = 1;
	bool begins = true;

	for (size_t i = 0; i < len; i++)
		most += path[i] == '/';
	*d = (struct ds_dir){ .text = malloc(arrays + 2 * most * sizeof *d->part), .operand = operand };
	if (!d->text)
		return err_memory(err);
	d->part = (uint16_t *)(void *)(d->text + arrays);
	d->keep = d->part + most;
	memcpy(d->text, path, len);
	d->text[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (path[i] == '/')
			d->text[i] = '\0';
		else if (begins)
			d->part[d->n++] = (uint16_t)i;
		begins = path[i] == '/';
	}
	return 0;
}

static int add_dir(struct ds_folders *f, uint32_t operand, const char *path, size_t len, struct err *err)
{
	if (f->n == f->cap) {
		const size_t cap = f->cap ? 2 * f->cap : 64;
		struct ds_dir *grown = realloc(f->dir, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		f->dir = grown;
		f->cap = cap;
	}
	if (cut(&f->dir[f->n], operand, path, len, err) < 0)
		return -1;
	f->n++;
	return 0;
}

/* There may be a million folders, each of which gives several keys: formatting would take most of the time. */
size_t ds_dir_append(char key[DS_KEY], size_t len, const char *text, size_t want, char last)
{
	const size_t room = DS_KEY - 2 - len, n = want < room ? want : room;

	memcpy(key + len, text, n);
	key[len + n] = last;
	key[len + n + 1] = '\0';
	return n < want || n == room ? DS_KEY - 2 : len + n + 1;
}

size_t ds_dir_key_begin(uint32_t operand, char key[DS_KEY])
{
	char digits[16], *p = digits + sizeof digits - 1;

	*p = '\0';
	do
		*--p = (char)('0' + operand % 10);
	while ((operand /= 10) > 0);
	return ds_dir_append(key, 0, p, strlen(p), ':');
}

const char *ds_dir_key(const struct ds_dir *d, size_t n, char key[DS_KEY])
{
	size_t len = ds_dir_key_begin(d->operand, key);

	for (size_t i = 0; i < n; i++)
		len = ds_dir_append(key, len, ds_dir_part(d, i), strlen(ds_dir_part(d, i)), '/');
	return key;
}

/* The row's folder inside its operand, of *len bytes; NULL: the row is not an image file. */
static const char *folder_of(const struct ds_source *s, const struct ds_entry *r, size_t *len)
{
	const struct ds_file *file = &s->files[r->file];
	const char *path = file->path + strlen(s->operands[file->operand].prefix), *base = ds_base(path);

	if (file->layout != DS_LAYOUT_images)
		return NULL;
	*len = base > path ? (size_t)(base - path) - 1 : 0;
	return path;
}

int ds_dirs_collect(struct ds_source *s, struct ds_folders *f, uint32_t *of, struct err *err)
{
	struct ds_map at = { 0 };
	char key[DS_KEY];
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const uint32_t operand = s->files[s->rows[i].file].operand;
		size_t len;
		const char *path = folder_of(s, &s->rows[i], &len);
		int64_t place;

		if (!path)
			continue;
		ds_dir_append(key, ds_dir_key_begin(operand, key), path, len, '\0');
		if ((place = ds_map_get(&at, key)) < 0) {
			place = (int64_t)f->n;
			if (add_dir(f, operand, path, len, err) < 0 || ds_map_set(&at, key, place, err) < 0)
				rc = -1;
		}
		of[i] = (uint32_t)place;
	}
	ds_map_release(&at);
	return rc;
}

int ds_dirs_note_children(struct ds_folders *f, struct err *err)
{
	char key[DS_KEY];

	for (size_t i = 0; i < f->n; i++)
		for (size_t j = 0; j < f->dir[i].n; j++) {
			int64_t bits = ds_map_get(&f->children, ds_dir_key(&f->dir[i], j, key));

			bits = (bits < 0 ? 0 : bits) | ds_dir_what(ds_dir_part(&f->dir[i], j));
			if (ds_map_set(&f->children, key, bits, err) < 0)
				return -1;
		}
	return 0;
}
