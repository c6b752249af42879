/* SPDX-License-Identifier: MIT
 * fuzz_image: any bytes as a PNG, JPEG, WebP, GIF or BMP, with one decoder for all of them. Decoded pictures are
 * resized, too. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds.h"
#include "file.h"

static volatile unsigned sink; /* what was read is used */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct ds_pixels p = { 0 }, small = { 0 };
	struct err err = { 0 };
	static struct ds_decoder *d;

	if (!d && !(d = ds_decoder_new()))
		abort();
	if (ds_decoder_run(d, data, size, size % 2 ? 4 : 0, &p, &err) < 0) {
		hold_text(&err);
	} else {
		if (p.h < 1 || p.w < 1 || p.h > DS_MAX_SIDE || p.w > DS_MAX_SIDE)
			abort();
		/* Only the ends of a large picture: few bytes can mean many pixels. */
		const size_t n = 3 * (size_t)p.h * (size_t)p.w;
		const bool large = n > 200000;
		for (size_t i = 0; i < n; i += large ? n - 1 : 1)
			sink += p.rgb[i];
		if (!large) {
			ds_gray(&p);
			hold(ds_resize(&p, &small, 5, 3, (enum ds_filter)(size % 5), &err) == 0);
		}
	}
	ds_pixels_release(&p);
	ds_pixels_release(&small);
	return 0;
}
