/* SPDX-License-Identifier: MIT
 * FGSM (Goodfellow, Shlens, Szegedy, ICLR 2015, section 4): pixels after a step up the loss of their labels, clamped to
 * what pixels can be. No column, but what all of the pass sees. */
#include <inttypes.h>
#include <stdlib.h>

#include "num/num_softmax.h"
#include "um/embed/um_extra_internal.h"

/* dCE/dlogits of the labels, in place of the logits (n,C). */
static int to_gradients(const struct um_pass *p, uint64_t row, float *z, struct err *err)
{
	const size_t C = (size_t)p->net->classes;
	double *q = malloc(C * sizeof *q);
	int rc = q ? 0 : err_memory(err);

	for (size_t i = 0; i < p->n && rc == 0; i++, z += C) {
		const int64_t y = p->label ? p->label[i] : -1;

		if (y < 0 || y >= (int64_t)C) {
			rc = err_fail(err,
				      "row %" PRIu64 ": FGSM needs a label of the model's classes; this one has none",
				      row + i);
			break;
		}
		num_softmax(z, C, 1, q);
		for (size_t c = 0; c < C; c++)
			z[c] = (float)(q[c] - (c == (size_t)y));
	}
	free(q);
	return rc;
}

int um_pass_attack(const struct um_pass *p, double eps, uint64_t row, float *pixels, struct err *err)
{
	const size_t count = p->n * net_node_size(&p->net->nodes[0]);
	const double step[4] = { eps, eps, eps, eps };
	float *z = malloc(p->n * (size_t)p->net->classes * sizeof *z), *g = malloc(count * sizeof *g);
	int rc = z && g ? 0 : err_memory(err);

	if (rc == 0)
		rc = um_exec_forward(p->exec, pixels, p->n, UM_EVALUATION, 0, true, z, NULL, err);
	if (rc == 0)
		rc = to_gradients(p, row, z, err);
	if (rc == 0)
		rc = um_exec_backward(p->exec, z, NULL, g, false, err);
	if (rc == 0) {
		um_pass_step(p, g, step, pixels);
		for (size_t i = 0; i < count; i++)
			pixels[i] = pixels[i] < 0 ? 0 : pixels[i] > 255 ? 255 : pixels[i];
	}
	free(z);
	free(g);
	return rc;
}
