/* SPDX-License-Identifier: MIT
 *
 * ds_internal: shared by the files of lib/ds. A layout is one kind of file: a file format/ds_X.c and its name in
 * DS_LAYOUT_LIST. ds_source.c lists a source by offering each of its files to the layouts, which call ds_rows.c to add
 * rows and classes; ds_choose.c numbers the classes and chooses rows; ds_read.c and ds_feed.c read them.
 */
#ifndef DS_INTERNAL_H
#define DS_INTERNAL_H

#include <pthread.h>

#include "ds/ds.h"
#include "ds/ds_files.h"
#include "ds/ds_map.h"
#include "err/err.h"

/* ---- the current file ---- */

struct ds_in {
	const char *path;              /* inside the source */
	const char *real;              /* on the disk; NULL in an archive */
	struct ds_files *files;        /* what it is read from; NULL: from real */
	struct ds_bytes raw, unpacked; /* what has been read of it; the same decompressed */
	bool gz;                       /* it is a gzip file: only valid if known */
	bool known;                    /* its first bytes have been looked at */
	bool whole;                    /* all of it has been read */
};
/* Begins another file and reuses the buffers. */
void ds_in_begin(struct ds_in *in, struct ds_files *files, const char *path, const char *real);
void ds_in_release(struct ds_in *in);
/* The first bytes, *n of at most DS_HEAD, unpacked if it is a gzip file. -1 with err. */
enum { DS_HEAD = 512 };
int ds_in_head(struct ds_in *in, const unsigned char **p, size_t *n, struct err *err);
/* All of it, at most limit bytes, decompressed likewise; borrowed until the next file. NULL with err. */
const struct ds_bytes *ds_in_content(struct ds_in *in, size_t limit, struct err *err);
/* Hands the bytes that ds_in_content() gave to the caller. */
struct ds_bytes ds_in_detach(struct ds_in *in);
/* Makes room for row `at` of a file of n images of h x w. -1 with err: the file has become shorter since it was listed,
 * or out of memory. */
int ds_pixels_row(struct ds_pixels *p, size_t at, size_t n, size_t h, size_t w, struct err *err);
/* ds_decoder_run()'s at_least for this shape. */
int ds_shape_at_least(const struct ds_shape *s);
/* A path that a library can open: the real one, or that of a copy in memory, which *fd keeps alive (-1: none; the
 * caller closes it). -1 with err. */
int ds_in_open_path(struct ds_in *in, char path[4096], int *fd, struct err *err);

/* ---- layouts ---- */

/* One kind of file in a source. Each file is offered to the layouts in order. The first that recognises the file's name
 * or its first bytes, and whose list() accepts it, takes it. */
struct ds_layout {
	const char *name, *what;                             /* for --format and --list-formats */
	const struct ds_layout *with;                        /* the layout whose files this one annotates; or NULL */
	bool (*named)(const char *path);                     /* or NULL */
	bool (*starts)(const unsigned char *head, size_t n); /* or NULL */
	bool annotates;                                      /* may describe other files: see ds_wanted() */
	/* Adds the file's rows with ds_add_row(), or remembers what it says about other files. 1: done; 0: it does not
	 * have this layout after all; -1 with err, to which the caller adds the names of the source and the file. */
	int (*list)(struct ds_source *s, struct ds_in *in, struct err *err);
	/* Called once after all files have been listed; or NULL. -1 with err, which names the file itself. */
	int (*finish)(struct ds_source *s, struct err *err);
	/* Reading. Without load() a file is one picture. With it, load() makes the memo from which decode() or fetch()
	 * take row `at`. Several threads call decode() at once; the other functions are called by one thread at a time.
	 * fetch() is for rows that are encoded pictures: it sets *p, which lives as long as the memo. */
	int (*load)(struct ds_in *in, void **memo, struct err *err);
	int (*fetch)(void *memo, const char *name, const void **p, size_t *n, struct err *err);
	int (*decode)(const void *memo, size_t at, struct ds_pixels *p, struct err *err);
	void (*forget)(void *memo);
	void (*drop)(void *state); /* frees ds_state(); or NULL */
};
/* All layouts, in the order in which they are offered a file. Images come first, because most files are images. Each is
 * defined in a file of format/, as ds_layout_NAME. */
#define DS_LAYOUT_LIST(X) X(images) X(tiny) X(webdataset) X(lmdb) X(svhn) X(cifar) X(imagenet) X(idx) X(npy) X(parquet)
#define DS_LAYOUT_NUMBER(name) DS_LAYOUT_##name,
enum { DS_LAYOUT_LIST(DS_LAYOUT_NUMBER) DS_LAYOUTS };
#define DS_LAYOUT_DECLARE(name) extern const struct ds_layout ds_layout_##name;
DS_LAYOUT_LIST(DS_LAYOUT_DECLARE)
extern const struct ds_layout *const ds_layouts[DS_LAYOUTS]; /* ds_layouts.c; a source points to it */

/* Last component of a path. */
const char *ds_base(const char *path);
/* Does the path have this ending, case aside, and something before it? */
bool ds_ends_in(const char *path, const char *end);
/* Starts listing another file of the current operand: sets s->listing, which ds_add_row() reads. path, with the
 * operand's prefix, is borrowed until the next file. */
void ds_listing_file(struct ds_source *s, const char *path);
/* Adds a row of the file that is being listed (s->listing). at: its index in the file. name: NULL means the file's
 * name, followed by the index if the layout has load(). class_id: its class, or NULL. label: its class number if the
 * layout numbers classes itself, otherwise -1. -1 with err: out of memory, a number too large, too many rows. */
int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_id, long label, struct err *err);
/* Replaces the classes by these; always takes ownership of names and its strings. -1 with err: out of memory. */
int ds_name_classes(struct ds_source *s, char **names_take, size_t n, struct err *err);
/* Are the rows of the file that is being listed wanted (--files)? Other files are offered only to layouts that
 * annotate, which add no rows of their own. */
bool ds_wanted(const struct ds_source *s);
/* Adds a note for the user, once per text: ds_note(). Returns 0; -1 with err: out of memory. */
int ds_add_note(struct ds_source *s, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Checks that the same thing does not come twice from one operand: key says what it is, path where it came from. -1
 * with err, which names both paths. */
int ds_once(struct ds_source *s, const char *key, const char *path, struct err *err);
/* The number of the class with this id, which is added if it is new. -1 with err: out of memory, too many classes. */
int ds_class_number(struct ds_source *s, const char *id, struct err *err);
/* Is this row part of the requested split? The folders of `path` decide, or own: the split that the layout itself knows
 * for the file (or NULL). */
bool ds_in_split(struct ds_source *s, const char *path, const char *own);
/* Remembers why this file, of a known format, is not read; this is reported if the source holds nothing else. Returns
 * 0, as list() does. */
int ds_pass(struct ds_source *s, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What a layout keeps while a source is listed; *ds_state() is NULL at first, and is freed by drop(). */
void **ds_state(struct ds_source *s, int layout); /* DS_LAYOUT_X */

/* ---- the source ---- */

struct ds_file {
	char *path;     /* inside the source, the operand's prefix in front */
	uint32_t entry; /* its number among the operand's files, from 1 */
	uint32_t operand : 24, layout : 8;
};
enum { DS_MAX_OPERANDS = 1 << 24 };

struct ds_entry {
	uint32_t file, at; /* of files[]; the row's number in it */
	int32_t label;
	char *name; /* as given, or <stdin> */
};

struct ds_class {
	char *id, *name; /* name NULL: the id */
};

struct ds_operand {
	char *path;   /* path where it is read */
	char *at;     /* where it is read */
	int fd;       /* of a copy of standard input; -1: there is none */
	char *prefix; /* prefix of its files' names; "" with a single operand */
	bool folder;  /* its files are opened by their paths */
	bool plain;   /* it is one file by itself */
};

/* The state of listing: the file whose rows ds_add_row() adds. */
struct ds_listing {
	size_t operand;   /* of operands[] */
	size_t layout;    /* index into layouts[]: the one that lists the file */
	uint32_t entry;   /* the file's number in the operand, from 1 */
	const char *path; /* with the operand's prefix */
	bool have_file;   /* the file is already the last of files[] */
	bool unwanted;    /* it does not match --files */
};

struct ds_source {
	struct ds_options o;
	const struct ds_layout *const *layouts; /* ds_layouts */
	const struct ds_layout *format;         /* o.format's, or NULL */
	struct ds_operand *operands;
	size_t n_operands;
	struct ds_file *files;
	size_t n_files, cap_files;
	struct ds_entry *rows;
	size_t n, cap;
	struct ds_class *classes;
	size_t n_classes, cap_classes;
	struct ds_map by_id;        /* numbers of classes by their ids */
	struct ds_labels *labels;   /* ds_labels.c */
	struct ds_folders *folders; /* ds_folders.h */
	struct ds_map once;         /* ds_once(): keys to places in once_path */
	struct ds_map packed;       /* files of many rows, without their .gz, to half of their content's hash */
	char **once_path;
	char **notes; /* ds_add_note() */
	size_t n_notes;
	char **names;  /* of classes, once they are numbered */
	bool numbered; /* some rows came with numbers: the classes keep the layout's order */
	bool named;    /* some rows came with ids: the classes are sorted */
	void *state[DS_LAYOUTS];
	size_t ignored;
	struct err unread;          /* see ds_pass() */
	char splits[512];           /* the existing splits, for messages */
	struct ds_listing listing;  /* until ds_open() returns */
	struct ds_reading *reading; /* from the first ds_next() on; ds_read.c */
};

/* The row's name, built in buf if necessary. */
enum { DS_NAME = 4096 + 32 };
const char *ds_row_name(const struct ds_source *s, const struct ds_entry *r, char buf[DS_NAME]);
/* ds_names.c: checks that no two rows have the same name. -1 with err, which says where. */
int ds_check_names(struct ds_source *s, struct err *err);
/* ds_operands.c: adds the paths of the source and, if there are several, the prefixes that tell the names of their rows
 * apart. -1 with err: out of memory, a path that is given twice or lies in another. */
int ds_add_operands(struct ds_source *s, char *const *paths, size_t n, struct err *err);
/* ds_stdin.c: a path at which standard input can be read repeatedly; *fd (-1: none) keeps its copy alive, also on
 * failure. -1 with err, which does not name it. */
enum { DS_STDIN = 32 };
int ds_stdin_open(char path[DS_STDIN], int *fd, struct err *err);
/* ds_list.c: adds the rows of s->o.list. */
int ds_list_read(struct ds_source *s, struct err *err);
/* ds_choose.c: numbers the classes and applies --exclude-classes, --only-classes, --map-classes. */
int ds_number_classes(struct ds_source *s, struct err *err);
/* ds_choose.c: chooses rows: --per-class, --sample, --limit, --shard. */
int ds_choose(struct ds_source *s, struct err *err);
/* ds_read.c: ends the threads and frees everything that reading needed. */
void ds_reading_free(struct ds_source *s);

/* ---- labels that are numbers (ds_labels.c) ---- */

/* Records which set the labels of the file at path belong to ("CIFAR-10"): the same number in two sets is not the same
 * class. -1 with err, which names both: another file of the same operand has labels of another set. */
int ds_labels_mean(struct ds_source *s, size_t operand, const char *set, const char *path, struct err *err);
/* The names of the classes of a set, in their order; always takes ownership of the classes. -1 with err: out of memory,
 * or another file gave the same set other names. */
int ds_labels_named(struct ds_source *s, const char *set, const char *path, struct ds_class *classes_take, size_t n,
		    struct err *err);
/* Once everything is listed: gives the classes the names of the set, if its file has them. -1 with err. */
int ds_labels_end(struct ds_source *s, struct err *err);
void ds_labels_free(struct ds_labels *l);
/* Removes the words for splits from a path, which then names the set that its splits belong to. */
void ds_set_name(char *path);

/* ---- texts ---- */

/* The next line of a text, without its line end; false after the last. NUL bytes end a line. */
struct ds_text {
	char *rest;
};
char *ds_text_line(struct ds_text *t);
/* A copy of bytes as text, without the UTF-8 byte order mark that some editors write. NULL with err: out of memory. */
char *ds_text_copy(const struct ds_bytes *b, struct err *err);
/* Is s a whole number from min to max, and nothing else? Only then is *ret set. */
bool ds_number(const char *s, long min, long max, long *ret);
/* Is it a WordNet id, n and eight digits? */
bool ds_is_wnid(const char *s, size_t n);

#endif
