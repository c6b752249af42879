/* SPDX-License-Identifier: MIT
 *
 * report_thumbs: the images of a set that each score ranks as strangest and as most familiar, as thumbnails in a page
 * of report_html.h.
 */
#ifndef REPORT_THUMBS_H
#define REPORT_THUMBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ds/pixel/ds_sheet.h"
#include "err/err.h"
#include "report/report_classes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { REPORT_THUMB = 64 }; /* pixels of the longer side, at most */

struct report_thumbs {
	size_t n;                         /* methods */
	struct ds_sheet *least, *largest; /* (n), sorted; NULL: no images were read */
	struct report_classes said, is;   /* class names for pred, and for label */
	bool has_pred;
};

/* Reads the images at `images`, joined by name, or else by position, with their scores in the stream at `scores`; keeps
 * `most` from each end of each method. -1: err says which input is wrong. Call report_thumbs_release() in either
 * case. */
int report_thumbs_read(struct report_thumbs *t, const char *scores, const char *images, char *const *methods, size_t n,
		       size_t most, struct err *err) TS_CHECKED;
/* Writes the images with the smallest scores of a method, or the largest, with name, class and score. *room is how many
 * bytes may still be written: images that do not fit are left out, and counted in *left. -1: out of memory. */
int report_thumbs_put(FILE *f, const struct report_thumbs *t, size_t method, bool largest, size_t *room, size_t *left,
		      struct err *err) TS_CHECKED;
void report_thumbs_release(struct report_thumbs *t);

#ifdef __cplusplus
}
#endif
#endif
