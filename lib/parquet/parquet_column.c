/* SPDX-License-Identifier: MIT
 * A column, from its chunks in all groups of rows. */
#include <stdlib.h>

#include "parquet/parquet_internal.h"

static int read_chunk_pages(const struct parquet *p, const struct parquet_column *c, const struct parquet_group *g,
			    const struct parquet_chunk *k, size_t limit, struct parquet_values *v,
			    struct parquet_lists *lists, struct err *err)
{
	const uint64_t had = lists ? lists->rows : v->n;
	const int64_t at = k->dictionary > 0 && k->dictionary < k->data ? k->dictionary : k->data;
	const int64_t end = (int64_t)(p->from.size < INT64_MAX ? p->from.size : INT64_MAX) - PARQUET_TAIL;
	unsigned char *b;
	int rc;

	v->unread = k->elsewhere;
	if (k->elsewhere)
		return err_fail(err, "its pages lie in another file, which is not read");
	if ((k->values != g->rows && !c->repeated) || k->values < 0 || at < PARQUET_MAGIC || k->bytes < 0 || at > end ||
	    k->bytes > end - at)
		return err_fail(err, "damaged Parquet file: a chunk of %lld values at byte %lld", (long long)k->values,
				(long long)at);
	v->unread = parquet_codec_check(k->codec, err) < 0;
	if (v->unread)
		return -1;
	if (!(b = malloc((size_t)k->bytes + 1)))
		return err_memory(err);
	rc = p->from.read(p->from.ctx, (uint64_t)at, b, (size_t)k->bytes, err);
	if (rc == 0)
		rc = parquet_pages(c, k, b, (size_t)k->bytes, limit, v, lists, err);
	free(b);
	if (rc == 0 && (lists ? lists->rows : v->n) - had != (uint64_t)g->rows)
		rc = err_fail(err, "damaged Parquet file: pages of %llu rows, where the group has %lld",
			      (unsigned long long)((lists ? lists->rows : v->n) - had), (long long)g->rows);
	return rc;
}

static int read_groups(const struct parquet *p, size_t column, size_t limit, struct parquet_values *v,
		       struct parquet_lists *lists, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < p->n_groups && rc == 0; i++)
		rc = read_chunk_pages(p, &p->columns[column], &p->groups[i], &p->groups[i].chunks[column], limit, v,
				      lists, err);
	return rc;
}

static const char *type_name(int type)
{
	static const char *const names[] = { "truths", "32-bit numbers", "64-bit numbers", "96-bit times",
					     "floats", "doubles",        "bytes",          "bytes of a fixed length" };

	return type >= 0 && type < (int)(sizeof names / sizeof *names) ? names[type] : "an unknown type";
}

/* What has failed: only this column, of which err says why, or the file. */
static int failed(const struct parquet_column *c, bool only_it, struct err *err)
{
	return only_it && !err->memory ? 1 : err_prefix(err, "column '%s': ", c->path);
}

int parquet_read(const struct parquet *p, size_t column, size_t limit, struct parquet_values *v, struct err *err)
{
	const struct parquet_column *c = &p->columns[column];
	bool unread;

	*v = (struct parquet_values){ .unread = true };
	if (c->type != PARQUET_INT32 && c->type != PARQUET_INT64 && c->type != PARQUET_BYTES)
		err_fail(err, "holds %s, which are not read", type_name(c->type));
	else if (c->repeated)
		err_fail(err, "is a list, which is not read");
	else if (read_groups(p, column, limit, v, NULL, err) == 0)
		return 0;
	unread = v->unread;
	parquet_values_release(v);
	return failed(c, unread, err);
}

int parquet_read_numbers(const struct parquet *p, size_t column, size_t limit, struct parquet_numbers *ret,
			 struct err *err)
{
	const struct parquet_column *c = &p->columns[column];
	struct parquet_lists lists = { 0 };
	struct parquet_values v = { .unread = true };
	int rc = 0;

	*ret = (struct parquet_numbers){ 0 };
	if (c->type != PARQUET_INT32 && c->type != PARQUET_INT64 && c->type != PARQUET_FLOAT &&
	    c->type != PARQUET_DOUBLE && c->meaning != PARQUET_HALF)
		rc = err_fail(err, "holds %s, which are no numbers that are read", type_name(c->type));
	else if (c->repeated > 1)
		rc = err_fail(err, "is a list of lists, which is not read");
	if (rc == 0)
		rc = read_groups(p, column, limit, &v, &lists, err);
	if (rc == 0)
		rc = parquet_row_ends(&lists, err);
	if (rc == 0) {
		*ret = (struct parquet_numbers){ .width = lists.width, .data = v.bytes, .bytes = v.used };
		ret->size = parquet_size(c);
		v.bytes = NULL;
	} else {
		rc = failed(c, v.unread || lists.unfit, err);
	}
	parquet_values_release(&v);
	return rc;
}

void parquet_values_release(struct parquet_values *v)
{
	free(v->number);
	free(v->length);
	free(v->bytes);
	*v = (struct parquet_values){ 0 };
}
