/* SPDX-License-Identifier: MIT
 * Image files, one picture each. The class is the folder. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ds/ds_folders.h"
#include "ds/ds_internal.h"

static bool named(const char *path)
{
	/* Includes pictures that are not supported: each gets an error, and is not skipped. */
	static const char *const endings[] = { ".png", ".jpg",  ".jpeg", ".webp", ".jpe", ".jfif", ".gif",
					       ".bmp", ".dib",  ".tif",  ".tiff", ".ppm", ".pgm",  ".pbm",
					       ".pnm", ".heic", ".heif", ".avif", ".jp2", ".j2k",  ".jpx",
					       ".jxl", ".tga",  ".psd",  ".apng", ".mpo", ".exr",  ".dds",
					       ".pcx", ".pam",  ".pfm",  ".dcm",  ".dng" };
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

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	if (!ds_in_split(s, in->path, NULL))
		return 1;
	return ds_add_row(s, NULL, 0, NULL, -1, err) < 0 ? -1 : 1;
}

static int finish(struct ds_source *s, struct err *err)
{
	return s->o.list ? 0 : ds_folder_classes(s, err);
}

const struct ds_layout ds_layout_images = {
	.name = "images",
	.what = "PNG, JPEG, WebP, GIF and BMP files; their folder is their class",
	.named = named,
	.starts = starts,
	.list = list,
	.finish = finish,
};
