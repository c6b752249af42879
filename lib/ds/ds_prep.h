/* SPDX-License-Identifier: MIT
 *
 * ds_prep: how pictures become the images of a network, as words that travel with them:
 *
 *	size=256 resize=short interpolation=bicubic crop=224
 *
 * are the options of ds-pack in the order in which they are applied, after "gray"; "none": pictures are taken as they
 * are. size and crop are N or HxW; resize is squash unless it is said, interpolation bilinear. The words stand in meta
 * TS_IMAGES_PREPARE (ts_images.h) of a stream of images, and of a checkpoint: what its network was trained with. So
 * ds-pack --for MODEL and every other program that is given a model and pictures prepares them alike:
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

enum { DS_PREP = 160 }; /* bytes that the words of any shape need */

/* The words into *s, all of it but fast. They are separated by blanks or commas. -1 with err. */
int ds_prep_parse(struct ds_shape *s, const char *words, struct err *err) TS_CHECKED;
/* -1: it has both a size and a crop, and no image of that size is as large as the crop. */
int ds_prep_crop_check(const struct ds_shape *s, struct err *err) TS_CHECKED;
/* And back, in the form that parses to the same; two shapes are the same if these are. */
void ds_prep_words(const struct ds_shape *s, char words[DS_PREP]);
/* The same as options of ds-pack, each with a blank in front; "" if there are none. */
void ds_prep_options(const struct ds_shape *s, char options[DS_PREP]);
/* N or HxW, each from 1 to 16384. -1: it is not that; err says what it should be, without a subject. */
int ds_prep_sides(const char *text, int *h, int *w, struct err *err) TS_CHECKED;
/* Does every picture become an image of the same size, which it says? */
bool ds_prep_size(const struct ds_shape *s, int *h, int *w);
/* Checks that images so prepared are (c,h,w), as a network takes them. -1 with err. */
int ds_prep_check(const struct ds_shape *s, int c, int h, int w, struct err *err) TS_CHECKED;

/* Writes the words to meta. -1: out of memory. */
int ds_prep_put(struct ts_meta *m, const struct ds_shape *s) TS_CHECKED;
/* How the images of the network in a checkpoint, whose meta this is, were prepared: into *s, all of it but fast. 1: as
 * the meta says; 0: its images were taken as they were, so others are resized to their size, squashed, bilinear; -1
 * with err: it says nothing, or what does not fit its network. */
int ds_prep_for(struct ds_shape *s, const struct ts_meta *checkpoint, struct err *err) TS_CHECKED;
/* The same of the checkpoint at path, of which only the header is read. */
int ds_prep_for_file(struct ds_shape *s, const char *path, struct err *err) TS_CHECKED;
/* Were the images of this stream (c,h,w), whose meta this is, prepared in another way than those of the checkpoint's
 * network? True: words (which name neither) say how and what to type. False if one of both says nothing. */
bool ds_prep_differs(const struct ts_meta *images, int h, int w, const struct ts_meta *checkpoint, struct err *words);

#ifdef __cplusplus
}
#endif
#endif
