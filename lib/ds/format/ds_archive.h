/* SPDX-License-Identifier: MIT
 * ds_archive: the files of an archive, in its order, including those of a tar inside it. ds_files uses it. */
#ifndef DS_ARCHIVE_H
#define DS_ARCHIVE_H

#include <stddef.h>
#include <sys/types.h>

#include "ds/ds_files.h"
#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_archive;

/* NULL with err. *is = 0: it is not an archive, err says why; 1: it cannot be read, err names it. */
struct ds_archive *ds_archive_open(const char *path, const char *name, int *is, struct err *err);
/* The same for a zip in memory, which must outlive it. name is for messages. */
struct ds_archive *ds_archive_open_zip(const void *p, size_t n, const char *name, struct err *err);
void ds_archive_close(struct ds_archive *a);
/* Like ds_files_next(), with the entry's kind. */
int ds_archive_next(struct ds_archive *a, const char **name, enum ds_kind *kind, struct err *err);
/* Reads at most n bytes. Returns how many, 0 at the file's end, -1 with err. */
ssize_t ds_archive_read(struct ds_archive *a, void *to, size_t n, struct err *err);
/* Replaces the contents of b with the whole current file, at most limit bytes. -1 with err. */
int ds_archive_read_all(struct ds_archive *a, struct ds_bytes *b, size_t limit, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
