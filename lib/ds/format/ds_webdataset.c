/* SPDX-License-Identifier: MIT
 * WebDataset's tar shards: X.jpg with the number of its class in X.cls. Files that share a name up to its first dot are
 * one sample; if several .cls files do, the one that shares more with the image is used. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"

enum {
	TEXT = 32,         /* of a .cls file's first word, with its NUL */
	MAX_BESIDE = 1024, /* other labels that are remembered: one beside an image is enough */
};

/* A .cls file. */
struct label {
	long number;     /* -1: other text */
	char text[TEXT]; /* how the text begins */
	char *path;
	bool used;  /* an image has it: */
	size_t row; /* this one */
};

/* The contents of .cls files: from the file's path without ".cls" to the number of a label. */
struct labels {
	struct ds_map by_key;
	struct label *label;
	struct ds_map
		beside; /* the paths of other labels, which are not read, up to their first dot: which of others[] */
};

/* Where others keep the class of an image. */
static const char *const others[] = { ".json", ".label", ".labels", ".target", ".class", ".category" };
enum { N_OTHERS = sizeof others / sizeof *others };

/* Which of others[], or N_OTHERS. */
static int which_other(const char *path)
{
	int i = 0;

	while (i < N_OTHERS && !ds_ends_in(path, others[i]))
		i++;
	return i;
}

static bool named(const char *path)
{
	return ds_ends_in(path, ".cls") || which_other(path) < N_OTHERS;
}

/* The path without its extension; or up to the first dot of its last component, which is WebDataset's rule: a.mask.png
 * belongs to a.cls, and a.1.png to a.1.cls if there is one. */
static void stem(const char *path, bool shortest, char buf[4096])
{
	const char *base = ds_base(path), *dot = strrchr(base, '.');
	const size_t len = shortest ? strcspn(base, ".") : dot ? (size_t)(dot - base) : strlen(base);

	snprintf(buf, 4096, "%.*s", (int)((size_t)(base - path) + len), path);
}

/* The number that is the file's whole content, blanks aside. */
static long number_of(const struct ds_bytes *b)
{
	char text[TEXT];
	size_t n = b->n, from = 0;
	long label;

	while (n && isspace(b->p[n - 1]))
		n--;
	while (from < n && isspace(b->p[from]))
		from++;
	if (n - from >= TEXT || memchr(b->p + from, '\0', n - from))
		return -1;
	snprintf(text, sizeof text, "%.*s", (int)(n - from), (const char *)b->p + from);
	return ds_number(text, 0, INT32_MAX, &label) ? label : -1;
}

static int list_cls(struct labels *l, struct ds_in *in, struct err *err)
{
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_TEXT, err);
	struct label *grown, *one;
	char key[4096];
	size_t n;

	if (!b)
		return -1;
	stem(in->path, false, key);
	if (ds_map_get(&l->by_key, key) >= 0)
		return err_fail(err, "'%s' and '%s' are labels of one sample",
				l->label[ds_map_get(&l->by_key, key)].path, in->path);
	n = l->by_key.n;
	if (!(grown = realloc(l->label, (n + 1) * sizeof *grown)))
		return err_memory(err);
	l->label = grown;
	one = &grown[n];
	*one = (struct label){ .number = number_of(b), .path = strdup(in->path) };
	snprintf(one->text, sizeof one->text, "%.*s", (int)(b->n < TEXT - 1 ? b->n : TEXT - 1), (const char *)b->p);
	one->text[strcspn(one->text, "\r\n")] = '\0';
	if (one->path && ds_map_set(&l->by_key, key, (int64_t)n, err) >= 0)
		return 1;
	if (!one->path)
		err_memory(err);
	free(one->path);
	return -1;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	struct labels **l = (struct labels **)ds_state(s, DS_LAYOUT_webdataset);
	char key[4096];

	if (!*l && !(*l = calloc(1, sizeof **l)))
		return err_memory(err);
	if (ds_ends_in(in->path, ".cls"))
		return list_cls(*l, in, err);
	stem(in->path, true, key);
	return (*l)->beside.n < MAX_BESIDE && ds_map_set(&(*l)->beside, key, which_other(in->path), err) < 0 ? -1 : 0;
}

/* The label of a row, or NULL. *key becomes that of its sample. */
static struct label *label_of(const struct labels *l, const char *name, char key[4096])
{
	int64_t at;

	stem(name, false, key);
	if ((at = ds_map_get(&l->by_key, key)) < 0) {
		stem(name, true, key);
		at = ds_map_get(&l->by_key, key);
	}
	return at < 0 ? NULL : &l->label[at];
}

/* Reports the first bytes of an invalid .cls file. Returns -1. */
static int say_bad(const struct label *l, const char *name, struct err *err)
{
	return err_fail(err,
			"the .cls file of '%s' holds '%s', which is not the number of a class (--format images: do not "
			"look at .cls files)",
			name, l->text);
}

/* Counts in *found the rows whose .cls file is a number; *without is the first row without such a file. A row whose
 * .cls file holds something else is an error, and so are two images with the same label file. */
static int check_rows(struct ds_source *s, struct labels *l, size_t *found, size_t *without, struct err *err)
{
	char key[4096], buf[DS_NAME], other[DS_NAME];

	*found = 0;
	*without = s->n;
	for (size_t i = 0; i < s->n; i++) {
		const char *name = ds_row_name(s, &s->rows[i], buf);
		struct label *one = label_of(l, name, key);

		if (!one) {
			*without = *without == s->n ? i : *without;
			continue;
		}
		if (one->number < 0)
			return say_bad(one, name, err);
		if (one->used)
			return err_fail(err,
					"'%s' and '%s' are images of one sample; --files PATTERN takes the images that "
					"are meant",
					ds_row_name(s, &s->rows[one->row], other), name);
		one->used = true;
		one->row = i;
		++*found;
	}
	return 0;
}

/* Adds a note about labels without an image, if they are numbers; TeX has .cls files, too. */
static int note_unused(struct ds_source *s, const struct labels *l, struct err *err)
{
	for (size_t i = 0; i < l->by_key.n && !s->o.files && !s->o.split; i++)
		if (!l->label[i].used && l->label[i].number >= 0)
			return ds_add_note(s, err, "'%s' is a label without an image", l->label[i].path);
	return 0;
}

/* Adds a note about an image without a class that has a label of another kind: those are not read. */
static int note_beside(struct ds_source *s, const struct labels *l, struct err *err)
{
	char key[4096], buf[DS_NAME];

	for (size_t i = 0; i < s->n && l->beside.n && !s->o.list; i++) {
		const char *name = ds_row_name(s, &s->rows[i], buf);
		int64_t which;

		stem(name, true, key);
		if (s->rows[i].label < 0 && s->files[s->rows[i].file].layout == DS_LAYOUT_images &&
		    (which = ds_map_get(&l->beside, key)) >= 0)
			return ds_add_note(s, err,
					   "'%s' has no class: labels are read from .cls files, which hold the number "
					   "of the class, and not from the %s file beside it",
					   name, others[which]);
	}
	return 0;
}

static int finish(struct ds_source *s, struct err *err)
{
	struct labels *l = *ds_state(s, DS_LAYOUT_webdataset);
	char key[4096], buf[DS_NAME];
	size_t found, without;

	if (!l || !s->n)
		return 0;
	if (check_rows(s, l, &found, &without, err) < 0 || note_unused(s, l, err) < 0)
		return -1;
	if (!found)
		return note_beside(s, l, err);
	if (found < s->n)
		return err_fail(err,
				"'%s' has no .cls file, which %zu of the %zu images have (--format images: do "
				"not look at them)",
				ds_row_name(s, &s->rows[without], buf), found, s->n);
	/* The numbers are the classes; the folders are not. */
	s->named = false;
	s->numbered = true;
	for (size_t i = 0; i < s->n; i++)
		s->rows[i].label = (int32_t)label_of(l, ds_row_name(s, &s->rows[i], buf), key)->number;
	return ds_name_classes(s, NULL, 0, err);
}

static void drop(void *state)
{
	struct labels *l = state;

	for (size_t i = 0; i < l->by_key.n; i++)
		free(l->label[i].path);
	free(l->label);
	ds_map_release(&l->by_key);
	ds_map_release(&l->beside);
	free(l);
}

const struct ds_layout ds_layout_webdataset = {
	.name = "webdataset",
	.what = "tar shards of X.jpg (.png, .webp) and X.cls, the number of its class",
	.with = &ds_layout_images,
	.named = named,
	.annotates = true,
	.list = list,
	.finish = finish,
	.drop = drop,
};
