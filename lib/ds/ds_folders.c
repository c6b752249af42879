/* SPDX-License-Identifier: MIT
 * From folders to classes. The path of each folder that holds images is split into components (ds_folder_list.c), rules
 * keep some of them (ds_folder_rules.c), and those that stay are the class. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_folders_internal.h"

/* Notes, once, that two classes have folders of the same name. */
static int note_same_name(struct ds_source *s, const struct ds_folders *f, struct err *err)
{
	struct ds_map last = { 0 };
	char a[DS_KEY], b[DS_KEY];
	int rc = 0;

	for (size_t i = 0; i < f->n && rc == 0 && !s->o.class_level; i++) {
		const struct ds_dir *d = &f->dir[i];
		int64_t other;

		if (!d->n_keep)
			continue;
		if ((other = ds_map_get(&last, ds_dir_kept(d, d->n_keep - 1))) < 0)
			rc = ds_map_set(&last, ds_dir_kept(d, d->n_keep - 1), (int64_t)i, err);
		else if (strcmp(ds_dir_join(d, 0, a), ds_dir_join(&f->dir[other], 0, b)) != 0) {
			rc = ds_add_note(s, err,
					 "'%s' and '%s' are two classes; --class-level -1 makes one of folders of one "
					 "name",
					 b, a);
			break;
		}
	}
	ds_map_release(&last);
	return rc < 0 ? -1 : 0;
}

/* Numbers the folders' classes; -1: none. */
static int number(struct ds_source *s, const struct ds_folders *f, int32_t *class_of, struct err *err)
{
	char buf[DS_KEY];

	for (size_t i = 0; i < f->n; i++) {
		class_of[i] = -1;
		if (f->dir[i].n_keep && (class_of[i] = ds_class_number(s, ds_dir_join(&f->dir[i], 0, buf), err)) < 0)
			return -1;
		s->named |= f->dir[i].n_keep > 0;
	}
	return 0;
}

int ds_folder_classes(struct ds_source *s, struct err *err)
{
	struct ds_folders *f = ds_folders_of(s, err);
	uint32_t *of = malloc((s->n + 1) * sizeof *of);
	int32_t *class_of = NULL;
	int rc = -1;

	if (f && !of)
		err_memory(err);
	else if (f && ds_dirs_collect(s, f, of, err) == 0 && ds_dirs_apply_rules(s, f, err) == 0 &&
		 note_same_name(s, f, err) == 0) {
		if (!(class_of = malloc((f->n + 1) * sizeof *class_of)))
			err_memory(err);
		else
			rc = number(s, f, class_of, err);
	}
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		if (s->files[s->rows[i].file].layout == DS_LAYOUT_images)
			s->rows[i].label = class_of[of[i]];
	free(of);
	free(class_of);
	return rc;
}

/* ---- folders without images ---- */

/* Records which folders hold images, and which contain the folders of classes. */
static int note_parents(struct ds_folders *f, struct err *err)
{
	char key[DS_KEY];

	for (size_t i = 0; i < f->n; i++) {
		const struct ds_dir *d = &f->dir[i];

		for (size_t j = 1; j <= d->n; j++)
			if (ds_map_set(&f->holds, ds_dir_key(d, j, key), 0, err) < 0)
				return -1;
		if (d->n_keep &&
		    ds_map_set(&f->parents, ds_dir_key(d, d->keep[d->n_keep - 1], key), (int64_t)i, err) < 0)
			return -1;
	}
	return 0;
}

/* The class folder beside which this one lies, though it holds no image; NULL: there is none. */
static const struct ds_dir *class_beside(const struct ds_folders *f, const struct ds_seen *e)
{
	const char *base = ds_base(e->path);
	char key[DS_KEY];
	int64_t at, bits;

	ds_dir_append(key, ds_dir_key_begin((uint32_t)e->operand, key), e->path, strlen(e->path), '/');
	if (ds_map_get(&f->holds, key) >= 0)
		return NULL;
	ds_dir_append(key, ds_dir_key_begin((uint32_t)e->operand, key), e->path, (size_t)(base - e->path), '\0');
	at = ds_map_get(&f->parents, key);
	bits = ds_map_get(&f->children, key);
	if (at < 0 || ds_dir_what(base) != DS_DIR_OTHER || (bits > 0 && (bits & DS_DIR_IMAGES)))
		return NULL;
	return &f->dir[at];
}

/* --empty-classes keep: the folder becomes a class, named like those beside it. */
static int keep_class(struct ds_source *s, const struct ds_dir *beside, const char *path, struct err *err)
{
	char id[DS_KEY], *slash;

	ds_dir_join(beside, 0, id);
	slash = strrchr(id, '/');
	slash = slash ? slash + 1 : id;
	snprintf(slash, sizeof id - (size_t)(slash - id), "%s", ds_base(path));
	return ds_class_number(s, id, err) < 0 ? -1 : 0;
}

int ds_folder_check(struct ds_source *s, struct err *err)
{
	struct ds_folders *f = s->folders;

	if (!f || !s->named || s->numbered || s->o.files || s->o.empty_classes == DS_EMPTY_DROP)
		return 0;
	if (f->n_seen && note_parents(f, err) < 0)
		return -1;
	for (size_t i = 0; i < f->n_seen; i++) {
		const struct ds_seen *e = &f->seen[i];
		const struct ds_dir *beside = class_beside(f, e);
		char buf[DS_KEY];

		if (!beside)
			continue;
		if (s->o.empty_classes == DS_EMPTY_ERROR)
			return err_fail(
				err,
				"'%s': '%s' %s, and lies beside the folders of classes such as '%s': "
				"choose --empty-classes keep or drop, as without it later classes have other labels",
				s->operands[e->operand].path, e->path,
				e->link ? "is a link that leads to nothing" : "holds no image",
				ds_dir_join(beside, 0, buf));
		if (keep_class(s, beside, e->path, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- classes given one by one ---- */

/* Are the operands the class folders of one parent folder? *parent becomes the length of that folder's path. */
static bool are_classes(const struct ds_source *s, size_t *parent)
{
	const char *first = s->operands[0].path;
	const size_t len = (size_t)(ds_base(first) - first);

	for (size_t i = 0; i < s->n_operands; i++) {
		const char *path = s->operands[i].path, *base = ds_base(path);

		if (!s->operands[i].folder || (size_t)(base - path) != len || strncmp(path, first, len) != 0 ||
		    base[0] == '.' || ds_dir_what(base) != DS_DIR_OTHER)
			return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct ds_file *file = &s->files[s->rows[i].file];

		if (strchr(file->path + strlen(s->operands[file->operand].prefix), '/'))
			return false;
	}
	*parent = len > 1 ? len - 1 : len;
	return true;
}

int ds_folder_note_none(struct ds_source *s, struct err *err)
{
	size_t parent;

	if (s->o.list || s->n_operands < 2 || s->n_notes)
		return 0;
	for (size_t i = 0; i < s->n_operands; i++)
		if (s->operands[i].plain)
			return 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->rows[i].label >= 0 || s->files[s->rows[i].file].layout != DS_LAYOUT_images)
			return 0;
	if (are_classes(s, &parent))
		return ds_add_note(s, err,
				   "no image has a class: classes are the folders inside a source, and these %zu have "
				   "none; to make classes of them, give '%.*s' alone",
				   s->n_operands, parent ? (int)parent : 1, parent ? s->operands[0].path : ".");
	return ds_add_note(s, err,
			   "no image has a class: classes are the folders inside a source, and these %zu have none; to "
			   "make classes of them, put a folder for each into one folder, and give that",
			   s->n_operands);
}
