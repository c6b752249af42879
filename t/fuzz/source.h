/* SPDX-License-Identifier: MIT
 * source.h: what the fuzz targets of lib/ds share: any bytes as a file of a source, which is listed, read
 * and walked through. The files lie in a folder of the process's own, in memory where there is one. */
#ifndef FUZZ_SOURCE_H
#define FUZZ_SOURCE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds.h"
#include "err/err.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char source_dir[64];

static void source_remove(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", source_dir);
	if (source_dir[0] && system(command) != 0)
		abort();
}

/* The path of a file in the folder, which is made on first use; static storage. */
static const char *source_path(const char *name)
{
	static char path[256];

	if (!source_dir[0]) {
		strncpy(source_dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/fuzz.XXXXXX" : "/tmp/fuzz.XXXXXX",
			sizeof source_dir - 1);
		if (!mkdtemp(source_dir))
			abort();
		atexit(source_remove);
	}
	snprintf(path, sizeof path, "%s/%s", source_dir, name);
	return path;
}

static void source_write(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
}

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

	if (!s && (!err.text[0] || !memchr(err.text, 0, sizeof err.text)))
		abort();
	if (!s)
		return;
	ds_classes(s, &classes);
	while (n < 50 && (rc = ds_next(s, &row, &err)) != DS_END && rc != DS_BROKEN) {
		n++;
		if (rc == DS_DAMAGED)
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
