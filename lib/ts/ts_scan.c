/* SPDX-License-Identifier: MIT
 * Finds the end of a MessagePack record. msgpack-c's own streaming unpacker allocates 24 bytes for every element that
 * an array or map declares, before a single one has arrived; this scans first. */
#include "ts/ts_internal.h"

void ts_scan_init(struct ts_scan *s, size_t limit)
{
	*s = (struct ts_scan){ .limit = limit };
	s->left[0] = 1;
}

/* A big-endian number of n bytes. */
static uint64_t be(const unsigned char *p, int n)
{
	uint64_t v = 0;
	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* What an object's first byte says: `head` bytes before the body (tag included), then `body` bytes, whose count is in
 * the last `width` bytes of the head, or `children` objects. */
struct shape {
	int head, width;
	uint64_t body, children;
	int per; /* children per element: 1 array, 2 map, 0 not a container */
};

static int look(unsigned char t, struct shape *o)
{
	static const unsigned char fixed[] = { [0x0a] = 5, [0x0b] = 9, [0x0c] = 2, [0x0d] = 3, [0x0e] = 5,
					       [0x0f] = 9, [0x10] = 2, [0x11] = 3, [0x12] = 5, [0x13] = 9 };

	*o = (struct shape){ .head = 1 };
	if (t < 0x80 || t >= 0xe0 || t == 0xc0 || t == 0xc2 || t == 0xc3)
		return 0;
	if (t < 0x90)
		o->children = 2 * (t & 0x0fu);
	else if (t < 0xa0)
		o->children = t & 0x0fu;
	else if (t < 0xc0)
		o->body = t & 0x1fu;
	else if (t >= 0xc4 && t <= 0xc6)
		o->width = 1 << (t - 0xc4);
	else if (t >= 0xca && t <= 0xd3)
		o->head = fixed[t - 0xc0];
	else if (t >= 0xd9 && t <= 0xdb)
		o->width = 1 << (t - 0xd9);
	else if (t == 0xdc || t == 0xdd)
		o->width = 2 << (t - 0xdc), o->per = 1;
	else if (t == 0xde || t == 0xdf)
		o->width = 2 << (t - 0xde), o->per = 2;
	else
		return -1;
	o->head += o->width;
	return 0;
}

static int fail(struct ts_scan *s, const char *why)
{
	s->error = why;
	return -1;
}

int ts_scan_step(struct ts_scan *s, const unsigned char *p, size_t len)
{
	while (s->depth >= 0) {
		struct shape o;

		if (s->left[s->depth] == 0) {
			s->depth--;
			continue;
		}
		if (s->pos >= len)
			return 0;
		if (look(p[s->pos], &o) < 0)
			return fail(s, "not MessagePack data of this format");
		if (len - s->pos < (size_t)o.head)
			return 0;
		if (o.width) {
			uint64_t n = be(p + s->pos + 1, o.width);
			if (o.per)
				o.children = n * (unsigned)o.per;
			else
				o.body = n;
		}
		if (o.body > s->limit || s->pos + (size_t)o.head > s->limit - o.body)
			return fail(s, "record exceeds the size limit");
		if (len - s->pos - (size_t)o.head < o.body)
			return 0;
		s->objects += 1;
		if (o.children > TS_MAX_OBJECTS || s->objects + o.children > TS_MAX_OBJECTS)
			return fail(s, "record has too many objects");
		s->pos += (size_t)o.head + (size_t)o.body;
		s->left[s->depth]--;
		if (o.children) {
			if (++s->depth == TS_MAX_DEPTH)
				return fail(s, "record is nested too deeply");
			s->left[s->depth] = o.children;
		}
	}
	return 1;
}
