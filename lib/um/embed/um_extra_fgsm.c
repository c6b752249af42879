/* SPDX-License-Identifier: MIT
 * FGSM (Goodfellow, Shlens, Szegedy, ICLR 2015, section 4): pixels after a step up the loss of their labels, clamped to
 * what pixels can be. Adds no column; the whole pass sees these pixels. */
#include <inttypes.h>
#include <stdlib.h>

#include "um/embed/um_extra_internal.h"
#include "um/loss/um_loss.h"

/* Checks that each image has a label of the model's classes. */
static int check_labels(const struct um_pass *p, uint64_t row, struct err *err)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->label || p->label[i] < 0 || p->label[i] >= p->net->classes)
			return err_fail(err,
					"row %" PRIu64 ": FGSM needs a label of the model's classes; this one has none",
					row + i);
	return 0;
}

int um_pass_attack(const struct um_pass *p, double eps, uint64_t row, float *pixels, struct err *err)
{
	const size_t count = p->n * net_node_size(&p->net->nodes[0]), C = (size_t)p->net->classes;
	const double step[4] = { eps, eps, eps, eps };
	float *z = malloc(p->n * C * sizeof *z), *dz = calloc(p->n * C, sizeof *dz), *g = malloc(count * sizeof *g);
	int rc = z && dz && g ? check_labels(p, row, err) : err_memory(err);

	if (rc == 0)
		rc = um_exec_forward(p->exec, pixels, p->n, UM_EVALUATION, 0, true, z, NULL, err);
	if (rc == 0) { /* the loss of each image, not their mean */
		um_loss_cross_entropy(z, p->label, p->n, C, 0, (double)p->n, dz);
		rc = um_exec_backward(p->exec, dz, NULL, g, false, err);
	}
	if (rc == 0) {
		um_pass_step(p, g, step, pixels);
		for (size_t i = 0; i < count; i++)
			pixels[i] = pixels[i] < 0 ? 0 : pixels[i] > 255 ? 255 : pixels[i];
	}
	free(z);
	free(dz);
	free(g);
	return rc;
}
