/* SPDX-License-Identifier: MIT
 * SNIP (Lee, Ajanthan, Torr, ICLR 2019): how much the loss changes, to first order, if a weight is removed: |w dL/dw|,
 * where L is the mean cross-entropy over all images, not augmented. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "um/loss/um_loss.h"
#include "um/um_internal.h"

/* Goes back from the cross-entropy of rows from..from+n, weighted by their share; gradients add up. z, dz: (n,C). */
static int add_gradient(struct um_model *m, const struct um_data *d, size_t from, size_t n, float *z, float *dz,
			struct err *err)
{
	const size_t row = net_node_size(&m->net->nodes[0]), C = (size_t)m->net->classes;

	if (um_model_forward(m, d->image + from * row, n, UM_EVALUATION, true, z, NULL, err) < 0)
		return -1;
	memset(dz, 0, n * C * sizeof *dz);
	(void)um_loss_cross_entropy(z, d->label + from, n, C, 0, (double)n / (double)d->n, dz);
	return um_model_backward(m, dz, from > 0, err);
}

int um_snip(struct um_model *m, const struct um_data *d, float *const *sensitivity, struct err *err)
{
	const size_t C = (size_t)m->net->classes, batch = um_exec_batch(m->exec);
	float *z = malloc(2 * batch * C * sizeof *z);
	int rc = z ? 0 : err_memory(err);

	for (size_t i = 0; i < d->n && rc == 0; i += batch)
		rc = add_gradient(m, d, i, d->n - i < batch ? d->n - i : batch, z, z + batch * C, err);
	for (int i = 0; i < m->net->n_params && rc == 0; i++)
		for (size_t k = 0; sensitivity[i] && k < m->v[i].n; k++)
			sensitivity[i][k] = fabsf(m->v[i].gradient[k] * m->v[i].v[k]);
	free(z);
	return rc;
}
