/* SPDX-License-Identifier: MIT
 *
 * ds_prep: how pictures become the images of a network, as words that travel with them:
 *
 *	size=256 resize=short interpolation=bicubic crop=224
 *
 * are the options of ds-pack in the order in which they are applied, after "gray"; "none": pictures are used unchanged.
 * size and crop are N or HxW; resize defaults to squash, interpolation to bilinear. The words are in meta
 * TS_IMAGES_PREPARE (ts_images.h) of a stream of images, and of a checkpoint: how its training images were prepared. So
 * ds-pack --for MODEL and every other program that is given a model and pictures prepare them alike:
 *
 *	struct ds_options o = { .per_class = -1, ... };
 *
 *	if (ds_prep_for(&o.shape, &checkpoint.header.meta, &err) < 0) ...
 *	source = ds_open(paths, n, &o, &err);
 */
#ifndef DS_PREP_H
#define DS_PREP_H

#include "ds/ds.h"
#include "ts/ts.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DS_PREP = 160 }; /* bytes that are enough for the words of any shape */

/* Parses the words, separated by blanks or commas, into all of *s but fast. -1 with err. */
int ds_prep_parse(struct ds_shape *s, const char *words, struct err *err) TS_CHECKED;
/* Checks the crop against the size. -1: both are set, and no image of that size is as large as the crop. */
int ds_prep_crop_check(const struct ds_shape *s, struct err *err) TS_CHECKED;
/* The reverse, in a form that parses to the same shape; two shapes are the same if their words are. */
void ds_prep_words(const struct ds_shape *s, char words[DS_PREP]);
/* The same as options of ds-pack, each preceded by a blank; "" if there are none. */
void ds_prep_options(const struct ds_shape *s, char options[DS_PREP]);
/* N or HxW, each from 1 to 16384. -1: anything else; err says what it should be, without a subject. */
int ds_prep_sides(const char *text, int *h, int *w, struct err *err) TS_CHECKED;
/* Does every picture become an image of the same size? Then *h and *w are that size. */
bool ds_prep_size(const struct ds_shape *s, int *h, int *w);
/* Checks that images prepared this way are (c,h,w), as a network takes them. -1 with err. */
int ds_prep_check(const struct ds_shape *s, int c, int h, int w, struct err *err) TS_CHECKED;

/* Writes the words to meta. -1: out of memory. */
int ds_prep_put(struct ts_meta *m, const struct ds_shape *s) TS_CHECKED;
/* How the images of the network in a checkpoint with this meta were prepared: sets all of *s but fast. 1: as the meta
 * says; 0: its images were used unchanged, so others are resized to their size, squashed, bilinear; -1 with err: the
 * meta says nothing, or something that does not fit the network. */
int ds_prep_for(struct ds_shape *s, const struct ts_meta *checkpoint, struct err *err) TS_CHECKED;
/* The same for the checkpoint at path, of which only the header is read. */
int ds_prep_for_file(struct ds_shape *s, const char *path, struct err *err) TS_CHECKED;
/* Were the images (c,h,w) of the stream with this meta prepared differently from those of the checkpoint's network? If
 * so, words (which name neither) says how and what to type. False if either says nothing. */
bool ds_prep_differs(const struct ts_meta *images, int h, int w, const struct ts_meta *checkpoint, struct err *words);

#ifdef __cplusplus
}
#endif
#endif
