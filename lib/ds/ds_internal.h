/* SPDX-License-Identifier: MIT
 *
 * ds_internal: what the files of lib/ds know of each other. A layout is one kind of file: a file
 * format/ds_X.c and its name in DS_LAYOUT_LIST. ds_source.c lists a source by offering each of its
 * files to the layouts, which call ds_rows.c to add rows and classes; ds_choose.c numbers the classes
 * and chooses rows; ds_read.c and ds_feed.c read them.
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
	const char *path;              /* inside the source */
	const char *real;              /* on the disk; NULL in an archive */
	struct ds_files *files;        /* what it is read from; NULL: from real */
	struct ds_bytes raw, unpacked; /* what was read of it; the same without gzip */
	bool gz;                       /* it is a gzip file: only valid if known */
	bool known;                    /* its first bytes were looked at */
	bool whole;                    /* all of it was read */
};
/* Begins another file; the buffers are used again. */
void ds_in_begin(struct ds_in *in, struct ds_files *files, const char *path, const char *real);
void ds_in_release(struct ds_in *in);
/* The first bytes, *n of at most DS_HEAD, unpacked if it is a gzip file. -1 with err. */
enum { DS_HEAD = 512 };
int ds_in_head(struct ds_in *in, const unsigned char **p, size_t *n, struct err *err);
/* All of it, at most limit bytes, unpacked likewise; borrowed until the next file. NULL with err. */
const struct ds_bytes *ds_in_content(struct ds_in *in, size_t limit, struct err *err);
/* The bytes that ds_in_content() gave become the caller's. */
struct ds_bytes ds_in_detach(struct ds_in *in);
/* Makes room for row `at` of a file of n images of h x w. -1 with err: the file has become shorter since
 * it was listed, or no memory. */
int ds_pixels_row(struct ds_pixels *p, size_t at, size_t n, size_t h, size_t w, struct err *err);
/* at_least of ds_decoder_run() for this shape. */
int ds_shape_at_least(const struct ds_shape *s);
/* A path that a library can open: real, or that of a copy in memory, which *fd keeps (-1: none; the
 * caller closes it). -1 with err. */
int ds_in_open_path(struct ds_in *in, char path[4096], int *fd, struct err *err);

/* ---- layouts ---- */

/* One kind of file in a source. Each file is offered to the layouts in order. The first that knows
 * the file's name or its first bytes, and whose list() accepts it, takes it. */
struct ds_layout {
	const char *name, *what;                             /* for --format and --list-formats */
	const struct ds_layout *with;                        /* the layout whose files this one annotates; or NULL */
	bool (*named)(const char *path);                     /* or NULL */
	bool (*starts)(const unsigned char *head, size_t n); /* or NULL */
	bool annotates;                                      /* may say something of other files: see ds_wanted() */
	/* Adds the file's rows with ds_add_row(), or remembers what it says about other files. 1: done;
	 * 0: it is not of this layout after all; -1 with err, which the caller prefixes with the names
	 * of the source and the file. */
	int (*list)(struct ds_source *s, struct ds_in *in, struct err *err);
	/* Called once after all files were listed; or NULL. -1 with err, which names the file itself. */
	int (*finish)(struct ds_source *s, struct err *err);
	/* Reading. Without load() a file is one picture. With it, load() makes the memo from which
	 * decode() or fetch() take row `at`. Several threads call decode() at once, the other functions
	 * are called by one thread at a time. fetch() is for rows that are encoded pictures: *p, which
	 * lives as long as the memo. */
	int (*load)(struct ds_in *in, void **memo, struct err *err);
	int (*fetch)(void *memo, const char *name, const void **p, size_t *n, struct err *err);
	int (*decode)(const void *memo, size_t at, struct ds_pixels *p, struct err *err);
	void (*forget)(void *memo);
	void (*drop)(void *state); /* frees ds_state(); or NULL */
};
/* All of them, in the order in which they are offered a file. Images come first, because most files are images.
 * Each is defined in a file of format/, as ds_layout_NAME. */
#define DS_LAYOUT_LIST(X) X(images) X(tiny) X(webdataset) X(lmdb) X(svhn) X(cifar) X(imagenet) X(idx) X(npy) X(parquet)
#define DS_LAYOUT_NUMBER(name) DS_LAYOUT_##name,
enum { DS_LAYOUT_LIST(DS_LAYOUT_NUMBER) DS_LAYOUTS };
#define DS_LAYOUT_DECLARE(name) extern const struct ds_layout ds_layout_##name;
DS_LAYOUT_LIST(DS_LAYOUT_DECLARE)
extern const struct ds_layout *const ds_layouts[DS_LAYOUTS]; /* ds_layouts.c; a source has a pointer to it */

/* Last component of a path. */
const char *ds_base(const char *path);
/* Starts the listing of another file of the operand at hand: s->listing, which ds_add_row() reads. path, with the
 * operand's prefix, is borrowed until the next file. */
void ds_listing_file(struct ds_source *s, const char *path);
/* Adds a row of the file that is being listed (s->listing). at: its index in the file. name: NULL means the file's
 * name, followed by the index if the layout has load(). class_id: its class, or NULL. label: its class's number
 * where the layout numbers classes itself, else -1. -1 with err: no memory, a number too large, too many rows. */
int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_id, long label, struct err *err);
/* Replaces the classes by these; takes names and its strings in any case. -1 with err: no memory. */
int ds_name_classes(struct ds_source *s, char **names_take, size_t n, struct err *err);
/* Is the file that is being listed one whose rows are wanted (--files)? Others are offered only to layouts that
 * annotate, which add no rows of theirs. */
bool ds_wanted(const struct ds_source *s);
/* A note for the user, once each: ds_note(). Returns 0; -1 with err: no memory. */
int ds_add_note(struct ds_source *s, struct err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same thing must not come twice from one operand: key says what it is, path where it came from. -1 with err,
 * which names both paths. */
int ds_once(struct ds_source *s, const char *key, const char *path, struct err *err);
/* The number of the class with this id; a new class if there is none. -1 with err: no memory, too many classes. */
int ds_class_number(struct ds_source *s, const char *id, struct err *err);
/* Is this row part of the split that was asked for? The folders of `path` decide, or own, the split
 * to which the layout itself knows that the file belongs (or NULL). */
bool ds_in_split(struct ds_source *s, const char *path, const char *own);
/* Remembers why this file, of a known format, is not read; it is reported if the source holds nothing
 * else. Returns 0, as list() does. */
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
	char *name; /* or NULL, see ds_add_row() */
};

struct ds_class {
	char *id, *name; /* name NULL: the id */
};

struct ds_operand {
	char *path;   /* as it is called: given, or <stdin> */
	char *at;     /* where it is read */
	int fd;       /* of a copy of standard input; -1: it is none */
	char *prefix; /* of its files' names; "" with a single operand */
	bool folder;  /* its files are opened by their paths */
	bool plain;   /* it is one file by itself */
};

/* Where listing stands: the file whose rows ds_add_row() adds. */
struct ds_listing {
	size_t operand;   /* of operands[] */
	size_t layout;    /* of layouts[]: the one that lists the file */
	uint32_t entry;   /* the file's number in the operand, from 1 */
	const char *path; /* with the operand's prefix */
	bool have_file;   /* the file is the last of files[] already */
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
	struct ds_map packed;       /* files of many rows, without their .gz, to halves of their content's hash */
	char **once_path;
	char **notes; /* ds_add_note() */
	size_t n_notes;
	char **names;  /* of classes, once they are numbered */
	bool numbered; /* some rows came with numbers: classes keep the layout's order */
	bool named;    /* some rows came with ids: classes are sorted */
	void *state[DS_LAYOUTS];
	size_t ignored;
	struct err unread;          /* see ds_pass() */
	char splits[512];           /* the splits that there are, for an error's text */
	struct ds_listing listing;  /* until ds_open() returns */
	struct ds_reading *reading; /* from the first ds_next() on; ds_read.c */
};

/* The row's name, in buf if it has to be made. */
enum { DS_NAME = 4096 + 32 };
const char *ds_row_name(const struct ds_source *s, const struct ds_entry *r, char buf[DS_NAME]);
/* ds_names.c: no two rows have the same name. -1 with err, which says where. */
int ds_check_names(struct ds_source *s, struct err *err);
/* ds_operands.c: the paths of the source, with what rows' names begin with where there are several, so that
 * they are told apart. -1 with err: no memory, one that is given twice or lies in another. */
int ds_add_operands(struct ds_source *s, char *const *paths, size_t n, struct err *err);
/* ds_stdin.c: the path at which standard input can be read again and again; *fd (-1: none) keeps its copy, also in
 * failure. -1 with err, which does not name it. */
enum { DS_STDIN = 32 };
int ds_stdin_open(char path[DS_STDIN], int *fd, struct err *err);
/* ds_list.c: adds the rows of s->o.list. */
int ds_list_read(struct ds_source *s, struct err *err);
/* ds_choose.c: numbers the classes and applies --exclude-classes, --only-classes, --map-classes. */
int ds_number_classes(struct ds_source *s, struct err *err);
/* ds_choose.c: chooses rows: --per-class, --sample, --limit, --shard. */
int ds_choose(struct ds_source *s, struct err *err);
/* ds_read.c: ends the threads and frees what reading needed. */
void ds_reading_free(struct ds_source *s);

/* ---- labels that are numbers (ds_labels.c) ---- */

/* Says what the labels of the file at path mean, a name of the set ("CIFAR-10"): the same number of two sets is not the
 * same class. -1 with err: another file of the same operand said something else; err names both. */
int ds_labels_mean(struct ds_source *s, size_t operand, const char *set, const char *path, struct err *err);
/* The names of the classes of a set, in their order; takes the classes in any case. -1 with err: no memory, or another
 * file gave the same set other names. */
int ds_labels_named(struct ds_source *s, const char *set, const char *path, struct ds_class *classes_take, size_t n,
		    struct err *err);
/* Once all is listed: the classes get the names of the set, if its file gave them. -1 with err. */
int ds_labels_end(struct ds_source *s, struct err *err);
void ds_labels_free(struct ds_labels *l);
/* Takes the words for splits out of a path, which then names the set that its splits belong to. */
void ds_set_name(char *path);

/* ---- texts ---- */

/* The next line of a text, its end cut off; false after the last. NUL bytes end a line. */
struct ds_text {
	char *rest;
};
char *ds_text_line(struct ds_text *t);
/* A copy of bytes as text, without the mark that some editors put before UTF-8. NULL with err: no memory. */
char *ds_text_copy(const struct ds_bytes *b, struct err *err);
/* Is s a whole number from min to max, and nothing else? Only then is *ret set. */
bool ds_number(const char *s, long min, long max, long *ret);
/* Is it a WordNet id, n and eight digits? */
bool ds_is_wnid(const char *s, size_t n);

#endif
