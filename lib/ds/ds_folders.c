/* SPDX-License-Identifier: MIT
 * From folders to classes. Each folder that holds images is cut into its parts, which are kept or dropped one rule
 * after another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_folders.h"

/* A folder with image files. There may be as many as images, so it is one piece of memory: its path, cut into n
 * parts, and two arrays. */
struct dir {
	char *text;
	uint16_t *part; /* where each begins in text */
	uint16_t *keep; /* the parts that make the class, by their places, n_keep of them; none: no class */
	uint32_t operand;
	uint16_t n, n_keep;
	bool images; /* its last part is "images" */
};

struct seen { /* any folder */
	size_t operand;
	char *path;
	bool link;
};

struct ds_folders {
	struct dir *dir;
	struct seen *seen;
	size_t n, cap, n_seen, cap_seen;
	struct ds_map children; /* what folders hold: bits of what() */
	struct ds_map parents;  /* of folders of classes, to one of those */
	struct ds_map holds;    /* folders that hold images at any depth */
};

static const char *const split_words[] = { "train", "training", "trainval",   "test", "testing",
					   "val",   "valid",    "validation", "dev" };
enum { N_SPLITS = sizeof split_words / sizeof *split_words, IMAGES = 1 << N_SPLITS, OTHER = IMAGES << 1 };

/* What a folder's name says: the bit of a split, IMAGES, or OTHER. */
static int what(const char *name)
{
	for (int i = 0; i < N_SPLITS; i++)
		if (strcmp(name, split_words[i]) == 0)
			return 1 << i;
	return strcmp(name, "images") == 0 ? IMAGES : OTHER;
}

static struct ds_folders *folders_of(struct ds_source *s, struct err *err)
{
	if (!s->folders && !(s->folders = calloc(1, sizeof *s->folders)))
		err_memory(err);
	return s->folders;
}

int ds_folder_seen(struct ds_source *s, const char *path, bool link, struct err *err)
{
	struct ds_folders *f = folders_of(s, err);

	if (!f)
		return -1;
	if (f->n_seen == f->cap_seen) {
		const size_t cap = f->cap_seen ? 2 * f->cap_seen : 64;
		struct seen *grown = realloc(f->seen, cap * sizeof *grown);
		if (!grown)
			return err_memory(err);
		f->seen = grown;
		f->cap_seen = cap;
	}
	f->seen[f->n_seen] = (struct seen){ s->listing.operand, strdup(path), link };
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

static const char *part_of(const struct dir *d, size_t i)
{
	return d->text + d->part[i];
}

/* Makes *d of a path of len bytes. */
static int cut(struct dir *d, uint32_t operand, const char *path, size_t len, struct err *err)
{
	const size_t arrays = (len + 2) & ~(size_t)1; /* behind the text */
	size_t most = 1;
	bool begins = true;

	for (size_t i = 0; i < len; i++)
		most += path[i] == '/';
	*d = (struct dir){ .text = malloc(arrays + 2 * most * sizeof *d->part), .operand = operand };
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
		struct dir *grown = realloc(f->dir, cap * sizeof *grown);
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

enum { KEY = 8192 };

/* Appends `want` bytes of text and a character, cut off at the end of a key; its new length. There may be a million
 * folders, of which each makes several keys: formatting would take most of the time. */
static size_t append(char key[KEY], size_t len, const char *text, size_t want, char last)
{
	const size_t room = KEY - 2 - len, n = want < room ? want : room;

	memcpy(key + len, text, n);
	key[len + n] = last;
	key[len + n + 1] = '\0';
	return n < want || n == room ? KEY - 2 : len + n + 1;
}

/* "OPERAND:", the beginning of a key; its length. */
static size_t begin_key(uint32_t operand, char key[KEY])
{
	char digits[16], *p = digits + sizeof digits - 1;

	*p = '\0';
	do
		*--p = (char)('0' + operand % 10);
	while ((operand /= 10) > 0);
	return append(key, 0, p, strlen(p), ':');
}

/* A key for the first n parts of a folder. */
static const char *key_of(const struct dir *d, size_t n, char key[KEY])
{
	size_t len = begin_key(d->operand, key);

	for (size_t i = 0; i < n; i++)
		len = append(key, len, part_of(d, i), strlen(part_of(d, i)), '/');
	return key;
}

/* The row's folder inside its operand, *len bytes; NULL: it is no image file. */
static const char *folder_of(const struct ds_source *s, const struct ds_entry *r, size_t *len)
{
	const struct ds_file *file = &s->files[r->file];
	const char *path = file->path + strlen(s->operands[file->operand].prefix), *base = ds_base(path);

	if (file->layout != DS_LAYOUT_images)
		return NULL;
	*len = base > path ? (size_t)(base - path) - 1 : 0;
	return path;
}

/* Lists the folders of all image files; of[row] becomes the place of its folder. */
static int collect(struct ds_source *s, struct ds_folders *f, uint32_t *of, struct err *err)
{
	struct ds_map at = { 0 };
	char key[KEY];
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const uint32_t operand = s->files[s->rows[i].file].operand;
		size_t len;
		const char *path = folder_of(s, &s->rows[i], &len);
		int64_t place;

		if (!path)
			continue;
		append(key, begin_key(operand, key), path, len, '\0');
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

/* Which kinds of folders each folder holds. */
static int note_children(struct ds_folders *f, struct err *err)
{
	char key[KEY];

	for (size_t i = 0; i < f->n; i++)
		for (size_t j = 0; j < f->dir[i].n; j++) {
			int64_t bits = ds_map_get(&f->children, key_of(&f->dir[i], j, key));

			bits = (bits < 0 ? 0 : bits) | what(part_of(&f->dir[i], j));
			if (ds_map_set(&f->children, key, bits, err) < 0)
				return -1;
		}
	return 0;
}

/* ---- rules ---- */

/* Is the part a folder of a split? Its name is, and it stands alone, or beside nothing else or another such. */
static bool is_split(const struct ds_folders *f, const struct dir *d, size_t part)
{
	char key[KEY];
	const int64_t bits = ds_map_get(&f->children, key_of(d, part, key)), splits = bits & (IMAGES - 1);

	return what(part_of(d, part)) < IMAGES && (!(bits & ~(IMAGES - 1)) || (splits & (splits - 1)));
}

/* Keeps what is below the split, without folders of splits and those called images. */
static void keep_parts(const struct ds_source *s, const struct ds_folders *f, struct dir *d)
{
	size_t from = 0, end = d->n;

	for (size_t j = 0; s->o.split && j < d->n && !from; j++)
		if (strcmp(part_of(d, j), s->o.split) == 0)
			from = j + 1;
	d->images = d->n > from && what(part_of(d, d->n - 1)) == IMAGES;
	while (end > from && what(part_of(d, end - 1)) == IMAGES)
		end--;
	/* An image right in the folder of a split has no class. */
	if (end == from || is_split(f, d, end - 1))
		return;
	for (size_t j = from; j < end; j++)
		if (what(part_of(d, j)) != IMAGES && !is_split(f, d, j))
			d->keep[d->n_keep++] = (uint16_t)j;
}

static const char *kept(const struct dir *d, size_t i)
{
	return part_of(d, d->keep[i]);
}

static void drop_first(struct dir *d, size_t n)
{
	memmove(d->keep, d->keep + n, (d->n_keep - n) * sizeof *d->keep);
	d->n_keep = (uint16_t)(d->n_keep - n);
}

/* How many of their first parts two folders share. */
static size_t common(const struct dir *a, const struct dir *b, size_t most)
{
	size_t n = 0;

	while (n < most && n < a->n_keep && n < b->n_keep && strcmp(kept(a, n), kept(b, n)) == 0)
		n++;
	return n;
}

/* The root of an operand: the parts that all of its folders begin with, if there are several that differ. */
struct root {
	const struct dir *first; /* one of the folders, or NULL */
	size_t n;                /* parts */
	bool differ;
};

static void find_roots(const struct ds_folders *f, struct root *root)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct dir *d = &f->dir[i];
		struct root *r = &root[d->operand];

		if (!d->n_keep)
			continue;
		if (!r->first)
			*r = (struct root){ d, d->n_keep, false };
		r->differ |= d->n_keep != r->first->n_keep || common(r->first, d, SIZE_MAX) < d->n_keep;
		r->n = common(r->first, d, r->n);
	}
}

/* Drops the roots. An operand whose images lie in one folder has the root of another that it begins with, too. */
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

/* Drops what stands beside a folder called images, below a class: COVID/masks beside COVID/images. */
static int drop_siblings(struct ds_source *s, struct ds_folders *f, struct err *err)
{
	char key[KEY];
	const char *folder;
	bool said = false;

	for (size_t i = 0; i < f->n; i++) {
		struct dir *d = &f->dir[i];
		uint16_t n = 0;

		for (size_t j = 0; j < d->n_keep; j++) {
			const int64_t bits = ds_map_get(&f->children, key_of(d, d->keep[j], key));

			if (n == 0 || !(bits & IMAGES)) {
				d->keep[n++] = d->keep[j];
				continue;
			}
			folder = strchr(key_of(d, d->n, key), ':') + 1;
			if (!said &&
			    ds_add_note(
				    s, err,
				    "'%.*s' lies beside a folder 'images': its images are of the class above as well "
				    "(--files '*/images/*' leaves them out)",
				    (int)strlen(folder) - 1, folder) < 0)
				return -1;
			said = true;
		}
		d->n_keep = n;
	}
	return 0;
}

/* The class of a folder, its kept parts from the first on that counts; in buf. */
static const char *join(const struct dir *d, size_t first, char buf[KEY])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = first; i < d->n_keep; i++)
		len = append(buf, len, kept(d, i), strlen(kept(d, i)), i + 1 < d->n_keep ? '/' : '\0');
	return buf;
}

/* The parts that are left of a class without its first ones; its last one stays. */
static size_t first_kept(const struct dir *d, size_t first)
{
	return first < d->n_keep ? first : (size_t)d->n_keep - 1;
}

/* How many classes there are if the first parts, `first` of them, are dropped, *n. -1 with err: no memory. */
static int count_classes(const struct ds_folders *f, size_t first, size_t *n, struct err *err)
{
	struct ds_map seen = { 0 };
	char buf[KEY];
	int rc = 0;

	for (size_t i = 0; i < f->n && rc >= 0; i++)
		if (f->dir[i].n_keep)
			rc = ds_map_set(&seen, join(&f->dir[i], first_kept(&f->dir[i], first), buf), 0, err);
	*n = seen.n;
	ds_map_release(&seen);
	return rc < 0 ? -1 : 0;
}

/* Drops as many of the first parts as classes do not need. An only class called by a folder of images is none. */
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
static void take_level(const struct ds_source *s, struct dir *d)
{
	const long level = s->o.class_level;
	size_t from = 0;

	for (size_t j = 0; s->o.split && j < d->n && !from; j++)
		if (strcmp(part_of(d, j), s->o.split) == 0)
			from = j + 1;
	d->n_keep = (size_t)labs(level) <= d->n - from;
	if (d->n_keep)
		d->keep[0] = (uint16_t)(level > 0 ? from + (size_t)level - 1 : d->n - (size_t)-level);
}

static int apply_rules(struct ds_source *s, struct ds_folders *f, struct err *err)
{
	if (s->o.class_level) {
		for (size_t i = 0; i < f->n; i++)
			take_level(s, &f->dir[i]);
		return 0;
	}
	if (note_children(f, err) < 0)
		return -1;
	for (size_t i = 0; i < f->n; i++)
		keep_parts(s, f, &f->dir[i]);
	return drop_roots(s, f, err) < 0 || drop_siblings(s, f, err) < 0 || shorten(f, err) < 0 ? -1 : 0;
}

/* ---- classes ---- */

/* Two classes whose own folders have one name are said, once. */
static int note_same_name(struct ds_source *s, const struct ds_folders *f, struct err *err)
{
	struct ds_map last = { 0 };
	char a[KEY], b[KEY];
	int rc = 0;

	for (size_t i = 0; i < f->n && rc == 0 && !s->o.class_level; i++) {
		const struct dir *d = &f->dir[i];
		int64_t other;

		if (!d->n_keep)
			continue;
		if ((other = ds_map_get(&last, kept(d, d->n_keep - 1))) < 0)
			rc = ds_map_set(&last, kept(d, d->n_keep - 1), (int64_t)i, err);
		else if (strcmp(join(d, 0, a), join(&f->dir[other], 0, b)) != 0) {
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

/* Numbers of the folders' classes; -1: none. */
static int number(struct ds_source *s, const struct ds_folders *f, int32_t *class_of, struct err *err)
{
	char buf[KEY];

	for (size_t i = 0; i < f->n; i++) {
		class_of[i] = -1;
		if (f->dir[i].n_keep && (class_of[i] = ds_class_number(s, join(&f->dir[i], 0, buf), err)) < 0)
			return -1;
		s->named |= f->dir[i].n_keep > 0;
	}
	return 0;
}

int ds_folder_classes(struct ds_source *s, struct err *err)
{
	struct ds_folders *f = folders_of(s, err);
	uint32_t *of = malloc((s->n + 1) * sizeof *of);
	int32_t *class_of = NULL;
	int rc = -1;

	if (f && !of)
		err_memory(err);
	else if (f && collect(s, f, of, err) == 0 && apply_rules(s, f, err) == 0 && note_same_name(s, f, err) == 0) {
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

/* Which folders hold images, and in which the folders of classes lie. */
static int note_parents(struct ds_folders *f, struct err *err)
{
	char key[KEY];

	for (size_t i = 0; i < f->n; i++) {
		const struct dir *d = &f->dir[i];

		for (size_t j = 1; j <= d->n; j++)
			if (ds_map_set(&f->holds, key_of(d, j, key), 0, err) < 0)
				return -1;
		if (d->n_keep && ds_map_set(&f->parents, key_of(d, d->keep[d->n_keep - 1], key), (int64_t)i, err) < 0)
			return -1;
	}
	return 0;
}

/* The folder of a class beside which this one lies, though it holds no image; NULL: it is no such folder. */
static const struct dir *class_beside(const struct ds_folders *f, const struct seen *e)
{
	const char *base = ds_base(e->path);
	char key[KEY];
	int64_t at, bits;

	append(key, begin_key((uint32_t)e->operand, key), e->path, strlen(e->path), '/');
	if (ds_map_get(&f->holds, key) >= 0)
		return NULL;
	append(key, begin_key((uint32_t)e->operand, key), e->path, (size_t)(base - e->path), '\0');
	at = ds_map_get(&f->parents, key);
	bits = ds_map_get(&f->children, key);
	if (at < 0 || what(base) != OTHER || (bits > 0 && (bits & IMAGES)))
		return NULL;
	return &f->dir[at];
}

/* --empty-classes keep: the folder becomes a class, called as those beside it are. */
static int keep_class(struct ds_source *s, const struct dir *beside, const char *path, struct err *err)
{
	char id[KEY], *slash;

	join(beside, 0, id);
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
		const struct seen *e = &f->seen[i];
		const struct dir *beside = class_beside(f, e);
		char buf[KEY];

		if (!beside)
			continue;
		if (s->o.empty_classes == DS_EMPTY_ERROR)
			return err_fail(
				err,
				"'%s': '%s' %s, and lies beside the folders of classes such as '%s': without it "
				"later classes have other labels; --empty-classes keep or drop says what it is",
				s->operands[e->operand].path, e->path,
				e->link ? "is a link that leads to nothing" : "holds no image", join(beside, 0, buf));
		if (keep_class(s, beside, e->path, err) < 0)
			return -1;
	}
	return 0;
}
