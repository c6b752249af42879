/* SPDX-License-Identifier: MIT
 * Reads and writes fields of Protocol Buffers. */
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx_internal.h"

int onnx_varint(struct onnx_span *s, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (s->n == 0)
			return -1;
		const uint8_t byte = *s->at;

		s->at++;
		s->n--;
		*v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return 0;
	}
	return -1;
}

static int take(struct onnx_span *s, uint64_t n, struct onnx_span *ret)
{
	if (n > s->n)
		return -1;
	*ret = (struct onnx_span){ s->at, (size_t)n };
	s->at += n;
	s->n -= (size_t)n;
	return 0;
}

/* A little-endian number of `bytes` bytes. */
static int fixed(struct onnx_span *s, size_t bytes, uint64_t *v)
{
	struct onnx_span b;

	if (take(s, bytes, &b) < 0)
		return -1;
	*v = 0;
	for (size_t i = 0; i < bytes; i++)
		*v |= (uint64_t)b.at[i] << (8 * i);
	return 0;
}

int onnx_next(struct onnx_span *message, struct onnx_field *f)
{
	const uint8_t *start = message->at;
	uint64_t key, n;
	int rc;

	*f = (struct onnx_field){ 0 };
	if (message->n == 0)
		return 0;
	if (onnx_varint(message, &key) < 0 || key >> 3 == 0 || key >> 3 > 0x1fffffff)
		return -1;
	f->number = (unsigned)(key >> 3);
	f->wire = (unsigned)(key & 7);
	switch (f->wire) {
	case ONNX_VARINT: rc = onnx_varint(message, &f->value); break;
	case ONNX_FIXED64: rc = fixed(message, 8, &f->value); break;
	case ONNX_FIXED32: rc = fixed(message, 4, &f->value); break;
	case ONNX_BYTES: rc = onnx_varint(message, &n) < 0 ? -1 : take(message, n, &f->bytes); break;
	default: rc = -1;
	}
	f->all = (struct onnx_span){ start, (size_t)(message->at - start) };
	return rc < 0 ? -1 : 1;
}

bool onnx_same(struct onnx_span a, struct onnx_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

bool onnx_is(struct onnx_span name, const char *text)
{
	return onnx_same(name, (struct onnx_span){ (const uint8_t *)text, strlen(text) });
}

int onnx_damaged(struct err *err)
{
	return err_fail(err, "is damaged: its fields do not add up to an ONNX graph");
}

void onnx_put(struct onnx_bytes *b, const void *p, size_t n)
{
	if (n > b->cap - b->n && !b->failed) {
		const size_t cap = b->n + n > 2 * b->cap ? b->n + n : 2 * b->cap;
		uint8_t *grown = realloc(b->p, cap);

		if (grown) {
			b->p = grown;
			b->cap = cap;
		}
		b->failed = !grown;
	}
	if (b->failed || n == 0)
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void put_varint(struct onnx_bytes *b, uint64_t v)
{
	uint8_t byte;

	do {
		byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		onnx_put(b, &byte, 1);
		v >>= 7;
	} while (v);
}

void onnx_put_head(struct onnx_bytes *b, unsigned number, size_t n)
{
	put_varint(b, number << 3 | ONNX_BYTES);
	put_varint(b, n);
}
