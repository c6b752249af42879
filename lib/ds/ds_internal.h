/* SPDX-License-Identifier: MIT
 * ds_internal: how a source's layouts meet its list. */
#ifndef DS_INTERNAL_H
#define DS_INTERNAL_H

#include "ds/ds.h"

/* One kind of file in a source. Each file is offered to the layouts in order; the first that takes
 * it by its name lists its rows, and later decodes them. */
struct ds_layout {
	const char *name;
	bool (*takes)(const char *path);
	/* Adds the file's rows with ds_add_row(). May read the file. -1 with err, in front of which
	 * the source and the file are named. */
	int (*list)(struct ds_source *s, const char *path, char *err);
	/* Decodes row `at` of the file whose content is b. *memo is NULL for a file's first row and
	 * may keep something for the next ones, which forget() frees. -1 with err. */
	int (*decode)(const struct ds_bytes *b, const char *path, size_t at, void **memo,
		      struct ds_pixels *p, char *err);
	void (*forget)(void *memo);
};
extern const struct ds_layout ds_layout_cifar, ds_layout_images;

/* Last component of a path. */
const char *ds_base(const char *path);
/* Adds a row: at = its index in the file; class_name its class or NULL, label its number or -1
 * where the layout numbers classes itself. -1: out of memory. */
int ds_add_row(struct ds_source *s, const char *name, size_t at, const char *class_name, int label);
/* Content of the file that is being listed. */
const struct ds_bytes *ds_content(struct ds_source *s, char *err);
/* Says the names of classes that the layout numbers itself. */
int ds_name_classes(struct ds_source *s, char **names_take, size_t n);
/* Is this row part of the split that was asked for? `path`'s folders are looked at; own: the split
 * that the layout itself knows the file to be of, or NULL. */
bool ds_in_split(struct ds_source *s, const char *path, const char *own);

#endif
