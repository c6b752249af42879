/* SPDX-License-Identifier: MIT
 * Thrift's compact form: fields are numbered by the difference to the previous field; integers have variable length.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
#include "parquet/parquet_internal.h"

enum { DEPTH = 16 };

static unsigned byte(struct thrift *t)
{
	if (t->bad || t->p == t->end) {
		t->bad = true;
		return 0;
	}
	return *t->p++;
}

uint64_t thrift_varint(struct thrift *t)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const unsigned b = byte(t);

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return t->bad ? 0 : v;
	}
	t->bad = true;
	return 0;
}

static int64_t zigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

bool thrift_next(struct thrift *t, struct thrift_field *f)
{
	const unsigned head = byte(t);

	f->type = (int)(head & 15);
	if (t->bad || f->type == THRIFT_STOP)
		return false;
	if (head >> 4) {
		f->id += (int)(head >> 4);
	} else {
		const int64_t id = zigzag(thrift_varint(t));

		t->bad |= id < 0 || id > 32767;
		f->id = t->bad ? 0 : (int)id;
	}
	t->bad |= f->type > THRIFT_STRUCT || f->id > 32767;
	return !t->bad;
}

int64_t thrift_int(struct thrift *t, const struct thrift_field *f)
{
	if (f->type < THRIFT_I16 || f->type > THRIFT_I64) {
		t->bad = true;
		return 0;
	}
	return zigzag(thrift_varint(t));
}

bool thrift_bool(struct thrift *t, const struct thrift_field *f)
{
	t->bad |= f->type != THRIFT_TRUE && f->type != THRIFT_FALSE;
	return f->type == THRIFT_TRUE;
}

const unsigned char *thrift_binary(struct thrift *t, const struct thrift_field *f, size_t *n)
{
	const unsigned char *p;
	uint64_t len;

	t->bad |= f->type != THRIFT_BINARY;
	len = thrift_varint(t);
	t->bad |= len > (size_t)(t->end - t->p);
	*n = t->bad ? 0 : (size_t)len;
	p = t->p;
	t->p += *n;
	return p;
}

size_t thrift_list(struct thrift *t, struct thrift_field *f)
{
	unsigned head;
	uint64_t n;

	if (f->type != THRIFT_LIST && f->type != THRIFT_SET)
		t->bad = true;
	head = byte(t);
	f->type = (int)(head & 15);
	n = head >> 4 == 15 ? thrift_varint(t) : head >> 4;
	/* Each element takes at least one byte. */
	t->bad |= n > (size_t)(t->end - t->p) || f->type > THRIFT_STRUCT;
	return t->bad ? 0 : (size_t)n;
}

void thrift_struct(struct thrift *t, const struct thrift_field *f)
{
	t->bad |= f->type != THRIFT_STRUCT;
}

static void forward(struct thrift *t, uint64_t n)
{
	t->bad |= n > (size_t)(t->end - t->p);
	t->p += t->bad ? 0 : n;
}

static void skip(struct thrift *t, int type, int depth, bool element);

static void skip_list(struct thrift *t, int depth)
{
	struct thrift_field f = { .type = THRIFT_LIST };

	for (size_t n = thrift_list(t, &f); n && !t->bad; n--)
		skip(t, f.type, depth, true);
}

static void skip_map(struct thrift *t, int depth)
{
	uint64_t n = thrift_varint(t);
	const unsigned types = n ? byte(t) : 0;

	for (; n && !t->bad; n--) {
		skip(t, (int)(types >> 4), depth, true);
		skip(t, (int)(types & 15), depth, true);
	}
}

/* A boolean that is an element of a list is a byte; one that is a field is in the field's type. */
static void skip(struct thrift *t, int type, int depth, bool element)
{
	struct thrift_field f = { 0 };

	if (depth == DEPTH || t->bad) {
		t->bad = true;
		return;
	}
	switch (type) {
	case THRIFT_TRUE:
	case THRIFT_FALSE: forward(t, element); break;
	case THRIFT_I8: forward(t, 1); break;
	case THRIFT_I16:
	case THRIFT_I32:
	case THRIFT_I64: thrift_varint(t); break;
	case THRIFT_DOUBLE: forward(t, 8); break;
	case THRIFT_BINARY: forward(t, thrift_varint(t)); break;
	case THRIFT_LIST:
	case THRIFT_SET: skip_list(t, depth + 1); break;
	case THRIFT_MAP: skip_map(t, depth + 1); break;
	case THRIFT_STRUCT:
		while (thrift_next(t, &f))
			skip(t, f.type, depth + 1, false);
		break;
	default: t->bad = true;
	}
}

void thrift_skip(struct thrift *t, const struct thrift_field *f)
{
	skip(t, f->type, 0, false);
}
