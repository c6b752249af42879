/* SPDX-License-Identifier: MIT
 * Files of a folder (sorted), of an archive (as they lie), or one file by itself. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds.h"
#include "ds/format/ds_archive.h"
#include "ds/ds_files.h"

struct ds_files {
	char *path;
	FTS *fts; /* a folder's walk, or NULL */
	FTSENT *file;
	struct ds_archive *archive; /* or this; neither: one plain file */
	bool done;                  /* the plain file was given */
	int fd;                     /* of the current file, once it is read; -1 */
};

/* Sorts whole paths by bytes: what follows a folder's name is a slash ("cat-2/x" < "cat/x"). */
static int by_path(const FTSENT **a, const FTSENT **b)
{
	const unsigned char *x = (const unsigned char *)(*a)->fts_name;
	const unsigned char *y = (const unsigned char *)(*b)->fts_name;
	int cx, cy;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	cx = *x ? *x : (*a)->fts_info == FTS_D ? '/' : 0;
	cy = *y ? *y : (*b)->fts_info == FTS_D ? '/' : 0;
	return cx - cy;
}

bool ds_is_npz(const unsigned char *p, size_t n)
{
	/* A zip begins with the head of its first file: 30 bytes, at 26 the length of the name, which follows. */
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

static int open_folder(struct ds_files *f, struct err *err)
{
	char *roots[2] = { f->path, NULL };

	f->fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_path);
	/* The first step is onto the folder itself; glibc leaks a walk that is closed before it. */
	if (f->fts && (f->file = fts_read(f->fts)) != NULL && f->file->fts_info == FTS_D)
		return 0;
	return err_fail(err, "cannot read '%s': %s", f->path, strerror(errno));
}

struct ds_files *ds_files_open(const char *path, struct err *err)
{
	struct ds_files *f = calloc(1, sizeof *f);
	struct stat st;
	int is = 0;

	if (!f) {
		err_memory(err);
		return NULL;
	}
	f->fd = -1;
	if (!(f->path = strdup(path))) {
		err_memory(err);
		goto fail;
	}
	if (stat(path, &st) < 0) {
		err_fail(err, "cannot open '%s': %s", path, strerror(errno));
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		if (open_folder(f, err) < 0)
			goto fail;
		return f;
	}
	if (is_npz(path))
		return f;
	f->archive = ds_archive_open(path, &is, err);
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
	if (f->fts)
		fts_close(f->fts);
	ds_archive_close(f->archive);
	free(f->path);
	free(f);
}

bool ds_files_is_folder(const struct ds_files *f)
{
	return f->fts != NULL;
}

bool ds_files_is_plain(const struct ds_files *f)
{
	return !f->fts && !f->archive;
}

static int next_in_folder(struct ds_files *f, const char **name, struct err *err)
{
	while ((f->file = fts_read(f->fts)) != NULL) {
		switch (f->file->fts_info) {
		case FTS_F:
		case FTS_SLNONE: /* a link to nothing; reading it says so */
			*name = f->file->fts_path + strlen(f->path);
			*name += strspn(*name, "/");
			return 1;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
		case FTS_DC:
			return err_fail(err, "cannot read '%s': %s", f->file->fts_path,
					f->file->fts_info == FTS_DC ? "folder that contains itself" :
								      strerror(f->file->fts_errno));
		default: break;
		}
	}
	if (errno == 0)
		return 0;
	return err_fail(err, "cannot read '%s': %s", f->path, strerror(errno));
}

int ds_files_next(struct ds_files *f, const char **name, struct err *err)
{
	const char *slash;

	close_file(f);
	if (f->fts)
		return next_in_folder(f, name, err);
	if (f->archive)
		return ds_archive_next(f->archive, name, err);
	if (f->done)
		return 0;
	f->done = true;
	slash = strrchr(f->path, '/');
	*name = slash ? slash + 1 : f->path;
	return 1;
}

const char *ds_files_path(const struct ds_files *f)
{
	return f->archive ? NULL : f->fts ? f->file->fts_accpath : f->path;
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
