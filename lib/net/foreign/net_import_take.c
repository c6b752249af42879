/* SPDX-License-Identifier: MIT
 * Takes a network's tensors from those of a file. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/foreign/net_foreign_internal.h"
#include "net/foreign/net_import_internal.h"

void net_import_say(struct net_importing *im, bool wrong, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	im->wrong += wrong;
	if (!im->how->say)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	im->how->say(wrong && !im->how->partial, line);
}

bool net_import_same_shape(const struct ts_tensor *t, int ndim, const size_t *shape)
{
	const int both = t->ndim < ndim ? t->ndim : ndim;
	size_t a = 1, b = 1;

	if (t->ndim == 4 && ndim == 2) /* for a map that is flattened channel by channel */
		return t->shape[0] == shape[0] && t->shape[1] * t->shape[2] * t->shape[3] == shape[1];

	for (int i = both; i < t->ndim; i++)
		a *= t->shape[i];
	for (int i = both; i < ndim; i++)
		b *= shape[i];
	if (a != 1 || b != 1)
		return false;
	for (int i = 0; i < both; i++)
		a *= t->shape[i], b *= shape[i];
	return (a == 1 && b == 1) || memcmp(t->shape, shape, (size_t)both * sizeof *shape) == 0;
}

bool net_import_fits(struct net_importing *im, const char *name, int ndim, const size_t *shape)
{
	const struct ts_tensor *t = ts_set_get(im->state, name);
	char have[TS_SHAPE], want[TS_SHAPE];

	im->taken[t - im->state->t] = true;
	if (net_import_same_shape(t, ndim, shape))
		return true;
	net_import_say(im, true, "misshapen: tensor '%s' is %s, the architecture has %s", name,
		       ts_shape_text(t->ndim, t->shape, have), ts_shape_text(ndim, shape, want));
	return false;
}

bool net_import_move(struct net_importing *im, const char *name, struct ts_tensor *to)
{
	const struct ts_tensor *t = ts_set_get(im->state, name);
	const size_t count = ts_tensor_count(to);

	if (!net_import_fits(im, name, to->ndim, to->shape))
		return false;
	for (size_t i = 0; i < count; i++) {
		const double v = ts_get(t->type, t->data, i);

		if (to->type == TS_F32)
			((float *)to->data)[i] = (float)v;
		else if (to->type == TS_U8)
			((uint8_t *)to->data)[i] = v == 0 ? 0 : v == 1 ? 1 : 2;
		else
			((int64_t *)to->data)[i] = v > -9e15 && v < 9e15 ? (int64_t)v : 0;
	}
	return true;
}
