/* SPDX-License-Identifier: MIT
 * Files of a folder (sorted) or of an archive (as they lie), one after another. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "ds/ds.h"

enum { BLOCK = 256 << 10 };

struct ds_files {
	char *path;
	FTS *fts;                         /* a folder's walk, or NULL */
	FTSENT *file;
	struct archive *archive;          /* or this */
	gzFile gz;                        /* under it, or NULL */
	unsigned char *block;             /* what gz gave last */
	locale_t utf8;                    /* in which names are read, whatever the user's */
	bool begun, link;                 /* an entry was read; the current one is a link */
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

/* The filters and formats that data sets come in, and no others: some of libarchive's run programs
 * (grzip, lrzip) or name files elsewhere on the disk (mtree). A zip is found by its directory at its
 * end, so one that is cut off is not taken for a shorter one. */
static void support(struct archive *a)
{
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_compress(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_zip_seekable(a);
	archive_read_support_format_7zip(a);
}

/* Gzip is read by zlib, which looks at its checksums. libarchive does not: a flipped bit in a .tar.gz
 * would be other pixels, and nobody the wiser. */
static la_ssize_t read_gzip(struct archive *a, void *ctx, const void **ret)
{
	struct ds_files *f = ctx;
	int n = gzread(f->gz, f->block, BLOCK), code;
	const char *why = gzerror(f->gz, &code);

	*ret = f->block;
	if (n > 0 || (n == 0 && code == Z_OK))
		return n;
	archive_set_error(a, EIO, "%s", code == Z_ERRNO ? strerror(errno) : why);
	return -1;
}

/* Reads what is left, and with it the checksum; the archive ends before it. */
static int drain(struct ds_files *f)
{
	const void *p;
	la_ssize_t n = 0;

	while (f->gz && (n = read_gzip(f->archive, f, &p)) > 0)
		;
	return n < 0 ? -1 : 0;
}

/* Opens f->gz if the file is gzip's. */
static int open_gzip(struct ds_files *f)
{
	unsigned char magic[2] = { 0 };
	FILE *file = fopen(f->path, "rb");
	bool is = file && fread(magic, 1, 2, file) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;

	if (file)
		fclose(file);
	if (is && (!(f->block = malloc(BLOCK)) || !(f->gz = gzopen(f->path, "rb"))))
		return -1;
	return 0;
}

static int open_archive(struct ds_files *f, char *err)
{
	struct archive *a = archive_read_new();

	if (!a || open_gzip(f) < 0) {
		archive_read_free(a);
		snprintf(err, DS_ERR, "out of memory");
		return -1;
	}
	f->archive = a;
	f->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	support(a);
	if ((f->gz ? archive_read_open(a, f, NULL, read_gzip, NULL) :
		     archive_read_open_filename(a, f->path, BLOCK)) != ARCHIVE_OK) {
		const char *why = archive_error_string(a);
		if (archive_errno(a) == ENOENT || archive_errno(a) == EACCES)
			snprintf(err, DS_ERR, "cannot open '%s': %s", f->path, strerror(archive_errno(a)));
		else
			snprintf(err, DS_ERR, "'%s' is neither a folder nor a whole archive: %s",
				 f->path, why ? why : "unknown format");
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
	f->fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_path);
	/* The first step is onto the folder itself; glibc leaks a walk that is closed before it. */
	if (f->fts && (f->file = fts_read(f->fts)) != NULL && f->file->fts_info == FTS_D)
		return f;
	snprintf(err, DS_ERR, "cannot read '%s': %s", path, strerror(errno));
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
	if (f->gz)
		gzclose(f->gz);
	free(f->block);
	if (f->utf8)
		freelocale(f->utf8);
	free(f->path);
	free(f);
}

static int next_in_folder(struct ds_files *f, const char **name, char *err)
{
	while ((f->file = fts_read(f->fts)) != NULL) {
		switch (f->file->fts_info) {
		case FTS_F:
		case FTS_SLNONE:              /* a link to nothing; reading it says so */
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
	if (errno == 0)
		return 0;
	snprintf(err, DS_ERR, "cannot read '%s': %s", f->path, strerror(errno));
	return -1;
}

/* A tar file ends in a block of zeros, but libarchive takes one that is cut off between two files for
 * a shorter one. At its end it has then read nothing since the last file, at byte `before`. */
static bool cut_off(struct ds_files *f, la_int64_t before)
{
	return (archive_format(f->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
	       archive_filter_bytes(f->archive, 0) == before;
}

static int next_in_archive(struct ds_files *f, const char **name, char *err)
{
	struct archive *a = f->archive;
	struct archive_entry *e;
	la_int64_t before;
	int rc = ARCHIVE_OK;

	for (;;) {
		if (f->begun)
			rc = archive_read_data_skip(a);
		before = archive_filter_bytes(a, 0);
		if (rc >= ARCHIVE_WARN)
			rc = archive_read_next_header(a, &e);
		f->begun = true;
		if (rc == ARCHIVE_EOF && !cut_off(f, before)) {
			if (drain(f) == 0)
				return 0;
			rc = ARCHIVE_FATAL;
		}
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			break;
		f->link = archive_entry_filetype(e) == AE_IFLNK || archive_entry_hardlink(e);
		if (archive_entry_filetype(e) != AE_IFREG && !f->link)
			continue;
		*name = archive_entry_pathname(e);
		if (!*name) {
			snprintf(err, DS_ERR, "'%s' has a file whose name cannot be read", f->path);
			return -1;
		}
		if (strncmp(*name, "./", 2) == 0)
			*name += 2;
		return 1;
	}
	snprintf(err, DS_ERR, "'%s' is damaged or cut off: %s", f->path, rc == ARCHIVE_EOF ?
		 "it lacks the mark that ends a tar file" : archive_error_string(a));
	return -1;
}

int ds_files_next(struct ds_files *f, const char **name, char *err)
{
	locale_t old = uselocale(f->utf8);
	int rc = f->fts ? next_in_folder(f, name, err) : next_in_archive(f, name, err);

	uselocale(old);
	return rc;
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
		snprintf(err, DS_ERR, "more than %zu bytes, or out of memory", DS_MAX_FILE);
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
	if (f->link) {
		snprintf(err, DS_ERR, "is a link; archive the files themselves (tar -h "
			 "--hard-dereference)");
		return -1;
	}
	if (!f->archive && fd < 0) {
		snprintf(err, DS_ERR, "cannot be opened: %s", strerror(errno));
		return -1;
	}
	while ((rc = grow(b, err)) == 0 && (n = read_some(f, fd, b->p + b->n, b->cap - b->n)) != 0) {
		if (n > 0) {
			b->n += (size_t)n;
			continue;
		}
		snprintf(err, DS_ERR, "cannot be read: %s", f->archive ? archive_error_string(f->archive) : strerror(errno));
		rc = -1;
		break;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}
