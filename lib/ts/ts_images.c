/* SPDX-License-Identifier: MIT
 * Fields of streams of images. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_images.h"

const struct ts_field *ts_images_field(struct ts_reader *r)
{
	const struct ts_header *h = ts_reader_expect(r, "images");
	const struct ts_field *f = h ? ts_header_field(h, "image") : NULL;

	if (h && (!f || f->type != TS_U8 || f->ndim != 3)) {
		ts_reader_fail(r, "has no field 'image' of |u1 pixels (channels, height, width)");
		return NULL;
	}
	return f;
}

int ts_images_labels(struct ts_reader *r, bool needed)
{
	const struct ts_header *h = ts_reader_header(r);

	if (!h)
		return -1;
	return needed && !ts_header_field(h, "label") ? ts_reader_fail(r, "has no field 'label'") : 0;
}

int ts_images_classes(struct ts_reader *r, char ***names, size_t *n)
{
	if (ts_meta_get_strs(&ts_reader_header(r)->meta, "classes", names, n) < 0)
		return ts_reader_fail(r, "meta 'classes' is not a list of names, or memory ran out");
	return 0;
}

int ts_images_some(struct ts_reader *r)
{
	return ts_reader_rows(r) ? 0 : ts_reader_fail(r, "is empty: it holds no images");
}

bool ts_same_classes(char *const *a, size_t n, char *const *b, size_t m)
{
	if (!a || !b)
		return true;
	for (size_t i = 0; i < n && n == m; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return n == m;
}

/* The number of this name, or -1. */
static int64_t class_called(const char *name, char *const *names, size_t n)
{
	for (size_t k = 0; names && k < n; k++)
		if (strcmp(names[k], name) == 0)
			return (int64_t)k;
	return -1;
}

int ts_map_classes(struct ts_class_map *m, char *const *names, size_t n, char *const *others, size_t n_others)
{
	*m = (struct ts_class_map){ .to = calloc(n + 1, sizeof *m->to), .n = n };
	for (size_t i = 0; m->to && i < n; i++) {
		m->to[i] = class_called(names[i], others, n_others);
		m->found += m->to[i] >= 0;
	}
	return m->to ? 0 : -1;
}

int64_t ts_class_of(const struct ts_class_map *m, int64_t y)
{
	if (!m->to)
		return y;
	return y >= 0 && (size_t)y < m->n ? m->to[y] : -1;
}

void ts_class_map_release(struct ts_class_map *m)
{
	free(m->to);
	*m = (struct ts_class_map){ 0 };
}

char **ts_copy_classes(char *const *names, size_t n)
{
	char **to = calloc(n + 1, sizeof *to);

	for (size_t i = 0; to && i < n; i++)
		if (!(to[i] = strdup(names[i]))) {
			ts_strs_free(to, i);
			return NULL;
		}
	return to;
}
