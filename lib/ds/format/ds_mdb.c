/* SPDX-License-Identifier: MIT
 * An LMDB consists of pages of one size. The first two are metas; the one of the later transaction counts. A table is a
 * tree: a branch's nodes lead to pages, a leaf's are keys with their values, or with the number of the page where a
 * large value begins. All numbers are little-endian, as 64-bit machines write them.
 *
 *	page   number (u64), 0 (u16), flags (u16), lower (u16), upper (u16), offsets of nodes (u16...)
 *	large  number (u64), 0 (u16), flags (u16), pages (u32), the value
 *	node   size or page, low half (u32), flags or page, high part (u16), size of the key (u16), key, value
 *	meta   after a page's header: magic (u32), version (u32), address (u64), size of the map (u64), two tables,
 *	       the last page (u64), transaction (u64)
 *	table  page size (u32, of the first table), flags (u16), depth (u16), counts of pages (3 u64), entries (u64),
 *	       root (u64) */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ds/format/ds_mdb.h"

enum { HEAD = 16, META = 136, TABLE = 48, NODE = 8, MAX_KEY = 511, MAX_DEPTH = 32 };
enum { P_BRANCH = 1, P_LEAF = 2, P_LARGE = 4, P_META = 8, N_LARGE = 1 };
#define MAGIC 0xBEEFC0DEu
#define EMPTY UINT64_MAX /* the root of a table without entries */

struct mdb {
	int fd;
	uint64_t size;         /* of a page */
	uint64_t pages;        /* number of pages */
	uint64_t root, left;   /* of the table; entries not seen yet */
	uint64_t seen;         /* pages of the tree visited so far */
	unsigned depth;        /* of the tree */
	unsigned char *buffer; /* (depth,size): the pages from the root on */
};

static uint64_t number(const unsigned char *p, int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static int damaged(uint64_t page, struct err *err)
{
	return err_fail(err, "damaged LMDB, in page %llu", (unsigned long long)page);
}

static int read_at(const struct mdb *m, uint64_t page, void *to, size_t n, struct err *err)
{
	size_t done = 0;

	if (m->size && page >= m->pages)
		return damaged(page, err);
	while (done < n) {
		ssize_t got = pread(m->fd, (char *)to + done, n - done, (off_t)(page * m->size + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_fail(err, "cannot be read: %s", strerror(errno));
		if (got == 0)
			return err_fail(err, "not an LMDB, or cut off");
		done += (size_t)got;
	}
	return 0;
}

/* Reads both metas; the later one fills m. */
static int read_metas(struct mdb *m, struct err *err)
{
	unsigned char head[HEAD + META];
	uint64_t last = 0, best = 0, size = 0;
	const unsigned char *meta = head + HEAD, *table = meta + 24 + TABLE;

	for (uint64_t i = 0; i < 2; i++) {
		m->size = i * size;
		m->pages = 2;
		if (read_at(m, i, head, sizeof head, err) < 0)
			return -1;
		if (number(meta, 4) != MAGIC || number(meta + 4, 4) != 1 || number(head + 10, 2) != P_META ||
		    (i && number(meta + 24, 4) != size))
			return err_fail(err, "not an LMDB, or cut off");
		size = number(meta + 24, 4);
		if (size < 512 || size > 32768 || (size & (size - 1)))
			return damaged(i, err);
		if (number(meta + 120, 8) > last)
			last = number(meta + 120, 8);
		if (i && number(meta + 128, 8) <= best)
			break;
		best = number(meta + 128, 8);
		m->root = number(table + 40, 8);
		m->left = number(table + 32, 8);
		m->depth = (unsigned)number(table + 6, 2);
		if (number(meta + 8, 8) || number(table + 4, 2))
			return err_fail(err, "is an LMDB of a kind that is not read: mapped at an address of its own, "
					     "or with more than one value per key");
	}
	m->size = size;
	m->pages = last + 1;
	return 0;
}

/* Checks that the file is as long as its metas say. Touching missing pages of the map would kill the program. */
static int check_length(const struct mdb *m, struct err *err)
{
	const off_t length = lseek(m->fd, 0, SEEK_END);

	if (length < 0)
		return err_fail(err, "cannot be read: %s", strerror(errno));
	if (m->pages < 2 || m->pages > (uint64_t)length / m->size)
		return err_fail(err, "LMDB that is cut off");
	return 0;
}

/* Checks a value of `size` bytes in pages of its own. */
static int check_large(const struct mdb *m, uint64_t page, uint64_t size, struct err *err)
{
	unsigned char head[HEAD];

	if (page < 2 || read_at(m, page, head, HEAD, err) < 0)
		return page < 2 ? damaged(page, err) : -1;
	const uint64_t pages = number(head + 12, 4);
	if (number(head, 8) != page || number(head + 10, 2) != P_LARGE || pages > m->pages - page ||
	    HEAD + size > pages * m->size)
		return damaged(page, err);
	return 0;
}

static int check_page(struct mdb *m, uint64_t page, unsigned level, struct err *err);

/* Checks node i at p, which has `room` bytes, of a page on the lowest level or of a branch. */
static int check_node(struct mdb *m, uint64_t page, unsigned level, const unsigned char *p, size_t room, size_t i,
		      struct err *err)
{
	const uint64_t size = number(p, 4), flags = number(p + 4, 2), key = number(p + 6, 2);

	if (key > MAX_KEY || NODE + key > room)
		return damaged(page, err);
	if (level + 1 < m->depth) /* the first key of a branch stands for all smaller ones */
		return key || i == 0 ? check_page(m, size | flags << 32, level + 1, err) : damaged(page, err);
	if (!key || m->left-- == 0 || flags > N_LARGE)
		return damaged(page, err);
	if (!flags)
		return NODE + key + size <= room ? 0 : damaged(page, err);
	return NODE + key + 8 <= room ? check_large(m, number(p + NODE + key, 8), size, err) : damaged(page, err);
}

static int check_page(struct mdb *m, uint64_t page, unsigned level, struct err *err)
{
	unsigned char *p = m->buffer + level * m->size;
	const bool leaf = level + 1 == m->depth;

	if (page < 2 || m->seen++ == m->pages)
		return damaged(page, err);
	if (read_at(m, page, p, m->size, err) < 0)
		return -1;
	const uint64_t lower = number(p + 12, 2), upper = number(p + 14, 2), n = (lower - HEAD) / 2;
	if (number(p, 8) != page || number(p + 10, 2) != (leaf ? P_LEAF : P_BRANCH) || lower < HEAD || lower % 2 ||
	    lower > upper || upper > m->size || n < (leaf ? 1 : 2))
		return damaged(page, err);
	for (size_t i = 0; i < n; i++) {
		const uint64_t at = number(p + HEAD + 2 * i, 2);

		if (at < upper || at % 2 || at + NODE > m->size)
			return damaged(page, err);
		if (check_node(m, page, level, p + at, m->size - at, i, err) < 0)
			return -1;
	}
	return 0;
}

static int check_tree(struct mdb *m, struct err *err)
{
	if (m->root == EMPTY && m->depth == 0 && m->left == 0)
		return 0;
	if (m->depth < 1 || m->depth >= MAX_DEPTH)
		return err_fail(err, "damaged LMDB, of %u levels", m->depth);
	if (!(m->buffer = malloc(m->depth * m->size)))
		return err_memory(err);
	if (check_page(m, m->root, 0, err) < 0)
		return -1;
	return m->left ? err_fail(err, "damaged LMDB: it lacks %llu of its entries", (unsigned long long)m->left) : 0;
}

int ds_mdb_check(const char *path, struct err *err)
{
	struct mdb m = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	int rc;

	if (m.fd < 0)
		return err_fail(err, "cannot be opened: %s", strerror(errno));
	rc = read_metas(&m, err);
	if (rc == 0)
		rc = check_length(&m, err);
	if (rc == 0)
		rc = check_tree(&m, err);
	free(m.buffer);
	close(m.fd);
	return rc;
}
