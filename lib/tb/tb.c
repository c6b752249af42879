/* SPDX-License-Identifier: MIT
 * Event files by hand: three messages of protocol buffers are less than a library for them. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tb/tb.h"

enum { BUCKETS = 30, PATH_LEN = 4096 };

struct tb_writer {
	FILE *f;
	char path[PATH_LEN];
	char error[PATH_LEN + 128];
};

/* ---- checksums ---- */

uint32_t tb_crc32c(const void *data, size_t len)
{
	static uint32_t table[256];
	const unsigned char *p = data;
	uint32_t crc = 0xffffffffu;

	for (uint32_t i = 0; i < 256 && !table[255]; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		table[i] = c;
	}
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ p[i]) & 255];
	return crc ^ 0xffffffffu;
}

static uint32_t masked(const void *data, size_t len)
{
	const uint32_t crc = tb_crc32c(data, len);
	return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* ---- messages ---- */

struct message {
	unsigned char b[2048];            /* the largest, a histogram, has some 650 bytes */
	size_t n;
};

static void put_bytes(struct message *m, const void *data, size_t n)
{
	if (m->n + n <= sizeof m->b)
		memcpy(m->b + m->n, data, n);
	m->n += n;
}

static void put_varint(struct message *m, uint64_t v)
{
	unsigned char c;

	do {
		c = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
		put_bytes(m, &c, 1);
	} while (v >>= 7);
}

static void put_le(struct message *m, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		const unsigned char c = (unsigned char)(v >> 8 * i);
		put_bytes(m, &c, 1);
	}
}

static void put_double_bits(struct message *m, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	put_le(m, bits, 8);
}

/* A field's key: its number, and how its value is written (0 varint, 1 eight bytes, 2 length and
 * bytes, 5 four bytes). */
static void put_key(struct message *m, int field, int wire)
{
	put_varint(m, (uint64_t)(field << 3 | wire));
}

static void put_double(struct message *m, int field, double v)
{
	put_key(m, field, 1);
	put_double_bits(m, v);
}

static void put_inner(struct message *m, int field, const void *data, size_t n)
{
	put_key(m, field, 2);
	put_varint(m, n);
	put_bytes(m, data, n);
}

/* ---- records ---- */

static int fail(struct tb_writer *w, const char *what)
{
	if (!w->error[0])
		snprintf(w->error, sizeof w->error, "cannot write '%s': %s", w->path, what);
	return -1;
}

static int write_record(struct tb_writer *w, const struct message *data)
{
	struct message head = { .n = 0 }, tail = { .n = 0 };

	if (w->error[0])
		return -1;
	if (data->n > sizeof data->b)
		return fail(w, "a tag is too long");
	put_le(&head, data->n, 8);
	put_le(&head, masked(head.b, 8), 4);
	put_le(&tail, masked(data->b, data->n), 4);
	if (fwrite(head.b, 1, head.n, w->f) != head.n || fwrite(data->b, 1, data->n, w->f) != data->n ||
	    fwrite(tail.b, 1, tail.n, w->f) != tail.n)
		return fail(w, strerror(errno));
	return 0;
}

/* An event's beginning. */
static struct message event(int64_t step)
{
	struct message m = { .n = 0 };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	put_double(&m, 1, (double)now.tv_sec + 1e-9 * (double)now.tv_nsec);
	put_key(&m, 2, 0);
	put_varint(&m, (uint64_t)step);
	return m;
}

static int write_value(struct tb_writer *w, int64_t step, const struct message *value)
{
	struct message summary = { .n = 0 }, e = event(step);

	put_inner(&summary, 1, value->b, value->n);
	if (summary.n > sizeof summary.b)
		return fail(w, "a tag is too long");
	put_inner(&e, 5, summary.b, summary.n);
	return write_record(w, &e);
}

struct tb_writer *tb_open(const char *dir, int64_t first_step, char *err, size_t len)
{
	struct tb_writer *w = calloc(1, sizeof *w);
	struct message e = event(0);
	int fd = -1;

	if (!w) {
		snprintf(err, len, "out of memory");
		return NULL;
	}
	for (long n = 0; fd < 0; n++) {
		snprintf(w->path, sizeof w->path, "%.4000s/events.out.tfevents.%010ld.unmask", dir, n);
		fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	w->f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!w->f) {
		snprintf(err, len, "cannot make '%.400s': %s", w->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(w);
		return NULL;
	}
	put_inner(&e, 3, "brain.Event:2", 13);
	write_record(w, &e);                  /* errors are sticky */
	if (first_step >= 0) {
		static const unsigned char start[2] = { 1 << 3, 1 };

		e = event(first_step);
		put_inner(&e, 7, start, sizeof start);
		write_record(w, &e);
	}
	return w;
}

int tb_scalar(struct tb_writer *w, const char *tag, int64_t step, double value)
{
	struct message m = { .n = 0 };
	const float v = (float)value;
	uint32_t bits;

	memcpy(&bits, &v, sizeof bits);
	put_inner(&m, 1, tag, strlen(tag));
	put_key(&m, 2, 5);
	put_le(&m, bits, 4);
	return write_value(w, step, &m);
}

int tb_histogram(struct tb_writer *w, const char *tag, int64_t step, const float *v, size_t n)
{
	struct message h = { .n = 0 }, m = { .n = 0 }, limits = { .n = 0 }, counts = { .n = 0 };
	double min = INFINITY, max = -INFINITY, sum = 0, squares = 0, count[BUCKETS] = { 0 }, num = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(v[i])) {
			min = fmin(min, (double)v[i]);
			max = fmax(max, (double)v[i]);
			sum += (double)v[i];
			squares += (double)v[i] * (double)v[i];
			num++;
		}
	if (num == 0)
		min = max = 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(v[i])) {
			const double at = max > min ? BUCKETS * (((double)v[i] - min) / (max - min)) : 0;
			count[at < BUCKETS - 1 ? (int)at : BUCKETS - 1]++;
		}
	for (int b = 0; b < (max > min ? BUCKETS : 1); b++) {
		put_double_bits(&limits, b == BUCKETS - 1 || max == min ? max
								      : min + (b + 1) * ((max - min) / BUCKETS));
		put_double_bits(&counts, count[b]);
	}
	put_double(&h, 1, min);
	put_double(&h, 2, max);
	put_double(&h, 3, num);
	put_double(&h, 4, sum);
	put_double(&h, 5, squares);
	put_inner(&h, 6, limits.b, limits.n);
	put_inner(&h, 7, counts.b, counts.n);
	put_inner(&m, 1, tag, strlen(tag));
	put_inner(&m, 5, h.b, h.n);
	return write_value(w, step, &m);
}

int tb_flush(struct tb_writer *w)
{
	if (!w->error[0] && fflush(w->f) != 0)
		return fail(w, strerror(errno));
	return w->error[0] ? -1 : 0;
}

int tb_close(struct tb_writer *w)
{
	int rc;

	if (!w)
		return 0;
	rc = tb_flush(w);
	if (fclose(w->f) != 0)
		rc = -1;
	free(w);
	return rc;
}

const char *tb_error(const struct tb_writer *w)
{
	return w->error[0] ? w->error : NULL;
}
