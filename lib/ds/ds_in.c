/* SPDX-License-Identifier: MIT
 * The current file: first a look at its first bytes, then all of it if needed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "ds/ds_internal.h"

void ds_in_begin(struct ds_in *in, struct ds_files *files, const char *path, const char *real)
{
	in->files = files;
	in->path = path;
	in->real = real;
	in->raw.n = in->unpacked.n = 0;
	in->gz = in->known = in->whole = false;
	/* One large file is no reason to hold that much memory from then on. */
	if (in->raw.cap > 1 << 24)
		ds_bytes_release(&in->raw);
	if (in->unpacked.cap > 1 << 24)
		ds_bytes_release(&in->unpacked);
}

void ds_in_release(struct ds_in *in)
{
	ds_bytes_release(&in->raw);
	ds_bytes_release(&in->unpacked);
}

/* Reads on until there are `upto` bytes, or the end. */
static int more(struct ds_in *in, size_t upto, struct err *err)
{
	if (in->files)
		return ds_files_read(in->files, &in->raw, upto, err);
	if (in->raw.n)
		return 0;
	return ds_bytes_load(in->real, &in->raw, DS_MAX_FILE, err);
}

/* The first bytes of a gzip file, as far as the compressed bytes that were read allow. */
static int unpack_head(struct ds_in *in, struct err *err)
{
	z_stream z = { 0 };

	in->unpacked.n = 0;
	if (ds_bytes_grow(&in->unpacked, DS_MAX_FILE, err) < 0)
		return -1;
	if (inflateInit2(&z, DS_GZIP_WINDOW) != Z_OK)
		return err_memory(err);
	z.next_in = in->raw.p;
	z.avail_in = (uInt)(in->raw.n < DS_HEAD ? in->raw.n : DS_HEAD);
	z.next_out = in->unpacked.p;
	z.avail_out = DS_HEAD;
	inflate(&z, Z_SYNC_FLUSH);
	in->unpacked.n = DS_HEAD - z.avail_out;
	inflateEnd(&z);
	return 0;
}

int ds_in_head(struct ds_in *in, const unsigned char **p, size_t *n, struct err *err)
{
	const struct ds_bytes *b;

	if (!in->known) {
		if (more(in, DS_HEAD, err) < 0)
			return -1;
		in->gz = ds_is_gzip(in->raw.p, in->raw.n);
		if (in->gz && unpack_head(in, err) < 0)
			return -1;
		in->known = true;
	}
	b = in->gz ? &in->unpacked : &in->raw;
	*p = b->p;
	*n = b->n < DS_HEAD ? b->n : DS_HEAD;
	return 0;
}

const struct ds_bytes *ds_in_content(struct ds_in *in, size_t limit, struct err *err)
{
	const unsigned char *p;
	size_t n;

	if (ds_in_head(in, &p, &n, err) < 0)
		return NULL;
	if (!in->whole) {
		if (more(in, limit + 1, err) < 0)
			return NULL;
		in->unpacked.n = 0;
		if (in->gz && ds_bytes_gunzip(in->raw.p, in->raw.n, &in->unpacked, limit, err) < 0)
			return NULL;
		in->whole = true;
	}
	if (in->raw.n <= limit)
		return in->gz ? &in->unpacked : &in->raw;
	err_fail(err, "more than %zu bytes", limit);
	return NULL;
}

struct ds_bytes ds_in_detach(struct ds_in *in)
{
	struct ds_bytes *from = in->gz ? &in->unpacked : &in->raw, b = *from;

	*from = (struct ds_bytes){ 0 };
	return b;
}

int ds_in_open_path(struct ds_in *in, char path[4096], int *fd, struct err *err)
{
	const struct ds_bytes *b;

	*fd = -1;
	if (in->real && (!in->known || !in->gz)) {
		snprintf(path, 4096, "%s", in->real);
		return 0;
	}
	if (!(b = ds_in_content(in, DS_MAX_FILE, err)))
		return -1;
	*fd = memfd_create("unmask", MFD_CLOEXEC);
	for (size_t at = 0; *fd >= 0 && at < b->n;) {
		ssize_t n = write(*fd, b->p + at, b->n - at);

		if (n < 0 && errno != EINTR) {
			close(*fd);
			*fd = -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	snprintf(path, 4096, "/proc/self/fd/%d", *fd);
	if (*fd >= 0)
		return 0;
	return err_fail(err, "cannot be held in memory: %s", strerror(errno));
}

/* ---- texts ---- */

char *ds_text_copy(const struct ds_bytes *b, struct err *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t skip = b->n >= 3 && memcmp(b->p, mark, 3) == 0 ? 3 : 0;
	char *text = malloc(b->n + 1);

	if (!text) {
		err_memory(err);
		return NULL;
	}
	memcpy(text, (const char *)b->p + skip, b->n - skip);
	text[b->n - skip] = '\0';
	return text;
}

char *ds_text_line(struct ds_text *t)
{
	char *line = strsep(&t->rest, "\n");

	if (line)
		line[strcspn(line, "\r")] = '\0';
	/* There is no line after the end of the last one. */
	return line && (*line || t->rest) ? line : NULL;
}

bool ds_number(const char *s, long min, long max, long *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 10);
	if (!*s || *s == ' ' || *end || errno || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool ds_is_wnid(const char *s, size_t n)
{
	return n == 9 && s[0] == 'n' && strspn(s + 1, "0123456789") >= 8;
}
