/* SPDX-License-Identifier: MIT
 * Arrays as columns: copies row by row. */
#include <math.h>
#include <stdlib.h>

#include "arr/arr_import_internal.h"

static int put(struct column *c, void *to, size_t at, size_t row, double v, struct err *err)
{
	const double most = c->type == TS_F16 ? 65504 : c->type == TS_F32 ? (double)3.4028234664e38f : HUGE_VAL;

	if (isfinite(v) && fabs(v) > most && !isfinite((float)v))
		return err_fail(err, "row %zu: '%s' is %g, too large for %s", row, c->name, v, ts_type_name(c->type));
	if (!isfinite(v) && (c->other == 0 || c->last != row)) {
		c->first = c->other++ == 0 ? row : c->first;
		c->last = row;
	}
	if (c->type == TS_F64) {
		((double *)to)[at] = v;
	} else if (c->type == TS_F16) {
		((uint16_t *)to)[at] = ts_half((float)v);
	} else {
		((float *)to)[at] = (float)v;
		c->rounded += (double)(float)v != v && isfinite(v);
	}
	return 0;
}

static int put_whole(const struct column *c, int64_t *to, size_t row, size_t at, struct err *err)
{
	const bool is_class = ts_usual_type(c->name) == TS_I64;

	if (!arr_whole(c->from, at, to))
		return err_fail(err, "row %zu: '%s' is %g, which is not a 64-bit integer", row, c->name,
				arr_number(c->from, at));
	if (is_class && *to < -1)
		return err_fail(err, "row %zu: '%s' is %lld, but classes count from 0, and -1 means no class", row,
				c->name, (long long)*to);
	return 0;
}

/* Is v, which arr_number() returned, another number than the array's, a whole one that no double holds? */
static bool lost_digits(const struct arr *a, size_t at, double v)
{
	int64_t whole;

	if ((a->kind != ARR_INT && a->kind != ARR_UINT) || fabs(v) < 0x1p53)
		return false;
	return !arr_whole(a, at, &whole) || v >= 0x1p63 || (int64_t)v != whole;
}

static int put_number(struct column *c, void *to, size_t at, size_t row, size_t from, struct err *err)
{
	const double v = arr_number(c->from, from);
	const size_t before = c->rounded;
	const int rc = put(c, to, at, row, v, err);

	c->rounded += c->rounded == before && lost_digits(c->from, from, v);
	return rc;
}

static int fill_row(struct arr_import *im, struct column *c, struct ts_col *to, size_t at, size_t row, struct err *err)
{
	const char *text;
	double *v;
	int rc = 0;

	if (c->type == TS_STR) {
		if (!(text = arr_string(c->from, row, c->buf, err)))
			return -1;
		return ts_col_set_str(to, at, text) < 0 ? err_memory(err) : 0;
	}
	if (!c->from) {
		if (!(v = malloc(c->n * sizeof *v)))
			return err_memory(err);
		arr_import_logits(im, row, v);
		for (size_t k = 0; k < c->n && rc == 0; k++)
			rc = put(c, to->data, at * c->n + k, row, v[k], err);
		c->rounded = 0; /* these were computed, so no digits were lost */
		free(v);
		return rc;
	}
	for (size_t k = 0; k < c->n && rc == 0; k++)
		rc = c->type == TS_I64 ? put_whole(c, (int64_t *)to->data + at * c->n + k, row, row * c->n + k, err) :
					 put_number(c, to->data, at * c->n + k, row, row * c->n + k, err);
	return rc;
}

int arr_import_fill(struct arr_import *im, struct ts_batch *b, size_t to, size_t first, size_t n, struct err *err)
{
	for (size_t k = 0; k < im->n_c; k++)
		for (size_t i = 0; i < n; i++)
			if (fill_row(im, &im->c[k], &b->cols[k], to + i, first + i, err) < 0)
				return -1;
	return 0;
}

void arr_import_end(const struct arr_import *im)
{
	for (size_t k = 0; k < im->n_c; k++) {
		const struct column *c = &im->c[k];
		if (c->rounded && c->from && !c->from->decimal)
			arr_import_say(im, "'%s' is %s, and rounded to %s: %zu of its numbers lost digits",
				       c->from->name, c->from->type, ts_type_name(c->type), c->rounded);
		if (c->other)
			arr_import_say(
				im,
				"'%s': %zu row%s with a number that is not finite, the first is row %zu; scores refuse "
				"them",
				c->name, c->other, c->other > 1 ? "s" : "", c->first);
	}
}
