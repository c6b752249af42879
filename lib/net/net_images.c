/* SPDX-License-Identifier: MIT
 * Do images fit a network's input? */
#include "net/net.h"
#include "ts/ts_images.h"

int net_check_input(const struct net *n, int c, int h, int w, struct err *err)
{
	if (c == n->c && h == n->h && w == n->w)
		return 0;
	return err_fail(err, "holds images of %dx%dx%d where the model takes %dx%dx%d; ds-pack --size makes them fit",
			c, h, w, n->c, n->h, n->w);
}

int net_check_images(const struct net *n, struct ts_reader *r)
{
	const struct ts_field *f = ts_images_field(r);
	struct err err;

	if (!f)
		return -1;
	if (net_check_input(n, (int)f->shape[0], (int)f->shape[1], (int)f->shape[2], &err) < 0)
		return ts_reader_fail(r, "%s", err.text);
	return 0;
}
