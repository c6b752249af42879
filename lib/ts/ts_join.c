/* SPDX-License-Identifier: MIT
 * Joins the matching rows of two streams. Names are looked up in a sorted index rather than a hash table: equal names
 * are then neighbours, and no input makes it slow. */
#include <stdlib.h>
#include <string.h>

#include "ts/ts_images.h"
#include "ts/ts_join.h"

void ts_join_release(struct ts_join *j)
{
	ts_batch_release(&j->kept);
	ts_strs_free(j->classes, j->n_classes);
	free(j->order);
	free(j->used);
	*j = (struct ts_join){ 0 };
}

/* *map: where the columns to keep are found. */
static int begin(struct ts_join *j, struct ts_reader *r, const struct ts_header *in, const char *const *columns,
		 size_t n, bool named, ptrdiff_t **map)
{
	const bool labelled = ts_header_field(in, "label") != NULL;
	struct ts_header h;
	int rc = 0;

	named = named && ts_header_field(in, "name");
	ts_header_init(&h, in->kind);
	if (named)
		rc = ts_header_add(&h, "name", TS_STR, 0, NULL);
	if (labelled && rc == 0)
		rc = ts_header_add(&h, "label", TS_I64, 0, NULL);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct ts_field *f = ts_header_field(in, columns[i]);
		if (!f)
			rc = ts_reader_fail(r, "has no column '%s'", columns[i]);
		else if (!ts_header_field(&h, f->name))
			rc = ts_header_add(&h, f->name, f->type, f->ndim, f->shape);
	}
	if (rc < 0 || ts_batch_init(&j->kept, &h) < 0 || !(*map = ts_header_map(&h, in)))
		rc = ts_reader_fail(r, "out of memory");
	if (rc == 0 && labelled && ts_images_classes(r, &j->classes, &j->n_classes) < 0)
		rc = -1;
	ts_header_release(&h);
	j->name = named && rc == 0 ? ts_batch_col(&j->kept, "name") : NULL;
	j->label = labelled && rc == 0 ? ts_batch_col(&j->kept, "label") : NULL;
	return rc;
}

static int by_name(const void *a, const void *b, void *column)
{
	size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int c = strcmp(ts_col_str(column, i), ts_col_str(column, k));

	return c ? c : i < k ? -1 : i > k;
}

static int sort_names(struct ts_join *j, struct ts_reader *r)
{
	size_t n = j->kept.n;

	j->order = malloc((n + 1) * sizeof *j->order);
	j->used = calloc(n + 1, sizeof *j->used);
	if (!j->order || !j->used)
		return ts_reader_fail(r, "out of memory");
	for (size_t i = 0; i < n; i++)
		j->order[i] = i;
	qsort_r(j->order, n, sizeof *j->order, by_name, ts_batch_col(&j->kept, "name"));
	for (size_t i = 1; i < n; i++) {
		const char *name = ts_col_str(j->name, j->order[i]);
		if (strcmp(name, ts_col_str(j->name, j->order[i - 1])) == 0)
			return ts_reader_fail(r, "row %zu: name '" ERR_NAME "' is row %zu's, too", j->order[i], name,
					      j->order[i - 1]);
	}
	return 0;
}

int ts_join_read(struct ts_join *j, struct ts_reader *r, const char *const *columns, size_t n, bool named)
{
	const struct ts_header *in = ts_reader_header(r);
	struct ts_batch b = { 0 };
	ptrdiff_t *map = NULL;
	int rc = -1;

	*j = (struct ts_join){ 0 };
	if (!in || begin(j, r, in, columns, n, named, &map) < 0)
		return -1;
	if (ts_batch_init(&b, in) < 0) {
		free(map);
		return ts_reader_fail(r, "out of memory");
	}
	while ((rc = ts_reader_next(r, &b)) == 1) {
		const size_t have = j->kept.n;

		if (ts_batch_resize(&j->kept, have + b.n) < 0 || ts_batch_copy(&j->kept, have, &b, map, 0, b.n) < 0) {
			rc = ts_reader_fail(r, "out of memory");
			break;
		}
	}
	if (rc == 0 && j->name)
		rc = sort_names(j, r);
	ts_batch_release(&b);
	free(map);
	return rc;
}

/* The index position of the row called name, or -1. */
static ssize_t find(const struct ts_join *j, const char *name)
{
	size_t low = 0, high = j->kept.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(name, ts_col_str(j->name, j->order[middle]));
		if (c == 0)
			return (ssize_t)j->order[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* *ret = the partner of the other stream's row. */
static int find_partner(struct ts_join *j, const struct ts_reader *r, struct ts_reader *other, const char *name,
			unsigned long long row, size_t *ret)
{
	ssize_t at;

	if (!j->name) {
		if (row >= j->kept.n)
			return ts_reader_fail(other, "has more rows than '%s', which has %zu", ts_reader_name(r),
					      j->kept.n);
		*ret = (size_t)row;
		return 0;
	}
	at = find(j, name);
	if (at < 0)
		return ts_reader_fail(other, "row %llu: no row of '%s' has its name, '" ERR_NAME "'", row,
				      ts_reader_name(r), name);
	if (j->used[at])
		return ts_reader_fail(other, "row %llu: name '" ERR_NAME "' appears twice", row, name);
	j->used[at] = true;
	*ret = (size_t)at;
	return 0;
}

/* Forgets the labels if they are of other classes than the other stream's: um-embed gives images the numbers that its
 * model has for their classes. */
static int compare_classes(struct ts_join *j, struct ts_reader *other)
{
	char **names = NULL;
	size_t n = 0;

	if (ts_images_classes(other, &names, &n) < 0)
		return -1;
	if (!ts_same_classes(j->classes, j->n_classes, names, n))
		j->label = NULL;
	ts_strs_free(names, n);
	return 0;
}

int ts_join_next(struct ts_join *j, const struct ts_reader *r, struct ts_reader *other, const char *name, int64_t label,
		 size_t *ret)
{
	const unsigned long long row = j->partners++;
	int64_t theirs;

	if (row == 0 && j->label && compare_classes(j, other) < 0)
		return -1;
	if (find_partner(j, r, other, name, row, ret) < 0)
		return -1;
	theirs = j->label ? ((const int64_t *)j->label->data)[*ret] : -1;
	if (label >= 0 && theirs >= 0 && label != theirs)
		return ts_reader_fail(other,
				      "row %llu has label %lld, row %zu of '%s' has %lld: the same images? (ts-cat "
				      "--select with other columns leaves labels out)",
				      row, (long long)label, *ret, ts_reader_name(r), (long long)theirs);
	return 0;
}

int ts_join_finish(struct ts_join *j, const struct ts_reader *r, struct ts_reader *other)
{
	unsigned long long rows = j->partners;
	size_t i = 0;

	if (rows == j->kept.n)
		return 0;
	if (!j->name)
		return ts_reader_fail(other, "has %llu rows, '%s' has %zu", rows, ts_reader_name(r), j->kept.n);
	while (j->used[i])
		i++;
	return ts_reader_fail(other, "has %llu rows, '%s' has %zu: none of its name '" ERR_NAME "'", rows,
			      ts_reader_name(r), j->kept.n, ts_col_str(j->name, i));
}
