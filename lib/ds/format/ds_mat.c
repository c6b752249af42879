/* SPDX-License-Identifier: MIT
 * A file is a head of 128 bytes, whose last two tell the order of bytes, and elements: a type and a size, 4 bytes each,
 * and as many bytes. An element of type 15 is another element, compressed by zlib. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "ds/format/ds_mat.h"

enum { HEAD = 128, MATRIX = 14, COMPRESSED = 15, BLOCK = 1 << 16 };

struct mat {
	FILE *f;
	bool big; /* bytes in big-endian order */
	unsigned char in[BLOCK], out[BLOCK];
};

static uint32_t four(const struct mat *m, const unsigned char *p)
{
	return m->big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] :
			(uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static int cut_off(const struct mat *m, struct err *err)
{
	return ferror(m->f) ? err_fail(err, "cannot be read: %s", strerror(errno)) :
			      err_fail(err, "damaged MATLAB file, or cut off");
}

/* Inflates `size` bytes, which must be one whole stream, of one element. */
static int inflate_element(struct mat *m, z_stream *z, uint32_t size, struct err *err)
{
	uint64_t got = 0, want = UINT64_MAX;
	int rc = Z_OK;

	while (rc != Z_STREAM_END) {
		if (z->avail_in == 0 && size) {
			const size_t n = size < BLOCK ? size : BLOCK;

			if (fread(m->in, 1, n, m->f) != n)
				return cut_off(m, err);
			z->next_in = m->in;
			z->avail_in = (uInt)n;
			size -= (uint32_t)n;
		}
		z->next_out = m->out;
		z->avail_out = BLOCK;
		rc = inflate(z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END)
			return rc == Z_MEM_ERROR ? err_memory(err) :
						   err_fail(err, "damaged MATLAB file: %s",
							    z->msg ? z->msg : "compressed data end too early");
		if (want == UINT64_MAX && BLOCK - z->avail_out >= 8)
			want = 8 + (uint64_t)four(m, m->out + 4);
		got += BLOCK - z->avail_out;
	}
	if (z->avail_in || size)
		return err_fail(err, "damaged MATLAB file: bytes behind compressed data");
	/* Elements are filled up to 8 bytes, but some writers leave that out at the end. */
	if (got < want || got > (want + 7) / 8 * 8)
		return err_fail(err, "damaged MATLAB file: an element of %llu bytes where its head says %llu",
				(unsigned long long)got, (unsigned long long)want);
	return 0;
}

/* The next element. 1, 0: the file ends, -1. */
static int element(struct mat *m, struct err *err)
{
	unsigned char tag[8];
	const size_t n = fread(tag, 1, sizeof tag, m->f);
	z_stream z = { 0 };
	uint32_t size;
	int rc;

	if (n == 0 && feof(m->f))
		return 0;
	if (n != sizeof tag)
		return cut_off(m, err);
	size = four(m, tag + 4);
	if (four(m, tag) == COMPRESSED) {
		if (inflateInit(&z) != Z_OK)
			return err_memory(err);
		rc = inflate_element(m, &z, size, err);
		inflateEnd(&z);
		return rc < 0 ? -1 : 1;
	}
	if (four(m, tag) != MATRIX)
		return err_fail(err, "damaged MATLAB file: an element of type %u", (unsigned)four(m, tag));
	for (uint64_t left = ((uint64_t)size + 7) / 8 * 8; left;) {
		const size_t some = left < BLOCK ? (size_t)left : BLOCK;

		if (fread(m->in, 1, some, m->f) != some)
			return cut_off(m, err);
		left -= some;
	}
	return 1;
}

int ds_mat_check(const char *path, struct err *err)
{
	struct mat m = { 0 };
	unsigned char head[HEAD] = { 0 };
	int rc = 1;

	if (!(m.f = fopen(path, "rbe")))
		return err_fail(err, "cannot be opened: %s", strerror(errno));
	if (fread(head, 1, HEAD, m.f) != HEAD)
		rc = cut_off(&m, err);
	m.big = memcmp(head + HEAD - 2, "MI", 2) == 0;
	while (rc == 1)
		rc = element(&m, err);
	fclose(m.f);
	return rc;
}
