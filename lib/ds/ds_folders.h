/* SPDX-License-Identifier: MIT
 * ds_folders: the classes of image files, from the folders that they lie in.
 *
 * A class is the path below the root, as far as it tells classes apart. Of the folders of an image's path these are
 * no part of it: the split that was asked for and all above it; folders of splits (train, test, val, ...), if they
 * stand beside each other or alone; folders called "images", and what stands beside those below a class; the root,
 * which is what all paths of an operand begin with; and so many of the first folders as classes do not need to
 * differ, but never the last:
 *
 *	train/cat/1.png, train/dog/2.png                      cat, dog
 *	a/abbey/1.png, c/church/outdoor, k/kennel/outdoor     abbey, church/outdoor, kennel/outdoor
 *	COVID/images/1.png, COVID/masks/1.png, Normal/...     COVID, Normal
 *
 * --class-level takes one folder of the path instead. */
#ifndef DS_FOLDERS_H
#define DS_FOLDERS_H

#include "ds/ds_internal.h"

/* Remembers a folder of the operand that is being listed, or a link that may have been one. -1 with err: no memory. */
int ds_folder_seen(struct ds_source *s, const char *path, bool link, struct err *err);
/* Gives the image files of the source their classes. -1 with err: no memory. */
int ds_folder_classes(struct ds_source *s, struct err *err);
/* A folder beside those of the classes that holds no image: an error, or a class, or nothing (--empty-classes). Once
 * all layouts have finished. -1 with err. */
int ds_folder_check(struct ds_source *s, struct err *err);
/* Notes where several folders and archives hold image files none of which has a class, as with the folders of classes
 * given one by one; not where another note has said why. -1 with err: no memory. */
int ds_folder_note_none(struct ds_source *s, struct err *err);
void ds_folders_free(struct ds_folders *f);

#endif
