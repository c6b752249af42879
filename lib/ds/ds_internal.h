/* SPDX-License-Identifier: MIT
 *
 * ds_internal: what the files of lib/ds know of each other. A layout, one kind of file, is one file
 * format/ds_X.c and its name in DS_LAYOUT_LIST. A source is listed (ds_source.c: which rows are
 * there), its classes are numbered and its rows chosen (ds_choose.c), and then read (ds_read.c).
 */
#ifndef DS_INTERNAL_H
#define DS_INTERNAL_H

#include <pthread.h>

#include "ds/ds.h"
#include "ds/ds_files.h"
#include "ds/ds_map.h"
#include "err/err.h"

/* ---- the file at hand ---- */

struct ds_in {
	const char *path;                 /* inside the source */
	const char *real;                 /* on the disk; NULL in an archive */
	struct ds_files *files;           /* what it is read from; NULL: from real */
	struct ds_bytes raw, unpacked;    /* what was read of it; the same without gzip */
	bool gz, known, whole;            /* it is gzip's; that is known; all of it is read */
};
/* Begins another file; buffers stay. */
void ds_in_begin(struct ds_in *in, struct ds_files *files, const char *path, const char *real);
void ds_in_release(struct ds_in *in);
/* The first bytes, *n of at most DS_HEAD, unpacked if the file is gzip's. -1 with err. */
enum { DS_HEAD = 512 };
int ds_in_head(struct ds_in *in, const unsigned char **p, size_t *n, struct err *err);
/* All of it, at most limit bytes, unpacked likewise; borrowed until the next file. NULL with err. */
const struct ds_bytes *ds_in_content(struct ds_in *in, size_t limit, struct err *err);
/* Room for row `at` of a file of n images of h x w. -1 with err: there is no such row any more, no memory. */
int ds_pixels_row(struct ds_pixels *p, size_t at, size_t n, size_t h, size_t w, struct err *err);
/* A path that a library can open: real, or that of a copy in memory, which *fd keeps (-1: none; the
 * caller closes it). -1 with err. */
int ds_in_open_path(struct ds_in *in, char path[4096], int *fd, struct err *err);

/* ---- layouts ---- */

/* One kind of file in a source. Each file is offered to the layouts in order: the first that knows
 * its name or its first bytes, and whose list() does not pass, has it. */
struct ds_layout {
	const char *name, *what;          /* for --format and --list-formats */
	const struct ds_layout *with;     /* whose files it says more of; or NULL */
	bool (*named)(const char *path);  /* or NULL */
	bool (*starts)(const unsigned char *head, size_t n);      /* or NULL */
	/* Adds the file's rows with ds_add_row(), or remembers what it says of others. 1: done, 0: it
	 * is not of this layout after all, -1 with err (source and file are named in front of it). */
	int (*list)(struct ds_source *s, struct ds_in *in, struct err *err);
	/* After all files were listed; or NULL. err names all. */
	int (*finish)(struct ds_source *s, struct err *err);
	/* Reading. Without load a file is one picture. Else load() makes what decode() and fetch() take
	 * row `at` from; rows are decoded by several threads at once, the other calls come one at a
	 * time. fetch: a row is a picture, *p, which lives as long as the memo. */
	int (*load)(struct ds_in *in, void **memo, struct err *err);
	int (*fetch)(void *memo, const char *name, const void **p, size_t *n, struct err *err);
	int (*decode)(const void *memo, size_t at, struct ds_pixels *p, struct err *err);
	void (*forget)(void *memo);
	void (*drop)(void *state);        /* frees ds_state(); or NULL */
};
/* All of them, in the order in which a file is offered: its own name counts first (images are most of all files), then
 * its first bytes. Each is defined in a file of format/, as ds_layout_NAME. */
#define DS_LAYOUT_LIST(X) X(images) X(tiny) X(webdataset) X(lmdb) X(svhn) X(cifar) X(imagenet) X(idx)
#define DS_LAYOUT_NUMBER(name) DS_LAYOUT_##name,
enum { DS_LAYOUT_LIST(DS_LAYOUT_NUMBER) DS_LAYOUTS };
#define DS_LAYOUT_DECLARE(name) extern const struct ds_layout ds_layout_##name;
DS_LAYOUT_LIST(DS_LAYOUT_DECLARE)
extern const struct ds_layout *const ds_layouts[DS_LAYOUTS];      /* ds_layouts.c; others find it in struct ds_source */

/* Last component of a path. */
const char *ds_base(const char *path);
/* Adds a row of the file that is being listed: at = its index in the file; name, or NULL: the
 * file's, with the index behind it if the layout has load(); class_id its class or NULL, label its
 * number or -1 where the layout numbers classes itself. -1: out of memory, or too many. */
int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_id, long label);
/* Says the names of classes that the layout numbers itself. */
int ds_name_classes(struct ds_source *s, char **names_take, size_t n);
/* The number of a class, which is new if there is none of this id. -1: out of memory. */
int ds_class_number(struct ds_source *s, const char *id);
/* Is this row part of the split that was asked for? `path`'s folders are looked at; own: the split
 * that the layout itself knows the file to be of, or NULL. */
bool ds_in_split(struct ds_source *s, const char *path, const char *own);
/* The file at hand is of a format that is known, but is not read, because: said if there is nothing
 * else in the source. Returns 0, as list() does. */
int ds_pass(struct ds_source *s, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What a layout keeps while a source is listed; *ds_state() is NULL at first. */
void **ds_state(struct ds_source *s, int layout);          /* DS_LAYOUT_X */

/* ---- the source ---- */

struct ds_file {
	char *path;                       /* inside the source, the operand's prefix in front */
	uint32_t entry;                   /* its number in its operand, from 1 */
	uint32_t operand : 24, layout : 8;
};
enum { DS_MAX_OPERANDS = 1 << 24 };

struct ds_entry {
	uint32_t file, at;                /* of files[]; the row's number in it */
	int32_t label;
	char *name;                       /* or NULL, see ds_add_row() */
};

struct ds_class {
	char *id, *name;                  /* name NULL: the id */
};

struct ds_operand {
	char *path, *prefix;              /* prefix "" with a single operand */
	bool folder, plain;               /* its files are opened by their paths; it is the file */
};

struct ds_source {
	struct ds_options o;
	const struct ds_layout *const *layouts;   /* ds_layouts */
	const struct ds_layout *format;   /* o.format's, or NULL */
	struct ds_operand *operands;
	size_t n_operands;
	struct ds_file *files;
	size_t n_files, cap_files;
	struct ds_entry *rows;
	size_t n, cap;
	struct ds_class *classes;
	size_t n_classes, cap_classes;
	struct ds_map by_id;              /* classes */
	char **names;                     /* of classes, once they are numbered */
	bool numbered;                    /* the layout numbers classes, and classes are in its order */
	bool named;                       /* classes come by id and are sorted */
	void *state[DS_LAYOUTS];
	size_t ignored;
	struct err unread;                /* see ds_pass() */
	char splits[512];                 /* what --split could have said, for an error's text */
	/* while it is listed */
	size_t operand, layout;           /* the file at hand's */
	uint32_t entry;
	const char *path;                 /* with its prefix */
	bool have_file;                   /* files[] has it already */
	struct ds_reading *reading;       /* ds_read.c */
};

/* The row's name, in buf if it has to be made. */
enum { DS_NAME = 4096 + 32 };
const char *ds_row_name(const struct ds_source *s, const struct ds_entry *r, char buf[DS_NAME]);
/* ds_list.c: adds the rows of s->o.list. */
int ds_list_read(struct ds_source *s, struct err *err);
/* ds_choose.c: numbers the classes, then chooses by the options. */
int ds_number_classes(struct ds_source *s, struct err *err);
int ds_choose(struct ds_source *s, struct err *err);
void ds_reading_free(struct ds_source *s);

/* ---- texts ---- */

/* The next line of a text, its end cut off; false after the last. NUL bytes end a line. */
struct ds_text {
	char *rest;
};
char *ds_text_line(struct ds_text *t);
/* A copy of bytes as text; NULL: out of memory. */
char *ds_text_copy(const struct ds_bytes *b);
/* A whole number without anything around it, from min to max. */
bool ds_number(const char *s, long min, long max, long *ret);
/* Is it a WordNet id, n and eight digits? */
bool ds_is_wnid(const char *s, size_t n);

#endif
