/* SPDX-License-Identifier: MIT
 * Bytes that grow as they arrive, up to a limit, whatever size the source declares. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "ds/ds.h"
#include "ds/ds_files.h"

int ds_bytes_grow(struct ds_bytes *b, size_t limit, struct err *err)
{
	size_t cap = b->cap ? b->cap * 2 : 64 << 10;
	unsigned char *p;

	if (b->n < b->cap)
		return 0;
	if (b->n >= limit)
		return err_fail(err, "more than %zu bytes", limit);
	/* One more than the limit, so that another read tells whether the file ends there. */
	cap = cap > limit ? limit + 1 : cap;
	if (!(p = realloc(b->p, cap)))
		return err_memory(err);
	b->p = p;
	b->cap = cap;
	return 0;
}

void ds_bytes_release(struct ds_bytes *b)
{
	free(b->p);
	*b = (struct ds_bytes){ 0 };
}

bool ds_is_gzip(const unsigned char *p, size_t n)
{
	return n >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

int ds_bytes_gunzip(const void *p, size_t n, struct ds_bytes *b, size_t limit, struct err *err)
{
	z_stream z = { 0 };
	const unsigned char *in = p;
	int rc = inflateInit2(&z, DS_GZIP_WINDOW);

	while (rc == Z_OK) {
		if (ds_bytes_grow(b, limit, err) < 0) {
			inflateEnd(&z);
			return -1;
		}
		z.next_in = (Bytef *)(uintptr_t)in;
		z.avail_in = (uInt)(n < 1 << 30 ? n : 1 << 30);
		z.next_out = b->p + b->n;
		z.avail_out = (uInt)(b->cap - b->n < 1 << 30 ? b->cap - b->n : 1 << 30);
		rc = inflate(&z, Z_NO_FLUSH);
		b->n = (size_t)(z.next_out - b->p);
		n -= (size_t)(z.next_in - in);
		in = z.next_in;
		/* A gzip file may consist of several, one after another. */
		if (rc == Z_STREAM_END && ds_is_gzip(in, n))
			rc = inflateReset(&z);
	}
	inflateEnd(&z);
	if (rc == Z_STREAM_END)
		return 0;
	if (rc == Z_MEM_ERROR)
		return err_memory(err);
	return err_fail(err, "damaged gzip file: %s", rc == Z_BUF_ERROR ? "cut off" : z.msg ? z.msg : zError(rc));
}

int ds_bytes_load(const char *path, struct ds_bytes *b, size_t limit, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
	ssize_t n = 1;

	b->n = 0;
	if (fd < 0)
		return err_fail(err, "cannot be opened: %s", strerror(errno));
	while (n > 0 && (rc = ds_bytes_grow(b, limit, err)) == 0) {
		n = read(fd, b->p + b->n, b->cap - b->n);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			rc = err_fail(err, "cannot be read: %s", strerror(errno));
		else
			b->n += (size_t)n;
	}
	close(fd);
	return rc;
}

int ds_bytes_load_picture(const char *path, struct ds_bytes *b, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_fail(err, "cannot be opened: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_fail(err, "is a %s, not a file",
				S_ISDIR(st.st_mode) ? "folder" : "FIFO, a socket or a device");
	return ds_bytes_load(path, b, DS_MAX_IMAGE, err);
}
