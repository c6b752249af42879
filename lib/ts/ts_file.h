/* SPDX-License-Identifier: MIT
 *
 * ts_file: a file that is written completely or not at all. It is written under a temporary name in the same folder and
 * renamed by ts_file_finish(), so a file with the final name is always complete, and an older one stays until then.
 * Streams are written through it (ts_writer), and so are other files. An existing file keeps its mode, and a symbolic
 * link to a file stays a link: its target is replaced. Standard output, devices and pipes have no temporary: they are
 * written directly.
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

/* Would both be written to the same file, however they are spelt? NULL or "-" is standard output. */
bool ts_file_same(const char *a, const char *b);
/* path NULL or "-" is standard output. Returns NULL only when out of memory: any other failure is reported by
 * ts_file_error(). */
struct ts_file *ts_file_open(const char *path);
/* The same over a callback that works like write(2); name is used in messages. */
struct ts_file *ts_file_open_fn(ssize_t (*write)(void *ctx, const void *buf, size_t len), void *ctx, const char *name);
/* Writes all of it. -1: this failed, or the file had failed before. */
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
