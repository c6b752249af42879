/* SPDX-License-Identifier: MIT
 * Files of arrays, told apart by their first bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arr/arr_internal.h"
#include "ds/ds_files.h"
#include "ds/format/ds_archive.h"
#include "ds/format/ds_array.h"
#include "net/foreign/net_safetensors.h"
#include "ts/ts_foreign.h"

/* ---- NumPy ------------------------------------------------------------------------------------ */

/* Adds the array of a .npy in memory that the set owns. One of objects is only recorded as such: it may not be
 * needed. */
static int add_npy(struct arr_set *s, const char *name, const unsigned char *p, size_t n, struct err *err)
{
	static const char kinds[] = "fiubUS";
	static const enum arr_kind kind[] = { ARR_FLOAT, ARR_INT, ARR_UINT, ARR_BOOL, ARR_UCS4, ARR_BYTES };
	struct ds_array from;
	struct arr a = { .kind = ARR_OTHER };

	if (ds_array_npy(p, n, &from, err) < 0 && from.data)
		return -1;
	a.ndim = from.ndim;
	memcpy(a.shape, from.shape, sizeof from.shape);
	memcpy(a.type, from.dtype, sizeof from.dtype);
	if (from.data) {
		const bool order = strchr("<>|=", *from.dtype) != NULL;

		a.kind = kind[strchr(kinds, from.dtype[order]) - kinds];
		a.size = ds_array_element(&from);
		a.swapped = *from.dtype == '>';
		a.fortran = from.fortran;
		a.data = from.data;
	}
	if (a.kind == ARR_FLOAT && a.size == 1)
		a.kind = ARR_OTHER;
	return arr_add(s, &a, name, err);
}

/* NAME.npy is called NAME. */
static char *without_npy(const char *name)
{
	const size_t n = strlen(name);

	return strndup(name, n > 4 && strcasecmp(name + n - 4, ".npy") == 0 ? n - 4 : n);
}

static int add_member(struct arr_set *s, struct ds_archive *z, const char *member, struct err *err)
{
	struct ds_bytes b = { 0 };
	char *name = without_npy(member);
	int rc = -1;

	if (!name)
		return err_memory(err);
	if (ds_archive_read_all(z, &b, TS_MAX_TENSOR, err) < 0)
		ds_bytes_release(&b);
	else if (arr_keep_take(s, b.p, err) == 0)
		rc = add_npy(s, name, b.p, b.n, err);
	free(name);
	return rc;
}

static int add_npz(struct arr_set *s, const unsigned char *p, size_t n, struct err *err)
{
	struct ds_archive *z = ds_archive_open_zip(p, n, "npz", err);
	enum ds_kind kind;
	const char *member;
	int rc;

	if (!z)
		return -1;
	while ((rc = ds_archive_next(z, &member, &kind, err)) == 1) {
		char *name = kind == DS_FILE ? strdup(member) : NULL;

		rc = kind != DS_FILE ? 0 : name ? add_member(s, z, name, err) : err_memory(err);
		if (rc < 0 && !err->memory)
			err_prefix(err, "'" ERR_NAME "': ", name);
		free(name);
		if (rc < 0)
			break;
	}
	ds_archive_close(z);
	return rc;
}

/* ---- safetensors ------------------------------------------------------------------------------ */

static int add_tensor(void *ctx, const struct net_safetensor *t, struct err *err)
{
	static const enum arr_kind kinds[] = {
		[NET_ST_FLOAT] = ARR_FLOAT, [NET_ST_BFLOAT] = ARR_BFLOAT, [NET_ST_INT] = ARR_INT,
		[NET_ST_UINT] = ARR_UINT,   [NET_ST_BOOL] = ARR_BOOL,     [NET_ST_OTHER] = ARR_OTHER
	};
	struct arr a = { .kind = kinds[t->kind], .size = t->size, .ndim = t->ndim, .data = t->data };

	snprintf(a.type, sizeof a.type, "%s", t->dtype);
	memcpy(a.shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
	return arr_add(ctx, &a, t->name, err);
}

/* ---- files ------------------------------------------------------------------------------------ */

/* What to do with a file of an unsupported type; NULL: unknown. */
static const char *remedy(enum ts_foreign f)
{
	switch (f) {
	case TS_PYTORCH:
	case TS_PICKLE:
	case TS_ZIP: return "numpy.savez() or safetensors' save_file() writes the arrays of it";
	case TS_HDF5:
	case TS_MATLAB: return "numpy.savez() writes its arrays as .npz";
	case TS_GZIP: return "zcat FILE | ts-import - reads a table in it";
	case TS_PICTURE:
	case TS_PACKED: return ts_foreign_remedy(f);
	default: return NULL;
	}
}

/* The name without folders and without the extension. */
static char *stem(const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *dot = strrchr(base, '.');

	if (strcmp(path, "-") == 0)
		return strdup("stdin");
	return strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static int read_known(struct arr_set *s, const char *name, const unsigned char *p, size_t n, struct err *err)
{
	const enum ts_foreign f = ts_foreign_of(p, n);

	if (n == 0)
		return err_fail(err, "is empty");
	if (n >= 6 && memcmp(p, "\x93NUMPY", 6) == 0)
		return add_npy(s, name, p, n, err);
	if (ds_is_npz(p, n))
		return add_npz(s, p, n, err);
	if (net_safetensors_is(p, n))
		return net_safetensors_each(p, n, NULL, add_tensor, s, err);
	if (f == TS_PARQUET)
		return arr_parquet(s, p, n, err);
	if (remedy(f))
		return err_fail(err, "is %s; %s", ts_foreign_name(f), remedy(f));
	if ((*p & 0xf0) == 0x80)
		return err_fail(err, "is a stream already, or none that is known");
	return arr_table(s, name, p, n, err);
}

int arr_read_bytes_take(struct arr_set *s, const char *path, unsigned char *p, size_t n, struct err *err)
{
	char *name = stem(path);
	int rc;

	if (!name) {
		free(p);
		return err_memory(err);
	}
	rc = arr_keep_take(s, p, err);
	if (rc == 0 && read_known(s, name, p, n, err) < 0)
		rc = err->memory ? -1 : err_prefix(err, "'%s': ", strcmp(path, "-") == 0 ? "<stdin>" : path);
	free(name);
	return rc;
}

int arr_read(struct arr_set *s, const char *path, struct err *err)
{
	const bool in = strcmp(path, "-") == 0;
	struct ds_bytes b = { 0 };

	if (ds_bytes_load(in ? "/dev/stdin" : path, &b, TS_MAX_TENSOR, err) < 0) {
		ds_bytes_release(&b);
		return err->memory ? -1 : err_prefix(err, "'%s': ", in ? "<stdin>" : path);
	}
	return arr_read_bytes_take(s, path, b.p, b.n, err);
}
