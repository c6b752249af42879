/* SPDX-License-Identifier: MIT
 * ds_mdb: is an LMDB whole? liblmdb maps the file and trusts it: an offset in it that is wrong ends the program. */
#ifndef DS_MDB_H
#define DS_MDB_H

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Goes through all pages that hold keys and the heads of those that hold values, of the file at path, as LSUN has it:
 * one table, each key once. -1 with err: what is where it cannot be, or the file is cut off. Of keys and values it
 * looks at nothing: the format has no checksum. */
int ds_mdb_check(const char *path, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
