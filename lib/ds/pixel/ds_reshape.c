/* SPDX-License-Identifier: MIT
 * What is done to a picture before it becomes a row: it is made gray, resized, and its middle cut out, all with the
 * rounding of torchvision and Pillow. */
#include <math.h>
#include <string.h>

#include "ds/ds_internal.h"

/* Crops to the middle (h, w, 3), in place. The corner is at round-half-even((side - n) / 2), as in torchvision's
 * CenterCrop (Python's round()). */
static int crop_middle(struct ds_pixels *p, int h, int w, struct err *err)
{
	int top, left;

	if (p->h < h || p->w < w)
		return err_fail(err, "image of %d x %d pixels (height x width) is smaller than the crop of %d x %d",
				p->h, p->w, h, w);
	top = (int)nearbyint((p->h - h) / 2.0);
	left = (int)nearbyint((p->w - w) / 2.0);
	for (int y = 0; y < h; y++)
		memmove(p->rgb + (size_t)y * (size_t)w * 3,
			p->rgb + ((size_t)(y + top) * (size_t)p->w + (size_t)left) * 3, (size_t)w * 3);
	p->h = h;
	p->w = w;
	return 0;
}

void ds_gray(struct ds_pixels *p)
{
	uint8_t *at = p->rgb;

	/* L = (19595 R + 38470 G + 7471 B + 0x8000) >> 16, the ITU-R 601 weights in Pillow's fixed point. All three
	 * channels stay, so that resizing needs no case of its own; the caller keeps one in the end. */
	for (size_t i = 0; i < (size_t)p->h * (size_t)p->w; i++, at += 3)
		at[0] = at[1] = at[2] = (uint8_t)((at[0] * 19595u + at[1] * 38470u + at[2] * 7471u + 0x8000) >> 16);
}

int ds_reshape(struct ds_pixels *p, struct ds_pixels *spare, const struct ds_shape *s, struct err *err)
{
	int h = s->h, w = s->w;

	if (s->gray)
		ds_gray(p);
	/* torchvision truncates the longer side: int(size * long / short). */
	if (s->h && s->shorter) {
		if (p->h <= p->w)
			w = (int)((double)s->h * p->w / p->h);
		else
			h = (int)((double)s->h * p->h / p->w);
	}
	if (s->h && (h > DS_MAX_SIDE || w > DS_MAX_SIDE))
		return err_fail(err, "image of %d x %d pixels is too narrow to resize", p->w, p->h);
	if (s->h && (h != p->h || w != p->w)) {
		struct ds_pixels t = *p;

		if (ds_resize(p, spare, h, w, s->filter, err) < 0)
			return -1;
		*p = *spare;
		*spare = t;
	}
	return s->crop_h ? crop_middle(p, s->crop_h, s->crop_w, err) : 0;
}

int ds_shape_at_least(const struct ds_shape *s)
{
	return !s->fast ? 0 : s->h > s->w ? s->h : s->w;
}
