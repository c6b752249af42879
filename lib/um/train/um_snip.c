/* SPDX-License-Identifier: MIT
 * SNIP: the sensitivity of the loss to each weight, from one pass over the images. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "um/um.h"

/* Backpropagates the cross-entropy of n rows, weighed by their share; gradients add up. */
static int add_gradient(struct um_model *m, const struct um_data *d, size_t from, size_t n, struct err *err)
{
	const size_t row = (size_t)d->c * (size_t)d->h * (size_t)d->w;
	const size_t shape[4] = { n, (size_t)d->c, (size_t)d->h, (size_t)d->w };
	struct th_scope *s = th->scope_begin(true);
	struct th_tensor *x = th->from_host(s, TH_U8, 4, shape, d->image + from * row);
	struct th_tensor *y = th->from_host(s, TH_I64, 1, shape, d->label + from);
	struct th_tensor *ce = th->cross_entropy(s, um_forward(s, m, x, false, NULL), y, 0);

	th->backward(s, th->affine(s, ce, (double)n / (double)d->n, 0));
	if (th->scope_end(s) < 0)
		return err_fail(err, "%s", th->last_error());
	return 0;
}

int um_snip(struct um_model *m, const struct um_data *d, long batch, float *const *sensitivity, struct err *err)
{
	const struct net *net = m->net;
	int rc = 0;

	for (int i = 0; i < net->n_params && rc == 0; i++)
		if (sensitivity[i])
			rc = th->tensor_track(m->v[i].t);
	if (rc < 0)
		err_fail(err, "%s", th->last_error());
	for (size_t i = 0; i < d->n && rc == 0; i += (size_t)batch)
		rc = add_gradient(m, d, i, d->n - i < (size_t)batch ? d->n - i : (size_t)batch, err);
	for (int i = 0; i < net->n_params && rc == 0; i++) {
		size_t n = 1;
		float *w;

		if (!sensitivity[i])
			continue;
		for (int k = 0; k < net->params[i].ndim; k++)
			n *= net->params[i].shape[k];
		w = malloc(n * sizeof *w);
		if (!w)
			rc = err_memory(err);
		else if (th->tensor_get(m->v[i].t, w) < 0 || th->tensor_grad(m->v[i].t, sensitivity[i]) < 0)
			rc = err_fail(err, "%s", th->last_error());
		for (size_t k = 0; rc == 0 && k < n; k++)
			sensitivity[i][k] = fabsf(sensitivity[i][k] * w[k]);
		free(w);
	}
	return rc;
}
