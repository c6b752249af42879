/* SPDX-License-Identifier: MIT
 * Files of a folder (sorted), of an archive (as they lie), or one file by itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds.h"
#include "ds/format/ds_archive.h"
#include "ds/ds_files.h"
#include "ds/ds_walk.h"

struct ds_files {
	char *path, *name;
	struct ds_walk *walk;       /* a folder's, or NULL */
	const char *file;           /* its current path */
	struct ds_archive *archive; /* or an archive; if neither: one plain file */
	bool done;                  /* the plain file has been returned */
	int fd;                     /* of the current file, once it is read; -1 */
	enum ds_kind kind;          /* of the current file */
};

bool ds_is_npz(const unsigned char *p, size_t n)
{
	/* A zip begins with the header of its first file: 30 bytes, the length of the name at byte 26; the name
	 * follows. */
	enum { NAME_LENGTH = 26, NAME = 30 };
	size_t len = n > NAME ? p[NAME_LENGTH] | (size_t)p[NAME_LENGTH + 1] << 8 : 0;

	return len > 4 && len < n - NAME && memcmp(p, "PK\3\4", 4) == 0 && memcmp(p + NAME + len - 4, ".npy", 4) == 0;
}

/* An .npz is a zip of arrays: one file of images, not an archive of them. */
static bool is_npz(const char *path)
{
	unsigned char head[DS_NPZ_HEAD];
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(head, 1, sizeof head, f) : 0;

	if (f)
		fclose(f);
	return ds_is_npz(head, n);
}

struct ds_files *ds_files_open(const char *path, const char *name, struct err *err)
{
	struct ds_files *f = calloc(1, sizeof *f);
	struct stat st;
	int is = 0;

	if (!f) {
		err_memory(err);
		return NULL;
	}
	f->fd = -1;
	if (!(f->path = strdup(path)) || !(f->name = strdup(name))) {
		err_memory(err);
		goto fail;
	}
	if (stat(path, &st) < 0) {
		err_fail(err, "cannot open '%s': %s", name, strerror(errno));
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		if (!(f->walk = ds_walk_open(path, err)))
			goto fail;
		return f;
	}
	if (!S_ISREG(st.st_mode)) {
		err_fail(err,
			 "'%s' is neither a file nor a folder, and cannot be read twice; give it as standard input",
			 name);
		goto fail;
	}
	if (is_npz(path))
		return f;
	f->archive = ds_archive_open(path, name, &is, err);
	if (f->archive || !is)
		return f;
fail:
	ds_files_close(f);
	return NULL;
}

static void close_file(struct ds_files *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void ds_files_close(struct ds_files *f)
{
	if (!f)
		return;
	close_file(f);
	ds_walk_close(f->walk);
	ds_archive_close(f->archive);
	free(f->path);
	free(f->name);
	free(f);
}

bool ds_files_is_folder(const struct ds_files *f)
{
	return f->walk != NULL;
}

bool ds_files_is_plain(const struct ds_files *f)
{
	return !f->walk && !f->archive;
}

int ds_files_next(struct ds_files *f, const char **name, struct err *err)
{
	const char *slash;

	close_file(f);
	if (f->walk) {
		int rc = ds_walk_next(f->walk, &f->file, &f->kind, err);

		if (rc == 1) {
			*name = f->file + strlen(f->path);
			*name += strspn(*name, "/");
		}
		return rc;
	}
	if (f->archive)
		return ds_archive_next(f->archive, name, &f->kind, err);
	if (f->done)
		return 0;
	f->done = true;
	slash = strrchr(f->name, '/');
	*name = slash ? slash + 1 : f->name;
	return 1;
}

enum ds_kind ds_files_kind(const struct ds_files *f)
{
	return f->kind;
}

const char *ds_files_path(const struct ds_files *f)
{
	return f->archive ? NULL : f->walk ? f->file : f->path;
}

static ssize_t read_some(struct ds_files *f, void *to, size_t n, struct err *err)
{
	ssize_t got;

	if (f->archive)
		return ds_archive_read(f->archive, to, n, err);
	if (f->fd < 0 && (f->fd = open(ds_files_path(f), O_RDONLY | O_CLOEXEC)) < 0)
		return err_fail(err, "cannot be opened: %s", strerror(errno));
	do
		got = read(f->fd, to, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		err_fail(err, "cannot be read: %s", strerror(errno));
	return got;
}

int ds_files_read(struct ds_files *f, struct ds_bytes *b, size_t upto, struct err *err)
{
	ssize_t n = 1;

	while (b->n < upto && n > 0) {
		size_t room;

		if (ds_bytes_grow(b, upto, err) < 0)
			return -1;
		room = b->cap - b->n < upto - b->n ? b->cap - b->n : upto - b->n;
		n = read_some(f, b->p + b->n, room, err);
		b->n += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -1 : 0;
}
