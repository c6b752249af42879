/* SPDX-License-Identifier: MIT
 *
 * net_pytorch: files of torch.save(), read and written without PyTorch.
 *
 *   zip form      NAME/data.pkl   a pickle; a tensor's numbers are persistent ids
 *                                 ("storage", torch.FloatStorage, key, device, elements)
 *                 NAME/data/KEY   a storage's bytes, stored
 *                 NAME/version, NAME/byteorder ("little" if present)
 *   legacy form   (before 1.6) pickles of a magic number, 1001, a description of the machine, the
 *                 object, the list of keys; then for each key <i8 elements, bytes
 *
 * The object is a state_dict or a training dictionary that has one under some key.
 */
#ifndef NET_PYTORCH_H
#define NET_PYTORCH_H

#include "err/err.h"
#include "net/foreign/net_foreign.h"
#include "ts/ts_file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Do the file's first bytes look like PyTorch's? */
bool net_pytorch_is(const unsigned char *p, size_t n);
/* Reads n bytes of a file into *f, of which only file_size is set. -1 with a line in err. */
int net_pytorch_read(struct net_foreign *f, const unsigned char *p, size_t n, const char *key,
		     struct err *err) TS_CHECKED;
/* Writes an OrderedDict of the tensors (f32, i64, u8) in the zip form, which torch.load() opens, even with
 * weights_only=True. `set` and its tensors are borrowed. f is not finished. -1 with a line in err. */
int net_pytorch_write(struct ts_file *f, const struct ts_set *set, struct err *err) TS_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
