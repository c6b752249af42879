/* SPDX-License-Identifier: MIT
 * Writes arrays to files. A .npy is "\x93NUMPY\1\0", the length of its header (2 bytes), the header, which is a Python
 * dictionary padded to a multiple of 64 bytes, and the elements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arc/arc.h"
#include "arr/arr_write.h"
#include "net/foreign/net_safetensors.h"

enum { HEAD = 1024 };

/* An array to be written: a tensor, borrowed, or a column of text. */
struct item {
	struct ts_tensor t;
	const struct ts_col *text;
	size_t wide; /* for text: length of the longest, in characters */
};
struct items {
	struct item *v;
	size_t n;
	struct ts_tensor head[2]; /* the last layer, owned */
};

bool arr_is_table(enum arr_format f)
{
	return f == ARR_CSV || f == ARR_TSV;
}

/* ---- items ------------------------------------------------------------------------------------ */

/* The code point at the start of *s, which is UTF-8; advances *s. */
static uint32_t next_character(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	const int n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? *p : *p & (0xffu >> (n + 1));

	for (int i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*s += n;
	return c;
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; n++)
		next_character(&s);
	return n;
}

static void add_column(struct items *to, const struct ts_col *c, size_t rows)
{
	struct item *i = &to->v[to->n++];

	*i = (struct item){ .t = { c->name, c->type, c->ndim + 1, { rows }, c->data }, .wide = 1 };
	memcpy(i->t.shape + 1, c->shape, (size_t)c->ndim * sizeof *c->shape);
	if (c->type != TS_STR)
		return;
	i->text = c;
	for (size_t k = 0; k < rows; k++) {
		const size_t n = characters(ts_col_str(c, k));
		i->wide = n > i->wide ? n : i->wide;
	}
}

static int add_head(struct items *to, const struct ts_meta *meta, struct err *err)
{
	static char weight[] = "fc.weight", bias[] = "fc.bias";
	char *const names[] = { weight, bias };

	for (int i = 0; i < 2; i++) {
		const int rc = ts_meta_get_tensor(meta, names[i], &to->head[i]);
		if (rc < 0)
			return err_fail(err, "meta '%s' is not a tensor, or memory ran out", names[i]);
		if (rc == 0 || to->head[i].type == TS_STR)
			continue;
		to->v[to->n] = (struct item){ .t = to->head[i] };
		to->v[to->n++].t.name = names[i];
	}
	return 0;
}

static int collect(struct items *to, enum arr_format format, const struct ts_batch *rows, const struct ts_set *set,
		   const struct ts_meta *meta, struct err *err)
{
	const size_t n = rows ? rows->n_cols : set->n;

	if (!(to->v = calloc(n + 2, sizeof *to->v)))
		return err_memory(err);
	for (size_t i = 0; i < n; i++)
		if (rows)
			add_column(to, &rows->cols[i], rows->n);
		else
			to->v[to->n++] = (struct item){ .t = set->t[i] };
	return rows && format != ARR_NPY && ts_batch_col(rows, "features") ? add_head(to, meta, err) : 0;
}

static void release(struct items *i)
{
	for (int k = 0; k < 2; k++)
		ts_tensor_release(&i->head[k]);
	free(i->v);
}

/* ---- NumPy ------------------------------------------------------------------------------------ */

static size_t npy_head(const struct item *i, char head[HEAD])
{
	char type[32], shape[TS_MAX_DIMS * 24] = "";
	size_t len = 0, n;

	if (i->text)
		snprintf(type, sizeof type, "<U%zu", i->wide);
	else
		snprintf(type, sizeof type, "%s", ts_type_name(i->t.type));
	for (int d = 0; d < i->t.ndim; d++)
		len += (size_t)snprintf(shape + len, sizeof shape - len, "%s%zu", d ? ", " : "", i->t.shape[d]);
	n = (size_t)snprintf(head, HEAD, "\x93NUMPY\1%c%c%c{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }",
			     0, 0, 0, type, shape, i->t.ndim == 1 ? "," : "");
	while ((n + 1) % 64)
		head[n++] = ' ';
	head[n++] = '\n';
	head[8] = (char)((n - 10) & 0xff);
	head[9] = (char)((n - 10) >> 8);
	return n;
}

static size_t npy_size(const struct item *i)
{
	return i->text ? i->t.shape[0] * i->wide * 4 : ts_tensor_bytes(&i->t);
}

/* The destination of bytes: a file, or a member of an archive. */
struct sink {
	struct ts_file *f;
	struct archive *zip; /* or NULL */
};

static int put(const struct sink *to, const void *p, size_t n, struct err *err)
{
	if (!to->zip)
		return ts_file_put(to->f, p, n) < 0 ? err_fail(err, "%s", ts_file_error(to->f)) : 0;
	for (const char *q = p; n > 0;) {
		const la_ssize_t some = arc->archive_write_data(to->zip, q, n);
		if (some <= 0)
			return err_fail(err, "%s",
					ts_file_error(to->f) ? ts_file_error(to->f) :
							       arc->archive_error_string(to->zip));
		q += some;
		n -= (size_t)some;
	}
	return 0;
}

static int put_npy(const struct sink *to, const struct item *i, struct err *err)
{
	char head[HEAD];
	uint32_t *row = NULL;
	int rc = put(to, head, npy_head(i, head), err);

	if (rc < 0 || !i->text)
		return rc < 0 ? -1 : put(to, i->t.data, npy_size(i), err);
	if (!(row = malloc(i->wide * sizeof *row)))
		return err_memory(err);
	for (size_t k = 0; k < i->t.shape[0] && rc == 0; k++) {
		const char *s = ts_col_str(i->text, k);
		memset(row, 0, i->wide * sizeof *row);
		for (size_t c = 0; *s; c++)
			row[c] = next_character(&s);
		rc = put(to, row, i->wide * sizeof *row, err);
	}
	free(row);
	return rc;
}

static la_ssize_t write_zip(struct archive *a, void *ctx, const void *p, size_t n)
{
	if (ts_file_put(ctx, p, n) == 0)
		return (la_ssize_t)n;
	arc->archive_set_error(a, -1, "%s", ts_file_error(ctx));
	return -1;
}

static int put_member(const struct sink *to, const struct item *i, struct archive_entry *e, struct err *err)
{
	char name[TS_MAX_NAME + 8], head[HEAD];

	snprintf(name, sizeof name, "%s.npy", i->t.name);
	arc->archive_entry_clear(e);
	arc->archive_entry_set_pathname_utf8(e, name);
	arc->archive_entry_set_filetype(e, AE_IFREG);
	arc->archive_entry_set_perm(e, 0644);
	arc->archive_entry_set_size(e, (la_int64_t)(npy_head(i, head) + npy_size(i)));
	if (arc->archive_write_header(to->zip, e) < ARCHIVE_WARN)
		return err_fail(err, "'%s' cannot be written: %s", name, arc->archive_error_string(to->zip));
	return put_npy(to, i, err);
}

/* Members are stored, as numpy.savez() does. */
static int put_npz(struct ts_file *f, const struct items *all, struct err *err)
{
	struct sink to = { .f = f };
	struct archive_entry *e;
	int rc = 0;

	if (arc_open(err) < 0)
		return -1;
	to.zip = arc->archive_write_new();
	e = arc->archive_entry_new();
	if (!to.zip || !e || arc->archive_write_set_format_zip(to.zip) != ARCHIVE_OK ||
	    arc->archive_write_zip_set_compression_store(to.zip) != ARCHIVE_OK ||
	    arc->archive_write_set_bytes_in_last_block(to.zip, 1) != ARCHIVE_OK ||
	    arc->archive_write_open(to.zip, f, NULL, write_zip, NULL) != ARCHIVE_OK)
		rc = err_memory(err);
	for (size_t i = 0; i < all->n && rc == 0; i++)
		rc = put_member(&to, &all->v[i], e, err);
	if (rc == 0 && arc->archive_write_close(to.zip) != ARCHIVE_OK)
		rc = err_fail(err, "%s", ts_file_error(f) ? ts_file_error(f) : arc->archive_error_string(to.zip));
	if (rc < 0 && to.zip) /* otherwise freeing it would go on writing */
		arc->archive_write_fail(to.zip);
	arc->archive_write_free(to.zip);
	arc->archive_entry_free(e);
	return rc;
}

/* ---- safetensors ------------------------------------------------------------------------------ */

/* Large elements first, so that each is aligned to its size. */
static int put_safetensors(struct ts_file *f, const struct items *all, struct err *err)
{
	struct ts_set set = { calloc(all->n + 1, sizeof *set.t), 0, 0 };
	int rc = set.t ? 0 : err_memory(err);

	for (size_t i = 0; i < all->n && rc == 0; i++)
		if (all->v[i].text)
			rc = err_fail(err,
				      "'%s' is text, which safetensors cannot hold: --select the other columns, or "
				      "write .npz",
				      all->v[i].t.name);
	for (size_t size = 8; size > 0 && rc == 0; size /= 2)
		for (size_t i = 0; i < all->n; i++)
			if (ts_type_size(all->v[i].t.type) == size)
				set.t[set.n++] = all->v[i].t;
	if (rc == 0)
		rc = net_safetensors_write(f, &set, NULL, err);
	free(set.t);
	return rc;
}

int arr_write(struct ts_file *f, enum arr_format format, const struct ts_batch *rows, const struct ts_set *set,
	      const struct ts_meta *meta, struct err *err)
{
	struct items all = { 0 };
	int rc = collect(&all, format, rows, set, meta, err);

	if (rc == 0 && format == ARR_NPY && all.n != 1)
		rc = err_fail(err, "a .npy holds one array, not %zu: --select one, or write .npz", all.n);
	else if (rc == 0 && format == ARR_NPY)
		rc = put_npy(&(struct sink){ f, NULL }, &all.v[0], err);
	else if (rc == 0)
		rc = format == ARR_NPZ ? put_npz(f, &all, err) : put_safetensors(f, &all, err);
	release(&all);
	return rc;
}

/* ---- tables ----------------------------------------------------------------------------------- */

/* Quotes the cell if something in it would end it, or blanks would be lost. */
static void put_cell(FILE *m, const char *s, char separator)
{
	const size_t n = strlen(s);
	const char special[] = { separator, '"', '\n', '\r', '\0' };

	if (!strpbrk(s, special) && (n == 0 || (s[0] != ' ' && s[n - 1] != ' '))) {
		fputs(s, m);
		return;
	}
	fputc('"', m);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', m);
		fputc(*s, m);
	}
	fputc('"', m);
}

static size_t numbers_of(int ndim, const size_t *shape)
{
	size_t n = 1;

	for (int d = 0; d < ndim; d++)
		n *= shape[d];
	return n;
}

/* Writes what was printed to m to the file, and frees it. */
static int put_text(struct ts_file *f, FILE *m, char **text, const size_t *len, struct err *err)
{
	int rc = 0;

	if (fclose(m) != 0 || !*text)
		rc = err_memory(err);
	else if (ts_file_put(f, *text, *len) < 0)
		rc = err_fail(err, "%s", ts_file_error(f));
	free(*text);
	return rc;
}

int arr_write_heading(struct ts_file *f, enum arr_format format, const struct ts_header *h, struct err *err)
{
	const char separator = format == ARR_CSV ? ',' : '\t';
	char *text = NULL, name[TS_MAX_NAME + 24];
	size_t len;
	FILE *m = open_memstream(&text, &len);

	if (!m)
		return err_memory(err);
	for (size_t i = 0; i < h->n_fields; i++) {
		const struct ts_field *c = &h->fields[i];
		const size_t n = numbers_of(c->ndim, c->shape);
		for (size_t k = 0; k < n; k++) {
			if (i > 0 || k > 0)
				fputc(separator, m);
			snprintf(name, sizeof name, c->ndim ? "%s.%zu" : "%s", c->name, k);
			put_cell(m, name, separator);
		}
	}
	fputc('\n', m);
	return put_text(f, m, &text, &len, err);
}

static void put_row(FILE *m, const struct ts_batch *b, size_t row, char separator)
{
	char number[32];

	for (size_t i = 0; i < b->n_cols; i++) {
		const struct ts_col *c = &b->cols[i];
		const size_t n = numbers_of(c->ndim, c->shape);
		for (size_t k = 0; k < n; k++) {
			if (i > 0 || k > 0)
				fputc(separator, m);
			if (c->type == TS_STR) {
				put_cell(m, ts_col_str(c, row), separator);
				continue;
			}
			ts_elem_text(c->type, c->data, row * n + k, number);
			for (const char *p = number; *p; p++)
				if (*p != '"') /* JSON writes numbers that are not finite as strings */
					fputc(*p, m);
		}
	}
	fputc('\n', m);
}

int arr_write_rows(struct ts_file *f, enum arr_format format, const struct ts_batch *b, struct err *err)
{
	char *text = NULL;
	size_t len;
	FILE *m = open_memstream(&text, &len);

	if (!m)
		return err_memory(err);
	for (size_t i = 0; i < b->n; i++)
		put_row(m, b, i, format == ARR_CSV ? ',' : '\t');
	return put_text(f, m, &text, &len, err);
}
