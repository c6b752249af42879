/* SPDX-License-Identifier: MIT
 * Archives through libarchive. Gzip is read by zlib, which verifies the checksums: libarchive does not, and a flipped
 * bit in a .tar.gz would change pixels without an error. */
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "arc/arc.h"
#include "ds/ds.h"
#include "ds/ds_files.h"
#include "ds/format/ds_archive.h"
#include "ds/format/ds_zip.h"

enum { BLOCK = 256 << 10, PATH = 4096 };

struct ds_archive {
	char *path;
	struct archive *outer, *inner; /* inner: a tar inside the archive, while it is being read */
	gzFile gz;                     /* decompresses for outer, or NULL */
	unsigned char *block, *inner_block;
	locale_t utf8;           /* locale for reading names, whatever the user's is */
	bool begun, inner_begun; /* an entry has been read */
	enum ds_kind kind;       /* of the current entry */
	char prefix[PATH];       /* prefix for the names of the inner tar */
	char name[2 * PATH];
};

/* The filters and formats that data sets use, and no others: some of libarchive's run programs (grzip, lrzip) or name
 * files elsewhere on the disk (mtree). A zip is recognised by the directory at its end, so a truncated one is not taken
 * for a shorter one. */
static void support(struct archive *a)
{
	arc->archive_read_support_filter_bzip2(a);
	arc->archive_read_support_filter_xz(a);
	arc->archive_read_support_filter_lzma(a);
	arc->archive_read_support_filter_zstd(a);
	arc->archive_read_support_filter_lz4(a);
	arc->archive_read_support_filter_compress(a);
	arc->archive_read_support_format_tar(a);
	arc->archive_read_support_format_zip_seekable(a);
	arc->archive_read_support_format_7zip(a);
}

static la_ssize_t read_gzip(struct archive *ar, void *ctx, const void **ret)
{
	struct ds_archive *a = ctx;
	int n = gzread(a->gz, a->block, BLOCK), code;
	const char *why = gzerror(a->gz, &code);

	*ret = a->block;
	if (n > 0 || (n == 0 && code == Z_OK))
		return n;
	arc->archive_set_error(ar, EIO, "%s", code == Z_ERRNO ? strerror(errno) : why);
	return -1;
}

/* Reads the rest of the gzip file, where the checksum is: the archive inside ends before that. */
static int drain(struct ds_archive *a)
{
	const void *p;
	la_ssize_t n = 0;

	while (a->gz && (n = read_gzip(a->outer, a, &p)) > 0)
		;
	return n < 0 ? -1 : 0;
}

/* Opens a->gz if it is a gzip file. */
static int open_gzip(struct ds_archive *a, const char *path, struct err *err)
{
	unsigned char magic[2];
	FILE *file = fopen(path, "rb");
	bool is = file && ds_is_gzip(magic, fread(magic, 1, sizeof magic, file));

	if (file)
		fclose(file);
	if (!is)
		return 0;
	if (!(a->block = malloc(BLOCK)))
		return err_memory(err);
	errno = 0;
	if ((a->gz = gzopen(path, "rb")))
		return 0;
	return errno ? err_fail(err, "cannot open '%s': %s", a->path, strerror(errno)) : err_memory(err);
}

static struct ds_archive *new_archive(const char *path, struct err *err)
{
	struct ds_archive *a;

	if (arc_open(err) < 0)
		return NULL;
	a = calloc(1, sizeof *a);
	if (!a || !(a->path = strdup(path)) || !(a->outer = arc->archive_read_new())) {
		err_memory(err);
		ds_archive_close(a);
		return NULL;
	}
	a->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return a;
}

struct ds_archive *ds_archive_open(const char *path, const char *name, int *is, struct err *err)
{
	struct ds_archive *a = new_archive(name, err);
	const char *why;
	int code;

	*is = 1;
	if (!a || open_gzip(a, path, err) < 0)
		goto fail;
	support(a->outer);
	if ((a->gz ? arc->archive_read_open(a->outer, a, NULL, read_gzip, NULL) :
		     arc->archive_read_open_filename(a->outer, path, BLOCK)) == ARCHIVE_OK) {
		if (a->gz || ds_zip_check_file(path, err) == 0)
			return a;
		err_prefix(err, "'%s' ", name);
		goto fail;
	}
	why = arc->archive_error_string(a->outer);
	code = arc->archive_errno(a->outer);
	*is = code == ENOENT || code == EACCES;
	if (*is)
		err_fail(err, "cannot open '%s': %s", name, strerror(code));
	else
		err_fail(err, "%s", why ? why : "unknown format");
fail:
	ds_archive_close(a);
	return NULL;
}

struct ds_archive *ds_archive_open_zip(const void *p, size_t n, const char *name, struct err *err)
{
	struct ds_archive *a = new_archive(name, err);

	if (!a)
		return NULL;
	arc->archive_read_support_format_zip_seekable(a->outer);
	if (arc->archive_read_open_memory(a->outer, p, n) == ARCHIVE_OK) {
		if (ds_zip_check(&(struct ds_zip){ p, -1, n }, err) == 0)
			return a;
		err_prefix(err, "zip file ");
		ds_archive_close(a);
		return NULL;
	}
	err_fail(err, "not a whole zip file: %s", arc->archive_error_string(a->outer));
	ds_archive_close(a);
	return NULL;
}

void ds_archive_close(struct ds_archive *a)
{
	if (!a)
		return;
	arc->archive_read_free(a->inner);
	arc->archive_read_free(a->outer);
	if (a->gz)
		gzclose(a->gz);
	if (a->utf8)
		freelocale(a->utf8);
	free(a->block);
	free(a->inner_block);
	free(a->path);
	free(a);
}

/* ---- a tar inside ---- */

static la_ssize_t read_outer(struct archive *ar, void *ctx, const void **ret)
{
	struct ds_archive *a = ctx;
	la_ssize_t n = arc->archive_read_data(a->outer, a->inner_block, BLOCK);

	*ret = a->inner_block;
	if (n < 0)
		arc->archive_set_error(ar, EIO, "%s", arc->archive_error_string(a->outer));
	return n;
}

/* ImageNet's training images are a tar of a thousand tars, each with the name of its class. */
static int open_inner(struct ds_archive *a, const char *name, struct err *err)
{
	if (!(a->inner = arc->archive_read_new()) || (!a->inner_block && !(a->inner_block = malloc(BLOCK))))
		return err_memory(err);
	snprintf(a->prefix, sizeof a->prefix, "%.*s/", (int)(strlen(name) - 4), name);
	a->inner_begun = false;
	arc->archive_read_support_format_tar(a->inner);
	if (arc->archive_read_open(a->inner, a, NULL, read_outer, NULL) == ARCHIVE_OK)
		return 0;
	return err_fail(err, "'%s': '%s' is not a whole tar file", a->path, name);
}

static bool is_tar(const char *name)
{
	size_t n = strlen(name);
	return n > 4 && n < PATH - 8 && strcasecmp(name + n - 4, ".tar") == 0;
}

/* ---- entries ---- */

/* A tar file ends with a block of zeros, but libarchive also accepts one that is truncated between two files. In that
 * case it has read nothing more since the end of the last file, at byte `before`. */
static bool cut_off(struct archive *ar, la_int64_t before)
{
	return (arc->archive_format(ar) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
	       arc->archive_filter_bytes(ar, 0) == before;
}

/* The next header: 1, 0 at the end, -1. */
static int next_entry(struct ds_archive *a, struct archive *ar, bool *begun, struct archive_entry **e, struct err *err)
{
	la_int64_t before;
	int rc = ARCHIVE_OK;

	if (*begun)
		rc = arc->archive_read_data_skip(ar);
	before = arc->archive_filter_bytes(ar, 0);
	if (rc >= ARCHIVE_WARN)
		rc = arc->archive_read_next_header(ar, e);
	*begun = true;
	if (rc == ARCHIVE_EOF && !cut_off(ar, before)) {
		if (ar == a->inner || drain(a) == 0)
			return 0;
		rc = ARCHIVE_FATAL;
	}
	if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
		return 1;
	return err_fail(err, "'%s' is damaged or cut off: %s%s%s", a->path, ar == a->inner ? a->prefix : "",
			ar == a->inner ? ": " : "",
			rc == ARCHIVE_EOF ? "the mark at the end of a tar file is missing" :
					    arc->archive_error_string(ar));
}

/* Does the name lead out of the archive? Nothing is unpacked, but such a name was meant to do harm. */
static bool leads_out(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return true;
	return name[0] == '/';
}

static int take(struct ds_archive *a, struct archive_entry *e, const char **name, struct err *err)
{
	const char *path = arc->archive_entry_pathname(e);

	if (!path)
		return err_fail(err, "'%s' has a file whose name cannot be read", a->path);
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (leads_out(path))
		return err_fail(err, "'%s' has a file named '%s', which leads out of it", a->path, path);
	if (strlen(path) >= PATH)
		return err_fail(err, "'%s' has a file named '%s', which is too long a name", a->path, path);
	a->kind = arc->archive_entry_filetype(e) == AE_IFLNK || arc->archive_entry_hardlink(e) ? DS_LINK :
		  arc->archive_entry_filetype(e) == AE_IFREG                                   ? DS_FILE :
		  arc->archive_entry_filetype(e) == AE_IFDIR                                   ? DS_FOLDER :
												 DS_SPECIAL;
	snprintf(a->name, sizeof a->name, "%s%s", a->inner ? a->prefix : "", path);
	while (a->kind == DS_FOLDER && a->name[0] && a->name[strlen(a->name) - 1] == '/')
		a->name[strlen(a->name) - 1] = '\0';
	*name = a->name;
	return 1;
}

static int next(struct ds_archive *a, const char **name, struct err *err)
{
	struct archive_entry *e;
	int rc;

	for (;;) {
		rc = a->inner ? next_entry(a, a->inner, &a->inner_begun, &e, err) :
				next_entry(a, a->outer, &a->begun, &e, err);
		if (rc == 0 && a->inner) {
			arc->archive_read_free(a->inner);
			a->inner = NULL;
			continue;
		}
		if (rc <= 0)
			return rc;
		if ((rc = take(a, e, name, err)) < 0)
			return rc;
		if (!a->name[0] || strcmp(a->name, ".") == 0)
			continue; /* the archive's own folder */
		if (a->inner || a->kind != DS_FILE || !is_tar(a->name))
			return 1;
		if (open_inner(a, a->name, err) < 0)
			return -1;
	}
}

int ds_archive_next(struct ds_archive *a, const char **name, enum ds_kind *kind, struct err *err)
{
	locale_t old = uselocale(a->utf8);
	int rc = next(a, name, err);

	uselocale(old);
	*kind = a->kind;
	return rc;
}

ssize_t ds_archive_read(struct ds_archive *a, void *to, size_t n, struct err *err)
{
	struct archive *ar = a->inner ? a->inner : a->outer;
	la_ssize_t got;

	if (a->kind == DS_LINK)
		return err_fail(err, "is a link; archive the files themselves (tar -h --hard-dereference)");
	got = arc->archive_read_data(ar, to, n);
	return got < 0 ? err_fail(err, "cannot be read: %s", arc->archive_error_string(ar)) : got;
}

int ds_archive_read_all(struct ds_archive *a, struct ds_bytes *b, size_t limit, struct err *err)
{
	ssize_t n = 1;

	b->n = 0;
	while (n > 0) {
		if (ds_bytes_grow(b, limit, err) < 0 || (n = ds_archive_read(a, b->p + b->n, b->cap - b->n, err)) < 0)
			return -1;
		b->n += (size_t)n;
	}
	return 0;
}
