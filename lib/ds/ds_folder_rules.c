/* SPDX-License-Identifier: MIT
 * Which components of a folder's path make its class: rules keep or drop them one after another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_folders_internal.h"

/* Is the component the folder of a split? It is if it has the name of one and either stands alone or has only other
 * splits beside it. */
static bool is_split(const struct ds_folders *f, const struct ds_dir *d, size_t part)
{
	char key[DS_KEY];
	const int64_t bits = ds_map_get(&f->children, ds_dir_key(d, part, key)), splits = bits & (DS_DIR_IMAGES - 1);

	return ds_dir_what(ds_dir_part(d, part)) < DS_DIR_IMAGES &&
	       (!(bits & ~(DS_DIR_IMAGES - 1)) || (splits & (splits - 1)));
}

/* The first component below the folder of --split; 0 without it. */
static size_t below_split(const struct ds_source *s, const struct ds_dir *d)
{
	for (size_t j = 0; s->o.split && j < d->n; j++)
		if (strcmp(ds_dir_part(d, j), s->o.split) == 0)
			return j + 1;
	return 0;
}

/* Keeps what is below the split, without folders of splits and those called images. */
static void keep_parts(const struct ds_source *s, const struct ds_folders *f, struct ds_dir *d)
{
	const size_t from = below_split(s, d);
	size_t end = d->n;

	d->images = d->n > from && ds_dir_what(ds_dir_part(d, d->n - 1)) == DS_DIR_IMAGES;
	while (end > from && ds_dir_what(ds_dir_part(d, end - 1)) == DS_DIR_IMAGES)
		end--;
	/* An image right in the folder of a split has no class. */
	if (end == from || is_split(f, d, end - 1))
		return;
	for (size_t j = from; j < end; j++)
		if (ds_dir_what(ds_dir_part(d, j)) != DS_DIR_IMAGES && !is_split(f, d, j))
			d->keep[d->n_keep++] = (uint16_t)j;
}

/* Images directly in the split folders of several folders (cat/train/1.png, dog/train/1.png) may belong to several sets
 * without classes, or to classes: a note says how they were taken. */
static int note_splits_below(struct ds_source *s, const struct ds_folders *f, struct err *err)
{
	const struct ds_dir *first = NULL;
	char a[DS_KEY], b[DS_KEY];

	for (size_t i = 0; i < f->n; i++) {
		const struct ds_dir *d = &f->dir[i];

		if (d->n_keep || d->n < 2 || ds_dir_what(ds_dir_part(d, d->n - 1)) >= DS_DIR_IMAGES)
			continue;
		first = first && first->operand == d->operand ? first : d;
		if (strcmp(ds_dir_key(first, first->n - 1, a), ds_dir_key(d, d->n - 1, b)) != 0)
			return ds_add_note(
				s, err,
				"images lie directly in folders of splits, in several places such as '%s' and '%s': "
				"they have no class; --class-level -2 makes the folders above the splits "
				"classes",
				ds_dir_part(first, first->n - 2), ds_dir_part(d, d->n - 2));
	}
	return 0;
}

/* Notes, once, that the folders of several splits are taken: who forgets --split tests on what was trained on. */
static int note_splits(struct ds_source *s, const struct ds_folders *f, struct err *err)
{
	char key[DS_KEY];

	for (size_t i = 0; i < f->n && !s->o.split; i++)
		for (size_t j = 0; j < f->dir[i].n; j++) {
			const struct ds_dir *d = &f->dir[i];
			const int64_t splits = ds_map_get(&f->children, ds_dir_key(d, j, key)) & (DS_DIR_IMAGES - 1);

			if (is_split(f, d, j) && (splits & (splits - 1)))
				return ds_add_note(s, err,
						   "'%s' has several splits, such as '%s', and all are taken; "
						   "--split NAME takes one",
						   s->operands[d->operand].path, ds_dir_part(d, j));
		}
	return 0;
}

const char *ds_dir_kept(const struct ds_dir *d, size_t i)
{
	return ds_dir_part(d, d->keep[i]);
}

static void drop_first(struct ds_dir *d, size_t n)
{
	memmove(d->keep, d->keep + n, (d->n_keep - n) * sizeof *d->keep);
	d->n_keep = (uint16_t)(d->n_keep - n);
}

/* How many leading components two folders share. */
static size_t common(const struct ds_dir *a, const struct ds_dir *b, size_t most)
{
	size_t n = 0;

	while (n < most && n < a->n_keep && n < b->n_keep && strcmp(ds_dir_kept(a, n), ds_dir_kept(b, n)) == 0)
		n++;
	return n;
}

/* The root of an operand: the leading components that all of its folders share, if it has several that differ. */
struct root {
	const struct ds_dir *first; /* one of the folders, or NULL */
	size_t n;                   /* parts */
	bool differ;
};

static void find_roots(const struct ds_folders *f, struct root *root)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct ds_dir *d = &f->dir[i];
		struct root *r = &root[d->operand];

		if (!d->n_keep)
			continue;
		if (!r->first)
			*r = (struct root){ d, d->n_keep, false };
		r->differ |= d->n_keep != r->first->n_keep || common(r->first, d, SIZE_MAX) < d->n_keep;
		r->n = common(r->first, d, r->n);
	}
}

/* Drops the roots. An operand whose images are all in one folder also uses the root of another operand that it begins
 * with. */
static int drop_roots(struct ds_source *s, struct ds_folders *f, struct err *err)
{
	struct root *root = calloc(s->n_operands + 1, sizeof *root), *some = NULL;

	if (!root)
		return err_memory(err);
	find_roots(f, root);
	for (size_t o = 0; o < s->n_operands; o++) {
		root[o].n = root[o].differ ? root[o].n : 0;
		some = root[o].n && !some ? &root[o] : some;
	}
	for (size_t o = 0; o < s->n_operands && some; o++)
		if (root[o].first && !root[o].differ && root[o].first->n_keep > some->n &&
		    common(root[o].first, some->first, some->n) == some->n)
			root[o].n = some->n;
	for (size_t i = 0; i < f->n; i++)
		if (f->dir[i].n_keep)
			drop_first(&f->dir[i], root[f->dir[i].operand].n);
	free(root);
	return 0;
}

/* Notes that images of folder d come from beside a folder called images, of a class (1) or of none (0): they may be
 * masks or drawings. Says each once. */
static int note_beside(struct ds_source *s, const struct ds_dir *d, int of_class, bool said[2], struct err *err)
{
	char key[DS_KEY];
	const char *folder = strchr(ds_dir_key(d, d->n, key), ':') + 1;
	const int len = (int)strlen(folder) - 1;

	if (said[of_class])
		return 0;
	said[of_class] = true;
	if (of_class)
		return ds_add_note(
			s, err,
			"'%.*s' lies beside a folder 'images': its images are of the class above as well (--files "
			"'*/images/*' leaves them out)",
			len, folder);
	return ds_add_note(
		s, err,
		"'%.*s' lies beside a folder 'images': its images are taken, too (--files '*images/*' leaves "
		"them out)",
		len, folder);
}

/* Drops folders beside one called images, below a class: COVID/masks beside COVID/images. */
static int drop_siblings(struct ds_source *s, struct ds_folders *f, struct err *err)
{
	char key[DS_KEY];
	bool said[2] = { false, false };

	for (size_t i = 0; i < f->n; i++) {
		struct ds_dir *d = &f->dir[i];
		uint16_t n = 0;

		for (size_t j = 0; j < d->n_keep; j++) {
			const int64_t bits = ds_map_get(&f->children, ds_dir_key(d, d->keep[j], key));
			const bool beside = bits & DS_DIR_IMAGES;

			if (beside && note_beside(s, d, n > 0, said, err) < 0)
				return -1;
			if (n == 0 || !beside)
				d->keep[n++] = d->keep[j];
		}
		d->n_keep = n;
	}
	return 0;
}

const char *ds_dir_join(const struct ds_dir *d, size_t first, char buf[DS_KEY])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = first; i < d->n_keep; i++)
		len = ds_dir_append(buf, len, ds_dir_kept(d, i), strlen(ds_dir_kept(d, i)),
				    i + 1 < d->n_keep ? '/' : '\0');
	return buf;
}

/* The kept components of a class without its first ones; the last always stays. */
static size_t first_kept(const struct ds_dir *d, size_t first)
{
	return first < d->n_keep ? first : (size_t)d->n_keep - 1;
}

/* Notes, once, that a class lies in the folder of another: cat/1.png, cat/new/2.png. */
static int note_nested(struct ds_source *s, const struct ds_folders *f, struct err *err)
{
	struct ds_map seen = { 0 };
	char a[DS_KEY], b[DS_KEY];
	int rc = 0;
	bool said = false;

	for (size_t i = 0; i < f->n && rc >= 0; i++)
		if (f->dir[i].n_keep)
			rc = ds_map_set(&seen, ds_dir_join(&f->dir[i], 0, a), 0, err);
	for (size_t i = 0; i < f->n && rc >= 0 && !said; i++) {
		struct ds_dir up = f->dir[i];

		while (!said && up.n_keep > 1) {
			up.n_keep--;
			said = ds_map_get(&seen, ds_dir_join(&up, 0, a)) >= 0;
		}
		if (said)
			rc = ds_add_note(s, err,
					 "'%s' holds images itself, and '%s' in it is a class of its own; "
					 "--class-level %zu makes one of them",
					 a, ds_dir_join(&f->dir[i], 0, b),
					 up.keep[up.n_keep - 1] + 1 - below_split(s, &up));
	}
	ds_map_release(&seen);
	return rc < 0 ? -1 : 0;
}

/* *n = how many classes there are if the first `first` components are dropped. -1 with err: out of memory. */
static int count_classes(const struct ds_folders *f, size_t first, size_t *n, struct err *err)
{
	struct ds_map seen = { 0 };
	char buf[DS_KEY];
	int rc = 0;

	for (size_t i = 0; i < f->n && rc >= 0; i++)
		if (f->dir[i].n_keep)
			rc = ds_map_set(&seen, ds_dir_join(&f->dir[i], first_kept(&f->dir[i], first), buf), 0, err);
	*n = seen.n;
	ds_map_release(&seen);
	return rc < 0 ? -1 : 0;
}

/* Drops leading components as long as the classes stay distinct. If the only class is a folder called images, there are
 * no classes. */
static int shorten(struct ds_folders *f, struct err *err)
{
	size_t n, less, first = 0, longest = 0;

	for (size_t i = 0; i < f->n; i++)
		longest = f->dir[i].n_keep > longest ? f->dir[i].n_keep : longest;
	if (count_classes(f, 0, &n, err) < 0)
		return -1;
	for (; first < longest; first++) {
		if (count_classes(f, first + 1, &less, err) < 0)
			return -1;
		if (less != n)
			break;
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->dir[i].n_keep)
			drop_first(&f->dir[i],
				   n == 1 && f->dir[i].images ? f->dir[i].n_keep : first_kept(&f->dir[i], first));
	return 0;
}

/* --class-level: the class is one folder, counted from the root or, if negative, from the image. */
static void take_level(const struct ds_source *s, struct ds_dir *d)
{
	const long level = s->o.class_level;
	const size_t from = below_split(s, d);

	d->n_keep = (size_t)labs(level) <= d->n - from;
	if (d->n_keep)
		d->keep[0] = (uint16_t)(level > 0 ? from + (size_t)level - 1 : d->n - (size_t)-level);
}

int ds_dirs_apply_rules(struct ds_source *s, struct ds_folders *f, struct err *err)
{
	if (s->o.class_level) {
		for (size_t i = 0; i < f->n; i++)
			take_level(s, &f->dir[i]);
		return 0;
	}
	if (ds_dirs_note_children(f, err) < 0)
		return -1;
	for (size_t i = 0; i < f->n; i++)
		keep_parts(s, f, &f->dir[i]);
	if (note_splits(s, f, err) < 0 || note_splits_below(s, f, err) < 0)
		return -1;
	if (drop_roots(s, f, err) < 0 || drop_siblings(s, f, err) < 0 || note_nested(s, f, err) < 0)
		return -1;
	return shorten(f, err);
}
