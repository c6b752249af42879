/* SPDX-License-Identifier: MIT
 * The parts of the PyTorch reader: net_pytorch.c opens the containers, net_pytorch_state.c finds the state in the
 * pickled object, and net_pytorch_object.c turns it into tensors. */
#ifndef NET_PYTORCH_INTERNAL_H
#define NET_PYTORCH_INTERNAL_H

#include "err/err.h"
#include "net/foreign/net_foreign_internal.h"
#include "pickle/pickle.h"

/* A storage that the pickle refers to. */
struct pytorch_storage {
	const char *key; /* borrowed from the pickle; not NUL-terminated */
	size_t key_len;
	const char *type; /* borrowed: "torch FloatStorage" */
	enum net_elem elem;
	size_t elem_size; /* bytes; 0: not known */
	size_t numel;
	bool used, done; /* the state uses it; its tensors have been created */
};
/* A tensor of the state: a view of storage[i]. */
struct pytorch_view {
	struct net_view v;
	size_t storage;
};
struct pytorch_object {
	struct pytorch_storage *storages; /* sorted by key */
	size_t n_storages;
	struct pytorch_view *views;
	size_t n_views;
};

/* The names that are allowed in a PyTorch pickle. */
extern const struct pickle_name pytorch_names[];

/* Takes from a pickle (which must outlive *o) all storages, and the views of the state: that under `key`, or the one
 * that it finds. Fills f->key, others, unknown, module, skipped, left. -1 with a line in err. The caller releases *o
 * even then. */
int pytorch_object_read(struct pytorch_object *o, const struct pickle *k, const char *key, struct net_foreign *f,
			struct err *err) TS_CHECKED;
void pytorch_object_release(struct pytorch_object *o);
/* ---- net_pytorch_state.c ---- */

/* The arguments (storage, offset, size, stride...) of a tensor; NULL: not a tensor. */
const struct pickle_value *pytorch_tensor_args(const struct pickle_value *v);
/* Finds the state: under `key`, under a usual key, or where most tensors are. NULL with a line in err. Fills f->key and
 * others. */
const struct pickle_value *pytorch_find_state(const struct pickle_value *root, const char *key, struct net_foreign *f,
					      struct err *err);
/* A module's state: _parameters, _buffers, _modules. NULL: not a module. */
const struct pickle_value *pytorch_module_state(const struct pickle_value *v);
/* Number of tensors in a state, which may be a dictionary or a module. */
size_t pytorch_count_state(const struct pickle_value *v);
/* Walks all tensors of a module and of those inside it, named as by state_dict(). */
struct pytorch_walk {
	int (*each)(struct pytorch_walk *w, const char *name, const struct pickle_value *args);
	struct pytorch_object *o;
	struct net_foreign *f;
	struct err *err;
	size_t n, modules;
};
int pytorch_walk_module(struct pytorch_walk *w, const struct pickle_value *state, const char *prefix,
			int depth) TS_CHECKED;

/* ---- net_pytorch_object.c ---- */

/* The storage of this key, or NULL. */
struct pytorch_storage *pytorch_object_find(const struct pytorch_object *o, const char *key, size_t len);
/* Copies the views of storage s, whose bytes are data, to f. Doing so twice is an error. */
int pytorch_object_fill(struct pytorch_object *o, struct pytorch_storage *s, const unsigned char *data,
			struct net_foreign *f, struct err *err) TS_CHECKED;
/* Creates the tensors that need no bytes, and puts all in the file's order. -1: a storage is missing. */
int pytorch_object_finish(struct pytorch_object *o, struct net_foreign *f, struct err *err) TS_CHECKED;

#endif
