/* SPDX-License-Identifier: MIT
 *
 * ts_file: a file that is written whole or not at all. It is written under a temporary name beside
 * its own and renamed by ts_file_finish(), so what has the final name is always whole, and what was
 * there before stays until then. Streams are written through it (ts_writer), and so is what is no
 * stream. A file that is there keeps its mode, and a symbolic link to a file stays one: what it leads to is
 * replaced. Standard output, devices and pipes have no temporary: they are written as they are.
 *
 * Errors are sticky, as everywhere in ts. ts_remove_temporaries(), in ts.h, is for signal handlers.
 */
#ifndef TS_FILE_H
#define TS_FILE_H

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ts_file;

/* Would both be written to the same file, however it is spelt? NULL or "-" is standard output. */
bool ts_file_same(const char *a, const char *b);
/* path NULL or "-" is standard output. NULL only when out of memory: what else went wrong is in
 * ts_file_error(). */
struct ts_file *ts_file_open(const char *path);
/* The same over a callback that works like write(2); name is used in messages. */
struct ts_file *ts_file_open_fn(ssize_t (*write)(void *ctx, const void *buf, size_t len), void *ctx, const char *name);
/* Writes all of it. -1: could not, or the file has failed before. */
int ts_file_put(struct ts_file *f, const void *data, size_t len) TS_CHECKED;
/* Flushes to disk and renames. The last act of success. */
int ts_file_finish(struct ts_file *f) TS_CHECKED;
/* Frees; a file that was not finished is removed. Accepts NULL. */
void ts_file_close(struct ts_file *f);
/* Path, or "<stdout>". */
const char *ts_file_name(const struct ts_file *f);
/* One line that names the file, without a final full stop; NULL if nothing failed. */
const char *ts_file_error(const struct ts_file *f);

#ifdef __cplusplus
}
#endif
#endif
