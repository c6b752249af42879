/* SPDX-License-Identifier: MIT
 *
 * kit_pictures: pictures from anywhere, one after the other, for a program that may run for ever: from a file, a
 * folder, an archive, a data set, a stream of images; with "-" from standard input, which is a stream, or names of
 * pictures, one per line, as they arrive (cli_live.h, whose cli_live_begin() comes first). A bad picture does not end
 * the program.
 */
#ifndef KIT_PICTURES_H
#define KIT_PICTURES_H

#include <stdbool.h>

#include "ds/ds.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kit_pictures {
	void *data; /* passed to these: */
	/* Takes a picture; it may change the pixels or swap them for others. prepared: it is a row of a stream, and has
	 * the size below. -1: stop. */
	int (*take)(void *data, const char *name, struct ds_pixels *p, bool prepared);
	/* Called when no more pictures are there yet: pass on what waits. -1: stop. */
	int (*idle)(void *data);
	/* Asked before each picture and after a signal; true: stop. */
	bool (*stop)(void *data);
	int h, w;            /* the size that the caller wants, */
	const char *prepare; /* and how pictures are brought to it (ds_prep.h); NULL: not known */
	bool trouble;        /* something was wrong and has been reported */
	int threads;         /* threads that decode */

	struct ds_decoder *decoder; /* internal; start with zero */
	struct ds_pixels pixels;
};

/* Passes on all pictures of path; more paths may follow. Names begin with path, except on standard input. -1: take() or
 * idle() returned -1. */
int kit_pictures_of(struct kit_pictures *k, char *path) __attribute__((warn_unused_result));
/* Reports that something is wrong with the picture `name`. */
void kit_pictures_wrong(struct kit_pictures *k, const char *name, const char *why);
void kit_pictures_release(struct kit_pictures *k);

#ifdef __cplusplus
}
#endif
#endif
