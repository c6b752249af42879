/* SPDX-License-Identifier: MIT
 * source.h: what the fuzz targets of lib/ds share: any bytes as a file of a source, which is listed, read and walked
 * through. The files are in file.h's folder. */
#ifndef FUZZ_SOURCE_H
#define FUZZ_SOURCE_H

#include "ds/ds.h"
#include "file.h"

static volatile unsigned sink; /* what was read is used */

/* Lists the source and reads its first rows. An error must have a text. */
static void source_run(const char *path, const struct ds_options *o)
{
	char *paths[] = { (char *)(uintptr_t)path };
	struct err err = { 0 };
	struct ds_source *s = ds_open(paths, o->list ? 0 : 1, o, &err);
	struct ds_row row;
	size_t classes, n = 0;
	enum ds_step rc;

	if (!s)
		hold_text(&err);
	if (!s)
		return;
	ds_classes(s, &classes);
	while (n < 50 && (rc = ds_next(s, &row, &err)) != DS_END && rc != DS_BROKEN) {
		n++;
		if (rc != DS_ROW)
			continue;
		if (row.label < -1 || (row.label >= 0 && (size_t)row.label >= classes) || row.h < 1 || row.w < 1)
			abort();
		for (size_t i = 0; i < (size_t)row.c * (size_t)row.h * (size_t)row.w; i++)
			sink += row.image[i];
		sink += (unsigned)strlen(row.name);
	}
	ds_close(s);
}

#define SOURCE_OPTIONS .per_class = -1, .sample = -1, .limit = -1, .n_shards = 1, .threads = 1

#endif
