/* SPDX-License-Identifier: MIT
 * From folders to classes: what ds_folder_list.c, ds_folder_rules.c and ds_folders.c share. */
#ifndef DS_FOLDERS_INTERNAL_H
#define DS_FOLDERS_INTERNAL_H

#include "ds/ds_folders.h"

/* A folder with image files. There may be as many as images, so it is a single allocation: its path, split into n
 * components, and two arrays. */
struct ds_dir {
	char *text;
	uint16_t *part; /* where each component begins in text */
	uint16_t *keep; /* indices of the n_keep components that make the class; 0: no class */
	uint32_t operand;
	uint16_t n, n_keep;
	bool images; /* the last component is "images" */
};

struct ds_seen { /* any folder */
	size_t operand;
	char *path;
	bool link;
};

struct ds_folders {
	struct ds_dir *dir;
	struct ds_seen *seen;
	size_t n, cap, n_seen, cap_seen;
	struct ds_map children; /* which kinds of folders each folder contains: bits of ds_dir_what() */
	struct ds_map parents;  /* from the parents of class folders to one of those */
	struct ds_map holds;    /* folders that hold images at any depth */
};

/* What a folder's name means, in upper or lower case: the bit of a split, DS_DIR_IMAGES, or DS_DIR_OTHER. */
enum { DS_N_SPLITS = 9, DS_DIR_IMAGES = 1 << DS_N_SPLITS, DS_DIR_OTHER = DS_DIR_IMAGES << 1 };
int ds_dir_what(const char *name);

/* ---- ds_folder_list.c ---- */

/* The folders of s; NULL with err: out of memory. */
struct ds_folders *ds_folders_of(struct ds_source *s, struct err *err);
const char *ds_dir_part(const struct ds_dir *d, size_t i);
/* Keys of maps are "OPERAND:PART/PART/...". Appends `want` bytes of text and a character at len, truncated to the size
 * of a key; returns the new length. */
enum { DS_KEY = 8192 };
size_t ds_dir_append(char key[DS_KEY], size_t len, const char *text, size_t want, char last);
/* Writes "OPERAND:", the beginning of a key; returns its length. */
size_t ds_dir_key_begin(uint32_t operand, char key[DS_KEY]);
/* A key for the first n components of a folder. */
const char *ds_dir_key(const struct ds_dir *d, size_t n, char key[DS_KEY]);
/* Lists the folders of all image files; of[row] becomes the index of the row's folder. */
int ds_dirs_collect(struct ds_source *s, struct ds_folders *f, uint32_t *of, struct err *err);
/* Records in f->children which kinds of folders each folder contains. */
int ds_dirs_note_children(struct ds_folders *f, struct err *err);

/* ---- ds_folder_rules.c ---- */

/* Fills d->keep of every folder. */
int ds_dirs_apply_rules(struct ds_source *s, struct ds_folders *f, struct err *err);
/* The i-th kept component. */
const char *ds_dir_kept(const struct ds_dir *d, size_t i);
/* The class of a folder: its kept components from number `first` on; in buf. */
const char *ds_dir_join(const struct ds_dir *d, size_t first, char buf[DS_KEY]);

#endif
