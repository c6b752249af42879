/* SPDX-License-Identifier: MIT
 *
 * ds: image sources. A source is a folder or an archive (tar, zip, 7zip; a tar compressed by
 * gzip, bzip2, xz, zstd, lz4 or compress) of files in a known layout:
 *
 *   images   .png, .jpg, .jpeg files; an image's class is its parent folder, classes are sorted
 *   cifar    CIFAR-10 and CIFAR-100 as their site hands them out, binary and Python form
 *
 * The source is gone through twice: ds_open() lists it, because the classes stand in a stream's
 * header, ds_next() decodes what was chosen. Nothing is unpacked to disk. Held in memory: the list
 * (about 100 bytes a row), one file, one image.
 *
 * Order of rows: a folder's paths sorted by bytes, an archive's as they lie in it. Links are followed
 * in a folder; in an archive, and where they lead nowhere, an image that is a link is an error. So
 * is an archive that is cut off, a tar between two files included.
 */
#ifndef DS_H
#define DS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DS_ERR = 1024,                    /* bytes of an error's text */
	DS_MAX_SIDE = 32767,              /* pixels of an image's side */
	DS_MAX_PIXELS = 1 << 28           /* and of its area: larger ones are taken for bombs */
};
#define DS_MAX_FILE ((size_t)1 << 30)     /* bytes of one file of a source */

/* ---- pixels ---------------------------------------------------------------------------------- */

struct ds_pixels {
	int h, w;
	uint8_t *rgb;                     /* (h,w,3) */
	size_t cap;
};
void ds_pixels_release(struct ds_pixels *p);
/* Makes room for h x w pixels. -1: out of memory. */
int ds_pixels_resize(struct ds_pixels *p, int h, int w);

/* Decodes a PNG or JPEG file in memory, told by its first bytes, to what Pillow's convert("RGB")
 * gives: gray is repeated, palettes are looked up, alpha is dropped, CMYK is taken as Adobe's
 * inverted. 16-bit samples keep their high byte (Pillow clips 16-bit gray instead). -1 with a line
 * in err: not an image, damaged, cut off, too large. */
int ds_decode(const void *data, size_t len, struct ds_pixels *p, char *err);

/* Bilinear, antialiased: the same numbers as Pillow's resize(BILINEAR), fixed point included. -1:
 * out of memory. from and to differ. */
int ds_resize(const struct ds_pixels *from, struct ds_pixels *to, int h, int w);

struct ds_shape {
	int size;                         /* 0: as it is */
	bool shorter;                     /* the shorter side becomes size, else both do */
	int crop;                         /* then the middle crop x crop; 0: all */
};
/* Applies s as torchvision's Resize and CenterCrop round; p changes, spare is a buffer. -1 with
 * err. */
int ds_reshape(struct ds_pixels *p, struct ds_pixels *spare, const struct ds_shape *s, char *err);

/* ---- files of a folder or an archive --------------------------------------------------------- */

struct ds_files;
struct ds_bytes {
	unsigned char *p;
	size_t n, cap;
};

/* NULL with a line in err that names path. */
struct ds_files *ds_files_open(const char *path, char *err);
void ds_files_close(struct ds_files *f);
/* The next file or link to one: 1 and its path inside the source (borrowed to the next call), 0 at
 * the end, -1. */
int ds_files_next(struct ds_files *f, const char **name, char *err);
/* The file's content, grown as it arrives. -1: a link in an archive, cannot be read, or more than
 * DS_MAX_FILE; err says why and leaves the names to the caller. */
int ds_files_read(struct ds_files *f, struct ds_bytes *b, char *err);

/* ---- sources --------------------------------------------------------------------------------- */

struct ds_options {
	const char *split;                /* "train", "test", ...; NULL: everything */
	long sample, limit;               /* -1: all; sample is chosen at random, in order, then limit */
	uint64_t seed;
	long shard, n_shards;             /* then rows shard, shard + n_shards, ...; n_shards >= 1 */
};

struct ds_source;

/* Lists the source at path and chooses rows. NULL with a line in err: not readable, no images in
 * it, no such split (it says which there are). */
struct ds_source *ds_open(const char *path, const struct ds_options *o, char *err);
void ds_close(struct ds_source *s);
/* Names of the classes, n of them; 0 if the source has no labels. Borrowed. */
char *const *ds_classes(const struct ds_source *s, size_t *n);
/* Rows that were chosen. */
size_t ds_rows(const struct ds_source *s);
/* Files that were passed over, being neither images nor CIFAR's. */
size_t ds_ignored(const struct ds_source *s);

struct ds_row {
	const char *name;                 /* path inside the source; borrowed */
	int64_t label;                    /* -1: none */
};
/* Decodes the next chosen row into *p. 1; 0 at the end; -1 with a line in err that names the row:
 * that row is damaged, and the next call goes on behind it; -2 likewise, but the source itself
 * is. */
int ds_next(struct ds_source *s, struct ds_row *row, struct ds_pixels *p, char *err);

#ifdef __cplusplus
}
#endif
#endif
