/* SPDX-License-Identifier: MIT
 * Decoding and resizing give Pillow's pixels (t/golden/ds_images.py); damage is an error, never a
 * crash. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "../tap.h"
#include "ds/ds.h"
#include "ds/ds_files.h"

static struct err err;

static struct ds_bytes slurp(const char *folder, const char *name)
{
	struct ds_bytes b = { 0 };
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/t/golden/ds/%s/%s", getenv("SRC") ? getenv("SRC") : ".", folder, name);
	f = fopen(path, "rb");
	if (!f)
		return b;
	b.p = malloc(1 << 20);
	b.n = fread(b.p, 1, 1 << 20, f);
	fclose(f);
	return b;
}

/* Largest difference to NAME.rgb (height, width as <u2, then pixels); -1 if the sizes differ. */
static int difference(const struct ds_pixels *p, const char *folder, const char *name, int *differing)
{
	struct ds_bytes want = slurp(folder, name);
	int worst = -1;

	*differing = 0;
	if (want.n > 4 && p->h == (want.p[0] | want.p[1] << 8) && p->w == (want.p[2] | want.p[3] << 8)) {
		worst = 0;
		for (size_t i = 0; i < want.n - 4; i++) {
			int d = abs(p->rgb[i] - want.p[i + 4]);
			*differing += d > 0;
			worst = d > worst ? d : worst;
		}
	}
	free(want.p);
	return worst;
}

static void formats(void)
{
	static const char *const names[] = { "gray1.png",       "gray2.png",  "gray4.png",    "gray8.png",
					     "gray16.png",      "gray8t.png", "graya8.png",   "rgb8.png",
					     "rgb16.png",       "rgba8.png",  "palette4.png", "palette8t.png",
					     "interlaced.png",  "gray.jpg",   "444.jpg",      "420.jpg",
					     "progressive.jpg", "cmyk.jpg" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct ds_bytes b = slurp("formats", names[i]);
		struct ds_pixels p = { 0 };
		char rgb[64];
		int n = 0, rc = ds_decode(b.p, b.n, &p, &err), worst;

		snprintf(rgb, sizeof rgb, "%s.rgb", names[i]);
		worst = rc == 0 ? difference(&p, "formats", rgb, &n) : -1;
		ok(rc == 0 && worst >= 0 && worst <= 1, "%s: Pillow's pixels", names[i]);
		printf("# worst difference %d in %d values%s%s\n", worst, n, rc ? ": " : "", rc ? err.text : "");
		ds_pixels_release(&p);
		free(b.p);
	}
}

static void damage(const char *name)
{
	struct ds_bytes b = slurp("formats", name);
	struct ds_pixels p = { 0 };
	size_t taken = 0;

	for (size_t n = 0; n < b.n; n++) {
		unsigned char *cut = malloc(n ? n : 1); /* its own block, so that overruns are detected */
		memcpy(cut, b.p, n);
		taken += ds_decode(cut, n, &p, &err) == 0 && n + 16 < b.n;
		free(cut);
	}
	ok(b.n && taken == 0, "%s, cut off anywhere: an error", name);
	for (size_t n = 0; n < b.n; n++) {
		b.p[n] ^= 0x55;
		(void)ds_decode(b.p, b.n, &p, &err);
		b.p[n] ^= 0x55;
	}
	ok(ds_decode(b.p, b.n, &p, &err) == 0, "%s: any byte changed does no harm", name);
	ds_pixels_release(&p);
	free(b.p);
}

static void bomb(void)
{
	/* A PNG header that claims 30000 x 30000 pixels, with a correct checksum. */
	static const unsigned char head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30\x08\x02\0\0\0"
					    "\x91\xd3\x03\x8e\0\0\0\0IDAT";
	struct ds_pixels p = { 0 };

	ok(ds_decode(head, sizeof head - 1, &p, &err) < 0 && p.cap == 0, "a bomb allocates nothing");
	ok(ds_decode("Hello, world", 12, &p, &err) < 0 && strstr(err.text, "not a PNG"), "text is no image");
	ok(ds_decode("", 0, &p, &err) < 0 && strstr(err.text, "empty"), "nor is an empty file");
}

static void resized(const struct ds_pixels *p, enum ds_filter how, const char *name, const int (*sizes)[2], size_t n)
{
	struct ds_pixels q = { 0 };

	for (size_t i = 0; i < n; i++) {
		const int h = sizes[i][0], w = sizes[i][1];
		char rgb[64];
		int differing;

		snprintf(rgb, sizeof rgb, "%s%dx%d.rgb", name, h, w);
		ok(ds_resize(p, &q, h, w, how, &err) == 0 && difference(&q, "resize", rgb, &differing) == 0,
		   "%s, %d x %d: exactly Pillow 13's numbers", rgb, p->h, p->w);
	}
	ds_pixels_release(&q);
}

/* The height shrinks by more than twice as much as the width, or not quite. */
static void tall(void)
{
	static const int sizes[][2] = { { 32, 32 }, { 31, 21 }, { 32, 21 }, { 33, 21 }, { 89, 60 } };
	struct ds_bytes b = slurp("resize", "tall.png");
	struct ds_pixels p = { 0 };

	ok(ds_decode(b.p, b.n, &p, &err) == 0 && p.h == 90 && p.w == 50, "the tall source: 90 x 50");
	resized(&p, DS_BILINEAR, "tall", sizes, sizeof sizes / sizeof *sizes);
	ds_pixels_release(&p);
	free(b.p);
}

static void resizes(void)
{
	static const int sizes[][2] = { { 32, 32 }, { 37, 20 }, { 10, 50 }, { 8, 8 }, { 64, 70 }, { 1, 1 }, { 5, 97 } };
	struct ds_bytes b = slurp("resize", "source.png");
	struct ds_pixels p = { 0 }, spare = { 0 };
	struct ds_shape shape = { .h = 20, .w = 20, .shorter = true, .crop_h = 17, .crop_w = 17 };
	int n;

	ok(ds_decode(b.p, b.n, &p, &err) == 0 && p.h == 37 && p.w == 50, "the source: 37 x 50");
	resized(&p, DS_BILINEAR, "", sizes, sizeof sizes / sizeof *sizes);
	ok(ds_reshape(&p, &spare, &shape, &err) == 0 && difference(&p, "resize", "short20crop17.rgb", &n) == 0,
	   "shorter side 20, middle 17");
	shape = (struct ds_shape){ .crop_h = 16, .crop_w = 18 };
	ok(ds_reshape(&p, &spare, &shape, &err) < 0 && strstr(err.text, "smaller"), "no crop larger than the image");
	ds_pixels_release(&p);
	ds_pixels_release(&spare);
	free(b.p);
}

/* The other filters, and torchvision's presets whose crop has its corner between two pixels. */
static void filters(void)
{
	static const char *const names[] = { [DS_BICUBIC] = "bicubic", "lanczos", "box", "hamming" };
	static const int sizes[][2] = { { 16, 20 }, { 45, 61 }, { 1, 1 }, { 37, 13 } }, one[][2] = { { 31, 21 } };
	const struct ds_shape preset = {
		.h = 15, .w = 15, .shorter = true, .filter = DS_BICUBIC, .crop_h = 10, .crop_w = 15
	};
	struct ds_bytes b = slurp("resize", "source.png"), t = slurp("resize", "tall.png");
	struct ds_pixels p = { 0 }, high = { 0 };
	char name[32];
	int n;

	ok(ds_decode(b.p, b.n, &p, &err) == 0 && ds_decode(t.p, t.n, &high, &err) == 0, "both sources");
	for (enum ds_filter how = DS_BICUBIC; how <= DS_HAMMING; how++) {
		snprintf(name, sizeof name, "%s-", names[how]);
		resized(&p, how, name, sizes, sizeof sizes / sizeof *sizes);
		snprintf(name, sizeof name, "%s-tall", names[how]);
		resized(&high, how, name, one, 1);
	}
	ok(ds_reshape(&p, &high, &preset, &err) == 0 &&
		   difference(&p, "resize", "bicubic-short15crop10x15.rgb", &n) == 0,
	   "shorter side 15, bicubic, middle 10 x 15");
	ds_pixels_release(&p);
	ds_pixels_release(&high);
	free(b.p);
	free(t.p);
}

int main(void)
{
	formats();
	resizes();
	filters();
	tall();
	damage("rgb8.png");
	damage("interlaced.png");
	damage("420.jpg");
	damage("progressive.jpg");
	bomb();
	return done();
}
