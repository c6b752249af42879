/* SPDX-License-Identifier: MIT
 * WebDataset's tar shards: files that share a name up to its first dot are one sample, X.jpg with the
 * number of its class in X.cls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"

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

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	struct ds_map **m = (struct ds_map **)ds_state(s, DS_LAYOUT_webdataset);
	const struct ds_bytes *b = ds_in_content(in, DS_MAX_TEXT, err);
	char text[32], key[4096];
	long label;

	if (!b)
		return -1;
	snprintf(text, sizeof text, "%.*s", (int)(b->n < 31 ? b->n : 31), (const char *)b->p);
	text[strcspn(text, " \r\n")] = '\0';
	if (!ds_number(text, 0, INT32_MAX, &label))
		return 0;                     /* TeX has .cls files, too */
	err_memory(err);
	if (!*m && !(*m = calloc(1, sizeof **m)))
		return -1;
	stem(in->path, key);
	return ds_map_set(*m, key, label) < 0 ? -1 : 1;
}

static int finish(struct ds_source *s, struct err *err)
{
	const struct ds_map *m = *ds_state(s, DS_LAYOUT_webdataset);
	char key[4096], buf[DS_NAME];
	size_t found = 0, without = s->n;

	for (size_t i = 0; m && i < s->n; i++) {
		stem(ds_row_name(s, &s->rows[i], buf), key);
		if (ds_map_get(m, key) >= 0)
			found++;
		else if (without == s->n)
			without = i;
	}
	if (!found)
		return 0;
	if (found < s->n) {
		return err_fail(err, "'%s' has no .cls file, which %zu of the %zu images have (--format images: "
			 "do not look at them)", ds_row_name(s, &s->rows[without], buf), found, s->n);
	}
	/* The numbers are the classes; folders are not. */
	s->named = false;
	s->numbered = true;
	for (size_t i = 0; i < s->n; i++) {
		stem(ds_row_name(s, &s->rows[i], buf), key);
		s->rows[i].label = (int32_t)ds_map_get(m, key);
	}
	if (ds_name_classes(s, NULL, 0) == 0)
		return 0;
	return err_memory(err);
}

static void drop(void *state)
{
	ds_map_release(state);
	free(state);
}

const struct ds_layout ds_layout_webdataset = {
	.name = "webdataset", .what = "tar shards of X.jpg (.png, .webp) and X.cls, the number of its class",
	.with = &ds_layout_images, .named = named, .list = list, .finish = finish, .drop = drop,
};
