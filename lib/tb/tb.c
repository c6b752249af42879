/* SPDX-License-Identifier: MIT
 * Writes event files by hand: three messages of protocol buffers are less code than a library for them. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tb/tb.h"

enum { BUCKETS = 30, PATH_LEN = 4096, BUFFER = 1 << 14 };

struct tb_writer {
	int fd;
	size_t n; /* bytes in the buffer */
	unsigned char buffer[BUFFER];
	char path[PATH_LEN];
	char error[PATH_LEN + 128];
};

/* ---- checksums ---- */

/* Four bits at a time: records are few and short, and a table this small is readable. It is constant, so threads may
 * share it. */
uint32_t tb_crc32c(const void *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const unsigned char *p = data;
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc ^ 0xffffffffu;
}

static uint32_t masked(const void *data, size_t len)
{
	const uint32_t crc = tb_crc32c(data, len);
	return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* ---- messages ---- */

struct message {
	unsigned char b[2048]; /* the largest: a histogram, 600 bytes, and TB_MAX_TAG */
	size_t n;
};

static void put_bytes(struct message *m, const void *data, size_t n)
{
	assert(n <= sizeof m->b - m->n);
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

/* A field's key: its number, and the encoding of its value (0 varint, 1 eight bytes, 2 length and bytes, 5 four
 * bytes). */
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

/* Writes out the buffer. */
static int empty(struct tb_writer *w)
{
	for (size_t done = 0; done < w->n;) {
		const ssize_t n = write(w->fd, w->buffer + done, w->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(w, strerror(n < 0 ? errno : ENOSPC));
		done += (size_t)n;
	}
	w->n = 0;
	return 0;
}

static int write_record(struct tb_writer *w, const struct message *data)
{
	struct message r = { .n = 0 }; /* length and both checksums */

	put_le(&r, data->n, 8);
	put_le(&r, masked(r.b, 8), 4);
	put_le(&r, masked(data->b, data->n), 4);
	if (w->error[0] || (w->n + r.n + data->n > sizeof w->buffer && empty(w) < 0))
		return -1;
	memcpy(w->buffer + w->n, r.b, 12);
	memcpy(w->buffer + w->n + 12, data->b, data->n);
	memcpy(w->buffer + w->n + 12 + data->n, r.b + 12, 4);
	w->n += r.n + data->n;
	return 0;
}

/* The beginning of an event. */
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

/* The beginning of a value. */
static int put_tag(struct tb_writer *w, struct message *m, const char *tag)
{
	const size_t n = strlen(tag);

	if (n > TB_MAX_TAG)
		return fail(w, "a tag is too long");
	put_inner(m, 1, tag, n);
	return 0;
}

static int write_value(struct tb_writer *w, int64_t step, const struct message *value)
{
	struct message summary = { .n = 0 }, e = event(step);

	put_inner(&summary, 1, value->b, value->n);
	put_inner(&e, 5, summary.b, summary.n);
	return write_record(w, &e);
}

/* ---- files ---- */

/* One more than the highest number in dir, whichever program wrote it: gaps left by deleted files are not filled, or a
 * new file would sort before older ones. -1 with errno. */
static long long next_number(const char *dir)
{
	static const char prefix[] = "events.out.tfevents.";
	const size_t at = sizeof prefix - 1;
	long long next = 0;
	struct dirent *d;
	int saved;
	DIR *names = opendir(dir);

	if (!names)
		return -1;
	while (errno = 0, d = readdir(names)) {
		const char *s = d->d_name + at;

		if (strncmp(d->d_name, prefix, at) == 0 && strspn(s, "0123456789") == 10 &&
		    strtoll(s, NULL, 10) >= next)
			next = strtoll(s, NULL, 10) + 1;
	}
	saved = errno;
	closedir(names);
	errno = saved;
	return saved ? -1 : next;
}

/* The open file's descriptor, its name in path; -1 with errno. */
static int make_file(const char *dir, char *path)
{
	long long n = next_number(dir);
	int fd = -1;

	if (n < 0)
		return -1;
	do { /* again if another process was faster */
		const int len = snprintf(path, PATH_LEN, "%s/events.out.tfevents.%010lld.unmask", dir, n);

		if (len >= PATH_LEN || n > 9999999999) {
			errno = len >= PATH_LEN ? ENAMETOOLONG : ERANGE;
			return -1;
		}
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (fd < 0 && errno == EEXIST && n++ >= 0);
	return fd;
}

struct tb_writer *tb_open(const char *dir, int64_t first_step, struct err *err)
{
	struct tb_writer *w = calloc(1, sizeof *w);
	struct message e = event(0);

	if (!w) {
		err_memory(err);
		return NULL;
	}
	w->fd = make_file(dir, w->path);
	if (w->fd < 0) {
		err_fail(err, "cannot make an event file in '%s': %s", dir, strerror(errno));
		free(w);
		return NULL;
	}
	put_inner(&e, 3, "brain.Event:2", 13);
	write_record(w, &e); /* errors are sticky */
	if (first_step >= 0) {
		static const unsigned char start[2] = { 1 << 3, 1 };

		/* Twice: readers take the first session start for the beginning of the run, and only another one for a
		 * restart. What earlier files contain is not known. */
		e = event(first_step);
		put_inner(&e, 7, start, sizeof start);
		write_record(w, &e);
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
	if (put_tag(w, &m, tag) < 0)
		return -1;
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
		put_double_bits(&limits,
				b == BUCKETS - 1 || max == min ? max : min + (b + 1) * ((max - min) / BUCKETS));
		put_double_bits(&counts, count[b]);
	}
	put_double(&h, 1, min);
	put_double(&h, 2, max);
	put_double(&h, 3, num);
	put_double(&h, 4, sum);
	put_double(&h, 5, squares);
	put_inner(&h, 6, limits.b, limits.n);
	put_inner(&h, 7, counts.b, counts.n);
	if (put_tag(w, &m, tag) < 0)
		return -1;
	put_inner(&m, 5, h.b, h.n);
	return write_value(w, step, &m);
}

int tb_flush(struct tb_writer *w)
{
	return w->error[0] ? -1 : empty(w);
}

int tb_close(struct tb_writer *w)
{
	int rc;

	if (!w)
		return 0;
	rc = tb_flush(w);
	if (close(w->fd) != 0)
		rc = -1;
	free(w);
	return rc;
}

const char *tb_error(const struct tb_writer *w)
{
	return w->error[0] ? w->error : NULL;
}
