/* SPDX-License-Identifier: MIT
 * Shared by the readers of foreign files: element types, and tensors as they are read. */
#ifndef NET_FOREIGN_INTERNAL_H
#define NET_FOREIGN_INTERNAL_H

#include "err/err.h"
#include "net/foreign/net_foreign.h"

enum net_elem {
	NET_E_F32,
	NET_E_F64,
	NET_E_F16,
	NET_E_BF16,
	NET_E_I64,
	NET_E_I32,
	NET_E_I16,
	NET_E_I8,
	NET_E_U8,
	NET_E_BOOL,
	NET_E_OTHER /* numbers that a checkpoint cannot hold */
};
size_t net_elem_size(enum net_elem e); /* not of NET_E_OTHER */

/* A view of numbers somewhere in the file. */
struct net_view {
	char name[TS_MAX_NAME + 1];
	enum net_elem elem;
	int ndim;
	size_t shape[TS_MAX_DIMS];
	size_t stride[TS_MAX_DIMS]; /* in elements */
	size_t offset;              /* in elements */
	size_t count;               /* elements; set by net_view_check */
};

/* Sets the name, of len bytes. -1 with a line in err: empty, too long, or with control characters. */
int net_view_name(struct net_view *v, const char *name, size_t len, struct err *err) TS_CHECKED;
/* Checks that every element of v lies within numel elements, and counts them. -1 with a line in err. */
int net_view_check(struct net_view *v, size_t numel, struct err *err) TS_CHECKED;
/* Sets the strides of a row-major array. */
void net_view_straight(struct net_view *v);
/* Copies a checked view of data (numel elements) to f->state as f32 or i64. -1 with a line in err: the name exists
 * already, or tensors exceed 8 times the file's size. */
int net_foreign_add(struct net_foreign *f, const struct net_view *v, const unsigned char *data,
		    struct err *err) TS_CHECKED;

/* Replaces control characters. */
void net_foreign_plain(char *text);
/* Notes a tensor that cannot be read, and why: its type. */
void net_foreign_leave(struct net_foreign *f, const char *name, const char *type);

#endif
