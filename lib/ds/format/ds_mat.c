/* SPDX-License-Identifier: MIT
 * A file is a header of 128 bytes, whose last two give the byte order, followed by elements: a type and a size, 4 bytes
 * each, and that many bytes, padded to a multiple of 8. An element of type 15 is another element, compressed by zlib.
 * One of type 14 is a variable, made up of elements: its class, its dimensions, its name, and, for an array, its
 * numbers. An element of at most 4 bytes may have its size in the upper half of its type, followed by its bytes. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ds/format/ds_mat.h"

enum { HEAD = 128, MATRIX = 14, COMPRESSED = 15, BLOCK = 1 << 16 };
enum { INT8 = 1, INT32 = 5, UINT32 = 6, MAX_RANK = 32, MAX_NAME = 255 };
enum { MOST_Y = 1 << 26 }; /* bytes */
enum { CLASS_CHAR = 4, CLASS_DOUBLE = 6, CLASS_UINT8 = 9, CLASS_UINT64 = 15, IS_COMPLEX = 0x800 };

struct mat {
	FILE *f;
	bool big;          /* bytes in big-endian order */
	bool x;            /* a variable X of bytes was found */
	bool others;       /* so was one that is not an array */
	struct {           /* the numbers of the current variable */
		char name; /* 'X', 'y', or 0: another */
		uint32_t type;
		uint64_t skip, left; /* bytes before them; bytes of them still to come */
	} data;
	uint32_t crc;
	unsigned char *y; /* the numbers of y, as stored */
	size_t n_y;       /* bytes */
	uint32_t type_y;
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

/* An element inside a variable. */
struct part {
	uint32_t type, size;
	const unsigned char *data;
};

/* The next part of the *n bytes at *p. The part has at most `room` bytes, all of them present; with room 0 it is the
 * last one, and *n may end before it does. False: there is none. */
static bool next_part(const struct mat *m, const unsigned char **p, size_t *n, size_t room, struct part *ret)
{
	size_t len = 8;

	if (*n < 8)
		return false;
	ret->type = four(m, *p);
	ret->size = four(m, *p + 4);
	ret->data = *p + 8;
	if (ret->type >> 16) {
		ret->size = ret->type >> 16;
		ret->type &= 0xffff;
		ret->data = *p + 4;
		if (ret->size > 4)
			return false;
	} else if (room) {
		if (ret->size > room)
			return false;
		len += ((size_t)ret->size + 7) / 8 * 8;
	}
	if (len > *n)
		return false;
	*p += len;
	*n -= len;
	return true;
}

/* Bytes of a number of this type; 0: not a type of numbers. */
static size_t type_size(uint32_t type)
{
	static const unsigned char size[] = { 0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8 };

	return type < sizeof size ? size[type] : 0;
}

/* The numbers of a variable begin here, `skip` bytes after the variable itself. */
static int begin_data(struct mat *m, char name, const struct part *data, uint64_t skip, struct err *err)
{
	m->data.name = name;
	m->data.type = data->type;
	m->data.skip = skip;
	m->data.left = data->size;
	if (name == 'X')
		m->crc = 0;
	if (name != 'y')
		return 0;
	free(m->y);
	m->y = NULL;
	m->n_y = 0;
	m->type_y = data->type;
	if (data->size <= MOST_Y && !(m->y = malloc(data->size + 1)))
		return err_memory(err);
	return 0;
}

/* The next n bytes of a variable. */
static void take_data(struct mat *m, const unsigned char *p, size_t n)
{
	const size_t skip = m->data.skip < n ? (size_t)m->data.skip : n;

	m->data.skip -= skip;
	p += skip;
	n = m->data.left < n - skip ? (size_t)m->data.left : n - skip;
	m->data.left -= n;
	if (m->data.name == 'X')
		m->crc = (uint32_t)crc32_z(m->crc, p, n);
	if (m->data.name == 'y' && m->y) {
		memcpy(m->y + m->n_y, p, n);
		m->n_y += n;
	}
}

/* Checks a variable of `size` bytes, of which n, at least as many as a header has, are at p. */
static int check_head(struct mat *m, const unsigned char *p, size_t n, uint64_t size, struct err *err)
{
	const unsigned char *const begin = p;
	struct part flags, dims, name, data;
	uint64_t count = 1;

	if (!next_part(m, &p, &n, 8, &flags) || flags.type != UINT32 || flags.size != 8)
		return err_fail(err, "damaged MATLAB file: a variable without a class");
	const uint32_t class = four(m, flags.data) & 0xff;
	if (class < CLASS_CHAR || class == CLASS_CHAR + 1 || class > CLASS_UINT64) {
		m->others = true;
		return 0;
	}
	if (!next_part(m, &p, &n, 4 * MAX_RANK, &dims) || dims.type != INT32 || dims.size < 8 || dims.size % 4 ||
	    !next_part(m, &p, &n, MAX_NAME, &name) || name.type != INT8 || !next_part(m, &p, &n, 0, &data))
		return err_fail(err, "damaged MATLAB file: a variable without dimensions, a name, or data");
	for (uint32_t i = 0; i < dims.size / 4; i++) {
		const uint32_t dim = four(m, dims.data + 4 * i);

		if (dim > INT32_MAX || (dim && count > UINT32_MAX / dim))
			return err_fail(err, "damaged MATLAB file: an array of too many elements");
		count *= dim;
	}
	if (data.size > size - (uint64_t)(data.data - begin) ||
	    (class != CLASS_CHAR && count * type_size(data.type) != data.size))
		return err_fail(err, "damaged MATLAB file: an array has other dimensions than data");
	m->others |= (four(m, flags.data) & IS_COMPLEX) != 0;
	m->x |= class == CLASS_UINT8 && name.size == 1 && name.data[0] == 'X';
	if (class != CLASS_CHAR && name.size == 1)
		return begin_data(m, (char)name.data[0], &data, (uint64_t)(data.data - begin), err);
	return 0;
}

/* Inflates `size` bytes of one element, which must be one whole stream. */
static int inflate_element(struct mat *m, z_stream *z, uint32_t size, struct err *err)
{
	uint64_t got = 0, want = 0;
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
		if (got == 0) {
			const size_t n = BLOCK - z->avail_out;

			if (n < 8 || four(m, m->out) != MATRIX)
				return err_fail(err, "damaged MATLAB file: compressed data that are not a variable");
			want = 8 + (uint64_t)four(m, m->out + 4);
			if (check_head(m, m->out + 8, n < want ? n - 8 : want - 8, want - 8, err) < 0)
				return -1;
		}
		take_data(m, m->out + (got == 0 ? 8 : 0), BLOCK - z->avail_out - (got == 0 ? 8 : 0));
		got += BLOCK - z->avail_out;
	}
	if (z->avail_in || size)
		return err_fail(err, "damaged MATLAB file: bytes behind compressed data");
	/* Elements are padded to 8 bytes, but some writers omit that at the end. */
	if (got < want || got > (want + 7) / 8 * 8)
		return err_fail(err, "damaged MATLAB file: an element of %llu bytes, but its header says %llu",
				(unsigned long long)got, (unsigned long long)want);
	return 0;
}

/* Reads the next element. 1; 0: end of file; -1. */
static int element(struct mat *m, struct err *err)
{
	unsigned char tag[8];
	const size_t n = fread(tag, 1, sizeof tag, m->f);
	z_stream z = { 0 };
	bool begins = true;
	uint32_t size;
	int rc;

	if (n == 0 && feof(m->f))
		return 0;
	if (n != sizeof tag)
		return cut_off(m, err);
	size = four(m, tag + 4);
	memset(&m->data, 0, sizeof m->data);
	if (four(m, tag) == COMPRESSED) {
		if (inflateInit(&z) != Z_OK)
			return err_memory(err);
		rc = inflate_element(m, &z, size, err);
		inflateEnd(&z);
		return rc < 0 ? -1 : 1;
	}
	if (four(m, tag) != MATRIX)
		return err_fail(err, "damaged MATLAB file: an element of type %u", (unsigned)four(m, tag));
	if (size == 0)
		return err_fail(err, "damaged MATLAB file: a variable of no bytes");
	for (uint64_t left = ((uint64_t)size + 7) / 8 * 8; left;) {
		const size_t some = left < BLOCK ? (size_t)left : BLOCK;

		if (fread(m->in, 1, some, m->f) != some)
			return cut_off(m, err);
		if (begins && check_head(m, m->in, some < size ? some : size, size, err) < 0)
			return -1;
		take_data(m, m->in, some);
		begins = false;
		left -= some;
	}
	return 1;
}

/* The number of this type at p, whose bytes are in the file's order. */
static double number(const struct mat *m, uint32_t type, const unsigned char *p)
{
	const size_t n = type_size(type);
	uint64_t bits = 0;
	float f;
	double d;

	for (size_t i = 0; i < n; i++)
		bits |= (uint64_t)p[m->big ? n - 1 - i : i] << 8 * i;
	const uint32_t low = (uint32_t)bits;
	memcpy(&f, &low, sizeof f);
	memcpy(&d, &bits, sizeof d);
	switch (type) {
	case 1: return (int8_t)bits;
	case 3: return (int16_t)bits;
	case 5: return (int32_t)bits;
	case 7: return (double)f;
	case 9: return d;
	case 12: return (double)(int64_t)bits;
	default: return (double)bits;
	}
}

static int take_labels(const struct mat *m, struct ds_mat *ret, struct err *err)
{
	const size_t size = type_size(m->type_y), n = size ? m->n_y / size : 0;

	if (!m->y || n == 0)
		return 0;
	if (!(ret->y = malloc(n * sizeof *ret->y)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		ret->y[i] = number(m, m->type_y, m->y + i * size);
	ret->n_y = n;
	return 0;
}

void ds_mat_release(struct ds_mat *m)
{
	free(m->y);
	m->y = NULL;
}

int ds_mat_check(const char *path, struct ds_mat *ret, struct err *err)
{
	struct mat m = { 0 };
	unsigned char head[HEAD] = { 0 };
	int rc = 1;

	*ret = (struct ds_mat){ .kind = DS_MAT_NOTES };
	if (!(m.f = fopen(path, "rbe")))
		return err_fail(err, "cannot be opened: %s", strerror(errno));
	if (fread(head, 1, HEAD, m.f) != HEAD)
		rc = cut_off(&m, err);
	m.big = memcmp(head + HEAD - 2, "MI", 2) == 0;
	while (rc == 1)
		rc = element(&m, err);
	fclose(m.f);
	ret->kind = !m.x ? DS_MAT_NOTES : m.others ? DS_MAT_MIXED : DS_MAT_IMAGES;
	ret->x = m.crc;
	if (rc == 0)
		rc = take_labels(&m, ret, err);
	free(m.y);
	return rc;
}
