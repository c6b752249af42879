/* SPDX-License-Identifier: MIT
 *
 * net_safetensors: <u8 length, JSON { name: { "dtype", "shape", "data_offsets": [begin, end] }...,
 * "__metadata__": { str: str } }, then the tensors' bytes, row-major and little-endian.
 */
#ifndef NET_SAFETENSORS_H
#define NET_SAFETENSORS_H

#include "err/err.h"
#include "net/foreign/net_foreign.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Do the file's first bytes look like safetensors? */
bool net_safetensors_is(const unsigned char *p, size_t n);
/* Reads n bytes of a file into *f, of which only file_size is set. -1 with a line in err: the header has wrong offsets
 * or sizes, or overlaps. */
int net_safetensors_read(struct net_foreign *f, const unsigned char *p, size_t n, struct err *err) TS_CHECKED;
/* What an element is. */
enum net_safetensor_kind {
	NET_ST_FLOAT,
	NET_ST_BFLOAT, /* the upper half of a float */
	NET_ST_INT,
	NET_ST_UINT,
	NET_ST_BOOL,
	NET_ST_OTHER /* not known here */
};
/* A tensor as it is in the file. dtype is the file's name for its elements, "BF16"; for those known here, `size` is
 * their number of bytes, and the number of all bytes matches the shape. */
struct net_safetensor {
	const char *name, *dtype;
	enum net_safetensor_kind kind;
	size_t size;
	int ndim;
	const size_t *shape;
	const unsigned char *data;
	size_t bytes;
};
typedef int net_safetensor_fn(void *ctx, const struct net_safetensor *t, struct err *err);
/* Calls each() for every tensor in n bytes of a file; metadata goes to *meta, which may be NULL. What each() saw is
 * valid only if this returns 0. -1 with a line in err: each()'s own, or as above. */
int net_safetensors_each(const unsigned char *p, size_t n, struct ts_meta *meta, net_safetensor_fn *each, void *ctx,
			 struct err *err) TS_CHECKED;
/* Writes the tensors (of any type but strings), with `pairs` of metadata: key, value, key, value..., NULL ends it.
 * f is not finished. -1 with a line in err. */
int net_safetensors_write(struct ts_file *f, const struct ts_set *set, const char *const *pairs,
			  struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
