/* SPDX-License-Identifier: MIT
 * Batches: rows of every field, in buffers that are reused. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_internal.h"

int ts_batch_init(struct ts_batch *b, const struct ts_header *h)
{
	*b = (struct ts_batch){ 0 };
	b->cols = calloc(h->n_fields + 1, sizeof *b->cols);
	if (!b->cols)
		return -1;
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *f = &h->fields[i];
		struct ts_col *c = &b->cols[i];

		*c = (struct ts_col){ .name = strdup(f->name), .type = f->type, .ndim = f->ndim };
		if (!c->name) {
			ts_batch_release(b);
			return -1;
		}
		b->n_cols++;
		c->row = ts_type_size(f->type);
		for (int d = 0; d < f->ndim; d++) {
			c->shape[d] = f->shape[d];
			c->row *= f->shape[d];
		}
	}
	return 0;
}

void ts_batch_release(struct ts_batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_cols; i++) {
		free(b->cols[i].name);
		free(b->cols[i].data);
		free(b->cols[i].off);
		free(b->cols[i].text);
	}
	free(b->cols);
	*b = (struct ts_batch){ 0 };
}

/* Makes *p hold at least want bytes; new bytes are uninitialised. */
static int grow(void *p, size_t *cap, size_t want)
{
	void **q = p;
	size_t n = *cap;
	void *bigger;

	if (want <= *cap)
		return 0;
	n = n + n / 2 > want ? n + n / 2 : want;
	bigger = realloc(*q, n);
	if (!bigger)
		return -1;
	*q = bigger;
	*cap = n;
	return 0;
}

static int text_reserve(struct ts_col *c, size_t more)
{
	return grow(&c->text, &c->text_cap, c->text_len + more);
}

static int resize_strings(struct ts_col *c, size_t was, size_t n)
{
	size_t bytes;

	if (ts_mul(n, sizeof *c->off, &bytes) < 0 || grow(&c->off, &c->off_cap, bytes) < 0)
		return -1;
	if (n == 0 || c->text_len == 0) { /* offset 0 holds the empty string */
		c->text_len = 0;
		if (text_reserve(c, 1) < 0)
			return -1;
		c->text[c->text_len++] = '\0';
	}
	for (size_t i = was; i < n; i++)
		c->off[i] = 0;
	return 0;
}

int ts_batch_resize(struct ts_batch *b, size_t n)
{
	for (size_t i = 0; i < b->n_cols; i++) {
		struct ts_col *c = &b->cols[i];
		size_t bytes;

		if (c->type == TS_STR) {
			if (resize_strings(c, b->n, n) < 0)
				return -1;
			continue;
		}
		if (ts_mul(n, c->row, &bytes) < 0 || grow(&c->data, &c->cap, bytes) < 0)
			return -1;
		if (n > b->n && c->row)
			memset((char *)c->data + b->n * c->row, 0, (n - b->n) * c->row);
	}
	b->n = n;
	return 0;
}

ptrdiff_t ts_header_col(const struct ts_header *h, const char *name)
{
	const struct ts_field *f = ts_header_field(h, name);

	return f ? f - h->fields : -1;
}

static bool same_field(const struct ts_field *a, const struct ts_field *b)
{
	return a->type == b->type && a->ndim == b->ndim &&
	       memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0;
}

ptrdiff_t *ts_header_map(const struct ts_header *to, const struct ts_header *from)
{
	ptrdiff_t *map = malloc((to->n_fields + 1) * sizeof *map);

	for (size_t k = 0; map && k < to->n_fields; k++) {
		map[k] = ts_header_col(from, to->fields[k].name);
		if (map[k] >= 0 && !same_field(&to->fields[k], &from->fields[map[k]]))
			map[k] = -1;
	}
	return map;
}

struct ts_col *ts_batch_col(const struct ts_batch *b, const char *name)
{
	for (size_t i = 0; i < b->n_cols; i++)
		if (strcmp(b->cols[i].name, name) == 0)
			return &b->cols[i];
	return NULL;
}

int ts_batch_copy(struct ts_batch *b, size_t to, const struct ts_batch *src, const ptrdiff_t *map, size_t i, size_t n)
{
	for (size_t k = 0; k < b->n_cols; k++) {
		struct ts_col *c = &b->cols[k];
		const struct ts_col *from = map[k] >= 0 ? &src->cols[map[k]] : NULL;

		if (!from || n == 0)
			continue;
		for (size_t r = 0; c->type == TS_STR && r < n; r++)
			if (ts_col_set_str(c, to + r, ts_col_str(from, i + r)) < 0)
				return -1;
		if (c->row)
			memcpy((char *)c->data + to * c->row, (const char *)from->data + i * c->row, n * c->row);
	}
	return 0;
}

int ts_batch_append(struct ts_batch *b, const struct ts_batch *src, const ptrdiff_t *map, size_t i)
{
	if (ts_batch_resize(b, b->n + 1) < 0)
		return -1;
	return ts_batch_copy(b, b->n - 1, src, map, i, 1);
}

size_t ts_batch_row_bytes(const struct ts_batch *b)
{
	size_t bytes = 0;
	for (size_t i = 0; i < b->n_cols; i++)
		bytes += b->cols[i].row;
	return bytes;
}

size_t ts_batch_rows(const struct ts_batch *b, size_t rows, size_t bytes)
{
	size_t row = ts_batch_row_bytes(b);
	size_t fit = row ? bytes / row : rows;
	return fit < 1 ? 1 : fit < rows ? fit : rows;
}

const char *ts_col_str(const struct ts_col *c, size_t i)
{
	return c->text + c->off[i];
}

int ts_col_set_str(struct ts_col *c, size_t i, const char *s)
{
	size_t len = strlen(s) + 1;

	if (len == 1) {
		c->off[i] = 0;
		return 0;
	}
	if (text_reserve(c, len) < 0)
		return -1;
	memcpy(c->text + c->text_len, s, len);
	c->off[i] = c->text_len;
	c->text_len += len;
	return 0;
}
