/* SPDX-License-Identifier: MIT
 * Pages of a column. Each has a Thrift header, then levels, which say for each row how many of its optional names are
 * present, then the values of those rows that have all of them: plain, or as indices into a dictionary, which is the
 * first page. Levels and indices are stored as runs: of one value, or of small numbers packed side by side. */
#include <stdlib.h>
#include <string.h>

#include "parquet/parquet_internal.h"

enum { DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 };
enum { PLAIN, PLAIN_DICTIONARY = 2, RLE = 3, RLE_DICTIONARY = 8 };
enum { MAX_PAGE = INT32_MAX };

struct page {
	int64_t type, unpacked, packed; /* bytes */
	int64_t values, encoding, levels_encoding;
	int64_t levels, repeats; /* bytes in version 2, before the values, never compressed */
	bool compressed;         /* in version 2: the values are */
};

static int damaged(const char *what, struct err *err)
{
	return err_fail(err, "damaged page: %s", what);
}

/* ---- headers ---- */

/* Reads the struct of a data page of version 1 or of a dictionary. */
static void read_head(struct thrift *t, struct page *g)
{
	struct thrift_field f = { 0 };

	while (thrift_next(t, &f))
		switch (f.id) {
		case 1: g->values = thrift_int(t, &f); break;
		case 2: g->encoding = thrift_int(t, &f); break;
		case 3:
			if (f.type == THRIFT_I32) {
				g->levels_encoding = thrift_int(t, &f);
				break;
			} /* dictionary pages: whether it is sorted */
			  /* fallthrough */
		default: thrift_skip(t, &f);
		}
}

static void read_head_v2(struct thrift *t, struct page *g)
{
	struct thrift_field f = { 0 };

	while (thrift_next(t, &f))
		switch (f.id) {
		case 1: g->values = thrift_int(t, &f); break;
		case 4: g->encoding = thrift_int(t, &f); break;
		case 5: g->levels = thrift_int(t, &f); break;
		case 6: g->repeats = thrift_int(t, &f); break;
		case 7: g->compressed = thrift_bool(t, &f); break;
		default: thrift_skip(t, &f);
		}
}

static int read_page_head(struct thrift *t, struct page *g, struct err *err)
{
	struct thrift_field f = { 0 };

	*g = (struct page){ .type = -1, .encoding = -1, .levels_encoding = RLE, .compressed = true };
	while (thrift_next(t, &f))
		if (f.id == 1)
			g->type = thrift_int(t, &f);
		else if (f.id == 2)
			g->unpacked = thrift_int(t, &f);
		else if (f.id == 3)
			g->packed = thrift_int(t, &f);
		else if ((f.id == 5 || f.id == 7) && f.type == THRIFT_STRUCT)
			read_head(t, g);
		else if (f.id == 8 && f.type == THRIFT_STRUCT)
			read_head_v2(t, g);
		else
			thrift_skip(t, &f);
	if (t->bad || g->values < 0 || g->values > INT32_MAX || g->unpacked < 0 || g->unpacked > MAX_PAGE ||
	    g->packed < 0 || g->packed > t->end - t->p || g->levels < 0 || g->repeats < 0 || g->levels > g->packed ||
	    g->repeats > g->packed - g->levels || g->levels + g->repeats > g->unpacked)
		return damaged("its head", err);
	return 0;
}

/* ---- values ---- */

static unsigned bits_of(unsigned n)
{
	unsigned bits = 0;

	for (; n; n >>= 1)
		bits++;
	return bits;
}

struct dictionary {
	size_t n, cap;
	int64_t *number;      /* (n) numbers; or offsets of bytes */
	uint32_t *length;     /* (n) lengths of bytes */
	unsigned char *bytes; /* the page */
};

static void dictionary_release(struct dictionary *d)
{
	free(d->number);
	free(d->length);
	free(d->bytes);
	*d = (struct dictionary){ 0 };
}

/* Reads the plain value at *p: a number, or n bytes there, n in *length. */
static int plain(const struct parquet_column *c, const unsigned char **p, const unsigned char *end, int64_t *number,
		 uint32_t *length, struct err *err)
{
	const size_t there = (size_t)(end - *p), size = parquet_size(c);

	if (there < size)
		return damaged("fewer values than it says", err);
	*length = 1;
	*number = size == 2 ? (*p)[0] | (*p)[1] << 8 : (int32_t)parquet_u32(*p);
	if (size == 8)
		*number = (int64_t)(parquet_u32(*p) | (uint64_t)parquet_u32(*p + 4) << 32);
	*p += size;
	if (c->type != PARQUET_BYTES)
		return 0;
	*length = parquet_u32(*p - 4);
	*number = 0;
	return *length <= there - 4 ? 0 : damaged("a value that reaches beyond it", err);
}

int parquet_room(struct parquet_values *v, size_t more, size_t limit, struct err *err)
{
	size_t cap = v->cap ? v->cap : 1 << 16;
	unsigned char *grown;

	if (v->used > limit || more > limit - v->used)
		return err_fail(err, "more than %zu bytes", limit);
	if (v->used + more <= v->cap)
		return 0;
	while (cap < v->used + more)
		cap *= 2;
	if (!(grown = realloc(v->bytes, cap)))
		return err_memory(err);
	v->bytes = grown;
	v->cap = cap;
	return 0;
}

static int put_bytes(struct parquet_values *v, uint64_t row, const unsigned char *p, uint32_t n, size_t limit,
		     struct err *err)
{
	if (parquet_room(v, n, limit, err) < 0)
		return -1;
	if (n)
		memcpy(v->bytes + v->used, p, n);
	v->number[row] = (int64_t)v->used;
	v->length[row] = n;
	v->used += n;
	return 0;
}

/* The state for decoding the pages of a chunk. */
struct decoder {
	const struct parquet_column *c;
	int codec;
	size_t limit;
	struct parquet_values *v;
	struct parquet_lists *lists; /* NULL: values of rows */
	struct dictionary d;
	unsigned char *unpacked;
	size_t cap;
};

static int unread(struct decoder *k, const char *what, int64_t number, const char *known, struct err *err)
{
	k->v->unread = true;
	return err_fail(err, "it has %s %lld, which is not read%s", what, (long long)number, known);
}

static int read_dictionary(struct decoder *k, const struct page *g, const unsigned char *p, size_t n, struct err *err)
{
	struct dictionary *d = &k->d;
	const unsigned char *at;

	if (d->bytes)
		return damaged("a second dictionary", err);
	if (g->encoding != PLAIN && g->encoding != PLAIN_DICTIONARY)
		return unread(k, "a dictionary of encoding", g->encoding, "", err);
	if ((uint64_t)g->values > n / parquet_size(k->c))
		return damaged("a dictionary of more values than it has bytes", err);
	d->n = (size_t)g->values;
	d->bytes = malloc(n + 1);
	d->number = calloc(d->n + 1, sizeof *d->number);
	d->length = calloc(d->n + 1, sizeof *d->length);
	if (!d->bytes || !d->number || !d->length)
		return err_memory(err);
	memcpy(d->bytes, p, n);
	at = d->bytes;
	for (size_t i = 0; i < d->n; i++) {
		if (plain(k->c, &at, d->bytes + n, &d->number[i], &d->length[i], err) < 0)
			return -1;
		if (k->c->type == PARQUET_BYTES) {
			d->number[i] = at - d->bytes;
			at += d->length[i];
		}
	}
	return 0;
}

/* Makes room for the page's rows, which are all null at first. */
static int more_rows(struct parquet_values *v, uint64_t n, struct err *err)
{
	int64_t *number;
	uint32_t *length;

	if (v->n + n > UINT32_MAX)
		return err_fail(err, "more than %u rows", UINT32_MAX);
	if ((number = realloc(v->number, (v->n + n + 1) * sizeof *number)))
		v->number = number;
	if ((length = realloc(v->length, (v->n + n + 1) * sizeof *length)))
		v->length = length;
	if (!number || !length)
		return err_memory(err);
	for (uint64_t i = v->n; i < v->n + n; i++) {
		v->number[i] = -1;
		v->length[i] = 0;
	}
	return 0;
}

/* Reads the values of the rows that have one, as `levels` says. */
static int read_values(struct decoder *k, const struct page *g, struct parquet_runs *levels, const unsigned char *p,
		       const unsigned char *end, struct err *err)
{
	const bool bytes = k->c->type == PARQUET_BYTES, indexed = g->encoding != PLAIN;
	struct parquet_runs index = { .t = { p, end, false } };
	struct parquet_values *v = k->v;
	uint32_t level = 0, i, length;
	int64_t number;

	if (indexed && p < end) {
		index.t.p++;
		index.width = *p;
		if (index.width > 32)
			return damaged("numbers of more than 32 bits", err);
	}
	for (uint64_t row = v->n; row < v->n + (uint64_t)g->values; row++) {
		if (levels->width && !parquet_run_next(levels, &level))
			return damaged("fewer levels than it says", err);
		if (levels->width && level != (uint32_t)k->c->optional)
			continue;
		if (indexed) {
			if (!parquet_run_next(&index, &i) || i >= k->d.n)
				return damaged("a number that is not in its dictionary", err);
			number = k->d.number[i];
			length = k->d.length[i];
			p = bytes ? k->d.bytes + number : p;
		} else if (plain(k->c, &p, end, &number, &length, err) < 0) {
			return -1;
		}
		if (!bytes) {
			v->number[row] = number;
			v->length[row] = 1;
		} else if (put_bytes(v, row, p, length, k->limit, err) < 0) {
			return -1;
		} else if (!indexed) {
			p += length;
		}
	}
	v->n += (uint64_t)g->values;
	return 0;
}

/* ---- lists of numbers ---- */

static int unfit(struct parquet_lists *l, const char *what, uint64_t row, struct err *err)
{
	l->unfit = true;
	return err_fail(err, "row %llu %s", (unsigned long long)row, what);
}

int parquet_row_ends(struct parquet_lists *l, struct err *err)
{
	if (l->rows == 1)
		l->width = l->in_row;
	if (l->rows == 0 || l->in_row == l->width)
		return 0;
	l->unfit = true;
	return err_fail(err, "row 0 has %llu numbers, and row %llu has %llu", (unsigned long long)l->width,
			(unsigned long long)(l->rows - 1), (unsigned long long)l->in_row);
}

static int put_number(struct decoder *k, int64_t number, struct err *err)
{
	const size_t size = parquet_size(k->c);
	struct parquet_values *v = k->v;

	if (parquet_room(v, size, k->limit, err) < 0)
		return -1;
	for (size_t i = 0; i < size; i++)
		v->bytes[v->used++] = (unsigned char)((uint64_t)number >> (8 * i));
	return 0;
}

/* Reads numbers, of which `repeats` says where a row begins. */
static int read_lists(struct decoder *k, const struct page *g, struct parquet_runs *repeats,
		      struct parquet_runs *levels, const unsigned char *p, const unsigned char *end, struct err *err)
{
	const uint32_t whole = (uint32_t)(k->c->optional + k->c->repeated);
	struct parquet_runs index = { .t = { p, end, false } };
	struct parquet_lists *l = k->lists;
	uint32_t repeat, level, i, length;
	int64_t number;

	if (g->encoding != PLAIN && p < end && (index.width = *index.t.p++) > 32)
		return damaged("numbers of more than 32 bits", err);
	for (int64_t n = 0; n < g->values; n++) {
		repeat = 0;
		level = whole;
		if ((repeats->width && !parquet_run_next(repeats, &repeat)) ||
		    (levels->width && !parquet_run_next(levels, &level)) || (repeat && l->rows == 0))
			return damaged("its levels", err);
		if (!repeat) {
			if (parquet_row_ends(l, err) < 0)
				return -1;
			l->rows++;
			l->in_row = 0;
		}
		if (level != whole)
			return unfit(l, "is null, is empty, or has a null", l->rows - 1, err);
		if (g->encoding == PLAIN) {
			if (plain(k->c, &p, end, &number, &length, err) < 0)
				return -1;
		} else if (parquet_run_next(&index, &i) && i < k->d.n) {
			number = k->d.number[i];
		} else {
			return damaged("a number that is not in its dictionary", err);
		}
		if (put_number(k, number, err) < 0)
			return -1;
		l->in_row++;
	}
	k->v->n += (uint64_t)g->values;
	return 0;
}

/* Takes levels off a page of version 1. */
static int take_levels(struct parquet_runs *r, const unsigned char **p, const unsigned char *end, struct err *err)
{
	const size_t n = (size_t)(end - *p);

	if (!r->width)
		return 0;
	if (n < 4 || parquet_u32(*p) > n - 4)
		return damaged("its levels", err);
	r->t = (struct thrift){ *p + 4, *p + 4 + parquet_u32(*p), false };
	*p = r->t.end;
	return 0;
}

static int read_data(struct decoder *k, const struct page *g, const unsigned char *p, size_t n, struct err *err)
{
	struct parquet_runs levels = { .width = bits_of((unsigned)(k->c->optional + k->c->repeated)) };
	struct parquet_runs repeats = { .width = bits_of((unsigned)k->c->repeated) };
	const unsigned char *end = p + n;

	if (g->encoding != PLAIN && g->encoding != PLAIN_DICTIONARY && g->encoding != RLE_DICTIONARY)
		return unread(k, "pages of encoding", g->encoding, "; plain and dictionary are", err);
	if (g->encoding != PLAIN && !k->d.bytes)
		return damaged("no dictionary in front of it", err);
	if (g->type == DATA_PAGE_V2) {
		repeats.t = (struct thrift){ p, p + g->repeats, false };
		levels.t = (struct thrift){ p + g->repeats, p + g->repeats + g->levels, false };
		p += g->repeats + g->levels;
	} else {
		if (levels.width && g->levels_encoding != RLE)
			return unread(k, "levels of encoding", g->levels_encoding, "", err);
		if (take_levels(&repeats, &p, end, err) < 0 || take_levels(&levels, &p, end, err) < 0)
			return -1;
	}
	if (k->lists)
		return read_lists(k, g, &repeats, &levels, p, end, err);
	/* A page of nothing but nulls has few bytes for many rows, but never more rows than a run's header can
	 * express. */
	return more_rows(k->v, (uint64_t)g->values, err) < 0 ? -1 : read_values(k, g, &levels, p, end, err);
}

/* ---- pages ---- */

/* The page's bytes, decompressed into k->unpacked; or in place, if they are not compressed. NULL with err. */
static const unsigned char *unpack(struct decoder *k, const struct page *g, const unsigned char *p, struct err *err)
{
	/* In version 2 the levels come first, uncompressed. */
	const size_t head = g->type == DATA_PAGE_V2 ? (size_t)(g->levels + g->repeats) : 0;
	const int codec = g->type == DATA_PAGE_V2 && !g->compressed ? PARQUET_PLAIN_CODEC : k->codec;

	if ((size_t)g->unpacked > k->cap || !k->unpacked) {
		free(k->unpacked);
		k->cap = (size_t)g->unpacked;
		if (!(k->unpacked = malloc(k->cap + 1))) {
			err_memory(err);
			return NULL;
		}
	}
	memcpy(k->unpacked, p, head);
	/* If there are no values, nothing is compressed. */
	if ((size_t)g->unpacked > head && parquet_unpack(codec, p + head, (size_t)g->packed - head, k->unpacked + head,
							 (size_t)g->unpacked - head, err) < 0)
		return NULL;
	return k->unpacked;
}

static int read_page(struct decoder *k, const struct page *g, const unsigned char *p, struct err *err)
{
	if (g->type == INDEX_PAGE)
		return 0;
	if (g->type != DATA_PAGE && g->type != DATA_PAGE_V2 && g->type != DICTIONARY_PAGE)
		return unread(k, "pages of type", g->type, "", err);
	if ((size_t)g->unpacked > k->limit)
		return err_fail(err, "more than %zu bytes", k->limit);
	if (!(p = unpack(k, g, p, err)))
		return -1;
	return g->type == DICTIONARY_PAGE ? read_dictionary(k, g, p, (size_t)g->unpacked, err) :
					    read_data(k, g, p, (size_t)g->unpacked, err);
}

int parquet_pages(const struct parquet_column *c, const struct parquet_chunk *chunk, const unsigned char *p, size_t n,
		  size_t limit, struct parquet_values *v, struct parquet_lists *lists, struct err *err)
{
	struct decoder k = { .c = c, .codec = chunk->codec, .limit = limit, .v = v, .lists = lists };
	struct thrift t = { p, p + n, false };
	const uint64_t end = v->n + (uint64_t)chunk->values;
	struct page g;
	int rc = 0;

	while (rc == 0 && v->n < end) {
		rc = read_page_head(&t, &g, err);
		if (rc == 0 && g.type != DICTIONARY_PAGE && g.type != INDEX_PAGE && (uint64_t)g.values > end - v->n)
			rc = damaged("more rows than its group", err);
		if (rc == 0)
			rc = read_page(&k, &g, t.p, err);
		if (rc == 0)
			t.p += g.packed;
	}
	dictionary_release(&k.d);
	free(k.unpacked);
	return rc;
}
