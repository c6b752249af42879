/* SPDX-License-Identifier: MIT
 * ds_array: arrays as NumPy writes them, in pickles and in .npy files: labels, and images as three planes one after
 * another. */
#ifndef DS_ARRAY_H
#define DS_ARRAY_H

#include "ds/ds.h"
#include "ds/ds_files.h"
#include "err/err.h"
#include "pickle/pickle.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_array {
	char dtype[8]; /* "|u1", "<i8", ... */
	int ndim;
	size_t shape[4];
	bool fortran;              /* the first index runs fastest */
	const unsigned char *data; /* borrowed; as long as the shape requires */
};
/* Parses a .npy file in memory. -1 with err: it is not one, is truncated, or its elements are neither numbers nor text
 * (then a->data is NULL). */
int ds_array_npy(const void *p, size_t n, struct ds_array *a, struct err *err);
/* Bytes of an element. */
size_t ds_array_element(const struct ds_array *a);
/* False: not an array. */
bool ds_array_pickled(const struct pickle_value *v, struct ds_array *a);
/* How many labels an array holds: the length of a row (n) or a column (n,1); 0 if it is neither. */
size_t ds_array_labels(const struct ds_array *a);
/* Label i, negative ones included. -1 with err, which names the row: it is not a whole number, or there is no such
 * row. */
int ds_array_label(const struct ds_array *a, size_t i, int64_t *ret, struct err *err);
/* The same for a pickled list or array. */
size_t ds_pickled_labels(const struct pickle_value *v);
int ds_pickled_label(const struct pickle_value *v, size_t i, int64_t *ret, struct err *err);

/* n rows of 3 planes of side * side bytes, and what they are borrowed from. Pixel i of plane c of row r is
 * data[r * next + (c * side * side + i) * step]. */
struct ds_planes {
	const unsigned char *data;
	size_t n, side, step, next;
	struct ds_bytes own;
	struct pickle *pickle;
};
/* False: the array does not have this form. */
bool ds_planes_of(const struct ds_array *a, struct ds_planes *m);
int ds_planes_decode(const void *planes, size_t at, struct ds_pixels *p, struct err *err);
void ds_planes_free(void *planes);

#ifdef __cplusplus
}
#endif
#endif
