/* SPDX-License-Identifier: MIT
 *
 * ts_images: what streams of images have in common: a field 'image' of |u1 pixels (channels, height, width), a field
 * 'label' of <i8 numbers, meta 'classes', meta 'prepare' (how pictures became images, ds_prep.h), and meta 'distorted'
 * (what was done to them on purpose before that, ds_distort.h), which stays in everything that is computed from them.
 * Anything invalid becomes the reader's error.
 */
#ifndef TS_IMAGES_H
#define TS_IMAGES_H

#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TS_IMAGES_PREPARE "prepare"
#define TS_IMAGES_DISTORTED "distorted"

/* The field 'image' of r, which must be a stream of images; borrowed. NULL: r has failed. */
const struct ts_field *ts_images_field(struct ts_reader *r) TS_CHECKED;
/* Checks the field 'label' of a stream whose header has been read; it may be missing unless it is needed. */
int ts_images_labels(struct ts_reader *r, bool needed) TS_CHECKED;
/* The names of meta 'classes', which labels are numbers of: new, ts_strs_free() them; NULL and 0 if there are none. */
int ts_images_classes(struct ts_reader *r, char ***names, size_t *n) TS_CHECKED;
/* To be called after END: fails if the stream held no rows. */
int ts_images_some(struct ts_reader *r) TS_CHECKED;
/* Do labels mean the same in both? a (n) and b (m) are the class names; NULL, for unknown, matches any. */
bool ts_same_classes(char *const *a, size_t n, char *const *b, size_t m);
/* From labels that are numbers of one list of class names to those of another. */
struct ts_class_map {
	int64_t *to;     /* (n): the other's class of this name, -1: none; NULL: labels stay as they are */
	size_t n, found; /* found: how many have one */
};
/* Makes the map from n names to others (n_others; NULL: none is found). -1: out of memory. */
int ts_map_classes(struct ts_class_map *m, char *const *names, size_t n, char *const *others,
		   size_t n_others) TS_CHECKED;
/* The other's label for label y; -1: there is none, or y is not one of the n. */
int64_t ts_class_of(const struct ts_class_map *m, int64_t y);
void ts_class_map_release(struct ts_class_map *m);
/* A copy of n names: ts_strs_free() it. NULL: out of memory. */
char **ts_copy_classes(char *const *names, size_t n);

#ifdef __cplusplus
}
#endif
#endif
