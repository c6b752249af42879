/* SPDX-License-Identifier: MIT
 * WebDataset's tar shards: files that share a name up to its first dot are one sample, X.jpg with the
 * number of its class in X.cls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"

enum { TEXT = 32 }; /* of a .cls file's first word, with its NUL */

/* What .cls files say, by their paths up to the first dot. */
struct labels {
	struct ds_map number; /* the number of a class */
	struct ds_map bad;    /* an index of text: something else */
	char (*text)[TEXT];
};

static bool named(const char *path)
{
	size_t n = strlen(path);
	return n > 4 && strcmp(path + n - 4, ".cls") == 0;
}

/* The path up to the first dot of its last part. */
static void stem(const char *path, char buf[4096])
{
	const char *base = ds_base(path);
	snprintf(buf, 4096, "%.*s", (int)((size_t)(base - path) + strcspn(base, ".")), path);
}

/* Remembers a .cls file that is not the number of a class, for the case that there is an image of its name. */
static int add_bad(struct labels *l, const char *key, const char *text, struct err *err)
{
	const size_t n = l->bad.n;
	char(*grown)[TEXT];

	if (ds_map_get(&l->bad, key) >= 0)
		return 0;
	if (!(grown = realloc(l->text, (n + 1) * sizeof *grown)))
		return err_memory(err);
	l->text = grown;
	snprintf(grown[n], sizeof grown[n], "%s", text);
	return ds_map_set(&l->bad, key, (int64_t)n, err) < 0 ? -1 : 0;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	struct labels **l = (struct labels **)ds_state(s, DS_LAYOUT_webdataset);
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_TEXT, err);
	char text[TEXT], key[4096];
	long label;

	if (!b)
		return -1;
	if (!*l && !(*l = calloc(1, sizeof **l)))
		return err_memory(err);
	snprintf(text, sizeof text, "%.*s", (int)(b->n < TEXT - 1 ? b->n : TEXT - 1), (const char *)b->p);
	text[strcspn(text, " \r\n")] = '\0';
	stem(in->path, key);
	if (ds_number(text, 0, INT32_MAX, &label))
		return ds_map_set(&(*l)->number, key, label, err) < 0 ? -1 : 1;
	/* TeX has .cls files, too: this one matters only if it belongs to an image. */
	return add_bad(*l, key, text, err);
}

/* Counts the rows whose .cls file is a number, *found; *without is the first row without such a file. A row whose
 * .cls file is something else is an error. */
static int check_rows(struct ds_source *s, const struct labels *l, size_t *found, size_t *without, struct err *err)
{
	char key[4096], buf[DS_NAME];

	*found = 0;
	*without = s->n;
	for (size_t i = 0; i < s->n; i++) {
		const char *name = ds_row_name(s, &s->rows[i], buf);
		int64_t label, bad;

		stem(name, key);
		label = ds_map_get(&l->number, key);
		bad = ds_map_get(&l->bad, key);
		if (bad >= 0)
			return err_fail(err,
					"the .cls file of '%s' holds '%s', which is not the number of a class "
					"(--format images: do not look at .cls files)",
					name, l->text[bad]);
		if (label >= 0)
			++*found;
		else if (*without == s->n)
			*without = i;
	}
	return 0;
}

static int finish(struct ds_source *s, struct err *err)
{
	const struct labels *l = *ds_state(s, DS_LAYOUT_webdataset);
	char key[4096], buf[DS_NAME];
	size_t found, without;

	if (!l)
		return 0;
	if (check_rows(s, l, &found, &without, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (found < s->n)
		return err_fail(err,
				"'%s' has no .cls file, which %zu of the %zu images have (--format images: "
				"do not look at them)",
				ds_row_name(s, &s->rows[without], buf), found, s->n);
	/* The numbers are the classes; folders are not. */
	s->named = false;
	s->numbered = true;
	for (size_t i = 0; i < s->n; i++) {
		stem(ds_row_name(s, &s->rows[i], buf), key);
		s->rows[i].label = (int32_t)ds_map_get(&l->number, key);
	}
	return ds_name_classes(s, NULL, 0, err);
}

static void drop(void *state)
{
	struct labels *l = state;

	ds_map_release(&l->number);
	ds_map_release(&l->bad);
	free(l->text);
	free(l);
}

const struct ds_layout ds_layout_webdataset = {
	.name = "webdataset",
	.what = "tar shards of X.jpg (.png, .webp) and X.cls, the number of its class",
	.with = &ds_layout_images,
	.named = named,
	.list = list,
	.finish = finish,
	.drop = drop,
};
