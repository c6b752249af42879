/* SPDX-License-Identifier: MIT
 * The end of the directory (22 bytes and a comment) gives the number of entries and where they begin; a larger one, for
 * zip64, gives these in 64 bits. An entry is 46 bytes, a name, and extra fields; it says where the file's own header
 * is, 30 bytes and the name. All numbers are little-endian. Data in front of a zip shifts all offsets. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ds/format/ds_zip.h"

enum { END = 22, END64 = 56, LOCATOR = 20, ENTRY = 46, LOCAL = 30, COMMENT = 65535, NAME = 65535 };
enum { ZIP64 = 1, UNICODE = 0x7075 }; /* ids of extra fields */

struct directory {
	uint64_t at, size, n; /* of the entries */
	uint64_t shift;       /* bytes in front of the zip */
};

static uint64_t number(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

/* Reads n bytes at an offset. -1: there are not that many. */
static int read_at(const struct ds_zip *z, uint64_t at, void *to, size_t n)
{
	size_t got = 0;

	if (at > z->size || z->size - at < n)
		return -1;
	if (z->memory) {
		memcpy(to, z->memory + at, n);
		return 0;
	}
	while (got < n) {
		ssize_t some = pread(z->fd, (char *)to + got, n - got, (off_t)(at + got));

		if (some <= 0 && errno != EINTR)
			return -1;
		got += some > 0 ? (size_t)some : 0;
	}
	return 0;
}

static int damaged(struct err *err)
{
	return err_fail(err, "is damaged: the directory at its end does not match the file");
}

/* The offset of the end of the directory, the last one that fits; -1. */
static int64_t find_end(const struct ds_zip *z, unsigned char *tail, size_t n)
{
	if (n < END || read_at(z, z->size - n, tail, n) < 0)
		return -1;
	for (size_t i = n - END + 1; i-- > 0;)
		if (memcmp(tail + i, "PK\5\6", 4) == 0 && i + END + number(tail + i + 20, 2) <= n)
			return (int64_t)i;
	return -1;
}

static int find_directory(const struct ds_zip *z, struct directory *d, struct err *err)
{
	const size_t n = z->size < END + COMMENT ? (size_t)z->size : END + COMMENT;
	unsigned char *tail = malloc(n + 1), big[END64], where[LOCATOR];
	int64_t i = tail ? find_end(z, tail, n) : -1;
	uint64_t end;

	if (i < 0) {
		free(tail);
		return tail ? damaged(err) : err_memory(err);
	}
	end = z->size - n + (uint64_t)i;
	*d = (struct directory){ number(tail + i + 16, 4), number(tail + i + 12, 4), number(tail + i + 10, 2), 0 };
	free(tail);
	if (end >= LOCATOR && read_at(z, end - LOCATOR, where, LOCATOR) == 0 && memcmp(where, "PK\6\7", 4) == 0) {
		if (end < LOCATOR + END64 || read_at(z, end - LOCATOR - END64, big, END64) < 0 ||
		    memcmp(big, "PK\6\6", 4) != 0)
			return damaged(err);
		*d = (struct directory){ number(big + 48, 8), number(big + 40, 8), number(big + 32, 8), 0 };
		end -= LOCATOR + END64;
	}
	if (d->size > end || d->at > end - d->size)
		return damaged(err);
	d->shift = end - d->size - d->at;
	return 0;
}

/* The data, *len bytes, of the field with this id among the n bytes of extra fields; NULL: there is none. */
static const unsigned char *field(const unsigned char *more, size_t n, uint64_t id, size_t *len)
{
	*len = 0;
	while (n >= 4 && number(more + 2, 2) <= n - 4) {
		const size_t size = (size_t)number(more + 2, 2);

		if (number(more, 2) == id) {
			*len = size;
			return more + 4;
		}
		more += 4 + size;
		n -= 4 + size;
	}
	return NULL;
}

/* Where the file's own header is: 4 bytes of the entry, or, if these are all ones, 8 bytes of its zip64 field. */
static int place_of(const unsigned char *entry, const unsigned char *more, size_t n, uint64_t *ret)
{
	const size_t skip =
		(number(entry + 24, 4) == UINT32_MAX ? 8u : 0u) + (number(entry + 20, 4) == UINT32_MAX ? 8u : 0u);
	const unsigned char *wide;
	size_t len;

	*ret = number(entry + 42, 4);
	if (*ret != UINT32_MAX)
		return 0;
	wide = field(more, n, ZIP64, &len);
	if (!wide || len < skip + 8)
		return -1;
	*ret = number(wide + skip, 8);
	return 0;
}

/* Checks that an entry's Unicode name is the same in both places. libarchive uses the one in the file's own header
 * instead of the plain name there. Its checksum is that of the name it replaces, so nothing else covers it. */
static bool same_unicode(const unsigned char *own, size_t n_own, const unsigned char *more, size_t n_more)
{
	size_t a, b;
	const unsigned char *x = field(own, n_own, UNICODE, &a), *y = field(more, n_more, UNICODE, &b);

	return !x == !y && a == b && (!x || memcmp(x, y, a) == 0);
}

/* Compares the names of an entry, whose bytes from 46 on are in rest: the name, then extra fields. */
static int check_entry(const struct ds_zip *z, const struct directory *d, const unsigned char *entry,
		       const unsigned char *rest, struct err *err)
{
	const size_t len = (size_t)number(entry + 28, 2), n_more = (size_t)number(entry + 30, 2);
	unsigned char head[LOCAL], own[2 * NAME]; /* the file's own name and extra fields */
	size_t n_own;
	uint64_t at;

	if (place_of(entry, rest + len, n_more, &at) < 0 || at > z->size ||
	    read_at(z, at + d->shift, head, LOCAL) < 0 || memcmp(head, "PK\3\4", 4) != 0)
		return damaged(err);
	n_own = (size_t)number(head + 28, 2);
	if (number(head + 26, 2) == len && read_at(z, at + d->shift + LOCAL, own, len + n_own) == 0 &&
	    memcmp(own, rest, len) == 0 && same_unicode(own + len, n_own, rest + len, n_more))
		return 0;
	return err_fail(err, "is damaged: the directory at its end has '%.*s', which has another name where it lies",
			(int)(len < 1000 ? len : 1000), (const char *)rest);
}

int ds_zip_check(const struct ds_zip *z, struct err *err)
{
	unsigned char entry[ENTRY], rest[2 * NAME];
	struct directory d = { 0 };
	uint64_t at;

	if (find_directory(z, &d, err) < 0)
		return -1;
	at = d.at + d.shift;
	for (uint64_t i = 0; i < d.n; i++) {
		size_t n;

		if (read_at(z, at, entry, ENTRY) < 0 || memcmp(entry, "PK\1\2", 4) != 0)
			return damaged(err);
		n = (size_t)(number(entry + 28, 2) + number(entry + 30, 2));
		if (read_at(z, at + ENTRY, rest, n) < 0)
			return damaged(err);
		if (check_entry(z, &d, entry, rest, err) < 0)
			return -1;
		at += ENTRY + n + number(entry + 32, 2);
	}
	return 0;
}

int ds_zip_check_file(const char *path, struct err *err)
{
	struct ds_zip z = { NULL, open(path, O_RDONLY | O_CLOEXEC), 0 };
	char magic[2];
	struct stat st;
	int rc = 0;

	if (z.fd < 0)
		return 0; /* this is reported when it is opened for reading */
	if (fstat(z.fd, &st) == 0 && S_ISREG(st.st_mode) && pread(z.fd, magic, 2, 0) == 2 &&
	    memcmp(magic, "PK", 2) == 0) {
		z.size = (uint64_t)st.st_size;
		rc = ds_zip_check(&z, err);
	}
	close(z.fd);
	return rc;
}
