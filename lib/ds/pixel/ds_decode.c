/* SPDX-License-Identifier: MIT
 * PNG through libpng, JPEG through libjpeg-turbo; from memory, to RGB. WebP, GIF and BMP have files of their own.
 *
 * libpng and libjpeg report errors by calling a function that must not return: ours writes the reason and jumps back to
 * the setjmp() of decode_X(), which frees. So whatever changes between setjmp() and the jump and is read afterwards
 * must be volatile or lie in memory that is not the function's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "ds/ds_internal.h"
#include "ds/pixel/ds_decode_internal.h"
#include "ds/pixel/ds_jpeg.h"

#include <jerror.h>

/* ---- PNG ---- */

struct png_input {
	const unsigned char *p;
	size_t left;
	struct err *err;
	bool lacked; /* memory ran out: libpng's own report does not distinguish that from damage */
};

static png_voidp png_take(png_structp png, png_alloc_size_t n)
{
	struct png_input *in = png_get_mem_ptr(png);
	void *p = malloc(n);

	in->lacked = in->lacked || !p;
	return p;
}

static void png_give(png_structp png, png_voidp p)
{
	(void)png;
	free(p);
}

static void png_feed(png_structp png, png_bytep to, png_size_t n)
{
	struct png_input *in = png_get_io_ptr(png);

	if (n > in->left)
		png_error(png, "file is cut off");
	memcpy(to, in->p, n);
	in->p += n;
	in->left -= n;
}

static void png_fail(png_structp png, png_const_charp what)
{
	struct png_input *in = png_get_error_ptr(png);

	if (in->lacked)
		err_memory(in->err);
	else
		err_fail(in->err, "damaged PNG: %s", what);
	longjmp(png_jmpbuf(png), 1);
}

static void png_ignore(png_structp png, png_const_charp what)
{
	(void)png;
	(void)what;
}

/* Makes libpng hand out 8-bit RGB, rows of (w,3), whatever the file holds: palettes are looked up, gray is repeated,
 * 16-bit samples lose their low byte, alpha is dropped without blending. */
static void png_to_rgb(png_structp png, png_infop info)
{
	int type = png_get_color_type(png, info);

	if (type == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(png);
	if (!(type & PNG_COLOR_MASK_COLOR)) {
		png_set_expand_gray_1_2_4_to_8(png);
		png_set_gray_to_rgb(png);
	}
	png_set_strip_16(png);
	png_set_strip_alpha(png);
	png_set_interlace_handling(png);
	png_read_update_info(png, info);
}

static int decode_png(const void *data, size_t len, struct ds_pixels *p, struct err *err)
{
	struct png_input in = { data, len, err, false };
	png_structp png =
		png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &in, png_fail, png_ignore, &in, png_take, png_give);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	png_bytep *volatile rows = NULL;
	volatile int rc = -1;

	if (!info) {
		err_memory(err);
		goto out;
	}
	if (setjmp(png_jmpbuf(png))) /* png_fail() has set the reason */
		goto out;
	png_set_read_fn(png, &in, png_feed);
	png_read_info(png, info);
	if (ds_check_size(png_get_image_height(png, info), png_get_image_width(png, info), err) < 0)
		goto out;
	png_to_rgb(png, info);
	if (ds_pixels_resize(p, (int)png_get_image_height(png, info), (int)png_get_image_width(png, info), err) < 0)
		goto out;
	if (png_get_rowbytes(png, info) != (size_t)p->w * 3)
		png_error(png, "unexpected row size");
	rows = malloc((size_t)p->h * sizeof *rows);
	if (!rows) {
		err_memory(err);
		goto out;
	}
	for (int y = 0; y < p->h; y++)
		rows[y] = p->rgb + (size_t)y * (size_t)p->w * 3;
	png_read_image(png, rows);
	png_read_end(png, NULL);
	rc = 0;
out:
	free(rows);
	png_destroy_read_struct(png ? &png : NULL, info ? &info : NULL, NULL);
	return rc;
}

/* ---- JPEG ---- */

struct jpeg_trouble {
	struct ds_jpeg_trouble base; /* first, as ds_jpeg_fail() has it */
	bool lenient, is_short;      /* ds_decoder_lenient(), ds_decoder_short() */
};

/* libjpeg warns of missing data and fills it with gray; to us an incomplete picture is an error. The result of other
 * damage (a wrong code inside the data) is accepted, as in Pillow. */
static void jpeg_warn(j_common_ptr j, int level)
{
	struct jpeg_trouble *t = (struct jpeg_trouble *)j->err;

	if (level >= 0 || (j->err->msg_code != JWRN_JPEG_EOF && j->err->msg_code != JWRN_HIT_MARKER))
		return;
	if (!t->lenient)
		ds_jpeg_fail(j);
	t->is_short = true;
}

/* w pixels (c,m,y,k) become (r,g,b) as in Pillow: v = k - (255 - c) * k / 255, at least 0. libjpeg hands over Adobe's
 * inverted values, so k = 255 is no black ink at all, and 255 - c is the ink. (t + (t >> 8)) >> 8 with
 * t = ink * k + 128 is ink * k / 255, rounded, without a division. */
static void cmyk_row(const JSAMPLE *from, uint8_t *to, int w)
{
	for (int x = 0; x < w; x++)
		for (int c = 0; c < 3; c++) {
			unsigned k = from[4 * x + 3], ink = 255u - from[4 * x + c];
			unsigned t = ink * k + 128;
			int v = (int)k - (int)((t + (t >> 8)) >> 8);
			to[3 * x + c] = (uint8_t)(v < 0 ? 0 : v);
		}
}

struct ds_decoder {
	struct jpeg_decompress_struct j;
	struct jpeg_trouble t;
	bool begun;    /* j has been created */
	JSAMPLE *line; /* of CMYK pixels */
	size_t line_cap;
};

/* The smallest of libjpeg's scales that leaves the shorter side at_least long. */
static void scale_down(struct jpeg_decompress_struct *j, int at_least)
{
	unsigned side = j->image_width < j->image_height ? j->image_width : j->image_height;

	j->scale_num = j->scale_denom = 1;
	while (at_least && j->scale_denom < 8 && side / (2 * j->scale_denom) >= (unsigned)at_least)
		j->scale_denom *= 2;
}

static int jpeg_rows(struct ds_decoder *d, struct ds_pixels *p, struct err *err)
{
	struct jpeg_decompress_struct *j = &d->j;
	const bool cmyk = j->out_color_space == JCS_CMYK;

	if (ds_pixels_resize(p, (int)j->output_height, (int)j->output_width, err) < 0)
		return -1;
	if (cmyk && d->line_cap < (size_t)p->w * 4) {
		JSAMPLE *grown = realloc(d->line, (size_t)p->w * 4);
		if (!grown)
			return err_memory(err);
		d->line = grown;
		d->line_cap = (size_t)p->w * 4;
	}
	while (j->output_scanline < j->output_height) {
		uint8_t *to = p->rgb + (size_t)j->output_scanline * (size_t)p->w * 3;
		JSAMPROW row = cmyk ? d->line : to;

		jpeg_read_scanlines(j, &row, 1);
		if (cmyk)
			cmyk_row(d->line, to, p->w);
	}
	return 0;
}

static int decode_jpeg(struct ds_decoder *d, const void *data, size_t len, int at_least, struct ds_pixels *p,
		       struct err *err)
{
	struct jpeg_decompress_struct *j = &d->j;

	d->t.base.err = err;
	d->t.base.what = "damaged JPEG";
	j->err = jpeg_std_error(&d->t.base.mgr);
	d->t.base.mgr.error_exit = ds_jpeg_fail;
	d->t.base.mgr.emit_message = jpeg_warn;
	if (setjmp(d->t.base.jump)) /* ds_jpeg_fail() has set the reason */
		goto fail;
	if (!d->begun)
		jpeg_create_decompress(j);
	d->begun = true;
	jpeg_mem_src(j, data, len);
	jpeg_read_header(j, TRUE);
	if (ds_check_size(j->image_height, j->image_width, err) < 0)
		goto fail;
	scale_down(j, at_least);
	j->out_color_space = j->num_components == 4 ? JCS_CMYK : JCS_RGB;
	jpeg_start_decompress(j);
	if (jpeg_rows(d, p, err) < 0)
		goto fail;
	jpeg_finish_decompress(j);
	return 0;
fail:
	if (d->begun)
		jpeg_abort_decompress(j);
	return -1;
}

/* ---- any ---- */

struct ds_decoder *ds_decoder_new(void)
{
	return calloc(1, sizeof(struct ds_decoder));
}

void ds_decoder_lenient(struct ds_decoder *d)
{
	d->t.lenient = true;
}

bool ds_decoder_short(const struct ds_decoder *d)
{
	return d->t.is_short;
}

void ds_decoder_free(struct ds_decoder *d)
{
	if (d && d->begun)
		jpeg_destroy_decompress(&d->j);
	if (d)
		free(d->line);
	free(d);
}

static bool is_png(const unsigned char *p, size_t n)
{
	return n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool is_jpeg(const unsigned char *p, size_t n)
{
	return n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0;
}

/* The brand of a file in ISO's base media format: bytes 4 to 7 are "ftyp", the brand follows. */
static const char *brand_of(const unsigned char *p, size_t n)
{
	static const char *const brands[][2] = { { "avif", "an AVIF image" },  { "avis", "an AVIF image" },
						 { "heic", "a HEIC image" },   { "heix", "a HEIC image" },
						 { "hevc", "a HEIC image" },   { "heim", "a HEIC image" },
						 { "mif1", "a HEIF image" },   { "msf1", "a HEIF image" },
						 { "jxl ", "a JPEG XL image" } };

	for (size_t i = 0; n >= 12 && memcmp(p + 4, "ftyp", 4) == 0 && i < sizeof brands / sizeof *brands; i++)
		if (memcmp(p + 8, brands[i][0], 4) == 0)
			return brands[i][1];
	return NULL;
}

const char *ds_other_image(const unsigned char *p, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *name;
	} begins[] = {
		{ "II*\0", 4, "a TIFF image" },
		{ "MM\0*", 4, "a TIFF image" },
		{ "II+\0", 4, "a TIFF image" },
		{ "MM\0+", 4, "a TIFF image" },
		{ "\0\0\0\14jP  \r\n\x87\n", 12, "a JPEG 2000 image" },
		{ "\xff\x4f\xff\x51", 4, "a JPEG 2000 image" },
		{ "\0\0\0\14JXL \r\n\x87\n", 12, "a JPEG XL image" },
		{ "\xff\x0a", 2, "a JPEG XL image" },
		{ "8BPS", 4, "a Photoshop image" },
		{ "\x76\x2f\x31\1", 4, "an OpenEXR image" },
		{ "DDS |\0\0\0", 8, "a DDS image" },
		{ "#?RADIANCE\n", 11, "a Radiance image" },
	};

	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (n >= begins[i].n && memcmp(p, begins[i].bytes, begins[i].n) == 0)
			return begins[i].name;
	if (n >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '6' && (p[2] == '\n' || p[2] == ' ' || p[2] == '\r'))
		return "a PNM image";
	return brand_of(p, n);
}

bool ds_is_image(const void *head, size_t n)
{
	return is_png(head, n) || is_jpeg(head, n) || ds_is_webp(head, n) || ds_is_gif(head, n) || ds_is_bmp(head, n) ||
	       ds_other_image(head, n);
}

int ds_decoder_run(struct ds_decoder *d, const void *data, size_t len, int at_least, struct ds_pixels *p,
		   struct err *err)
{
	d->t.is_short = false;
	if (is_png(data, len))
		return decode_png(data, len, p, err);
	if (is_jpeg(data, len))
		return decode_jpeg(d, data, len, at_least, p, err);
	if (ds_is_webp(data, len))
		return ds_decode_webp(data, len, p, err);
	if (ds_is_gif(data, len))
		return ds_decode_gif(data, len, p, err);
	if (ds_is_bmp(data, len))
		return ds_decode_bmp(data, len, p, err);
	if (ds_other_image(data, len))
		return err_fail(err, "%s, which is not read; convert it to PNG", ds_other_image(data, len));
	return err_fail(err, len ? "not a PNG, JPEG, WebP, GIF or BMP image" : "empty file");
}

int ds_decode(const void *data, size_t len, struct ds_pixels *p, struct err *err)
{
	struct ds_decoder *d = ds_decoder_new();
	int rc;

	if (!d)
		return err_memory(err);
	rc = ds_decoder_run(d, data, len, 0, p, err);
	ds_decoder_free(d);
	return rc;
}
