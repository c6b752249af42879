/* SPDX-License-Identifier: MIT
 *
 * ds_pair: formats with images in one file, or array, and their labels in another. What is listed is kept as parts,
 * which are the layout's state, until all is there and labels can be given to images.
 */
#ifndef DS_PAIR_H
#define DS_PAIR_H

#include "ds/ds_internal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_part {     /* images, or labels */
	char *path;  /* of the file, with the member behind it */
	char *real;  /* of the file on the disk, or NULL */
	bool member; /* one of several in a file */
	bool wanted; /* ds_wanted() */
	size_t operand;
	size_t n;        /* how many */
	int64_t *label;  /* (n); NULL: they are images, of which */
	size_t row;      /* the first is this row of the source; */
	size_t from, of; /* and has this one of so many labels */
	struct ds_part *next;
};

/* A new part of the file in work, or of a member of it ("": itself), behind the others. NULL with err. */
struct ds_part *ds_part_add(struct ds_source *s, int layout, const struct ds_in *in, const char *member,
			    struct err *err);
/* Gives images their labels. set, which is taken: the set that they are of, ds_labels_mean(), words for splits still in
 * it; NULL: no memory. -1 with err: other labels of the source are of another set; there are not as many as images; one
 * is negative or too large. */
int ds_part_label(struct ds_source *s, const struct ds_part *images, const struct ds_part *labels, char *set_take,
		  struct err *err);
/* Frees all parts behind this one, and it; for drop(). */
void ds_parts_free(void *parts);

#ifdef __cplusplus
}
#endif
#endif
