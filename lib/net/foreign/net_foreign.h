/* SPDX-License-Identifier: MIT
 *
 * net_foreign: states from files that other programs wrote: PyTorch's in both forms (net_pytorch.h)
 * and safetensors (net_safetensors.h), told apart by their first bytes; our own checkpoints are read
 * too, so that any two can be compared. Nothing in a file is executed.
 *
 * What comes out is what a checkpoint can have: floating point of any width becomes f32, integers and
 * booleans become i64, strides are laid straight.
 *
 * Memory is bounded by the file's size n: n for the file, read as it arrives and no larger than
 * NET_MAX_FILE; 8n for tensors (a byte becomes an i64), whatever their shapes say; the pickle's values
 * (pickle.h, a pickle of at most NET_MAX_PICKLE; in the older form two at a time) or the JSON header's
 * (at most NET_MAX_JSON).
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
	char key[64];          /* what the state stood under in a training dictionary; "" */
	char others[256];      /* other keys that have states too: " ema" */
	char unknown[512];     /* what objects it holds that are not known, which were not made: "a.B, c.D" */
	char module[128];      /* the class of the module that the state was taken out of; "" */
	struct ts_meta meta;   /* what else it says in numbers and words */
	struct ts_header made; /* of one of our own: how it came to be, its history alone */
	size_t skipped;        /* entries of the state that are no tensors, or tensors that are in: */
	char left[2048];       /* tensors that cannot be read, and why: "'freq' (ComplexFloatStorage), ..." */
	size_t doubles;        /* tensors that lost digits: they were f64 */
	size_t file_size;
};

/* Reads path (NULL, "-": standard input). key: which entry of a training dictionary, "model_ema" or, of one
 * in another, "model.ema"; NULL: the first of state_dict, model_state_dict, model, net, ..., or what has most
 * tensors. A state may be a dictionary of tensors or a whole module, whose tensors are taken out. -1 with a
 * line in err that names the file. */
int net_foreign_read(struct net_foreign *f, const char *path, const char *key, struct err *err) TS_CHECKED;
void net_foreign_release(struct net_foreign *f);
/* Was it one of our own checkpoints? */
bool net_foreign_is_own(const struct net_foreign *f);
/* What messages call the file at path. */
const char *net_foreign_name(const char *path);

#ifdef __cplusplus
}
#endif
#endif
