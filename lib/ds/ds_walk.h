/* SPDX-License-Identifier: MIT
 * ds_walk: everything in a folder and below it, in the order of whole paths sorted by bytes; links are followed. A
 * folder whose listing breaks off is an error. ds_files uses it. */
#ifndef DS_WALK_H
#define DS_WALK_H

#include "ds/ds_files.h"
#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_walk;

/* NULL with err. */
struct ds_walk *ds_walk_open(const char *path, struct err *err);
void ds_walk_close(struct ds_walk *w);
/* The next entry: 1 and its path, which begins with the folder's own and is borrowed until the next call; 0, -1. */
int ds_walk_next(struct ds_walk *w, const char **path, enum ds_kind *kind, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
