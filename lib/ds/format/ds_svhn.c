/* SPDX-License-Identifier: MIT
 * SVHN's cropped digits: MATLAB files of version 5 with X (32,32,3,n) and y (n,1), through libmatio. The library is
 * loaded only when such a file is read, because it needs HDF5 and 35 other libraries, which would make every start of
 * the program take ten times as long. */
#include <dlfcn.h>
#include <matio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "ds/ds_internal.h"
#include "ds/format/ds_mat.h"
#include "version.h" /* LIBMATIO: the soname of the library whose header this is */

static struct {
	void *library;
	mat_t *(*open)(const char *path, int mode);
	int (*close)(mat_t *);
	matvar_t *(*info)(mat_t *, const char *name);
	matvar_t *(*read)(mat_t *, const char *name);
	void (*free)(matvar_t *);
} matio;

static void *symbol(const char *name)
{
	return matio.library ? dlsym(matio.library, name) : NULL;
}

static int load_library(struct err *err)
{
	if (matio.free)
		return 0;
	if (!matio.library)
		matio.library = dlopen(LIBMATIO, RTLD_NOW | RTLD_LOCAL);
	*(void **)&matio.open = symbol("Mat_Open");
	*(void **)&matio.close = symbol("Mat_Close");
	*(void **)&matio.info = symbol("Mat_VarReadInfo");
	*(void **)&matio.read = symbol("Mat_VarRead");
	if (matio.open && matio.close && matio.info && matio.read)
		*(void **)&matio.free = symbol("Mat_VarFree");
	if (matio.free)
		return 0;
	return err_fail(err,
			"MATLAB files need %s, which cannot be loaded: install libmatio, the version that this "
			"was built with",
			LIBMATIO);
}

struct svhn {
	matvar_t *x;
	size_t n, h, w;
};

static bool starts(const unsigned char *head, size_t n)
{
	return (n >= 128 && memcmp(head, "MATLAB ", 7) == 0) || (n >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0);
}

static bool is_v5(const unsigned char *head, size_t n)
{
	return n >= 128 && memcmp(head, "MATLAB 5", 8) == 0;
}

/* libmatio looks only at the version and the byte order: it would take the file for HDF5, or for version 4. */
static bool is_v5_inside(const unsigned char *head)
{
	return memcmp(head + 124, "\0\1IM", 4) == 0 || memcmp(head + 124, "\1\0MI", 4) == 0;
}

/* Does the variable X hold images? Their size goes to *m. */
static bool is_images(const matvar_t *x, struct svhn *m)
{
	if (!x || x->class_type != MAT_C_UINT8 || x->isComplex || x->rank < 3 || x->rank > 4 || x->dims[2] != 3 ||
	    x->dims[0] < 1 || x->dims[1] < 1 || x->dims[0] > DS_MAX_SIDE || x->dims[1] > DS_MAX_SIDE)
		return false;
	m->h = x->dims[0];
	m->w = x->dims[1];
	m->n = x->rank == 4 ? x->dims[3] : 1; /* MATLAB drops a last dimension of 1 */
	return m->n <= DS_MAX_FILE / (3 * m->h * m->w);
}

/* y must have a type that label_size() knows. */
static double label_at(const matvar_t *y, size_t i)
{
	switch (y->class_type) {
	case MAT_C_UINT8: return ((const uint8_t *)y->data)[i];
	case MAT_C_INT32: return ((const int32_t *)y->data)[i];
	default: return ((const double *)y->data)[i];
	}
}

/* Bytes of a label; 0: an unsupported type. */
static size_t label_size(const matvar_t *y)
{
	return y->class_type == MAT_C_UINT8  ? 1 :
	       y->class_type == MAT_C_INT32  ? 4 :
	       y->class_type == MAT_C_DOUBLE ? 8 :
					       0;
}

/* Does the header of the variable y declare as many labels as there are images? It is read only then. */
static bool is_labels(const matvar_t *y, const struct svhn *m)
{
	return y && y->rank == 2 && !y->isComplex && label_size(y) &&
	       ((y->dims[0] == m->n && y->dims[1] == 1) || (y->dims[0] == 1 && y->dims[1] == m->n));
}

static matvar_t *read_labels(mat_t *mat, const struct svhn *m)
{
	matvar_t *head = matio.info(mat, "y"), *y = is_labels(head, m) ? matio.read(mat, "y") : NULL;

	matio.free(head);
	return y;
}

static int add_rows(struct ds_source *s, const struct svhn *m, const matvar_t *y, const struct ds_mat *whole,
		    struct err *err)
{
	if (!is_labels(y, m) || !y->data || y->nbytes != m->n * label_size(y))
		return err_fail(err, "MATLAB file of %zu images whose y has another number of labels", m->n);
	if (ds_labels_mean(s, s->listing.operand, "SVHN", s->listing.path, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		const double label = label_at(y, i);

		if (whole->y && (i >= whole->n_y || label != whole->y[i]))
			return err_fail(
				err,
				"label of row %zu is %.17g in one read and not in another: the file cannot be read", i,
				label);
		if (!(label >= 0 && label <= 10))
			return err_fail(err, "label %.17g of row %zu is not from 0 to 10", label, i);
		/* The digit 0 has label 10. */
		if (ds_add_row(s, NULL, i, NULL, (long)label % 10, err) < 0)
			return -1;
	}
	return 1;
}

static const char *split_of(const char *path)
{
	static const char *const splits[] = { "train", "test", "extra" };

	for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
		if (strncmp(ds_base(path), splits[i], strlen(splits[i])) == 0)
			return splits[i];
	return NULL;
}

/* Adds the rows of a file that has been checked; returns what list() does. */
static int list_mat(struct ds_source *s, const char *path, bool named, const struct ds_mat *whole, struct err *err)
{
	mat_t *mat;
	matvar_t *x, *y;
	struct svhn m;
	int rc;

	if (load_library(err) < 0)
		return -1;
	if (!(mat = matio.open(path, MAT_ACC_RDONLY)))
		return err_fail(err, "damaged MATLAB file, or cut off");
	x = matio.info(mat, "X");
	if (is_images(x, &m)) {
		y = read_labels(mat, &m);
		rc = add_rows(s, &m, y, whole, err);
		matio.free(y);
	} else
		rc = named ? err_fail(err, "MATLAB file without an X of RGB images, or cut off") : 0;
	matio.free(x);
	matio.close(mat);
	return rc;
}

/* Other data sets keep notes in this format; a damaged file may have held images. */
static int list_checked(struct ds_source *s, struct ds_in *in, const char *path, struct err *err)
{
	static const char mixed[] = "is a MATLAB file of an X and of structures, cells or the like; save X and y alone";
	const bool named = strstr(ds_base(in->path), "_32x32") != NULL;
	struct ds_mat mat;
	int rc = ds_mat_check(path, &mat, err);

	if (rc < 0)
		rc = mat.kind == DS_MAT_NOTES && !named && !err->memory ?
			     ds_pass(s, in->path, "is not read: %s", err->text) :
			     -1;
	else if (mat.kind == DS_MAT_IMAGES)
		rc = list_mat(s, path, named, &mat, err);
	else if (mat.kind == DS_MAT_MIXED)
		rc = named ? err_fail(err, "%s", mixed) : ds_pass(s, in->path, "%s", mixed);
	else if (named)
		rc = err_fail(err, "MATLAB file without an X of RGB images, or cut off");
	ds_mat_release(&mat);
	return rc;
}

static int list(struct ds_source *s, struct ds_in *in, struct err *err)
{
	const unsigned char *head;
	char path[4096];
	size_t n;
	int fd = -1, rc;

	if (!ds_in_split(s, in->path, split_of(in->path)))
		return 1;
	if (ds_in_head(in, &head, &n, err) < 0)
		return -1;
	if (!is_v5(head, n))
		return ds_pass(s, in->path,
			       n >= 8 && head[0] == 'M' ? "is a MATLAB 7.3 file (HDF5), which is "
							  "not read; save it with MATLAB's -v7" :
							  "is an HDF5 file, which is not read");
	if (!is_v5_inside(head))
		return err_fail(err, "damaged MATLAB file: its header names two versions");
	if (ds_in_open_path(in, path, &fd, err) < 0)
		return -1;
	rc = list_checked(s, in, path, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* libmatio silently omits what it cannot read, so this checks that its pixels are those of the file. */
static int compare(const struct svhn *m, const char *path, struct err *err)
{
	struct ds_mat whole;
	int rc = ds_mat_check(path, &whole, err);

	if (rc == 0 && whole.x != (uint32_t)crc32_z(0, m->x->data, m->x->nbytes))
		rc = err_fail(err, "cannot be read: the images are not the same twice");
	ds_mat_release(&whole);
	return rc;
}

static int load(struct ds_in *in, void **memo, struct err *err)
{
	struct svhn *m = *memo = calloc(1, sizeof *m);
	char path[4096];
	mat_t *mat;
	int fd = -1, rc;

	if (!m)
		return err_memory(err);
	if (load_library(err) < 0 || ds_in_open_path(in, path, &fd, err) < 0)
		return -1;
	if ((mat = matio.open(path, MAT_ACC_RDONLY)) != NULL) {
		matvar_t *head = matio.info(mat, "X");

		m->x = is_images(head, m) ? matio.read(mat, "X") : NULL;
		matio.free(head);
		matio.close(mat);
	}
	rc = is_images(m->x, m) && m->x->data && m->x->nbytes == m->n * 3 * m->h * m->w ?
		     compare(m, path, err) :
		     err_fail(err, "damaged MATLAB file, or cut off");
	if (fd >= 0)
		close(fd);
	return rc;
}

static int decode(const void *memo, size_t at, struct ds_pixels *p, struct err *err)
{
	const struct svhn *m = memo;
	const uint8_t *from;

	if (ds_pixels_row(p, at, m->n, m->h, m->w, err) < 0)
		return -1;
	/* MATLAB's (h,w,3,n), the first index fastest, becomes row `at` of (n,h,w,3), the last index fastest. */
	from = (const uint8_t *)m->x->data + at * 3 * m->h * m->w;
	for (size_t c = 0; c < 3; c++)
		for (size_t x = 0; x < m->w; x++)
			for (size_t y = 0; y < m->h; y++)
				p->rgb[(y * m->w + x) * 3 + c] = *from++;
	return 0;
}

static void forget(void *memo)
{
	struct svhn *m = memo;

	if (m && m->x)
		matio.free(m->x);
	free(m);
}

const struct ds_layout ds_layout_svhn = {
	.name = "svhn",
	.what = "SVHN's cropped digits: train_32x32.mat, test_32x32.mat, extra_32x32.mat",
	.starts = starts,
	.list = list,
	.load = load,
	.decode = decode,
	.forget = forget,
};
