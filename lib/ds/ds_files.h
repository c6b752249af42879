/* SPDX-License-Identifier: MIT
 *
 * ds_files: iterates over the files of a folder or an archive, or over a single file.
 *
 *	while ((rc = ds_files_next(f, &name, err)) == 1)
 *		if (interesting(name) && ds_files_read(f, &bytes, limit, err) == 0) ...
 */
#ifndef DS_FILES_H
#define DS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_bytes {
	unsigned char *p;
	size_t n, cap;
};
/* Makes room for at least one more byte. -1 with err: b already holds limit bytes, or out of memory. */
int ds_bytes_grow(struct ds_bytes *b, size_t limit, struct err *err);
/* Unpacks a whole gzip file in memory and appends the result to b, which then holds at most limit bytes. -1 with
 * err. */
int ds_bytes_gunzip(const void *p, size_t n, struct ds_bytes *b, size_t limit, struct err *err);
/* Replaces the contents of b with the file at path, of at most limit bytes. -1 with err, which does not name the
 * file. */
int ds_bytes_load(const char *path, struct ds_bytes *b, size_t limit, struct err *err);
/* The same for a picture file. Refuses a FIFO or a device, which open() might wait for. */
int ds_bytes_load_picture(const char *path, struct ds_bytes *b, struct err *err);
void ds_bytes_release(struct ds_bytes *b);

/* ds_is_gzip(): do these first bytes begin a gzip file? ds_is_npz(): do they begin an .npz, which is a zip whose first
 * file is a .npy? 94 bytes are enough for names of up to 63 bytes. */
bool ds_is_gzip(const unsigned char *p, size_t n);
bool ds_is_npz(const unsigned char *p, size_t n);
enum { DS_NPZ_HEAD = 94, DS_GZIP_WINDOW = 15 + 16 }; /* zlib: a window of 2^15 bytes, + 16 for gzip's header */

struct ds_files;

/* name: what messages call path, and its name if it is a single file. NULL with a line in err that has the name. */
struct ds_files *ds_files_open(const char *path, const char *name, struct err *err);
void ds_files_close(struct ds_files *f);
/* Is it a folder, or one plain file? Then each of its files can be opened on its own. */
bool ds_files_is_folder(const struct ds_files *f);
bool ds_files_is_plain(const struct ds_files *f);
/* The next file, of any kind: 1 and its path inside the source (borrowed until the next call), 0 at the end, -1. */
enum ds_kind {
	DS_FILE,
	DS_FOLDER, /* its contents follow; archives need not list their folders */
	DS_LINK,   /* a link to nothing, or any link in an archive */
	DS_SPECIAL /* a FIFO, a socket, a device */
};
enum ds_kind ds_files_kind(const struct ds_files *f);
int ds_files_next(struct ds_files *f, const char **name, struct err *err);
/* Where the file lies on the disk; NULL in an archive. */
const char *ds_files_path(const struct ds_files *f);
/* Appends the file's content to b, from where the last call ended, until b holds `upto` bytes or the
 * file ends. -1 with err, which does not name the file: it is a link in an archive, or cannot be
 * read. */
int ds_files_read(struct ds_files *f, struct ds_bytes *b, size_t upto, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
