/* SPDX-License-Identifier: MIT
 *
 * net_foreign: states from files that other programs wrote: PyTorch's in both forms (net_pytorch.h)
 * and safetensors (net_safetensors.h), told apart by their first bytes; our own checkpoints are read
 * too, so that any two can be compared. Nothing in a file is executed.
 *
 * The result is what a checkpoint can hold: floating point of any width becomes f32, integers and booleans become i64,
 * and tensors become contiguous.
 *
 * Memory is bounded by the file's size n: n for the file, read as it arrives, at most NET_MAX_FILE; 8n for tensors (a
 * byte becomes an i64), whatever their shapes; the pickle's values (pickle.h, a pickle of at most NET_MAX_PICKLE; in
 * the older form two at a time) or the JSON header's (at most NET_MAX_JSON).
 */
#ifndef NET_FOREIGN_H
#define NET_FOREIGN_H

#include "err/err.h"
#include "net/net.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NET_MAX_FILE ((size_t)1 << 32)
enum { NET_MAX_PICKLE = 16 << 20, NET_MAX_JSON = 4 << 20 };

struct net_foreign {
	const char *format; /* in words: "PyTorch (zip)" */
	struct ts_set state;
	char key[64];          /* the state's key in a training dictionary; "" if none */
	char others[256];      /* other keys that have states too: " ema" */
	char unknown[512];     /* unknown objects in it, which were not created: "a.B, c.D" */
	char module[128];      /* the class of the module from which the state was taken; "" if none */
	struct ts_meta meta;   /* other numbers and texts in the file */
	struct ts_header made; /* for one of our own checkpoints: only its history */
	size_t skipped;        /* entries of the state that are not tensors, or tensors listed in: */
	char left[2048];       /* tensors that cannot be read, and why: "'freq' (ComplexFloatStorage), ..." */
	size_t doubles;        /* tensors that lost precision: they were f64 */
	size_t file_size;
};

/* Reads path (NULL, "-": standard input). key: the entry of a training dictionary, "model_ema" or, nested, "model.ema";
 * NULL: the first of state_dict, model_state_dict, model, net, ..., or the entry with most tensors. A state may be a
 * dictionary of tensors or a whole module, whose tensors are taken out. -1 with a line in err that names the file. */
int net_foreign_read(struct net_foreign *f, const char *path, const char *key, struct err *err) TS_CHECKED;
void net_foreign_release(struct net_foreign *f);
/* Was it one of our own checkpoints? */
bool net_foreign_is_own(const struct net_foreign *f);
/* How messages refer to the file at path. */
const char *net_foreign_name(const char *path);

#ifdef __cplusplus
}
#endif
#endif
