/* SPDX-License-Identifier: MIT
 * Augmentation: which windows of an image it gives, mirrored or not. */
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "um/um.h"

enum { H = 12, W = 10, N = 4000 };

static uint8_t pixels[2 * H * W]; /* (2,H,W), no zeros: 1 + the pixel's number in its channel */

/* Finds a window's position from its pixels that are not padding; false: it is not a window of the image. */
static bool find(const uint8_t *v, int h, int w, int *dy, int *dx, bool *mirror)
{
	for (*mirror = false;; *mirror = true) {
		for (*dy = -4; *dy <= H - h + 4; ++*dy)
			for (*dx = -4; *dx <= W - w + 4; ++*dx) {
				bool same = true;

				for (int i = 0; same && i < 2 * h * w; i++) {
					const int c = i / (h * w), y = i / w % h + *dy;
					const int x = (*mirror ? w - 1 - i % w : i % w) + *dx;
					const bool in = y >= 0 && y < H && x >= 0 && x < W;

					same = v[i] == (in ? pixels[(c * H + y) * W + x] : 0);
				}
				if (same)
					return true;
			}
		if (*mirror)
			return false;
	}
}

/* Checks N windows: all between least and most, both ends reached, and this many mirrored. */
static bool windows(int h, int w, long augment, int least, int most_y, int most_x)
{
	const struct um_data d = { .n = 1, .c = 2, .h = H, .w = W, .image = pixels };
	struct ts_rng rng = ts_rng_new(3, UM_RNG_AUGMENT);
	int y0 = 99, y1 = -99, x0 = 99, x1 = -99, mirrored = 0;
	uint8_t out[2 * H * W];

	for (int i = 0; i < N; i++) {
		bool mirror;
		int y, x;

		um_data_window(&d, 0, h, w, augment, &rng, out);
		if (!find(out, h, w, &y, &x, &mirror))
			return false;
		y0 = y < y0 ? y : y0;
		y1 = y > y1 ? y : y1;
		x0 = x < x0 ? x : x0;
		x1 = x > x1 ? x : x1;
		mirrored += mirror;
	}
	printf("# from %d,%d to %d,%d; %d mirrored\n", y0, x0, y1, x1, mirrored);
	return y0 == least && x0 == least && y1 == most_y && x1 == most_x &&
	       (augment & UM_FLIP ? abs(mirrored - N / 2) < N / 20 : mirrored == 0);
}

int main(void)
{
	const struct um_data d = { .n = 1, .c = 2, .h = H, .w = W, .image = pixels, .label = &(int64_t){ 5 } };
	struct ts_rng one = ts_rng_new(1, 1), other = one;
	uint8_t a[sizeof pixels], b[sizeof pixels];
	int64_t label = 0;
	size_t idx = 0;

	for (size_t i = 0; i < sizeof pixels; i++)
		pixels[i] = (uint8_t)(1 + i % (H * W) + i / (H * W) * 100);
	ok(windows(H, W, UM_FLIP_AND_CROP, -4, 4, 4), "flip and crop: padded by 4, mirrored every other time");
	ok(windows(H, W, UM_CROP, -4, 4, 4), "crop alone");
	ok(windows(H, W, UM_FLIP, 0, 0, 0), "flip alone: none is moved");
	ok(windows(8, 8, UM_AS_THEY_ARE, 0, H - 8, W - 8), "of a larger picture: all windows inside it");
	ok(windows(8, 8, UM_FLIP_AND_CROP, -4, H - 8 + 4, W - 8 + 4), "as published: all of the padded picture");
	um_data_batch(&d, &idx, 1, UM_AS_THEY_ARE, NULL, a, &label);
	ok(memcmp(a, pixels, sizeof a) == 0 && label == 5, "as they are");
	um_data_batch(&d, &idx, 1, UM_FLIP_AND_CROP, &one, a, &label);
	um_data_window(&d, 0, H, W, UM_FLIP_AND_CROP, &other, b);
	ok(memcmp(a, b, sizeof a) == 0 && one.state == other.state, "a batch is windows of the images' own size");
	return done();
}
