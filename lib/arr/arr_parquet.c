/* SPDX-License-Identifier: MIT
 * The columns of a Parquet file as arrays. What an array cannot hold is kept as one of an unsupported type, with the
 * reason: it may not be needed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arr/arr_internal.h"
#include "parquet/parquet.h"

static int read_memory(void *ctx, uint64_t at, void *to, size_t n, struct err *err)
{
	(void)err;
	memcpy(to, (const unsigned char *)ctx + at, n);
	return 0;
}

struct reading {
	struct arr_set *s;
	const struct parquet *p;
	size_t limit; /* bytes of an unpacked column */
};

/* Do columns i and k lie in the same outermost one? */
static bool are_beside(const struct parquet *p, size_t i, size_t k)
{
	const struct parquet_column *a = parquet_column(p, i), *b;

	if (k >= parquet_columns(p))
		return false;
	b = parquet_column(p, k);
	return a->first == b->first && memcmp(a->path, b->path, a->first) == 0;
}

/* A list is called as its column, "features" and not "features.list.element"; the members of a struct and the keys and
 * values of a map, which are beside each other, are called by their paths. */
static bool is_plain(const struct parquet *p, size_t i)
{
	const struct parquet_column *c = parquet_column(p, i);

	if (c->repeated == 0)
		return c->depth == 1;
	return c->repeated == 1 && c->depth <= 3 && !are_beside(p, i, i + 1) && (i == 0 || !are_beside(p, i, i - 1));
}

/* The type as NumPy spells it, or what it is instead of numbers and text; *known: it is one that is read. */
static const char *type_of(const struct parquet *p, size_t i, bool *known)
{
	const struct parquet_column *c = parquet_column(p, i);
	const bool natural = c->meaning == PARQUET_UNSIGNED, half = c->meaning == PARQUET_HALF;

	*known = false;
	if (c->repeated > 1)
		return "list of lists";
	if (!is_plain(p, i))
		return c->repeated ? "list of structs" : "in a struct";
	if (c->meaning == PARQUET_DECIMAL || c->meaning == PARQUET_TIME)
		return c->meaning == PARQUET_TIME ? "date or time" : "decimal";
	*known = true;
	switch (c->type) {
	case PARQUET_INT32: return natural ? "<u4" : "<i4";
	case PARQUET_INT64: return natural ? "<u8" : "<i8";
	case PARQUET_FLOAT: return "<f4";
	case PARQUET_DOUBLE: return "<f8";
	case PARQUET_BYTES:
		if (c->meaning == PARQUET_TEXT && !c->repeated)
			return "text";
	}
	*known = half;
	return half                       ? "<f2" :
	       c->type == PARQUET_BOOLEAN ? "boolean" :
	       c->meaning == PARQUET_TEXT ? "list of text" :
					    "bytes";
}

/* Keeps the reason why *a is not read. */
static int keep_why(struct arr_set *s, struct arr *a, const char *why, struct err *err)
{
	char *copy = strdup(why);

	a->kind = ARR_OTHER;
	a->why = copy;
	return copy ? arr_keep_take(s, copy, err) : err_memory(err);
}

/* Gives *a its numbers, which are of its type. */
static void set_kind(struct arr *a, size_t size, const unsigned char *data)
{
	a->kind = a->type[1] == 'f' ? ARR_FLOAT : a->type[1] == 'u' ? ARR_UINT : ARR_INT;
	a->size = size;
	a->data = data;
}

static int read_numbers(struct reading *r, size_t i, struct arr *a, struct err *err)
{
	struct parquet_numbers n;
	const int rc = parquet_read_numbers(r->p, i, r->limit, &n, err);

	if (rc != 0)
		return rc < 0 ? -1 : keep_why(r->s, a, err->text, err);
	set_kind(a, n.size, n.data);
	if (parquet_column(r->p, i)->repeated) {
		a->ndim = 2;
		a->shape[1] = (size_t)n.width;
	}
	return n.data ? arr_keep_take(r->s, n.data, err) : 0;
}

/* Makes strings of v, whose bytes lie one behind the other without ends. */
static int take_text(struct reading *r, const struct parquet_values *v, struct arr *a, struct err *err)
{
	const size_t n = (size_t)v->n;
	char why[64], **strings, *text;

	for (size_t i = 0; i < n; i++)
		if (v->number[i] < 0) {
			snprintf(why, sizeof why, "row %zu is null", i);
			return keep_why(r->s, a, why, err);
		}
	if (!(strings = malloc((n + 1) * sizeof *strings)))
		return err_memory(err);
	if (arr_keep_take(r->s, strings, err) < 0)
		return -1;
	if (!(text = malloc(v->used + n + 1)))
		return err_memory(err);
	if (arr_keep_take(r->s, text, err) < 0)
		return -1;
	for (size_t i = 0; i < n; text += v->length[i++] + 1) {
		strings[i] = text;
		if (v->length[i])
			memcpy(text, v->bytes + v->number[i], v->length[i]);
		text[v->length[i]] = '\0';
		if (strlen(text) != v->length[i]) {
			snprintf(why, sizeof why, "row %zu has a zero byte", i);
			return keep_why(r->s, a, why, err);
		}
	}
	a->kind = ARR_STRINGS;
	a->strings = strings;
	return 0;
}

static int read_text(struct reading *r, size_t i, struct arr *a, struct err *err)
{
	struct parquet_values v;
	int rc = parquet_read(r->p, i, r->limit, &v, err);

	if (rc != 0)
		return rc < 0 ? -1 : keep_why(r->s, a, err->text, err);
	rc = take_text(r, &v, a, err);
	parquet_values_release(&v);
	return rc;
}

static int add_column(struct reading *r, size_t i, struct err *err)
{
	const struct parquet_column *c = parquet_column(r->p, i);
	struct arr a = { .kind = ARR_OTHER, .ndim = 1, .shape = { (size_t)parquet_rows(r->p) } };
	bool known;
	const char *type = type_of(r->p, i, &known);
	char *name;
	int rc = 0;

	snprintf(a.type, sizeof a.type, "%s", type);
	if (known)
		rc = (c->type == PARQUET_BYTES ? read_text : read_numbers)(r, i, &a, err);
	if (rc < 0)
		return -1;
	if (!(name = strndup(c->path, is_plain(r->p, i) ? c->first : strlen(c->path))))
		return err_memory(err);
	rc = arr_add(r->s, &a, name, err);
	free(name);
	return rc;
}

/* ---- columns side by side ---- */

/* The name of a column that may be one of several in an array; "": it may not. */
static const char *name_of(const void *table, size_t i)
{
	const struct parquet_column *c = parquet_column(table, i);

	return c->depth == 1 && c->repeated == 0 ? c->path : "";
}

static bool is_number(const struct parquet *p, size_t i)
{
	bool known;

	return strcmp(type_of(p, i, &known), "text") != 0 && known;
}

static bool has_number(const struct parquet *p, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		if (is_number(p, i))
			return true;
	return false;
}

/* The type of columns first..first+n: theirs, or <f8 if they have several types of numbers, as a column of a table that
 * happens to hold whole numbers has. NULL with the reason in err: one is no numbers. */
static const char *type_of_all(const struct parquet *p, size_t first, size_t n, struct err *err)
{
	const char *type = NULL, *one;

	for (size_t i = first; i < first + n; i++) {
		one = type_of(p, i, &(bool){ false });
		if (!is_number(p, i)) {
			err_fail(err, "'" ERR_NAME "' is %s, and others of it are numbers", name_of(p, i), one);
			return NULL;
		}
		type = !type || strcmp(type, one) == 0 ? one : "<f8";
	}
	return type;
}

/* Puts the numbers of column i into all, column `at` of rows of n numbers of this type and size. 1 with the reason in
 * err: they are not read. */
static int read_beside(struct reading *r, size_t i, const char *type, size_t size, unsigned char *all, size_t at,
		       size_t n, struct err *err)
{
	struct parquet_numbers numbers;
	struct arr one = { 0 };
	bool same;
	int rc = parquet_read_numbers(r->p, i, r->limit, &numbers, err);

	if (rc > 0)
		err_prefix(err, "'" ERR_NAME "': ", name_of(r->p, i));
	if (rc != 0)
		return rc;
	snprintf(one.type, sizeof one.type, "%s", type_of(r->p, i, &(bool){ false }));
	set_kind(&one, numbers.size, numbers.data);
	same = strcmp(one.type, type) == 0;
	for (size_t row = 0; row < (size_t)parquet_rows(r->p); row++) {
		unsigned char *to = all + (row * n + at) * size;
		if (same)
			memcpy(to, numbers.data + row * size, size);
		else
			memcpy(to, &(double){ arr_number(&one, row) }, sizeof(double));
	}
	free(numbers.data);
	return 0;
}

/* Room for so many columns of numbers of this size, or NULL with err; *rc is then 1 if it is more than may be. */
static unsigned char *room_beside(struct reading *r, size_t n, size_t size, int *rc, struct err *err)
{
	const size_t rows = (size_t)parquet_rows(r->p);
	unsigned char *all;

	*rc = 1;
	if (rows > r->limit / size || rows > TS_MAX_TENSOR / size / n) {
		err_fail(err, "%zu columns of %zu rows are more than a file of this length may hold", n, rows);
		return NULL;
	}
	all = malloc(rows * n * size + 1);
	*rc = all ? 0 : err_memory(err);
	return all;
}

/* Adds columns first..first+n, NAME0, NAME1, ..., as one array. */
static int add_array(struct reading *r, size_t first, size_t n, struct err *err)
{
	struct arr a = { .kind = ARR_OTHER, .ndim = 2, .shape = { (size_t)parquet_rows(r->p), n } };
	const char *path = name_of(r->p, first), *type = type_of_all(r->p, first, n, err);
	const size_t size = type ? (size_t)(type[2] - '0') : 0;
	unsigned char *all = NULL;
	int rc = 1;
	char *name;

	if (type)
		all = room_beside(r, n, size, &rc, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_beside(r, first + i, type, size, all, i, n, err);
	snprintf(a.type, sizeof a.type, "%s", type ? type : "columns");
	if (rc == 0)
		set_kind(&a, size, all);
	if (rc > 0)
		rc = keep_why(r->s, &a, err->text, err);
	if (all && arr_keep_take(r->s, all, err) < 0)
		return -1;
	if (rc < 0)
		return -1;
	if (!(name = strndup(path, arr_group_base(path))))
		return err_memory(err);
	rc = arr_add(r->s, &a, *name ? name : "columns", err);
	free(name);
	return rc;
}

static int add_columns(struct reading *r, struct err *err)
{
	const size_t all = parquet_columns(r->p);
	int rc = 0;
	long n;

	for (size_t i = 0; i < all && rc == 0; i += (size_t)n) {
		if ((n = arr_group(name_of, r->p, i, all, err)) < 0)
			return -1;
		if (n > 1 && has_number(r->p, i, (size_t)n))
			rc = add_array(r, i, (size_t)n, err);
		else /* text and the like stay columns of their own, to be named */
			for (long k = 0; k < n && rc == 0; k++)
				rc = add_column(r, i + (size_t)k, err);
	}
	return rc;
}

enum { MOST = 1000 }; /* times the file's bytes that a column may unpack to; zip's bombs have about as many */

int arr_parquet(struct arr_set *s, const unsigned char *p, size_t n, struct err *err)
{
	const struct parquet_from from = { .read = read_memory, .ctx = (void *)(uintptr_t)p, .size = n };
	struct reading r = { .s = s, .limit = n < TS_MAX_TENSOR / MOST ? MOST * n : TS_MAX_TENSOR };
	struct parquet *q = parquet_open(&from, err);
	int rc = 0;

	if (!q)
		return -1;
	r.p = q;
	if (parquet_rows(q) > r.limit)
		rc = err_fail(err, "damaged Parquet file: it says that it has %llu rows",
			      (unsigned long long)parquet_rows(q));
	if (rc == 0)
		rc = add_columns(&r, err);
	parquet_close(q);
	return rc;
}
