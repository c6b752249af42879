/* SPDX-License-Identifier: MIT
 * Pictures that come one at a time. */
#include <stdlib.h>
#include <string.h>

#include "ds/ds_internal.h"
#include "ds/ds_live.h"

struct ds_live {
	struct ds_shape shape;
	struct ds_decoder *decoder;
	struct ds_pixels p, spare;
	struct ds_bytes file, planes;
};

struct ds_live *ds_live_new(const struct ds_shape *shape, bool lenient, struct err *err)
{
	struct ds_live *l = calloc(1, sizeof *l);

	if (l && (l->decoder = ds_decoder_new())) {
		l->shape = *shape;
		if (lenient)
			ds_decoder_lenient(l->decoder);
		return l;
	}
	free(l);
	err_memory(err);
	return NULL;
}

void ds_live_free(struct ds_live *l)
{
	if (!l)
		return;
	ds_decoder_free(l->decoder);
	ds_pixels_release(&l->p);
	ds_pixels_release(&l->spare);
	ds_bytes_release(&l->file);
	ds_bytes_release(&l->planes);
	free(l);
}

/* Makes a row of the picture in l->p. */
static int make_row(struct ds_live *l, const char *name, struct ds_row *row, struct err *err)
{
	const int c = l->shape.gray ? 1 : 3;
	size_t bytes;

	if (ds_reshape(&l->p, &l->spare, &l->shape, err) < 0)
		return -1;
	bytes = (size_t)c * (size_t)l->p.h * (size_t)l->p.w;
	for (l->planes.n = 0; l->planes.cap < bytes; l->planes.n = l->planes.cap)
		if (ds_bytes_grow(&l->planes, SIZE_MAX - 1, err) < 0)
			return -1;
	ds_pixels_planes(&l->p, c, l->planes.p);
	*row = (struct ds_row){ .name = name, .label = -1, .c = c, .h = l->p.h, .w = l->p.w, .image = l->planes.p };
	return 0;
}

int ds_live_file(struct ds_live *l, const char *path, struct ds_row *row, struct err *err)
{
	if (ds_bytes_load_picture(path, &l->file, err) < 0 ||
	    ds_decoder_run(l->decoder, l->file.p, l->file.n, ds_shape_at_least(&l->shape), &l->p, err) < 0 ||
	    make_row(l, path, row, err) < 0)
		return err_prefix(err, "'" ERR_NAME "': ", path);
	row->is_short = ds_decoder_short(l->decoder);
	return 0;
}

int ds_live_frame(struct ds_live *l, const uint8_t *rgb, int h, int w, const char *name, struct ds_row *row,
		  struct err *err)
{
	if (ds_pixels_resize(&l->p, h, w, err) < 0)
		return -1;
	memcpy(l->p.rgb, rgb, 3 * (size_t)h * (size_t)w);
	return make_row(l, name, row, err);
}
