/* SPDX-License-Identifier: MIT
 * Batches from records: a record of a row kind is checked, then copied. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_internal.h"

/* Checks that o fits column c, and returns how many rows it has. */
static int check_column(struct err *e, const struct ts_col *c, const msgpack_object *o, size_t *n)
{
	struct ts_view v;
	struct err why;

	if (c->type == TS_STR) {
		if (o->type != MSGPACK_OBJECT_ARRAY)
			return err_fail(e, "column '%s' is not a list of strings", c->name);
		*n = o->via.array.size;
		return 0;
	}
	if (ts_obj_tensor(o, &v, &why) < 0)
		return err_fail(e, "column '%s' %s", c->name, why.text);
	if (v.type != c->type || v.ndim != c->ndim + 1 ||
	    memcmp(v.shape + 1, c->shape, (size_t)c->ndim * sizeof *c->shape) != 0)
		return err_fail(e, "column '%s' does not have the type and shape that the header gives it", c->name);
	*n = v.shape[0];
	return *n <= TS_MAX_RECORD ? 0 : err_fail(e, "column '%s' has too many rows", c->name);
}

/* Copies a column that has been checked. */
static int take_column(struct err *e, struct ts_col *c, size_t n, const msgpack_object *o)
{
	struct ts_view v;
	struct err why;

	if (c->type != TS_STR) {
		if (ts_obj_tensor(o, &v, &why) < 0)
			return err_fail(e, "column '%s' %s", c->name, why.text);
		if (v.bytes)
			memcpy(c->data, v.data, v.bytes);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		char *s = ts_obj_strdup(&o->via.array.ptr[i], TS_MAX_RECORD);
		int rc = s ? ts_col_set_str(c, i, s) : -1;
		free(s);
		if (rc < 0)
			return err_fail(e, "column '%s' holds something other than strings", c->name);
	}
	return 0;
}

/* The column for entry i of the record; NULL: the header lacks it, or it came before. */
static struct ts_col *column(const struct ts_batch *b, const msgpack_object_map *m, size_t i)
{
	struct ts_col *c = NULL;

	for (size_t k = 0; k < b->n_cols && !c; k++) /* usually the same order */
		if (ts_obj_is(&m->ptr[i].key, b->cols[(i + k) % b->n_cols].name))
			c = &b->cols[(i + k) % b->n_cols];
	for (size_t k = 0; k < i && c; k++)
		if (ts_obj_is(&m->ptr[k].key, c->name))
			c = NULL;
	return c;
}

/* All columns are checked before any memory is allocated, because a narrow column could promise rows of a wide one. */
int ts_rows_unpack(struct ts_batch *b, const msgpack_object_map *m, struct err *e)
{
	size_t rows = 0, n = 0;

	if (m->size != b->n_cols)
		return err_fail(e, "record has %u columns, the header %zu", m->size, b->n_cols);
	for (size_t i = 0; i < m->size; i++) {
		const struct ts_col *c = column(b, m, i);
		if (!c)
			return err_fail(e, "record has a column that the header lacks, or one twice");
		if (check_column(e, c, &m->ptr[i].val, &n) < 0)
			return -1;
		if (i && n != rows)
			return err_fail(e, "column '%s' has %zu rows where others have %zu", c->name, n, rows);
		rows = n;
	}
	if (rows == 0)
		return err_fail(e, "record without rows");
	if (ts_batch_resize(b, rows) < 0)
		return err_memory(e);
	for (size_t i = 0; i < m->size; i++)
		if (take_column(e, column(b, m, i), rows, &m->ptr[i].val) < 0)
			return -1;
	return 0;
}
