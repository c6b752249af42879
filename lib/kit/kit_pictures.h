/* SPDX-License-Identifier: MIT
 *
 * kit_pictures: pictures from wherever they are, one after the other, for a program that may go on for ever: of a file,
 * a folder, an archive, a data set, a stream of images; with "-" of standard input, which is a stream, or names of
 * pictures, a line each, as they come (cli_live.h, whose cli_live_begin() comes first). What is wrong with one ends
 * nothing.
 */
#ifndef KIT_PICTURES_H
#define KIT_PICTURES_H

#include <stdbool.h>

#include "ds/ds.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kit_pictures {
	void *data; /* the caller's, for these: */
	/* A picture, whose pixels are the callee's to change or to swap for others. prepared: it is a row of a stream,
	 * and has the size below. -1: enough. */
	int (*take)(void *data, const char *name, struct ds_pixels *p, bool prepared);
	/* Nothing more is there yet, or at once: what waits is to be passed on. -1: enough. */
	int (*idle)(void *data);
	/* Asked before each picture, and when a signal came: true, it is to end. */
	bool (*stop)(void *data);
	int h, w;            /* what the caller wants in the end, */
	const char *prepare; /* and how pictures become that (ds_prep.h); NULL: not known */
	bool trouble;        /* something was wrong, which was said */
	int threads;         /* that decode */

	struct ds_decoder *decoder; /* its own, zero at first */
	struct ds_pixels pixels;
};

/* All pictures of path; more paths may follow. Names begin with path, but on standard input. -1: take() or idle() said
 * so. */
int kit_pictures_of(struct kit_pictures *k, char *path) __attribute__((warn_unused_result));
/* Says that something is wrong with what is called so. */
void kit_pictures_wrong(struct kit_pictures *k, const char *name, const char *why);
void kit_pictures_release(struct kit_pictures *k);

#ifdef __cplusplus
}
#endif
#endif
