/* SPDX-License-Identifier: MIT
 * A walk through folders: its order, and a disk that fails during a listing, which must not pass for the folder's end.
 * */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds.h"
#include "ds/ds_walk.h"
#include "../tap.h"

static struct err err;
static char dir[] = "/tmp/ds_walk.XXXXXX";

/* Replaces the C library's in this program: a folder has these files; step number `fails` returns EIO. */
static unsigned long steps, fails;
static const char *const files[] = { ".", "a.png", "..", "b.png", "c.png" };
static size_t at;

DIR *opendir(const char *path)
{
	at = 0;
	errno = 0;
	return access(path, R_OK) == 0 ? (DIR *)files : NULL;
}

int closedir(DIR *d)
{
	(void)d;
	return 0;
}

struct dirent *readdir(DIR *d)
{
	static struct dirent e;

	(void)d;
	if (++steps == fails) {
		errno = EIO;
		return NULL;
	}
	if (at == sizeof files / sizeof *files)
		return NULL;
	snprintf(e.d_name, sizeof e.d_name, "%s", files[at++]);
	return &e;
}

/* The number of files that a walk finds; -1: an error. */
static int walk(void)
{
	struct ds_walk *w = ds_walk_open(dir, &err);
	enum ds_kind kind;
	const char *path;
	int rc, n = 0;

	if (!w)
		return -1;
	while ((rc = ds_walk_next(w, &path, &kind, &err)) == 1)
		n++;
	ds_walk_close(w);
	return rc < 0 ? -1 : n;
}

int main(void)
{
	static const unsigned char png[] = "\x89PNG\r\n\x1a\n";
	static struct ds_options all = { .per_class = -1, .sample = -1, .limit = -1, .n_shards = 1 };
	char path[256], *paths[] = { dir };
	struct ds_source *s;
	unsigned long wrong = 0, n = 0;

	ok(mkdtemp(dir) != NULL, "a folder of one's own");
	for (size_t i = 1; i < sizeof files / sizeof *files; i += i == 1 ? 2 : 1) {
		FILE *f;

		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		if ((f = fopen(path, "wb")) != NULL) {
			fwrite(png, 1, sizeof png - 1, f);
			fclose(f);
		}
	}
	ok(walk() == 3, "three files");
	for (fails = 1;; fails++) {
		steps = 0;
		if (walk() == 3)
			break;
		n++;
		wrong += !strstr(err.text, "cannot list '") || !strstr(err.text, dir) ||
			 !strstr(err.text, strerror(EIO));
	}
	ok(n == 6 && wrong == 0, "a listing that breaks off after any of %lu steps is said: %s", n, err.text);
	fails = 3;
	steps = 0;
	s = ds_open(paths, 1, &all, &err);
	ok(!s && strstr(err.text, "completely"), "and is no source: %s", err.text);
	ds_close(s);
	for (size_t i = 1; i < sizeof files / sizeof *files; i += i == 1 ? 2 : 1) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		remove(path);
	}
	ok(rmdir(dir) == 0, "all is tidied up");
	return done();
}
