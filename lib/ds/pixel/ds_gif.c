/* SPDX-License-Identifier: MIT
 * GIF through giflib: the first frame on its screen, as in Pillow's convert("RGB"). Where the frame does not cover the
 * screen, it has the transparent colour, or colour 0. Later frames are ignored. */
#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

#include "ds/pixel/ds_decode_internal.h"

struct input {
	const unsigned char *p;
	size_t left;
};

bool ds_is_gif(const unsigned char *p, size_t n)
{
	return n >= 6 && (memcmp(p, "GIF87a", 6) == 0 || memcmp(p, "GIF89a", 6) == 0);
}

static int feed(GifFileType *gif, GifByteType *to, int n)
{
	struct input *in = gif->UserData;
	size_t some = (size_t)n < in->left ? (size_t)n : in->left;

	memcpy(to, in->p, some);
	in->p += some;
	in->left -= some;
	return (int)some;
}

static int damaged(const GifFileType *gif, struct err *err)
{
	const char *why = GifErrorString(gif->Error);

	if (gif->Error == D_GIF_ERR_NOT_ENOUGH_MEM)
		return err_memory(err);
	return err_fail(err, "damaged GIF: %s", why ? why : "unknown error");
}

/* Finds the first frame; *transparent becomes its transparent colour, or -1. */
static int find_frame(GifFileType *gif, int *transparent, struct err *err)
{
	GifRecordType type;
	GifByteType *block;
	int code;

	*transparent = -1;
	for (;;) {
		if (DGifGetRecordType(gif, &type) == GIF_ERROR)
			return damaged(gif, err);
		if (type == TERMINATE_RECORD_TYPE)
			return err_fail(err, "damaged GIF: no image in it");
		if (type == IMAGE_DESC_RECORD_TYPE)
			return DGifGetImageDesc(gif) == GIF_ERROR ? damaged(gif, err) : 0;
		if (type != EXTENSION_RECORD_TYPE)
			continue;
		if (DGifGetExtension(gif, &code, &block) == GIF_ERROR)
			return damaged(gif, err);
		if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4)
			*transparent = block[1] & 1 ? block[4] : -1;
		while (block)
			if (DGifGetExtensionNext(gif, &block) == GIF_ERROR)
				return damaged(gif, err);
	}
}

/* The colours of all indices. Like Pillow, treats a missing map, or one that is a gray ramp, as gray. */
static void find_colours(const ColorMapObject *map, uint8_t rgb[256][3])
{
	bool ramp = true;

	for (int i = 0; map && i < map->ColorCount; i++) {
		const GifColorType *c = &map->Colors[i];

		ramp &= c->Red == i && c->Green == i && c->Blue == i;
	}
	for (int i = 0; i < 256; i++) {
		const bool there = map && i < map->ColorCount;

		rgb[i][0] = there ? map->Colors[i].Red : ramp ? (uint8_t)i : 0;
		rgb[i][1] = there ? map->Colors[i].Green : ramp ? (uint8_t)i : 0;
		rgb[i][2] = there ? map->Colors[i].Blue : ramp ? (uint8_t)i : 0;
	}
}

/* Which row of the frame comes as number i: all in order, or every 8th, then those in between. */
static int row_at(int i, int h, bool interlaced)
{
	static const int begin[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };

	for (int pass = 0; interlaced && pass < 4; pass++) {
		const int rows = (h - begin[pass] + step[pass] - 1) / step[pass];

		if (i < rows)
			return begin[pass] + i * step[pass];
		i -= rows;
	}
	return i;
}

static int read_rows(GifFileType *gif, struct ds_pixels *p, int transparent, struct err *err)
{
	const GifImageDesc *d = &gif->Image;
	uint8_t rgb[256][3], *line = malloc((size_t)d->Width + 1);
	int rc = 0;

	if (!line)
		return err_memory(err);
	find_colours(d->ColorMap ? d->ColorMap : gif->SColorMap, rgb);
	for (size_t i = 0; i < (size_t)p->h * (size_t)p->w; i++)
		memcpy(p->rgb + 3 * i, rgb[transparent < 0 ? 0 : transparent], 3);
	for (int i = 0; i < d->Height && rc == 0; i++) {
		uint8_t *to = p->rgb + 3 * ((size_t)(d->Top + row_at(i, d->Height, d->Interlace)) * (size_t)p->w +
					    (size_t)d->Left);

		if (DGifGetLine(gif, line, d->Width) == GIF_ERROR)
			rc = damaged(gif, err);
		for (int x = 0; x < d->Width && rc == 0; x++)
			memcpy(to + 3 * x, rgb[line[x]], 3);
	}
	free(line);
	return rc;
}

int ds_decode_gif(const void *data, size_t len, struct ds_pixels *p, struct err *err)
{
	struct input in = { data, len };
	int code = 0, transparent, rc = -1;
	GifFileType *gif = DGifOpen(&in, feed, &code);
	long h, w;

	if (!gif && code == D_GIF_ERR_NOT_ENOUGH_MEM)
		return err_memory(err);
	if (!gif)
		return err_fail(err, "damaged GIF: %s", GifErrorString(code) ? GifErrorString(code) : "unknown error");
	if (find_frame(gif, &transparent, err) == 0) {
		/* A frame that is larger than the screen makes it larger. */
		h = (long)gif->Image.Top + gif->Image.Height;
		w = (long)gif->Image.Left + gif->Image.Width;
		h = h > gif->SHeight ? h : gif->SHeight;
		w = w > gif->SWidth ? w : gif->SWidth;
		if (gif->Image.Height < 1 || gif->Image.Width < 1)
			err_fail(err, "damaged GIF: its image is empty");
		else if (ds_check_size((unsigned long)h, (unsigned long)w, err) == 0 &&
			 ds_pixels_resize(p, (int)h, (int)w, err) == 0)
			rc = read_rows(gif, p, transparent, err);
	}
	DGifCloseFile(gif, &code);
	return rc;
}
