/* SPDX-License-Identifier: MIT
 * Shared by the methods: lists of steps, and columns of a pass. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "um/embed/um_extra_internal.h"

int um_eps_list(const char *text, const char *what, double *v, struct err *err)
{
	char *end;
	int n = 0;

	for (const char *p = text;; p = end + 1) {
		char name[32], other[32];

		if (n == UM_MAX_EPS)
			return err_fail(err, "%s: more than %d values", what, UM_MAX_EPS);
		v[n] = strtod(p, &end);
		if (end == p || (*end && *end != ',') || !(v[n] >= 0 && v[n] <= 1))
			return err_fail(err, "%s: '%s' is not a list of numbers from 0 to 1", what, text);
		snprintf(name, sizeof name, "%g", v[n]);
		for (int i = 0; i < n; i++) {
			snprintf(other, sizeof other, "%g", v[i]);
			if (strcmp(name, other) == 0)
				return err_fail(err, "%s: %s appears twice", what, name);
		}
		n++;
		if (!*end)
			return n;
	}
}

int um_pass_add(struct ts_header *to, const char *name, int ndim, const size_t *shape, struct err *err)
{
	if (ts_header_field(to, name))
		return err_fail(err, "has a field '%s' that um-embed writes itself", name);
	return ts_header_add(to, name, TS_F32, ndim, shape) < 0 ? err_memory(err) : 0;
}

float *um_pass_column(const struct um_pass *p, size_t k)
{
	const struct ts_col *c = &p->out->cols[p->first + k];

	return (float *)((char *)c->data + p->at * c->row);
}

void um_pass_step(const struct um_pass *p, const float *g, const double step[4], float *to)
{
	const size_t C = (size_t)p->net->c, P = net_node_size(&p->net->nodes[0]) / C;

	for (size_t i = 0; i < p->n; i++)
		for (size_t c = 0; c < C; c++) {
			const float by = (float)(255 * step[c]);
			const size_t at = (i * C + c) * P;

			for (size_t k = at; k < at + P; k++)
				to[k] = g[k] >= 0 ? p->pixels[k] + by : p->pixels[k] - by;
		}
}
