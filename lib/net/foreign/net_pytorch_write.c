/* SPDX-License-Identifier: MIT
 * Writes what torch.save(OrderedDict) writes: an uncompressed zip whose data begin at multiples of 64 bytes, in the
 * order data.pkl, byteorder, data/0..., version. Written front to back, so it works through a pipe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "net/foreign/net_pytorch.h"

enum { ALIGN = 64, LOCAL = 30 };

struct buffer {
	unsigned char *p;
	size_t n, cap;
	bool failed; /* out of memory */
};
struct zip_out {
	struct ts_file *f;
	struct buffer central; /* the directory at the end */
	size_t at;             /* bytes written */
	unsigned n;            /* members */
	int rc;                /* sticky: after the first failure nothing is written */
	struct err *err;
};

static void add(struct buffer *b, const void *p, size_t n)
{
	if (b->n + n > b->cap && !b->failed) {
		unsigned char *grown = realloc(b->p, 2 * (b->n + n));

		b->failed = !grown;
		b->p = grown ? grown : b->p;
		b->cap = grown ? 2 * (b->n + n) : b->cap;
	}
	if (b->failed)
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add_int(struct buffer *b, uint64_t v, int bytes)
{
	add(b, &v, (size_t)bytes); /* little-endian, like everything that we run on */
}

static void add_text(struct buffer *b, const char *s)
{
	add(b, s, strlen(s));
}

/* ---- zip ---- */

static void put(struct zip_out *z, const void *p, size_t n)
{
	if (z->rc == 0 && ts_file_put(z->f, p, n) < 0)
		z->rc = err_fail(z->err, "%s", ts_file_error(z->f));
	z->at += n;
}

/* Writes the contents of a buffer and frees it. */
static void put_buffer(struct zip_out *z, struct buffer *b)
{
	if (z->rc == 0 && b->failed)
		z->rc = err_memory(z->err);
	put(z, b->p, b->n);
	free(b->p);
}

/* The fields common to both headers of a member: from version to the length of the name. */
static void common(struct buffer *b, const char *name, uint32_t crc, size_t n)
{
	add_int(b, 20, 2); /* version 2.0; no flags; stored */
	add_int(b, 0, 4);
	add_int(b, 0x21u << 16, 4); /* 1 January 1980: no clock */
	add_int(b, crc, 4);
	add_int(b, n, 4);
	add_int(b, n, 4);
	add_int(b, strlen(name), 2);
}

static void member(struct zip_out *z, const char *tail, const void *data, size_t n)
{
	static const unsigned char zeros[ALIGN];
	const size_t at = z->at;
	struct buffer b = { 0 };
	uint32_t crc;
	char name[64];
	size_t pad;

	snprintf(name, sizeof name, "archive/%s", tail);
	crc = (uint32_t)crc32_z(0, data, n);
	pad = ALIGN - (at + LOCAL + strlen(name) + 4) % ALIGN;
	add_int(&b, 0x04034b50, 4);
	common(&b, name, crc, n);
	add_int(&b, 4 + pad, 2); /* an extra field "FB" of zeros, as PyTorch pads */
	add_text(&b, name);
	add_text(&b, "FB");
	add_int(&b, pad, 2);
	add(&b, zeros, pad);
	if (z->rc == 0 && at + n > UINT32_MAX - (1 << 24))
		z->rc = err_fail(z->err, "more than a zip archive's 4 GiB; safetensors has no such limit");
	put_buffer(z, &b);
	put(z, data, n);
	add_int(&z->central, 0x02014b50, 4);
	add_int(&z->central, 20, 2);
	common(&z->central, name, crc, n);
	add_int(&z->central, 0, 6); /* no extra field, no comment, disk 0 */
	add_int(&z->central, 0, 6);
	add_int(&z->central, at, 4);
	add_text(&z->central, name);
	z->n++;
}

static void finish(struct zip_out *z)
{
	const size_t at = z->at, size = z->central.n;
	struct buffer b = { 0 };

	put_buffer(z, &z->central);
	add_int(&b, 0x06054b50, 4);
	add_int(&b, 0, 4);
	add_int(&b, z->n, 2);
	add_int(&b, z->n, 2);
	add_int(&b, size, 4);
	add_int(&b, at, 4);
	add_int(&b, 0, 2);
	put_buffer(z, &b);
}

/* ---- pickle ---- */

static void pickle_text(struct buffer *b, const char *s)
{
	add_text(b, "X");
	add_int(b, strlen(s), 4);
	add_text(b, s);
}

static void pickle_int(struct buffer *b, size_t v)
{
	add(b, v < 1u << 31 ? "J" : "\x8a\x08", v < 1u << 31 ? 1 : 2);
	add_int(b, v, v < 1u << 31 ? 4 : 8);
}

/* _rebuild_tensor_v2(("storage", type, key, "cpu", elements), 0, shape, strides, False, OrderedDict()) */
static void pickle_tensor(struct buffer *b, const struct ts_tensor *t, size_t key)
{
	const char *type = t->type == TS_F32 ? "Float" : t->type == TS_I64 ? "Long" : "Byte";
	size_t stride[TS_MAX_DIMS], step = 1;
	char text[64];

	for (int i = t->ndim; i-- > 0; step *= t->shape[i])
		stride[i] = step;
	pickle_text(b, t->name);
	add_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
	pickle_text(b, "storage");
	snprintf(text, sizeof text, "ctorch\n%sStorage\n", type);
	add_text(b, text);
	snprintf(text, sizeof text, "%zu", key);
	pickle_text(b, text);
	pickle_text(b, "cpu");
	pickle_int(b, ts_tensor_count(t));
	add_text(b, "tQ");
	pickle_int(b, 0);
	add_text(b, "(");
	for (int i = 0; i < t->ndim; i++)
		pickle_int(b, t->shape[i]);
	add_text(b, "t(");
	for (int i = 0; i < t->ndim; i++)
		pickle_int(b, stride[i]);
	add_text(b, "t\x89"
		    "ccollections\nOrderedDict\n)RtR");
}

int net_pytorch_write(struct ts_file *f, const struct ts_set *set, struct err *err)
{
	struct zip_out z = { .f = f, .err = err };
	struct buffer b = { 0 };

	add_text(&b, "\x80\x02"
		     "ccollections\nOrderedDict\n)R(");
	for (size_t i = 0; i < set->n; i++)
		pickle_tensor(&b, &set->t[i], i);
	add_text(&b, "u.");
	if (b.failed)
		z.rc = err_memory(err);
	member(&z, "data.pkl", b.p, b.n);
	member(&z, "byteorder", "little", 6);
	for (size_t i = 0; i < set->n; i++) {
		char name[32];

		snprintf(name, sizeof name, "data/%zu", i);
		member(&z, name, set->t[i].data, ts_tensor_bytes(&set->t[i]));
	}
	member(&z, "version", "3\n", 2);
	finish(&z);
	free(b.p);
	return z.rc;
}
