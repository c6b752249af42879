/* SPDX-License-Identifier: MIT
 * Image files, one picture each: their class is the folder that they lie in. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_internal.h"

static bool named(const char *path)
{
	static const char *const endings[] = { ".png", ".jpg", ".jpeg", ".webp", ".jpe", ".jfif" };
	const char *base = ds_base(path), *dot = strrchr(base, '.');

	if (!dot || base[0] == '.' || strstr(path, "__MACOSX/"))
		return false;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (strcasecmp(dot, endings[i]) == 0)
			return true;
	return false;
}

static bool starts(const unsigned char *head, size_t n)
{
	return ds_is_image(head, n);
}

/* The name of the folder that ends at `end`, in buf; NULL: there is none, or its name is too long. */
static const char *folder(const char *path, const char *end, char buf[256])
{
	const char *begin = end;

	while (begin > path && begin[-1] != '/')
		begin--;
	if (end == begin || end - begin > 255)
		return NULL;
	memcpy(buf, begin, (size_t)(end - begin));
	buf[end - begin] = '\0';
	return buf;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const char *path = in->path, *base = ds_base(path), *class_id, *above;
	char buf[256];

	if (!ds_in_split(s, path, NULL))
		return 1;
	class_id = base > path ? folder(path, base - 1, buf) : NULL;
	/* A folder called images is no class; in Tiny ImageNet the folder above it is one, if its name is a
	 * WordNet id. */
	if (class_id && strcmp(class_id, "images") == 0) {
		above = base - strlen("images/");
		class_id = above > path ? folder(path, above - 1, buf) : NULL;
		if (class_id && !ds_is_wnid(class_id, strlen(class_id)))
			class_id = NULL;
	}
	/* Nor is the folder of the split a class. */
	if (class_id && s->o.split && strcmp(class_id, s->o.split) == 0)
		class_id = NULL;
	return ds_add_row(s, NULL, 0, class_id, -1, err) < 0 ? -1 : 1;
}

const struct ds_layout ds_layout_images = {
	.name = "images",
	.what = "PNG, JPEG and WebP files; their folder is their class",
	.named = named,
	.starts = starts,
	.list = list,
};
