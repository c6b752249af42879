/* SPDX-License-Identifier: MIT
 * The two halves of the PyTorch reader: net_pytorch.c opens the containers, net_pytorch_object.c knows
 * what the pickled object means. */
#ifndef NET_PYTORCH_INTERNAL_H
#define NET_PYTORCH_INTERNAL_H

#include "err/err.h"
#include "net/foreign/net_foreign_internal.h"
#include "pickle/pickle.h"

/* A storage that the pickle speaks of. */
struct torch_storage {
	const char *key; /* borrowed from the pickle; no NUL behind it */
	size_t key_len;
	const char *type; /* borrowed: "torch FloatStorage" */
	enum net_elem elem;
	size_t elem_size; /* bytes; 0: not known */
	size_t numel;
	bool used, done; /* the state looks into it; its tensors were made */
};
/* A tensor of the state: a view of storage[i]. */
struct torch_view {
	struct net_view v;
	size_t storage;
};
struct torch_object {
	struct torch_storage *storages; /* sorted by key */
	size_t n_storages;
	struct torch_view *views;
	size_t n_views;
};

/* The names that may stand in a PyTorch pickle. */
extern const struct pickle_name torch_names[];

/* Takes from a pickle (which must outlive *o) all storages, and the views of the state: that of `key`, or
 * the one that is found. Fills f->key, others, unknown, module, skipped, left. -1 with a line in err. The caller
 * releases *o also then. */
int torch_object_read(struct torch_object *o, const struct pickle *k, const char *key, struct net_foreign *f,
		      struct err *err) TS_CHECKED;
void torch_object_release(struct torch_object *o);
/* The storage of this key, or NULL. */
struct torch_storage *torch_object_find(const struct torch_object *o, const char *key, size_t len);
/* Copies the views of storage s, whose bytes are data, to f. Twice is an error. */
int torch_object_fill(struct torch_object *o, struct torch_storage *s, const unsigned char *data, struct net_foreign *f,
		      struct err *err) TS_CHECKED;
/* Makes the tensors that need no bytes and brings all into the file's order. -1: a storage is
 * missing. */
int torch_object_finish(struct torch_object *o, struct net_foreign *f, struct err *err) TS_CHECKED;

#endif
