/* SPDX-License-Identifier: MIT
 * BMP, decoded here: Debian's libraries that read it are part of something large (SDL, gdk-pixbuf, ImageMagick,
 * FreeImage), or a header with known holes that omits the compressed forms (stb). The numbers are Pillow's.
 *
 * A file is "BM", its size, 4 bytes, the offset of the pixels; a header that begins with its own size; masks of the
 * channels; a palette; and rows from the bottom up, each padded to a multiple of 4 bytes. All numbers are
 * little-endian. */
#include <stdlib.h>
#include <string.h>

#include "ds/pixel/ds_decode_internal.h"

enum { FILE_HEAD = 14, OLD_HEAD = 12, HEAD = 40, MASKS = FILE_HEAD + HEAD };
enum { RGB, RLE8, RLE4, BITFIELDS, ALPHA_BITFIELDS = 6 }; /* compression methods */

struct bmp {
	const unsigned char *p;
	size_t n, pixels; /* bytes of the file; offset of the pixels */
	unsigned long h, w;
	bool down; /* the first row is the topmost */
	unsigned bits, form;
	uint32_t mask[3];            /* of red, green and blue, if bits is 16 or 32 */
	const unsigned char *colour; /* the palette: n_colours of colour_size bytes, blue first */
	size_t n_colours, colour_size;
};

static unsigned two(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t four(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_head_size(uint32_t n)
{
	return n == OLD_HEAD || n == HEAD || n == 52 || n == 56 || n == 64 || n == 108 || n == 124;
}

bool ds_is_bmp(const unsigned char *p, size_t n)
{
	return n >= FILE_HEAD + 4 && p[0] == 'B' && p[1] == 'M' && is_head_size(four(p + FILE_HEAD));
}

static int cut_off(struct err *err)
{
	return err_fail(err, "damaged BMP: file is cut off");
}

/* The masks of the channels: if the file has none, 5 bits each for 16-bit pixels, or one byte each. */
static int read_masks(struct bmp *b, struct err *err)
{
	static const uint32_t of16[3] = { 0x7c00, 0x03e0, 0x001f }, of32[3] = { 0xff0000, 0xff00, 0xff };

	memcpy(b->mask, b->bits == 16 ? of16 : of32, sizeof b->mask);
	if (b->form == RGB)
		return 0;
	if (b->n < MASKS + 12)
		return cut_off(err);
	for (int c = 0; c < 3; c++) {
		const uint32_t m = b->mask[c] = four(b->p + MASKS + 4 * c);

		/* A mask must be one run of 1 to 8 bits. */
		if (!m || ((m >> __builtin_ctz(m)) & ((m >> __builtin_ctz(m)) + 1)) || m >> __builtin_ctz(m) > 255)
			return err_fail(err, "BMP whose channels have unusual bits, which is not read");
	}
	return 0;
}

static int read_palette(struct bmp *b, size_t head, uint32_t used, struct err *err)
{
	const size_t most = (size_t)1 << b->bits;

	b->colour_size = head == OLD_HEAD ? 3 : 4;
	b->n_colours = used && used < most ? used : most;
	b->colour = b->p + FILE_HEAD + head;
	if (FILE_HEAD + head + b->n_colours * b->colour_size <= b->n)
		return 0;
	return cut_off(err);
}

static int read_head(struct bmp *b, struct err *err)
{
	const unsigned char *p = b->p + FILE_HEAD;
	const size_t head = four(p);
	uint32_t used = 0;
	int32_t h;

	if (b->n < FILE_HEAD + head)
		return cut_off(err);
	b->pixels = four(b->p + 10);
	if (head == OLD_HEAD) {
		b->w = two(p + 4);
		h = (int32_t)two(p + 6);
		b->bits = two(p + 10);
	} else {
		b->w = four(p + 4);
		h = (int32_t)four(p + 8);
		b->bits = two(p + 14);
		b->form = four(p + 16);
		used = four(p + 32);
	}
	b->down = h < 0;
	b->h = h < 0 ? 0 - (uint32_t)h : (uint32_t)h;
	if (ds_check_size(b->h, b->w, err) < 0)
		return -1;
	b->form = b->form == ALPHA_BITFIELDS ? BITFIELDS : b->form;
	if (b->form == RGB ?
		    !(b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32) :
	    b->form == BITFIELDS ? b->bits != 16 && b->bits != 32 :
				   !(b->form == RLE8 && b->bits == 8) && !(b->form == RLE4 && b->bits == 4))
		return err_fail(err, "BMP of %u bits per pixel in form %u, which is not read", b->bits, b->form);
	if (b->pixels > b->n)
		return cut_off(err);
	return b->bits == 16 || b->bits == 32 ? read_masks(b, err) :
	       b->bits <= 8                   ? read_palette(b, head, used, err) :
						0;
}

static void put_colour(const struct bmp *b, unsigned index, uint8_t *to)
{
	for (unsigned c = 0; c < 3; c++)
		to[c] = index < b->n_colours ? b->colour[index * b->colour_size + 2 - c] : 0;
}

/* Scales a channel of a pixel, of as many bits as its mask has, to 0..255. */
static uint8_t channel(uint32_t v, uint32_t mask)
{
	const uint32_t most = mask >> __builtin_ctz(mask);

	return (uint8_t)(((v & mask) >> __builtin_ctz(mask)) * 255 / most);
}

static void unpack_row(const struct bmp *b, const unsigned char *from, uint8_t *to)
{
	for (size_t x = 0; x < b->w; x++, to += 3) {
		const unsigned per_byte = b->bits < 8 ? 8 / b->bits : 1;
		uint32_t v;

		if (b->bits <= 8) {
			const unsigned shift = (unsigned)(per_byte - 1 - x % per_byte) * b->bits;

			put_colour(b, (unsigned)from[x / per_byte] >> shift & ((1u << b->bits) - 1), to);
			continue;
		}
		if (b->bits == 24) {
			to[0] = from[3 * x + 2];
			to[1] = from[3 * x + 1];
			to[2] = from[3 * x];
			continue;
		}
		v = b->bits == 16 ? two(from + 2 * x) : four(from + 4 * x);
		for (int c = 0; c < 3; c++)
			to[c] = channel(v, b->mask[c]);
	}
}

static uint8_t *row_of(const struct bmp *b, struct ds_pixels *p, size_t y)
{
	return p->rgb + 3 * b->w * (b->down ? y : b->h - 1 - y);
}

static int unpack(const struct bmp *b, struct ds_pixels *p, struct err *err)
{
	const size_t row = (b->w * b->bits + 31) / 32 * 4;

	/* The last row need not be padded. */
	if (b->n - b->pixels < row * (b->h - 1) + (b->w * b->bits + 7) / 8)
		return cut_off(err);
	for (size_t y = 0; y < b->h; y++)
		unpack_row(b, b->p + b->pixels + y * row, row_of(b, p, y));
	return 0;
}

/* Pixel i of a byte of a run: 8 bits, or 4, the upper ones first. */
static unsigned nibble(const struct bmp *b, unsigned byte, size_t i)
{
	return b->form == RLE8 ? byte : i % 2 ? byte & 15 : byte >> 4;
}

struct run {
	size_t at, x, y;
	bool end;
};

/* n literal pixels: their bytes, padded to an even number. */
static int literal(const struct bmp *b, struct ds_pixels *p, struct run *r, size_t n, struct err *err)
{
	const size_t bytes = b->form == RLE8 ? n : (n + 1) / 2;

	if (b->n - r->at < bytes || r->x + n > b->w || r->y >= b->h)
		return b->n - r->at < bytes ? cut_off(err) : err_fail(err, "damaged BMP: a run leaves the image");
	for (size_t i = 0; i < n; i++)
		put_colour(b, nibble(b, b->p[r->at + (b->form == RLE8 ? i : i / 2)], i),
			   row_of(b, p, r->y) + 3 * (r->x + i));
	r->x += n;
	r->at += bytes + bytes % 2;
	return 0;
}

/* One pair of bytes: a run, or 0 and a code: 0 end of row, 1 end of picture, 2 move right and up, otherwise that many
 * literal pixels. */
static int step(const struct bmp *b, struct ds_pixels *p, struct run *r, struct err *err)
{
	unsigned n, what;

	if (b->n < r->at || b->n - r->at < 2)
		return cut_off(err);
	n = b->p[r->at];
	what = b->p[r->at + 1];
	r->at += 2;
	if (n) {
		if (r->x + n > b->w || r->y >= b->h)
			return err_fail(err, "damaged BMP: a run leaves the image");
		for (size_t i = 0; i < n; i++)
			put_colour(b, nibble(b, what, i), row_of(b, p, r->y) + 3 * r->x++);
		return 0;
	}
	if (what > 2)
		return literal(b, p, r, what, err);
	if (what == 2 && b->n - r->at < 2)
		return cut_off(err);
	r->end = what == 1;
	if (what == 0) {
		r->x = 0;
		r->y++;
	} else if (what == 2) {
		r->x += b->p[r->at];
		r->y += b->p[r->at + 1];
		r->at += 2;
	}
	return 0;
}

static int unpack_runs(const struct bmp *b, struct ds_pixels *p, struct err *err)
{
	struct run r = { .at = b->pixels };

	/* Skipped pixels have colour 0. */
	for (size_t i = 0; i < b->h * b->w; i++)
		put_colour(b, 0, p->rgb + 3 * i);
	while (!r.end)
		if (step(b, p, &r, err) < 0)
			return -1;
	return 0;
}

int ds_decode_bmp(const void *data, size_t len, struct ds_pixels *p, struct err *err)
{
	struct bmp b = { .p = data, .n = len };

	if (read_head(&b, err) < 0 || ds_pixels_resize(p, (int)b.h, (int)b.w, err) < 0)
		return -1;
	return b.form == RLE8 || b.form == RLE4 ? unpack_runs(&b, p, err) : unpack(&b, p, err);
}
