/* SPDX-License-Identifier: MIT
 * Do images fit a network's input, and their labels its classes? */
#include <stdio.h>

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

int net_check_labels(const struct net *n, struct ts_reader *r, const int64_t *label, size_t rows, int least)
{
	for (size_t i = 0; i < rows; i++)
		if (label[i] < least || label[i] >= n->classes)
			return ts_reader_fail(r, "row %llu: label %lld is out of range for a model of %d classes",
					      (unsigned long long)(ts_reader_rows(r) - rows + i), (long long)label[i],
					      n->classes);
	return 0;
}

int net_check_classes(const struct net *n, size_t n_classes, struct err *err)
{
	if (n_classes <= (size_t)n->classes)
		return 0;
	return err_fail(err, "labels up to %zu are out of range for a model of %d classes", n_classes - 1, n->classes);
}

bool net_same_classes(const struct net *n, char *const *own, char *const *names, size_t n_names, char *why)
{
	if (names && n_names != (size_t)n->classes)
		snprintf(why, NET_WHY, "there are %zu classes, the model has %d", n_names, n->classes);
	else if (!ts_same_classes(names, n_names, own, (size_t)n->classes))
		snprintf(why, NET_WHY, "its classes are not the model's");
	else
		return true;
	return false;
}
