/* SPDX-License-Identifier: MIT
 * Files of a folder (sorted) or of an archive (as they lie), one after another. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/ds.h"

enum { BLOCK = 256 << 10 };

struct ds_files {
	char *path;
	FTS *fts;                         /* a folder's walk, or NULL */
	FTSENT *file;
	struct archive *archive;          /* or this */
};

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int open_archive(struct ds_files *f, char *err)
{
	struct archive *a = archive_read_new();

	if (!a) {
		snprintf(err, DS_ERR, "out of memory");
		return -1;
	}
	f->archive = a;
	archive_read_support_filter_all(a);
	archive_read_support_format_all(a);
	if (archive_read_open_filename(a, f->path, BLOCK) != ARCHIVE_OK) {
		const char *why = archive_error_string(a);
		if (archive_errno(a) == ENOENT || archive_errno(a) == EACCES)
			snprintf(err, DS_ERR, "cannot open '%s': %s", f->path, strerror(archive_errno(a)));
		else
			snprintf(err, DS_ERR, "'%s' is neither a folder nor an archive: %s", f->path,
				 why ? why : "unknown format");
		return -1;
	}
	return 0;
}

struct ds_files *ds_files_open(const char *path, char *err)
{
	struct ds_files *f = calloc(1, sizeof *f);
	struct stat st;
	char *roots[2];

	snprintf(err, DS_ERR, "out of memory");
	if (!f || !(f->path = strdup(path)))
		goto fail;
	if (stat(path, &st) < 0) {
		snprintf(err, DS_ERR, "cannot open '%s': %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (open_archive(f, err) < 0)
			goto fail;
		return f;
	}
	roots[0] = f->path;
	roots[1] = NULL;
	f->fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	if (f->fts)
		return f;
fail:
	ds_files_close(f);
	return NULL;
}

void ds_files_close(struct ds_files *f)
{
	if (!f)
		return;
	if (f->fts)
		fts_close(f->fts);
	if (f->archive)
		archive_read_free(f->archive);
	free(f->path);
	free(f);
}

static int next_in_folder(struct ds_files *f, const char **name, char *err)
{
	while ((f->file = fts_read(f->fts)) != NULL) {
		switch (f->file->fts_info) {
		case FTS_F:
			*name = f->file->fts_path + strlen(f->path);
			*name += strspn(*name, "/");
			return 1;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
		case FTS_DC:
			snprintf(err, DS_ERR, "cannot read '%s': %s", f->file->fts_path,
				 f->file->fts_info == FTS_DC ? "folder that contains itself" :
				 strerror(f->file->fts_errno));
			return -1;
		default:
			break;
		}
	}
	return 0;
}

static int next_in_archive(struct ds_files *f, const char **name, char *err)
{
	struct archive_entry *e;
	int rc;

	while ((rc = archive_read_next_header(f->archive, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
		if (archive_entry_filetype(e) != AE_IFREG || !archive_entry_pathname(e))
			continue;
		*name = archive_entry_pathname(e);
		if (strncmp(*name, "./", 2) == 0)
			*name += 2;
		return 1;
	}
	if (rc == ARCHIVE_EOF)
		return 0;
	snprintf(err, DS_ERR, "'%s' is damaged or cut off: %s", f->path,
		 archive_error_string(f->archive));
	return -1;
}

int ds_files_next(struct ds_files *f, const char **name, char *err)
{
	return f->fts ? next_in_folder(f, name, err) : next_in_archive(f, name, err);
}

/* Reads from the archive, or from fd. */
static ssize_t read_some(struct ds_files *f, int fd, void *to, size_t n)
{
	ssize_t got;

	if (f->archive)
		return archive_read_data(f->archive, to, n);
	do
		got = read(fd, to, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Room for more bytes in b, twice what is there. */
static int grow(struct ds_bytes *b, char *err)
{
	size_t cap = b->cap ? b->cap * 2 : 64 << 10;
	unsigned char *p;

	if (b->cap - b->n >= 4096)
		return 0;
	if (b->n >= DS_MAX_FILE || !(p = realloc(b->p, cap))) {
		snprintf(err, DS_ERR, "file is too large, or out of memory");
		return -1;
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

int ds_files_read(struct ds_files *f, struct ds_bytes *b, char *err)
{
	int fd = f->archive ? -1 : open(f->file->fts_accpath, O_RDONLY | O_CLOEXEC), rc = -1;
	ssize_t n;

	b->n = 0;
	if (!f->archive && fd < 0) {
		snprintf(err, DS_ERR, "cannot open '%s': %s", f->file->fts_path, strerror(errno));
		return -1;
	}
	while ((rc = grow(b, err)) == 0 && (n = read_some(f, fd, b->p + b->n, b->cap - b->n)) != 0) {
		if (n > 0) {
			b->n += (size_t)n;
			continue;
		}
		snprintf(err, DS_ERR, "'%s' cannot be read: %s", f->path,
			 f->archive ? archive_error_string(f->archive) : strerror(errno));
		rc = -1;
		break;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}
