/* SPDX-License-Identifier: MIT
 * ds_folders: the classes of image files, from the folders that they lie in.
 *
 * A class is the path below the root, as far as it tells classes apart. These folders of an image's path are not part
 * of it: the split that was asked for and everything above it; folders of splits (train, test, Val, ...), if they lie
 * beside each other or alone; folders called "images", and what lies beside them below a class; the root, which all
 * paths of an operand begin with; and as many leading folders as can be dropped while classes still differ, but never
 * the last:
 *
 *	train/cat/1.png, train/dog/2.png                      cat, dog
 *	a/abbey/1.png, c/church/outdoor, k/kennel/outdoor     abbey, church/outdoor, kennel/outdoor
 *	COVID/images/1.png, COVID/masks/1.png, Normal/...     COVID, Normal
 *
 * --class-level takes one folder of the path instead. */
#ifndef DS_FOLDERS_H
#define DS_FOLDERS_H

#include "ds/ds_internal.h"

/* Remembers a folder of the operand that is being listed, or a link that may have been one. -1 with err: out of
 * memory. */
int ds_folder_seen(struct ds_source *s, const char *path, bool link, struct err *err);
/* Gives the image files of the source their classes. -1 with err: out of memory. */
int ds_folder_classes(struct ds_source *s, struct err *err);
/* Handles folders that lie beside those of the classes but hold no image: they are an error, a class, or ignored
 * (--empty-classes). To be called once all layouts have finished. -1 with err. */
int ds_folder_check(struct ds_source *s, struct err *err);
/* Adds a note if several folders and archives hold image files and none has a class, as when the class folders are
 * given one by one; not if another note has explained it. -1 with err: out of memory. */
int ds_folder_note_none(struct ds_source *s, struct err *err);
void ds_folders_free(struct ds_folders *f);

#endif
