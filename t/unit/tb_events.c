/* SPDX-License-Identifier: MIT
 * CRC-32C on its published vectors, a file's bytes, and what is refused; the contents of files are
 * read back in t/1030-events.t and t/2050-runs.t. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tap.h"
#include "tb/tb.h"

static char dir[] = "/tmp/tb_events.XXXXXX";

static void test_crc(void)
{
	unsigned char b[32] = { 0 };

	ok(tb_crc32c("", 0) == 0, "CRC-32C of nothing");
	ok(tb_crc32c("123456789", 9) == 0xe3069283u, "of 123456789");
	ok(tb_crc32c(b, 32) == 0x8a9136aau, "of 32 zeros (RFC 3720)");
	for (int i = 0; i < 32; i++)
		b[i] = (unsigned char)i;
	ok(tb_crc32c(b, 32) == 0x46dd794eu, "of 0, 1 ... 31 (RFC 3720)");
}

/* Reads file number n and removes it. */
static size_t take(int n, unsigned char *b, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/events.out.tfevents.%010d.unmask", dir, n);
	f = fopen(path, "rb");
	len = f ? fread(b, 1, len, f) : 0;
	if (f)
		fclose(f);
	remove(path);
	return len;
}

static void test_bytes(void)
{
	/* Version and start; both hold the time, so their data and checksums are not compared in full. */
	static const char version[] = "\x1a\0\0\0\0\0\0",
			  name[] = "\x10\0\x1a\x0d"
				   "brain.Event:2",
			  start[] = "\x10\xac\x02\x3a\x02\x08\x01";
	unsigned char b[256];
	struct err err;
	struct tb_writer *w = tb_open(dir, 300, &err);
	uint32_t crc, want;
	size_t n;

	ok(w && !tb_error(w) && tb_close(w) == 0, "a file without values");
	n = take(0, b, sizeof b);
	ok(n == 16 + 26 + 2 * (16 + 16), "of %zu bytes", n);
	ok(memcmp(b, version, 8) == 0 && b[12] == 0x09, "length, field 1");
	ok(memcmp(b + 21, name, 17) == 0, "step 0 and brain.Event:2");
	want = tb_crc32c(b + 12, 26);
	want = (want >> 15 | want << 17) + 0xa282ead8u;
	crc = b[38] | (uint32_t)b[39] << 8 | (uint32_t)b[40] << 16 | (uint32_t)b[41] << 24;
	ok(crc == want, "the masked checksum, little-endian");
	ok(b[42] == 16 && memcmp(b + 63, start, 7) == 0, "step 300 and the session's start");
}

/* A varint takes a second byte from 128 on, a third from 16384 on. */
static void test_varints(void)
{
	static const struct {
		int64_t step;
		size_t n;
		unsigned char bytes[4];
	} c[] = { { 127, 2, { 0x10, 0x7f } },
		  { 128, 3, { 0x10, 0x80, 0x01 } },
		  { 16383, 3, { 0x10, 0xff, 0x7f } },
		  { 16384, 4, { 0x10, 0x80, 0x80, 0x01 } } };
	unsigned char b[256];
	struct err err;

	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		struct tb_writer *w = tb_open(dir, -1, &err);
		size_t n;

		ok(w && tb_scalar(w, "x", c[i].step, 1) == 0 && tb_close(w) == 0, "a scalar of step %d",
		   (int)c[i].step);
		n = take(0, b, sizeof b); /* 42 bytes of version; 12, then field 1, the time */
		ok(n > 42 + 12 + 9 + c[i].n && memcmp(b + 42 + 12 + 9, c[i].bytes, c[i].n) == 0 &&
			   b[42 + 12 + 9 + c[i].n] == 0x2a,
		   "whose step has %zu bytes, field 5 behind it", c[i].n - 1);
	}
}

static void test_refused(void)
{
	char tag[TB_MAX_TAG + 2], *deep = calloc(1, 4096);
	struct err err;
	unsigned char b[4096];
	const float v[2] = { 1, 2 };
	struct tb_writer *w = tb_open(dir, -1, &err);

	memset(tag, 'x', sizeof tag - 1);
	tag[sizeof tag - 1] = '\0';
	ok(w && tb_histogram(w, tag + 1, 1, v, 2) == 0 && tb_flush(w) == 0, "the longest tag");
	ok(w && tb_scalar(w, tag, 1, 1) < 0 && strstr(tb_error(w), "too long") && strstr(tb_error(w), dir),
	   "a longer one; the file is named");
	ok(w && tb_scalar(w, "x", 1, 1) < 0 && tb_histogram(w, "x", 1, v, 2) < 0 && tb_flush(w) < 0, "errors stay");
	ok(tb_close(w) < 0, "and closing tells");
	ok(take(0, b, sizeof b) > TB_MAX_TAG, "what was whole is in the file");
	ok(!tb_open("/no/such/folder", -1, &err) && strstr(err.text, "/no/such/folder"),
	   "a folder that is not there is named");
	for (int i = 0; deep && i < 2030; i++) /* so long a path that the file's name does not fit */
		memcpy(deep + 2 * i, "./", 2);
	ok(deep && !tb_open(deep, -1, &err) && strstr(err.text, "too long"), "a name that is too long is not cut");
	ok(tb_close(NULL) == 0, "closing nothing");
	free(deep);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_crc();
	test_bytes();
	test_varints();
	test_refused();
	ok(rmdir(dir) == 0, "no other file was made");
	return done();
}
