/* SPDX-License-Identifier: MIT
 * Memory for pixels, and which sizes are accepted. */
#include <stdlib.h>

#include "ds/ds_internal.h"
#include "ds/pixel/ds_decode_internal.h"

void ds_pixels_release(struct ds_pixels *p)
{
	free(p->rgb);
	*p = (struct ds_pixels){ 0 };
}

int ds_pixels_resize(struct ds_pixels *p, int h, int w, struct err *err)
{
	size_t want = (size_t)h * (size_t)w * 3 + DS_SLACK;

	if (want > p->cap) {
		uint8_t *grown = realloc(p->rgb, want);
		if (!grown)
			return err_memory(err);
		p->rgb = grown;
		p->cap = want;
	}
	p->h = h;
	p->w = w;
	return 0;
}

int ds_check_size(unsigned long h, unsigned long w, struct err *err)
{
	if (h == 0 || w == 0)
		return err_fail(err, "image of %lu x %lu pixels: empty", w, h);
	if (h > DS_MAX_SIDE || w > DS_MAX_SIDE || h * w > DS_MAX_PIXELS)
		return err_fail(err, "image of %lu x %lu pixels: too large", w, h);
	return 0;
}

int ds_pixels_row(struct ds_pixels *p, size_t at, size_t n, size_t h, size_t w, struct err *err)
{
	if (at >= n)
		return err_fail(err, "the file changed while it was read");
	return ds_pixels_resize(p, (int)h, (int)w, err);
}

void ds_pixels_planes(const struct ds_pixels *p, int c, uint8_t *to)
{
	const size_t plane = (size_t)p->h * (size_t)p->w;

	for (size_t i = 0; i < plane; i++)
		for (size_t k = 0; k < (size_t)c; k++)
			to[k * plane + i] = p->rgb[3 * i + k];
}

int ds_pixels_from_planes(struct ds_pixels *p, const uint8_t *planes, size_t c, size_t h, size_t w, struct err *err)
{
	const size_t plane = h * w;

	if (ds_pixels_resize(p, (int)h, (int)w, err) < 0)
		return -1;
	for (size_t i = 0; i < plane; i++)
		for (size_t k = 0; k < 3; k++)
			p->rgb[3 * i + k] = planes[(c == 3 ? k * plane : 0) + i];
	return 0;
}
