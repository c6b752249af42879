/* SPDX-License-Identifier: MIT
 * file.h: what the fuzz targets share. Targets whose readers open a path write the bytes to a file, in the process's
 * own folder: below TMPDIR, or else in memory if there is a folder for that. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err/err.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static inline void hold(bool c)
{
	if (!c)
		abort();
}

/* Whatever fails must report why. */
static inline void hold_text(const struct err *err)
{
	hold(err->text[0] && memchr(err->text, 0, sizeof err->text) != NULL);
}

static char file_dir[200];

static inline void file_remove(void)
{
	char command[256];

	snprintf(command, sizeof command, "rm -rf '%s'", file_dir);
	hold(!file_dir[0] || system(command) == 0);
}

/* The path of a file in the folder, which is created on first use; static storage. */
static inline const char *file_path(const char *name)
{
	static char path[256];
	const char *tmp = getenv("TMPDIR");

	if (!file_dir[0]) {
		snprintf(file_dir, sizeof file_dir, "%s/fuzz.XXXXXX",
			 tmp                           ? tmp :
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" :
							 "/tmp");
		hold(mkdtemp(file_dir) != NULL);
		atexit(file_remove);
	}
	snprintf(path, sizeof path, "%s/%s", file_dir, name);
	return path;
}

static inline void file_write(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	hold(f && fwrite(data, 1, size, f) == size);
	hold(fclose(f) == 0);
}

#endif
