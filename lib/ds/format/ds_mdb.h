/* SPDX-License-Identifier: MIT
 * ds_mdb: checks that an LMDB is intact. liblmdb maps the file and trusts it: one wrong offset would crash the
 * program. */
#ifndef DS_MDB_H
#define DS_MDB_H

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Goes through all pages of the file at path that hold keys, and the headers of those that hold values. The file must
 * be like LSUN's: one table, each key once. -1 with err: something is where it cannot be, or the file is truncated. The
 * contents of keys and values are not checked: the format has no checksum. */
int ds_mdb_check(const char *path, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
