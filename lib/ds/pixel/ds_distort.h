/* SPDX-License-Identifier: MIT
 *
 * ds_distort: pictures that are degraded on purpose, to see what a score really follows: a compressed image shows the
 * same thing as before, so a score that calls it strange follows the compression. The distortions are given as words,
 *
 *	blur=1,jpeg=30
 *
 * each KIND or KIND=LEVEL, in the order in which they are applied, to 8-bit RGB, before a picture is prepared
 * (ds_shape):
 *
 *	jpeg        compressed and read again; quality 1 to 100 (75), four pixels share a colour (4:2:0), as Pillow's save()
 *	blur        Gauss, standard deviation in pixels, 0.1 to 32 (1); the border is repeated
 *	brightness  each number times a factor, 0 to 16 (1.5), as Pillow's ImageEnhance.Brightness
 *	bilinear, bicubic, lanczos, box, hamming
 *	            resized by this filter to LEVEL times its sides, 0.01 to 16 (0.5), at least a pixel, and back by the same
 *
 * The words are in meta TS_IMAGES_DISTORTED (ts_images.h) of a stream of images and of everything computed from it.
 */
#ifndef DS_DISTORT_H
#define DS_DISTORT_H

#include "ds/ds.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DS_DISTORT_STEPS = 8, DS_DISTORT = 288 }; /* at most so many steps; bytes that their words need */

struct ds_distort {
	int n;
	struct ds_distort_step {
		int kind;
		double level;
	} step[DS_DISTORT_STEPS];
};

/* -1 with err, which lists the kinds. */
int ds_distort_parse(struct ds_distort *d, const char *words, struct err *err);
/* The reverse, each with its level. */
void ds_distort_words(const struct ds_distort *d, char words[DS_DISTORT]);
/* p changes, spare is a buffer. -1 with err: out of memory, or sides that JPEG does not allow. */
int ds_distort(struct ds_pixels *p, struct ds_pixels *spare, const struct ds_distort *d, struct err *err);

#ifdef __cplusplus
}
#endif
#endif
