/* SPDX-License-Identifier: MIT
 *
 * ds_pair: formats with images in one file or array and their labels in another. What is listed is kept as parts, which
 * are the layout's state, until everything has been listed and images can get their labels.
 */
#ifndef DS_PAIR_H
#define DS_PAIR_H

#include "ds/ds_internal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ds_part {     /* images, or labels */
	char *path;  /* of the file, followed by the member */
	char *real;  /* of the file on the disk, or NULL */
	bool member; /* one of several in the file */
	bool wanted; /* ds_wanted() */
	bool paired; /* these images have labels, or these labels images */
	size_t operand;
	size_t n;        /* how many */
	int64_t *label;  /* (n); NULL: these are images, */
	size_t row;      /* the first of which is this row of the source */
	size_t from, of; /* and has this label, of so many */
	struct ds_part *next;
};

/* Adds a part for the current file, or for a member of it ("": the file itself), after the others. NULL with err. */
struct ds_part *ds_part_add(struct ds_source *s, int layout, const struct ds_in *in, const char *member,
			    struct err *err);
/* Gives images their labels. set, which this takes ownership of: the set that they belong to, for ds_labels_mean(),
 * with the words for splits still in it; NULL: out of memory. -1 with err: other labels of the source belong to another
 * set; there are not as many labels as images; one is negative or too large. */
int ds_part_label(struct ds_source *s, const struct ds_part *images, const struct ds_part *labels, char *set_take,
		  struct err *err);
/* Frees this part and all after it; for drop(). */
void ds_parts_free(void *parts);

#ifdef __cplusplus
}
#endif
#endif
