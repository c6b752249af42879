/* SPDX-License-Identifier: MIT
 * Writing JPEG, as Pillow's save() does: libjpeg's defaults at a quality. */
#include <stdlib.h>
#include <string.h>

#include "ds/pixel/ds_decode_internal.h"
#include "ds/pixel/ds_jpeg.h"

#include <jerror.h>

void ds_jpeg_fail(j_common_ptr j)
{
	struct ds_jpeg_trouble *t = (struct ds_jpeg_trouble *)j->err;
	char text[JMSG_LENGTH_MAX];

	j->err->format_message(j, text);
	if (j->err->msg_code == JERR_OUT_OF_MEMORY)
		err_memory(t->err);
	else
		err_fail(t->err, "%s: %s", t->what, text);
	longjmp(t->jump, 1);
}

static void write_rows(struct jpeg_compress_struct *j, const struct ds_pixels *p, int quality)
{
	j->image_width = (JDIMENSION)p->w;
	j->image_height = (JDIMENSION)p->h;
	j->input_components = 3;
	j->in_color_space = JCS_RGB;
	jpeg_set_defaults(j);
	jpeg_set_quality(j, quality, TRUE);
	jpeg_start_compress(j, TRUE);
	while (j->next_scanline < j->image_height) {
		JSAMPROW row = p->rgb + (size_t)j->next_scanline * (size_t)p->w * 3;

		jpeg_write_scanlines(j, &row, 1);
	}
	jpeg_finish_compress(j);
}

/* Encodes into the *len bytes at file and sets *len to the length used: these are variables of the caller, which
 * survive a jump. */
static int encode(const struct ds_pixels *p, int quality, unsigned char *file, unsigned long *len, struct err *err)
{
	struct jpeg_compress_struct j;
	struct ds_jpeg_trouble t = { .err = err, .what = "cannot be written as JPEG" };

	memset(&j, 0, sizeof j);
	j.err = jpeg_std_error(&t.mgr);
	t.mgr.error_exit = ds_jpeg_fail;
	if (setjmp(t.jump)) { /* ds_jpeg_fail() has set the reason */
		jpeg_destroy_compress(&j);
		return -1;
	}
	jpeg_create_compress(&j);
	jpeg_mem_dest(&j, &file, len);
	write_rows(&j, p, quality);
	jpeg_destroy_compress(&j);
	return 0;
}

int ds_encode_jpeg(const struct ds_pixels *p, int quality, unsigned char **file, size_t *len, struct err *err)
{
	/* Blocks are whole, and no file is larger than three bytes per pixel plus its header (libjpeg-turbo's
	 * tjBufSize()): with a smaller buffer libjpeg would allocate another, and leak it on failure. */
	const size_t h = ((size_t)p->h + 15) / 16 * 16, w = ((size_t)p->w + 15) / 16 * 16;
	unsigned long n = 3 * h * w + 2048;

	if (!(*file = malloc(n)))
		return err_memory(err);
	if (encode(p, quality, *file, &n, err) < 0) {
		free(*file);
		*file = NULL;
		return -1;
	}
	*len = n;
	return 0;
}
