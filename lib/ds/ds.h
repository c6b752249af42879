/* SPDX-License-Identifier: MIT
 *
 * ds: image sources. A source is one or several folders, archives or files, each in a layout that
 * some file format or some data set's own site laid down (ds_formats() names them). The first bytes
 * of a file tell what it is; names matter only where bytes tell nothing (CIFAR's binary rows,
 * annotations).
 *
 *	folder   walked in the order of its paths sorted by bytes; links are followed
 *	archive  tar, zip, 7zip, a tar compressed by gzip, bzip2, xz, zstd, lz4 or compress, and tars
 *	         inside those; in the order in which its files lie
 *	file     one file of images: IDX, MATLAB, pickle, .npz
 *	list     a text file of paths and labels, in its order
 *
 * The source is read twice: ds_open() lists it, because the classes stand in a stream's header;
 * ds_next() decodes the rows that were chosen. Nothing is unpacked to disk. An image that is a link
 * is an error if it lies in an archive or leads nowhere. So is an archive that is cut off, even a tar
 * that ends between two of its files.
 *
 * Decoding runs on o.threads threads; rows come in order all the same. Held in memory:
 * - the list: about 100 bytes per image, of at most DS_MAX_ROWS;
 * - two chunks per thread, each of at most 64 images, or 16 MB of pixels plus the image that exceeds
 *   them; from an archive also 1 MB of files plus the one that exceeds it, until they are decoded;
 * - per thread, the image that is being decoded (at most DS_MAX_PIXELS, twice if it is resized) and
 *   its file; these are freed after use if they are above 16 MB;
 * - one file of a format that holds many images in a file (pickle, .npz, MATLAB, gzipped IDX).
 */
#ifndef DS_H
#define DS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DS_MAX_SIDE = 32767,     /* pixels of an image's side */
	DS_MAX_PIXELS = 1 << 28, /* pixels of an image: larger ones are taken for bombs */
	DS_MAX_IMAGE = 1 << 28,  /* bytes of an image's file */
	DS_MAX_TEXT = 1 << 26,   /* bytes of a file of annotations, of a list */
	DS_MAX_ROWS = 1 << 27    /* images of a source */
};
#define DS_MAX_FILE (((size_t)1 << 31) - 1) /* bytes of any other file of a source */

/* ---- pixels ---------------------------------------------------------------------------------- */

struct ds_pixels {
	int h, w;
	uint8_t *rgb; /* (h,w,3), and DS_SLACK bytes that may be read */
	size_t cap;
};
enum { DS_SLACK = 16 };
void ds_pixels_release(struct ds_pixels *p);
/* Makes room for h x w pixels. -1 with err: out of memory. */
int ds_pixels_resize(struct ds_pixels *p, int h, int w, struct err *err);
/* (h,w,3) becomes (c,h,w), where c is 3, or 1 for gray pictures. */
void ds_pixels_planes(const struct ds_pixels *p, int c, uint8_t *to);
/* The reverse; a single plane is copied to all three. -1 with err: out of memory. */
int ds_pixels_from_planes(struct ds_pixels *p, const uint8_t *planes, size_t c, size_t h, size_t w, struct err *err);

/* Decodes a PNG, JPEG, WebP, GIF or BMP file in memory, recognised by its first bytes, to what Pillow's convert("RGB")
 * gives: the first frame of an animation; gray is repeated, palettes are looked up, alpha is dropped, CMYK is taken as
 * Adobe's inverted. 16-bit samples keep their high byte (Pillow clips 16-bit gray instead). -1 with err: not an image,
 * damaged, cut off, too large. */
int ds_decode(const void *data, size_t len, struct ds_pixels *p, struct err *err);

/* The same for many files, without setting up libjpeg anew for each. A decoder belongs to one thread. ds_decoder_new()
 * returns NULL if out of memory. */
struct ds_decoder;
struct ds_decoder *ds_decoder_new(void);
void ds_decoder_free(struct ds_decoder *d);
/* at_least: 0, or a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as the shorter side
 * keeps that many pixels (libjpeg's scaled decoding: faster, other pixels). */
int ds_decoder_run(struct ds_decoder *d, const void *data, size_t len, int at_least, struct ds_pixels *p,
		   struct err *err);
/* From now on a JPEG whose data ends too early is read as far as it goes, as Pillow does with LOAD_TRUNCATED_IMAGES,
 * and the missing part is gray. ds_decoder_short(): was the last file like that? */
void ds_decoder_lenient(struct ds_decoder *d);
bool ds_decoder_short(const struct ds_decoder *d);
/* Does it begin like a picture, either of a format that ds_decode() reads or of one that it names as unsupported? 18
 * bytes are enough to tell. */
bool ds_is_image(const void *head, size_t n);

/* Resizes with antialiasing, using one of Pillow's filters: the same numbers as Pillow 13's resize(), fixed point
 * included. from and to must differ. -1 with err: out of memory. */
enum ds_filter { DS_BILINEAR, DS_BICUBIC, DS_LANCZOS, DS_BOX, DS_HAMMING };
#define DS_FILTERS "bilinear|bicubic|lanczos|box|hamming" /* in that order */
int ds_resize(const struct ds_pixels *from, struct ds_pixels *to, int h, int w, enum ds_filter kind, struct err *err);
/* Sets all three channels of each pixel to its gray value, that of Pillow's convert("L"). */
void ds_gray(struct ds_pixels *p);

struct ds_shape {
	int h, w;     /* 0: do not resize */
	bool shorter; /* resize the shorter side to h, which equals w; otherwise to h x w exactly */
	enum ds_filter filter;
	int crop_h, crop_w; /* then cut out the middle; 0: keep all */
	bool gray;          /* make it gray first */
	bool fast;          /* see ds_decoder_run(); needs h */
};
/* Applies s with the rounding of torchvision's Grayscale, Resize and CenterCrop; p changes, spare is a buffer. -1 with
 * err. */
int ds_reshape(struct ds_pixels *p, struct ds_pixels *spare, const struct ds_shape *s, struct err *err);

/* ---- sources --------------------------------------------------------------------------------- */

enum ds_empty { DS_EMPTY_ERROR, DS_EMPTY_DROP, DS_EMPTY_KEEP };
enum ds_order { DS_BY_NUMBER, DS_BY_BYTES };

struct ds_distort;
struct ds_options {
	const char *format;          /* only this one (ds_formats()); NULL: any */
	const char *split;           /* "train", "test", ...; NULL: everything */
	long class_level;            /* which folder of a path is the class: 1 the first below the root, -1 the image's
					  own; 0: see ds_folders.h */
	enum ds_empty empty_classes; /* what to do with folders beside those of the classes that hold no image */
	enum ds_order class_order;   /* order of classes whose names are whole numbers */
	bool coarse;                 /* CIFAR-100: its 20 coarse labels */
	const char *files;           /* only files whose path matches this pattern (fnmatch(3)) give rows; or NULL */
	const char *list, *root;     /* a list, and the folder that its paths are relative to; or NULL */
	const char *exclude, *only;  /* files of class names or ids, one per line; or NULL */
	const char *map;             /* file of "class<TAB>new class" lines; or NULL */
	long per_class, sample, limit; /* -1: all; in this order; the first two at random */
	uint64_t seed;
	long shard, n_shards;             /* then rows shard, shard + n_shards, ...; n_shards >= 1 */
	const struct ds_distort *distort; /* borrowed; applied to each picture first (ds_distort.h); or NULL */
	struct ds_shape shape;
	/* If given: what cannot be read in a folder, a file or a folder, is told it, and the others are listed. */
	void (*unreadable)(void *data, const char *what);
	void *data;
	bool lenient; /* see ds_decoder_lenient() */
	int threads;  /* 1: the caller of ds_next() does all the work */
	bool hash;    /* give bytes and hash of every row, and no pixels */
	bool check;   /* give bytes and hash as well as the pixels */
};

struct ds_source;

/* Format number i: its name, and one line that describes it. False: there is no format i. */
bool ds_formats(size_t i, const char **name, const char **what);

/* Lists the source, n paths one after another (none with o->list), and chooses rows. NULL with err: not readable, no
 * images in it, no such split (err lists those that there are). The paths and strings of o must outlive the source. */
struct ds_source *ds_open(char *const *paths, size_t n, const struct ds_options *o, struct err *err);
void ds_close(struct ds_source *s);
/* Names of the classes, n of them; 0 if the source has no labels. Borrowed. */
char *const *ds_classes(const struct ds_source *s, size_t *n);
/* The number of chosen rows. */
size_t ds_rows(const struct ds_source *s);
/* How many files were skipped because their format is not read. ds_unread(): why the first of them whose format is
 * known is not read (NULL: there is none). */
size_t ds_ignored(const struct ds_source *s);
const char *ds_unread(const struct ds_source *s);
/* Other facts that the user should know about the source, though they are not errors: text i, or NULL after the last.
 * Borrowed. */
const char *ds_note(const struct ds_source *s, size_t i);

struct ds_row {
	const char *name; /* path inside the source */
	int64_t label;    /* -1: none */
	int c, h, w;
	const uint8_t *image; /* (c,h,w); NULL with o.hash */
	bool is_short;        /* with o.lenient: a JPEG that ends too early */
	uint64_t bytes, hash; /* of the image's file, or of its pixels where many share a file; XXH3-64. Only with
			       * o.hash or o.check */
};
/* What ds_next() returns. The errors come with err, which names the row, or the source. */
enum ds_step {
	DS_UNREADABLE = -3, /* this row's file is gone, or cannot be read; the next call goes on after it */
	DS_BROKEN = -2,     /* the source cannot be read any further */
	DS_DAMAGED = -1,    /* this row cannot be decoded; the next call goes on after it */
	DS_END = 0,
	DS_ROW = 1
};
/* The next chosen row; all of it is borrowed until the next call. */
enum ds_step ds_next(struct ds_source *s, struct ds_row *row, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
